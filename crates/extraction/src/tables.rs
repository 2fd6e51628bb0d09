//! Rows of a table: line items of an invoice, entries of a statement.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::{
    document::Document,
    labels::Candidate,
    lexicon::{Concept, Shape},
    reading,
    schema::{Field, Kind},
};

/// Rows that are read of one table.
pub(crate) const MAX_ROWS: usize = 500;

/// A row, and where each of its values stands.
#[derive(Debug)]
pub(crate) struct Row {
    pub values: Map<String, Value>,
    pub places: Vec<(String, Range<usize>)>,
    pub confidence: f64,
}

impl Row {
    /// What stands in a column.
    pub(crate) fn candidate(&self, column: &str) -> Option<Candidate> {
        let (_, range) = self.places.iter().find(|(name, _)| name == column)?;
        let value = self.values.get(column)?.clone();
        Some(Candidate { value, range: range.clone(), confidence: self.confidence })
    }
}

/// The rows whose columns are these fields.
pub(crate) fn rows(document: &Document<'_>, fields: &[Field]) -> Vec<Row> {
    let named = named_rows(document, fields);
    if named.is_empty() { printed_rows(document, fields) } else { named }
}

/// Rows whose cells carry the names of their columns.
fn named_rows(document: &Document<'_>, fields: &[Field]) -> Vec<Row> {
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for (at, line) in document.lines.iter().enumerate().filter(|(_, line)| line.row.is_some()) {
        let Some((name, _)) = line.text.split_once(": ") else { continue };
        let words = crate::schema::words(name);
        let Some(field) = fields.iter().find(|field| is_column(field, &words)) else { continue };
        let start = name.len() + 2;
        let Some(reading) = reading::read(document, field, &line.text[start..]) else { continue };
        let range = line.whole(start + reading.range.start..start + reading.range.end);
        if rows.last().is_none_or(|(block, _)| *block != document.lines[at].block) {
            if rows.len() == MAX_ROWS {
                break;
            }
            rows.push((line.block, Row { values: Map::new(), places: Vec::new(), confidence: 0.88 }));
        }
        if let Some((_, row)) = rows.last_mut() {
            row.values.insert(field.name.clone(), reading.value);
            row.places.push((field.name.clone(), range));
        }
    }
    let whole = fields.len().min(2);
    rows.into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.values.len() >= whole && !is_sum(document, row))
        .collect()
}

fn is_column(field: &Field, words: &[String]) -> bool {
    field.labels.iter().any(|label| label == words)
        || field.concept.is_some() && crate::lexicon::concept_of(words) == field.concept
}

/// A table's last rows are often its sums.
fn is_sum(document: &Document<'_>, row: &Row) -> bool {
    row.places.iter().any(|(_, range)| {
        let text = &document.text[range.clone()];
        let first =
            text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).map(crate::source::fold);
        first.is_some_and(|word| {
            matches!(word.as_str(), "total" | "subtotal" | "summe" | "gesamt" | "totaal" | "totale")
        })
    })
}

/// Lines below a line that names at least two of the columns, each a text and as many numbers as there are columns.
fn printed_rows(document: &Document<'_>, fields: &[Field]) -> Vec<Row> {
    let numeric =
        |field: &&Field| matches!(field.kind, Kind::Number | Kind::Integer) || field.shape == Shape::Money;
    let Some((header, columns)) = (0..document.lines.len()).find_map(|line| {
        let columns = columns(document, fields, line);
        (columns.len() >= 2 && columns.iter().any(numeric)).then_some((line, columns))
    }) else {
        return Vec::new();
    };
    let numbers: Vec<&Field> = columns.iter().copied().filter(numeric).collect();
    let text = columns.iter().copied().find(|field| !numeric(field));
    let mut rows = Vec::new();
    for at in header + 1..document.lines.len() {
        if rows.len() == MAX_ROWS || ends_table(document, at) {
            break;
        }
        rows.extend(printed_row(document, at, &numbers, text));
    }
    rows
}

fn columns<'f>(document: &Document<'_>, fields: &'f [Field], line: usize) -> Vec<&'f Field> {
    let words = &document.lines[line].words;
    let mut columns: Vec<(usize, &Field)> = Vec::new();
    for field in fields {
        let own = field.labels.iter().find_map(|label| {
            words
                .windows(label.len())
                .position(|part| part.iter().zip(label).all(|(word, wanted)| word.folded == *wanted))
        });
        let hit =
            document.hits[line].iter().find(|hit| Some(hit.concept) == field.concept).map(|hit| hit.from);
        if let Some(at) = own.or(hit) {
            columns.push((at, field));
        }
    }
    columns.sort_by_key(|(at, _)| *at);
    columns.into_iter().map(|(_, field)| field).collect()
}

fn ends_table(document: &Document<'_>, at: usize) -> bool {
    document.hits[at].first().is_some_and(|hit| {
        hit.from == 0
            && matches!(hit.concept, Concept::Total | Concept::Subtotal | Concept::Tax | Concept::Paid)
    })
}

fn printed_row(document: &Document<'_>, at: usize, numbers: &[&Field], text: Option<&Field>) -> Option<Row> {
    let line = &document.lines[at];
    let amounts = document.amounts(at);
    let first = amounts.len().checked_sub(numbers.len())?;
    let cells = &amounts[first..];
    let mut row = Row { values: Map::new(), places: Vec::new(), confidence: 0.72 };
    for (field, amount) in numbers.iter().zip(cells) {
        let value = reading::number(&field.kind, amount.value, amount.decimals)?;
        row.values.insert(field.name.clone(), value);
        row.places.push((field.name.clone(), line.whole(amount.range.clone())));
    }
    let lead = line.text[..cells.first()?.range.start].trim();
    match text {
        Some(field) if lead.chars().any(char::is_alphabetic) => {
            let start = lead.as_ptr() as usize - line.text.as_ptr() as usize;
            row.values.insert(field.name.clone(), lead.into());
            row.places.push((field.name.clone(), line.whole(start..start + lead.len())));
        }
        Some(_) => return None,
        None => {}
    }
    Some(row)
}
