//! The plan of a company, as the Craveva document gives it.

use axum::{Json, extract::State};
use platform::{
    App,
    billing::{self, Allowance, Level, Overview, Plan, PlanChange},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Result};

/// `GET /billing/subscription`
pub async fn get_subscription(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let overview = billing::overview(&app, &member.tenant).await?;
    Ok(Json(json!({ "subscription": view(&app, &overview) })))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct ChangeBody {
    plan: String,
}

/// `PUT /billing/subscription`: another plan; the present one takes a cancellation back.
pub async fn change_subscription(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<ChangeBody>,
) -> Result<Json<Value>> {
    changed(&app, &member, body.plan.parse()?).await
}

/// `DELETE /billing/subscription`: the free plan follows when the period ends.
pub async fn cancel_subscription(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    changed(&app, &member, Plan::Free).await
}

async fn changed(app: &App, member: &Member, plan: Plan) -> Result<Json<Value>> {
    let PlanChange { overview, pay_at } = billing::change_plan(app, &member.tenant, &member.by, plan).await?;
    Ok(Json(json!({ "subscription": view(app, &overview), "checkout_url": pay_at })))
}

fn view(app: &App, overview: &Overview) -> Value {
    let s = &overview.subscription;
    json!({
        "plan": word(s.plan),
        "status": s.status,
        "current_period_start": s.period_start,
        "current_period_end": s.period_end,
        "credits_remaining": overview.balances.left(),
        "credits_granted": s.granted,
        "cancel_at_period_end": s.is_cancelled(),
        "next_plan": s.next_plan.map(word),
        "limits": limits(app.config.tariff.plan(s.plan)),
    })
}

/// A plan as this document writes it.
fn word(plan: Plan) -> String {
    plan.as_str().to_lowercase()
}

fn limits(plan: &Allowance) -> Value {
    json!({
        "requests_per_minute": plan.requests_per_minute,
        "key_requests_per_hour": plan.key_requests_per_hour,
        "messages_per_month": plan.messages,
        "credits_per_month": plan.credits,
        "agents": plan.agents,
        "documents": plan.documents,
        "storage_bytes": plan.storage,
        "seats": plan.seats,
    })
}

/// How full the limits are, for the answers about usage.
pub(crate) fn view_level(level: &Level) -> Value {
    json!({
        "limit": level.limit.as_str(),
        "used": level.used,
        "max": level.max,
        "percent": level.percent(),
        "warning": level.warning(),
    })
}

/// `GET /billing/plans`: what is sold, and what runs cost.
pub async fn list_plans(State(app): State<App>, _: Member) -> Result<Json<Value>> {
    let tariff = &app.config.tariff;
    let plan = |plan: Plan| {
        let allowance = tariff.plan(plan);
        json!({
            "plan": word(plan),
            "price_per_month": tariff.currency.amount(allowance.price),
            "limits": limits(allowance),
        })
    };
    let line = |line: &billing::PriceLine| {
        json!({
            "operation": line.operation,
            "model": line.model,
            "credits_per_run": line.price.run,
            "credits_per_1000_input_tokens": line.price.input as f64 / 1e3,
            "credits_per_1000_output_tokens": line.price.output as f64 / 1e3,
        })
    };
    Ok(Json(json!({
        "plans": Plan::ALL.map(plan),
        "prices": tariff.prices.iter().map(line).collect::<Vec<_>>(),
        "currency": tariff.currency.code(),
        "credit_price": tariff.credit_price as f64 / 1e6,
        "max_topup": tariff.max_topup,
        "tax_rate": tariff.seller.tax_rate as f64 / 100.0,
    })))
}
