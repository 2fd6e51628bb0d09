//! What a stream tells the visitor.

use std::borrow::Cow;

use serde::Serialize;

use crate::{DocumentId, MessageId, executions::Claim};

/// One frame of an answer's stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// The first: the answer's id.
    Start {
        /// To give feedback on.
        message_id: MessageId,
    },
    /// What is going on.
    Status {
        /// `retrieving`, `thinking`, or the name of a tool.
        status: Cow<'static, str>,
    },
    /// Words of the answer, Markdown, with citations like `[1]`.
    Token {
        /// The words.
        content: String,
    },
    /// Where the answer comes from; between the last token and the end.
    Sources {
        /// The passages that were used.
        sources: Vec<Source>,
        /// The answer's sentences, and the place that supports each.
        spans: Vec<Claim>,
    },
    /// The last: how the answer came out.
    Done {
        /// 0 to 1.
        confidence: f64,
        /// False when the fallback message was given.
        answered: bool,
        /// What made the answer.
        model: String,
        /// Whether the first model of the chain failed and another one stepped in.
        degraded: bool,
        /// Whether the visitor stopped it.
        stopped: bool,
        /// Whether the day's budget is used up, so that only a person can help; left out when it is not so.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        contact: bool,
    },
    /// The last, when there is no answer.
    Error {
        /// Stable.
        code: &'static str,
        /// For the visitor.
        message: String,
    },
}

/// A passage that an answer comes from, and the sentence in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    /// The number by which the answer cites it.
    pub citation: usize,
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version.
    pub version: i64,
    /// The document's title.
    pub title: String,
    /// The passage.
    pub chunk_preview: String,
    /// 0 to 1.
    pub relevance_score: f32,
    /// The page on the web, if it came from there.
    pub url: Option<String>,
    /// The page in the document, from 1.
    pub page: Option<i64>,
    /// The heading path of the place.
    pub heading: Option<String>,
    /// The table row, from 1.
    pub row: Option<i64>,
    /// The sentence that the answer rests on, word for word.
    pub quote: String,
    /// Where the quote begins, in characters of the version's text.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
}
