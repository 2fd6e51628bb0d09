//! Models that fail are left alone for a while: whoever asks meanwhile gets the next of the chain at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row after which a model rests.
const FAILURES: u32 = 3;
/// How long it rests first; each further failure doubles that.
const REST: TimeDelta = TimeDelta::seconds(15);
/// How long it rests at most.
const LONGEST_REST: TimeDelta = TimeDelta::minutes(5);

#[derive(Clone, Copy)]
struct State {
    failures: u32,
    /// Until then nobody asks it. The first who asks afterwards tries it for all: the rest begins anew meanwhile.
    until: DateTime<Utc>,
}

/// What is known of the models that failed lately, by what tells them apart.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<String, State>>);

impl Breakers {
    /// Whether a model may be asked now.
    pub(super) fn admits(&self, model: &str, now: DateTime<Utc>) -> bool {
        match self.states().get_mut(model) {
            Some(state) if state.failures >= FAILURES => {
                let rested = state.until <= now;
                if rested {
                    state.until = now + rest(state.failures);
                }
                rested
            }
            _ => true,
        }
    }

    /// A model has answered.
    pub(super) fn worked(&self, model: &str) {
        self.states().remove(model);
    }

    /// A model has failed.
    pub(super) fn failed(&self, model: &str, now: DateTime<Utc>) {
        let mut states = self.states();
        let state = states.entry(model.to_owned()).or_insert(State { failures: 0, until: now });
        state.failures = state.failures.saturating_add(1);
        state.until = now + rest(state.failures);
    }

    fn states(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rest(failures: u32) -> TimeDelta {
    let doublings = failures.saturating_sub(FAILURES).min(10);
    (REST * 2i32.pow(doublings)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_fails_rests_and_is_tried_again_by_one() {
        let breakers = Breakers::default();
        let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
        for _ in 0..2 {
            breakers.failed("m", at(0));
        }
        assert!(breakers.admits("m", at(0)), "two failures are bad luck");
        breakers.failed("m", at(0));
        assert!(!breakers.admits("m", at(0)) && !breakers.admits("m", at(14)));
        assert!(breakers.admits("other", at(0)));
        assert!(breakers.admits("m", at(15)), "one tries");
        assert!(!breakers.admits("m", at(15)), "the others wait for what it finds");
        breakers.failed("m", at(16));
        assert!(!breakers.admits("m", at(45)) && breakers.admits("m", at(46)), "the rest doubles");
        breakers.worked("m");
        assert!(breakers.admits("m", at(46)) && breakers.admits("m", at(46)));
        for _ in 0..60 {
            breakers.failed("m", at(100));
        }
        assert!(breakers.admits("m", at(400)), "and has an end");
    }
}
