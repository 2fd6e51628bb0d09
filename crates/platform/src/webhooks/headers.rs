//! Headers that a webhook's owner adds to its deliveries: a token of the receiver, for the most part.

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, Result};

/// Headers of one webhook.
const MAX_HEADERS: usize = 20;
/// Longest value, in bytes.
const MAX_VALUE: usize = 2_000;
/// What the delivery itself says, or the connection.
const TAKEN: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names and values, as their owner gave them.
pub type Headers = BTreeMap<String, String>;

/// The headers as they are sent.
///
/// # Errors
/// Invalid when there are too many, or one is malformed or not the owner's to set.
pub(super) fn checked(headers: &Headers) -> Result<HeaderMap> {
    if headers.len() > MAX_HEADERS {
        return Err(Error::invalid("headers", format!("A webhook has at most {MAX_HEADERS} headers.")));
    }
    headers.iter().map(|(name, value)| header(name, value)).collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = |what: &str| Error::invalid("headers", format!("The header {name:?} {what}."));
    let parsed: HeaderName = name.parse().map_err(|_| wrong("has a name that no header can have"))?;
    let text = parsed.as_str();
    if TAKEN.contains(&text) || text.starts_with("webhook-") || text.starts_with("proxy-") {
        return Err(wrong("is set by the delivery itself; choose another name"));
    }
    let value = HeaderValue::from_str(value).ok().filter(|value| value.len() <= MAX_VALUE);
    let value = value.ok_or_else(|| wrong("has a value that is too long or holds control characters"))?;
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_delivery_says_itself_is_not_for_its_owner() {
        let one = |name: &str, value: &str| checked(&Headers::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(one("X-Custom-Header", "value").unwrap()["x-custom-header"], "value");
        for (name, value) in [
            ("Webhook-Signature", "v1,x"),
            ("HOST", "localhost"),
            ("Content-Length", "0"),
            ("a b", "x"),
            ("", "x"),
            ("x-a", "two\r\nlines: x"),
        ] {
            let error = one(name, value).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("headers"), "{name}");
        }
        assert!(one("x-a", &"x".repeat(MAX_VALUE + 1)).is_err());
        assert!(checked(&(0..=MAX_HEADERS).map(|n| (format!("x-{n}"), String::new())).collect()).is_err());
    }
}
