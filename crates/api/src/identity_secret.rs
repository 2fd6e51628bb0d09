//! The secret by which a site proves who its visitors are.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{App, visitors};
use serde_json::{Value, json};
use web::{Member, Result};

/// `GET …/identity-secret`: whether there is one; never the secret itself.
pub async fn get_identity_secret(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    Ok(Json(json!({ "exists": visitors::has_secret(&app, &member.tenant).await? })))
}

/// `POST …/identity-secret`: makes one, or another one, which ends the former.
pub async fn renew_identity_secret(
    State(app): State<App>,
    member: Member,
) -> Result<(StatusCode, Json<Value>)> {
    let secret = visitors::renew_secret(&app, &member.tenant, &member.by).await?;
    let message = "Save this secret on your server - it won't be shown again!";
    Ok((StatusCode::CREATED, Json(json!({ "secret": secret, "message": message }))))
}
