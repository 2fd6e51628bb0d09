//! `Stripe-Signature`, scheme v1 (<https://docs.stripe.com/webhooks/signature>): HMAC-SHA256 of the time, a point and
//! the body as it came, in hexadecimal digits. During a change of the secret there are several; one that fits will do.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Error, Result};

/// How far the time of an event may be from ours, as Stripe's own libraries have it.
const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

/// Checks that Stripe sent a body, lately.
///
/// # Errors
/// Invalid when it did not.
pub(super) fn verify(secret: &str, header: &str, body: &[u8], now: DateTime<Utc>) -> Result<()> {
    let wrong = |why: &str| {
        Error::bad_request(format!("The header Stripe-Signature {why}.")).with_code("INVALID_SIGNATURE")
    };
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time);
    let time = time.ok_or_else(|| wrong("has no time"))?;
    let at = time.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if at.is_none_or(|at| (now - at).abs() > TOLERANCE) {
        return Err(wrong("is of another time; look at the server's clock"));
    }
    let fits = |digits: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        // Compares in constant time.
        mac.verify_slice(&bytes(digits)?).ok()
    };
    if parts().any(|(name, digits)| name == "v1" && fits(digits).is_some()) {
        return Ok(());
    }
    Err(wrong("does not fit the body"))
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|n| u8::from_str_radix(&digits[n..n + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::hex;

    const SECRET: &str = "whsec_test";

    fn sign(time: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    #[test]
    fn only_what_stripe_signed_lately_is_taken() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let check = |header: &str, body: &str| verify(SECRET, header, body.as_bytes(), now);
        let at = |time: i64| format!("t={time},v1={}", sign(time, "{}"));
        assert!(check(&at(1_790_000_000), "{}").is_ok());
        assert!(check(&at(1_790_000_000 - 300), "{}").is_ok());
        assert!(check(&at(1_790_000_000 - 301), "{}").is_err(), "an old one could be sent again by others");
        assert!(check(&at(1_790_000_000 + 301), "{}").is_err());
        assert!(check(&at(1_790_000_000), "{} ").is_err(), "the body is another");
        let rotated = format!("t=1790000000, v0=00,v1=ff,v1={}", sign(1_790_000_000, "{}"));
        assert!(check(&rotated, "{}").is_ok(), "one of several fits");
        for odd in [
            "",
            "t=1790000000",
            "v1=00",
            "t=x,v1=00",
            "t=1790000000,v1=zz",
            "t=1790000000,v1=é",
            "t=1790000000,v0=00",
        ] {
            let error = check(odd, "{}").unwrap_err();
            assert_eq!(error.code, "INVALID_SIGNATURE", "{odd}");
        }
        assert!(verify("", &at(1_790_000_000), b"{}", now).is_err());
    }

    /// Computed apart from this code: `printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test`.
    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        assert_eq!(sign(1_492_774_577, "{}"), OPENSSL);
    }

    const OPENSSL: &str = "0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b";
}
