//! How a visitor gets a session: as anybody, by the word of the site, or by a code that is mailed to a contact.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Error,
    visitors::{self, Begin, Begun, Granted, Proof},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Client, Result, Visitor};

/// The body of a session.
#[derive(Deserialize)]
pub struct SessionBody {
    agent_id: String,
    /// A token from before, which may have ended.
    token: Option<String>,
    user_id: Option<String>,
    user_hash: Option<String>,
    /// Whether a new conversation is wanted.
    #[serde(default)]
    fresh: bool,
    proof: Option<Proof>,
}

/// `POST /widget/session`: a token, or work to do first.
pub async fn begin(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    web::Json(body): web::Json<SessionBody>,
) -> Result<Json<Value>> {
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let user = match (body.user_id, body.user_hash) {
        (Some(id), Some(hash)) => Some((id, hash)),
        (None, None) => None,
        _ => return Err(Error::invalid("user_hash", "user_id and user_hash are sent together.").into()),
    };
    let wanted = Begin { token: body.token, user, fresh: body.fresh, proof: body.proof };
    Ok(Json(match visitors::begin(&app, &visitor, &agent, wanted).await? {
        Begun::Session(granted) => view(&granted),
        Begun::Challenge(challenge) => serde_json::to_value(challenge)?,
    }))
}

fn view(granted: &Granted) -> Value {
    json!({
        "token": granted.token,
        "session_id": granted.session,
        "expires_at": granted.expires_at,
        "known": granted.is_known,
    })
}

/// The body of a sign-in.
#[derive(Deserialize)]
pub struct SignInBody {
    agent_id: String,
    email: String,
    /// The code that was mailed; without it one is mailed.
    code: Option<String>,
}

/// `POST /widget/sign-in`: mails a code to a contact, or gives a token for it. Whether there is such a contact is not
/// told.
pub async fn sign_in(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    client: Client,
    web::Json(body): web::Json<SignInBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let email = body.email.parse()?;
    match body.code {
        Some(code) => {
            let granted = visitors::redeem_code(&app, &visitor, &agent, (&email, &code, &client.0)).await?;
            Ok((StatusCode::OK, Json(view(&granted))))
        }
        None => {
            visitors::mail_code(&app, &visitor, &agent, (&email, &client.0)).await?;
            let message = "If this address may talk to the agent, a code is on its way to it.";
            Ok((StatusCode::ACCEPTED, Json(json!({ "success": true, "message": message }))))
        }
    }
}
