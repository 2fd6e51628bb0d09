//! Knowledge that is typed or pasted: texts, and questions with their answers.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use super::{
    documents::Document,
    faq,
    uploads::{Change, NewDocument, Source, accept, receive},
};
use crate::{Actor, App, CollectionId, Error, Result, Tenant};

/// Longest pasted text, in characters; more is a file.
pub const MAX_PASTED: usize = 1_000_000;

/// What a pasted text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    /// None.
    Text,
    /// Markdown.
    Markdown,
    /// Pairs of questions and answers; see [`faq::pairs`].
    Faq,
}

impl std::str::FromStr for Markup {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "markdown" => Ok(Self::Markdown),
            "faq" => Ok(Self::Faq),
            _ => Err(Error::invalid("content_type", "content_type is one of text, markdown, faq.")),
        }
    }
}

/// Makes a pasted text a document, or another version of the one with its title.
///
/// # Errors
/// Invalid when a FAQ holds no pairs, or as [`accept`].
pub async fn paste_text(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (title, content, markup): (String, String, Markup),
    collection: CollectionId,
) -> Result<(Document, Change)> {
    let (name, content) = match markup {
        Markup::Text => ("pasted.txt", content),
        Markup::Markdown => ("pasted.md", content),
        Markup::Faq => ("pasted.jsonl", lines(&content)?),
    };
    keep(
        app,
        tenant,
        by,
        (name, content),
        NewDocument { collection, title: Some(title), source: Source::Text },
    )
    .await
}

/// Makes a question with its answer a document, or another version of the one with this question.
///
/// # Errors
/// As [`accept`].
pub async fn paste_answer(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (question, answer): (String, String),
    collection: CollectionId,
) -> Result<(Document, Change)> {
    let content = json!({ "question": question, "answer": answer }).to_string();
    let form = NewDocument { collection, title: Some(question), source: Source::Qa };
    keep(app, tenant, by, ("answer.json", content), form).await
}

async fn keep(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (name, content): (&str, String),
    form: NewDocument,
) -> Result<(Document, Change)> {
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(content))]);
    let upload = receive(app, tenant, name, bytes).await?;
    accept(app, tenant, by, upload, form).await
}

/// A FAQ as JSON lines, which `documents` reads as headings with their text.
fn lines(content: &str) -> Result<String> {
    let pairs = faq::pairs(content);
    if pairs.is_empty() {
        return Err(Error::invalid(
            "content",
            "No questions were found. Begin each question with Q: and its answer with A:, or end each question's line with a question mark.",
        ));
    }
    let lines: Vec<String> = pairs
        .iter()
        .map(|pair| json!({ "question": pair.question, "answer": pair.answer }).to_string())
        .collect();
    Ok(lines.join("\n"))
}
