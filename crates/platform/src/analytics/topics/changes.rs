//! What a batch of questions changes.

use std::{collections::BTreeMap, ops::AddAssign};

use ::store::Write;
use chrono::{DateTime, Utc};

use super::{Question, known::Days, store};
use crate::{AgentId, Result, Tenant, TopicId, analytics::store::ALL, conversations::unanswered};

/// Topics that make room for others at once.
const PRUNED: i64 = 300;

/// A topic's numbers of one day, or of a week.
#[derive(Clone, Copy, Default)]
pub(super) struct Day {
    pub asked: i64,
    pub answered: i64,
    pub confidence_millionths: i64,
}

impl AddAssign for Day {
    fn add_assign(&mut self, other: Self) {
        self.asked += other.asked;
        self.answered += other.answered;
        self.confidence_millionths += other.confidence_millionths;
    }
}

/// What there is to add to a topic.
pub(super) struct Topic {
    pub asked: i64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// Where it lies now, when that has moved.
    pub middle: Option<Vec<u8>>,
}

/// How a topic was asked for.
pub(super) struct Wording {
    pub topic: TopicId,
    pub text: String,
    pub asked: i64,
    pub closeness: f64,
}

/// Whether a question's spelling is known.
pub(super) enum Spelt {
    /// It was asked so before.
    Before,
    /// It was not, and is kept.
    Anew {
        /// Cosine to the topic's middle.
        closeness: f64,
        /// Where that lies with it.
        middle: Option<Vec<u8>>,
    },
    /// It was not, and its topic has wordings enough.
    TooMany,
}

/// What a batch of questions changes.
#[derive(Default)]
pub(super) struct Changes {
    topics: BTreeMap<TopicId, Topic>,
    wordings: BTreeMap<String, Wording>,
    days: Days,
    unanswered: Vec<(AgentId, String, TopicId)>,
}

impl Changes {
    /// Counts a question for its topic.
    pub(super) fn count(&mut self, topic: TopicId, question: Question, spelt: Spelt) {
        let at = question.at;
        let changed = self.topics.entry(topic.clone());
        let changed = changed.or_insert(Topic { asked: 0, first: at, last: at, middle: None });
        changed.asked += 1;
        (changed.first, changed.last) = (changed.first.min(at), changed.last.max(at));
        for agent in [question.agent.as_str(), ALL] {
            let day = self.days.entry((agent.to_owned(), topic.clone(), question.day)).or_default();
            *day += Day {
                asked: 1,
                answered: i64::from(question.answered),
                confidence_millionths: question.confidence_millionths,
            };
        }
        if !matches!(spelt, Spelt::TooMany) {
            let fresh =
                || Wording { topic: topic.clone(), text: question.wording.clone(), asked: 0, closeness: 0.0 };
            let wording = self.wordings.entry(question.spelling).or_insert_with(fresh);
            wording.asked += 1;
            if let Spelt::Anew { closeness, middle } = spelt {
                wording.closeness = closeness;
                changed.middle = middle;
            }
        }
        if !question.answered {
            self.unanswered.push((question.agent, question.wording, topic));
        }
    }

    /// Writes all of it down.
    pub(super) async fn write(&self, db: &mut Write, tenant: &Tenant) -> Result<()> {
        for (id, topic) in &self.topics {
            store::add_topic(db, tenant, id, topic).await?;
        }
        for (spelling, wording) in &self.wordings {
            store::add_wording(db, tenant, spelling, wording).await?;
        }
        store::add_days(db, tenant, &self.days).await?;
        for (agent, question, topic) in &self.unanswered {
            if let Some(wording) = store::typical(db, tenant, topic).await? {
                unanswered::gather(db, tenant, (agent, question), (topic, &wording)).await?;
            }
        }
        Ok(())
    }
}

/// Removes topics that were asked for least.
pub(super) async fn prune(db: &mut Write, tenant: &Tenant) -> Result<()> {
    let topics = store::least_asked(db, tenant, PRUNED).await?;
    unanswered::leave_topics(db, tenant, &topics).await?;
    store::delete(db, tenant, &topics).await
}
