//! What visitors said and were told, what they thought of it, what could not be answered, and who asked for a
//! person.

mod recorder;
mod store;
pub mod unanswered;

use chrono::TimeDelta;
use models::Turn;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use recorder::Entry;
pub(crate) use store::set_contact;
pub use store::{Escalation, Said};
pub use unanswered::Unanswered;

use crate::{
    AgentId, App, Error, EscalationId, MessageId, Page, Paged, Result, Tenant,
    billing::{Charge, Credits},
    contacts,
    events::{self, Fact},
    executions::Execution,
    identity::EmailAddress,
    visitors::Visit,
};

/// Earlier exchanges that are looked at.
const HISTORY: i64 = 40;
/// Exchanges that a visitor is shown again.
const SHOWN: i64 = 50;
/// Longest comment on an answer, and longest message to a person, in characters.
const MAX_TEXT: usize = 4_000;

/// A conversation in which nothing was said for so long has ended.
const SILENCE: TimeDelta = TimeDelta::minutes(30);
/// Conversations that are ended in one transaction.
const ENDED_AT_ONCE: i64 = 200;

/// Where a conversation takes place.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A visitor's widget.
    Widget,
    /// A client of the API that talks on somebody's behalf.
    Api,
    /// A single run by a client of the API.
    Execute,
    /// An agent's maker tries it out; not counted among the visitors'.
    Test,
}

impl Channel {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widget => "widget",
            Self::Api => "api",
            Self::Execute => "execute",
            Self::Test => "test",
        }
    }

    /// The channel that is stored as this.
    pub fn of(text: &str) -> Option<Self> {
        [Self::Widget, Self::Api, Self::Execute, Self::Test]
            .into_iter()
            .find(|channel| channel.as_str() == text)
    }

    /// Where feedback came from when that was not written down yet.
    pub(crate) fn widget() -> Self {
        Self::Widget
    }

    /// Whether what is said here counts among what visitors ask.
    pub fn is_visitors(self) -> bool {
        self != Self::Test
    }
}

/// The thread that a question belongs to.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Who is asked.
    pub agent: AgentId,
    /// Where.
    pub channel: Channel,
    /// The visitor's session, as their browser made it.
    pub session: String,
    /// The page they were on.
    pub page_url: Option<String>,
}

/// A question and what was answered.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its id.
    pub id: MessageId,
    /// What was asked.
    pub question: String,
    /// What was answered; the fallback message when nothing was found.
    pub answer: String,
    /// Whether it was answered.
    pub answered: bool,
    /// How sure the answer is, 0 to 1.
    pub confidence: f64,
    /// What made the answer.
    pub model: String,
    /// Whether the configured model failed and the extractive one stepped in.
    pub degraded: bool,
    /// The agent's version.
    pub agent_version: String,
    /// Where the answer comes from, as visitors see it.
    pub sources: Value,
    /// From the question's arrival to the answer's end.
    pub response_time_ms: i64,
    /// An action that waits for the visitor's word.
    pub pending: Option<Value>,
    /// What was known of the visitor who asked.
    pub visit: Visit,
}

/// What was said before in a thread, oldest first.
///
/// # Errors
/// What the database says.
pub async fn history(app: &App, tenant: &Tenant, thread: &Thread) -> Result<Vec<Turn>> {
    store::history(&mut app.db.read().await?, tenant, thread, HISTORY).await
}

/// What was said in a visitor's session, oldest first: at most the latest 50 exchanges.
///
/// # Errors
/// What the database says.
pub async fn said(app: &App, tenant: &Tenant, agent: &AgentId, session: &str) -> Result<Vec<Said>> {
    store::said(&mut app.db.read().await?, tenant, (agent, session), SHOWN).await
}

/// Keeps an exchange with its run and what that costs, and the question among the unanswered when it was not answered,
/// in one transaction. Gives what was charged.
///
/// # Errors
/// What the database says.
pub async fn record(
    app: &App,
    tenant: &Tenant,
    thread: &Thread,
    exchange: Exchange,
    (execution, charge): (Execution, Option<Charge>),
) -> Result<Credits> {
    let entry = Entry { tenant: tenant.clone(), thread: thread.clone(), exchange, execution, charge };
    app.recorder.submit(app, entry).await
}

/// Takes the action that waits for the visitor's word in a thread; it waits no longer.
pub(crate) async fn take_pending(app: &App, tenant: &Tenant, thread: &Thread) -> Result<Option<Value>> {
    // Most conversations have none, and reading does not hold up the one writer.
    if !store::has_pending(&mut app.db.read().await?, tenant, thread).await? {
        return Ok(None);
    }
    let mut db = app.db.write().await?;
    let pending = store::hold_pending(&mut db, tenant, thread).await?;
    store::set_pending(&mut db, tenant, thread, None).await?;
    db.commit().await?;
    Ok(pending)
}

/// Ends the conversations in which nothing was said for half an hour; gives how many those of visitors were.
///
/// # Errors
/// What the database says.
pub async fn end_silent(app: &App) -> Result<usize> {
    let mut ended = 0;
    loop {
        let now = app.clock.now();
        let mut db = app.db.write().await?;
        let rows = store::end_silent(&mut db, now - SILENCE, ENDED_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(ended);
        }
        let facts = rows.into_iter().map(store::Ended::fact).collect::<Result<Vec<_>>>()?;
        let facts: Vec<_> = facts.into_iter().flatten().collect();
        events::record_all(app, &mut db, facts.iter().map(|(tenant, fact)| (tenant, fact))).await?;
        db.commit().await?;
        ended += facts.len();
    }
}

/// What a visitor thought of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// It helped.
    ThumbsUp,
    /// It did not.
    ThumbsDown,
}

impl Feedback {
    /// As the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThumbsUp => "THUMBS_UP",
            Self::ThumbsDown => "THUMBS_DOWN",
        }
    }
}

/// Keeps what a visitor thought of an answer; a later opinion replaces an earlier one.
///
/// # Errors
/// Not found when the workspace gave no such answer.
pub async fn give_feedback(
    app: &App,
    tenant: &Tenant,
    message: &MessageId,
    feedback: Feedback,
    comment: Option<String>,
) -> Result<()> {
    check_length("comment", comment.as_deref().unwrap_or_default())?;
    let mut db = app.db.write().await?;
    let judged = store::judged(&mut db, tenant, message).await?;
    let judged = judged.ok_or_else(|| Error::not_found("There is no such message."))?;
    store::set_feedback(&mut db, tenant, message, feedback, comment.clone()).await?;
    let about = store::about(&mut db, tenant, &judged.conversation_id).await?;
    let channel = about.channel()?;
    if channel.is_visitors() {
        let fact = Fact::FeedbackSubmitted {
            message: message.clone(),
            conversation: judged.conversation_id,
            agent: about.agent_id,
            channel,
            feedback: feedback.as_str().to_owned(),
            former: judged.feedback,
            answered_at: Some(judged.created_at),
            comment,
        };
        events::record(app, &mut db, tenant, &fact).await?;
    }
    Ok(db.commit().await?)
}

/// A visitor's wish to talk to a person.
pub struct Wish {
    /// Which agent they talked to.
    pub agent: AgentId,
    /// Their session.
    pub session: String,
    /// Where to reach them.
    pub email: EmailAddress,
    /// What about.
    pub message: String,
}

/// Keeps a visitor's wish to talk to a person, who becomes a contact of the agent's.
///
/// # Errors
/// Invalid when the message is empty or too long.
pub async fn escalate(app: &App, tenant: &Tenant, wish: Wish) -> Result<EscalationId> {
    check_length("message", &wish.message)?;
    let now = app.clock.now();
    let id = EscalationId::new(now, app.entropy);
    let mut db = app.db.write().await?;
    store::insert_escalation(&mut db, tenant, &id, &wish, now).await?;
    let told = contacts::Told::address(wish.email.clone());
    let contact = contacts::met(app, &mut db, tenant, (&wish.agent, &wish.session), told).await?;
    let thread = Thread {
        agent: wish.agent.clone(),
        channel: Channel::Widget,
        session: wish.session.clone(),
        page_url: None,
    };
    set_contact(&mut db, tenant, &thread, &contact.id).await?;
    let fact = Fact::EscalationRequested {
        escalation: id.clone(),
        agent: wish.agent,
        session: wish.session,
        email: wish.email.as_str().to_owned(),
        message: wish.message,
    };
    events::record(app, &mut db, tenant, &fact).await?;
    db.commit().await?;
    Ok(id)
}

fn check_length(field: &'static str, text: &str) -> Result<()> {
    if text.chars().count() <= MAX_TEXT {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{field} has at most {MAX_TEXT} characters.")))
}

/// Visitors who asked for a person, latest first.
///
/// # Errors
/// What the database says.
pub async fn escalations(app: &App, tenant: &Tenant, page: Page) -> Result<Paged<Escalation>> {
    store::escalations(&mut app.db.read().await?, tenant, page).await
}
