//! What mailed links lead to: a new password, and the proof of an address. Mail scanners follow links, so opening
//! one changes nothing; the form does.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, Error, Origin,
    identity::{self, Password},
};
use web::Client;

use crate::{
    csrf,
    form::{Asked, Fields, VisitorForm},
    page::{Notice, Result, done, mistake, render, secret_address},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "forgot.html")]
pub(crate) struct ForgotPage<'a> {
    pub csrf: &'a str,
    pub email: &'a str,
    pub notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "reset.html")]
pub(crate) struct ResetPage<'a> {
    pub csrf: &'a str,
    pub token: &'a str,
    /// Whether the link turned out to be unknown, used or too old.
    pub dead: bool,
    pub notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "verify.html")]
pub(crate) struct VerifyPage<'a> {
    pub csrf: &'a str,
    pub token: &'a str,
    pub notice: Option<Notice>,
}

/// `GET /console/forgot`
pub async fn forgot_page(State(app): State<App>, visit: Visit, Asked(query): Asked) -> Result {
    let page = ForgotPage { csrf: &visit.csrf, email: "", notice: done(query.get("done")) };
    visit.render(&app, &page)
}

/// `POST /console/forgot`: the answer is the same whether or not the address is known.
pub async fn forgot(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    let outcome = match fields.get("email").parse() {
        Ok(email) => identity::forgot_password(&app, &email, &origin).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(Redirect::to("/console/forgot?done=link").into_response()),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let (csrf, email) = (fields.get(csrf::FIELD), fields.get("email"));
            render(status, &ForgotPage { csrf, email, notice: Some(notice) })
        }
    }
}

/// `GET /console/reset?token=…`
pub async fn reset_page(State(app): State<App>, visit: Visit, Asked(query): Asked) -> Result {
    let page = ResetPage { csrf: &visit.csrf, token: query.get("token"), dead: false, notice: None };
    visit.render(&app, &page).map(secret_address)
}

/// `POST /console/reset`
pub async fn reset(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match set_password(&app, &fields, &origin).await {
        Ok(()) => Ok(Redirect::to("/console/login?done=reset").into_response()),
        Err(error) => {
            let dead = error.field.as_deref() == Some("token");
            let (status, notice) = link_mistake(error)?;
            let (csrf, token) = (fields.get(csrf::FIELD), fields.get("token"));
            render(status, &ResetPage { csrf, token, dead, notice: Some(notice) })
        }
    }
}

async fn set_password(app: &App, fields: &Fields, origin: &Origin) -> platform::Result<()> {
    let new = Password::new(fields.get("password").to_owned())?;
    identity::reset_password(app, fields.get("token"), &new, origin).await
}

/// `GET /console/verify?token=…`
pub async fn verify_page(State(app): State<App>, visit: Visit, Asked(query): Asked) -> Result {
    let (token, notice) = (query.get("token"), done(query.get("done")));
    visit.render(&app, &VerifyPage { csrf: &visit.csrf, token, notice }).map(secret_address)
}

/// `POST /console/verify`
pub async fn verify(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match identity::verify_address(&app, fields.get("token"), &origin).await {
        Ok(()) => Ok(Redirect::to("/console/verify?done=verified").into_response()),
        Err(error) => {
            let (status, notice) = link_mistake(error)?;
            render(status, &VerifyPage { csrf: fields.get(csrf::FIELD), token: "", notice: Some(notice) })
        }
    }
}

/// People do not see the token, so what is wrong with it is not about a field of theirs.
fn link_mistake(error: Error) -> Result<(StatusCode, Notice)> {
    let (status, mut notice) = mistake(error)?;
    notice.field = notice.field.filter(|field| field != "token");
    Ok((status, notice))
}
