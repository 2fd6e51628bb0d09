//! The credits of a company, as the Craveva document gives them.

use axum::{Json, extract::State};
use http::HeaderMap;
use platform::{
    App, Error,
    billing::{self, Recorded, TopUp, ToppedUp},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Query, Result, paged};

/// `GET /billing/credits`
pub async fn get_credits(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let overview = billing::overview(&app, &member.tenant).await?;
    let (used, left) = (overview.subscription.used(&overview.balances), overview.balances.left());
    Ok(Json(json!({
        "credits": left,
        "total_credits": left + used,
        "used_credits": used,
        "held_credits": overview.balances.held,
        "period_end": overview.subscription.period_end,
    })))
}

/// Which movements.
#[derive(Deserialize)]
pub struct KindQuery {
    kind: Option<String>,
}

/// `GET /billing/credits/transactions`
pub async fn list_credit_transactions(
    State(app): State<App>,
    member: Member,
    Query(kind): Query<KindQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = billing::transactions(&app, &member.tenant, kind.kind.as_deref(), page.page()?).await?;
    Ok(Json(paged("transactions", list, |one| view(&one))))
}

fn view(one: &Recorded) -> Value {
    json!({
        "transaction_id": one.id,
        "kind": one.kind,
        "amount": one.amount,
        "reference": one.reference,
        "created_at": one.created_at,
    })
}

/// The body of a top-up.
#[derive(Deserialize)]
pub struct TopUpBody {
    amount: f64,
    payment_method_id: Option<String>,
}

/// `POST /billing/credits/topup`
pub async fn top_up_credits(
    State(app): State<App>,
    member: Member,
    headers: HeaderMap,
    web::Json(body): web::Json<TopUpBody>,
) -> Result<Json<Value>> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().map(str::to_owned)).transpose();
    let idempotency_key =
        key.map_err(|_| Error::invalid("Idempotency-Key", "Idempotency-Key is not text."))?;
    let request = TopUp {
        amount: body.amount,
        method: body.payment_method_id.filter(|id| !id.is_empty()),
        idempotency_key,
    };
    let ToppedUp { purchase, credits } = billing::top_up(&app, &member.tenant, &member.by, request).await?;
    Ok(Json(json!({
        "credits": credits,
        "transaction_id": purchase.id,
        "status": purchase.status,
        "amount": app.config.tariff.currency.amount(purchase.total),
        "currency": purchase.currency,
        "checkout_url": purchase.url,
    })))
}
