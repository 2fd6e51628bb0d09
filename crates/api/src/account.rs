//! What people see and change of their own account: profile, password, sessions, second factor.

use axum::{Json, extract::State};
use platform::{
    App, SessionId,
    identity::{self, Password, sessions, two_factor},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Client, Path, Person, Result, full_name};

use crate::auth;

/// `GET /account/profile`
pub async fn get_profile(person: Person) -> Json<Value> {
    Json(json!({ "user": auth::profile(&person.caller) }))
}

/// The body of a changed profile.
#[derive(Deserialize)]
pub struct ProfileBody {
    full_name: Option<String>,
}

/// `PATCH /account/profile`
pub async fn update_profile(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    web::Json(body): web::Json<ProfileBody>,
) -> Result<Json<Value>> {
    let caller = &person.caller;
    let user = match body.full_name {
        Some(name) => identity::rename(&app, caller, full_name(&name)?, &origin).await?,
        None => caller.user.clone(),
    };
    Ok(Json(json!({ "user": auth::view(&user, caller) })))
}

/// The body of a changed password.
#[derive(Deserialize)]
pub struct PasswordBody {
    current_password: String,
    new_password: String,
}

/// `POST /account/password`: ends the person's other sessions.
pub async fn change_password(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    web::Json(body): web::Json<PasswordBody>,
) -> Result<Json<Value>> {
    let new = Password::new(body.new_password).map_err(|error| error.with_field("new_password"))?;
    identity::change_password(&app, &person.caller, &body.current_password, &new, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Password changed. Other sessions were ended." })))
}

/// `GET /account/sessions`
pub async fn list_sessions(State(app): State<App>, person: Person) -> Result<Json<Value>> {
    let open = sessions::list(&app, &person.caller).await?;
    let rows = open.iter().map(|session| {
        json!({
            "id": session.id,
            "current": session.id == person.caller.session,
            "ip_address": session.address,
            "user_agent": session.user_agent,
            "created_at": session.created_at,
            "last_used_at": session.last_seen_at,
            "expires_at": session.expires_at,
        })
    });
    Ok(Json(json!({ "sessions": rows.collect::<Vec<_>>(), "total": open.len() })))
}

/// `DELETE /account/sessions/{session_id}`
pub async fn end_session(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let id: SessionId = id.parse()?;
    sessions::end_own(&app, &person.caller, Some(&id), &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Session ended" })))
}

/// `DELETE /account/sessions`: all but the one that is called with.
pub async fn end_other_sessions(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
) -> Result<Json<Value>> {
    sessions::end_own(&app, &person.caller, None, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "All other sessions ended" })))
}

/// A body that proves once more who calls.
#[derive(Deserialize)]
pub struct ConfirmBody {
    password: String,
}

/// `POST /account/two-factor`
pub async fn begin_two_factor(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    web::Json(body): web::Json<ConfirmBody>,
) -> Result<Json<Value>> {
    let setup = two_factor::begin(&app, &person.caller, &body.password, &origin).await?;
    Ok(Json(json!({
        "secret": setup.secret,
        "otpauth_url": setup.url,
        "message": "Add this to an authenticator app, then confirm with its first code.",
    })))
}

/// The body of a first code.
#[derive(Deserialize)]
pub struct CodeBody {
    code: String,
}

/// `POST /account/two-factor/confirm`
pub async fn confirm_two_factor(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    web::Json(body): web::Json<CodeBody>,
) -> Result<Json<Value>> {
    let codes = two_factor::confirm(&app, &person.caller, &body.code, &origin).await?;
    Ok(Json(json!({
        "success": true,
        "recovery_codes": codes,
        "message": "Keep the recovery codes: each is good for one login, and they will not be shown again.",
    })))
}

/// `DELETE /account/two-factor`
pub async fn end_two_factor(
    State(app): State<App>,
    Client(origin): Client,
    person: Person,
    web::Json(body): web::Json<ConfirmBody>,
) -> Result<Json<Value>> {
    two_factor::end(&app, &person.caller, &body.password, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Two-factor login is off" })))
}
