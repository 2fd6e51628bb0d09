//! Amounts and other numbers: `1,249.50`, `1.249,50 €`, `(RM 12.00)`, `12-`.

use std::ops::Range;

use super::{Pattern, pattern};

/// A number in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    /// Bytes of the line, with sign and currency.
    pub range: Range<usize>,
    pub value: f64,
    /// Digits after the decimal mark.
    pub decimals: usize,
    pub percent: bool,
    /// A currency stands beside it.
    pub currency: bool,
}

impl Amount {
    /// Hundredths, in which sums are compared.
    pub(crate) fn cents(&self) -> i64 {
        (self.value * 100.0).round() as i64
    }

    /// Whether it is written as money is.
    pub(crate) fn is_money(&self) -> bool {
        !self.percent && (self.currency || self.decimals == 2)
    }
}

/// What stands between the whole and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Point,
    Comma,
}

static NUMBER: Pattern = Pattern::new(|| {
    pattern(
        r"(?P<lead>[-−(]\s?)?(?P<cur>(?:RM|US\$|S\$|A\$|[\p{Sc}]|\b[A-Z]{3}\b|\bkr\.?)\s?)?(?P<sign>[-−]\s?)?(?P<num>\d{1,3}(?:[\u{A0}\u{202F}'’]\d{3})+(?:[.,]\d{1,4})?|\d{1,3}(?: \d{3})+,\d{1,2}|\d[\d.,]*\d|\d|\.\d{2})(?P<trail>-|\s?%)?(?P<cur2>\s?(?:\p{Sc}|EUR\b|USD\b|GBP\b|CHF\b|NOK\b|SEK\b|DKK\b|PLN\b|MYR\b|kr\b))?",
    )
});
static POINT: Pattern = Pattern::new(|| pattern(r"\d\.\d{2}(?:\D|$)"));
static COMMA: Pattern = Pattern::new(|| pattern(r"\d,\d{2}(?:\D|$)"));

/// The mark that most numbers with two decimals have; when there are none, what is `usual`.
pub(crate) fn mark_of(text: &str, usual: Mark) -> Mark {
    let (points, commas) = (POINT.find_iter(text).count(), COMMA.find_iter(text).count());
    match points.cmp(&commas) {
        std::cmp::Ordering::Greater => Mark::Point,
        std::cmp::Ordering::Less => Mark::Comma,
        std::cmp::Ordering::Equal => usual,
    }
}

/// The numbers of a line, from left to right. Parts of dates, times, phone numbers and codes are none.
pub(crate) fn amounts(line: &str, mark: Mark) -> Vec<Amount> {
    NUMBER.captures_iter(line).filter_map(|hit| amount(line, &hit, mark)).collect()
}

fn amount(line: &str, hit: &regex::Captures<'_>, mark: Mark) -> Option<Amount> {
    let (whole, digits) = (hit.get(0)?, hit.name("num")?);
    let first = hit.name("cur").map_or(digits.start(), |cur| cur.start());
    let before = line[..first].chars().next_back();
    let after = line[whole.end()..].chars().next();
    let beyond = line[whole.end()..].chars().nth(1);
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '/' | '#' | '_');
    // `-` before a number is its sign only when nothing is glued to it: not in `03-1234` or `2026-01-02`.
    let glued = before == Some('-')
        && line[..first].trim_end_matches('-').ends_with(|c: char| c.is_alphanumeric() || c == ')');
    if before.is_some_and(|c| joins(c) || c == '.') || glued {
        return None;
    }
    if after.is_some_and(|c| c.is_alphanumeric() && !is_unit(&line[whole.end()..]) || c == '/' || c == '_')
        || after == Some(':') && beyond.is_some_and(|c| c.is_ascii_digit())
        || before == Some(':') && line[..first].trim_end_matches(':').ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let (value, decimals) = parse(digits.as_str(), mark)?;
    let trail = hit.name("trail").map_or("", |trail| trail.as_str().trim());
    if trail == "-" && after.is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    let lead = hit.name("lead").map_or("", |lead| lead.as_str().trim());
    let in_brackets = lead == "(" && line[whole.end()..].starts_with(')');
    let negative = in_brackets || matches!(lead, "-" | "−") || hit.name("sign").is_some() || trail == "-";
    let code = hit.name("cur").map_or("", |cur| cur.as_str().trim());
    let currency = is_currency(code) || hit.name("cur2").is_some();
    Some(Amount {
        range: if currency || negative { whole.start()..whole.end() } else { digits.range() },
        value: if negative { -value } else { value },
        decimals,
        percent: trail == "%",
        currency,
    })
}

/// Currencies that come before a number, so that other words of three letters do not count.
fn is_currency(code: &str) -> bool {
    code.chars().any(|c| !c.is_alphabetic())
        || matches!(
            code,
            "RM" | "MYR"
                | "EUR"
                | "USD"
                | "GBP"
                | "CHF"
                | "NOK"
                | "SEK"
                | "DKK"
                | "PLN"
                | "SGD"
                | "AUD"
                | "CAD"
                | "JPY"
                | "CNY"
                | "INR"
                | "BRL"
                | "MXN"
                | "IDR"
                | "THB"
                | "PHP"
                | "VND"
                | "CZK"
                | "HUF"
                | "kr"
        )
}

/// A letter or a mark that follows an amount on receipts: `12.00 S` is apart, `12.00SR` is not.
fn is_unit(after: &str) -> bool {
    let letters: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
    letters.len() <= 3 && letters.chars().all(|c| c.is_ascii_uppercase())
}

/// The number and its decimals. One mark with three digits after it is a matter of the document's habit.
fn parse(digits: &str, mark: Mark) -> Option<(f64, usize)> {
    let last = digits.rfind(['.', ',']);
    let decimal = last.filter(|at| {
        let own = digits.as_bytes()[*at];
        let (count, after) = (digits.matches(own as char).count(), digits.len() - at - 1);
        let is_mark = own == if mark == Mark::Point { b'.' } else { b',' };
        count == 1 && (after != 3 || is_mark) && after <= 4
    });
    let (whole, part) = match decimal {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    if decimal.is_none() && !in_groups(whole) {
        return None;
    }
    let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.len() > 15 {
        return None;
    }
    let plain = if plain.is_empty() { "0" } else { &plain };
    Some((format!("{plain}.{}", if part.is_empty() { "0" } else { part }).parse().ok()?, part.len()))
}

/// Whether marks stand before every three digits, as thousands are written; `1.2.3` is a version.
fn in_groups(whole: &str) -> bool {
    let mut groups = whole.split(|c: char| !c.is_ascii_digit());
    groups.next().is_some_and(|first| !first.is_empty()) && groups.all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str, mark: Mark) -> Vec<f64> {
        amounts(line, mark).iter().map(|amount| amount.value).collect()
    }

    #[test]
    fn amounts_are_read_by_their_marks() {
        assert_eq!(values("Total due: EUR 1,249.50", Mark::Point), [1249.5]);
        assert_eq!(values("Summe 1.249,50 €", Mark::Comma), [1249.5]);
        assert_eq!(values("À payer 1 249,50 EUR", Mark::Comma), [1249.5]);
        assert_eq!(values("CHF 1'249.50", Mark::Point), [1249.5]);
        assert_eq!(values("1.250", Mark::Comma), [1250.0]);
        assert_eq!(values("1.250", Mark::Point), [1.25]);
        assert_eq!(values("1,250", Mark::Point), [1250.0]);
        assert_eq!(values("ADJUSTMENT RM .02", Mark::Point), [0.02]);
        assert_eq!(values("12.00 SR", Mark::Point), [12.0]);
        assert_eq!(values("12.00SR", Mark::Point), [12.0]);
    }

    #[test]
    fn amounts_have_signs() {
        assert_eq!(values("CASH -50.00", Mark::Point), [-50.0]);
        assert_eq!(values("ROUNDING -RM 0.02", Mark::Point), [-0.02]);
        assert_eq!(values("ROUNDING 0.02-", Mark::Point), [-0.02]);
        assert_eq!(values("DISCOUNT (1.50)", Mark::Point), [-1.5]);
    }

    #[test]
    fn what_is_no_amount_is_left_alone() {
        for line in ["12/01/2019", "8:13:39", "TEL 03-5519", "INV-2041", "1.2.3", "A12", "007-12"] {
            assert!(values(line, Mark::Point).iter().all(|value| value.fract() == 0.0), "{line}");
        }
        assert!(values("12/01/2019", Mark::Point).is_empty());
        assert!(amounts("GST 6%", Mark::Point)[0].percent);
    }

    #[test]
    fn the_mark_is_the_one_that_most_numbers_have() {
        assert_eq!(mark_of("1,50 2,75 3.10", Mark::Point), Mark::Comma);
        assert_eq!(mark_of("no numbers", Mark::Point), Mark::Point);
    }
}
