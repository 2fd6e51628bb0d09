//! Answers while they are given, and for a while after, so that a visitor whose connection broke gets the rest.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Frame;
use crate::{Error, MessageId, Result, Tenant};

/// How long a finished answer can be fetched again.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// How many finished answers are kept at most.
const KEPT: usize = 2_000;

/// One answer's frames, growing until the last.
pub struct Live {
    id: MessageId,
    tenant: Tenant,
    session: String,
    /// What the page calls the question.
    request: Option<String>,
    said: Mutex<Said>,
    /// Wakes who waits for more.
    more: Notify,
    /// Set when the visitor wants no more of it.
    stop: CancellationToken,
}

#[derive(Default)]
struct Said {
    frames: Vec<Frame>,
    /// Whether the last frame is among them.
    is_whole: bool,
}

impl Live {
    pub(super) fn new(id: MessageId, tenant: Tenant, session: String) -> Self {
        Self {
            id,
            tenant,
            session,
            request: None,
            said: Mutex::default(),
            more: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    fn key(&self) -> Option<(Tenant, String, String)> {
        Some((self.tenant.clone(), self.session.clone(), self.request.clone()?))
    }

    /// The answer's id.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Ends the answer with what has been said.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the visitor wants no more of it.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn push(&self, frame: Frame) {
        self.add([frame], false);
    }

    /// Adds frames that came at once, so that they are sent at once.
    pub(super) fn extend(&self, frames: impl IntoIterator<Item = Frame>) {
        self.add(frames, false);
    }

    pub(super) fn finish(&self, last: Frame) {
        self.add([last], true);
    }

    fn add(&self, more: impl IntoIterator<Item = Frame>, last: bool) {
        let mut said = lock(&self.said);
        said.frames.extend(more);
        said.is_whole |= last;
        drop(said);
        self.more.notify_waiters();
    }

    /// Waits until there are more than `seen` frames; gives those, and whether the last is among them. After the
    /// last there is nothing: the list is empty then.
    pub async fn after(&self, seen: usize) -> (Vec<Frame>, bool) {
        let ready = |said: &Said| said.frames.len() > seen || said.is_whole;
        self.when(ready, |said| (said.frames.get(seen..).unwrap_or_default().to_vec(), said.is_whole)).await
    }

    /// Waits for the end; gives all frames.
    pub async fn whole(&self) -> Vec<Frame> {
        self.when(|said| said.is_whole, |said| said.frames.clone()).await
    }

    /// What there is to read once it is ready.
    async fn when<T>(&self, ready: impl Fn(&Said) -> bool, read: impl Fn(&Said) -> T) -> T {
        loop {
            // Made before the look, it hears of all that is said after it.
            let more = self.more.notified();
            {
                let said = lock(&self.said);
                if ready(&said) {
                    return read(&said);
                }
            }
            more.await;
        }
    }
}

/// The answers that can be fetched.
#[derive(Default)]
pub struct LiveAnswers {
    answers: Mutex<HashMap<MessageId, Arc<Live>>>,
    /// Questions that pages gave a name, by session and name.
    requests: Mutex<HashMap<(Tenant, String, String), MessageId>>,
    finished: Mutex<VecDeque<(Instant, MessageId)>>,
}

impl LiveAnswers {
    /// A new answer and true, or the one that was begun for the same request of the same session.
    pub(super) fn open(
        &self,
        id: MessageId,
        tenant: Tenant,
        session: String,
        request: Option<String>,
    ) -> (Arc<Live>, bool) {
        let live = Arc::new(Live { request, ..Live::new(id.clone(), tenant, session) });
        let mut requests = lock(&self.requests);
        let mut answers = lock(&self.answers);
        if let Some(key) = live.key() {
            if let Some(begun) = requests.get(&key).and_then(|id| answers.get(id)) {
                return (begun.clone(), false);
            }
            requests.insert(key, id.clone());
        }
        answers.insert(id, live.clone());
        (live, true)
    }

    /// The answer that was begun for a request of a session.
    pub fn of_request(&self, tenant: &Tenant, session: &str, request: &str) -> Option<Arc<Live>> {
        let key = (tenant.clone(), session.to_owned(), request.to_owned());
        let id = lock(&self.requests).get(&key).cloned()?;
        lock(&self.answers).get(&id).cloned()
    }

    /// Starts the time after which a finished answer goes.
    pub(super) fn retire(&self, live: &Live) {
        let mut finished = lock(&self.finished);
        finished.push_back((Instant::now(), live.id.clone()));
        let mut requests = lock(&self.requests);
        let mut answers = lock(&self.answers);
        while let Some((since, _)) = finished.front()
            && (finished.len() > KEPT || since.elapsed() > KEPT_FOR)
        {
            if let Some((_, id)) = finished.pop_front() {
                let key = answers.remove(&id).and_then(|live| live.key());
                key.map(|key| requests.remove(&key));
            }
        }
    }

    /// An answer that a visitor comes back for.
    ///
    /// # Errors
    /// Not found when it is too long ago, or is another visitor's.
    pub fn get(&self, id: &MessageId, tenant: &Tenant, session: &str) -> Result<Arc<Live>> {
        lock(&self.answers)
            .get(id)
            .filter(|live| live.tenant == *tenant && live.session == session)
            .cloned()
            .ok_or_else(|| Error::not_found("This answer can no longer be fetched. Ask again."))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{Entropy, WorkspaceId};

    fn id() -> MessageId {
        MessageId::new(DateTime::UNIX_EPOCH, Entropy)
    }

    fn tenant() -> Tenant {
        Tenant::new(WorkspaceId::new(DateTime::UNIX_EPOCH, Entropy))
    }

    fn token(word: &str) -> Frame {
        Frame::Token { content: word.to_owned() }
    }

    #[tokio::test]
    async fn readers_get_every_frame_once_wherever_they_begin() {
        let answers = LiveAnswers::default();
        let (live, _) = answers.open(id(), tenant(), "sess".into(), None);
        live.push(token("a"));
        assert_eq!(live.after(0).await, (vec![token("a")], false));
        let reader = live.clone();
        let waiting = async move { reader.after(1).await };
        let writing = async {
            live.push(token("b"));
            live.finish(token("c"));
        };
        let ((mut frames, last), ()) = tokio::join!(waiting, writing);
        if !last {
            frames.extend(live.after(2).await.0);
        }
        assert_eq!(frames, [token("b"), token("c")]);
        assert_eq!(live.after(3).await, (Vec::new(), true), "after the last there is nothing");
        assert_eq!(live.after(99).await, (Vec::new(), true));
        assert_eq!(live.whole().await.len(), 3);
    }

    #[test]
    fn an_answer_is_fetched_by_its_visitor_only_and_not_for_ever() {
        let answers = LiveAnswers::default();
        let tenant = tenant();
        let (first, is_new) = answers.open(id(), tenant.clone(), "sess".into(), Some("one".into()));
        assert!(is_new);
        let again = |tenant: &Tenant, session: &str, request: &str| {
            answers.open(id(), tenant.clone(), session.into(), Some(request.into()))
        };
        let (same, is_new) = again(&tenant, "sess", "one");
        assert!(!is_new && same.id() == first.id(), "the same request is not answered twice");
        assert!(again(&tenant, "other", "one").1 && again(&self::tenant(), "sess", "one").1);
        assert!(answers.of_request(&tenant, "sess", "one").is_some_and(|live| live.id() == first.id()));
        assert!(answers.get(first.id(), &tenant, "sess").is_ok());
        assert!(answers.get(first.id(), &tenant, "other").is_err());
        assert!(answers.get(first.id(), &self::tenant(), "sess").is_err());
        answers.retire(&first);
        assert!(answers.get(first.id(), &tenant, "sess").is_ok(), "it is kept for a while");
        for _ in 0..KEPT {
            answers.retire(&answers.open(id(), tenant.clone(), "sess".into(), None).0);
        }
        assert!(answers.of_request(&tenant, "sess", "one").is_none());
        assert!(answers.get(first.id(), &tenant, "sess").is_err());
    }
}
