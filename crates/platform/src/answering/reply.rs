//! An answer as a whole, for callers that do not stream.

use super::{Frame, Question, Source, ask};
use std::sync::Arc;

use crate::{
    App, Error, MessageId, Result, Tenant,
    agents::{Agent, Published},
    conversations::{Channel, Thread},
};

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Its id.
    pub message_id: MessageId,
    /// Markdown with citations like `[1]`; the fallback message when nothing was found.
    pub text: String,
    /// The passages that were used.
    pub sources: Vec<Source>,
    /// 0 to 1.
    pub confidence: f64,
    /// False when the fallback message was given.
    pub answered: bool,
    /// What made the answer.
    pub model: String,
    /// Whether the configured model failed and the extractive one stepped in.
    pub degraded: bool,
}

/// Asks an agent's draft one question, in a conversation of its own, so that an earlier try does not colour it.
///
/// # Errors
/// Invalid as [`ask`], upstream when no answer could be made.
pub async fn try_draft(app: &App, tenant: &Tenant, agent: &Agent, text: String) -> Result<Reply> {
    let thread = Thread {
        agent: agent.id.clone(),
        channel: Channel::Test,
        session: app.entropy.token(),
        page_url: None,
    };
    let draft = Arc::new(Published {
        id: agent.id.clone(),
        name: agent.name.clone(),
        settings: agent.settings.clone(),
        version: format!("{} draft", agent.version()),
    });
    let live = ask(app, tenant, Question { agent: draft, thread, text })?;
    let mut reply = Reply {
        message_id: live.id().clone(),
        text: String::new(),
        sources: Vec::new(),
        confidence: 0.0,
        answered: false,
        model: String::new(),
        degraded: false,
    };
    for frame in live.whole().await {
        match frame {
            Frame::Start { .. } | Frame::Status { .. } => {}
            Frame::Token { content } => reply.text.push_str(&content),
            Frame::Sources { sources } => reply.sources = sources,
            Frame::Done { confidence, answered, model, degraded } => {
                reply = Reply { confidence, answered, model, degraded, ..reply };
            }
            Frame::Error { message, .. } => return Err(Error::upstream(message)),
        }
    }
    Ok(reply)
}
