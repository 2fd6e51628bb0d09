//! Billing: the plan and how full it is, credits and what moved them, invoices, and what is paid by.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use platform::{
    App, InvoiceId, Page, Paged, Permission, Standing,
    billing::{
        self, Buyer, Currency, Invoice, Level, Limit, Overview, PaymentMethod, Plan, Recorded, SetUp, Tariff,
        TopUp,
    },
};
use web::Path;

use crate::{
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, page_number, render},
    session::Member,
};

/// Movements of credits on one page.
const ROWS: i64 = 15;
/// Invoices that are shown.
const INVOICES: Page = Page { limit: 24, offset: 0 };

#[derive(Template)]
#[template(path = "billing.html")]
pub(crate) struct BillingPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub tariff: &'a Tariff,
    pub overview: Overview,
    pub levels: Vec<Level>,
    pub moved: Paged<Recorded>,
    /// For those who may see them.
    pub invoices: Vec<Invoice>,
    pub methods: Vec<PaymentMethod>,
    pub buyer: Buyer,
    /// Whether other ways to pay can be set up.
    pub can_set_up: bool,
    /// Where a person must go to pay. A form may not lead to another site, a link may.
    pub pay_at: Option<String>,
    /// What was typed.
    pub amount: &'a str,
    /// Names the order that the form makes, so that a second click makes no second one.
    pub order: String,
    pub notice: Option<Notice>,
}

impl BillingPage<'_> {
    fn may_manage(&self) -> bool {
        Standing::Member(self.chrome.role).may(Permission::ManageBilling)
    }

    fn may_see_invoices(&self) -> bool {
        Standing::Member(self.chrome.role).may(Permission::ViewInvoices)
    }

    /// A limit's name and how much of it is used: `3 of 25`.
    fn label(&self, level: &Level) -> &'static str {
        match level.limit {
            Limit::Messages => "Messages this month",
            Limit::Credits => "Credits",
            Limit::Agents => "Agents",
            Limit::Documents => "Documents",
            Limit::Storage => "Storage",
            Limit::Seats => "Seats",
        }
    }

    fn amounts(&self, level: &Level) -> String {
        let amount = |number: i64| match level.limit {
            Limit::Storage => format!("{:.1} MB", number as f64 / (1024.0 * 1024.0)),
            _ => billing::grouped(number.unsigned_abs()),
        };
        match level.max {
            Some(max) => format!("{} of {}", amount(level.used), amount(max)),
            None => format!("{}, no limit", amount(level.used)),
        }
    }

    /// What a movement was, in words.
    fn words(&self, moved: &Recorded) -> &'static str {
        match moved.kind.as_str() {
            "grant" => "The plan's credits",
            "topup" => "Bought",
            "expiry" => "Unused, of the last month",
            "spend" => "A run",
            _ => "Other",
        }
    }

    /// What a movement was for: a period that begins at a moment, or something with an id.
    fn reference(&self, moved: &Recorded) -> String {
        let period =
            moved.reference.parse().map(|begin| format!("the month from {}", self.zone.show(&begin)));
        period.unwrap_or_else(|_| moved.reference.clone())
    }

    fn money(&self, invoice: &Invoice) -> String {
        Currency::new(&invoice.currency).map_or_else(String::new, |currency| currency.show(invoice.total))
    }

    /// What a plan costs, in words.
    fn price(&self, plan: &Plan) -> String {
        match self.tariff.plan(*plan).price {
            0 => "free of charge".to_owned(),
            price => format!("{} a month", self.tariff.currency.show(price)),
        }
    }

    fn credit_price(&self) -> String {
        format!("{} {}", self.tariff.currency.code(), self.tariff.credit_price as f64 / 1e6)
    }

    fn address(&self) -> String {
        self.buyer.address.join("\n")
    }
}

/// What a rendering of the page shows besides what there is.
#[derive(Default)]
struct Shown {
    notice: Option<Notice>,
    pay_at: Option<String>,
    asked: Fields,
    fields: Fields,
    /// What was typed of whom invoices are for.
    buyer: Option<Buyer>,
}

async fn show(app: &App, member: &Member, status: StatusCode, shown: Shown) -> Result {
    let tenant = &member.tenant;
    let overview = billing::overview(app, tenant).await?;
    let range = Page { limit: ROWS, offset: (page_number(&shown.asked) - 1) * ROWS };
    let sees = member.require(Permission::ViewInvoices).is_ok();
    let page = BillingPage {
        chrome: member.chrome(Area::Billing),
        zone: Zone::of(app, tenant).await?,
        tariff: &app.config.tariff,
        levels: billing::levels(app, tenant, &overview).await?,
        moved: billing::transactions(app, tenant, None, range).await?,
        invoices: if sees { billing::invoices(app, tenant, INVOICES).await?.items } else { Vec::new() },
        methods: if sees { billing::payment_methods(app, tenant).await? } else { Vec::new() },
        buyer: shown.buyer.unwrap_or_else(|| overview.subscription.buyer.clone()),
        overview,
        can_set_up: app.config.stripe.is_some(),
        pay_at: shown.pay_at,
        amount: shown.fields.get("amount"),
        order: app.entropy.token(),
        notice: shown.notice,
    };
    render(status, &page)
}

fn told(member: &Member, done: &str) -> Result {
    Ok(Redirect::to(&format!("/console/{}/billing?done={done}", member.tenant.id())).into_response())
}

async fn show_mistake(app: &App, member: &Member, error: platform::Error, fields: Fields) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, status, Shown { notice: Some(notice), fields, ..Shown::default() }).await
}

/// The page with a way to the provider's.
async fn show_way(app: &App, member: &Member, url: String) -> Result {
    show(app, member, StatusCode::OK, Shown { pay_at: Some(url), ..Shown::default() }).await
}

/// `GET …/billing`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewBilling)?;
    let shown = Shown { notice: done(query.get("done")), asked: query, ..Shown::default() };
    show(&app, &member, StatusCode::OK, shown).await
}

/// `POST …/billing/credits`: buys credits. The form's own name makes a second click buy nothing more.
pub async fn top_up(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageBilling)?;
    let given = |name: &str| Some(fields.get(name).to_owned()).filter(|text| !text.is_empty());
    let request = TopUp {
        // What is no number is as wrong as nought.
        amount: fields.get("amount").trim().replace(',', "").parse().unwrap_or(0.0),
        method: given("method"),
        idempotency_key: given("order"),
    };
    match billing::top_up(&app, &member.tenant, &member.by, request).await {
        Ok(bought) => match bought.purchase.url {
            Some(url) if bought.purchase.status == "pending" => show_way(&app, &member, url).await,
            _ if bought.purchase.status == "pending" => told(&member, "paying"),
            _ => told(&member, "bought"),
        },
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

/// `POST …/billing/plan`
pub async fn change_plan(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageBilling)?;
    let plan = match fields.get("plan").parse::<Plan>() {
        Ok(plan) => plan,
        Err(error) => return show_mistake(&app, &member, error, fields).await,
    };
    match billing::change_plan(&app, &member.tenant, &member.by, plan).await {
        Ok(change) => match change.pay_at {
            Some(url) => show_way(&app, &member, url).await,
            None => told(&member, "plan"),
        },
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

/// `POST …/billing/details`: whom invoices are for.
pub async fn set_details(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageBilling)?;
    let buyer = Buyer {
        name: fields.get("name").to_owned(),
        address: fields.lines("address"),
        country: fields.get("country").to_owned(),
        vat_id: fields.get("vat_id").to_owned(),
    };
    match billing::set_buyer(&app, &member.tenant, &member.by, buyer.clone()).await {
        Ok(_) => told(&member, "changed"),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let shown = Shown { notice: Some(notice), buyer: Some(buyer), ..Shown::default() };
            show(&app, &member, status, shown).await
        }
    }
}

/// `POST …/billing/methods`: begins to set a card up, on the provider's page.
pub async fn set_up_method(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageBilling)?;
    match billing::set_up_payment_method(&app, &member.tenant, &member.by, true).await {
        Ok(SetUp::Page(url)) => show_way(&app, &member, url).await,
        Ok(SetUp::Secret(_)) => told(&member, ""),
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

/// `POST …/billing/methods/{method_id}/default`
pub async fn make_default(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::ManageBilling)?;
    match billing::set_default_payment_method(&app, &member.tenant, &member.by, &id).await {
        Ok(()) => told(&member, "changed"),
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

/// `POST …/billing/methods/{method_id}/remove`
pub async fn remove_method(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::ManageBilling)?;
    match billing::remove_payment_method(&app, &member.tenant, &member.by, &id).await {
        Ok(()) => told(&member, "changed"),
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

/// `GET …/billing/invoices/{invoice_id}`: an invoice as a PDF.
pub async fn invoice(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result {
    member.require(Permission::ViewInvoices)?;
    let id: InvoiceId = id.parse()?;
    let (name, bytes) = billing::invoice_pdf(&app, &member.tenant, &id).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    let response: Response =
        ([(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, &*disposition)], bytes).into_response();
    Ok(response)
}
