//! Logging in and out.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header::SET_COOKIE};
use platform::{
    App, Error, Origin,
    identity::{self, EmailAddress, LogIn},
};
use web::Client;

use crate::{
    csrf,
    form::{Asked, Fields, Form, VisitorForm},
    page::{Notice, PageError, Result, done, mistake, render},
    session::{SESSION, Session, set_cookie},
    visit::{Visit, enter, local},
};

#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub csrf: &'a str,
    pub next: &'a str,
    pub email: &'a str,
    /// Whether to ask for the code of an authenticator app.
    pub two_factor: bool,
    /// Whether the account waits for the code that was mailed.
    pub unverified: bool,
    pub notice: Option<Notice>,
}

/// `GET /console/login`
pub async fn page(
    State(app): State<App>,
    session: std::result::Result<Session, PageError>,
    visit: Visit,
    Asked(query): Asked,
) -> Result {
    let next = query.get("next");
    if session.is_ok() {
        return Ok(Redirect::to(local(next)).into_response());
    }
    let page = LoginPage {
        csrf: &visit.csrf,
        next,
        email: query.get("email"),
        two_factor: false,
        unverified: false,
        notice: done(query.get("done")),
    };
    visit.render(&app, &page)
}

/// `POST /console/login`
pub async fn log_in(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match token(&app, &fields, &origin).await {
        Ok(token) => enter(&app, &token, fields.get("next")),
        Err(error) => again(&fields, error),
    }
}

async fn token(app: &App, fields: &Fields, origin: &Origin) -> platform::Result<String> {
    let email: EmailAddress = fields.get("email").parse()?;
    let code = Some(fields.get("totp_code"));
    let form = LogIn { email: &email, password: fields.get("password"), code };
    Ok(identity::log_in(app, form, origin).await?.access_token)
}

/// The form once more. A password is never sent back to the browser, so a second factor takes it a second time.
fn again(fields: &Fields, error: Error) -> Result {
    let two_factor = error.code == "TWO_FACTOR_REQUIRED" || !fields.get("totp_code").is_empty();
    let unverified = error.code == "EMAIL_NOT_VERIFIED";
    let asked_first = error.code == "TWO_FACTOR_REQUIRED" && fields.get("totp_code").is_empty();
    let (status, notice) = mistake(error)?;
    let page = LoginPage {
        csrf: fields.get(csrf::FIELD),
        next: fields.get("next"),
        email: fields.get("email"),
        two_factor,
        unverified,
        notice: Some(notice).filter(|_| !asked_first),
    };
    render(if asked_first { StatusCode::OK } else { status }, &page)
}

/// `POST /console/logout`
pub async fn log_out(State(app): State<App>, session: Session, Form(_): Form) -> Result<Response> {
    identity::log_out(&app, None, Some(&session.caller), &session.by.origin).await?;
    let mut response = Redirect::to("/console/login").into_response();
    let gone = set_cookie(&app, SESSION, "", 0).map_err(Error::internal)?;
    response.headers_mut().append(SET_COOKIE, gone);
    Ok(response)
}
