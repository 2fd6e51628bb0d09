//! What is asked: the questions asked most, those that are on the rise, and the subjects they fall into.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{
    store::Scope,
    topics::{self, Ranked, Told},
};
use crate::{App, Result, Tenant, TopicId};

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
    let ranked = topics::ranked(&mut db, tenant, scope).await?;
    let top: Vec<&Ranked> = ranked.iter().take(limit).collect();
    let trending = rising(&ranked, limit);
    let shown = top.iter().chain(&trending).map(|topic| &topic.id);
    let told = topics::told(&mut db, tenant, scope, shown).await?;
    drop(db);
    let told: HashMap<&TopicId, &Told> = told.iter().map(|told| (&told.id, told)).collect();
    let asking = |topics: Vec<&Ranked>| -> Vec<Asking> {
        topics.into_iter().filter_map(|topic| Some(Asking::of(topic, told.get(&topic.id)?))).collect()
    };
    let (top, trending) = (asking(top), asking(trending));
    let names = topics::subjects(app, tenant).await?;
    Ok(Questions { top, trending, subjects: subjects(&ranked, &names) })
}

impl Asking {
    fn of(topic: &Ranked, told: &Told) -> Self {
        let asked = topic.asked.max(1) as f64;
        Self {
            topic: topic.id.clone(),
            question: told.wording.clone(),
            count: topic.asked,
            before: topic.before,
            trend: Trend::of(topic.before, topic.asked),
            avg_confidence: told.confidence_millionths as f64 / 1e6 / asked,
            answer_rate: told.answered as f64 / asked,
        }
    }
}

/// What grows most for its size, steepest first.
fn rising(ranked: &[Ranked], limit: usize) -> Vec<&Ranked> {
    let mut rising: Vec<&Ranked> = ranked
        .iter()
        .filter(|topic| topic.asked >= LEAST && Trend::of(topic.before, topic.asked) == Trend::Up)
        .collect();
    rising.sort_by(|a, b| steepness(b).total_cmp(&steepness(a)));
    rising.truncate(limit);
    rising
}

/// Growth over what chance alone makes of it: counts of what comes at random vary by their root.
fn steepness(topic: &Ranked) -> f64 {
    (topic.asked - topic.before) as f64 / (topic.before.max(1) as f64).sqrt()
}

/// Subjects, most asked about first; the rest in the end.
fn subjects(ranked: &[Ranked], names: &HashMap<TopicId, String>) -> Vec<(Option<String>, i64)> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for topic in ranked {
        if let Some(name) = names.get(&topic.id) {
            *counts.entry(name).or_default() += topic.asked;
        }
    }
    let mut counts: Vec<(&str, i64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts.truncate(SUBJECTS);
    let mut subjects: Vec<_> =
        counts.into_iter().map(|(name, count)| (Some(name.to_owned()), count)).collect();
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

    fn topic(asked: i64, before: i64) -> Ranked {
        Ranked { id: TopicId::new(chrono::DateTime::UNIX_EPOCH, Entropy), asked, before }
    }

    #[test]
    fn what_grows_most_for_its_size_is_trending() {
        let ranked = [topic(110, 105), topic(60, 40), topic(9, 0), topic(2, 0)];
        let rising: Vec<i64> = rising(&ranked, 3).into_iter().map(|topic| topic.asked).collect();
        assert_eq!(rising, [9, 60]);
        assert_eq!(Trend::of(10, 5), Trend::Down);
    }

    #[test]
    fn what_has_no_subject_is_told_in_the_end() {
        let ranked = [topic(110, 105), topic(60, 40), topic(9, 0), topic(2, 0)];
        assert_eq!(subjects(&ranked, &HashMap::new()), [(None, 181)]);
        let named = |n: usize, name: &str| (ranked[n].id.clone(), name.to_owned());
        let names = [named(0, "Parcels"), named(1, "Returns"), named(2, "Returns")].into();
        let expected = [(Some("Parcels".into()), 110), (Some("Returns".into()), 69), (None, 2)];
        assert_eq!(subjects(&ranked, &names), expected);
    }

    #[test]
    fn shares_are_of_what_was_asked() {
        let topic = topic(4, 0);
        let told =
            Told { id: topic.id.clone(), wording: "a".into(), answered: 3, confidence_millionths: 2_000_000 };
        let asking = Asking::of(&topic, &told);
        assert_eq!((asking.avg_confidence, asking.answer_rate, asking.trend), (0.5, 0.75, Trend::Up));
    }
}
