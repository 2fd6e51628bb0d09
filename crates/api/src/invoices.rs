//! Invoices of a company, and whom they are for.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use platform::{
    App, Error, InvoiceId,
    billing::{self, Buyer, Currency, Invoice},
};
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, paged};

/// `GET /billing/invoices`
pub async fn list_invoices(
    State(app): State<App>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = billing::invoices(&app, &member.tenant, page.page()?).await?;
    Ok(Json(paged("invoices", list, |invoice| summary(&invoice))))
}

/// `GET /billing/invoices/{invoice_id}`
pub async fn get_invoice(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let invoice = billing::invoice(&app, &member.tenant, &id.parse()?).await?;
    let amount = amounts(&invoice);
    let lines = invoice.lines.iter().map(|line| {
        json!({ "description": line.description, "quantity": line.quantity, "net_amount": amount(line.net) })
    });
    let mut view = summary(&invoice);
    view["lines"] = lines.collect();
    view["seller"] = json!(invoice.seller);
    view["buyer"] = json!(invoice.buyer);
    view["tax_note"] = json!(invoice.note);
    view["reference"] = json!(invoice.reference);
    Ok(Json(json!({ "invoice": view })))
}

fn summary(invoice: &Invoice) -> Value {
    let amount = amounts(invoice);
    json!({
        "invoice_id": invoice.id,
        "number": invoice.label,
        "status": invoice.status,
        "amount": amount(invoice.total),
        "net_amount": amount(invoice.net),
        "tax_amount": amount(invoice.tax),
        "tax_rate": invoice.tax_rate as f64 / 100.0,
        "currency": invoice.currency,
        "created_at": invoice.created_at,
    })
}

/// Amounts of an invoice as numbers of its currency.
fn amounts(invoice: &Invoice) -> impl Fn(i64) -> f64 + use<> {
    let currency = Currency::new(&invoice.currency);
    move |minor| currency.as_ref().map_or(minor as f64, |currency| currency.amount(minor))
}

/// `GET /billing/invoices/{invoice_id}/pdf`
pub async fn get_invoice_pdf(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response> {
    let id: InvoiceId = id.parse()?;
    let (name, bytes) = billing::invoice_pdf(&app, &member.tenant, &id).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, &*disposition)], bytes).into_response())
}

/// `GET /billing/details`
pub async fn get_billing_details(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    Ok(Json(json!({ "details": billing::buyer(&app, &member.tenant).await? })))
}

/// `PUT /billing/details`: whom invoices to come are for.
pub async fn change_billing_details(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<Value>,
) -> Result<Json<Value>> {
    let buyer: Buyer = serde_json::from_value(body)
        .map_err(|error| Error::bad_request(format!("The details do not fit: {error}.")))?;
    let buyer = billing::set_buyer(&app, &member.tenant, &member.by, buyer).await?;
    Ok(Json(json!({ "details": buyer })))
}
