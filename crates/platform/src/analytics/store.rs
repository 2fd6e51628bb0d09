//! The tables of the roll-ups; those of topics stand in [`super::topics`].

use std::collections::BTreeMap;

use ::store::{Read, Sql, Write, sql};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;

use super::{
    period::Period,
    tally::{Slot, Tally},
};
use crate::{AgentId, ConversationId, MessageId, Page, Paged, Result, Tenant};

/// Stands for all agents together, where reports would read too many rows otherwise.
pub(super) const ALL: &str = "";

/// Adds numbers to the hours and days that they belong to.
pub(super) async fn add(db: &mut Write, tenant: &Tenant, slots: &BTreeMap<Slot, Tally>) -> Result<()> {
    let mut days: BTreeMap<(NaiveDate, &AgentId, &'static str), Tally> = BTreeMap::new();
    let mut hours: BTreeMap<(&str, NaiveDate, u32), Tally> = BTreeMap::new();
    for (slot, tally) in slots {
        *days.entry((slot.day, &slot.agent, slot.channel)).or_default() += *tally;
        for agent in [slot.agent.as_str(), ALL] {
            *hours.entry((agent, slot.day, slot.hour)).or_default() += *tally;
        }
    }
    for (hour, tally) in hours {
        if tally.conversations != 0 || tally.exchanges != 0 {
            add_hour(db, tenant, hour, &tally).await?;
        }
    }
    for ((day, agent, channel), tally) in days {
        add_day(db, tenant, (day, agent, channel), &tally).await?;
    }
    Ok(())
}

async fn add_hour(
    db: &mut Write,
    tenant: &Tenant,
    (agent, day, hour): (&str, NaiveDate, u32),
    tally: &Tally,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO analytics_hours (workspace_id, agent_id, day, hour, conversations, exchanges)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace_id, agent_id, day, hour) DO UPDATE
         SET conversations = analytics_hours.conversations + excluded.conversations,
             exchanges = analytics_hours.exchanges + excluded.exchanges",
        tenant,
        agent,
        day.to_string(),
        i64::from(hour),
        tally.conversations,
        tally.exchanges
    ))
    .await?;
    Ok(())
}

async fn add_day(
    db: &mut Write,
    tenant: &Tenant,
    (day, agent, channel): (NaiveDate, &AgentId, &str),
    tally: &Tally,
) -> Result<()> {
    let add = sql!(
        "INSERT INTO analytics_days AS d (workspace_id, day, agent_id, channel, conversations, exchanges, answered,
             response_ms, confidence_millionths, thumbs_up, thumbs_down, escalations, leads, sittings, sitting_seconds)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (workspace_id, day, agent_id, channel) DO UPDATE
         SET conversations = d.conversations + excluded.conversations, exchanges = d.exchanges + excluded.exchanges,
             answered = d.answered + excluded.answered, response_ms = d.response_ms + excluded.response_ms,
             confidence_millionths = d.confidence_millionths + excluded.confidence_millionths,
             thumbs_up = d.thumbs_up + excluded.thumbs_up, thumbs_down = d.thumbs_down + excluded.thumbs_down,
             escalations = d.escalations + excluded.escalations, leads = d.leads + excluded.leads,
             sittings = d.sittings + excluded.sittings, sitting_seconds = d.sitting_seconds + excluded.sitting_seconds",
        tenant,
        day.to_string(),
        agent,
        channel
    );
    db.execute(tally.numbers().into_iter().fold(add, Sql::bind)).await?;
    Ok(())
}

/// The first day that anything is added up for.
pub(super) async fn first_day(db: &mut Read, tenant: &Tenant) -> Result<Option<String>> {
    let (day,) = db.one(sql!("SELECT min(day) FROM analytics_days WHERE workspace_id = $1", tenant)).await?;
    Ok(day)
}

/// Removes what was added up for a day and those after it.
pub(super) async fn clear_from(db: &mut Write, tenant: &Tenant, day: NaiveDate) -> Result<()> {
    let day = day.to_string();
    let days = sql!("DELETE FROM analytics_days WHERE workspace_id = $1 AND day >= $2", tenant, day.as_str());
    db.execute(days).await?;
    let hours =
        sql!("DELETE FROM analytics_hours WHERE workspace_id = $1 AND day >= $2", tenant, day.as_str());
    db.execute(hours).await?;
    Ok(())
}

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Which days.
    pub period: Period,
    /// Of one agent.
    pub agent: Option<AgentId>,
}

impl Scope {
    /// The agent, or what stands for all of them.
    pub(super) fn agent(&self) -> &str {
        self.agent.as_ref().map_or(ALL, AgentId::as_str)
    }
}

macro_rules! sums {
    ($group:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $group,
            "CAST(coalesce(sum(conversations), 0) AS BIGINT) AS conversations,
             CAST(coalesce(sum(exchanges), 0) AS BIGINT) AS exchanges,
             CAST(coalesce(sum(answered), 0) AS BIGINT) AS answered,
             CAST(coalesce(sum(response_ms), 0) AS BIGINT) AS response_ms,
             CAST(coalesce(sum(confidence_millionths), 0) AS BIGINT) AS confidence_millionths,
             CAST(coalesce(sum(thumbs_up), 0) AS BIGINT) AS thumbs_up,
             CAST(coalesce(sum(thumbs_down), 0) AS BIGINT) AS thumbs_down,
             CAST(coalesce(sum(escalations), 0) AS BIGINT) AS escalations,
             CAST(coalesce(sum(leads), 0) AS BIGINT) AS leads,
             CAST(coalesce(sum(sittings), 0) AS BIGINT) AS sittings,
             CAST(coalesce(sum(sitting_seconds), 0) AS BIGINT) AS sitting_seconds
             FROM analytics_days
             WHERE workspace_id = $1 AND day BETWEEN $2 AND $3 AND (CAST($4 AS TEXT) IS NULL OR agent_id = $4)",
            $rest
        )
    };
}

fn within(text: &'static str, tenant: &Tenant, scope: &Scope) -> Sql {
    let Period { first, last } = scope.period;
    let agent = scope.agent.as_ref().map(|agent| agent.as_str().to_owned());
    Sql::new(text).bind(tenant).bind(first.to_string()).bind(last.to_string()).bind(agent)
}

/// Numbers of one day, agent or channel.
#[derive(FromRow)]
pub(super) struct Part {
    pub name: String,
    #[sqlx(flatten)]
    pub tally: Tally,
}

/// All numbers together.
pub(super) async fn total(db: &mut Read, tenant: &Tenant, scope: &Scope) -> Result<Tally> {
    Ok(db.one(within(sums!("", ""), tenant, scope)).await?)
}

/// Numbers by day.
pub(super) async fn by_day(db: &mut Read, tenant: &Tenant, scope: &Scope) -> Result<Vec<Part>> {
    Ok(db.all(within(sums!("day AS name, ", " GROUP BY day ORDER BY day"), tenant, scope)).await?)
}

/// Numbers by agent.
pub(super) async fn by_agent(db: &mut Read, tenant: &Tenant, scope: &Scope) -> Result<Vec<Part>> {
    Ok(db
        .all(within(sums!("agent_id AS name, ", " GROUP BY agent_id ORDER BY agent_id"), tenant, scope))
        .await?)
}

/// Numbers by channel.
pub(super) async fn by_channel(db: &mut Read, tenant: &Tenant, scope: &Scope) -> Result<Vec<Part>> {
    Ok(db
        .all(within(sums!("channel AS name, ", " GROUP BY channel ORDER BY channel"), tenant, scope))
        .await?)
}

/// Conversations and exchanges by hour of the day.
pub(super) async fn by_hour(db: &mut Read, tenant: &Tenant, scope: &Scope) -> Result<Vec<(i64, i64, i64)>> {
    Ok(db
        .all(sql!(
            "SELECT hour, CAST(sum(conversations) AS BIGINT), CAST(sum(exchanges) AS BIGINT) FROM analytics_hours
             WHERE workspace_id = $1 AND agent_id = $2 AND day BETWEEN $3 AND $4 GROUP BY hour ORDER BY hour",
            tenant,
            scope.agent(),
            scope.period.first.to_string(),
            scope.period.last.to_string()
        ))
        .await?)
}

/// What a visitor thought of an answer.
#[derive(Clone, Debug, FromRow)]
pub struct Opinion {
    /// The answer.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Who gave it.
    pub agent_id: AgentId,
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// THUMBS_UP or THUMBS_DOWN.
    pub feedback: String,
    /// What the visitor said of it.
    pub comment: Option<String>,
    /// When the answer was given.
    pub created_at: DateTime<Utc>,
}

/// Opinions on answers given between two moments, latest first.
pub(super) async fn opinions(
    db: &mut Read,
    tenant: &Tenant,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    (agent, feedback): (Option<&AgentId>, Option<&str>),
    page: Page,
) -> Result<Paged<Opinion>> {
    let filtered = |text: &'static str| {
        Sql::new(text)
            .bind(tenant)
            .bind(from)
            .bind(to)
            .and("c.agent_id = ", agent)
            .and("m.feedback = ", feedback.map(str::to_owned))
    };
    let total = db
        .count(filtered(
            "SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
             WHERE m.workspace_id = $1 AND m.feedback IS NOT NULL AND c.channel <> 'test'
               AND m.created_at >= $2 AND m.created_at < $3",
        ))
        .await?;
    let list = filtered(
        "SELECT m.id AS message_id, m.conversation_id, c.agent_id, m.question, m.answer, m.feedback,
                m.feedback_comment AS comment, m.created_at
         FROM messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.workspace_id = $1 AND m.feedback IS NOT NULL AND c.channel <> 'test'
           AND m.created_at >= $2 AND m.created_at < $3",
    );
    let list = list.push(" ORDER BY m.id DESC").push_bind(" LIMIT ", page.limit);
    let items = db.all(list.push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}
