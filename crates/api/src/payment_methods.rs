//! What a company pays by.

use axum::{Json, body::Bytes, extract::State};
use http::{HeaderMap, StatusCode};
use platform::{
    App,
    billing::{self, PaymentMethod, SetUp},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Result};

/// `GET /billing/payment-methods`
pub async fn list_payment_methods(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let all = billing::payment_methods(&app, &member.tenant).await?;
    Ok(Json(json!({ "payment_methods": all.iter().map(view).collect::<Vec<_>>() })))
}

fn view(method: &PaymentMethod) -> Value {
    json!({
        "id": method.id,
        "type": method.kind,
        "last4": method.last4,
        "brand": method.brand,
        "expires": method.expires,
        "is_default": method.is_default,
    })
}

/// How a method is to be set up.
#[derive(Deserialize)]
pub struct SetUpBody {
    /// `page`, which is the provider's, or `script` for one's own with the provider's script in it.
    #[serde(default)]
    by: By,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum By {
    #[default]
    Page,
    Script,
}

/// `POST /billing/payment-methods`: begins to set one up.
pub async fn set_up_payment_method(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<SetUpBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let page = body.by == By::Page;
    let set_up = billing::set_up_payment_method(&app, &member.tenant, &member.by, page).await?;
    let (url, secret) = match set_up {
        SetUp::Page(url) => (Some(url), None),
        SetUp::Secret(secret) => (None, Some(secret)),
    };
    Ok((StatusCode::CREATED, Json(json!({ "setup": { "url": url, "client_secret": secret } }))))
}

/// `POST /billing/payment-methods/{payment_method_id}/default`
pub async fn make_payment_method_default(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    billing::set_default_payment_method(&app, &member.tenant, &member.by, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Payment method is the default now" })))
}

/// `DELETE /billing/payment-methods/{payment_method_id}`
pub async fn remove_payment_method(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    billing::remove_payment_method(&app, &member.tenant, &member.by, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Payment method removed" })))
}

/// `POST /billing/stripe/events`: what Stripe tells, proven by its signature.
pub async fn receive_stripe_event(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>> {
    let signed = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    billing::receive_stripe_event(&app, signed, &body).await?;
    Ok(Json(json!({ "received": true })))
}
