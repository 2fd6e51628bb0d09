//! An answer as a whole, for callers that do not stream.

use std::sync::Arc;

use super::{
    Live, Question, Source, admission, check,
    run::{self, Run},
};
use crate::{App, Error, ExecutionId, MessageId, Result, Tenant, billing::Credits, executions::Claim};

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The record of how it came about.
    pub execution_id: ExecutionId,
    /// Its id, to give feedback on.
    pub message_id: MessageId,
    /// What was said, in the form asked for; the fallback message when nothing was found.
    pub text: String,
    /// The passages that were used.
    pub sources: Vec<Source>,
    /// The answer's sentences, and the place that supports each.
    pub spans: Vec<Claim>,
    /// 0 to 1.
    pub confidence: f64,
    /// False when the fallback message was given.
    pub answered: bool,
    /// What made the answer.
    pub model: String,
    /// Whether the first model of the chain failed and another one stepped in.
    pub degraded: bool,
    /// What it cost.
    pub credits: Credits,
    /// Tokens that models were given and wrote, as their providers count.
    pub tokens: i64,
    /// From the question's arrival to the answer's end.
    pub milliseconds: i64,
}

impl From<Run> for Reply {
    fn from(run: Run) -> Self {
        let answered = run.answered();
        let execution = run.execution;
        Self {
            execution_id: execution.id,
            message_id: execution.message_id,
            text: execution.output,
            sources: run.sources,
            spans: execution.claims,
            confidence: execution.confidence,
            answered,
            model: execution.model,
            degraded: run.degraded,
            credits: execution.credits,
            tokens: execution.tokens_input + execution.tokens_output,
            milliseconds: execution.timings.total as i64,
        }
    }
}

/// Asks an agent and waits for the whole answer. It is made to its end and kept even when the caller goes away.
///
/// # Errors
/// Invalid when the question is empty or too long; payment when the workspace has too few credits; limited when the
/// month's messages are used; upstream when no answer could be made.
pub async fn reply(app: &App, tenant: &Tenant, question: Question) -> Result<Reply> {
    check(&question)?;
    let admission = admission::admit(app, tenant, &question).await?;
    let id = MessageId::new(app.clock.now(), app.entropy);
    let live = Arc::new(Live::new(id, tenant.clone(), question.thread.session.clone()));
    let (task_app, tenant) = (app.clone(), tenant.clone());
    let made =
        app.tasks.spawn(async move { run::answer(&task_app, &tenant, (&question, admission), &live).await });
    let run = made.await.map_err(Error::internal)?;
    Ok(run
        .map_err(|error| {
            tracing::error!(%error, "an answer failed");
            Error::upstream("No answer could be made. Please try again in a moment.")
        })?
        .into())
}
