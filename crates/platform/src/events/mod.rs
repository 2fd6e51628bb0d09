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

use ::store::Write;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::watch;

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
}

impl Reader {
    /// A reader by name. A new one begins at the oldest event that is kept.
    pub fn new(app: &App, name: &'static str) -> Self {
        Self { name, bell: app.facts.0.subscribe() }
    }

    /// The next events in order, and the transaction in which they count as read: what follows from them is written
    /// there and committed. Waits for events; none when the server stops.
    pub async fn next(&mut self, app: &App) -> Option<(Write, Vec<Event>)> {
        while !app.stopping.is_cancelled() {
            match read_on(app, self.name).await {
                Ok(Some(read)) => return Some(read),
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
    let rows = store::after(&mut db, place, BATCH).await?;
    let Some(last) = rows.last().map(|row| row.position) else { return Ok(None) };
    store::move_to(&mut db, reader, last).await?;
    Ok(Some((db, rows.into_iter().filter_map(event).collect())))
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
