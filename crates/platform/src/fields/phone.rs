//! Telephone numbers.

/// A number in the form of E.164 (`+4712345678`). It must name its country, by `+` or `00`: nothing here knows where a
/// number without one is dialled from. None when it is no telephone number.
pub fn e164(text: &str) -> Option<String> {
    let text = text.trim();
    let international = match text.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => text.to_owned(),
    };
    if !international.starts_with('+') || international.len() > 40 {
        return None;
    }
    let number = phonenumber::parse(None, international).ok()?;
    let written = number.format().mode(phonenumber::Mode::E164).to_string();
    // ITU-T E.164: at most fifteen digits; the shortest numbers in use have seven with their country.
    (7..=15).contains(&(written.len() - 1)).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (given, written) in [
            ("+4712345678", "+4712345678"),
            (" +47 22 86 44 00 ", "+4722864400"),
            ("0047 22 86 44 00", "+4722864400"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+49 30 901820", "+4930901820"),
        ] {
            assert_eq!(e164(given).as_deref(), Some(written), "{given}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in [
            "",
            "+",
            "22 86 44 00",
            "+47",
            "+999 123 456 789",
            "+47 22 86 44 00 11 22 33 44 55",
            "call me",
            "+4712345678; DROP",
        ] {
            assert_eq!(e164(wrong), None, "{wrong}");
        }
    }
}
