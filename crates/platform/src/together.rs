//! Changes that come at once are written at once: those that arrive while others are being written go into one
//! transaction, so that a busy server has one commit for many of them.

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{App, Error, Result};

/// A change that can be written together with others of its kind.
pub(crate) trait Change: Send + Sync + Sized + 'static {
    /// What whoever asked for it gets.
    type Outcome: Send + 'static;

    /// Writes all of them in one transaction; gives the outcome of each, in their order.
    ///
    /// # Errors
    /// When the transaction failed, and nothing is written.
    fn write<'a>(app: &'a App, changes: &'a [Self]) -> BoxFuture<'a, Result<Outcomes<Self>>>;
}

/// The outcome of each of several changes.
pub(crate) type Outcomes<C> = Vec<Result<<C as Change>::Outcome>>;

type Waiting<C> = (C, oneshot::Sender<Result<<C as Change>::Outcome>>);

/// The queue before the one who writes.
pub(crate) struct Together<C: Change> {
    waiting: Mutex<Vec<Waiting<C>>>,
    turn: tokio::sync::Mutex<()>,
}

impl<C: Change> Default for Together<C> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<C: Change> Together<C> {
    /// Makes a change; whoever gets the turn writes for all that wait. A writer is a task of its own: a caller who goes
    /// away while it writes takes nothing from the others.
    pub(crate) async fn submit(&self, app: &App, change: C) -> Result<C::Outcome> {
        let (done, mut outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((change, done));
        tokio::select! {
            biased;
            outcome = &mut outcome => return outcome.map_err(Error::internal)?,
            turn = self.turn.lock() => {
                let batch = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
                let writer = app.clone();
                app.tasks.spawn(async move { write(&writer, batch).await }).await.map_err(Error::internal)?;
                drop(turn);
            }
        }
        outcome.await.map_err(Error::internal)?
    }
}

/// Writes all in one transaction; if that fails, each in its own, so that one cannot spoil the others.
async fn write<C: Change>(app: &App, batch: Vec<Waiting<C>>) {
    // Whoever has gone away before the writing began wants nothing any more.
    let (changes, done): (Vec<C>, Vec<_>) = batch.into_iter().filter(|(_, done)| !done.is_closed()).unzip();
    if changes.is_empty() {
        return;
    }
    let outcomes = match C::write(app, &changes).await {
        Ok(outcomes) => outcomes,
        Err(error) if changes.len() == 1 => vec![Err(error)],
        Err(_) => {
            let mut outcomes = Vec::with_capacity(changes.len());
            for change in &changes {
                let alone = C::write(app, std::slice::from_ref(change)).await;
                outcomes
                    .push(alone.and_then(|mut one| one.pop().ok_or_else(|| Error::internal("no outcome"))?));
            }
            outcomes
        }
    };
    for (outcome, done) in outcomes.into_iter().zip(done) {
        // Nobody waits any more when the server is being stopped.
        let _ = done.send(outcome);
    }
}
