//! Invoices: numbered without gaps, with the tax that the seller's and the buyer's places ask for, and kept as they
//! were issued whatever changes later.

use ::store::Write;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::FromRow;

use super::{pdf, store, subscription, tariff};
use crate::{
    Actor, App, Error, InvoiceId, Page, Paged, Result, Tenant,
    audit::{self, Event},
};

/// Longest line of an address, and longest name, in characters.
const MAX_LINE: usize = 100;
/// Lines of an address.
const MAX_LINES: usize = 5;
/// The union in which a business that buys from another country owes the tax itself (directive 2006/112/EC, article
/// 196), by the letters of its VAT ids; Greece's are not those of the country.
const UNION: [(&str, &str); 27] = [
    ("AT", "AT"),
    ("BE", "BE"),
    ("BG", "BG"),
    ("CY", "CY"),
    ("CZ", "CZ"),
    ("DE", "DE"),
    ("DK", "DK"),
    ("EE", "EE"),
    ("ES", "ES"),
    ("FI", "FI"),
    ("FR", "FR"),
    ("GR", "EL"),
    ("HR", "HR"),
    ("HU", "HU"),
    ("IE", "IE"),
    ("IT", "IT"),
    ("LT", "LT"),
    ("LU", "LU"),
    ("LV", "LV"),
    ("MT", "MT"),
    ("NL", "NL"),
    ("PL", "PL"),
    ("PT", "PT"),
    ("RO", "RO"),
    ("SE", "SE"),
    ("SI", "SI"),
    ("SK", "SK"),
];

/// A party to an invoice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Buyer {
    /// The name; of the workspace when empty.
    pub name: String,
    /// The lines of the address.
    pub address: Vec<String>,
    /// The country by its two letters; empty when unknown.
    pub country: String,
    /// The VAT id; empty when there is none.
    pub vat_id: String,
}

impl Buyer {
    /// Checks and tidies what somebody wrote.
    ///
    /// # Errors
    /// Invalid, naming the field.
    pub fn checked(self) -> Result<Self> {
        let line = |field: &'static str, text: &str| {
            let text = text.trim();
            if text.chars().count() > MAX_LINE {
                return Err(Error::invalid(
                    field,
                    format!("{field} has at most {MAX_LINE} characters a line."),
                ));
            }
            if text.chars().any(char::is_control) {
                return Err(Error::invalid(field, format!("{field} holds control characters.")));
            }
            Ok(text.to_owned())
        };
        let address = self.address.iter().map(|text| line("address", text)).collect::<Result<Vec<_>>>()?;
        let address: Vec<String> = address.into_iter().filter(|text| !text.is_empty()).collect();
        if address.len() > MAX_LINES {
            return Err(Error::invalid("address", format!("address has at most {MAX_LINES} lines.")));
        }
        let country = self.country.trim().to_ascii_uppercase();
        let is_code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic());
        if !(country.is_empty() || is_code) {
            return Err(Error::invalid("country", "country is the two letters of one, such as NO."));
        }
        let vat_id: String = self
            .vat_id
            .chars()
            .filter(|c| !matches!(c, ' ' | '.' | '-'))
            .collect::<String>()
            .to_ascii_uppercase();
        check_vat_id(&vat_id, &country)?;
        Ok(Self { name: line("name", &self.name)?, address, country, vat_id })
    }
}

/// Whether a VAT id can be one of the country. That it exists is not asked.
fn check_vat_id(vat_id: &str, country: &str) -> Result<()> {
    if vat_id.is_empty() {
        return Ok(());
    }
    let well_formed = (4..=20).contains(&vat_id.len())
        && vat_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'*');
    let prefix = UNION.iter().find(|(name, _)| *name == country).map(|(_, prefix)| *prefix);
    if well_formed && prefix.is_none_or(|prefix| vat_id.starts_with(prefix)) {
        return Ok(());
    }
    let message = match prefix {
        Some(prefix) => format!("vat_id is not one of this country; it begins with {prefix}."),
        None => "vat_id has 4 to 20 letters and digits.".to_owned(),
    };
    Err(Error::invalid("vat_id", message))
}

/// What is paid for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// In words.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// What all of them cost before tax, in the least unit of the currency.
    pub net: i64,
}

impl Line {
    pub(super) fn new(description: String, net: i64) -> Self {
        Self { description, quantity: 1, net }
    }
}

/// An invoice as it was issued. Amounts are in the least unit of its currency.
#[derive(Clone, Debug, FromRow)]
pub struct Invoice {
    /// The invoice.
    pub id: InvoiceId,
    /// Its place in the series.
    pub number: i64,
    /// The number as it is printed.
    pub label: String,
    /// paid
    pub status: String,
    /// What amounts are in.
    pub currency: String,
    /// What is paid for.
    #[sqlx(json)]
    pub lines: Vec<Line>,
    /// Before tax.
    pub net: i64,
    /// The rate, in hundredths of a per cent.
    pub tax_rate: i64,
    /// The tax.
    pub tax: i64,
    /// With tax.
    pub total: i64,
    /// Why there is no tax.
    pub note: Option<String>,
    /// Who sells.
    #[sqlx(json)]
    pub seller: Buyer,
    /// Who buys.
    #[sqlx(json)]
    pub buyer: Buyer,
    /// What was paid: a purchase, a period, a provider's invoice.
    pub reference: String,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
}

/// The tax of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tax {
    /// The rate, in hundredths of a per cent.
    pub rate: i64,
    /// Why it is none.
    pub note: Option<&'static str>,
}

impl Tax {
    /// The tax on a sale by where both are.
    pub fn on(seller: &tariff::Seller, buyer: &Buyer) -> Self {
        let within = |country: &str| UNION.iter().any(|(name, _)| *name == country);
        if within(&seller.country) && !buyer.country.is_empty() && buyer.country != seller.country {
            if !within(&buyer.country) {
                return Self { rate: 0, note: Some("Not subject to VAT in the European Union.") };
            }
            if !buyer.vat_id.is_empty() {
                return Self { rate: 0, note: Some("Reverse charge: the recipient owes the VAT.") };
            }
        }
        Self { rate: seller.tax_rate, note: None }
    }

    /// The tax on an amount, rounded to the nearest unit.
    pub fn of(&self, net: i64) -> i64 {
        let hundredths = i128::from(net) * i128::from(self.rate);
        i64::try_from((hundredths + 5_000).div_euclid(10_000)).unwrap_or(i64::MAX)
    }
}

/// Two days as an invoice writes them.
pub(super) fn days(from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    format!("{} to {}", from.format("%Y-%m-%d"), until.format("%Y-%m-%d"))
}

/// Issues an invoice over lines that are paid, as part of the change that they follow from. There is one for each
/// reference: a second call does nothing.
///
/// # Errors
/// What the database says.
pub(super) async fn issue(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    buyer: &Buyer,
    (lines, reference): (Vec<Line>, &str),
) -> Result<()> {
    let tax = Tax::on(&app.config.tariff.seller, buyer);
    let net = lines.iter().map(|line| line.net).sum();
    let amounts = Amounts { net, tax: tax.of(net), tax_rate: tax.rate, note: tax.note.map(str::to_owned) };
    issue_with(app, db, tenant, buyer, (lines, amounts, app.config.tariff.currency.code(), reference)).await
}

/// Amounts of an invoice.
pub(super) struct Amounts {
    pub net: i64,
    pub tax: i64,
    pub tax_rate: i64,
    pub note: Option<String>,
}

/// [`issue`] with amounts that somebody else has worked out.
pub(super) async fn issue_with(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    buyer: &Buyer,
    (lines, amounts, currency, reference): (Vec<Line>, Amounts, &str, &str),
) -> Result<()> {
    if store::has_invoice(db, tenant, reference).await? {
        return Ok(());
    }
    let now = app.clock.now();
    let mut buyer = buyer.clone();
    if buyer.name.is_empty() {
        buyer.name = store::owner(db, tenant).await?.map(|(_, name)| name).unwrap_or_default();
    }
    let seller = &app.config.tariff.seller;
    let number = store::next_number(db).await?;
    let invoice = Invoice {
        id: InvoiceId::new(now, app.entropy),
        number,
        label: format!("{}{number:06}", seller.invoice_prefix),
        status: "paid".into(),
        currency: currency.to_ascii_uppercase(),
        lines,
        net: amounts.net,
        tax_rate: amounts.tax_rate,
        tax: amounts.tax,
        total: amounts.net + amounts.tax,
        note: amounts.note,
        seller: Buyer {
            name: seller.name.clone(),
            address: seller.address.clone(),
            country: seller.country.clone(),
            vat_id: seller.vat_id.clone(),
        },
        buyer,
        reference: reference.to_owned(),
        created_at: now,
    };
    store::insert_invoice(db, tenant, &invoice).await?;
    let details = json!({ "number": invoice.label, "total": invoice.total, "currency": invoice.currency });
    let event = Event::new("invoice.issued", invoice.id.as_str()).with(details);
    audit::record(app, db, tenant, &Actor::system(), event).await
}

/// A part of a workspace's invoices, latest first.
///
/// # Errors
/// What the database says.
pub async fn invoices(app: &App, tenant: &Tenant, page: Page) -> Result<Paged<Invoice>> {
    store::invoices(&mut app.db.read().await?, tenant, page).await
}

/// An invoice.
///
/// # Errors
/// Not found when the workspace has no such invoice.
pub async fn invoice(app: &App, tenant: &Tenant, id: &InvoiceId) -> Result<Invoice> {
    let found = store::invoice(&mut app.db.read().await?, tenant, id).await?;
    found.ok_or_else(|| Error::not_found("There is no such invoice."))
}

/// An invoice as a PDF: the name of the file, and its bytes.
///
/// # Errors
/// Not found when the workspace has no such invoice; internal when the font cannot be read.
pub async fn invoice_pdf(app: &App, tenant: &Tenant, id: &InvoiceId) -> Result<(String, Vec<u8>)> {
    let invoice = invoice(app, tenant, id).await?;
    let name = format!("invoice-{}.pdf", invoice.label.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let font = app.config.tariff.seller.font.clone();
    // Cutting the font down takes a while.
    let made = tokio::task::spawn_blocking(move || pdf::write(&invoice, font.as_deref()));
    Ok((name, made.await.map_err(Error::internal)??))
}

/// Whom a workspace's invoices are for.
///
/// # Errors
/// What the database says.
pub async fn buyer(app: &App, tenant: &Tenant) -> Result<Buyer> {
    Ok(subscription::overview(app, tenant).await?.subscription.buyer)
}

/// Changes whom invoices to come are for.
///
/// # Errors
/// Invalid, naming the field.
pub async fn set_buyer(app: &App, tenant: &Tenant, by: &Actor, buyer: Buyer) -> Result<Buyer> {
    let buyer = buyer.checked()?;
    let mut db = app.db.write().await?;
    let mut subscription = subscription::held(app, &mut db, tenant).await?;
    subscription.buyer = buyer.clone();
    store::update_subscription(&mut db, tenant, &subscription, app.clock.now()).await?;
    let event = Event::new("billing_details.changed", tenant.id().as_str());
    audit::record(
        app,
        &mut db,
        tenant,
        by,
        event.with(json!({ "name": buyer.name, "vat_id": buyer.vat_id })),
    )
    .await?;
    db.commit().await?;
    Ok(buyer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buyer(country: &str, vat_id: &str) -> Buyer {
        Buyer { country: country.into(), vat_id: vat_id.into(), ..Buyer::default() }
    }

    #[test]
    fn the_tax_is_that_of_the_places() {
        let seller = tariff::Seller { country: "DE".into(), tax_rate: 1_900, ..tariff::Seller::default() };
        let tax = |country, vat_id| Tax::on(&seller, &buyer(country, vat_id));
        assert_eq!(tax("DE", "DE123456789"), Tax { rate: 1_900, note: None });
        assert_eq!(tax("", ""), Tax { rate: 1_900, note: None });
        assert_eq!(tax("FR", "").rate, 1_900, "a person pays the seller's tax");
        assert_eq!(tax("FR", "FR12345678901").note, Some("Reverse charge: the recipient owes the VAT."));
        assert_eq!(tax("US", "").rate, 0);
        let elsewhere = tariff::Seller { country: "NO".into(), tax_rate: 2_500, ..tariff::Seller::default() };
        assert_eq!(Tax::on(&elsewhere, &buyer("FR", "FR12345678901")).rate, 2_500);
        let of = |rate, net| Tax { rate, note: None }.of(net);
        assert_eq!([of(1_900, 1_000), of(1_900, 103), of(770, 50), of(0, 7)], [190, 20, 4, 0]);
    }

    #[test]
    fn a_buyer_is_tidied_and_checked() {
        let typed = Buyer {
            name: " Bäckerei Ωmega ".into(),
            address: vec!["Weg 1".into(), "  ".into()],
            country: "gr".into(),
            vat_id: "el 123-456.789".into(),
        };
        let tidy = typed.checked().unwrap();
        assert_eq!((tidy.name.as_str(), tidy.address.len()), ("Bäckerei Ωmega", 1));
        assert_eq!((tidy.country.as_str(), tidy.vat_id.as_str()), ("GR", "EL123456789"));
        let field = |buyer: Buyer| buyer.checked().unwrap_err().field.unwrap().into_owned();
        assert_eq!(field(buyer("DE", "FR12345678901")), "vat_id");
        assert_eq!(field(buyer("DEU", "")), "country");
        assert_eq!(field(buyer("", "x")), "vat_id");
        assert_eq!(field(Buyer { name: "a\nb".into(), ..Buyer::default() }), "name");
        assert_eq!(field(Buyer { address: vec!["x".into(); 6], ..Buyer::default() }), "address");
    }
}
