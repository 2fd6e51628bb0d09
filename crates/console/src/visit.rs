//! Pages that need no session: their forms are bound to a cookie of the visit, until a session takes its place.

use std::convert::Infallible;

use askama::Template;
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Redirect},
};
use http::{StatusCode, header::SET_COOKIE, request::Parts};
use platform::{App, Error};

use crate::{
    csrf,
    page::{Result, render},
    session::{SESSION, SESSION_SECONDS, cookie, set_cookie},
};

/// The cookie that forms are bound to.
pub const VISIT: &str = "frontdesk_visit";

/// A visit: one that goes on, or a new one.
pub struct Visit {
    /// The token for its forms.
    pub csrf: String,
    cookie: String,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Infallible> {
        let cookie = cookie(&parts.headers, VISIT).map_or_else(|| app.entropy.token(), str::to_owned);
        Ok(Self { csrf: csrf::token(&cookie), cookie })
    }
}

impl Visit {
    /// A page with a form, and the cookie that it is bound to.
    ///
    /// # Errors
    /// Internal when the template fails.
    pub fn render(&self, app: &App, template: &impl Template) -> Result {
        let mut response = render(StatusCode::OK, template)?;
        let kept = set_cookie(app, VISIT, &self.cookie, SESSION_SECONDS).map_err(Error::internal)?;
        response.headers_mut().append(SET_COOKIE, kept);
        Ok(response)
    }
}

/// Ends the visit, because there is a session now, and leads to where the person wanted.
///
/// # Errors
/// Internal when the token does not fit into a cookie.
pub fn enter(app: &App, access_token: &str, next: &str) -> Result {
    let mut response = Redirect::to(local(next)).into_response();
    for (name, value, seconds) in [(SESSION, access_token, SESSION_SECONDS), (VISIT, "", 0)] {
        let cookie = set_cookie(app, name, value, seconds).map_err(Error::internal)?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Only the console's own pages are gone to after a login: an address with a host would make the login page a
/// help to phishers.
pub fn local(next: &str) -> &str {
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
