//! A piece of text as the value of a field: normalised, or refused because it is no such thing.

use std::ops::Range;

use serde_json::{Value, json};

use crate::{
    document::Document,
    lexicon::Shape,
    schema::{Field, Kind},
    source::bare,
    values::{
        Pattern, codes,
        date::{self, Date},
        money::{self, Amount},
        pattern,
    },
};

/// Characters of one text value.
const MAX_TEXT: usize = 400;

static CODE: Pattern = Pattern::new(|| {
    pattern(r"(?:\b[A-Z]{1,4}[ ]\d[\w/.-]*|[\p{L}\d][\p{L}\d/._-]*\d[\p{L}\d/._-]*|\d[\p{L}\d/._-]*)")
});
static TIME: Pattern = Pattern::new(|| pattern(r"(?i)^[\sT,]*(\d{1,2}):(\d{2})(?::(\d{2}))?\s?(am|pm)?"));
static CURRENCY: Pattern = Pattern::new(|| {
    pattern(
        r"(?:\b(EUR|USD|GBP|CHF|NOK|SEK|DKK|PLN|MYR|SGD|AUD|CAD|JPY|CNY|INR|BRL|MXN|CZK|HUF|RM)(?:\b|\d)|([€£¥₹]|US\$))",
    )
});

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Bytes of the text that was read.
    pub range: Range<usize>,
    pub value: Value,
    /// How well it fits, 0 to 1: day and month that could be swapped, wrong check digits.
    pub fit: f64,
}

/// Reads the first value of a field's kind in a text.
pub(crate) fn read(document: &Document<'_>, field: &Field, text: &str) -> Option<Reading> {
    all(document, field, text).into_iter().next()
}

/// Reads every value of a field's kind in a text; for plain text the whole of it.
pub(crate) fn all(document: &Document<'_>, field: &Field, text: &str) -> Vec<Reading> {
    if !field.choices.is_empty() {
        return choices(field, text);
    }
    if matches!(field.kind, Kind::Boolean) {
        return boolean(text).into_iter().collect();
    }
    let each = |ranges: Vec<Range<usize>>, value: &dyn Fn(&str) -> (String, f64)| {
        let reading = |range: Range<usize>| {
            let (value, fit) = value(&text[range.clone()]);
            Reading { range, value: value.into(), fit }
        };
        ranges.into_iter().map(reading).collect()
    };
    match field.shape {
        Shape::Date => {
            let dates = date::dates(text, document.order);
            dates.iter().map(|date| date_value(document, field, text, date)).collect()
        }
        Shape::Money | Shape::Number => numbers(document, field, text),
        Shape::Email => each(codes::emails(text), &|found| (found.to_lowercase(), 1.0)),
        Shape::Url => each(codes::urls(text), &|found| (found.to_owned(), 1.0)),
        Shape::Phone => each(codes::phones(text), &|found| (codes::phone_digits(found), 1.0)),
        Shape::Iban => each(codes::ibans(text), &|found| {
            (codes::compact(found), if codes::is_iban(found) { 1.0 } else { 0.25 })
        }),
        Shape::Bic => each(codes::bics(text), &|found| (found.to_owned(), 1.0)),
        Shape::VatId => vat_ids(text),
        Shape::Code => code(text).into_iter().collect(),
        Shape::Currency => currency(text).into_iter().collect(),
        Shape::Address | Shape::Name | Shape::Text => plain(text).into_iter().collect(),
    }
}

fn date_value(document: &Document<'_>, field: &Field, text: &str, date: &Date) -> Reading {
    let sure = !date.ambiguous || document.order_is_known;
    let fit = if date.bare {
        0.7
    } else if sure {
        1.0
    } else {
        0.93
    };
    let (value, end) = match field.format.as_deref() {
        Some("date") => (date.date.to_string(), date.range.end),
        Some("date-time") => {
            let (time, len) = time(&text[date.range.end..]).unwrap_or_else(|| ("00:00:00".into(), 0));
            (format!("{}T{time}Z", date.date), date.range.end + len)
        }
        // Without a format the schema asks for what is written.
        _ => (text[date.range.clone()].to_owned(), date.range.end),
    };
    Reading { range: date.range.start..end, value: value.into(), fit }
}

/// A time after a date, and how long it is.
fn time(text: &str) -> Option<(String, usize)> {
    let hit = TIME.captures(text)?;
    let part = |n: usize| hit.get(n).map_or(Some(0), |part| part.as_str().parse::<u32>().ok());
    let (hour, minute, second) = (part(1)?, part(2)?, part(3)?);
    let hour = match hit.get(4).map(|half| half.as_str().to_ascii_lowercase()).as_deref() {
        Some("pm") if hour < 12 => hour + 12,
        Some("am") if hour == 12 => 0,
        _ => hour,
    };
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then(|| (format!("{hour:02}:{minute:02}:{second:02}"), hit.get(0).map_or(0, |whole| whole.len())))
}

fn numbers(document: &Document<'_>, field: &Field, text: &str) -> Vec<Reading> {
    let found = money::amounts(text, document.mark);
    let wanted: Vec<&Amount> = match field.shape {
        Shape::Money if found.iter().any(Amount::is_money) => {
            found.iter().filter(|amount| amount.is_money()).collect()
        }
        Shape::Money => found.iter().filter(|amount| !amount.percent).collect(),
        _ => found.iter().collect(),
    };
    let reading = |amount: &&Amount| {
        number(&field.kind, amount.value, amount.decimals).map(|value| Reading {
            range: amount.range.clone(),
            value,
            fit: 1.0,
        })
    };
    wanted.iter().filter_map(reading).collect()
}

/// A number as the schema wants it; text keeps its decimals, with a point.
pub(crate) fn number(kind: &Kind, value: f64, decimals: usize) -> Option<Value> {
    match kind {
        Kind::Integer => (value.fract() == 0.0).then(|| json!(value as i64)),
        Kind::Text => Some(format!("{value:.decimals$}").into()),
        _ => Some(json!(value)),
    }
}

fn vat_ids(text: &str) -> Vec<Reading> {
    let reading = |range: Range<usize>| {
        let found = &text[range.clone()];
        let fit = match codes::vat_check(found) {
            Some(true) => 1.0,
            None => 0.9,
            Some(false) => 0.35,
        };
        Reading { range, value: codes::compact(found).into(), fit }
    };
    let known: Vec<Reading> = codes::vat_ids(text).into_iter().map(reading).collect();
    // Tax numbers of other countries have no form of their own: what a label names is taken.
    if known.is_empty() {
        code(text).map(|code| Reading { fit: 0.8, ..code }).into_iter().collect()
    } else {
        known
    }
}

/// The first word with a digit that is no date.
fn code(text: &str) -> Option<Reading> {
    let hit = CODE.find(text)?;
    let found = hit.as_str().trim_end_matches(['.', '-', '/', '_']);
    let range = hit.start()..hit.start() + found.len();
    // What stands before it would be the name of something else.
    let before = text[..hit.start()].split_whitespace().count();
    let dates = date::dates(found, date::Order::DayFirst);
    let is_date = dates.iter().any(|date| !date.bare && date.range == (0..found.len()));
    (!is_date && before <= 1).then(|| Reading {
        range,
        value: found.into(),
        fit: if found.len() > 1 { 1.0 } else { 0.7 },
    })
}

fn currency(text: &str) -> Option<Reading> {
    let hit = CURRENCY.captures(text)?;
    let found = hit.get(1).or_else(|| hit.get(2))?;
    let code = match found.as_str() {
        "€" => "EUR",
        "£" => "GBP",
        "¥" => "JPY",
        "₹" => "INR",
        "US$" => "USD",
        "RM" => "MYR",
        code => code,
    };
    Some(Reading { range: found.range(), value: code.into(), fit: 1.0 })
}

fn boolean(text: &str) -> Option<Reading> {
    let text = text.trim();
    let first: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
    let value = match bare(&first).as_str() {
        "yes" | "true" | "ja" | "oui" | "si" | "sim" | "x" | "tak" | "ya" => true,
        "no" | "false" | "nein" | "non" | "nao" | "nee" | "nei" | "nej" | "nie" | "tidak" => false,
        _ if text.starts_with(['☒', '☑', '✓', '✔']) => true,
        _ if text.starts_with('☐') => false,
        _ => return None,
    };
    let len = if first.is_empty() { text.chars().next().map_or(0, char::len_utf8) } else { first.len() };
    Some(Reading { range: 0..len, value: value.into(), fit: 1.0 })
}

/// The choices that a text begins with, or holds as words.
fn choices(field: &Field, text: &str) -> Vec<Reading> {
    let padded = |text: &str| {
        let words: Vec<String> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(bare).collect();
        format!(" {} ", words.join(" "))
    };
    let words = padded(text);
    let holds = |choice: &&Value| {
        let choice = choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
        let choice = padded(&choice);
        choice.trim().len() > 1 && words.contains(&choice) || choice == words
    };
    let held: Vec<&Value> = field.choices.iter().filter(holds).collect();
    let fit = if held.len() == 1 { 1.0 } else { 0.5 };
    held.into_iter().map(|choice| Reading { range: 0..text.len(), value: choice.clone(), fit }).collect()
}

fn plain(text: &str) -> Option<Reading> {
    let edge = |c: char| c.is_whitespace() || ":;,|*=".contains(c);
    let start = text.len() - text.trim_start_matches(edge).len();
    let mut end = text.trim_end_matches(edge).len().max(start);
    if end - start > MAX_TEXT {
        end = (start..=start + MAX_TEXT).rev().find(|at| text.is_char_boundary(*at))?;
    }
    let value = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    value.chars().any(char::is_alphanumeric).then(|| Reading {
        range: start..end,
        value: value.into(),
        fit: 1.0,
    })
}
