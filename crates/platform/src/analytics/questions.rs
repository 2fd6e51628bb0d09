//! What is asked: the questions asked most, those that are on the rise, and the subjects they fall into.

use std::collections::HashMap;

use retrieval::{Middle, Subject, Weighed};

use super::{
    store::Scope,
    topics::{self, Ranked},
};
use crate::{App, Error, Result, Tenant, TopicId};

/// Topics that subjects and trends are made of.
const LOOKED_AT: i64 = 300;
/// Subjects that are named; the rest is told together.
const SUBJECTS: usize = 10;
/// Questions asked less often are no trend.
const LEAST: i64 = 3;
/// A change by less than this share is none.
const STEADY: f64 = 0.1;

/// How often something is asked against the period before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// More.
    Up,
    /// Less.
    Down,
    /// As often.
    Stable,
}

impl Trend {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Stable => "stable",
        }
    }

    fn of(before: i64, now: i64) -> Self {
        let change = (now - before) as f64 / before.max(1) as f64;
        if change > STEADY {
            Self::Up
        } else if change < -STEADY {
            Self::Down
        } else {
            Self::Stable
        }
    }
}

/// A question as visitors ask it, in whichever words.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its topic.
    pub topic: TopicId,
    /// In its most typical wording.
    pub question: String,
    /// How often it was asked.
    pub count: i64,
    /// How often in the period before.
    pub before: i64,
    /// Whether that is more or less.
    pub trend: Trend,
    /// How sure the answers were on average, 0 to 1.
    pub avg_confidence: f64,
    /// The share of answers, 0 to 1.
    pub answer_rate: f64,
}

/// What is asked in a period.
#[derive(Clone, Debug)]
pub struct Questions {
    /// Asked most.
    pub top: Vec<Asking>,
    /// Asked more than before, the steepest first.
    pub trending: Vec<Asking>,
    /// What about, and how often; `None` for all that has no subject of its own.
    pub subjects: Vec<(Option<String>, i64)>,
}

/// What is asked in a period: at most `limit` questions of each kind.
///
/// # Errors
/// What the database says.
pub async fn questions(app: &App, tenant: &Tenant, scope: &Scope, limit: usize) -> Result<Questions> {
    topics::catch_up(app).await;
    let mut db = app.db.read().await?;
    let ranked = topics::ranked(&mut db, tenant, scope, LOOKED_AT).await?;
    let wordings = topics::wordings_of(&mut db, tenant, ranked.iter().map(|topic| &topic.id)).await?;
    drop(db);
    let weighing = tokio::task::spawn_blocking(move || weigh(&ranked, &wordings, limit));
    weighing.await.map_err(Error::internal)
}

fn weigh(ranked: &[Ranked], wordings: &[(TopicId, String)], limit: usize) -> Questions {
    let top = ranked.iter().take(limit).map(asking).collect();
    let mut rising: Vec<&Ranked> = ranked
        .iter()
        .filter(|topic| topic.asked >= LEAST && Trend::of(topic.before, topic.asked) == Trend::Up)
        .collect();
    rising.sort_by(|a, b| steepness(b).total_cmp(&steepness(a)));
    let trending = rising.into_iter().take(limit).map(asking).collect();
    Questions { top, trending, subjects: subjects(ranked, wordings) }
}

fn asking(topic: &Ranked) -> Asking {
    let asked = topic.asked.max(1) as f64;
    Asking {
        topic: topic.id.clone(),
        question: topic.wording.clone(),
        count: topic.asked,
        before: topic.before,
        trend: Trend::of(topic.before, topic.asked),
        avg_confidence: topic.confidence_millionths as f64 / 1e6 / asked,
        answer_rate: topic.answered as f64 / asked,
    }
}

/// Growth over what chance alone makes of it: counts of what comes at random vary by their root.
fn steepness(topic: &Ranked) -> f64 {
    (topic.asked - topic.before) as f64 / (topic.before.max(1) as f64).sqrt()
}

/// Subjects, most asked about first; the rest in the end.
fn subjects(ranked: &[Ranked], wordings: &[(TopicId, String)]) -> Vec<(Option<String>, i64)> {
    let mut worded: HashMap<&TopicId, Vec<&str>> = HashMap::new();
    for (topic, wording) in wordings {
        worded.entry(topic).or_default().push(wording);
    }
    let placed: Vec<(&Ranked, Vec<f32>)> = ranked
        .iter()
        .filter_map(|topic| Some((topic, Middle::decode(topic.middle.as_deref()?)?.unit())))
        .collect();
    let groups: Vec<Weighed<'_>> = placed
        .iter()
        .map(|(topic, vector)| {
            let wordings = worded.remove(&topic.id).unwrap_or_default();
            Weighed { wordings, vector, count: topic.asked }
        })
        .collect();
    let found = retrieval::subjects(&groups);
    let named = |subject: &Subject| (Some(subject.name.clone()), subject.count);
    let mut subjects: Vec<_> = found.iter().take(SUBJECTS).map(named).collect();
    let all: i64 = ranked.iter().map(|topic| topic.asked).sum();
    let rest = all - subjects.iter().map(|(_, count)| count).sum::<i64>();
    if rest > 0 {
        subjects.push((None, rest));
    }
    subjects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entropy;

    fn topic(wording: &str, asked: i64, before: i64) -> Ranked {
        let now = chrono::DateTime::UNIX_EPOCH;
        Ranked {
            id: TopicId::new(now, Entropy),
            wording: wording.into(),
            middle: None,
            asked,
            before,
            answered: asked / 2,
            confidence_millionths: asked * 500_000,
        }
    }

    #[test]
    fn what_grows_most_for_its_size_is_trending() {
        let ranked = [topic("a", 110, 105), topic("b", 60, 40), topic("c", 9, 0), topic("d", 2, 0)];
        let questions = weigh(&ranked, &[], 3);
        let names = |list: &[Asking]| list.iter().map(|asking| asking.question.clone()).collect::<String>();
        assert_eq!(names(&questions.top), "abc");
        assert_eq!(names(&questions.trending), "cb");
        assert_eq!(questions.subjects, [(None, 181)], "without vectors there are no subjects");
        assert_eq!((questions.top[0].trend, questions.top[1].trend), (Trend::Stable, Trend::Up));
        assert_eq!((questions.top[0].avg_confidence, questions.top[0].answer_rate), (0.5, 0.5));
        assert_eq!(Trend::of(10, 5), Trend::Down);
    }
}
