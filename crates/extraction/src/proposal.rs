//! Values that somebody else proposes, a language model for one: each is only as sure as what the document says of it.

use std::ops::Range;

use serde_json::Value;

use crate::{
    document::Document,
    labels::Candidate,
    reading,
    schema::{Field, Kind},
    source::{self, bare},
};

/// How sure a proposed value is that stands in the document away from its labels.
const SAID: f64 = 0.75;
/// How sure one is that is so short that it stands anywhere.
const SHORT: f64 = 0.4;
/// How sure one is that the document does not say.
pub(crate) const UNSAID: f64 = 0.2;

/// The value as the field's kind has it; none when it is of another kind.
pub(crate) fn normalised(document: &Document<'_>, field: &Field, proposed: &Value) -> Option<Value> {
    if field.choices.contains(proposed) {
        return Some(proposed.clone());
    }
    match (proposed, &field.kind) {
        (Value::Bool(_), Kind::Boolean) => Some(proposed.clone()),
        (Value::Number(number), Kind::Number | Kind::Integer) => {
            reading::number(&field.kind, number.as_f64()?, 2)
        }
        (Value::Number(number), Kind::Text) => Some(number.to_string().into()),
        (Value::String(text), _) if text.trim().is_empty() => None,
        (Value::String(text), _) => match reading::read(document, field, text) {
            Some(reading) => Some(reading.value),
            None => matches!(field.kind, Kind::Text).then(|| text.trim().into()),
        },
        _ => None,
    }
}

/// A proposed value where the document says it.
pub(crate) fn candidate(document: &Document<'_>, field: &Field, value: &Value) -> Option<Candidate> {
    // A yes or no stands for nothing without its label.
    if matches!(field.kind, Kind::Boolean) {
        return None;
    }
    let (range, fit) = read_somewhere(document, field, value)
        .or_else(|| value.as_str().and_then(|text| Some((words_of(document, text)?, 1.0))))?;
    let is_short = document.text.get(range.clone()).is_none_or(|quote| bare(quote).len() <= 2);
    let confidence = if is_short { SHORT } else { SAID };
    Some(Candidate { value: value.clone(), range, confidence: confidence * fit })
}

/// The first place that reads as the value, and how well.
fn read_somewhere(document: &Document<'_>, field: &Field, value: &Value) -> Option<(Range<usize>, f64)> {
    document.lines.iter().find_map(|line| {
        let found = reading::all(document, field, line.text);
        let same = found.into_iter().find(|reading| reading.value == *value)?;
        Some((line.whole(same.range), same.fit))
    })
}

/// The place of a text's words, one after the other, over the ends of lines as well.
fn words_of(document: &Document<'_>, text: &str) -> Option<Range<usize>> {
    let wanted: Vec<String> = source::words(text).into_iter().map(|word| word.folded).collect();
    let all: Vec<(Range<usize>, &str)> = document
        .lines
        .iter()
        .flat_map(|line| line.words.iter().map(|word| (line.whole(word.range.clone()), &*word.folded)))
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let here = all.windows(wanted.len()).find(|here| here.iter().map(|(_, word)| *word).eq(&wanted))?;
    Some(here.first()?.0.start..here.last()?.0.end)
}
