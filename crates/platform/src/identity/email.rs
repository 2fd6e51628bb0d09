//! Mail addresses.

use std::str::FromStr;

use lettre::Address;
use unicode_normalization::UnicodeNormalization;

use crate::{Error, Result};

/// Longest address that SMTP carries (RFC 5321, 4.5.3.1.3).
const MAX_LENGTH: usize = 254;

/// A well-formed mail address, as it was given, and folded for telling people apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    given: String,
    key: String,
}

impl EmailAddress {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The address in lower case and NFC: two spellings of one address are one person.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for EmailAddress {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let given: String = text.trim().nfc().collect();
        let well_formed = given.len() <= MAX_LENGTH
            && given.parse::<Address>().is_ok_and(|address| address.domain().contains('.'));
        if !well_formed {
            return Err(Error::invalid("email", "email is not a mail address such as ada@example.com."));
        }
        Ok(Self { key: given.to_lowercase().nfc().collect(), given })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let a: EmailAddress = "Ada@Example.com".parse().unwrap();
        let b: EmailAddress = " ada@example.COM ".parse().unwrap();
        assert_eq!(a.key(), b.key());
        for wrong in [
            "",
            "not an address",
            "a@b",
            "a@b.c\r\nBcc: x@y.z",
            "a@b@c.d",
            &format!("{}@x.io", "a".repeat(300)),
        ] {
            assert!(wrong.parse::<EmailAddress>().is_err(), "{wrong:?}");
        }
    }
}
