//! Personal data that a provider's model does not get to see: mail addresses, phone numbers, card numbers and IBANs get
//! placeholders, which are put back in what the model writes.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// A kind of personal data.
struct Kind {
    name: &'static str,
    regex: Regex,
    /// Whether what looks like it is it, by what stands before it.
    fits: fn(before: &str, hit: &str) -> bool,
    /// Whether it has a check sum, by which it is told from a group of other numbers or letters behind it.
    is_checked: bool,
}

/// Where the digits of the scripts begin that numbers are written in: Arabic, Persian, Devanagari, Bengali, full width.
const ZEROS: [char; 5] = ['\u{660}', '\u{6F0}', '\u{966}', '\u{9E6}', '\u{FF10}'];

/// What a digit is worth, in any of these scripts.
fn digit(c: char) -> Option<u32> {
    let of = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|digit| *digit < 10);
    c.to_digit(10).or_else(|| ZEROS.iter().find_map(of))
}

/// What is looked for, in this order; what was found is not looked at again.
static KINDS: LazyLock<[Kind; 4]> = LazyLock::new(|| {
    let zeros: String = ZEROS.iter().collect();
    let nine = |zero: char| char::from_u32(u32::from(zero) + 9).unwrap_or(zero);
    let digits: String = ZEROS.iter().map(|&zero| format!("{zero}-{}", nine(zero))).collect();
    let kind = |name, regex: &str, fits, is_checked| {
        // Elsewhere `\d` is a digit of any script there is and `\0` is none; here they are a digit and a zero of these.
        let regex = regex.replace(r"\d", &format!("[0-9{digits}]")).replace(r"\0", &format!("[0{zeros}]"));
        let regex = Regex::new(&regex).expect("a regular expression of the program's own");
        Kind { name, regex, fits, is_checked }
    };
    [
        kind("EMAIL", r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+", |_, _| true, false),
        kind(
            "IBAN",
            r"\b[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b",
            |_, hit| is_iban(hit),
            true,
        ),
        kind("CARD", r"\b\d(?:[ -]?\d){12,18}\b", |_, hit| is_card(hit), true),
        kind("PHONE", r"(?:[+＋]|\b\0\0|\(\0|\b\0)\d?(?:[ ()/.-]{0,2}\d){6,14}", is_phone, false),
    ]
});

impl Kind {
    /// How much of what looks like it is it.
    fn length(&self, before: &str, hit: &str) -> Option<usize> {
        let shorter = hit.rmatch_indices([' ', '-']).map(|(at, _)| at).filter(|_| self.is_checked);
        std::iter::once(hit.len()).chain(shorter).find(|length| (self.fits)(before, &hit[..*length]))
    }
}

/// Placeholders and what they stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Mask(Vec<(String, String)>);

impl Mask {
    /// The text with placeholders; the same data always gets the same one.
    pub(super) fn hide(&mut self, text: &str) -> String {
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        for kind in KINDS.iter() {
            for hit in kind.regex.find_iter(text) {
                let apart =
                    found.iter().all(|(range, _)| hit.end() <= range.start || range.end <= hit.start());
                if apart && let Some(length) = kind.length(&text[..hit.start()], hit.as_str()) {
                    found.push((hit.start()..hit.start() + length, kind.name));
                }
            }
        }
        found.sort_by_key(|(range, _)| range.start);
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for (range, kind) in found {
            out.push_str(&text[at..range.start]);
            at = range.end;
            out.push_str(&self.placeholder(kind, &text[range]));
        }
        out.push_str(&text[at..]);
        out
    }

    fn placeholder(&mut self, kind: &str, data: &str) -> String {
        if let Some((placeholder, _)) = self.0.iter().find(|(_, known)| known == data) {
            return placeholder.clone();
        }
        let placeholder = format!("<{kind}_{}>", self.0.len() + 1);
        self.0.push((placeholder.clone(), data.to_owned()));
        placeholder
    }

    /// The text with the data put back.
    pub(super) fn show(&self, text: &str) -> String {
        let put_back = |text: String, (placeholder, data): &(String, String)| text.replace(placeholder, data);
        self.0.iter().fold(text.to_owned(), put_back)
    }

    fn longest(&self) -> usize {
        self.0.iter().map(|(placeholder, _)| placeholder.len()).max().unwrap_or(0)
    }
}

/// Puts data back in words that come in pieces, holding back what may be the beginning of a placeholder.
pub(super) struct Unmask {
    mask: Mask,
    held: String,
}

impl Unmask {
    pub(super) fn new(mask: Mask) -> Self {
        Self { mask, held: String::new() }
    }

    /// What can be shown after this piece.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.mask.0.is_empty() {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        let open = self.held.rfind('<').filter(|at| {
            let rest = &self.held[*at..];
            rest.len() < self.mask.longest() && !rest.contains('>')
        });
        let rest = self.held.split_off(open.unwrap_or(self.held.len()));
        self.mask.show(&std::mem::replace(&mut self.held, rest))
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> String {
        self.mask.show(&std::mem::take(&mut self.held))
    }
}

/// ISO 13616: the remainder of the rearranged number by 97 is 1.
fn is_iban(text: &str) -> bool {
    let compact: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let digits = tail.iter().chain(head).filter_map(|c| c.to_digit(36));
    digits.fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97) == 1
}

/// A number that an issuer of cards would give (ISO/IEC 7812-1): its beginning and length, and Luhn's sum ends in 0.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(digit).collect();
    let [first, second, ..] = digits[..] else { return false };
    let issued = matches!(
        (first, second, digits.len()),
        (4, _, 13 | 16 | 19)
            | (5, 1..=5, 16)
            | (2, 2..=7, 16)
            | (3, 4 | 7, 15)
            | (3, 5, 16)
            | (3, 0 | 6 | 8, 14)
            | (6, _, 16..=19)
    );
    let doubled = |(n, digit): (usize, &u32)| match n % 2 {
        1 => digit * 2 / 10 + digit * 2 % 10,
        _ => *digit,
    };
    issued && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Eight to fifteen digits (ITU-T E.164), nothing like a date or a price, and no part of a longer number.
fn is_phone(before: &str, hit: &str) -> bool {
    let digits = hit.chars().filter_map(digit).count();
    let date = hit.matches(['.', '-', '/']).count() == 2 && digits == 8 && !hit.starts_with(['+', '＋']);
    let within = before.trim_end_matches([' ', '-']).ends_with(|c: char| digit(c).is_some());
    (8..=15).contains(&digits) && !date && !within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_hidden_and_comes_back() {
        let mut mask = Mask::default();
        let text = "I am ola.nordmann@example.co.no, call +47 22 12 34 56 or (030) 1234567. Card 4111 1111 1111 1111, \
                    IBAN DE89 3704 0044 0532 0130 00; again ola.nordmann@example.co.no.";
        let hidden = mask.hide(text);
        assert_eq!(
            hidden,
            "I am <EMAIL_1>, call <PHONE_2> or <PHONE_3>. Card <CARD_4>, IBAN <IBAN_5>; again <EMAIL_1>."
        );
        assert_eq!(mask.show(&hidden), text);
        assert_eq!(mask.hide("ola.nordmann@example.co.no"), "<EMAIL_1>");
    }

    #[test]
    fn data_is_hidden_in_other_digits_and_with_more_behind_it() {
        for (text, hidden) in [
            ("اتصل على ٠٠٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "اتصل على <PHONE_1>"),
            ("कॉल +९१ ९८७६५ ४३२१०", "कॉल <PHONE_1>"),
            ("Ring ＋４７ ２２ １２ ３４ ５６", "Ring <PHONE_1>"),
            ("٤١١١ ١١١١ ١١١١ ١١١١", "<CARD_1>"),
            ("4111 1111 1111 1111 12/27", "<CARD_1> 12/27"),
            ("4111111111111111 123", "<CARD_1> 123"),
            ("AT61 1904 3002 3457 3201 BIC BKAUATWW", "<IBAN_1> BIC BKAUATWW"),
            ("at61 1904 3002 3457 3201", "<IBAN_1>"),
            // No digits of a script in which numbers are written, and no account.
            ("᠑᠒᠓᠔᠕᠖᠗᠘᠙᠐᠑᠒᠓᠔", "᠑᠒᠓᠔᠕᠖᠗᠘᠙᠐᠑᠒᠓᠔"),
            ("DE८९ 3704 0044 0532 0130 00", "DE८९ 3704 0044 0532 0130 00"),
        ] {
            assert_eq!(Mask::default().hide(text), hidden);
        }
    }

    #[test]
    fn prices_dates_and_order_numbers_stay() {
        let text = "On 01.02.2026 and 2026-11-23 order 48213377 cost 1 299,00 NOK; 4111 1111 1111 1112 is no card, \
                    DE89 3704 0044 0532 0130 01 no account. Open 09:00-17:00, 0.5 l, 10000 metres.";
        assert_eq!(Mask::default().hide(text), text);
    }

    #[test]
    fn placeholders_come_back_from_pieces_cut_anywhere() {
        let mut mask = Mask::default();
        let hidden = mask.hide("Write to a@b.com < soon, or b@c.com. 1 < 2 <");
        for size in 1..8 {
            let mut unmask = Unmask::new(mask.clone());
            let chars: Vec<char> = hidden.chars().collect();
            let mut out: String =
                chars.chunks(size).map(|piece| unmask.push(&piece.iter().collect::<String>())).collect();
            out.push_str(&unmask.finish());
            assert_eq!(out, "Write to a@b.com < soon, or b@c.com. 1 < 2 <", "{size}");
        }
    }
}
