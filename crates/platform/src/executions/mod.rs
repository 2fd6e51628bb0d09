//! Executions: every run of an agent with what went in, what came out, and how, so that an answer can be explained,
//! and tried again against the present version.

mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use store::{insert, set_credits};

use crate::{
    AgentId, App, DocumentId, Error, ExecutionId, KeyId, MessageId, Page, Paged, Result, Tenant,
    billing::Credits, conversations::Channel,
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With the fallback message.
    Fallback,
    /// The visitor stopped it.
    Stopped,
    /// With an error.
    Failed,
}

impl Outcome {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Fallback => "fallback",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// A model that was to answer and did not, or not to the end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Attempt {
    /// The model.
    pub model: String,
    /// Why it did not.
    pub error: String,
}

/// A passage that was found.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Weighed {
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version.
    pub version: i64,
    /// The passage's place in it.
    pub chunk_index: i64,
    /// The document's title.
    pub title: String,
    /// Its fused score.
    pub score: f32,
    /// Cosine of question and passage.
    pub dense: Option<f32>,
    /// Share of the question that it holds.
    pub coverage: f32,
}

/// A tool that was called.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// What it was given.
    pub arguments: serde_json::Value,
    /// What came out.
    pub result: String,
    /// How long it took.
    pub milliseconds: f64,
}

/// A sentence of an answer and what supports it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Claim {
    /// First character in the answer.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
    /// Whether a passage says so.
    pub supported: bool,
    /// Where, when one does.
    pub citation: Option<Span>,
}

/// A place in a document, word for word.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Span {
    /// The number by which the answer cites the passage.
    pub passage: usize,
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version.
    pub version: i64,
    /// What it says.
    pub quote: String,
    /// Where that begins, in characters of the version's text.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
}

/// Milliseconds by stage.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Timings {
    /// Reading what was said before, and making the question stand alone.
    pub history: f64,
    /// Finding and weighing passages.
    pub retrieval: f64,
    /// From asking the model to its first word.
    pub first_token: f64,
    /// From asking the model to its last word.
    pub writing: f64,
    /// Holding the answer against the passages.
    pub grounding: f64,
    /// All of it, until it was kept.
    pub total: f64,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The run.
    pub id: ExecutionId,
    /// Who ran.
    pub agent_id: AgentId,
    /// The exchange that it made.
    pub message_id: MessageId,
    /// Where.
    pub channel: Channel,
    /// The agent's version.
    pub agent_version: String,
    /// What was asked.
    pub input: String,
    /// The question as it was looked up, when that is not the input.
    pub asked: Option<String>,
    /// What was answered, in the format asked for.
    pub output: String,
    /// text, markdown, json, html or csv.
    pub output_format: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why there is no answer.
    pub reason: Option<String>,
    /// How sure the answer is, 0 to 1.
    pub confidence: f64,
    /// What made the answer.
    pub model: String,
    /// Models that did not answer.
    pub attempts: Vec<Attempt>,
    /// What was found.
    pub passages: Vec<Weighed>,
    /// What was called.
    pub tool_calls: Vec<ToolCall>,
    /// What of the answer is supported.
    pub claims: Vec<Claim>,
    /// Tokens that models were given, as their providers count.
    pub tokens_input: i64,
    /// Tokens that they wrote.
    pub tokens_output: i64,
    /// How long it took.
    pub timings: Timings,
    /// The run that this one repeats.
    pub replay_of: Option<ExecutionId>,
    /// What it cost in credits.
    pub credits: Credits,
    /// What those are worth, in millionths of the tariff's currency.
    pub cost: i64,
    /// The key by which it was asked for, if it was one.
    pub key_id: Option<KeyId>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// An agent's runs, latest first.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list(app: &App, tenant: &Tenant, agent: &AgentId, page: Page) -> Result<Paged<Execution>> {
    crate::agents::get(app, tenant, agent).await?;
    store::list(&mut app.db.read().await?, tenant, agent, page).await
}

/// A run.
///
/// # Errors
/// Not found when the agent has no such run.
pub async fn get(app: &App, tenant: &Tenant, agent: &AgentId, id: &ExecutionId) -> Result<Execution> {
    let found = store::get(&mut app.db.read().await?, tenant, agent, id).await?;
    found.ok_or_else(|| Error::not_found("There is no such execution."))
}
