//! Language models behind one trait: they get a question with numbered passages and stream an answer that
//! cites the passages by number, `[1]`.
//!
//! [`Extractive`] is embedded and quotes sentences; [`OpenAi`] speaks to any server with OpenAI's
//! `/v1/chat/completions`.

mod embeddings;
mod extractive;
mod openai;

use std::{ops::Range, time::Duration};

use futures_util::{future::BoxFuture, stream::BoxStream};

pub use embeddings::OpenAiEmbeddings;
pub use extractive::Extractive;
pub use openai::OpenAi;

/// Where a provider is and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Up to and with the version: `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as a bearer token when there is one.
    pub api_key: Option<Secret>,
    /// The provider's name of the model.
    pub model: String,
    /// How long the provider may take until its first token.
    pub first_token: Duration,
    /// How long it may take in all.
    pub total: Duration,
}

/// A secret, such as a provider's key. It never prints.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// The key itself, for whoever must send or use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A passage of the workspace's knowledge, as the model sees it.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The document's title and the heading path of the place.
    pub label: String,
    /// The passage's text.
    pub text: String,
    /// Sentences that answer the question, best first, for models that quote; byte ranges of `text`.
    pub quotes: Vec<Quote>,
}

/// A sentence of a passage, with how well it answers the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Byte range in the passage's text.
    pub span: Range<usize>,
    /// Higher is better; comparable within one request.
    pub score: f32,
}

/// Who said something earlier in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The visitor.
    Visitor,
    /// The agent.
    Agent,
}

/// One earlier message.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

/// A question to answer from passages.
#[derive(Clone, Debug)]
pub struct Request {
    /// How the agent should behave.
    pub instructions: String,
    /// Earlier messages, oldest first.
    pub history: Vec<Turn>,
    /// The question.
    pub question: String,
    /// What may be used; number n is cited as `[n]`, counted from 1.
    pub passages: Vec<Passage>,
    /// Tokens the answer may have.
    pub max_tokens: u32,
    /// 0 to 2.
    pub temperature: f32,
}

/// Why a model gave no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The provider cannot be reached, or the connection broke.
    #[error("the model's server cannot be reached or hung up: {0}")]
    Connection(String),
    /// The provider answered with an error.
    #[error("the model's server answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The start of the body.
        message: String,
    },
    /// The provider took too long.
    #[error("the model's server took longer than {0:?}")]
    TooSlow(Duration),
    /// The provider sent something that is not its protocol.
    #[error("the model's server sent something unexpected: {0}")]
    Protocol(String),
}

/// The pieces of an answer's text, in order. The stream ends after the last, or with its first error.
pub type Answer = BoxStream<'static, Result<String, ModelError>>;

/// Something that answers questions from passages.
pub trait LanguageModel: Send + Sync {
    /// What the answer is recorded as coming from.
    fn name(&self) -> &str;

    /// Starts an answer.
    fn answer<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, ModelError>>;
}
