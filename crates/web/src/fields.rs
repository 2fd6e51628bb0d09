//! Checks of the texts that callers send.

use std::borrow::Cow;

use platform::{Error, Patch, Result};

/// Longest name of a person, in characters.
const MAX_NAME: usize = 120;

/// A text that must say something, trimmed, of at most so many characters and without control characters.
///
/// # Errors
/// Invalid, naming the field.
pub fn text(field: impl Into<Cow<'static, str>>, value: &str, max: usize) -> Result<String> {
    let field = field.into();
    let value = value.trim();
    if value.is_empty() {
        let message = format!("{field} is empty.");
        return Err(Error::invalid(field, message));
    }
    if value.chars().count() > max {
        let message = format!("{field} has at most {max} characters.");
        return Err(Error::invalid(field, message));
    }
    if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        let message = format!("{field} holds control characters.");
        return Err(Error::invalid(field, message));
    }
    Ok(value.to_owned())
}

/// [`text`] on one line: for names that end up in mails.
///
/// # Errors
/// Invalid, naming the field.
pub fn line(field: impl Into<Cow<'static, str>>, value: &str, max: usize) -> Result<String> {
    let field = field.into();
    let value = text(field.clone(), value, max)?;
    if value.contains(['\n', '\t']) {
        let message = format!("{field} is one line.");
        return Err(Error::invalid(field, message));
    }
    Ok(value)
}

/// A person's name, which ends up in mails.
///
/// # Errors
/// Invalid, naming the field `full_name`.
pub fn full_name(value: &str) -> Result<String> {
    line("full_name", value, MAX_NAME)
}

/// [`text`] for one that may be left out; an empty one counts as left out.
///
/// # Errors
/// Invalid, naming the field.
pub fn optional_text(
    field: impl Into<Cow<'static, str>>,
    value: Option<&str>,
    max: usize,
) -> Result<Option<String>> {
    match value.map(str::trim) {
        None | Some("") => Ok(None),
        Some(value) => text(field, value, max).map(Some),
    }
}

/// [`optional_text`] for a change; an empty one clears the field.
///
/// # Errors
/// Invalid, naming the field.
pub fn patched_text(
    field: impl Into<Cow<'static, str>>,
    value: Patch<String>,
    max: usize,
) -> Result<Patch<String>> {
    match value {
        Patch::Set(value) => Ok(optional_text(field, Some(&value), max)?.map_or(Patch::Clear, Patch::Set)),
        other => Ok(other),
    }
}
