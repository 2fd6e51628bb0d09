//! How often something may be done: counters in memory, for every request of this process.
//!
//! Each key has a sliding-window counter, as in Cloudflare's "How we built rate limiting capable of scaling to
//! millions of domains": the count of this window plus that of the window before, weighted by how much of it
//! still lies in the span that ends now. So no burst of twice the limit passes where two windows meet. Windows are
//! aligned to the epoch. The price of two numbers a key is that the estimate takes the calls of the window before
//! to be spread evenly: for very small limits it is stricter than it says, and a limit of one may make its caller
//! wait for up to two windows.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Parts of the map that are locked apart, so that requests seldom wait for each other.
const SHARDS: usize = 16;
/// Keys that are counted at once before the oldest are dropped; a process that holds them all was measured at 87 MB.
/// Fewer than half of what a table of 131,072 places takes a shard, so that the table is tidied and never doubled.
const MAX_KEYS: usize = 900_000;
/// A shard smaller than this is not worth sweeping.
const FIRST_SWEEP: usize = 1024;
/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// How many calls are allowed in how long a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls in a window.
    pub limit: u32,
    /// How long a window is; less than a microsecond counts as one.
    pub window: TimeDelta,
}

/// What a limiter says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the call may go on.
    pub allowed: bool,
    /// Calls in a window, as the rate says.
    pub limit: u32,
    /// Calls that would be allowed right after this one.
    pub remaining: u32,
    /// When the whole limit is there again if nothing more is counted.
    pub reset: DateTime<Utc>,
    /// Whole seconds, at least one, until a refused call would be allowed; nought for one that is allowed.
    pub retry_after: u64,
}

/// Counts calls by key. A key is whatever tells what is counted and for whom, such as `("login", address)`; it is
/// kept as a 64-bit hash under a random seed, so it costs no memory of its own and nobody can choose two keys that
/// fall together. A key belongs to one length of window.
///
/// Memory is bounded: counters that have run out are dropped as the map grows, and of more than 900,000 that have
/// not, those that were called the longest ago.
pub struct Limiter {
    seed: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

struct Shard {
    counters: HashMap<u64, Counter>,
    /// The number of counters at which those that have run out are dropped.
    sweep_at: usize,
    most: usize,
}

/// The counts of a key. Times are microseconds since the epoch.
#[derive(Clone, Copy, Default)]
struct Counter {
    /// Number of the window that `current` counts, since the epoch.
    window: i64,
    current: u32,
    previous: u32,
    /// When both counts have run out.
    end: i64,
    /// When the last call came, allowed or not: a key that is under attack is not the first to be dropped.
    called: i64,
}

/// A moment in the windows of a rate.
#[derive(Clone, Copy)]
struct Moment {
    /// Number of the window, since the epoch.
    window: i64,
    /// Microseconds to the end of the window, at least one.
    left: i64,
    /// Microseconds of a window.
    length: i64,
    now: i64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::holding(MAX_KEYS)
    }
}

impl Limiter {
    fn holding(keys: usize) -> Self {
        let most = keys / SHARDS;
        let shard = || Shard { counters: HashMap::new(), sweep_at: FIRST_SWEEP.min(most), most };
        Self { seed: RandomState::new(), shards: std::array::from_fn(|_| Mutex::new(shard())) }
    }

    /// Counts a call of a key, unless its limit is reached; a refused call is not counted.
    pub fn take(&self, key: impl Hash, rate: Rate, now: DateTime<Utc>) -> Verdict {
        let moment = Moment::of(rate.window, now);
        let hash = self.seed.hash_one(key);
        let mut shard = self.shard(hash);
        shard.counter(hash, moment.now).take(rate.limit, moment)
    }

    /// Takes back the last call that was counted for a key, for limits that count failures only: take before the
    /// try, give back when it succeeds.
    pub fn give_back(&self, key: impl Hash) {
        let hash = self.seed.hash_one(key);
        if let Some(counter) = self.shard(hash).counters.get_mut(&hash) {
            counter.give_back();
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[hash as usize % SHARDS];
        // Counters are whole at every step, so a panic elsewhere does not spoil them.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn counter(&mut self, hash: u64, now: i64) -> &mut Counter {
        if self.counters.len() >= self.sweep_at && !self.counters.contains_key(&hash) {
            self.make_room(now);
        }
        self.counters.entry(hash).or_default()
    }

    /// Drops what has run out, and of a shard that is still nearly full an eighth, so that a sweep is paid for by
    /// the many new keys before the next one.
    fn make_room(&mut self, now: i64) {
        self.counters.retain(|_, counter| counter.end > now);
        let keep = self.most - self.most / 8;
        if let Some(excess @ 1..) = self.counters.len().checked_sub(keep) {
            let mut calls: Vec<_> =
                self.counters.iter().map(|(hash, counter)| (counter.called, *hash)).collect();
            calls.select_nth_unstable(excess - 1);
            for (_, hash) in &calls[..excess] {
                self.counters.remove(hash);
            }
        }
        self.sweep_at = (self.counters.len() * 2).max(FIRST_SWEEP).min(self.most);
    }
}

impl Counter {
    fn take(&mut self, limit: u32, moment: Moment) -> Verdict {
        let left = self.move_to(moment);
        let used = self.used(left, moment.length);
        let allowed = used < u64::from(limit);
        let retry_after = if allowed { 0 } else { self.seconds_to_next(limit, left, moment.length) };
        if allowed {
            self.current += 1;
        }
        self.end = self.end(left, moment);
        self.called = moment.now;
        Verdict {
            allowed,
            limit,
            remaining: u64::from(limit).saturating_sub(used + u64::from(allowed)) as u32,
            reset: DateTime::from_timestamp_micros(self.end).unwrap_or(DateTime::<Utc>::MAX_UTC),
            retry_after,
        }
    }

    fn give_back(&mut self) {
        if self.current > 0 {
            self.current -= 1;
        } else {
            self.previous = self.previous.saturating_sub(1);
        }
    }

    /// Lets windows pass, and says how much of the counter's own is left. A clock that was set back by less than a
    /// window finds it at its start; one that was set back further starts anew.
    fn move_to(&mut self, moment: Moment) -> i64 {
        match moment.window.saturating_sub(self.window) {
            0 => return moment.left,
            -1 => return moment.length,
            1 => (self.previous, self.current) = (self.current, 0),
            _ => (self.previous, self.current) = (0, 0),
        }
        self.window = moment.window;
        moment.left
    }

    /// Calls that count when `left` of a window's `length` is to come, rounded up.
    fn used(&self, left: i64, length: i64) -> u64 {
        let weighted = (u128::from(self.previous) * left as u128).div_ceil(length as u128);
        u64::from(self.current) + weighted as u64
    }

    /// Seconds, rounded up, until one more call is allowed if none is counted until then: in this window if the
    /// weight of the one before can still fall far enough, else in the next, where `current` is what weighs.
    fn seconds_to_next(&self, limit: u32, left: i64, length: i64) -> u64 {
        let wait = if self.current < limit {
            left - weight_that_allows(limit - self.current - 1, self.previous, length)
        } else {
            let allowed_at = weight_that_allows(limit.saturating_sub(1), self.current, length);
            left.saturating_add(length - allowed_at)
        };
        u64::try_from(wait.saturating_add(SECOND - 1) / SECOND).unwrap_or(0).max(1)
    }

    fn end(&self, left: i64, moment: Moment) -> i64 {
        let this_window = moment.now.saturating_add(left);
        match (self.current, self.previous) {
            (0, 0) => moment.now,
            (0, _) => this_window,
            _ => this_window.saturating_add(moment.length),
        }
    }
}

/// The most of a window that may be left for `count` calls of the one before it to weigh no more than `room`.
fn weight_that_allows(room: u32, count: u32, length: i64) -> i64 {
    let left = i128::from(room) * i128::from(length) / i128::from(count.max(1));
    i64::try_from(left).unwrap_or(length).min(length)
}

impl Moment {
    fn of(window: TimeDelta, now: DateTime<Utc>) -> Self {
        let length = window.num_microseconds().unwrap_or(i64::MAX).max(1);
        let now = now.timestamp_micros();
        Self { window: now.div_euclid(length), left: length - now.rem_euclid(length), length, now }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: TimeDelta = TimeDelta::minutes(1);

    /// A moment so many seconds after the start of a minute.
    fn at(seconds: f64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_800_000_000 * SECOND + (seconds * 1e6) as i64).unwrap()
    }

    fn rate(limit: u32) -> Rate {
        Rate { limit, window: MINUTE }
    }

    #[test]
    fn counts_down_and_refuses() {
        let limiter = Limiter::default();
        for remaining in [2, 1, 0] {
            let verdict = limiter.take("k", rate(3), at(10.0));
            assert!(verdict.allowed);
            assert_eq!((verdict.remaining, verdict.retry_after, verdict.reset), (remaining, 0, at(120.0)));
        }
        let refused = limiter.take("k", rate(3), at(10.0));
        assert!(!refused.allowed);
        // 50 s to the end of the window, and a third of the next, until three calls weigh two.
        assert_eq!((refused.remaining, refused.retry_after, refused.limit), (0, 70, 3));
        assert!(limiter.take("another", rate(3), at(10.0)).allowed);
        assert!(!limiter.take("k", rate(3), at(79.0)).allowed);
        assert!(limiter.take("k", rate(3), at(80.0)).allowed);
    }

    #[test]
    fn a_refused_call_does_not_count() {
        let limiter = Limiter::default();
        assert!((0..10).all(|_| limiter.take("k", rate(10), at(0.0)).allowed));
        assert!((0..1000).all(|_| !limiter.take("k", rate(10), at(1.0)).allowed));
        assert_eq!((0..10).filter(|_| limiter.take("k", rate(10), at(90.0)).allowed).count(), 5);
    }

    #[test]
    fn no_double_burst_where_windows_meet() {
        let limiter = Limiter::default();
        assert!((0..100).all(|_| limiter.take("k", rate(100), at(59.9)).allowed));
        assert_eq!((0..100).filter(|_| limiter.take("k", rate(100), at(60.6)).allowed).count(), 1);
        assert_eq!((0..100).filter(|_| limiter.take("k", rate(100), at(180.0)).allowed).count(), 100);
    }

    #[test]
    fn what_is_given_back_was_never_counted() {
        let limiter = Limiter::default();
        for _ in 0..10 {
            assert!(limiter.take("k", rate(1), at(59.0)).allowed);
            limiter.give_back("k");
        }
        assert!(limiter.take("k", rate(1), at(59.0)).allowed);
        assert!(!limiter.take("k", rate(1), at(61.0)).allowed, "which moves the window on");
        limiter.give_back("k");
        assert!(limiter.take("k", rate(1), at(61.0)).allowed);
        limiter.give_back("never taken");
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away_and_locks_nobody_out() {
        let limiter = Limiter::default();
        assert!(limiter.take("k", rate(1), at(61.0)).allowed);
        assert!(!limiter.take("k", rate(1), at(59.0)).allowed);
        assert!(limiter.take("k", rate(1), at(-3600.0)).allowed);
    }

    #[test]
    fn strange_rates_are_answered() {
        let limiter = Limiter::default();
        let never = limiter.take("never", rate(0), at(0.0));
        assert!(!never.allowed && never.retry_after >= 1);
        for window in [TimeDelta::zero(), -MINUTE, TimeDelta::MAX, TimeDelta::MIN] {
            for now in [DateTime::<Utc>::MIN_UTC, at(0.0), DateTime::<Utc>::MAX_UTC] {
                for _ in 0..2 {
                    limiter.take(("strange", window), Rate { limit: 1, window }, now);
                }
            }
        }
    }

    #[test]
    fn what_has_run_out_is_dropped() {
        let limiter = Limiter::default();
        for second in 0..100_000 {
            limiter.take(second, Rate { limit: 1, window: TimeDelta::seconds(10) }, at(f64::from(second)));
        }
        assert!(held(&limiter) <= SHARDS * FIRST_SWEEP, "{}", held(&limiter));
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        let limiter = Limiter::holding(16_000);
        let take =
            |n| limiter.take(n, Rate { limit: 1, window: TimeDelta::days(1) }, at(f64::from(n) / 10.0));
        for n in 0..50_000 {
            take(n);
        }
        // Each shard keeps from 875 to 1000, the newest of what came to it.
        assert!((14_000..=16_000).contains(&held(&limiter)), "{}", held(&limiter));
        assert!((40_000..50_000).all(|n| !take(n).allowed), "the newest are still known");
        assert!(take(0).allowed, "the oldest is not");
    }

    fn held(limiter: &Limiter) -> usize {
        limiter.shards.iter().map(|shard| shard.lock().unwrap().counters.len()).sum()
    }

    /// Moments within some minutes, in order, in microseconds.
    fn moments(minutes: i64) -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(0..minutes * 60 * SECOND, 1..300).prop_map(|mut moments| {
            moments.sort_unstable();
            moments
        })
    }

    fn take(limiter: &Limiter, limit: u32, micros: i64) -> Verdict {
        limiter.take("k", rate(limit), at(0.0) + TimeDelta::microseconds(micros))
    }

    proptest! {
        /// What passes in any span within the length of a window is the limit and at most the span's own share of
        /// another, wherever windows meet.
        #[test]
        fn no_span_has_more_than_its_share(limit in 1u32..50, calls in moments(5)) {
            let limiter = Limiter::default();
            let passed: Vec<_> =
                calls.into_iter().filter(|call| take(&limiter, limit, *call).allowed).collect();
            let window = 60 * SECOND;
            for (i, first) in passed.iter().enumerate() {
                for (count, last) in (1..).zip(&passed[i..]).take_while(|(_, last)| *last - first <= window) {
                    prop_assert!(count * window <= i64::from(limit) * (window + last - first));
                }
            }
        }

        /// Whoever waits as long as told is let in, and who comes a second and more earlier is not.
        #[test]
        fn retry_after_is_true_and_tight(limit in 0u32..50, calls in moments(3)) {
            let limiter = Limiter::default();
            for call in calls {
                let verdict = take(&limiter, limit, call);
                prop_assert_eq!(verdict.allowed, verdict.retry_after == 0);
                if !verdict.allowed {
                    let then = call + verdict.retry_after as i64 * SECOND;
                    prop_assert!(!take(&limiter, limit, then - SECOND - 1).allowed);
                    prop_assert_eq!(take(&limiter, limit, then).allowed, limit > 0);
                    return Ok(());
                }
            }
        }

        /// At `reset` the whole limit is there.
        #[test]
        fn reset_is_when_the_whole_limit_is_there(limit in 2u32..50, calls in moments(3)) {
            let limiter = Limiter::default();
            let verdict = calls.iter().map(|call| take(&limiter, limit, *call)).last();
            let reset = verdict.map(|verdict| verdict.reset).unwrap_or_default();
            prop_assert_eq!(limiter.take("k", rate(limit), reset).remaining, limit - 1);
        }
    }
}
