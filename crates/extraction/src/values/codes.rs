//! Addresses of mail and web, phone numbers, and numbers with check digits.

use std::ops::Range;

use super::{Pattern, pattern};

static EMAIL: Pattern =
    Pattern::new(|| pattern(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}"));
static URL: Pattern = Pattern::new(|| pattern(r#"(?i)\b(?:https?://|www\.)[^\s<>"|]+[^\s<>"|.,;:)]"#));
static IBAN: Pattern =
    Pattern::new(|| pattern(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"));
static BIC: Pattern = Pattern::new(|| pattern(r"\b[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b"));
static VAT: Pattern = Pattern::new(|| {
    pattern(
        r"\b(?:ATU ?\d{8}|BE ?[01]\d{3}[. ]?\d{3}[. ]?\d{3}|DE ?\d{3} ?\d{3} ?\d{3}|FR ?[A-Z0-9]{2} ?\d{3} ?\d{3} ?\d{3}|IT ?\d{11}|NL ?\d{9}B\d{2}|ES ?[A-Z]\d{7}[A-Z0-9]|PL ?\d{10}|DK ?\d{8}|FI ?\d{8}|LU ?\d{8}|SE ?\d{12}|PT ?\d{9}|IE ?\d[A-Z0-9]\d{5}[A-Z]{1,2}|GB ?\d{3} ?\d{4} ?\d{2}|CHE-?\d{3}\.?\d{3}\.?\d{3}|NO ?\d{3} ?\d{3} ?\d{3} ?MVA)\b",
    )
});
static PHONE: Pattern = Pattern::new(|| pattern(r"(?:\+|\(\+?)?\d(?:[ ()/.-]{0,3}\d){6,14}"));

/// The mail addresses of a line.
pub(crate) fn emails(line: &str) -> Vec<Range<usize>> {
    EMAIL.find_iter(line).map(|hit| hit.range()).collect()
}

/// The web addresses of a line.
pub(crate) fn urls(line: &str) -> Vec<Range<usize>> {
    URL.find_iter(line).map(|hit| hit.range()).collect()
}

/// What is written as an IBAN, right or wrong.
pub(crate) fn ibans(line: &str) -> Vec<Range<usize>> {
    IBAN.find_iter(line).map(|hit| hit.range()).collect()
}

/// What is written as a BIC.
pub(crate) fn bics(line: &str) -> Vec<Range<usize>> {
    BIC.find_iter(line).map(|hit| hit.range()).collect()
}

/// What is written as a VAT number of the EU, the UK, Norway or Switzerland, right or wrong.
pub(crate) fn vat_ids(line: &str) -> Vec<Range<usize>> {
    VAT.find_iter(line).map(|hit| hit.range()).collect()
}

/// What is written as a phone number. Dates and other runs of digits can look like one, so a label has to say so.
pub(crate) fn phones(line: &str) -> Vec<Range<usize>> {
    let apart = |hit: &regex::Match<'_>| {
        !line[..hit.start()].ends_with(|c: char| c.is_alphanumeric())
            && !line[hit.end()..].starts_with(|c: char| c.is_alphanumeric())
    };
    PHONE.find_iter(line).filter(apart).map(|hit| hit.range()).collect()
}

/// Digits and a leading plus.
pub(crate) fn phone_digits(text: &str) -> String {
    let plus = text.trim_start_matches('(').starts_with('+');
    // The zero in brackets after a country's code is for callers within the country.
    let text = if plus { text.replace("(0)", "") } else { text.to_owned() };
    let digits = text.chars().filter(char::is_ascii_digit);
    plus.then_some('+').into_iter().chain(digits).collect()
}

/// Letters and digits in upper case.
pub(crate) fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// ISO 13616: the remainder of the rearranged number by 97 is 1.
pub(crate) fn is_iban(text: &str) -> bool {
    let compact = compact(text);
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let digits = tail.chars().chain(head.chars()).filter_map(|c| c.to_digit(36));
    digits.fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97) == 1
}

/// Whether the check digits of a VAT number are right; `None` for countries whose rule is not known here.
pub(crate) fn vat_check(text: &str) -> Option<bool> {
    let compact = compact(text);
    let country = compact.get(..2)?;
    let digits: Vec<u32> = compact.get(2..)?.chars().filter_map(|c| c.to_digit(10)).collect();
    let count = |n: usize| digits.len() == n;
    match country {
        "DE" if count(9) => Some(mod_11_10(&digits)),
        "AT" if count(8) => Some(austrian(&digits)),
        "IT" if count(11) => Some(luhn(&digits)),
        "SE" if count(12) => Some(luhn(&digits[..10])),
        "BE" if count(10) => Some(97 - value(&digits[..8]) % 97 == value(&digits[8..])),
        "LU" if count(8) => Some(value(&digits[..6]) % 89 == value(&digits[6..])),
        "FR" if count(11) => Some((12 + 3 * (value(&digits[2..]) % 97)) % 97 == value(&digits[..2])),
        "DK" if count(8) => Some(weighted(&digits, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)),
        "FI" if count(8) => Some(weighted(&digits, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)),
        "PL" if count(10) => Some(weighted(&digits[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digits[9]),
        "PT" if count(9) => {
            let check = 11 - weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            Some(if check > 9 { 0 } else { check } == digits[8])
        }
        "NO" if count(9) => Some(weighted(&digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)),
        "CH" if count(9) => Some(weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 1]).is_multiple_of(11)),
        _ => None,
    }
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (2 * if sum == 0 { 10 } else { sum }) % 11
    });
    (11 - product) % 10 == *check
}

fn austrian(digits: &[u32]) -> bool {
    let odd = |(n, digit): (usize, &u32)| if n % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    let sum: u32 = digits[..7].iter().enumerate().map(odd).sum();
    (96 - sum) % 10 == digits[7]
}

fn luhn(digits: &[u32]) -> bool {
    let doubled =
        |(n, digit): (usize, &u32)| if n % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn value(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        assert!(is_iban("DE89 3704 0044 0532 0130 00"));
        assert!(!is_iban("DE88 3704 0044 0532 0130 00"));
        for right in [
            "DE136695976",
            "ATU13585627",
            "IT00743110157",
            "BE0428759497",
            "LU15027442",
            "FR40303265045",
            "DK13585628",
            "FI20774740",
            "PL8567346215",
            "PT501964843",
            "SE123456789701",
            "CHE-100.155.212",
        ] {
            assert_eq!(vat_check(right), Some(true), "{right}");
            assert_eq!(vat_ids(right).first(), Some(&(0..right.len())), "{right}");
        }
        assert_eq!(vat_check("DE136695977"), Some(false));
        assert_eq!(vat_check("GB123456789"), None);
    }

    #[test]
    fn phones_are_written_one_way() {
        assert_eq!(phone_digits("+44 (0)20 7946-0018"), "+442079460018");
        assert_eq!(phone_digits("03-7731 8169"), "0377318169");
        assert_eq!(phones("TEL : 03-7731 8169 FAX 1").first(), Some(&(6..18)));
        assert!(phones("DOC CS00022185").is_empty());
    }

    #[test]
    fn addresses_end_before_the_full_stop() {
        let line = "Write to ada@example.com, see https://example.com/a.";
        assert_eq!(&line[emails(line)[0].clone()], "ada@example.com");
        assert_eq!(&line[urls(line)[0].clone()], "https://example.com/a");
    }
}
