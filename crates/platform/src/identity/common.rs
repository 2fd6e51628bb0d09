//! Passwords that guessers try first.
//!
//! `common_passwords.txt` is made from the list of the 20,000 most common passwords by Royce Williams
//! (<https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce>), in the form in which Django ships it
//! as `django/contrib/auth/common-passwords.txt.gz`: Copyright (c) Django Software Foundation and individual
//! contributors, BSD-3-Clause. Kept are those of at least ten characters, in ASCII, in lower case, without the quotes
//! that some lines had, sorted by bytes, one a line.

use std::cmp::Ordering;

const COMMON: &str = include_str!("common_passwords.txt");
/// What fingers run along: alphabet and digits, and the rows of English, German, French and Russian keyboards.
const ROWS: [&str; 12] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "!@#$%^&*()_+",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "йцукенгшщзхъ",
];
/// Longest pattern whose repetition is common.
const PATTERN: usize = 5;
/// Straight runs that a common password may consist of.
const RUNS: usize = 3;

/// Whether a password is among the first that are guessed: in the list, whatever its case and with only digits and
/// signs after it, or a short pattern repeated, or up to three straight runs along an alphabet or a keyboard.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.trim().to_lowercase();
    let chars: Vec<char> = folded.chars().collect();
    is_listed_with_a_tail(&folded) || is_repetition(&chars) || runs(&chars) <= RUNS
}

fn is_listed_with_a_tail(folded: &str) -> bool {
    let stem = folded.trim_end_matches(|c: char| !c.is_alphabetic());
    let cuts = folded.char_indices().map(|(i, _)| i).filter(|i| *i >= stem.len());
    cuts.chain([folded.len()]).any(|cut| is_in(COMMON, &folded[..cut]))
}

/// Whether a line of a sorted ASCII text is `wanted`, by bisection of its bytes: no set is built for the few times
/// that somebody chooses a password.
fn is_in(text: &str, wanted: &str) -> bool {
    let (mut from, mut to) = (0, text.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = text[..middle].rfind('\n').map_or(0, |i| i + 1);
        let end = text[middle..].find('\n').map_or(text.len(), |i| middle + i);
        match text[start..end].cmp(wanted) {
            Ordering::Equal => return true,
            Ordering::Less => from = end + 1,
            Ordering::Greater => to = start,
        }
    }
    false
}

fn is_repetition(chars: &[char]) -> bool {
    (1..=PATTERN.min(chars.len() / 2)).any(|period| chars[period..] == chars[..chars.len() - period])
}

/// How many straight runs the characters fall into: a run goes on with the same character or a neighbour in a row.
fn runs(chars: &[char]) -> usize {
    1 + chars.windows(2).filter(|pair| !is_step(pair[0], pair[1])).count()
}

fn is_step(a: char, b: char) -> bool {
    let neighbours = |row: &str| {
        row.chars()
            .zip(row.chars().skip(1))
            .any(|(left, right)| (a, b) == (left, right) || (b, a) == (left, right))
    };
    a == b || ROWS.into_iter().any(neighbours)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_list_is_as_the_search_needs_it() {
        assert!(COMMON.is_ascii() && COMMON.ends_with('\n'));
        assert!(COMMON.lines().is_sorted_by(|a, b| a < b));
        for line in COMMON.lines() {
            assert!(line.len() >= 10 && line.to_lowercase() == line, "{line}");
            assert!(is_in(COMMON, line), "{line}");
        }
    }

    #[test]
    fn common_ones_are_found() {
        for common in [
            "basketball",
            "BasketBall",
            " basketball ",
            "basketball1",
            "basketball2024!",
            "password123",
            "password123!!",
            "aaaaaaaaaa",
            "ЖЖЖЖЖЖЖЖЖЖ",
            "abcabcabcabc",
            "1212121212",
            "ababababababa",
            "hellohello",
            "qwertyuiop",
            "poiuytrewq",
            "abcdefghij",
            "0987654321",
            "12345678901234",
            "qwertzuiop",
            "azertyuiop",
            "йцукенгшщз",
            "abcdef123456",
            "qwertyasdfgh",
            "aaaa1111bbbb",
            "!@#$%^&*()",
        ] {
            assert!(is_common(common), "{common}");
        }
    }

    #[test]
    fn others_are_not() {
        for good in [
            "correct horse battery",
            "frontdesk keeps bees",
            "Tr0ub4dor&3x",
            "basketballer",
            "my basketball",
            "8312907465x",
            "abcxyz-qwemnb-7",
            "Zürich im Regen",
            "日本語のパスワードです",
            "4f9d1c7e2a",
            "",
        ] {
            assert_eq!(is_common(good), good.is_empty(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn bisection_finds_what_reading_finds(mut lines in prop::collection::btree_set("[a-c]{0,3}", 0..20), wanted in "[a-c]{0,3}") {
            lines.remove("");
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            prop_assert_eq!(is_in(&text, &wanted), lines.contains(&wanted));
        }

        #[test]
        fn any_password_is_answered(password: String) {
            is_common(&password);
        }
    }
}
