//! What was read a moment ago and may be used again until somebody changes it.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::Result;

/// Entries are used no longer than this. Changes are announced and make a cache forget at once; this bounds how
/// long a server that has missed an announcement (its connection to PostgreSQL broke) goes on with what it knew.
const KEPT: TimeDelta = TimeDelta::seconds(10);
/// A cache that would grow beyond this starts anew.
const MOST: usize = 100_000;

/// Values by key, all of them forgotten at any change: changes are rare beside reads.
pub(crate) struct Cache<K, V> {
    entries: RwLock<HashMap<K, (V, DateTime<Utc>)>>,
    /// Grows with every change, so that what was read before it is not kept after it.
    changes: AtomicU64,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { entries: RwLock::default(), changes: AtomicU64::new(0) }
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The value of a key; read when it is not known. That there is none is not kept: strangers could fill the
    /// memory with keys they make up.
    pub(crate) async fn get<Q, F>(
        &self,
        key: &Q,
        now: DateTime<Utc>,
        read: impl FnOnce() -> F,
    ) -> Result<Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<Option<V>>>,
    {
        if let Some(value) = self.known(key, now) {
            return Ok(Some(value));
        }
        let before = self.changes.load(Ordering::Acquire);
        // In a box of its own, so that whoever finds the value known does not carry the room for reading it.
        let value = Box::pin(read()).await?;
        if let Some(value) = &value {
            let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
            if self.changes.load(Ordering::Acquire) == before {
                if entries.len() >= MOST {
                    entries.clear();
                }
                entries.insert(key.to_owned(), (value.clone(), now + KEPT));
            }
        }
        Ok(value)
    }

    fn known<Q>(&self, key: &Q, now: DateTime<Utc>) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::AcqRel);
        entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    async fn read(cache: &Cache<u8, u8>, at: i64, found: Option<u8>) -> Option<u8> {
        cache.get(&1, moment(at), || async { Ok(found) }).await.unwrap()
    }

    #[tokio::test]
    async fn a_value_is_kept_for_a_while_or_until_a_change() {
        let cache = Cache::default();
        assert_eq!(read(&cache, 0, None).await, None);
        assert_eq!(read(&cache, 0, Some(1)).await, Some(1), "that there was none is not kept");
        assert_eq!(read(&cache, 9, Some(2)).await, Some(1));
        assert_eq!(read(&cache, 10, Some(3)).await, Some(3));
        cache.forget();
        assert_eq!(read(&cache, 10, Some(4)).await, Some(4));
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::default();
        let stale = cache.get(&1, moment(0), || async {
            cache.forget();
            Ok(Some(1))
        });
        assert_eq!(stale.await.unwrap(), Some(1));
        assert_eq!(read(&cache, 0, Some(2)).await, Some(2));
    }
}
