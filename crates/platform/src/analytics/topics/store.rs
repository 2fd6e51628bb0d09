//! The tables of topics.

use ::store::{Read, Sql, Value, Write, sql};
use sqlx::FromRow;

use super::{
    changes::{Topic, Wording},
    known::Days,
};
use crate::{
    Error, Result, Tenant, TopicId,
    analytics::{Scope, period::monday},
};

/// Rows of one statement; SQLite binds 32,766 values in one at most.
const ROWS_AT_ONCE: usize = 1_000;

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

/// Adds to the numbers of days, and to those of their weeks.
pub(super) async fn add_days(db: &mut Write, tenant: &Tenant, days: &Days) -> Result<()> {
    let mut weeks = Days::new();
    for ((agent, topic, day), counts) in days {
        *weeks.entry((agent.clone(), topic.clone(), monday(*day))).or_default() += *counts;
    }
    add_counts(db, tenant, "INSERT INTO topic_days", days).await?;
    add_counts(db, tenant, "INSERT INTO topic_weeks", &weeks).await
}

async fn add_counts(db: &mut Write, tenant: &Tenant, insert: &'static str, counts: &Days) -> Result<()> {
    let rows: Vec<_> = counts.iter().collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut sql = Sql::new(insert).push(
            " AS kept (workspace_id, agent_id, topic_id, day, asked, answered, confidence_millionths) VALUES",
        );
        for ((agent, topic, day), counts) in rows {
            sql = sql.push_row([
                tenant.into(),
                agent.as_str().into(),
                topic.into(),
                day.to_string().into(),
                counts.asked.into(),
                counts.answered.into(),
                counts.confidence_millionths.into(),
            ]);
        }
        db.execute(sql.push(
            " ON CONFLICT (workspace_id, agent_id, topic_id, day) DO UPDATE
              SET asked = kept.asked + excluded.asked, answered = kept.answered + excluded.answered,
                  confidence_millionths = kept.confidence_millionths + excluded.confidence_millionths",
        ))
        .await?;
    }
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

/// A topic as subjects are made of it.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Placed {
    pub id: TopicId,
    pub middle: Vec<u8>,
    pub asked: i64,
    /// How it was asked for, most frequent first, one after the other by [`BETWEEN`].
    pub wordings: String,
}

/// Stands between wordings: the unit separator, which nobody types.
pub(super) const BETWEEN: char = '\u{1f}';

/// The topics that have a place. A row for each, not for each wording: a row costs more than what stands in it.
pub(super) async fn placed(db: &mut Read, tenant: &Tenant) -> Result<Vec<Placed>> {
    Ok(db
        .all(sql!(
            "SELECT id, middle, asked,
                    coalesce((SELECT string_agg(w.wording, '\u{1f}' ORDER BY w.asked DESC, w.closeness DESC, w.spelling)
                              FROM topic_wordings w WHERE w.workspace_id = $1 AND w.topic_id = t.id), '') AS wordings
             FROM topics t WHERE workspace_id = $1 AND middle IS NOT NULL ORDER BY id",
            tenant
        ))
        .await?)
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
    db.execute(of("DELETE FROM topic_weeks WHERE workspace_id = $1").and_in("topic_id", ids())).await?;
    db.execute(of("DELETE FROM topics WHERE workspace_id = $1").and_in("id", ids())).await?;
    Ok(())
}

/// Removes all topics.
pub(super) async fn clear(db: &mut Write, tenant: &Tenant) -> Result<()> {
    db.execute(sql!("DELETE FROM topic_days WHERE workspace_id = $1", tenant)).await?;
    db.execute(sql!("DELETE FROM topic_weeks WHERE workspace_id = $1", tenant)).await?;
    db.execute(sql!("DELETE FROM topics WHERE workspace_id = $1", tenant)).await?;
    Ok(())
}

/// How often a topic was asked for in a period.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The topic.
    pub id: TopicId,
    /// How often it was asked in the period.
    pub asked: i64,
    /// How often in the period before.
    pub before: i64,
}

/// Counts of one topic over a span, whose whole weeks are read as such: three ranges of days follow `$1` and `$2`.
macro_rules! asked {
    ($days:literal, $weeks:literal, $rest:literal) => {
        concat!(
            "coalesce((SELECT sum(asked) FROM topic_days WHERE workspace_id = $1 AND agent_id = $2 AND topic_id = t.id AND day BETWEEN ", $days, "), 0)
             + coalesce((SELECT sum(asked) FROM topic_weeks WHERE workspace_id = $1 AND agent_id = $2 AND topic_id = t.id AND day BETWEEN ", $weeks, "), 0)
             + coalesce((SELECT sum(asked) FROM topic_days WHERE workspace_id = $1 AND agent_id = $2 AND topic_id = t.id AND day BETWEEN ", $rest, "), 0)"
        )
    };
}

/// The topics of a period, most asked first. They come in one text, `id asked before` each: a row for each of
/// two thousand would have another thread woken for it.
pub(in crate::analytics) async fn ranked(
    db: &mut Read,
    tenant: &Tenant,
    scope: &Scope,
) -> Result<Vec<Ranked>> {
    let mut sql = Sql::new(concat!(
        "SELECT string_agg(q.id || ' ' || q.asked || ' ' || q.before, ' ') FROM (SELECT t.id, CAST(",
        asked!("$3 AND $4", "$5 AND $6", "$7 AND $8"),
        " AS BIGINT) AS asked, CAST(",
        asked!("$9 AND $10", "$11 AND $12", "$13 AND $14"),
        " AS BIGINT) AS before FROM topics t WHERE t.workspace_id = $1) q"
    ));
    sql = sql.bind(tenant).bind(scope.agent());
    for period in [scope.period, scope.period.before()] {
        for (first, last) in period.by_weeks() {
            sql = sql.bind(first.to_string()).bind(last.to_string());
        }
    }
    let (text,): (Option<String>,) = db.one(sql).await?;
    let words: Vec<&str> = text.as_deref().unwrap_or_default().split_whitespace().collect();
    let ranked = |[id, asked, before]: &[&str; 3]| -> Result<Ranked> {
        let number = |text: &str| text.parse().map_err(Error::internal);
        Ok(Ranked { id: id.parse()?, asked: number(asked)?, before: number(before)? })
    };
    let mut topics = words.as_chunks().0.iter().map(ranked).collect::<Result<Vec<_>>>()?;
    topics.retain(|topic| topic.asked > 0);
    topics.sort_by(|a, b| b.asked.cmp(&a.asked).then_with(|| a.id.cmp(&b.id)));
    Ok(topics)
}

/// What is told of a topic in a period.
#[derive(Clone, Debug, FromRow)]
pub struct Told {
    /// The topic.
    pub id: TopicId,
    /// Its most typical wording.
    pub wording: String,
    /// How often it was answered.
    pub answered: i64,
    /// The confidence of all answers together, in millionths.
    pub confidence_millionths: i64,
}

/// What is told of some topics in a period, in no order.
pub(in crate::analytics) async fn told(
    db: &mut Read,
    tenant: &Tenant,
    scope: &Scope,
    topics: impl Iterator<Item = &TopicId>,
) -> Result<Vec<Told>> {
    let sql = Sql::new(
        "SELECT d.topic_id AS id, CAST(sum(d.answered) AS BIGINT) AS answered,
                CAST(sum(d.confidence_millionths) AS BIGINT) AS confidence_millionths,
                coalesce((SELECT w.wording FROM topic_wordings w WHERE w.workspace_id = $1 AND w.topic_id = d.topic_id
                          ORDER BY w.asked DESC, w.closeness DESC, w.spelling LIMIT 1), '') AS wording
         FROM topic_days d WHERE d.workspace_id = $1 AND d.agent_id = $2 AND d.day BETWEEN $3 AND $4",
    );
    let period = scope.period;
    let sql =
        sql.bind(tenant).bind(scope.agent()).bind(period.first.to_string()).bind(period.last.to_string());
    Ok(db.all(sql.and_in("d.topic_id", topics.map(Value::from)).push(" GROUP BY d.topic_id")).await?)
}
