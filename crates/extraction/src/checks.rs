//! What a value must be to be believed: the schema's own rules, the calendar, and the other values.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value};

use crate::{
    document::Document,
    lexicon::{Concept, Shape},
    schema::Field,
    values::date,
};

/// Holds a value against its field's rules and the calendar; gives what is wrong and by how much it is to be believed
/// less.
pub(crate) fn value(document: &Document<'_>, field: &Field, value: &Value) -> Option<(String, f64)> {
    let is_past = matches!(field.concept, Some(Concept::Date | Concept::BirthDate));
    let date = if is_past { as_date(document, field, value) } else { None };
    let is_ahead = document
        .today
        .zip(date)
        .is_some_and(|(today, date)| today.checked_add_days(Days::new(2)).is_some_and(|soon| date > soon));
    rules(field, value).or_else(|| is_ahead.then(|| ("The date lies in the future.".into(), 0.6)))
}

/// Holds a value against its field's own rules, as [`value`] does.
pub(crate) fn rules(field: &Field, value: &Value) -> Option<(String, f64)> {
    if !field.choices.is_empty() && !field.choices.contains(value) {
        return Some(("It is none of the choices.".into(), 0.2));
    }
    if let Some(text) = value.as_str() {
        if field.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            return Some(("It does not match the pattern.".into(), 0.3));
        }
        if field.max_length.is_some_and(|max| text.chars().count() > max) {
            return Some(("It is longer than allowed.".into(), 0.3));
        }
    }
    if let Some(number) = value.as_f64()
        && (field.minimum.is_some_and(|min| number < min) || field.maximum.is_some_and(|max| number > max))
    {
        return Some(("It is outside the allowed range.".into(), 0.3));
    }
    None
}

/// The day that a field's value names.
fn as_date(document: &Document<'_>, field: &Field, value: &Value) -> Option<NaiveDate> {
    if field.shape != Shape::Date {
        return None;
    }
    date::dates(value.as_str()?, document.order).first().map(|date| date.date)
}

/// Holds fields of one object against each other: a bill is due after it was written, and its rows add up.
pub(crate) fn together(
    document: &Document<'_>,
    fields: &[Field],
    values: &Map<String, Value>,
    mut lower: impl FnMut(&str, &str, f64),
) {
    let date = |concept| {
        let field = fields.iter().find(|field| field.concept == Some(concept))?;
        Some((field.name.as_str(), as_date(document, field, values.get(&field.name)?)?))
    };
    if let (Some((_, written)), Some((name, due))) = (date(Concept::Date), date(Concept::DueDate))
        && due < written
    {
        lower(name, "It is due before the document was written.", 0.5);
    }
    let number = |concept| {
        let field = fields.iter().find(|field| field.concept == Some(concept))?;
        Some((field.name.as_str(), values.get(&field.name)?.as_f64()?))
    };
    if let (Some((_, quantity)), Some((_, price)), Some((name, total))) = (
        number(Concept::Quantity),
        number(Concept::UnitPrice),
        number(Concept::LineTotal).or(number(Concept::Total)),
    ) && (quantity * price - total).abs() > 0.051 + total.abs() * 0.005
    {
        lower(name, "Quantity and price make another amount.", 0.6);
    }
    let sum = |concept| number(concept).map(|(_, value)| value);
    if let (Some(subtotal), Some(tax), Some((name, total))) =
        (sum(Concept::Subtotal), sum(Concept::Tax), number(Concept::Total))
    {
        let extra = sum(Concept::Shipping).unwrap_or(0.0) - sum(Concept::Discount).unwrap_or(0.0).abs();
        let adds_up = [0.0, extra].iter().any(|extra| (subtotal + tax + extra - total).abs() <= 0.051);
        if !adds_up && (subtotal - total).abs() > 0.051 {
            lower(name, "Subtotal and tax make another amount.", 0.6);
        }
    }
}
