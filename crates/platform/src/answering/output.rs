//! The form of an answer, for clients that asked for one.

use std::str::FromStr;

use models::marks;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
use serde_json::{Value, json};

use crate::{Error, Result};

/// What an answer is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Markdown with citations, as it is written.
    #[default]
    Markdown,
    /// Words alone.
    Text,
    /// A JSON object.
    Json,
    /// A piece of HTML that is safe to show.
    Html,
    /// A table of comma-separated values with a header (RFC 4180).
    Csv,
}

impl Format {
    /// As it is asked for and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Json => "json",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }

    /// Whether what is written cites passages in brackets; where it does not, brackets are the data's own.
    pub(super) fn cites(self) -> bool {
        !matches!(self, Self::Json | Self::Csv)
    }

    /// What a model is told of it.
    pub(super) fn instruction(self) -> Option<&'static str> {
        match self {
            Self::Markdown | Self::Text | Self::Html => None,
            Self::Json => {
                Some("Answer with one JSON object and nothing else: no words around it, no code fence.")
            }
            Self::Csv => Some(
                "Answer with comma-separated values and nothing else: a header line, then one line a row, each with as \
                 many fields, quoted where needed.",
            ),
        }
    }

    /// An answer in this form; for what a model was to write itself, why it is none.
    pub(super) fn shape(self, answer: &str) -> std::result::Result<String, String> {
        match self {
            Self::Markdown => Ok(answer.to_owned()),
            Self::Text => Ok(plain(answer)),
            Self::Html => Ok(to_html(answer)),
            Self::Json => json_object(answer).map(|value| value.to_string()),
            Self::Csv => table(answer),
        }
    }

    /// The same for words that are in no form: what stands in for a form that was not kept.
    pub(super) fn wrap(self, answer: &str, confidence: f64) -> String {
        match self {
            Self::Json => json!({ "answer": plain(answer), "confidence": confidence }).to_string(),
            Self::Csv => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                let rows = [
                    ["answer".to_owned(), "confidence".to_owned()],
                    [plain(answer), format!("{confidence:.3}")],
                ];
                let written = rows.iter().try_for_each(|row| writer.write_record(row));
                let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Self::Markdown | Self::Text | Self::Html => {
                self.shape(answer).unwrap_or_else(|_| answer.to_owned())
            }
        }
    }
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Markdown, Self::Text, Self::Json, Self::Html, Self::Csv]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| {
                Error::invalid("output_format", "output_format is one of text, markdown, json, html, csv.")
            })
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

/// Markdown's words without its marks and citations.
fn plain(answer: &str) -> String {
    let bare = marks::without(answer);
    let mut out = String::new();
    for event in Parser::new_ext(&bare, options()) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&text)
            }
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::End(TagEnd::TableCell) => out.push('\t'),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Table,
            ) => out.push_str("\n\n"),
            Event::End(TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead) => out.push('\n'),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// Markdown as HTML. HTML in it is shown as the text that it is, and links lead to the web or to a mail address only.
fn to_html(answer: &str) -> String {
    let safe = |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if leads_out(&dest_url) { dest_url } else { "#".into() };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::Start(Tag::Image { link_type, title, id, .. }) => {
            Event::Start(Tag::Link { link_type, dest_url: "#".into(), title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    };
    let mut out = String::new();
    html::push_html(&mut out, Parser::new_ext(answer, options()).map(safe));
    out.trim().to_owned()
}

fn leads_out(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.to_ascii_lowercase().starts_with(scheme))
}

/// The JSON object of an answer, from inside a code fence or words if need be.
fn json_object(answer: &str) -> std::result::Result<Value, String> {
    let (start, end) = (answer.find('{'), answer.rfind('}'));
    let (Some(start), Some(end)) = (start, end.filter(|end| Some(*end) > start)) else {
        return Err("There is no JSON object in it.".to_owned());
    };
    let value: Value = serde_json::from_str(&answer[start..=end]).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("It is no JSON object.".to_owned()) }
}

/// The table of an answer, as it is when all rows are of one length.
fn table(answer: &str) -> std::result::Result<String, String> {
    let inner = answer.trim().trim_start_matches("```csv").trim_matches('`').trim();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(inner.as_bytes());
    let rows: Vec<csv::StringRecord> =
        reader.records().collect::<std::result::Result<_, _>>().map_err(|error| error.to_string())?;
    match rows.first() {
        Some(first) if rows.len() > 1 && first.len() > 1 => Ok(inner.to_owned()),
        _ => Err("A table has a header and at least one row.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_marks() {
        let answer = "**Tents** cost 900 NOK [1].\n\n- one [2]\n- two\n\n| A | B |\n|---|---|\n| 1 | 2 |";
        assert_eq!(
            Format::Text.shape(answer).unwrap(),
            "Tents cost 900 NOK.\n\n- one\n- two\n\n\nA\tB\t\n1\t2"
        );
    }

    #[test]
    fn html_cannot_do_harm() {
        let answer = "<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![i](https://evil/x.png) [y](https://a.b) <b>b</b>";
        let html = Format::Html.shape(answer).unwrap();
        assert!(
            !html.contains("<script") && !html.contains("javascript:") && !html.contains("<img"),
            "{html}"
        );
        assert!(html.contains("href=\"https://a.b\"") && html.contains("&lt;b&gt;"), "{html}");
    }

    #[test]
    fn json_and_tables_are_what_they_say_or_not_at_all() {
        assert_eq!(Format::Json.shape("```json\n{\"a\": [1]}\n```").unwrap(), r#"{"a":[1]}"#);
        for wrong in ["no", "[1]", "{\"a\":", "}{"] {
            assert!(Format::Json.shape(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Format::Csv.shape("```csv\na,b\n1,\"x, y\"\n```").unwrap(), "a,b\n1,\"x, y\"");
        for wrong in ["no", "a,b", "a,b\n1,2,3"] {
            assert!(Format::Csv.shape(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Format::Json.wrap("**Yes** [1]", 0.5), r#"{"answer":"Yes","confidence":0.5}"#);
        assert_eq!(Format::Csv.wrap("a, \"b\"", 0.5), "answer,confidence\n\"a, \"\"b\"\"\",0.500\n");
    }
}
