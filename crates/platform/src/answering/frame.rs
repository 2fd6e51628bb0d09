//! What a stream tells the visitor.

use serde::Serialize;

use crate::{DocumentId, MessageId};

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
        /// The stage.
        status: Stage,
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
    },
    /// The last: how the answer came out.
    Done {
        /// 0 to 1.
        confidence: f64,
        /// False when the fallback message was given.
        answered: bool,
        /// What made the answer.
        model: String,
        /// Whether the configured model failed and the extractive one stepped in.
        degraded: bool,
    },
    /// The last, when there is no answer.
    Error {
        /// Stable.
        code: &'static str,
        /// For the visitor.
        message: String,
    },
}

/// What an answer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Looking for passages.
    Retrieving,
    /// Writing.
    Thinking,
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
