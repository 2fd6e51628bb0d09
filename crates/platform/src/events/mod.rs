//! The event log: what happened, written once, in the transaction that made it true. Webhooks, analytics and billing
//! read it, each at its own pace and all in the same order.
//!
//! A number that is taken while a transaction runs is no order to read by: on PostgreSQL a transaction may commit
//! after one that took a greater number, and a reader that has passed it never sees it. Here a fact has no position
//! when it is written. Readers give positions to what has been committed, one reader at a time, and so every fact that
//! becomes visible later gets a later position; whoever writes waits for nobody.

mod fact;
mod store;

use std::time::Duration;

use ::store::{Read, Write};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

pub use fact::{Fact, Kind};

use crate::{App, EventId, Result, Tenant};

/// The row whose position is the last that was given.
const LOG: &str = "log";
/// Events that are read at once.
const BATCH: i64 = 500;
/// How often a reader looks when no bell rings; what other servers write is found this way.
const LOOK: Duration = Duration::from_secs(1);
/// From the bell to the look: whoever wrote has mostly committed by then, and what follows closely comes along.
const SETTLE: Duration = Duration::from_millis(20);
/// From one look that found something to the next, unless more is waiting than one look takes. What goes with a look (the
/// places, the transaction) is dearer than an event, and a busy server would look as often as there are answers.
const PAUSE: Duration = Duration::from_millis(100);

/// An event as it is read.
#[derive(Clone, Debug)]
pub struct Event {
    /// The event.
    pub id: EventId,
    /// Its place in the order of commits.
    pub position: i64,
    /// Whose it is.
    pub tenant: Tenant,
    /// What happened.
    pub fact: Fact,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Wakes the readers of this process.
#[derive(Debug, Default)]
pub struct Bell(watch::Sender<()>);

/// Writes a fact down as part of the change that makes it true.
///
/// # Errors
/// What the database says.
pub async fn record(app: &App, db: &mut Write, tenant: &Tenant, fact: &Fact) -> Result<()> {
    record_all(app, db, [(tenant, fact)]).await
}

/// Writes facts down in their order, as part of the change that makes them true.
///
/// # Errors
/// What the database says.
pub async fn record_all<'a>(
    app: &App,
    db: &mut Write,
    facts: impl IntoIterator<Item = (&'a Tenant, &'a Fact)>,
) -> Result<()> {
    let now = app.clock.now();
    let named = |(tenant, fact)| (EventId::new(now, app.entropy), tenant, fact);
    store::insert(db, &facts.into_iter().map(named).collect::<Vec<_>>(), now).await?;
    app.facts.0.send_replace(());
    Ok(())
}

/// Somebody who reads the log. How far they are is kept under their name.
pub struct Reader {
    name: &'static str,
    bell: watch::Receiver<()>,
    /// When it looks again.
    rested: Option<Instant>,
}

impl Reader {
    /// A reader by name. A new one begins at the oldest event that is kept.
    pub fn new(app: &App, name: &'static str) -> Self {
        Self { name, bell: app.facts.0.subscribe(), rested: None }
    }

    /// The next events in order, and the transaction in which they count as read: what follows from them is written
    /// there and committed. Waits for events; none when the server stops.
    pub async fn next(&mut self, app: &App) -> Option<(Write, Vec<Event>)> {
        let name = self.name;
        self.until(app, || read_on(app, name), |(_, events)| events.len()).await
    }

    /// The next events in order, for who has work to do on them during which nobody should wait for a transaction.
    /// They count as read by [`take`]. Waits for events; none when the server stops.
    pub async fn peek(&mut self, app: &App) -> Option<Batch> {
        let name = self.name;
        self.until(app, || look_on(app, name), |batch| batch.events.len()).await
    }

    /// Looks until there is something, whose number of events `count` tells.
    async fn until<T, F>(
        &mut self,
        app: &App,
        mut look: impl FnMut() -> F,
        count: impl Fn(&T) -> usize,
    ) -> Option<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        if let Some(rested) = self.rested.take() {
            app.stopping.run_until_cancelled(sleep_until(rested)).await;
        }
        while !app.stopping.is_cancelled() {
            let began = Instant::now();
            match look().await {
                Ok(Some(read)) => {
                    self.rested = (count(&read) < BATCH as usize).then_some(began + PAUSE);
                    return Some(read);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(reader = self.name, %error, "the event log cannot be read");
                    tokio::time::sleep(LOOK).await;
                }
            }
            let woken = async {
                if tokio::time::timeout(LOOK, self.bell.changed()).await.is_ok() {
                    tokio::time::sleep(SETTLE).await;
                }
            };
            app.stopping.run_until_cancelled(woken).await;
        }
        None
    }
}

/// Events that a reader has looked at and that do not count as read yet.
#[derive(Debug)]
pub struct Batch {
    /// Where the reader was.
    pub from: i64,
    /// The last of them.
    pub to: i64,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// What a reader has not read, in order, and the transaction in which it counts as read once that is committed.
///
/// # Errors
/// What the database says.
pub async fn read_on(app: &App, reader: &'static str) -> Result<Option<(Write, Vec<Event>)>> {
    give_positions(app).await?;
    // Most looks find nothing, and reading does not hold up the one writer.
    let mut db = app.db.read().await?;
    let place = store::place(&mut db, reader).await?;
    if store::after(&mut db, place, 1).await?.is_empty() {
        return Ok(None);
    }
    drop(db);
    let mut db = app.db.write().await?;
    let place = store::hold(&mut db, reader).await?;
    let Some(batch) = batch(&mut db, place).await? else { return Ok(None) };
    store::move_to(&mut db, reader, batch.to).await?;
    Ok(Some((db, batch.events)))
}

/// What a reader has not read, in order; it does not count as read.
///
/// # Errors
/// What the database says.
pub async fn look_on(app: &App, reader: &'static str) -> Result<Option<Batch>> {
    give_positions(app).await?;
    let mut db = app.db.read().await?;
    let place = store::place(&mut db, reader).await?;
    batch(&mut db, place).await
}

/// The transaction in which events that were looked at count as read; none when another server has read them since.
///
/// # Errors
/// What the database says.
pub async fn take(app: &App, reader: &'static str, batch: &Batch) -> Result<Option<Write>> {
    let Some(mut db) = hold_at(app, reader, batch.from).await? else { return Ok(None) };
    store::move_to(&mut db, reader, batch.to).await?;
    Ok(Some(db))
}

/// A transaction during which a reader stays where it is; none when it is elsewhere by now.
///
/// # Errors
/// What the database says.
pub async fn hold_at(app: &App, reader: &'static str, place: i64) -> Result<Option<Write>> {
    let mut db = app.db.write().await?;
    Ok((store::hold(&mut db, reader).await? == place).then_some(db))
}

/// How far a reader is.
///
/// # Errors
/// What the database says.
pub async fn place(app: &App, reader: &'static str) -> Result<i64> {
    store::place(&mut app.db.read().await?, reader).await
}

/// The next events of one workspace after a position, up to and with another.
///
/// # Errors
/// What the database says.
pub async fn of(app: &App, tenant: &Tenant, (after, to): (i64, i64)) -> Result<Vec<Event>> {
    let rows = store::of(&mut app.db.read().await?, tenant, (after, to), BATCH).await?;
    Ok(rows.into_iter().filter_map(event).collect())
}

async fn batch(db: &mut Read, from: i64) -> Result<Option<Batch>> {
    let rows = store::after(db, from, BATCH).await?;
    let Some(to) = rows.last().map(|row| row.position) else { return Ok(None) };
    Ok(Some(Batch { from, to, events: rows.into_iter().filter_map(event).collect() }))
}

/// Gives positions to what was committed without one.
async fn give_positions(app: &App) -> Result<()> {
    while store::any_fresh(&mut app.db.read().await?).await? {
        let mut db = app.db.write().await?;
        // Other readers wait here, and then see what this one has numbered.
        let last = store::hold(&mut db, LOG).await?;
        let count = store::number(&mut db, last, BATCH).await?;
        store::move_to(&mut db, LOG, last + count).await?;
        db.commit().await?;
    }
    Ok(())
}

/// An event that this program does not understand is passed over: readers of all others must not wait for it.
fn event(row: store::Row) -> Option<Event> {
    match serde_json::from_value(json!({ "kind": row.kind, "data": row.payload })) {
        Ok(fact) => Some(Event {
            id: row.id,
            position: row.position,
            tenant: Tenant::new(row.workspace_id),
            fact,
            created_at: row.created_at,
        }),
        Err(error) => {
            tracing::error!(event = %row.id, kind = row.kind, %error, "an event cannot be read");
            None
        }
    }
}

/// Removes events that are older than they are kept; gives how many there were.
///
/// # Errors
/// What the database says.
pub async fn sweep(app: &App) -> Result<u64> {
    let mut db = app.db.write().await?;
    let swept = store::delete_before(&mut db, app.clock.now() - app.config.event_retention).await?;
    db.commit().await?;
    Ok(swept)
}
