//! The tables of questions that could not be answered, and of who asked them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Sql, Value, Write, sql};

use crate::{
    AgentId, ConversationId, Page, Paged, Result, Tenant, TopicId, UnansweredId,
    conversations::unanswered::{Asker, Filter, Remedy, Status, Unanswered},
};

/// Counts a question once more, which opens it again; gives it.
pub(in crate::conversations) async fn count(
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    agent: &AgentId,
    (question, key): (&str, &str),
    now: DateTime<Utc>,
) -> Result<UnansweredId> {
    let (id,) = db
        .one(sql!(
            "INSERT INTO unanswered_questions (id, workspace_id, agent_id, question, question_key, occurrences, status, first_seen, last_seen)
             VALUES ($1, $2, $3, $4, $5, 1, 'OPEN', $6, $7)
             ON CONFLICT (workspace_id, agent_id, question_key) DO UPDATE
             SET occurrences = unanswered_questions.occurrences + 1, last_seen = excluded.last_seen, status = 'OPEN',
                 resolved_at = NULL, resolved_by = NULL
             RETURNING id",
            id,
            tenant,
            agent,
            question,
            key,
            now,
            now
        ))
        .await?;
    Ok(id)
}

/// Notes that it was asked in a conversation; whoever asks again has not been told since.
pub(in crate::conversations) async fn asked_in(
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    conversation: &ConversationId,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO unanswered_askers (workspace_id, unanswered_id, conversation_id) VALUES ($1, $2, $3)
         ON CONFLICT (unanswered_id, conversation_id) DO UPDATE SET told_at = NULL",
        tenant,
        id,
        conversation
    ))
    .await?;
    Ok(())
}

const COLUMNS: &str =
    "SELECT id, agent_id, topic_id, question, occurrences, first_seen, last_seen, status, resolved_at, remedy
     FROM unanswered_questions WHERE workspace_id = ";

fn filtered(start: &'static str, tenant: &Tenant, filter: &Filter) -> Sql {
    Sql::new("")
        .push_bind(start, tenant)
        .and("status = ", filter.status.map(Status::as_str))
        .and("agent_id = ", filter.agent.as_ref())
}

pub(in crate::conversations) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    filter: &Filter,
    page: Page,
) -> Result<Paged<Unanswered>> {
    let count = "SELECT count(*) FROM unanswered_questions WHERE workspace_id = ";
    let total = db.count(filtered(count, tenant, filter)).await?;
    let list = filtered(COLUMNS, tenant, filter).push(" ORDER BY occurrences DESC, last_seen DESC, id DESC");
    let items = db.all(list.push_bind(" LIMIT ", page.limit).push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}

pub(in crate::conversations) async fn get(
    db: &mut Read,
    tenant: &Tenant,
    id: &UnansweredId,
) -> Result<Option<Unanswered>> {
    Ok(db
        .optional(sql!(
            "SELECT id, agent_id, topic_id, question, occurrences, first_seen, last_seen, status, resolved_at, remedy
             FROM unanswered_questions WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

/// Questions that were resolved since a moment and are so still.
pub(in crate::conversations) async fn resolved_since(
    db: &mut Read,
    tenant: &Tenant,
    since: DateTime<Utc>,
) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT count(*) FROM unanswered_questions
             WHERE workspace_id = $1 AND status = 'RESOLVED' AND resolved_at >= $2",
            tenant,
            since
        ))
        .await?)
}

pub(in crate::conversations) async fn set_status(
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    status: Status,
    resolved: Option<(DateTime<Utc>, &str)>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE unanswered_questions SET status = $3, resolved_at = $4, resolved_by = $5
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        status.as_str(),
        resolved.map(|(at, _)| at),
        resolved.map(|(_, by)| by.to_owned())
    ))
    .await?;
    Ok(())
}

pub(in crate::conversations) async fn set_remedy(
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    remedy: &Remedy,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE unanswered_questions SET remedy = $3 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        serde_json::to_value(remedy)?
    ))
    .await?;
    Ok(())
}

/// Those who asked and whose address is known; of whoever asked in several conversations, each of these.
pub(in crate::conversations) async fn askers(
    db: &mut Read,
    tenant: &Tenant,
    id: &UnansweredId,
) -> Result<Vec<Asker>> {
    Ok(db
        .all(sql!(
            "SELECT a.conversation_id, k.primary_email AS email, a.told_at
             FROM unanswered_askers a
             JOIN conversations c ON c.id = a.conversation_id
             JOIN contacts k ON k.id = c.contact_id AND k.workspace_id = $1
             WHERE a.workspace_id = $1 AND a.unanswered_id = $2 AND k.archived_at IS NULL
             ORDER BY a.conversation_id",
            tenant,
            id
        ))
        .await?)
}

/// Notes that those have been told who have not yet and whose address is known; gives where they asked.
pub(in crate::conversations) async fn set_told(
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    now: DateTime<Utc>,
) -> Result<Vec<ConversationId>> {
    let rows: Vec<(ConversationId,)> = db
        .all(sql!(
            "UPDATE unanswered_askers SET told_at = $3
             WHERE workspace_id = $1 AND unanswered_id = $2 AND told_at IS NULL AND conversation_id IN
                 (SELECT c.id FROM conversations c JOIN contacts k ON k.id = c.contact_id
                  WHERE c.workspace_id = $1 AND k.workspace_id = $1 AND k.archived_at IS NULL)
             RETURNING conversation_id",
            tenant,
            id,
            now
        ))
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Says which topic a question belongs to; gives the question, when it is kept among the unanswered.
pub(in crate::conversations) async fn set_topic(
    db: &mut Write,
    tenant: &Tenant,
    (agent, key): (&AgentId, &str),
    topic: &TopicId,
) -> Result<Option<UnansweredId>> {
    let row: Option<(UnansweredId,)> = db
        .optional(sql!(
            "UPDATE unanswered_questions SET topic_id = $4
             WHERE workspace_id = $1 AND agent_id = $2 AND question_key = $3 RETURNING id",
            tenant,
            agent,
            key,
            topic
        ))
        .await?;
    Ok(row.map(|(id,)| id))
}

/// A question of an agent's that belongs to a topic.
#[derive(FromRow)]
pub(in crate::conversations) struct OfTopic {
    pub id: UnansweredId,
    pub occurrences: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub status: String,
}

/// An agent's questions of one topic, oldest first.
pub(in crate::conversations) async fn of_topic(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    topic: &TopicId,
) -> Result<Vec<OfTopic>> {
    Ok(db
        .all(sql!(
            "SELECT id, occurrences, first_seen, last_seen, status FROM unanswered_questions
             WHERE workspace_id = $1 AND agent_id = $2 AND topic_id = $3 ORDER BY id",
            tenant,
            agent,
            topic
        ))
        .await?)
}

/// Puts a question's numbers in place, and its most typical wording.
pub(in crate::conversations) async fn update_merged(
    db: &mut Write,
    tenant: &Tenant,
    merged: &OfTopic,
    wording: &str,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE unanswered_questions SET occurrences = $3, first_seen = $4, last_seen = $5, status = $6, question = $7,
             resolved_at = CASE WHEN $6 = 'OPEN' THEN NULL ELSE resolved_at END
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &merged.id,
        merged.occurrences,
        merged.first_seen,
        merged.last_seen,
        merged.status.as_str(),
        wording
    ))
    .await?;
    Ok(())
}

/// Makes those who asked one question askers of another, and removes the first.
pub(in crate::conversations) async fn absorb(
    db: &mut Write,
    tenant: &Tenant,
    from: &UnansweredId,
    into: &UnansweredId,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO unanswered_askers (workspace_id, unanswered_id, conversation_id, told_at)
         SELECT workspace_id, $3, conversation_id, told_at FROM unanswered_askers
         WHERE workspace_id = $1 AND unanswered_id = $2
         ON CONFLICT (unanswered_id, conversation_id) DO NOTHING",
        tenant,
        from,
        into
    ))
    .await?;
    let gone = sql!("DELETE FROM unanswered_questions WHERE workspace_id = $1 AND id = $2", tenant, from);
    db.execute(gone).await?;
    Ok(())
}

/// Questions belong to these topics no longer.
pub(in crate::conversations) async fn leave_topics(
    db: &mut Write,
    tenant: &Tenant,
    topics: &[TopicId],
) -> Result<()> {
    let leave =
        Sql::new("UPDATE unanswered_questions SET topic_id = NULL WHERE workspace_id = $1").bind(tenant);
    db.execute(leave.and_in("topic_id", topics.iter().map(Value::from))).await?;
    Ok(())
}
