//! What is sold, as data: plans with their limits, the price of a credit, what runs cost, and who sells.
//!
//! The defaults stand in `tariff.toml` beside this file; the operator's own file replaces them value by value.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::{
    money::{Credits, Currency},
    plan::{Allowance, MB, Plan},
};
use crate::{Error, Result};

/// The defaults.
const DEFAULTS: &str = include_str!("tariff.toml");
/// The name of the embedded model in the price list.
pub const EXTRACTIVE: &str = "extractive";

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A visitor's question.
    WidgetMessage,
    /// A question in a conversation that a program leads.
    AgentChat,
    /// A single run that a program asks for.
    AgentExecute,
    /// Fields out of a document.
    DocumentExtraction,
}

impl Operation {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WidgetMessage => "widget_message",
            Self::AgentChat => "agent_chat",
            Self::AgentExecute => "agent_execute",
            Self::DocumentExtraction => "document_extraction",
        }
    }
}

/// What a model costs at an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// For each run.
    pub run: Credits,
    /// Millionths of a credit for a token that a model was given.
    pub input: i64,
    /// Millionths of a credit for a token that it wrote.
    pub output: i64,
}

impl Price {
    /// What a run costs that made so many tokens; thousandths are rounded up.
    pub fn of(&self, tokens_input: i64, tokens_output: i64) -> Credits {
        let each = |tokens: i64, price: i64| tokens.max(0).saturating_mul(price);
        let millionths = each(tokens_input, self.input).saturating_add(each(tokens_output, self.output));
        // The quotient is below the largest number by far, so adding one cannot overflow.
        self.run + Credits::of_thousandths(millionths / 1000 + i64::from(millionths % 1000 > 0))
    }
}

/// A line of the price list.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The operation, or `*`.
    pub operation: String,
    /// The model, or `*`.
    pub model: String,
    /// What it costs.
    pub price: Price,
}

/// Who sends the invoices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seller {
    /// The name.
    pub name: String,
    /// The lines of the address.
    pub address: Vec<String>,
    /// The country by its two letters; empty when it does not matter.
    pub country: String,
    /// The VAT id; empty when there is none.
    pub vat_id: String,
    /// The rate of tax, in hundredths of a per cent.
    pub tax_rate: i64,
    /// What stands before the numbers of invoices.
    pub invoice_prefix: String,
    /// Another font for invoices.
    pub font: Option<String>,
}

/// What is sold, and for how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    /// What amounts are in.
    pub currency: Currency,
    /// What one credit costs, in millionths of the currency.
    pub credit_price: i64,
    /// Credits that are bought at once at most.
    pub max_topup: i64,
    /// The price list; the first line that fits is taken.
    pub prices: Vec<Line>,
    /// Who sells.
    pub seller: Seller,
    plans: [Allowance; Plan::ALL.len()],
}

impl Default for Tariff {
    fn default() -> Self {
        Self::read("").expect("the defaults are tested")
    }
}

impl Tariff {
    /// The defaults with what an operator's file changes of them.
    ///
    /// # Errors
    /// Invalid, saying which value is wrong.
    pub fn read(text: &str) -> Result<Self> {
        let parse = |text: &str| {
            text.parse::<Table>().map_err(|error| Error::bad_request(error.to_string().replace('\n', " ")))
        };
        let mut table = parse(DEFAULTS)?;
        merge(&mut table, parse(text)?);
        let file: File = Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| Error::bad_request(error.message().to_owned()))?;
        file.check()
    }

    /// What a plan allows.
    pub fn plan(&self, plan: Plan) -> &Allowance {
        &self.plans[plan as usize]
    }

    /// What a model costs at an operation; nothing when no line fits.
    pub fn price(&self, operation: Operation, model: &str) -> Price {
        let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        let line = self
            .prices
            .iter()
            .find(|line| fits(&line.operation, operation.as_str()) && fits(&line.model, model));
        line.map_or_else(Price::default, |line| line.price)
    }

    /// What credits cost before tax, in the least unit of the currency, rounded up.
    pub fn net(&self, credits: i64) -> i64 {
        let millionths =
            i128::from(credits) * i128::from(self.credit_price) * i128::from(self.currency.unit());
        i64::try_from((millionths + 999_999) / 1_000_000).unwrap_or(i64::MAX)
    }

    /// What credits are worth, in millionths of the currency.
    pub fn worth(&self, credits: Credits) -> i64 {
        let worth = i128::from(credits.thousandths()) * i128::from(self.credit_price) / 1000;
        i64::try_from(worth).unwrap_or(i64::MAX)
    }
}

/// Puts the values of one table into another; tables in it are put together likewise.
fn merge(into: &mut Table, from: Table) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: String,
    credit_price: f64,
    max_topup: i64,
    plans: BTreeMap<String, PlanTable>,
    prices: Vec<PriceTable>,
    seller: SellerTable,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PlanTable {
    price: f64,
    requests_per_minute: u32,
    key_requests_per_hour: u32,
    messages_per_month: u32,
    credits_per_month: u32,
    agents: u32,
    documents: u32,
    storage_mb: u32,
    seats: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceTable {
    operation: String,
    model: String,
    #[serde(default)]
    run: f64,
    #[serde(default)]
    input: f64,
    #[serde(default)]
    output: f64,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct SellerTable {
    name: String,
    address: String,
    country: String,
    vat_id: String,
    tax_rate: f64,
    invoice_prefix: String,
    font: String,
}

impl File {
    fn check(self) -> Result<Tariff> {
        let currency = Currency::new(&self.currency)
            .ok_or_else(|| Error::bad_request("currency is the three letters of one, such as EUR"))?;
        if let Some(unknown) = self.plans.keys().find(|name| name.parse::<Plan>().is_err()) {
            let message = format!("plans.{unknown}: a plan is FREE, STARTER, PROFESSIONAL or ENTERPRISE");
            return Err(Error::bad_request(message));
        }
        let mut plans = [Allowance::default(); Plan::ALL.len()];
        for plan in Plan::ALL {
            let table = self.plans.get(plan.as_str()).copied().unwrap_or_default();
            plans[plan as usize] = table.check(&format!("plans.{plan}.price"), &currency)?;
        }
        if !(1..=1_000_000_000).contains(&self.max_topup) {
            return Err(Error::bad_request("max_topup is a number from 1 to 1000000000"));
        }
        let seller = self.seller;
        Ok(Tariff {
            credit_price: scaled("credit_price", self.credit_price, 1e6)?,
            max_topup: self.max_topup,
            prices: self.prices.into_iter().map(PriceTable::check).collect::<Result<_>>()?,
            seller: Seller {
                name: seller.name,
                address: seller
                    .address
                    .split(',')
                    .map(str::trim)
                    .filter(|l| !l.is_empty())
                    .map(str::to_owned)
                    .collect(),
                country: seller.country.to_ascii_uppercase(),
                vat_id: seller.vat_id,
                tax_rate: scaled("seller.tax_rate", seller.tax_rate, 100.0)?,
                invoice_prefix: seller.invoice_prefix,
                font: Some(seller.font).filter(|font| !font.is_empty()),
            },
            currency,
            plans,
        })
    }
}

impl PlanTable {
    fn check(self, price: &str, currency: &Currency) -> Result<Allowance> {
        let limit = |number: u32| (number > 0).then(|| i64::from(number));
        let rate = |number: u32| (number > 0).then_some(number);
        Ok(Allowance {
            price: scaled(price, self.price, currency.unit() as f64)?,
            requests_per_minute: rate(self.requests_per_minute),
            key_requests_per_hour: rate(self.key_requests_per_hour),
            credits: i64::from(self.credits_per_month),
            messages: limit(self.messages_per_month),
            agents: limit(self.agents),
            documents: limit(self.documents),
            storage: limit(self.storage_mb).map(|mb| mb * MB),
            seats: limit(self.seats),
        })
    }
}

impl PriceTable {
    fn check(self) -> Result<Line> {
        let price = Price {
            run: Credits::of_thousandths(scaled("prices.run", self.run, 1e3)?),
            // A thousandth of what a thousand tokens cost, in millionths.
            input: scaled("prices.input", self.input, 1e3)?,
            output: scaled("prices.output", self.output, 1e3)?,
        };
        Ok(Line { operation: self.operation, model: self.model, price })
    }
}

/// A number of a file in its least unit.
fn scaled(name: &str, number: f64, by: f64) -> Result<i64> {
    if (0.0..=1e9).contains(&number) {
        return Ok((number * by).round() as i64);
    }
    Err(Error::bad_request(format!("{name} is a number from 0 to 1000000000")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_documents_tables() {
        let tariff = Tariff::default();
        let rates = |plan| {
            (
                tariff.plan(plan).requests_per_minute,
                tariff.plan(plan).key_requests_per_hour,
                tariff.plan(plan).messages,
            )
        };
        assert_eq!(rates(Plan::Free), (Some(60), Some(1_000), Some(100)));
        assert_eq!(rates(Plan::Starter), (Some(120), Some(1_000), Some(2_000)));
        assert_eq!(rates(Plan::Professional), (Some(300), Some(10_000), Some(10_000)));
        assert_eq!(rates(Plan::Enterprise), (None, Some(10_000), None));
        assert_eq!(tariff.plan(Plan::Enterprise).credits, 50_000);
        assert_eq!(tariff.plan(Plan::Enterprise).agents, None);
        assert_eq!(tariff.plan(Plan::Free).storage, Some(100 * MB));
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let tariff =
            Tariff::read("currency = \"eur\"\n[plans.FREE]\nagents = 7\n[seller]\ntax_rate = 7.7").unwrap();
        assert_eq!(tariff.currency.code(), "EUR");
        assert_eq!(tariff.plan(Plan::Free).agents, Some(7));
        assert_eq!(tariff.plan(Plan::Free).messages, Some(100));
        assert_eq!(tariff.seller.tax_rate, 770);
        assert_eq!(tariff.prices, Tariff::default().prices);
        for (wrong, told) in [
            ("curency = \"EUR\"", "unknown field"),
            ("currency = \"EURO\"", "three letters"),
            ("[plans.GOLD]\nagents = 1", "plans.GOLD"),
            ("credit_price = -1", "credit_price is a number"),
            ("[plans.FREE]\nagents = -1", "invalid value"),
        ] {
            let message = Tariff::read(wrong).unwrap_err().message;
            assert!(message.contains(told), "{wrong}: {message}");
        }
    }

    #[test]
    fn the_first_line_that_fits_is_the_price() {
        let tariff = Tariff::default();
        let price = |operation, model| tariff.price(operation, model);
        assert_eq!(price(Operation::WidgetMessage, EXTRACTIVE).of(0, 0), Credits::ZERO);
        assert_eq!(price(Operation::AgentExecute, EXTRACTIVE).of(0, 0), Credits::whole(1));
        // 1 + 2 × 0.1 + 0.3 × 0.5
        let written = price(Operation::WidgetMessage, "gpt-4").of(2_000, 300);
        assert_eq!(written, Credits::of_thousandths(1_350));
        let one_token = price(Operation::AgentChat, "gpt-4").of(1, 0);
        assert_eq!(one_token, Credits::of_thousandths(1_001), "a part of a thousandth counts as one");
        assert_eq!(Price { input: i64::MAX, ..Price::default() }.of(9, 9).thousandths(), i64::MAX / 1000 + 1);
    }

    #[test]
    fn credits_have_a_price() {
        let tariff = Tariff::default();
        assert_eq!(tariff.net(1_000), 1_000, "ten dollars in cents");
        assert_eq!(tariff.worth(Credits::whole(5)), 50_000);
        let odd = Tariff::read("credit_price = 0.0034").unwrap();
        assert_eq!(odd.net(1), 1, "a part of a cent is a cent");
        assert_eq!(odd.net(1_000), 340);
    }
}
