//! A body against fields.

use chrono::{DateTime, NaiveDate};
use regex::Regex;
use serde_json::{Map, Number, Value};

use super::{Field, FieldType, e164};
use crate::{Violation, identity::EmailAddress};

/// How much of a body there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All of it: fields that are required must be there.
    Whole,
    /// A change: what is not named stays, and a required field that is named must have a value.
    Change,
}

/// Finds all that is wrong with a body, and gives its values in one spelling. A value that was cleared is null in the
/// outcome; so is, in a whole body, nothing: fields that were not sent are not in it.
///
/// # Errors
/// What is wrong, in the order of the fields; fields that there are not come last.
pub fn check(
    fields: &[Field],
    body: &Map<String, Value>,
    mode: Mode,
) -> Result<Map<String, Value>, Vec<Violation>> {
    let (mut checked, mut wrong) = (Map::new(), Vec::new());
    for field in fields {
        match (body.get(&field.name), mode) {
            (None, Mode::Change) => {}
            (None, Mode::Whole) if !field.required => {}
            (given, _) => match value(field, given.unwrap_or(&Value::Null)) {
                Ok(value) => {
                    checked.insert(field.name.clone(), value);
                }
                Err(violation) => wrong.push(violation),
            },
        }
    }
    let unknown = body.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == **name));
    wrong.extend(
        unknown
            .map(|(name, value)| broken(name, value, "object.unknown", "is not a field that is known here")),
    );
    if wrong.is_empty() { Ok(checked) } else { Err(wrong) }
}

fn broken(name: &str, value: &Value, rule: &'static str, what: &str) -> Violation {
    Violation { field: name.to_owned(), message: format!("{name} {what}"), value: value.clone(), rule }
}

/// One value in one spelling; null when there is none and need not be.
fn value(field: &Field, given: &Value) -> Result<Value, Violation> {
    let wrong = |rule, what: &str| broken(&field.name, given, rule, what);
    let empty = matches!(given, Value::String(text) if text.trim().is_empty());
    match (given.is_null(), empty, field.required) {
        (true, _, true) => return Err(wrong("any.required", "is required")),
        (_, true, true) => return Err(wrong("string.empty", "is not allowed to be empty")),
        (true, ..) | (_, true, _) => return Ok(Value::Null),
        _ => {}
    }
    match field.kind {
        FieldType::Number => number(field, given).map_err(|(rule, what)| wrong(rule, &what)),
        FieldType::Checkbox => checkbox(field, given).map_err(|(rule, what)| wrong(rule, what)),
        _ => {
            let text = given.as_str().ok_or_else(|| match field.kind {
                FieldType::Date => wrong("date.base", "must be a day such as 2026-03-14"),
                _ => wrong("string.base", "must be a text"),
            })?;
            worded(field, text).map(Value::String).map_err(|(rule, what)| wrong(rule, &what))
        }
    }
}

type Broken<T> = (&'static str, T);

fn worded(field: &Field, text: &str) -> Result<String, Broken<String>> {
    let lines = field.kind == FieldType::Textarea;
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(("string.pattern.base", "holds control characters".into()));
    }
    let text = text.trim();
    let length = text.chars().count();
    if length > field.longest() as usize {
        return Err(("string.max", format!("has at most {} characters", field.longest())));
    }
    if let Some(least) = field.min_length.filter(|least| length < *least as usize) {
        return Err(("string.min", format!("has at least {least} characters")));
    }
    match field.kind {
        FieldType::Email => match text.parse::<EmailAddress>() {
            Ok(address) => Ok(address.as_str().to_owned()),
            Err(_) => Err(("string.email", "must be a mail address such as ada@example.com".into())),
        },
        FieldType::Phone => e164(text).ok_or((
            "string.pattern.base",
            "must be a telephone number with its country, such as +4722864400".to_owned(),
        )),
        FieldType::Date => date(text)
            .ok_or(("date.base", "must be a day such as 2026-03-14, or a moment of RFC 3339".to_owned())),
        FieldType::Select => {
            let chosen = field.options.iter().find(|option| option.eq_ignore_ascii_case(text));
            chosen
                .cloned()
                .ok_or_else(|| ("any.only", format!("must be one of {}", field.options.join(", "))))
        }
        _ => match field.pattern.as_deref().map(whole) {
            Some(Ok(pattern)) if !pattern.is_match(text) => {
                Err(("string.pattern.base", "does not have the form that is asked for".into()))
            }
            _ => Ok(text.to_owned()),
        },
    }
}

/// An expression that a text matches as a whole; of bounded size, and linear in time as all of its crate's are.
pub(super) fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(64 << 10).build()
}

/// A day or a moment in one spelling.
fn date(text: &str) -> Option<String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.to_string());
    }
    let moment = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some(moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

fn number(field: &Field, given: &Value) -> Result<Value, Broken<String>> {
    let wrong = || ("number.base", "must be a number".to_owned());
    let number: Number = match given {
        Value::Number(number) => number.clone(),
        Value::String(text) => text.trim().parse().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    let size = number.as_f64().filter(|size| size.is_finite()).ok_or_else(wrong)?;
    if let Some(min) = field.min.filter(|min| size < *min) {
        return Err(("number.min", format!("must be at least {min}")));
    }
    if let Some(max) = field.max.filter(|max| size > *max) {
        return Err(("number.max", format!("must be at most {max}")));
    }
    Ok(Value::Number(number))
}

/// Forms send their ticks as texts.
fn checkbox(field: &Field, given: &Value) -> Result<Value, Broken<&'static str>> {
    let ticked = match given {
        Value::Bool(ticked) => *ticked,
        Value::String(text) if matches!(text.as_str(), "true" | "on" | "1" | "yes") => true,
        Value::String(text) if matches!(text.as_str(), "false" | "off" | "0" | "no") => false,
        _ => return Err(("boolean.base", "must be true or false")),
    };
    if field.required && !ticked {
        return Err(("any.only", "must be ticked"));
    }
    Ok(Value::Bool(ticked))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<Field> {
        vec![
            Field { required: true, ..Field::new("email", FieldType::Email) },
            Field::new("name", FieldType::Text).at_most(5),
            Field::new("phone", FieldType::Phone),
            Field { min: Some(1.0), max: Some(10.0), ..Field::new("size", FieldType::Number) },
            Field::new("day", FieldType::Date),
            Field::new("plan", FieldType::Select).of(["Free", "Paid"]),
            Field::new("agreed", FieldType::Checkbox),
            Field { pattern: Some("[A-Z]{2}[0-9]+".into()), ..Field::new("code", FieldType::Text) },
            Field::new("words", FieldType::Textarea),
        ]
    }

    fn rules(body: Value, mode: Mode) -> Vec<(String, &'static str)> {
        let wrong = check(&fields(), body.as_object().unwrap(), mode).expect_err("something is wrong");
        wrong.into_iter().map(|violation| (violation.field, violation.rule)).collect()
    }

    #[test]
    fn values_come_back_in_one_spelling() {
        let body = json!({ "email": " ada@example.com ", "phone": "0047 22 86 44 00", "size": "7.5", "plan": "paid", "agreed": "on",
                           "day": "2026-03-14T12:00:00+01:00", "code": "NO42", "words": "one\ntwo", "name": "" });
        let checked = check(&fields(), body.as_object().unwrap(), Mode::Whole).unwrap();
        assert_eq!(
            Value::Object(checked),
            json!({ "email": "ada@example.com", "phone": "+4722864400", "size": 7.5, "plan": "Paid", "agreed": true,
                    "day": "2026-03-14T11:00:00Z", "code": "NO42", "words": "one\ntwo", "name": null })
        );
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let body = json!({ "name": "longer than five", "phone": "12", "size": 11, "day": "tomorrow", "plan": "Gold",
                           "agreed": "perhaps", "code": "no", "words": 7, "more": 1 });
        let expected = [
            ("email", "any.required"),
            ("name", "string.max"),
            ("phone", "string.pattern.base"),
            ("size", "number.max"),
            ("day", "date.base"),
            ("plan", "any.only"),
            ("agreed", "boolean.base"),
            ("code", "string.pattern.base"),
            ("words", "string.base"),
            ("more", "object.unknown"),
        ];
        assert_eq!(rules(body, Mode::Whole), expected.map(|(field, rule)| (field.to_owned(), rule)));
    }

    #[test]
    fn a_change_names_what_it_changes() {
        let change = json!({ "name": null });
        let checked = check(&fields(), change.as_object().unwrap(), Mode::Change).unwrap();
        assert_eq!(Value::Object(checked), json!({ "name": null }));
        assert_eq!(rules(json!({ "email": null }), Mode::Change), [("email".to_owned(), "any.required")]);
        assert_eq!(rules(json!({ "email": " " }), Mode::Change), [("email".to_owned(), "string.empty")]);
        assert_eq!(rules(json!({ "email": "ada" }), Mode::Change), [("email".to_owned(), "string.email")]);
    }

    #[test]
    fn hostile_values_are_refused_and_not_met_with_a_panic() {
        for (body, rule) in [
            (json!({ "email": "a@example.com", "size": "1e999" }), "number.base"),
            (json!({ "email": "a@example.com", "name": "a\u{0}b" }), "string.pattern.base"),
            (json!({ "email": ["a@example.com"] }), "string.base"),
            (json!({ "email": "a@example.com", "day": {} }), "date.base"),
            (json!({ "email": "a@example.com", "size": true }), "number.base"),
        ] {
            assert_eq!(rules(body, Mode::Whole)[0].1, rule);
        }
    }
}
