//! The tables of conversations, messages and escalations; those of unanswered questions stand in [`unanswered`].

pub(super) mod unanswered;

use chrono::{DateTime, Utc};
use models::{Role, Turn};
use sqlx::FromRow;
use store::{ROWS, Read, Sql, Write, sql};

use super::{Channel, Exchange, Feedback, Thread, Wish};
use crate::{
    AgentId, ContactId, ConversationId, Error, EscalationId, MessageId, Page, Paged, Result, Tenant,
    WorkspaceId, events::Fact,
};

/// A visitor who asked for a person.
#[derive(Clone, Debug, FromRow)]
pub struct Escalation {
    /// The request.
    pub id: EscalationId,
    /// Who they talked to.
    pub agent_id: AgentId,
    /// Where to reach them.
    pub email: String,
    /// What about.
    pub message: String,
    /// OPEN.
    pub status: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

pub(super) async fn history(
    db: &mut Read,
    tenant: &Tenant,
    thread: &Thread,
    limit: i64,
) -> Result<Vec<Turn>> {
    let rows: Vec<(String, String)> = db
        .all(sql!(
            "SELECT m.question, m.answer FROM messages m JOIN conversations c ON c.id = m.conversation_id
             WHERE c.workspace_id = $1 AND c.agent_id = $2 AND c.channel = $3 AND c.session_id = $4
             ORDER BY m.id DESC LIMIT $5",
            tenant,
            &thread.agent,
            thread.channel.as_str(),
            thread.session.as_str(),
            limit
        ))
        .await?;
    let turn = |role, text| Turn { role, text };
    Ok(rows.into_iter().rev().flat_map(|(q, a)| [turn(Role::Visitor, q), turn(Role::Agent, a)]).collect())
}

/// The thread's conversation, made when this is its first message; and whether it is.
pub(super) async fn touch(
    db: &mut Write,
    tenant: &Tenant,
    fresh: &ConversationId,
    thread: &Thread,
    now: DateTime<Utc>,
) -> Result<(ConversationId, bool)> {
    let (id, messages): (ConversationId, i64) = db
        .one(sql!(
            "INSERT INTO conversations (id, workspace_id, agent_id, channel, session_id, page_url, message_count, started_at, last_message_at)
             VALUES ($1, $2, $3, $4, $5, $6, 2, $7, $8)
             ON CONFLICT (agent_id, channel, session_id) DO UPDATE
             SET message_count = conversations.message_count + 2, last_message_at = excluded.last_message_at, ended_at = NULL,
                 sitting_since = CASE WHEN conversations.ended_at IS NULL THEN conversations.sitting_since
                                      ELSE excluded.last_message_at END
             RETURNING id, message_count",
            fresh,
            tenant,
            &thread.agent,
            thread.channel.as_str(),
            thread.session.as_str(),
            thread.page_url.clone(),
            now,
            now
        ))
        .await?;
    Ok((id, messages == 2))
}

/// Writes messages down, each with its conversation.
pub(super) async fn insert_messages(
    db: &mut Write,
    messages: &[(&Tenant, &ConversationId, &Exchange)],
    now: DateTime<Utc>,
) -> Result<()> {
    for messages in messages.chunks(ROWS) {
        let mut insert = Sql::new(
            "INSERT INTO messages (id, workspace_id, conversation_id, question, answer, answered, confidence, model,
                 degraded, agent_version, sources, response_time_ms, created_at, files) VALUES",
        );
        for (tenant, conversation, e) in messages {
            insert = insert.push_row([
                (&e.id).into(),
                (*tenant).into(),
                (*conversation).into(),
                e.question.as_str().into(),
                e.answer.as_str().into(),
                e.answered.into(),
                e.confidence.into(),
                e.model.as_str().into(),
                e.degraded.into(),
                e.agent_version.as_str().into(),
                e.sources.clone().into(),
                e.response_time_ms.into(),
                now.into(),
                files(e)?.into(),
            ]);
        }
        db.execute(insert).await?;
    }
    Ok(())
}

fn files(exchange: &Exchange) -> Result<Option<serde_json::Value>> {
    let files = Some(&exchange.visit.files).filter(|files| !files.is_empty());
    Ok(files.map(serde_json::to_value).transpose()?)
}

/// An exchange as its visitor sees it again.
#[derive(Clone, Debug, FromRow)]
pub struct Said {
    /// Its id.
    pub id: MessageId,
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// False when the fallback message was given.
    pub answered: bool,
    /// Where the answer comes from.
    pub sources: serde_json::Value,
    /// THUMBS_UP or THUMBS_DOWN.
    pub feedback: Option<String>,
    /// The files that came with the question.
    pub files: Option<serde_json::Value>,
    /// When.
    pub created_at: DateTime<Utc>,
}

pub(super) async fn said(
    db: &mut Read,
    tenant: &Tenant,
    (agent, session): (&AgentId, &str),
    limit: i64,
) -> Result<Vec<Said>> {
    let mut said: Vec<Said> = db
        .all(sql!(
            "SELECT m.id, m.question, m.answer, m.answered, m.sources, m.feedback, m.files, m.created_at
             FROM messages m JOIN conversations c ON c.id = m.conversation_id
             WHERE c.workspace_id = $1 AND c.agent_id = $2 AND c.channel = 'widget' AND c.session_id = $3
             ORDER BY m.id DESC LIMIT $4",
            tenant,
            agent,
            session,
            limit
        ))
        .await?;
    said.reverse();
    Ok(said)
}

/// Whether an action waits for the visitor's word.
pub(super) async fn has_pending(db: &mut Read, tenant: &Tenant, thread: &Thread) -> Result<bool> {
    let count = sql!(
        "SELECT count(*) FROM conversations
         WHERE workspace_id = $1 AND agent_id = $2 AND channel = $3 AND session_id = $4 AND pending IS NOT NULL",
        tenant,
        &thread.agent,
        thread.channel.as_str(),
        thread.session.as_str()
    );
    Ok(db.count(count).await? > 0)
}

/// The action that waits, held until the transaction ends: of two who take it one gets it.
pub(super) async fn hold_pending(
    db: &mut Write,
    tenant: &Tenant,
    thread: &Thread,
) -> Result<Option<serde_json::Value>> {
    let row: Option<(Option<serde_json::Value>,)> = db
        .optional(sql!(
            "UPDATE conversations SET pending = pending
             WHERE workspace_id = $1 AND agent_id = $2 AND channel = $3 AND session_id = $4
             RETURNING pending",
            tenant,
            &thread.agent,
            thread.channel.as_str(),
            thread.session.as_str()
        ))
        .await?;
    Ok(row.and_then(|(pending,)| pending).filter(|pending| !pending.is_null()))
}

pub(super) async fn set_pending(
    db: &mut Write,
    tenant: &Tenant,
    thread: &Thread,
    pending: Option<serde_json::Value>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE conversations SET pending = $5
         WHERE workspace_id = $1 AND agent_id = $2 AND channel = $3 AND session_id = $4",
        tenant,
        &thread.agent,
        thread.channel.as_str(),
        thread.session.as_str(),
        pending
    ))
    .await?;
    Ok(())
}

/// Notes who a visitor turned out to be.
pub(crate) async fn set_contact(
    db: &mut Write,
    tenant: &Tenant,
    thread: &Thread,
    contact: &ContactId,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE conversations SET contact_id = $5
         WHERE workspace_id = $1 AND agent_id = $2 AND channel = $3 AND session_id = $4",
        tenant,
        &thread.agent,
        thread.channel.as_str(),
        thread.session.as_str(),
        contact
    ))
    .await?;
    Ok(())
}

/// An answer that somebody has an opinion on.
#[derive(FromRow)]
pub(super) struct Judged {
    pub conversation_id: ConversationId,
    pub feedback: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// The answer as it is judged so far, held until the transaction ends so that opinions follow one another.
pub(super) async fn judged(db: &mut Write, tenant: &Tenant, message: &MessageId) -> Result<Option<Judged>> {
    let held = db.optional(sql!(
        "UPDATE messages SET feedback = feedback WHERE workspace_id = $1 AND id = $2
         RETURNING conversation_id, feedback, created_at",
        tenant,
        message
    ));
    Ok(held.await?)
}

pub(super) async fn set_feedback(
    db: &mut Write,
    tenant: &Tenant,
    message: &MessageId,
    feedback: Feedback,
    comment: Option<String>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE messages SET feedback = $3, feedback_comment = coalesce($4, feedback_comment)
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        message,
        feedback.as_str(),
        comment
    ))
    .await?;
    Ok(())
}

/// Whom a conversation is with, and where.
#[derive(FromRow)]
pub(super) struct About {
    id: ConversationId,
    pub agent_id: AgentId,
    channel: String,
}

impl About {
    pub fn channel(&self) -> Result<Channel> {
        channel(&self.id, &self.channel)
    }
}

fn channel(id: &ConversationId, text: &str) -> Result<Channel> {
    let odd = || Error::internal(format!("conversations.channel of {id} holds {text:?}"));
    Channel::of(text).ok_or_else(odd)
}

pub(super) async fn about(db: &mut Read, tenant: &Tenant, id: &ConversationId) -> Result<About> {
    Ok(db
        .one(sql!(
            "SELECT id, agent_id, channel FROM conversations WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

/// A conversation that has just ended.
#[derive(FromRow)]
pub(super) struct Ended {
    id: ConversationId,
    workspace_id: WorkspaceId,
    agent_id: AgentId,
    channel: String,
    message_count: i64,
    started_at: DateTime<Utc>,
    last_message_at: DateTime<Utc>,
    sitting_since: Option<DateTime<Utc>>,
}

impl Ended {
    /// What is told of it; nothing when it was no visitor's.
    pub fn fact(self) -> Result<Option<(Tenant, Fact)>> {
        let channel = channel(&self.id, &self.channel)?;
        let fact = Fact::ConversationEnded {
            conversation: self.id,
            agent: self.agent_id,
            channel,
            message_count: self.message_count,
            started_at: self.started_at,
            duration_seconds: (self.last_message_at - self.sitting_since.unwrap_or(self.started_at))
                .num_seconds(),
        };
        Ok(channel.is_visitors().then(|| (Tenant::new(self.workspace_id), fact)))
    }
}

/// Ends conversations of all workspaces in which nothing was said since a moment, oldest first.
pub(super) async fn end_silent(db: &mut Write, since: DateTime<Utc>, limit: i64) -> Result<Vec<Ended>> {
    Ok(db
        .all(sql!(
            "UPDATE conversations SET ended_at = last_message_at
             WHERE ended_at IS NULL AND last_message_at <= $1 AND id IN
                 (SELECT id FROM conversations WHERE ended_at IS NULL AND last_message_at <= $1
                  ORDER BY last_message_at LIMIT $2)
             RETURNING id, workspace_id, agent_id, channel, message_count, started_at, last_message_at, sitting_since",
            since,
            limit
        ))
        .await?)
}

pub(super) async fn insert_escalation(
    db: &mut Write,
    tenant: &Tenant,
    id: &EscalationId,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO escalations (id, workspace_id, agent_id, session_id, email, message, status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'OPEN', $7)",
        id,
        tenant,
        &wish.agent,
        wish.session.as_str(),
        wish.email.as_str(),
        wish.message.as_str(),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn escalations(db: &mut Read, tenant: &Tenant, page: Page) -> Result<Paged<Escalation>> {
    let total = db.count(sql!("SELECT count(*) FROM escalations WHERE workspace_id = $1", tenant)).await?;
    let items = db
        .all(sql!(
            "SELECT id, agent_id, email, message, status, created_at FROM escalations
             WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3",
            tenant,
            page.limit,
            page.offset
        ))
        .await?;
    Ok(Paged { items, total, page })
}
