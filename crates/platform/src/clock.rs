//! The time, from a handle, so that a test can hold it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Tells the time, in whole microseconds: PostgreSQL keeps no more, and a time must compare equal to itself
/// after it was stored.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at a moment until [`Clock::advance`] moves it.
    pub fn standing_at(moment: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(moment))))
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Some(moment) => *moment.lock().unwrap_or_else(PoisonError::into_inner),
            None =>
            {
                #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
                Utc::now().trunc_subsecs(6)
            }
        }
    }

    /// Moves a standing clock on; the system's clock moves by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(moment) = &self.0 {
            *moment.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}
