//! Proof that a form was sent by one of our own pages (OWASP's "signed double-submit cookie", with the secret
//! cookie itself as the key): the form carries a hash of an `HttpOnly` cookie, which other sites cannot read. The
//! browser's own word on where a request comes from is checked besides.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap,
    header::{HOST, ORIGIN},
};
use platform::Error;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::page::PageError;

/// The field of a form that carries the token.
pub const FIELD: &str = "csrf";

/// The token for forms of whoever holds this cookie.
pub fn token(cookie: &str) -> String {
    let digest = Sha256::new().chain_update("frontdesk console form\0").chain_update(cookie).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Holds a form's token against the cookie.
///
/// # Errors
/// Forbidden when there is no cookie or the token is not its own.
pub fn check(cookie: Option<&str>, given: &str) -> platform::Result<()> {
    let right = cookie.is_some_and(|cookie| token(cookie).as_bytes().ct_eq(given.as_bytes()).into());
    if right { Ok(()) } else { Err(foreign()) }
}

/// Refuses whatever changes something and comes from another site, by the rules of Go's
/// `net/http.CrossOriginProtection`: `Sec-Fetch-Site` decides, and where a browser does not send it (plain HTTP),
/// `Origin` must name the host that was asked.
pub async fn same_site(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    PageError::from(foreign()).into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => true, // no browser; the token is still asked for
        (None, Some(origin)) => Url::parse(origin).is_ok_and(|origin| {
            let authority = &origin[url::Position::BeforeHost..url::Position::AfterPort];
            text(HOST.as_str()) == Some(authority)
        }),
    }
}

fn foreign() -> Error {
    Error::forbidden(
        "This form is out of date or was sent by another site. Go back, load the page again and send it once more.",
    )
    .with_code("CSRF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_cookie_only() {
        assert!(check(Some("abc"), &token("abc")).is_ok());
        assert!(check(Some("abd"), &token("abc")).is_err());
        assert!(check(Some("abc"), "").is_err());
        assert!(check(None, &token("")).is_err());
    }

    #[test]
    fn the_browser_says_where_a_form_comes_from() {
        let own = |pairs: &[(&'static str, &str)]| {
            is_own(&pairs.iter().map(|(k, v)| ((*k).parse().unwrap(), v.parse().unwrap())).collect())
        };
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "https://proxy.example")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(own(&[("host", "h.example:81"), ("origin", "http://h.example:81")]));
        assert!(!own(&[("host", "h.example"), ("origin", "https://evil.example")]));
        assert!(!own(&[("host", "h.example"), ("origin", "null")]));
    }
}
