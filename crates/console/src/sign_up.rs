//! Signing up, and the code that proves the address.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use platform::{
    App, Error, Origin,
    identity::{self, CODE_MINUTES, EmailAddress, Password, SignUp},
};
use url::form_urlencoded;
use web::{Client, full_name};

use crate::{
    csrf,
    form::{Asked, Fields, VisitorForm},
    page::{Notice, PageError, Result, done, mistake, render},
    session::Session,
    visit::{Visit, enter, local},
};

#[derive(Template)]
#[template(path = "sign_up.html")]
pub(crate) struct SignUpPage<'a> {
    pub csrf: &'a str,
    pub next: &'a str,
    pub full_name: &'a str,
    pub email: &'a str,
    pub notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "sign_up_code.html")]
pub(crate) struct CodePage<'a> {
    pub csrf: &'a str,
    pub next: &'a str,
    pub email: &'a str,
    pub minutes: i64,
    pub notice: Option<Notice>,
}

/// `GET /console/signup`
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
    let page = SignUpPage { csrf: &visit.csrf, next, full_name: "", email: query.get("email"), notice: None };
    visit.render(&app, &page)
}

/// `POST /console/signup`: to the code's page, whether or not the address is known.
pub async fn sign_up(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match begin(&app, &fields, &origin).await {
        Ok(()) => Ok(to_code(&fields, "").into_response()),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let page = SignUpPage {
                csrf: fields.get(csrf::FIELD),
                next: fields.get("next"),
                full_name: fields.get("full_name"),
                email: fields.get("email"),
                notice: Some(notice),
            };
            render(status, &page)
        }
    }
}

async fn begin(app: &App, fields: &Fields, origin: &Origin) -> platform::Result<()> {
    let form = SignUp {
        full_name: full_name(fields.get("full_name"))?,
        email: fields.get("email").parse()?,
        password: Password::new(fields.get("password").to_owned())?,
    };
    identity::sign_up(app, form, origin).await
}

fn to_code(fields: &Fields, done: &str) -> Redirect {
    let pairs = ["email", "next"].map(|name| (name, fields.get(name)));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.into_iter().chain([("done", done)]).filter(|(_, value)| !value.is_empty()))
        .finish();
    Redirect::to(&format!("/console/signup/code?{query}"))
}

/// `GET /console/signup/code`
pub async fn code_page(State(app): State<App>, visit: Visit, Asked(query): Asked) -> Result {
    let page = CodePage {
        csrf: &visit.csrf,
        next: query.get("next"),
        email: query.get("email"),
        minutes: CODE_MINUTES,
        notice: done(query.get("done")),
    };
    visit.render(&app, &page)
}

/// `POST /console/signup/code`
pub async fn verify(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match token(&app, &fields, &origin).await {
        Ok(token) => enter(&app, &token, fields.get("next")),
        Err(error) => code_again(&fields, error),
    }
}

async fn token(app: &App, fields: &Fields, origin: &Origin) -> platform::Result<String> {
    let email: EmailAddress = fields.get("email").parse()?;
    let code: String = fields.get("otp_code").split_whitespace().collect();
    Ok(identity::verify_code(app, &email, &code, origin).await?.access_token)
}

/// `POST /console/signup/code/again`
pub async fn resend(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    let outcome = match fields.get("email").parse() {
        Ok(email) => identity::resend_code(&app, &email, &origin).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(to_code(&fields, "code").into_response()),
        Err(error) => code_again(&fields, error),
    }
}

fn code_again(fields: &Fields, error: Error) -> Result {
    let (status, notice) = mistake(error)?;
    let page = CodePage {
        csrf: fields.get(csrf::FIELD),
        next: fields.get("next"),
        email: fields.get("email"),
        minutes: CODE_MINUTES,
        notice: Some(notice),
    };
    render(status, &page)
}
