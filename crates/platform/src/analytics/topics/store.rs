//! The tables of topics.

use ::store::{Read, Sql, Value, Write, sql};
use sqlx::FromRow;

use super::changes::{Day, Topic, Wording};
use crate::{Result, Tenant, TopicId, analytics::Scope};

/// Where the topics lie that have a place, and how many wordings are kept of each, oldest first.
pub(super) async fn middles(db: &mut Read, tenant: &Tenant) -> Result<Vec<(TopicId, Vec<u8>, i64)>> {
    Ok(db
        .all(sql!(
            "SELECT id, middle, (SELECT count(*) FROM topic_wordings w WHERE w.topic_id = t.id AND w.workspace_id = $1)
             FROM topics t WHERE workspace_id = $1 AND middle IS NOT NULL ORDER BY first_asked, id",
            tenant
        ))
        .await?)
}

/// The oldest topic. There is another when all were made anew.
pub(super) async fn oldest(db: &mut Read, tenant: &Tenant) -> Result<Option<TopicId>> {
    let (oldest,) = db.one(sql!("SELECT min(id) FROM topics WHERE workspace_id = $1", tenant)).await?;
    Ok(oldest)
}

/// The topics of spellings that are known.
pub(super) async fn spelt(
    db: &mut Read,
    tenant: &Tenant,
    spellings: impl IntoIterator<Item = &str>,
) -> Result<Vec<(String, TopicId)>> {
    let known =
        Sql::new("SELECT spelling, topic_id FROM topic_wordings WHERE workspace_id = $1").bind(tenant);
    Ok(db.all(known.and_in("spelling", spellings)).await?)
}

pub(super) async fn add_topic(db: &mut Write, tenant: &Tenant, id: &TopicId, topic: &Topic) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO topics (id, workspace_id, middle, asked, first_asked, last_asked) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
         SET middle = coalesce(excluded.middle, topics.middle), asked = topics.asked + excluded.asked,
             last_asked = excluded.last_asked
         WHERE topics.workspace_id = excluded.workspace_id",
        id,
        tenant,
        Value::from(topic.middle.clone()),
        topic.asked,
        topic.first,
        topic.last
    ))
    .await?;
    Ok(())
}

/// Counts a wording.
pub(super) async fn add_wording(
    db: &mut Write,
    tenant: &Tenant,
    spelling: &str,
    wording: &Wording,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO topic_wordings (workspace_id, spelling, topic_id, wording, asked, closeness)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace_id, spelling) DO UPDATE SET asked = topic_wordings.asked + excluded.asked",
        tenant,
        spelling,
        &wording.topic,
        wording.text.as_str(),
        wording.asked,
        wording.closeness
    ))
    .await?;
    Ok(())
}

pub(super) async fn add_day(
    db: &mut Write,
    tenant: &Tenant,
    (agent, topic, day): &(String, TopicId, String),
    counts: &Day,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO topic_days (workspace_id, agent_id, topic_id, day, asked, answered, confidence_millionths)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (workspace_id, agent_id, topic_id, day) DO UPDATE
         SET asked = topic_days.asked + excluded.asked, answered = topic_days.answered + excluded.answered,
             confidence_millionths = topic_days.confidence_millionths + excluded.confidence_millionths",
        tenant,
        agent.as_str(),
        topic,
        day.as_str(),
        counts.asked,
        counts.answered,
        counts.confidence_millionths
    ))
    .await?;
    Ok(())
}

/// A topic's most typical wording: asked most, and of these the closest to its middle.
pub(super) async fn typical(db: &mut Read, tenant: &Tenant, topic: &TopicId) -> Result<Option<String>> {
    let found = db.optional(sql!(
        "SELECT wording FROM topic_wordings WHERE workspace_id = $1 AND topic_id = $2
         ORDER BY asked DESC, closeness DESC, spelling LIMIT 1",
        tenant,
        topic
    ));
    Ok(found.await?.map(|(wording,)| wording))
}

/// How a topic was asked for, most frequent first.
pub(in crate::analytics) async fn wordings(
    db: &mut Read,
    tenant: &Tenant,
    topic: &TopicId,
) -> Result<Vec<(String, i64)>> {
    Ok(db
        .all(sql!(
            "SELECT wording, asked FROM topic_wordings WHERE workspace_id = $1 AND topic_id = $2
             ORDER BY asked DESC, closeness DESC, spelling",
            tenant,
            topic
        ))
        .await?)
}

/// How some topics were asked for, each most frequent first.
pub(in crate::analytics) async fn wordings_of(
    db: &mut Read,
    tenant: &Tenant,
    topics: impl Iterator<Item = &TopicId>,
) -> Result<Vec<(TopicId, String)>> {
    let of = Sql::new("SELECT topic_id, wording FROM topic_wordings WHERE workspace_id = $1").bind(tenant);
    let of = of.and_in("topic_id", topics.map(Value::from));
    Ok(db.all(of.push(" ORDER BY topic_id, asked DESC, closeness DESC, spelling")).await?)
}

/// Topics that were asked for least, and longest ago.
pub(super) async fn least_asked(db: &mut Read, tenant: &Tenant, limit: i64) -> Result<Vec<TopicId>> {
    let rows: Vec<(TopicId,)> = db
        .all(sql!(
            "SELECT id FROM topics WHERE workspace_id = $1 ORDER BY asked, last_asked, id LIMIT $2",
            tenant,
            limit
        ))
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant, topics: &[TopicId]) -> Result<()> {
    let of = |text: &'static str| Sql::new(text).bind(tenant);
    let ids = || topics.iter().map(Value::from);
    db.execute(of("DELETE FROM topic_days WHERE workspace_id = $1").and_in("topic_id", ids())).await?;
    db.execute(of("DELETE FROM topics WHERE workspace_id = $1").and_in("id", ids())).await?;
    Ok(())
}

/// Removes all topics.
pub(super) async fn clear(db: &mut Write, tenant: &Tenant) -> Result<()> {
    db.execute(sql!("DELETE FROM topic_days WHERE workspace_id = $1", tenant)).await?;
    db.execute(sql!("DELETE FROM topics WHERE workspace_id = $1", tenant)).await?;
    Ok(())
}

/// A topic with its numbers of a period.
#[derive(Clone, Debug, FromRow)]
pub struct Ranked {
    /// The topic.
    pub id: TopicId,
    /// Its most typical wording.
    pub wording: String,
    /// Where it lies, when that is known.
    pub middle: Option<Vec<u8>>,
    /// How often it was asked in the period.
    pub asked: i64,
    /// How often in the period before.
    pub before: i64,
    /// How often it was answered.
    pub answered: i64,
    /// The confidence of all answers together, in millionths.
    pub confidence_millionths: i64,
}

/// The topics of a period, most asked first.
pub(in crate::analytics) async fn ranked(
    db: &mut Read,
    tenant: &Tenant,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<Ranked>> {
    Ok(db
        .all(sql!(
            "SELECT q.id, q.asked, q.before, q.answered, q.confidence_millionths,
                    (SELECT t.middle FROM topics t WHERE t.workspace_id = $1 AND t.id = q.id) AS middle,
                    (SELECT w.wording FROM topic_wordings w WHERE w.workspace_id = $1 AND w.topic_id = q.id
                     ORDER BY w.asked DESC, w.closeness DESC, w.spelling LIMIT 1) AS wording
             FROM (SELECT t.id,
                          CAST(sum(CASE WHEN d.day >= $3 THEN d.asked ELSE 0 END) AS BIGINT) AS asked,
                          CAST(sum(CASE WHEN d.day < $3 THEN d.asked ELSE 0 END) AS BIGINT) AS before,
                          CAST(sum(CASE WHEN d.day >= $3 THEN d.answered ELSE 0 END) AS BIGINT) AS answered,
                          CAST(sum(CASE WHEN d.day >= $3 THEN d.confidence_millionths ELSE 0 END) AS BIGINT) AS confidence_millionths
                   FROM topics t
                   JOIN topic_days d ON d.workspace_id = $1 AND d.agent_id = $5 AND d.topic_id = t.id AND d.day BETWEEN $2 AND $4
                   WHERE t.workspace_id = $1
                   GROUP BY t.id
                   HAVING sum(CASE WHEN d.day >= $3 THEN d.asked ELSE 0 END) > 0
                   ORDER BY asked DESC, t.id LIMIT $6) q
             ORDER BY q.asked DESC, q.id",
            tenant,
            scope.period.before().first.to_string(),
            scope.period.first.to_string(),
            scope.period.last.to_string(),
            scope.agent(),
            limit
        ))
        .await?)
}
