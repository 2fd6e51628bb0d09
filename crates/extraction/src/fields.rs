//! The fields of a schema, one after the other: candidates from labels, layout and patterns, and the best of them.

use serde_json::{Map, Value};

use crate::{
    Detail, Extraction, checks,
    document::Document,
    head::{self, Guess, Head},
    labels::{self, Candidate},
    lexicon::{Concept, Shape},
    proposal, reading,
    schema::{Field, Kind, Schema},
    tables,
    totals::Totals,
};

/// No method is surer than this by itself.
const SUREST: f64 = 0.98;

/// Finds values in one document, whose head and foot are looked at once.
pub(crate) struct Finder<'d, 'a> {
    document: &'d Document<'a>,
    head: Head,
    totals: Totals,
}

impl<'d, 'a> Finder<'d, 'a> {
    pub(crate) fn new(document: &'d Document<'a>) -> Self {
        Self { document, head: head::read(document), totals: Totals::read(document) }
    }

    /// The fields of a schema, with the help of values that somebody proposes for them.
    pub(crate) fn extract(&self, schema: &Schema, proposed: Option<&Value>) -> Extraction {
        let mut found = Extraction::default();
        found.fields = self.object(&schema.fields, proposed, "", &mut found);
        found
    }

    fn object(
        &self,
        fields: &[Field],
        proposed: Option<&Value>,
        prefix: &str,
        found: &mut Extraction,
    ) -> Map<String, Value> {
        let mut values = Map::new();
        for field in fields {
            let path = format!("{prefix}{}", field.name);
            let proposed = proposed.and_then(|all| all.get(&field.name)).filter(|value| !value.is_null());
            let value = match &field.kind {
                Kind::Object(inner) => self.object(inner, proposed, &format!("{path}."), found).into(),
                Kind::Array(item) => self.array(item, proposed, &path, found),
                _ => self.single(field, proposed, self.candidates(field), &path, found),
            };
            let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if field.required && is_empty {
                found.missing.push(path);
            }
            values.insert(field.name.clone(), value);
        }
        hold_together(self.document, fields, prefix, &values, found);
        values
    }

    fn single(
        &self,
        field: &Field,
        proposed: Option<&Value>,
        candidates: Vec<Candidate>,
        path: &str,
        found: &mut Extraction,
    ) -> Value {
        let proposed = proposed.and_then(|value| proposal::normalised(self.document, field, value));
        match (self.weigh(field, proposed.as_ref(), candidates), proposed) {
            (Some(candidate), _) => self.keep(field, path, candidate, found),
            (None, Some(value)) => {
                let detail = Detail {
                    confidence: proposal::UNSAID,
                    page: None,
                    evidence: None,
                    problems: vec!["The document does not say it in these words.".into()],
                };
                found.details.insert(path.to_owned(), detail);
                value
            }
            (None, None) => {
                let nothing = Detail { confidence: 0.0, page: None, evidence: None, problems: Vec::new() };
                found.details.insert(path.to_owned(), nothing);
                Value::Null
            }
        }
    }

    /// The surest value: a proposed one confirms what was found, or is taken from where the document says it.
    fn weigh(
        &self,
        field: &Field,
        proposed: Option<&Value>,
        mut candidates: Vec<Candidate>,
    ) -> Option<Candidate> {
        let Some(value) = proposed else { return best(candidates) };
        let mut confirmed = false;
        for candidate in candidates.iter_mut().filter(|candidate| candidate.value == *value) {
            candidate.confidence += (1.0 - candidate.confidence) * 0.5;
            confirmed = true;
        }
        let said = if confirmed { None } else { proposal::candidate(self.document, field, value) };
        let unsaid = !confirmed && said.is_none();
        candidates.extend(said);
        let best = best(candidates)?;
        // Somebody read something else, if only in their mind.
        let doubt = if unsaid { 0.9 } else { 1.0 };
        Some(Candidate { confidence: best.confidence * doubt, ..best })
    }

    /// Writes down a value and what its field's rules say of it.
    fn keep(&self, field: &Field, path: &str, candidate: Candidate, found: &mut Extraction) -> Value {
        found.details.insert(path.to_owned(), detail(self.document, field, &candidate));
        candidate.value
    }

    fn array(&self, item: &Field, proposed: Option<&Value>, path: &str, found: &mut Extraction) -> Value {
        let proposed = proposed.and_then(Value::as_array).filter(|values| !values.is_empty());
        if let Kind::Object(columns) = &item.kind {
            let rows = tables::rows(self.document, columns);
            if let Some(proposed) = proposed {
                return self.proposed_rows(columns, proposed, &rows, path, found);
            }
            return rows
                .into_iter()
                .enumerate()
                .map(|(number, row)| self.row(columns, &format!("{path}[{number}]"), row, found))
                .collect();
        }
        let mut seen: Vec<Value> = Vec::new();
        for value in proposed.into_iter().flatten().take(tables::MAX_ROWS) {
            let path = format!("{path}[{}]", seen.len());
            let candidates = labels::candidates(self.document, item);
            let own = candidates.into_iter().filter(|candidate| candidate.value == *value).collect();
            let value = self.single(item, Some(value), own, &path, found);
            seen.push(value);
        }
        if proposed.is_some() {
            return seen.into();
        }
        for candidate in
            labels::candidates(self.document, item).into_iter().chain(labels::by_pattern(self.document, item))
        {
            if !seen.contains(&candidate.value) {
                let path = format!("{path}[{}]", seen.len());
                seen.push(self.keep(item, &path, candidate, found));
            }
        }
        seen.into()
    }

    /// Rows as they were proposed, each value held against the document and against the row that was found there.
    fn proposed_rows(
        &self,
        columns: &[Field],
        proposed: &[Value],
        rows: &[tables::Row],
        path: &str,
        found: &mut Extraction,
    ) -> Value {
        let row = |(number, proposed): (usize, &Value)| {
            let prefix = format!("{path}[{number}].");
            let row = rows.get(number);
            let mut values = Map::new();
            for field in columns.iter().filter(|field| field.is_single()) {
                let value = proposed.get(&field.name).filter(|value| !value.is_null());
                let own: Vec<Candidate> =
                    row.and_then(|row| row.candidate(&field.name)).into_iter().collect();
                let value = self.single(field, value, own, &format!("{prefix}{}", field.name), found);
                values.insert(field.name.clone(), value);
            }
            hold_together(self.document, columns, &prefix, &values, found);
            Value::from(values)
        };
        proposed.iter().take(tables::MAX_ROWS).enumerate().map(row).collect()
    }

    fn row(&self, columns: &[Field], path: &str, row: tables::Row, found: &mut Extraction) -> Value {
        for (name, range) in row.places {
            let Some((field, value)) =
                columns.iter().find(|field| field.name == name).zip(row.values.get(&name))
            else {
                continue;
            };
            let candidate = Candidate { value: value.clone(), range, confidence: row.confidence };
            self.keep(field, &format!("{path}.{name}"), candidate, found);
        }
        hold_together(self.document, columns, &format!("{path}."), &row.values, found);
        row.values.into()
    }

    fn candidates(&self, field: &Field) -> Vec<Candidate> {
        let mut all = match field.concept.and_then(|concept| self.totals.get(concept)) {
            Some(sum) if field.shape == Shape::Money => {
                let confidence = if sum.contradicted { sum.confidence * 0.7 } else { sum.confidence };
                let value = reading::number(&field.kind, sum.value, 2);
                return value
                    .into_iter()
                    .map(|value| Candidate { value, range: sum.range.clone(), confidence })
                    .collect();
            }
            _ => labels::candidates(self.document, field),
        };
        let guess = match field.concept {
            Some(Concept::Company) => self.head.company.as_ref(),
            Some(Concept::CompanyAddress) => self.head.address.as_ref(),
            _ => None,
        };
        all.extend(guess.map(from_guess));
        if field.concept == Some(Concept::CustomerAddress) {
            all.extend(self.customer_addresses());
        }
        if all.is_empty() || field.concept == Some(Concept::Date) {
            all.extend(labels::by_pattern(self.document, field));
        }
        all
    }

    /// The addresses below names that are labelled as the customer's.
    fn customer_addresses(&self) -> Vec<Candidate> {
        let customer = serde_json::json!({"properties": {"customer": {"type": "string"}}});
        let Ok(schema) = Schema::parse(&customer) else { return Vec::new() };
        let names = schema.fields.iter().flat_map(|field| labels::candidates(self.document, field));
        names.filter_map(|name| labels::address_below(self.document, &name)).collect()
    }
}

/// How sure a value is after its field's rules, and where it stands.
pub(crate) fn detail(document: &Document<'_>, field: &Field, candidate: &Candidate) -> Detail {
    let problem = checks::value(document, field, &candidate.value);
    let factor = problem.as_ref().map_or(1.0, |(_, factor)| *factor);
    Detail {
        confidence: rounded(candidate.confidence * factor),
        page: document.page(&candidate.range),
        evidence: document.text.get(candidate.range.clone()).map(str::to_owned),
        problems: problem.into_iter().map(|(sentence, _)| sentence).collect(),
    }
}

/// Lowers what contradicts other fields of the same object.
fn hold_together(
    document: &Document<'_>,
    fields: &[Field],
    prefix: &str,
    values: &Map<String, Value>,
    found: &mut Extraction,
) {
    checks::together(document, fields, values, |name, problem, factor| {
        if let Some(detail) = found.details.get_mut(&format!("{prefix}{name}")) {
            detail.confidence = rounded(detail.confidence * factor);
            detail.problems.push(problem.to_owned());
        }
    });
}

fn from_guess(guess: &Guess) -> Candidate {
    Candidate { value: guess.value.clone().into(), range: guess.range.clone(), confidence: guess.confidence }
}

/// The value that is surest: its best candidate, surer when others say the same, less so when one says otherwise.
fn best(candidates: Vec<Candidate>) -> Option<Candidate> {
    let first = candidates.iter().reduce(|a, b| if b.confidence > a.confidence { b } else { a })?;
    let (same, other): (Vec<&Candidate>, Vec<&Candidate>) =
        candidates.iter().partition(|candidate| candidate.value == first.value);
    let again = if same.len() > 1 { (1.0 - first.confidence) * 0.2 } else { 0.0 };
    let rival = other.iter().map(|candidate| candidate.confidence).fold(0.0, f64::max);
    let doubt = if rival > 0.8 * first.confidence { 0.9 } else { 1.0 };
    Some(Candidate { confidence: ((first.confidence + again) * doubt).min(SUREST), ..first.clone() })
}

/// Two decimals: more would pretend.
fn rounded(confidence: f64) -> f64 {
    (confidence.clamp(0.0, 1.0) * 100.0).round() / 100.0
}
