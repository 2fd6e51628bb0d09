//! Questions that could not be answered: kept by spelling in the transaction of the answer, put together by meaning
//! as their topics become known, and open until somebody resolves them.

use std::collections::BTreeSet;

use ::store::{Read, Write};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::store::unanswered as store;
use crate::{
    Actor, AgentId, App, ConversationId, DocumentId, Error, Page, Paged, Result, Tenant, TopicId,
    UnansweredId,
    audit::{self, Event},
    digest,
};

/// Bytes of the longest question that is a key by itself; PostgreSQL indexes no more than some 2,700.
const LONGEST_KEY: usize = 1_000;

/// A question that could not be answered.
#[derive(Clone, Debug, FromRow)]
pub struct Unanswered {
    /// The question.
    pub id: UnansweredId,
    /// Who was asked.
    pub agent_id: AgentId,
    /// The questions of its meaning; none before that is known.
    pub topic_id: Option<TopicId>,
    /// In its most typical wording.
    pub question: String,
    /// How often.
    pub occurrences: i64,
    /// First.
    pub first_seen: DateTime<Utc>,
    /// Last.
    pub last_seen: DateTime<Utc>,
    /// OPEN or RESOLVED.
    pub status: String,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// What was done about it.
    #[sqlx(json(nullable))]
    pub remedy: Option<Remedy>,
}

/// Whether something is left to do about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody has answered it.
    Open,
    /// Somebody has seen to it.
    Resolved,
}

impl Status {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Resolved => "RESOLVED",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "OPEN" => Ok(Self::Open),
            "RESOLVED" => Ok(Self::Resolved),
            _ => Err(Error::invalid("status", "status is OPEN or RESOLVED.")),
        }
    }
}

/// Which questions are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Open or resolved ones.
    pub status: Option<Status>,
    /// Of one agent.
    pub agent: Option<AgentId>,
}

/// An answer that somebody wrote to an unanswered question, and how it fared.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Remedy {
    /// The document that it became.
    pub document_id: DocumentId,
    /// The answer.
    pub answer: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Whether it is sent to those who asked, once the agent knows it.
    pub notify: bool,
    /// What the agent said when it was asked again; none before.
    pub test: Option<Test>,
    /// How many were sent the answer.
    #[serde(default)]
    pub told: i64,
}

/// What an agent said when it was asked again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Test {
    /// Whether it answers now, and from what was written.
    pub passed: bool,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// What it said, or why it could not be asked.
    pub reply: String,
    /// When.
    pub tested_at: DateTime<Utc>,
}

/// Somebody who asked and whose address is known.
#[derive(Clone, Debug, FromRow)]
pub struct Asker {
    /// Where they asked.
    pub conversation_id: ConversationId,
    /// Their address.
    pub email: String,
    /// When they were sent the answer.
    pub told_at: Option<DateTime<Utc>>,
}

/// A question as it is told from others by spelling: lower case, words and digits only; a long one by its SHA-256.
pub fn spelling(question: &str) -> String {
    let lower = question.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let folded = words.collect::<Vec<_>>().join(" ");
    if folded.len() > LONGEST_KEY { digest::sha256(folded) } else { folded }
}

/// A workspace's unanswered questions, most asked first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, filter: &Filter, page: Page) -> Result<Paged<Unanswered>> {
    store::list(&mut app.db.read().await?, tenant, filter, page).await
}

/// An unanswered question.
///
/// # Errors
/// Not found.
pub async fn get(app: &App, tenant: &Tenant, id: &UnansweredId) -> Result<Unanswered> {
    store::get(&mut app.db.read().await?, tenant, id).await?.ok_or_else(missing)
}

/// How many were resolved since a moment.
///
/// # Errors
/// What the database says.
pub async fn resolved_since(app: &App, tenant: &Tenant, since: DateTime<Utc>) -> Result<i64> {
    store::resolved_since(&mut app.db.read().await?, tenant, since).await
}

/// Resolves a question, or opens it again.
///
/// # Errors
/// Not found.
pub async fn set_status(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &UnansweredId,
    status: Status,
) -> Result<()> {
    let mut db = app.db.write().await?;
    store::get(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let action = match status {
        Status::Open => "unanswered.reopened",
        Status::Resolved => "unanswered.resolved",
    };
    let resolved = (status == Status::Resolved).then(|| (app.clock.now(), by.id()));
    store::set_status(&mut db, tenant, id, status, resolved).await?;
    audit::record(app, &mut db, tenant, by, Event::new(action, id.as_str())).await?;
    Ok(db.commit().await?)
}

/// Writes down what was done about a question, and resolves it when that has helped.
///
/// # Errors
/// Not found.
pub(crate) async fn remedied(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
    remedy: &Remedy,
) -> Result<()> {
    store::get(db, tenant, id).await?.ok_or_else(missing)?;
    store::set_remedy(db, tenant, id, remedy).await?;
    if remedy.test.as_ref().is_some_and(|test| test.passed) {
        let resolved = Some((app.clock.now(), remedy.document_id.as_str()));
        store::set_status(db, tenant, id, Status::Resolved, resolved).await?;
    }
    Ok(())
}

/// Those who asked a question and whose address is known, each address once, and who has been told.
///
/// # Errors
/// What the database says.
pub(crate) async fn askers(db: &mut Read, tenant: &Tenant, id: &UnansweredId) -> Result<Vec<Asker>> {
    let mut askers = store::askers(db, tenant, id).await?;
    // Who asked again in another conversation has been told when each of these says so.
    askers.sort_by(|a, b| a.email.cmp(&b.email).then_with(|| a.told_at.cmp(&b.told_at)));
    askers.dedup_by(|later, first| later.email == first.email);
    Ok(askers)
}

/// The addresses of those who asked and have not been told; from now on they have.
pub(crate) async fn tell(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    id: &UnansweredId,
) -> Result<Vec<String>> {
    let told = store::set_told(db, tenant, id, app.clock.now()).await?;
    let askers = store::askers(db, tenant, id).await?;
    let told = askers.into_iter().filter(|asker| told.contains(&asker.conversation_id));
    let addresses: BTreeSet<String> = told.map(|asker| asker.email).collect();
    Ok(addresses.into_iter().collect())
}

/// Puts a question that could not be answered with those of its topic that the same agent could not answer either: the
/// oldest takes over how often the others were asked, and by whom, under the topic's most typical wording.
pub(crate) async fn gather(
    db: &mut Write,
    tenant: &Tenant,
    (agent, question): (&AgentId, &str),
    (topic, wording): (&TopicId, &str),
) -> Result<()> {
    if store::set_topic(db, tenant, (agent, &spelling(question)), topic).await?.is_none() {
        return Ok(());
    }
    let mut questions = store::of_topic(db, tenant, agent, topic).await?.into_iter();
    let Some(mut first) = questions.next() else { return Ok(()) };
    for other in questions {
        first.occurrences += other.occurrences;
        first.first_seen = first.first_seen.min(other.first_seen);
        first.last_seen = first.last_seen.max(other.last_seen);
        if other.status == Status::Open.as_str() {
            first.status = other.status;
        }
        store::absorb(db, tenant, &other.id, &first.id).await?;
    }
    store::update_merged(db, tenant, &first, wording).await
}

/// Questions belong to these topics no longer.
pub(crate) async fn leave_topics(db: &mut Write, tenant: &Tenant, topics: &[TopicId]) -> Result<()> {
    store::leave_topics(db, tenant, topics).await
}

fn missing() -> Error {
    Error::not_found("There is no such unanswered question.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_known_by_its_words() {
        assert_eq!(spelling("Do you ship  to NORWAY?!"), "do you ship to norway");
        assert_eq!(spelling(&"long ".repeat(400)).len(), 64, "a long one by its hash");
        assert_ne!(spelling(&"long ".repeat(400)), spelling(&"long ".repeat(401)));
    }
}
