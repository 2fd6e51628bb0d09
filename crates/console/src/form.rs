//! The fields that a form or an address brings. A name may stand there several times, for check boxes.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::request::Parts;
use platform::{App, Error};
use url::form_urlencoded;

use crate::{
    csrf,
    page::PageError,
    session::{SESSION, cookie},
    visit::VISIT,
};

/// A form's fields, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Fields as a test types them.
    #[cfg(test)]
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Browsers end the lines of a text field with CR LF; ours end with LF.
    fn parse(body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(body);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// The first value of this name; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The lines of a text field, without the empty ones.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    async fn read(request: Request, bound_to: &str) -> Result<Self, PageError> {
        let cookie = cookie(request.headers(), bound_to).map(str::to_owned);
        let body = Bytes::from_request(request, &()).await.map_err(|_| {
            Error::too_large("The form is too large, or it broke off. Shorten it and send it again.")
        })?;
        let fields = Self::parse(&body);
        csrf::check(cookie.as_deref(), fields.get(csrf::FIELD))?;
        Ok(fields)
    }
}

/// What stands behind the question mark. What is malformed there counts as left out.
pub struct Asked(pub Fields);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// A form of somebody who is logged in.
pub struct Form(pub Fields);

impl FromRequest<App> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &App) -> Result<Self, PageError> {
        Fields::read(request, SESSION).await.map(Self)
    }
}

/// A form that needs no session; see [`crate::visit`].
pub struct VisitorForm(pub Fields);

impl FromRequest<App> for VisitorForm {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &App) -> Result<Self, PageError> {
        Fields::read(request, VISIT).await.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_repeat_and_lines_end_as_ours_do() {
        let fields = Fields::parse(b"c=1&c=2&text=a%0D%0A%0D%0A+b+%0D%0A");
        assert_eq!(fields.all("c").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.get("text"), "a\n\n b \n");
        assert_eq!(fields.lines("text"), ["a", "b"]);
        assert_eq!(fields.get("missing"), "");
    }
}
