//! How often strangers may try: limits of their own for what guesses passwords and codes or sends mails.

use chrono::TimeDelta;

use super::EmailAddress;
use crate::{App, Error, Result, audit::Origin, limits::Rate};

const fn rate(limit: u32, minutes: i64) -> Rate {
    Rate { limit, window: TimeDelta::minutes(minutes) }
}

/// Something that strangers can do, and how often: for one account and from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Attempt {
    /// Passwords and codes that turned out wrong.
    Proof,
    /// Mails to an address, whatever they are about.
    Mail,
}

impl Attempt {
    fn rates(self) -> (Rate, Rate) {
        match self {
            Self::Proof => (rate(10, 15), rate(100, 15)),
            Self::Mail => (rate(5, 60), rate(100, 60)),
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// Limited, with the time to wait, when there were too many. The answer is the same whether or not there is
    /// such an account.
    pub(super) fn count(self, app: &App, account: &EmailAddress, origin: &Origin) -> Result<()> {
        let (for_account, from_address) = self.rates();
        let now = app.clock.now();
        let account = app.limiter.take((self, account.key()), for_account, now);
        let address = app.limiter.take((self, origin.bucket()), from_address, now);
        let wait = account.retry_after.max(address.retry_after);
        if account.allowed && address.allowed { Ok(()) } else { Err(Error::limited(wait)) }
    }

    /// Takes a counted attempt back, because it was right.
    pub(super) fn was_right(self, app: &App, account: &EmailAddress, origin: &Origin) {
        app.limiter.give_back((self, account.key()));
        app.limiter.give_back((self, origin.bucket()));
    }
}
