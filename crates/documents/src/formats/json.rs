//! JSON and JSON lines, as a person would lay them out: lists of records are tables, nested values stand below
//! headings, and pairs of a question and an answer are a heading with the answer below it.

mod value;

use serde_json::Deserializer;

use super::text;
use crate::compose::Composer;
use crate::table::RowWriter;
use crate::{ExtractError, Format, Limits, table};
use value::Value;

/// Records wider than this are read one below the other.
const MAX_COLUMNS: usize = 200;

/// A record longer than this is a document, not a row.
const MAX_ROW_CHARS: usize = 4_000;

/// Objects inside objects that still fit into a row, as columns named `address > city`.
const MAX_ROW_DEPTH: usize = 4;

/// A value longer than this stands below its key instead of after it.
const MAX_LINE_CHARS: usize = 300;

const QUESTION_KEYS: [&str; 2] = ["question", "q"];
const ANSWER_KEYS: [&str; 2] = ["answer", "a"];

/// Keys whose value names the object that they stand in.
const NAME_KEYS: [&str; 5] = ["title", "name", "question", "heading", "label"];

/// Reads `text`, one value or many. The parser's own bound on nesting (128) is reached long before the stack ends.
pub(crate) fn read(
    text: &str,
    format: Format,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut values = Vec::new();
    for value in Deserializer::from_str(text.trim_start_matches('\u{FEFF}')).into_iter::<Value>() {
        ExtractError::check("number of values", values.len() as u64, u64::from(limits.max_rows))?;
        values.push(value.map_err(|error| explain(&error, format))?);
    }
    let mut writer = Writer { limits, out };
    match values.len() {
        1 => values.pop().map_or(Ok(()), |value| writer.write(1, &value)),
        _ => writer.list(1, "", &values),
    }
}

fn explain(error: &serde_json::Error, format: Format) -> ExtractError {
    if error.to_string().starts_with("recursion limit") {
        return ExtractError::TooLarge { what: "number of nested values".into(), limit: 128 };
    }
    ExtractError::damaged(format, error)
}

struct Writer<'a> {
    limits: &'a Limits,
    out: &'a mut Composer,
}

impl Writer<'_> {
    /// Writes a value; headings inside it are at `level` or below.
    fn write(&mut self, level: u8, value: &Value) -> Result<(), ExtractError> {
        match value {
            Value::Object(fields) => self.object(level, fields),
            Value::List(items) => self.list(level, "", items),
            Value::Text(text) => text::read(text, self.out),
            Value::Plain(text) => self.out.paragraph(text),
            Value::Null => Ok(()),
        }
    }

    /// Fields in their order: short ones as lines of one paragraph, the others below their key.
    fn object(&mut self, level: u8, fields: &[(String, Value)]) -> Result<(), ExtractError> {
        if let Some(pair) = Pair::of(fields) {
            return self.pair(level, &pair);
        }
        let mut lines: Vec<String> = Vec::new();
        for (key, value) in fields {
            match value.line().filter(|line| line.chars().count() <= MAX_LINE_CHARS && !line.contains('\n')) {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => lines.push(format!("{key}: {line}")),
                None => {
                    self.lines(&mut lines)?;
                    self.out.heading(level, key)?;
                    self.field(level.saturating_add(1), key, value)?;
                    self.out.end_headings(level);
                }
            }
        }
        self.lines(&mut lines)
    }

    fn field(&mut self, level: u8, key: &str, value: &Value) -> Result<(), ExtractError> {
        match value {
            Value::List(items) => self.list(level, key, items),
            value => self.write(level, value),
        }
    }

    fn lines(&mut self, lines: &mut Vec<String>) -> Result<(), ExtractError> {
        self.out.paragraph(&std::mem::take(lines).join("\n"))
    }

    fn pair(&mut self, level: u8, pair: &Pair<'_>) -> Result<(), ExtractError> {
        self.out.heading(level, pair.question)?;
        text::read(pair.answer, self.out)?;
        self.out.paragraph(&pair.rest)?;
        self.out.end_headings(level);
        Ok(())
    }

    /// The items of a list, which is the value of `key`.
    fn list(&mut self, level: u8, key: &str, items: &[Value]) -> Result<(), ExtractError> {
        let records: Option<Vec<Vec<(String, String)>>> = items.iter().map(record).collect();
        match records {
            Some(records) if !records.is_empty() && !items.iter().any(is_pair) => self.table(&records),
            _ => items.iter().enumerate().try_for_each(|(at, item)| self.item(level, key, at, item)),
        }
    }

    fn item(&mut self, level: u8, key: &str, at: usize, item: &Value) -> Result<(), ExtractError> {
        match item {
            Value::Object(fields) if Pair::of(fields).is_none() => {
                let name = name_of(fields).unwrap_or_else(|| format!("{key} {}", at + 1).trim().to_owned());
                self.out.heading(level, &name)?;
                self.object(level.saturating_add(1), fields)?;
                self.out.end_headings(level);
                Ok(())
            }
            Value::Object(_) | Value::List(_) => self.write(level, item),
            Value::Text(text) if text.contains('\n') => text::read(text, self.out),
            item => self.out.list_item(item.scalar().unwrap_or_default()),
        }
    }

    /// Records as rows; a column for every key, in the order in which the keys first come.
    fn table(&mut self, records: &[Vec<(String, String)>]) -> Result<(), ExtractError> {
        let mut header: Vec<String> = Vec::new();
        for (key, _) in records.iter().flatten() {
            if !header.contains(key) {
                header.push(key.clone());
            }
        }
        if header.len() > MAX_COLUMNS {
            let mut writer = RowWriter::new(&[], self.limits.max_rows);
            let lines = |record: &[(String, String)]| {
                record.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>()
            };
            return records.iter().try_for_each(|record| writer.write(&lines(record), self.out));
        }
        let mut rows = vec![header];
        for record in records {
            let cell =
                |key: &String| record.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            let row = rows[0].iter().map(|key| cell(key).unwrap_or_default()).collect();
            rows.push(row);
        }
        table::write(&rows, Some(1), self.limits.max_rows, self.out)
    }
}

/// A question with its answer.
struct Pair<'a> {
    question: &'a str,
    answer: &'a str,
    /// What else the object says in words; numbers and switches are of use to programs only.
    rest: String,
}

impl<'a> Pair<'a> {
    fn of(fields: &'a [(String, Value)]) -> Option<Self> {
        let text = |names: [&str; 2]| {
            fields.iter().find_map(|(key, value)| match value {
                Value::Text(text) if is_one_of(key, &names) && !text.trim().is_empty() => Some(text.as_str()),
                _ => None,
            })
        };
        let (question, answer) = (text(QUESTION_KEYS)?, text(ANSWER_KEYS)?);
        let others = fields.iter().filter(|(key, value)| {
            let is_id = key.eq_ignore_ascii_case("id") || key.to_ascii_lowercase().ends_with("_id");
            !is_one_of(key, &QUESTION_KEYS)
                && !is_one_of(key, &ANSWER_KEYS)
                && !is_id
                && matches!(value, Value::Text(_) | Value::List(_))
        });
        let rest: Vec<String> = others
            .filter_map(|(key, value)| Some((key, value.line()?)))
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(key, line)| format!("{key}: {line}"))
            .collect();
        Some(Self { question, answer, rest: rest.join("; ") })
    }
}

fn is_one_of(key: &str, names: &[&str]) -> bool {
    names.iter().any(|name| key.trim().eq_ignore_ascii_case(name))
}

fn is_pair(value: &Value) -> bool {
    matches!(value, Value::Object(fields) if Pair::of(fields).is_some())
}

/// The fields of an object that fits into a row, by the path of their keys; `None` when it does not fit.
fn record(value: &Value) -> Option<Vec<(String, String)>> {
    let Value::Object(fields) = value else { return None };
    let mut cells = Vec::new();
    flatten("", fields, 1, &mut cells)?;
    let chars: usize = cells.iter().map(|(_, cell): &(String, String)| cell.chars().count()).sum();
    (chars <= MAX_ROW_CHARS && !cells.is_empty()).then_some(cells)
}

fn flatten(
    path: &str,
    fields: &[(String, Value)],
    depth: usize,
    cells: &mut Vec<(String, String)>,
) -> Option<()> {
    for (key, value) in fields {
        let path = if path.is_empty() { key.clone() } else { format!("{path} > {key}") };
        match value {
            Value::Object(_) if depth >= MAX_ROW_DEPTH => return None,
            Value::Object(fields) => flatten(&path, fields, depth + 1, cells)?,
            value => cells.push((path, value.line()?)),
        }
    }
    Some(())
}

fn name_of(fields: &[(String, Value)]) -> Option<String> {
    NAME_KEYS.iter().find_map(|name| {
        let (_, value) = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        match value {
            Value::Text(text) if !text.trim().is_empty() && text.chars().count() <= MAX_LINE_CHARS => {
                Some(text.clone())
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, SectionKind};

    fn read_all(json: &str) -> Result<Extracted, ExtractError> {
        let limits = Limits::default();
        let mut out = Composer::new(Format::Json, &limits);
        read(json, Format::Json, &limits, &mut out)?;
        out.finish()
    }

    fn lines(json: &str) -> String {
        read_all(json).unwrap().text
    }

    fn places(json: &str) -> Vec<String> {
        read_all(json)
            .unwrap()
            .sections
            .into_iter()
            .map(|section| section.heading.unwrap_or_default())
            .collect()
    }

    #[test]
    fn lists_of_records_are_tables() {
        let found = read_all(
            r#"[{"Plan":"Starter","Price":29,"Seats":null},{"Plan":"Team","Price":99.5,"Beta":true,"Tags":["a","b"]}]"#,
        )
        .unwrap();
        assert_eq!(found.text, "Plan: Starter; Price: 29\nPlan: Team; Price: 99.5; Beta: true; Tags: a, b");
        assert_eq!((found.sections[1].kind, found.sections[1].row), (SectionKind::TableRow, Some(2)));
        assert_eq!(lines("{\"a\":\"1\"}\n{\"a\":\"2\"}\n"), "a: 1\na: 2", "JSON lines are a list");
        assert_eq!(lines(r#"[{"n":"x","at":{"city":"Oslo"}}]"#), "n: x; at > city: Oslo");
    }

    #[test]
    fn nested_values_stand_below_their_keys() {
        let json = r#"{"shop":"Acme","shipping":{"norway":{"days":"3-5","price":9},"note":"x"},"open":["Mo","Tu"],"end":1}"#;
        assert_eq!(
            lines(json),
            "shop: Acme\n\nshipping\n\nnorway\n\ndays: 3-5\nprice: 9\n\nnote: x\n\nopen: Mo, Tu\nend: 1"
        );
        assert_eq!(places(json), ["", "shipping", "shipping > norway", "shipping > norway", "shipping", ""]);
    }

    #[test]
    fn questions_are_headings_of_their_answers() {
        let json = r#"{"faq":[{"id":7,"Question":"How long?","Answer":"30 days.\n\nFrom delivery.","tags":["returns"]},
                       {"q":"Where?","a":"In Oslo."}]}"#;
        assert_eq!(
            lines(json),
            "faq\n\nHow long?\n\n30 days.\n\nFrom delivery.\n\ntags: returns\n\nWhere?\n\nIn Oslo."
        );
        assert_eq!(places(json)[2], "faq > How long?");
        assert_eq!(places(json)[6], "faq > Where?");
        assert_eq!(lines(r#"{"question":"A?","answer":"B."}"#), "A?\n\nB.");
    }

    #[test]
    fn long_values_and_unlike_items_are_read_one_below_the_other() {
        let long = "word ".repeat(1_000);
        let json = format!(r#"[{{"title":"Guide","body":"{long}"}},{{"body":"Second."}},3]"#);
        let found = read_all(&json).unwrap();
        assert_eq!(found.sections[0].kind, SectionKind::Heading { level: 1 });
        assert!(
            found.text.starts_with("Guide\n\ntitle: Guide\n\nbody\n\nword word"),
            "{}",
            &found.text[..60]
        );
        assert!(found.text.ends_with("2\n\nbody: Second.\n\n3"), "{}", found.text);
    }

    #[test]
    fn damage_and_depth_are_errors() {
        assert_eq!(read_all("{\"a\":").unwrap_err().code(), "damaged");
        let deep = "[".repeat(1_000_000);
        assert_eq!(read_all(&deep).unwrap_err().code(), "too_large");
        assert_eq!(read_all("{}").unwrap_err(), ExtractError::Empty);
    }
}
