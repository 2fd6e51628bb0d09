//! The answer path: from a question to a streamed answer with checked sources, or to an honest "I do not know".
//!
//! [`run`] reads as that sentence; each of its steps is a module.

mod admission;
mod attached;
mod breaker;
mod chain;
mod citations;
mod completing;
mod confidence;
mod evidence;
mod follow_up;
mod frame;
mod grounding;
mod instructions;
mod live;
mod memory;
mod output;
mod policy;
mod privacy;
mod reply;
mod run;
mod sources;
mod tools;
mod writing;

use std::{panic::AssertUnwindSafe, sync::Arc};

use admission::Admission;
pub use breaker::Breakers;
pub(crate) use completing::complete;
pub use frame::{Frame, Source};
use futures_util::FutureExt;
pub use live::{Live, LiveAnswers};
pub use output::Format;
pub use reply::{Reply, reply};
use run::Run;

use crate::{
    App, Error, ExecutionId, KeyId, MessageId, Result, Tenant,
    agents::{Agent, Published},
    conversations::{Channel, Thread},
    visitors::Visit,
};

/// Longest question, in characters.
pub const MAX_QUESTION: usize = 4_000;

/// A question to an agent.
#[derive(Clone)]
pub struct Question {
    /// Who is asked, in the version that answers.
    pub agent: Arc<Published>,
    /// The conversation it belongs to.
    pub thread: Thread,
    /// What is asked.
    pub text: String,
    /// Another model than the agent's first choice.
    pub model: Option<String>,
    /// What the answer is to be written in.
    pub format: Format,
    /// The run that this one repeats.
    pub replay_of: Option<ExecutionId>,
    /// The key by which it is asked, if it is one.
    pub key: Option<KeyId>,
    /// What is known of the visitor who asks.
    pub visit: Visit,
}

impl Question {
    /// A question as most are: of the agent's own model, in Markdown.
    pub fn new(agent: Arc<Published>, thread: Thread, text: String) -> Self {
        Self {
            agent,
            thread,
            text,
            model: None,
            format: Format::default(),
            replay_of: None,
            key: None,
            visit: Visit::default(),
        }
    }

    /// A question to an agent's draft, in a conversation of its own, so that an earlier try does not colour it.
    pub fn to_draft(app: &App, agent: &Agent, text: String) -> Self {
        let thread = Thread {
            agent: agent.id.clone(),
            channel: Channel::Test,
            session: app.entropy.token(),
            page_url: None,
        };
        let draft = Published {
            id: agent.id.clone(),
            name: agent.name.clone(),
            settings: agent.settings.clone(),
            version: format!("{} draft", agent.version()),
        };
        Self::new(Arc::new(draft), thread, text)
    }
}

fn check(question: &Question) -> Result<()> {
    let text = question.text.trim();
    if text.is_empty() {
        return Err(Error::invalid("message", "message is empty. Ask something."));
    }
    if text.chars().count() > MAX_QUESTION {
        return Err(Error::invalid("message", format!("message has at most {MAX_QUESTION} characters.")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("message", "message holds control characters."));
    }
    Ok(())
}

/// Starts an answer, if the workspace may have one. It is made in a task of its own, so that it is made to its end and kept even when the
/// visitor leaves; what it says is read from the [`Live`] that comes back.
///
/// # Errors
/// Invalid when the question is empty, too long or no text; limited when the month's messages are used.
pub async fn ask(app: &App, tenant: &Tenant, question: Question) -> Result<Arc<Live>> {
    check(&question)?;
    let admission = admission::admit(app, tenant, &question).await?;
    let id = MessageId::new(app.clock.now(), app.entropy);
    let (session, request) = (question.thread.session.clone(), question.visit.request.clone());
    let (live, is_new) = app.live.open(id, tenant.clone(), session, request);
    if !is_new {
        return Ok(live);
    }
    app.tasks.spawn(stream(app.clone(), tenant.clone(), (question, admission), live.clone()));
    Ok(live)
}

/// The task of an answer.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function keeps the pair beside its halves, and tasks are many"
)]
fn stream(
    app: App,
    tenant: Tenant,
    (question, admission): (Question, Admission),
    live: Arc<Live>,
) -> impl Future<Output = ()> + Send {
    async move {
        live.push(Frame::Start { message_id: live.id().clone() });
        // Whoever waits is told the end of it even when it comes by a mistake of this program.
        let run = AssertUnwindSafe(run::answer(&app, &tenant, (&question, admission), &live)).catch_unwind();
        let run = run.await.unwrap_or_else(|_| Err(Error::internal("an answer panicked; see the log above")));
        live.finish(last(run, &live));
        app.live.retire(&live);
    }
}

/// The last frame of an answer.
fn last(run: Result<Run>, live: &Live) -> Frame {
    match run {
        Ok(run) => {
            metrics::histogram!("frontdesk_answer_seconds").record(run.execution.timings.total / 1_000.0);
            Frame::Done {
                confidence: run.execution.confidence,
                answered: run.answered(),
                degraded: run.degraded,
                stopped: live.is_stopped(),
                contact: run.execution.model == run::PERSON,
                model: run.execution.model,
            }
        }
        Err(error) => {
            tracing::error!(message = %live.id(), %error, "an answer failed");
            metrics::counter!("frontdesk_answers_failed_total").increment(1);
            let message = "Sorry, something went wrong on our side. Please try again in a moment.";
            Frame::Error { code: error.code, message: message.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what a function with four parameters gives.
    fn size<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_an_answer_is_small() {
        // Thousands of them may be open at once.
        assert!(size(stream) <= 5 * 1024, "{} bytes", size(stream));
    }
}
