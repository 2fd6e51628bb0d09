//! What Stripe tells: payments, cards, subscriptions and their bills. Events come more than once and in any order.
//! Each effect happens once by itself, whatever event brings it; an event that was dealt with is noted and passed over.

use chrono::DateTime;
use serde_json::Value;

use super::{StripeConfig, kept, signature, text};
use crate::{
    Actor, App, Error, PaymentMethodId, Result, Tenant, TransactionId,
    billing::{
        change,
        invoice::{self, Amounts, Line},
        limits,
        methods::{self, PaymentMethod},
        store, subscription, topup,
    },
};

/// Longest description of a bill's line that is kept, in characters.
const MAX_DESCRIPTION: usize = 200;

/// Takes an event as it came.
///
/// # Errors
/// Not found when Stripe is not set up; invalid when the event is not Stripe's; what the database says, and then Stripe
/// sends it again.
pub async fn receive(app: &App, signed: Option<&str>, body: &[u8]) -> Result<()> {
    let config = app.config.stripe.as_ref();
    let config = config.ok_or_else(|| Error::not_found("This server does not take payments by Stripe."))?;
    signature::verify(config.webhook_secret.expose(), signed.unwrap_or_default(), body, app.clock.now())?;
    let event: Value =
        serde_json::from_slice(body).map_err(|_| Error::bad_request("The event is not valid JSON."))?;
    let id = format!("stripe {}", event["id"].as_str().unwrap_or_default());
    if store::has_event(&mut app.db.read().await?, &id).await? {
        return Ok(());
    }
    take(app, config, &event).await?;
    let mut db = app.db.write().await?;
    store::note_event(&mut db, &id, app.clock.now()).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

async fn take(app: &App, config: &StripeConfig, event: &Value) -> Result<()> {
    let object = &event["data"]["object"];
    let created = event["created"].as_i64().unwrap_or_default();
    match event["type"].as_str().unwrap_or_default() {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded"
            if object["payment_status"] == "paid" =>
        {
            paid(app, object, "amount_total").await
        }
        "payment_intent.succeeded" => paid(app, object, "amount_received").await,
        "checkout.session.expired"
        | "checkout.session.async_payment_failed"
        | "payment_intent.payment_failed" => match purchase(app, object).await? {
            Some((tenant, id)) => topup::fail(app, &tenant, &id).await,
            None => Ok(()),
        },
        "payment_method.attached" => attached(app, object).await,
        "payment_method.detached" => detached(app, object).await,
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted" => subscribed(app, config, object, created).await,
        "invoice.paid" => billed(app, object).await,
        "invoice.payment_failed" => unpaid(app, object).await,
        _ => Ok(()),
    }
}

/// The purchase that Stripe was told of.
async fn purchase(app: &App, object: &Value) -> Result<Option<(Tenant, TransactionId)>> {
    let named = object["metadata"]["transaction_id"].as_str().and_then(|id| id.parse().ok());
    let Some(id) = named else { return Ok(None) };
    let tenant = store::tenant_of_purchase(&mut app.db.read().await?, &id).await?;
    Ok(tenant.map(|tenant| (tenant, id)))
}

/// Books a purchase, if what was paid is what it costs.
async fn paid(app: &App, object: &Value, amount: &str) -> Result<()> {
    let Some((tenant, id)) = purchase(app, object).await? else { return Ok(()) };
    let Some(purchase) = store::purchase(&mut app.db.read().await?, &tenant, &id).await? else {
        return Ok(());
    };
    let currency = object["currency"].as_str().unwrap_or_default();
    if object[amount].as_i64() != Some(purchase.total) || !purchase.currency.eq_ignore_ascii_case(currency) {
        tracing::error!(purchase = %id, paid = ?object[amount], currency, "what was paid is not what a purchase costs");
        return Ok(());
    }
    // A page's payment is named by what it takes the money with, which is what its own event is named by.
    let payment =
        object["payment_intent"].as_str().map_or_else(|| text(object, "id"), |id| Ok(id.to_owned()))?;
    topup::settle(app, &tenant, &Actor::system(), &id, &payment).await
}

async fn customer(app: &App, object: &Value) -> Result<Option<Tenant>> {
    let Some(customer) = object["customer"].as_str() else { return Ok(None) };
    store::tenant_of_customer(&mut app.db.read().await?, customer).await
}

/// Keeps a card that a customer has set up; the first one is the default.
async fn attached(app: &App, object: &Value) -> Result<()> {
    let Some(tenant) = customer(app, object).await? else { return Ok(()) };
    let kind = object["type"].as_str().unwrap_or("card");
    let detail = |name: &str| object[kind][name].as_str().unwrap_or_default().to_owned();
    let expires = object[kind]["exp_month"].as_i64().zip(object[kind]["exp_year"].as_i64());
    let now = app.clock.now();
    let id = PaymentMethodId::new(now, app.entropy);
    let mut db = app.db.write().await?;
    store::lock_subscription(&mut db, &tenant).await?;
    let method = PaymentMethod {
        id: id.as_str().to_owned(),
        provider_id: text(object, "id")?,
        kind: kind.to_owned(),
        brand: detail("brand"),
        last4: detail("last4"),
        expires: expires.map(|(month, year)| format!("{month:02}/{year}")),
        is_default: store::payment_methods(&mut db, &tenant).await?.is_empty(),
        created_at: now,
    };
    if store::insert_payment_method(&mut db, &tenant, "stripe", &id, &method).await? {
        methods::record(app, &mut db, &tenant, &Actor::system(), "payment_method.added", &method).await?;
    }
    Ok(db.commit().await?)
}

/// Forgets a card that is no longer the customer's; Stripe does not say any more whose it was.
async fn detached(app: &App, object: &Value) -> Result<()> {
    let provider_id = text(object, "id")?;
    let Some(tenant) = store::tenant_of_method(&mut app.db.read().await?, &provider_id).await? else {
        return Ok(());
    };
    let mut db = app.db.write().await?;
    store::forget_payment_method(&mut db, &tenant, &provider_id).await?;
    Ok(db.commit().await?)
}

/// Writes down how a subscription stands, unless something newer is known.
async fn subscribed(app: &App, config: &StripeConfig, object: &Value, created: i64) -> Result<()> {
    let Some(tenant) = customer(app, object).await? else { return Ok(()) };
    let at = DateTime::from_timestamp(created, 0).unwrap_or_default();
    let mut db = app.db.write().await?;
    let mut subscription = subscription::held(app, &mut db, &tenant).await?;
    if subscription.provider_seen_at.is_some_and(|seen| seen > at) {
        return Ok(());
    }
    subscription.provider_seen_at = Some(at);
    change::keep(app, &mut db, &tenant, (&mut subscription, &kept(config, object)?), &Actor::system())
        .await?;
    app.callers.commit(db).await?;
    app.purses.hope(&tenant);
    Ok(())
}

/// Issues our invoice over a bill of Stripe's, with its lines and its tax.
async fn billed(app: &App, object: &Value) -> Result<()> {
    let Some(tenant) = customer(app, object).await? else { return Ok(()) };
    let amount = |name: &str| object[name].as_i64().unwrap_or_default();
    let total = amount("total");
    let is_of_subscription =
        object["billing_reason"].as_str().is_some_and(|reason| reason.starts_with("subscription"));
    if total <= 0 || !is_of_subscription {
        return Ok(());
    }
    // Later versions of the API have one number for each tax.
    let taxes = object["total_taxes"].as_array().into_iter().flatten();
    let tax = object["tax"].as_i64().unwrap_or_else(|| taxes.filter_map(|tax| tax["amount"].as_i64()).sum());
    let net = total - tax;
    let line = |line: &Value| {
        let description = line["description"].as_str().unwrap_or("Subscription");
        Line {
            description: description.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect(),
            quantity: line["quantity"].as_i64().unwrap_or(1),
            net: line["amount"].as_i64().unwrap_or_default(),
        }
    };
    let lines: Vec<Line> = object["lines"]["data"].as_array().into_iter().flatten().map(line).collect();
    let rate = if net > 0 { (tax * 10_000 + net / 2) / net } else { 0 };
    let amounts = Amounts { net, tax, tax_rate: rate, note: None };
    let reference = format!("stripe {}", text(object, "id")?);
    let currency = object["currency"].as_str().unwrap_or(app.config.tariff.currency.code());
    let mut db = app.db.write().await?;
    let subscription = subscription::held(app, &mut db, &tenant).await?;
    invoice::issue_with(app, &mut db, &tenant, &subscription.buyer, (lines, amounts, currency, &reference))
        .await?;
    Ok(db.commit().await?)
}

/// Tells the owner that a bill could not be paid.
async fn unpaid(app: &App, object: &Value) -> Result<()> {
    let Some(tenant) = customer(app, object).await? else { return Ok(()) };
    limits::tell_unpaid(app, &tenant).await
}
