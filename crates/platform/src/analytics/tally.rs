//! What events count for: where each is added, and what it adds.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use sqlx::FromRow;

use crate::{
    AgentId,
    conversations::{Channel, Feedback},
    events::{Event, Fact},
};

/// Numbers that are added up. Integers throughout, so that their sum does not depend on how it was gathered.
#[derive(Clone, Copy, Debug, Default, FromRow, PartialEq, Eq)]
pub struct Tally {
    /// Conversations that began.
    pub conversations: i64,
    /// Questions with their answers.
    pub exchanges: i64,
    /// Of these, answered ones.
    pub answered: i64,
    /// Milliseconds that all answers took together.
    pub response_ms: i64,
    /// The confidence of all answers together, in millionths.
    pub confidence_millionths: i64,
    /// Answers of which visitors think well.
    pub thumbs_up: i64,
    /// Answers of which they do not.
    pub thumbs_down: i64,
    /// Visitors who asked for a person.
    pub escalations: i64,
    /// Visitors who left a way to reach them.
    pub leads: i64,
    /// Conversations that fell silent.
    pub sittings: i64,
    /// Seconds from their first to their last message, together.
    pub sitting_seconds: i64,
}

impl Tally {
    /// Each number, in the order of the tables' columns.
    pub(super) fn numbers(&self) -> [i64; 11] {
        [
            self.conversations,
            self.exchanges,
            self.answered,
            self.response_ms,
            self.confidence_millionths,
            self.thumbs_up,
            self.thumbs_down,
            self.escalations,
            self.leads,
            self.sittings,
            self.sitting_seconds,
        ]
    }

    /// Questions and answers, each counted.
    pub fn messages(&self) -> i64 {
        2 * self.exchanges
    }

    /// How long an answer took, in milliseconds on average.
    pub fn avg_response_ms(&self) -> i64 {
        self.response_ms.checked_div(self.exchanges).unwrap_or(0)
    }

    /// How long a conversation lasted, in seconds on average.
    pub fn avg_duration_seconds(&self) -> i64 {
        self.sitting_seconds.checked_div(self.sittings).unwrap_or(0)
    }

    /// The share of questions that were answered.
    pub fn answer_rate(&self) -> Option<f64> {
        share(self.answered, self.exchanges)
    }

    /// What visitors think, from 1 (nobody is content) to 5; none when nobody said.
    pub fn satisfaction(&self) -> Option<f64> {
        let content = share(self.thumbs_up, self.thumbs_up + self.thumbs_down)?;
        Some(((1.0 + 4.0 * content) * 10.0).round() / 10.0)
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.exchanges += other.exchanges;
        self.answered += other.answered;
        self.response_ms += other.response_ms;
        self.confidence_millionths += other.confidence_millionths;
        self.thumbs_up += other.thumbs_up;
        self.thumbs_down += other.thumbs_down;
        self.escalations += other.escalations;
        self.leads += other.leads;
        self.sittings += other.sittings;
        self.sitting_seconds += other.sitting_seconds;
    }
}

/// Where something is added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub day: NaiveDate,
    pub hour: u32,
    pub agent: AgentId,
    pub channel: &'static str,
}

/// Adds events up by slot, with the days and hours of a zone.
pub(super) fn add_up<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    zone: Tz,
    into: &mut BTreeMap<Slot, Tally>,
) {
    for event in events {
        let Some((agent, channel, at, tally)) = counts(event) else { continue };
        let local = at.with_timezone(&zone);
        let slot = Slot {
            day: local.date_naive(),
            hour: local.hour(),
            agent: agent.clone(),
            channel: channel.as_str(),
        };
        *into.entry(slot).or_default() += tally;
    }
}

/// What an event counts for; nothing when it is none of visitors.
fn counts(event: &Event) -> Option<(&AgentId, Channel, DateTime<Utc>, Tally)> {
    let at = event.created_at;
    let none = Tally::default();
    Some(match &event.fact {
        Fact::ConversationStarted { agent, channel, .. } => {
            (agent, *channel, at, Tally { conversations: 1, ..none })
        }
        Fact::MessageReceived { agent, channel, answered, confidence, response_time_ms, .. } => {
            let tally = Tally {
                exchanges: 1,
                answered: i64::from(*answered),
                response_ms: *response_time_ms,
                confidence_millionths: millionths(*confidence),
                ..none
            };
            (agent, *channel, at, tally)
        }
        Fact::ConversationEnded { agent, channel, duration_seconds, .. } => {
            (agent, *channel, at, Tally { sittings: 1, sitting_seconds: *duration_seconds, ..none })
        }
        Fact::FeedbackSubmitted { agent, channel, feedback, former, answered_at, .. } => {
            let (mut up, mut down) = opinion(feedback);
            let (former_up, former_down) = former.as_deref().map(opinion).unwrap_or_default();
            (up, down) = (up - former_up, down - former_down);
            (agent, *channel, answered_at.unwrap_or(at), Tally { thumbs_up: up, thumbs_down: down, ..none })
        }
        Fact::EscalationRequested { agent, .. } => {
            (agent, Channel::Widget, at, Tally { escalations: 1, ..none })
        }
        Fact::LeadCaptured { agent, .. } => (agent, Channel::Widget, at, Tally { leads: 1, ..none }),
        _ => return None,
    })
}

fn opinion(feedback: &str) -> (i64, i64) {
    let is = |opinion: Feedback| i64::from(feedback == opinion.as_str());
    (is(Feedback::ThumbsUp), is(Feedback::ThumbsDown))
}

/// A confidence in millionths.
pub(super) fn millionths(confidence: f64) -> i64 {
    (confidence * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, Entropy, EventId, MessageId, Tenant, WorkspaceId};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn event(agent: &AgentId, created_at: DateTime<Utc>, feedback: &str, former: Option<&str>) -> Event {
        let fact = Fact::FeedbackSubmitted {
            message: MessageId::new(created_at, Entropy),
            conversation: ConversationId::new(created_at, Entropy),
            agent: agent.clone(),
            channel: Channel::Api,
            feedback: feedback.into(),
            former: former.map(Into::into),
            answered_at: Some(at("2026-01-25T23:30:00Z")),
            comment: None,
        };
        let tenant = Tenant::new(WorkspaceId::new(created_at, Entropy));
        Event { id: EventId::new(created_at, Entropy), position: 1, tenant, fact, created_at }
    }

    #[test]
    fn a_changed_mind_counts_once_on_the_day_of_the_answer() {
        let agent = AgentId::new(at("2026-01-01T00:00:00Z"), Entropy);
        let events = [
            event(&agent, at("2026-01-25T23:40:00Z"), "THUMBS_DOWN", None),
            event(&agent, at("2026-01-27T08:00:00Z"), "THUMBS_UP", Some("THUMBS_DOWN")),
        ];
        let mut slots = BTreeMap::new();
        add_up(&events, Tz::Europe__Oslo, &mut slots);
        let slot = Slot { day: "2026-01-26".parse().unwrap(), hour: 0, agent, channel: "api" };
        let tally = Tally { thumbs_up: 1, ..Tally::default() };
        assert_eq!(slots.into_iter().collect::<Vec<_>>(), [(slot, tally)]);
    }

    #[test]
    fn averages_of_nothing_are_nothing() {
        let tally = Tally::default();
        assert_eq!((tally.avg_response_ms(), tally.avg_duration_seconds()), (0, 0));
        assert_eq!((tally.satisfaction(), tally.answer_rate()), (None, None));
        let tally = Tally { thumbs_up: 7, thumbs_down: 1, exchanges: 4, answered: 3, ..tally };
        assert_eq!((tally.satisfaction(), tally.answer_rate()), (Some(4.5), Some(0.75)));
    }
}
