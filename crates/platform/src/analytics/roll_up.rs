//! From events to numbers: added up as they come, and again from the log when that is asked for.

use std::{collections::BTreeMap, time::Duration};

use ::store::Write;

use super::{period::day, store, tally};
use crate::{
    App, Result, Tenant,
    events::{self, Event, Reader},
    jobs::{self, Job},
    workspaces,
};

/// The reader's name in the log.
const READER: &str = "analytics";
/// Batches of events that a report waits for at most; a server that is further behind shows what it has.
const BEHIND: usize = 4;

/// Adds events up until the server stops.
pub(crate) async fn run(app: App) {
    let mut reader = Reader::new(&app, READER);
    while let Some((db, events)) = reader.next(&app).await {
        if let Err(error) = add(db, &events).await {
            tracing::error!(%error, "events cannot be added up; they are read again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Adds up what has happened until now, so that a report holds what its reader has just done.
pub(super) async fn catch_up(app: &App) -> Result<()> {
    for _ in 0..BEHIND {
        let Some((db, events)) = events::read_on(app, READER).await? else { break };
        add(db, &events).await?;
    }
    Ok(())
}

/// Adds events up in the transaction in which they count as read.
async fn add(mut db: Write, events: &[Event]) -> Result<()> {
    for (tenant, events) in by_tenant(events) {
        // What a workspace that is being erased has done counts for nobody.
        let Some(zone) = workspaces::zone(&mut db, tenant).await? else { continue };
        let mut slots = BTreeMap::new();
        tally::add_up(events, zone, &mut slots);
        store::add(&mut db, tenant, &slots).await?;
    }
    Ok(db.commit().await?)
}

/// Events by workspace, each in order.
pub(super) fn by_tenant(events: &[Event]) -> BTreeMap<&Tenant, Vec<&Event>> {
    let mut by_tenant: BTreeMap<&Tenant, Vec<&Event>> = BTreeMap::new();
    for event in events {
        by_tenant.entry(&event.tenant).or_default().push(event);
    }
    by_tenant
}

/// Adds a workspace's events up anew, by the days and hours of its present time zone. Days of which the log keeps
/// nothing, or not all, stay as they were added up.
///
/// # Errors
/// What the database says.
pub async fn rebuild(app: &App, tenant: &Tenant) -> Result<()> {
    if let Some(db) = rebuilt(app, tenant).await? {
        db.commit().await?;
    }
    Ok(())
}

/// [`rebuild`] as a job.
pub(crate) async fn rebuild_as_job(app: &App, job: &Job) -> Result<()> {
    let mut db = match rebuilt(app, &job.tenant()?).await? {
        Some(db) => db,
        None => app.db.write().await?,
    };
    jobs::finish(&mut db, job).await?;
    Ok(db.commit().await?)
}

/// The transaction that puts new numbers in the place of the old ones; none when the log holds nothing of them.
async fn rebuilt(app: &App, tenant: &Tenant) -> Result<Option<Write>> {
    let Some(zone) = workspaces::zone(&mut app.db.read().await?, tenant).await? else { return Ok(None) };
    let (mut slots, mut first, mut after) = (BTreeMap::new(), None, 0);
    loop {
        let place = events::place(app, READER).await?;
        while after < place {
            let events = events::of(app, tenant, (after, place)).await?;
            if let Some(event) = events.first() {
                first.get_or_insert(day(event.created_at, zone));
            }
            after = events.last().map_or(place, |event| event.position);
            tally::add_up(&events, zone, &mut slots);
        }
        let Some(first) = first else { return Ok(None) };
        // What was added up since is read as well, before anything is put in place.
        let Some(mut db) = events::hold_at(app, READER, place).await? else { continue };
        let start = match store::first_day(&mut db, tenant).await? {
            Some(kept) if kept < first.to_string() => first.succ_opt().unwrap_or(first),
            _ => first,
        };
        slots.retain(|slot, _| slot.day >= start);
        store::clear_from(&mut db, tenant, start).await?;
        store::add(&mut db, tenant, &slots).await?;
        return Ok(Some(db));
    }
}
