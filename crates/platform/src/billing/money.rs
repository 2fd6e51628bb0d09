//! Credits and money, as whole numbers of their least unit: sums must come out even.

use std::fmt;

use serde::{Serialize, Serializer};

/// Credits, in thousandths: a run's price has fractions, a balance must not round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

impl Credits {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many whole ones.
    pub const fn whole(credits: i64) -> Self {
        Self(credits.saturating_mul(1000))
    }

    /// So many thousandths, as they are stored.
    pub const fn of_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// The thousandths, as they are stored.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// As a number: 12.5 for twelve and a half.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl std::ops::Add for Credits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Credits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Neg for Credits {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl std::iter::Sum for Credits {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, |sum, one| sum + one)
    }
}

/// A whole number where it is one, as the document shows it.
impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

/// `1,250` or `-0.125`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", grouped(whole))?;
        if part == 0 {
            return Ok(());
        }
        write!(f, ".{}", format!("{part:03}").trim_end_matches('0'))
    }
}

/// A number with its thousands apart: `1,250`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A currency by its three letters (ISO 4217).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency(String);

/// Currencies without a smaller unit, as Stripe lists them (<https://docs.stripe.com/currencies#zero-decimal>).
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

impl Currency {
    /// Reads three letters.
    pub fn new(code: &str) -> Option<Self> {
        let well_formed = code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic());
        well_formed.then(|| Self(code.to_ascii_uppercase()))
    }

    /// The three letters, upper case.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// Least units in one of it.
    pub fn unit(&self) -> i64 {
        if WHOLE.contains(&self.code()) { 1 } else { 100 }
    }

    /// An amount in least units as a number of it.
    pub fn amount(&self, minor: i64) -> f64 {
        minor as f64 / self.unit() as f64
    }

    /// `USD 1,250.00`.
    pub fn show(&self, minor: i64) -> String {
        let unit = self.unit().unsigned_abs();
        let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
        let sign = if minor < 0 { "-" } else { "" };
        let part = if unit == 1 { String::new() } else { format!(".{part:02}") };
        format!("{} {sign}{}{part}", self.0, grouped(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_shown_as_they_are() {
        let show = |thousandths| Credits::of_thousandths(thousandths).to_string();
        assert_eq!([show(0), show(1_000), show(1_250_500), show(-125)], ["0", "1", "1,250.5", "-0.125"]);
        assert_eq!(serde_json::to_string(&Credits::whole(10_000)).unwrap(), "10000");
        assert_eq!(serde_json::to_string(&Credits::of_thousandths(998_400)).unwrap(), "998.4");
    }

    #[test]
    fn money_has_the_units_of_its_currency() {
        let (usd, jpy) = (Currency::new("usd").unwrap(), Currency::new("JPY").unwrap());
        assert_eq!(usd.show(123_456), "USD 1,234.56");
        assert_eq!(usd.show(-5), "USD -0.05");
        assert_eq!(jpy.show(1_200), "JPY 1,200");
        assert_eq!(usd.amount(1_050), 10.5);
        assert!(Currency::new("EURO").is_none() && Currency::new("E1R").is_none());
    }
}
