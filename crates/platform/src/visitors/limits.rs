//! How often visitors may ask.

use chrono::TimeDelta;

use super::Session;
use crate::{App, Error, Result, audit::Origin, limits::Rate, workspaces::Visitor};

/// Questions in a minute; nought is without end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one visitor, by their session.
    pub visitor: u32,
    /// From one address. This machine's own is not limited: behind a proxy whose word is not taken
    /// (FRONTDESK_TRUSTED_PROXIES) all visitors come from it.
    pub address: u32,
    /// Through one key, or to one agent that needs none.
    pub key: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { visitor: 20, address: 120, key: 0 }
    }
}

/// Counts a question by visitor, address and key.
///
/// # Errors
/// Limited, with the time to wait.
pub fn count_question(app: &App, door: &Visitor, session: &Session, origin: &Origin) -> Result<()> {
    let limits = app.config.visitor_limits;
    let take = |what: &'static str, who: &str, limit: u32| {
        let rate = Rate { limit, window: TimeDelta::minutes(1) };
        let verdict = app.limiter.take((what, who), rate, app.clock.now());
        if verdict.allowed { Ok(()) } else { Err(Error::limited(verdict.retry_after)) }
    };
    // What a page made up as a session tells nobody apart.
    if session.is_proven && limits.visitor > 0 {
        take("questions of a visitor", &session.id, limits.visitor)?;
    }
    if let Some(address) = origin.bucket().filter(|address| !address.is_loopback() && limits.address > 0) {
        take("questions from", &address.to_string(), limits.address)?;
    }
    if limits.key > 0 {
        take("questions through", &door.counted_as, limits.key)?;
    }
    Ok(())
}
