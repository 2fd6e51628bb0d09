//! Values by their labels: right of it, below it, or in the same row of a table.

use std::ops::Range;

use crate::{
    document::Document,
    head,
    lexicon::{Concept, Shape},
    reading::{self, Reading},
    schema::Field,
};

/// A value that may be a field's, and why.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub value: serde_json::Value,
    /// In the whole text: the quote.
    pub range: Range<usize>,
    pub confidence: f64,
}

/// A label of a field in a line.
struct Place {
    line: usize,
    /// Words of the line.
    from: usize,
    to: usize,
    /// It is the field's own name, not another word for what it is about.
    own: bool,
}

/// The values that stand at a field's labels.
pub(crate) fn candidates(document: &Document<'_>, field: &Field) -> Vec<Candidate> {
    (0..document.lines.len())
        .flat_map(|line| places(document, field, line))
        .filter_map(|place| beside(document, field, &place).or_else(|| below(document, field, &place)))
        .collect()
}

fn places(document: &Document<'_>, field: &Field, line: usize) -> Vec<Place> {
    let (words, hits) = (&document.lines[line].words, &document.hits[line]);
    let mut places = Vec::new();
    for label in &field.labels {
        for from in 0..words.len().saturating_sub(label.len() - 1) {
            let to = from + label.len();
            let same = words[from..to].iter().zip(label).all(|(word, wanted)| word.folded == *wanted);
            // Part of a longer label that means something else: the date of "due date".
            let other = hits.iter().any(|hit| {
                hit.from <= from
                    && to <= hit.to
                    && hit.to - hit.from > label.len()
                    && Some(hit.concept) != field.concept
            });
            if same && !other {
                places.push(Place { line, from, to, own: true });
            }
        }
    }
    for hit in hits.iter().filter(|hit| Some(hit.concept) == field.concept) {
        if !places.iter().any(|place| place.from < hit.to && hit.from < place.to) {
            places.push(Place { line, from: hit.from, to: hit.to, own: false });
        }
    }
    places
}

fn beside(document: &Document<'_>, field: &Field, place: &Place) -> Option<Candidate> {
    let line = &document.lines[place.line];
    let tail = document.tail(place.line, place.to);
    let end = document.value_end(place.line, tail.start);
    let text = &line.text[tail.start..end];
    let typed = !matches!(field.shape, Shape::Text | Shape::Name | Shape::Address);
    let confidence = match (tail.is_marked, place.from == 0, typed) {
        (true, true, _) => 0.9,
        (true, false, true) => 0.84,
        (true, false, false) => 0.7,
        (false, true, true) => 0.72,
        (false, false, true) => 0.5,
        // "Name Ada Lovelace": only where the label is the field's own name and the rest is short.
        (false, true, false) if place.own && line.words.len() <= place.to + 5 => 0.45,
        (false, _, false) => return None,
    };
    if field.shape == Shape::Address {
        return address(document, place.line, tail.start, confidence);
    }
    let reading = reading::read(document, field, text)?;
    let range = line.whole(tail.start + reading.range.start..tail.start + reading.range.end);
    Some(candidate(document, field, reading, range, confidence, place.own))
}

/// The line below, when nothing stands beside the label and the line below is no labelled value.
fn below(document: &Document<'_>, field: &Field, place: &Place) -> Option<Candidate> {
    let line = &document.lines[place.line];
    let rest = &line.text[document.tail(place.line, place.to).start..];
    if rest.chars().any(char::is_alphanumeric) || line.row.is_some() {
        return None;
    }
    let at = place.line + 1;
    let next = document.lines.get(at)?;
    let labelled =
        document.hits[at].first().is_some_and(|hit| hit.from == 0 && document.tail(at, hit.to).is_marked);
    if labelled || next.row.is_some() || place.from > 0 {
        return None;
    }
    if field.shape == Shape::Address {
        return address(document, at, 0, 0.75);
    }
    let reading = reading::read(document, field, next.text)?;
    let range = next.whole(reading.range.clone());
    Some(candidate(document, field, reading, range, 0.75, place.own))
}

/// An address that begins in a line and goes on below it.
fn address(document: &Document<'_>, line: usize, start: usize, confidence: f64) -> Option<Candidate> {
    let first = document.lines[line].text[start..].trim();
    if !first.chars().any(char::is_alphabetic) {
        return None;
    }
    let last = if document.lines[line].row.is_some() { line } else { head::address_end(document, line) };
    let guess = head::block(document, line, last);
    let range = guess.range.start + start..guess.range.end;
    let value = document.text.get(range.clone())?.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_address = (line..=last).any(|line| head::is_address(document, line));
    let confidence = if is_address { confidence } else { confidence * 0.5 };
    Some(Candidate { value: value.into(), range, confidence })
}

fn candidate(
    document: &Document<'_>,
    field: &Field,
    reading: Reading,
    range: Range<usize>,
    confidence: f64,
    own: bool,
) -> Candidate {
    let mut confidence = confidence * reading.fit;
    if own {
        confidence += (1.0 - confidence) * 0.3;
    }
    // A receipt's head says more about it than its foot, where others' dates and numbers stand.
    let is_first_page = document.page(&range).is_none_or(|page| page <= 1);
    if !is_first_page && field.concept.is_some_and(|concept| concept.shape() != Shape::Money) {
        confidence *= 0.9;
    }
    Candidate { value: reading.value, range, confidence }
}

/// The address below a labelled name: `Bill to: Ada Lovelace`, and two lines of address.
pub(crate) fn address_below(document: &Document<'_>, name: &Candidate) -> Option<Candidate> {
    let line = document.lines.iter().position(|line| line.start >= name.range.end)?;
    let near = document.lines.get(line).is_some_and(|next| next.start - name.range.end <= 3);
    let guess = head::block(document, line, head::address_end(document, line));
    let is_address =
        (line..line + 3).filter(|at| *at < document.lines.len()).any(|at| head::is_address(document, at));
    (near && is_address && document.begins_with_label(line).is_none()).then(|| Candidate {
        value: guess.value.into(),
        range: guess.range,
        confidence: 0.75,
    })
}

/// Values that are known by how they look wherever they stand: `field` has none at a label.
pub(crate) fn by_pattern(document: &Document<'_>, field: &Field) -> Vec<Candidate> {
    let (confidence, several) = match field.shape {
        Shape::Email => (0.85, 0.55),
        Shape::Iban => (0.93, 0.7),
        Shape::VatId => (0.8, 0.55),
        Shape::Url => (0.75, 0.5),
        Shape::Date if field.concept == Some(Concept::Date) => (0.85, 0.8),
        Shape::Currency => (0.8, 0.8),
        _ if field.pattern.is_some() => (0.7, 0.45),
        _ if !field.choices.is_empty() => (0.5, 0.25),
        _ => return Vec::new(),
    };
    let mut found: Vec<Candidate> = Vec::new();
    for line in &document.lines {
        for (reading, range) in readings(document, field, line.text) {
            let (value, range) = (reading.value, line.whole(range));
            found.push(Candidate { value, range, confidence: confidence * reading.fit });
        }
    }
    let first = found.first().map(|first| first.value.clone());
    if found.iter().any(|other| Some(&other.value) != first.as_ref()) {
        found.iter_mut().for_each(|candidate| candidate.confidence *= several / confidence);
    }
    found
}

fn readings(document: &Document<'_>, field: &Field, text: &str) -> Vec<(Reading, Range<usize>)> {
    if let (Some(pattern), Shape::Text | Shape::Code) = (&field.pattern, field.shape) {
        // The schema's pattern may be anchored: it is held against words, and anywhere when it is not.
        let words = text.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ';', ')']));
        let hits = words.filter(|word| !word.is_empty() && pattern.is_match(word));
        return hits
            .map(|word| {
                let start = word.as_ptr() as usize - text.as_ptr() as usize;
                let range = start..start + word.len();
                (Reading { range: range.clone(), value: word.into(), fit: 1.0 }, range)
            })
            .collect();
    }
    let dated = field.shape == Shape::Date;
    let all = reading::all(document, field, text).into_iter().filter(|reading| !dated || reading.fit > 0.8);
    // A tax number is known by its form alone only where its check digits can be right.
    let all = all.filter(|reading| field.shape != Shape::VatId || reading.fit != 0.8);
    all.map(|reading| (reading.clone(), reading.range)).collect()
}
