//! Signing up and logging in. An answer holds the fields of both documents.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App,
    identity::{self, CODE_MINUTES, EmailAddress, Password, SignUp, User},
    workspaces,
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Person, Result, text};

/// The body of a sign-up.
#[derive(Deserialize)]
pub struct SignUpBody {
    email: String,
    password: String,
    full_name: String,
}

/// `POST /auth/signup`
pub async fn sign_up(
    State(app): State<App>,
    web::Json(body): web::Json<SignUpBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = SignUp {
        email: body.email.parse()?,
        password: Password::new(body.password)?,
        full_name: text("full_name", &body.full_name, 120)?,
    };
    let email = form.email.as_str().to_owned();
    identity::sign_up(&app, form).await?;
    let answer = json!({
        "message": "Account created. Verify email with OTP.",
        "email": email,
        "expires_in_minutes": CODE_MINUTES,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The body of a verification.
#[derive(Deserialize)]
pub struct VerifyBody {
    email: String,
    otp_code: String,
}

/// `POST /auth/verify-otp`
pub async fn verify_otp(
    State(app): State<App>,
    web::Json(body): web::Json<VerifyBody>,
) -> Result<Json<Value>> {
    let email: EmailAddress = body.email.parse()?;
    let user = identity::verify_code(&app, &email, body.otp_code.trim()).await?;
    session(&app, &user).await
}

/// The body of a login.
#[derive(Deserialize)]
pub struct LogInBody {
    email: String,
    password: String,
}

/// `POST /auth/login`
pub async fn log_in(State(app): State<App>, web::Json(body): web::Json<LogInBody>) -> Result<Json<Value>> {
    let email: EmailAddress = body.email.parse()?;
    let user = identity::log_in(&app, &email, &body.password).await?;
    session(&app, &user).await
}

/// `GET /auth/me`: flat as one document has it, under `user` as the other has it.
pub async fn me(State(app): State<App>, Person(user): Person) -> Result<Json<Value>> {
    let mut answer = profile(&app, &user).await?;
    answer["user"] = answer.clone();
    Ok(Json(answer))
}

async fn session(app: &App, user: &User) -> Result<Json<Value>> {
    let token = identity::session(app, user)?;
    let user = profile(app, user).await?;
    Ok(Json(json!({ "access_token": token, "token": token, "token_type": "bearer", "user": user })))
}

/// A person, with the role in their current workspace: the oldest they belong to.
async fn profile(app: &App, user: &User) -> Result<Value> {
    let current = workspaces::list(app, &user.id).await?.into_iter().next();
    Ok(json!({
        "id": user.id,
        "email": user.email,
        "full_name": user.full_name,
        "email_verified": user.email_verified,
        "is_verified": user.email_verified,
        "company_id": current.as_ref().map(|workspace| &workspace.id),
        "role": current.as_ref().map(|workspace| workspace.role.to_lowercase()),
        "created_at": user.created_at,
    }))
}
