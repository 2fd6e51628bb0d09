//! Language models behind one trait: they get a question with numbered passages, and perhaps tools, and stream an answer
//! that cites the passages by number, `[1]`.
//!
//! [`Extractive`] is embedded and quotes sentences; [`OpenAi`] speaks to any server with OpenAI's
//! `/v1/chat/completions`, [`Anthropic`] to those with Anthropic's `/v1/messages`.

mod anthropic;
mod connections;
mod embeddings;
mod events;
mod extractive;
mod http1;
pub mod marks;
mod openai;
mod request;
#[cfg(test)]
mod testing;

use std::time::Duration;

use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};

pub use anthropic::Anthropic;
pub use connections::Connections;
pub use embeddings::OpenAiEmbeddings;
pub use extractive::Extractive;
pub use openai::OpenAi;
pub use request::{Call, Passage, Quote, Request, Role, Step, Tool, Turn};

/// Where a provider is and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Up to and with the version: `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as the provider wants it, when there is one.
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
    /// The provider would not stop.
    #[error("the model's server sent more than was asked for")]
    Endless,
}

impl ModelError {
    /// Whether the same request may well succeed a moment later: the provider is busy or stumbled.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Status { status: 429 | 500..=599, .. })
    }
}

/// What a model used, as its provider counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of what it was given.
    pub input: u64,
    /// Tokens of what it wrote.
    pub output: u64,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// A tool that the model wants to be called, whole.
    Call(Call),
    /// What the answer has used; the provider's total so far.
    Usage(Usage),
}

/// The pieces of an answer, in order. The stream ends after the last, or with its first error.
pub type Answer = BoxStream<'static, Result<Piece, ModelError>>;

/// Something that answers questions from passages.
pub trait LanguageModel: Send + Sync {
    /// What the answer is recorded as coming from.
    fn name(&self) -> &str;

    /// Starts an answer: comes back when its first piece is there, so that the caller can turn to another model before a
    /// word has been shown.
    fn answer<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, ModelError>>;
}

/// A model's whole answer in words.
///
/// # Errors
/// As the model's stream.
pub async fn complete(model: &dyn LanguageModel, request: &Request) -> Result<(String, Usage), ModelError> {
    let (mut text, mut usage) = (String::new(), Usage::default());
    let mut pieces = model.answer(request).await?;
    while let Some(piece) = pieces.next().await {
        match piece? {
            Piece::Text(words) => text.push_str(&words),
            Piece::Usage(total) => usage = total,
            Piece::Call(_) => {}
        }
    }
    Ok((text, usage))
}
