//! Logging in and out.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use platform::{
    App, Error, Origin,
    identity::{self, EmailAddress, LogIn},
};
use serde::Deserialize;
use web::{Client, Query};

use crate::{
    csrf,
    form::{Fields, Form, VisitorForm},
    page::{Notice, PageError, Result, mistake, render},
    session::{SESSION, SESSION_SECONDS, Session, VISIT, cookie, set_cookie},
};

#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub csrf: &'a str,
    pub next: &'a str,
    pub email: &'a str,
    pub notice: Option<Notice>,
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /console/login`
pub async fn page(
    State(app): State<App>,
    session: std::result::Result<Session, PageError>,
    headers: HeaderMap,
    query: std::result::Result<Query<Next>, web::ApiError>,
) -> Result {
    let next = query.map(|Query(query)| query.next).unwrap_or_default();
    if session.is_ok() {
        return Ok(Redirect::to(local(&next)).into_response());
    }
    let visit = cookie(&headers, VISIT).map_or_else(|| app.entropy.token(), str::to_owned);
    let page = LoginPage { csrf: &csrf::token(&visit), next: &next, email: "", notice: None };
    let mut response = render(StatusCode::OK, &page)?;
    let kept = set_cookie(&app, VISIT, &visit, SESSION_SECONDS).map_err(Error::internal)?;
    response.headers_mut().append(SET_COOKIE, kept);
    Ok(response)
}

/// `POST /console/login`
pub async fn log_in(
    State(app): State<App>,
    Client(origin): Client,
    VisitorForm(fields): VisitorForm,
) -> Result {
    match token(&app, &fields, &origin).await {
        Ok(token) => {
            let mut response = Redirect::to(local(fields.get("next"))).into_response();
            let session = set_cookie(&app, SESSION, &token, SESSION_SECONDS).map_err(Error::internal)?;
            response.headers_mut().append(SET_COOKIE, session);
            let visit = set_cookie(&app, VISIT, "", 0).map_err(Error::internal)?;
            response.headers_mut().append(SET_COOKIE, visit);
            Ok(response)
        }
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let (csrf, next, email) = (fields.get(csrf::FIELD), fields.get("next"), fields.get("email"));
            render(status, &LoginPage { csrf, next, email, notice: Some(notice) })
        }
    }
}

async fn token(app: &App, fields: &Fields, origin: &Origin) -> platform::Result<String> {
    let email: EmailAddress = fields.get("email").parse()?;
    let form = LogIn { email: &email, password: fields.get("password"), code: Some(fields.get("code")) };
    Ok(identity::log_in(app, form, origin).await?.access_token)
}

/// `POST /console/logout`
pub async fn log_out(State(app): State<App>, session: Session, Form(_): Form) -> Result<Response> {
    identity::log_out(&app, None, Some(&session.caller), &session.by.origin).await?;
    let mut response = Redirect::to("/console/login").into_response();
    let gone = set_cookie(&app, SESSION, "", 0).map_err(Error::internal)?;
    response.headers_mut().append(SET_COOKIE, gone);
    Ok(response)
}

/// Only the console's own pages are gone to after a login: an address with a host would make the login page a
/// help to phishers.
fn local(next: &str) -> &str {
    let own = next.strip_prefix("/console").is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with(['/', '?']) && !rest.contains(['\\', '\r', '\n']))
    });
    if own { next } else { "/console" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        for own in ["/console", "/console/ws_1/keys", "/console?x=1"] {
            assert_eq!(local(own), own);
        }
        for other in [
            "",
            "https://evil.example",
            "//evil.example",
            "/consoleevil",
            "/console/\\evil",
            "/console\r\nX: y",
        ] {
            assert_eq!(local(other), "/console", "{other:?}");
        }
    }
}
