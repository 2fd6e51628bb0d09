//! Answers while they are given, and for a while after, so that a visitor whose connection broke gets the rest.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

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
    frames: Mutex<Vec<Frame>>,
    /// How many frames there are, and whether that was the last.
    state: watch::Sender<(usize, bool)>,
}

impl Live {
    /// The answer's id.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    pub(super) fn push(&self, frame: Frame) {
        self.add(frame, false);
    }

    pub(super) fn finish(&self, last: Frame) {
        self.add(last, true);
    }

    fn add(&self, frame: Frame, last: bool) {
        let mut frames = lock(&self.frames);
        frames.push(frame);
        self.state.send_replace((frames.len(), last));
    }

    /// Waits until there are more than `seen` frames; gives those, and whether the last is among them. After the
    /// last there is nothing: the list is empty then.
    pub async fn after(&self, seen: usize) -> (Vec<Frame>, bool) {
        let mut state = self.state.subscribe();
        let last = match state.wait_for(|(count, last)| *count > seen || *last).await {
            Ok(state) => state.1,
            Err(_) => true,
        };
        let frames = lock(&self.frames);
        (frames.get(seen..).unwrap_or_default().to_vec(), last && self.state.borrow().0 == frames.len())
    }

    /// Waits for the end; gives all frames.
    pub async fn whole(&self) -> Vec<Frame> {
        let mut state = self.state.subscribe();
        // The sender lives as long as this answer does.
        state.wait_for(|(_, last)| *last).await.map(drop).unwrap_or_default();
        lock(&self.frames).clone()
    }
}

/// The answers that can be fetched.
#[derive(Default)]
pub struct LiveAnswers {
    answers: Mutex<HashMap<MessageId, Arc<Live>>>,
    finished: Mutex<VecDeque<(Instant, MessageId)>>,
}

impl LiveAnswers {
    pub(super) fn open(&self, id: MessageId, tenant: Tenant, session: String) -> Arc<Live> {
        let live = Arc::new(Live {
            id: id.clone(),
            tenant,
            session,
            frames: Mutex::default(),
            state: watch::Sender::new((0, false)),
        });
        lock(&self.answers).insert(id, live.clone());
        live
    }

    /// Starts the time after which a finished answer goes.
    pub(super) fn retire(&self, live: &Live) {
        let mut finished = lock(&self.finished);
        finished.push_back((Instant::now(), live.id.clone()));
        let mut answers = lock(&self.answers);
        while let Some((since, _)) = finished.front()
            && (finished.len() > KEPT || since.elapsed() > KEPT_FOR)
        {
            if let Some((_, id)) = finished.pop_front() {
                answers.remove(&id);
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
