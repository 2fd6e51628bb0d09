//! Values as documents write them, and what they are.

pub(crate) mod codes;
pub(crate) mod date;
pub(crate) mod money;

use std::sync::LazyLock;

use regex::Regex;

/// A regular expression that is part of the program.
pub(crate) type Pattern = LazyLock<Regex>;

/// Compiles a regular expression of the program's own. Its `\d` are ASCII digits: other scripts' are not parsed.
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(&text.replace(r"\d", "[0-9]")).expect("a regular expression of the program's own")
}
