//! Signing up, logging in and staying so. An answer holds the fields of both documents.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use platform::{
    App, Error, UserId, WorkspaceId,
    identity::{self, CODE_MINUTES, Caller, EmailAddress, LogIn, Password, Session, SignUp, User},
    workspaces::{self, NewWorkspace},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use web::{Client, MaybePerson, Person, Result, full_name, line};

/// The body of a sign-up.
#[derive(Deserialize)]
pub struct SignUpBody {
    email: String,
    password: String,
    full_name: String,
}

impl SignUpBody {
    fn check(self) -> Result<SignUp> {
        Ok(SignUp {
            email: self.email.parse()?,
            password: Password::new(self.password)?,
            full_name: full_name(&self.full_name)?,
        })
    }
}

/// `POST /auth/signup`
pub async fn sign_up(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<SignUpBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = body.check()?;
    let email = form.email.as_str().to_owned();
    identity::sign_up(&app, form, &origin).await?;
    let answer = json!({
        "message": "Account created. Verify email with OTP.",
        "email": email,
        "expires_in_minutes": CODE_MINUTES,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// A body that names an address.
#[derive(Deserialize)]
pub struct AddressBody {
    email: String,
}

/// `POST /auth/resend-otp`
pub async fn resend_otp(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<AddressBody>,
) -> Result<Json<Value>> {
    identity::resend_code(&app, &body.email.parse()?, &origin).await?;
    Ok(Json(json!({
        "success": true,
        "message": "If an account waits for a code, a new one was sent.",
        "expires_in_minutes": CODE_MINUTES,
    })))
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
    Client(origin): Client,
    web::Json(body): web::Json<VerifyBody>,
) -> Result<Json<Value>> {
    let email: EmailAddress = body.email.parse()?;
    opened(&app, identity::verify_code(&app, &email, body.otp_code.trim(), &origin).await?).await
}

/// The body of a registration.
#[derive(Deserialize)]
pub struct RegisterBody {
    #[serde(flatten)]
    person: SignUpBody,
    company_name: String,
}

/// `POST /auth/register`
pub async fn register(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<RegisterBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let company = NewWorkspace {
        name: line("company_name", &body.company_name, 100)?,
        timezone: workspaces::timezone("UTC")?,
        settings: Map::new(),
    };
    let session = identity::register(&app, body.person.check()?, company, &origin).await?;
    Ok((StatusCode::CREATED, opened(&app, session).await?))
}

/// The body of a login.
#[derive(Deserialize)]
pub struct LogInBody {
    email: String,
    password: String,
    totp_code: Option<String>,
}

/// `POST /auth/login`
pub async fn log_in(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<LogInBody>,
) -> Result<Json<Value>> {
    let email: EmailAddress = body.email.parse()?;
    let form = LogIn { email: &email, password: &body.password, code: body.totp_code.as_deref() };
    opened(&app, identity::log_in(&app, form, &origin).await?).await
}

/// The body of a refresh.
#[derive(Deserialize)]
pub struct RefreshBody {
    refresh_token: String,
}

/// `POST /auth/refresh`
pub async fn refresh(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<RefreshBody>,
) -> Result<Json<Value>> {
    opened(&app, identity::refresh(&app, &body.refresh_token, &origin).await?).await
}

/// The body of a logout.
#[derive(Deserialize)]
pub struct LogOutBody {
    refresh_token: Option<String>,
}

/// `POST /auth/logout`: ends the session of the refresh token, and the one that is called with.
pub async fn log_out(
    State(app): State<App>,
    Client(origin): Client,
    MaybePerson(caller): MaybePerson,
    web::Json(body): web::Json<LogOutBody>,
) -> Result<Json<Value>> {
    if caller.is_none() && body.refresh_token.is_none() {
        return Err(Error::invalid("refresh_token", "Send the refresh token of the session to end.").into());
    }
    identity::log_out(&app, body.refresh_token.as_deref(), caller.as_deref(), &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Logged out successfully" })))
}

/// `POST /auth/password/forgot`
pub async fn forgot_password(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<AddressBody>,
) -> Result<Json<Value>> {
    identity::forgot_password(&app, &body.email.parse()?, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Password reset email sent" })))
}

/// The body of a new password.
#[derive(Deserialize)]
pub struct ResetBody {
    token: String,
    password: String,
}

/// `POST /auth/password/reset`
pub async fn reset_password(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<ResetBody>,
) -> Result<Json<Value>> {
    let password = Password::new(body.password)?;
    identity::reset_password(&app, &body.token, &password, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Password reset successfully" })))
}

/// A body that holds the token of a mailed link.
#[derive(Deserialize)]
pub struct TokenBody {
    token: String,
}

/// `POST /auth/verify-email`
pub async fn verify_email(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<TokenBody>,
) -> Result<Json<Value>> {
    identity::verify_address(&app, &body.token, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Email verified successfully" })))
}

/// `POST /auth/verify-email/resend`
pub async fn resend_verification(
    State(app): State<App>,
    Client(origin): Client,
    web::Json(body): web::Json<AddressBody>,
) -> Result<Json<Value>> {
    identity::resend_verification(&app, &body.email.parse()?, &origin).await?;
    Ok(Json(json!({ "success": true, "message": "Verification email sent" })))
}

/// `GET /auth/me`: flat as one document has it, under `user` as the other has it.
pub async fn me(person: Person) -> Response {
    #[derive(Serialize)]
    struct Me<'a> {
        #[serde(flatten)]
        flat: &'a Profile<'a>,
        user: &'a Profile<'a>,
    }
    let profile = profile(&person.caller);
    Json(Me { flat: &profile, user: &profile }).into_response()
}

async fn opened(app: &App, session: Session) -> Result<Json<Value>> {
    let caller = identity::authenticate(app, &session.access_token).await?;
    Ok(Json(json!({
        "access_token": session.access_token,
        "token": session.access_token,
        "token_type": "bearer",
        "refresh_token": session.refresh_token,
        "user": profile(&caller),
    })))
}

/// A person, with the role in their current workspace: the oldest they belong to.
#[derive(Serialize)]
pub(crate) struct Profile<'a> {
    id: &'a UserId,
    email: &'a str,
    full_name: &'a str,
    email_verified: bool,
    is_verified: bool,
    two_factor_enabled: bool,
    company_id: Option<&'a WorkspaceId>,
    role: Option<String>,
    created_at: DateTime<Utc>,
}

pub(crate) fn profile(caller: &Caller) -> Profile<'_> {
    view(&caller.user, caller)
}

pub(crate) fn view<'a>(user: &'a User, caller: &'a Caller) -> Profile<'a> {
    let current = caller.memberships.first();
    Profile {
        id: &user.id,
        email: &user.email,
        full_name: &user.full_name,
        email_verified: user.email_verified,
        is_verified: user.email_verified,
        two_factor_enabled: user.totp_confirmed,
        company_id: current.map(|membership| &membership.workspace),
        role: current.map(|membership| membership.role.as_str().to_lowercase()),
        created_at: user.created_at,
    }
}
