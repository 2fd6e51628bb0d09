//! What is known of a workspace's topics, and which of them a question joins.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::store::Read;
use chrono::NaiveDate;
use retrieval::{Groups, Middle};

use super::{
    Question,
    changes::{Changes, Day, Spelt},
    store,
};
use crate::{App, Result, Tenant, TopicId};

/// Topics of one workspace. Those asked least make room.
const MOST: usize = 2_000;
/// Wordings of one topic that are kept. After that its middle stays where it is.
const WORDINGS: i64 = 20;

/// The topics of one workspace.
#[derive(Default)]
pub(super) struct Known {
    oldest: Option<TopicId>,
    groups: Groups<TopicId>,
    middles: HashMap<TopicId, Middle>,
    /// How many wordings are kept of each.
    wordings: HashMap<TopicId, i64>,
    /// Topics by spelling, of the wordings that are kept and were looked up.
    spelt: HashMap<String, TopicId>,
}

impl Known {
    pub(super) async fn read(db: &mut Read, tenant: &Tenant) -> Result<Self> {
        let mut known = Self { oldest: store::oldest(db, tenant).await?, ..Self::default() };
        for (id, middle, wordings) in store::middles(db, tenant).await? {
            if let Some(middle) = Middle::decode(&middle) {
                known.groups.set(id.clone(), &middle);
                known.middles.insert(id.clone(), middle);
                known.wordings.insert(id, wordings);
            }
        }
        Ok(known)
    }

    /// Whether these are the workspace's topics still, and were not made anew on another server.
    pub(super) async fn is_right(&self, db: &mut Read, tenant: &Tenant) -> Result<bool> {
        Ok(store::oldest(db, tenant).await? == self.oldest)
    }

    /// Whether some topics must make room.
    pub(super) fn is_full(&self) -> bool {
        self.groups.len() > MOST
    }

    /// Finds the topics of spellings that have been asked before.
    pub(super) async fn look_up(
        &mut self,
        db: &mut Read,
        tenant: &Tenant,
        questions: &[Question],
    ) -> Result<()> {
        let spellings: HashSet<&str> = questions.iter().map(|question| question.spelling.as_str()).collect();
        self.spelt = store::spelt(db, tenant, spellings).await?.into_iter().collect();
        Ok(())
    }

    /// The wordings whose spelling is new, by it.
    pub(super) fn unknown(&self, questions: &[Question]) -> BTreeMap<String, String> {
        let unknown = questions.iter().filter(|question| !self.spelt.contains_key(&question.spelling));
        unknown.map(|question| (question.spelling.clone(), question.wording.clone())).collect()
    }

    /// Finds each question's topic, or makes one; `vectors` are those of [`Known::unknown`], by spelling.
    pub(super) fn assign(
        &mut self,
        app: &App,
        questions: Vec<Question>,
        vectors: &HashMap<String, Vec<f32>>,
    ) -> Changes {
        let mut changes = Changes::default();
        for question in questions {
            if let Some(topic) = self.spelt.get(&question.spelling) {
                changes.count(topic.clone(), question, Spelt::Before);
                continue;
            }
            let (topic, closeness) = self.nearest(app, &question, vectors.get(&question.spelling));
            if self.oldest.as_ref().is_none_or(|oldest| topic < *oldest) {
                self.oldest = Some(topic.clone());
            }
            let kept = self.wordings.entry(topic.clone()).or_default();
            if *kept >= WORDINGS {
                changes.count(topic, question, Spelt::TooMany);
                continue;
            }
            *kept += 1;
            self.spelt.insert(question.spelling.clone(), topic.clone());
            let middle = vectors.get(&question.spelling).map(|vector| self.moved(&topic, vector));
            changes.count(topic, question, Spelt::Anew { closeness, middle });
        }
        changes
    }

    /// The topic that means the same, or a new one; and how close a question is to its middle.
    fn nearest(&self, app: &App, question: &Question, vector: Option<&Vec<f32>>) -> (TopicId, f64) {
        let nearest = vector.and_then(|vector| self.groups.nearest(vector));
        match nearest {
            Some((topic, cosine)) => (topic.clone(), f64::from(cosine)),
            None => (TopicId::new(question.at, app.entropy), 1.0),
        }
    }

    /// A topic's middle with another wording, as it is stored.
    fn moved(&mut self, topic: &TopicId, vector: &[f32]) -> Vec<u8> {
        let middle = self.middles.entry(topic.clone()).and_modify(|middle| middle.add(vector));
        let middle = middle.or_insert_with(|| Middle::of(vector));
        self.groups.set(topic.clone(), middle);
        middle.encode()
    }
}

/// Days by agent, topic and day.
pub(super) type Days = BTreeMap<(String, TopicId, NaiveDate), Day>;
