//! Turns at a site: one request at a time, whoever asks, and a pause after each.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::store;
use crate::{App, Result, jobs::Job};

/// How long a turn lasts that is not given back, because its server was killed; longer than any request.
const HOLD: TimeDelta = TimeDelta::seconds(60);

/// Takes a turn at a site, or tells when to ask again. A job that holds it already goes on.
pub(super) async fn take(app: &App, job: &Job, site: &str) -> Result<Result<(), DateTime<Utc>>> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let taken = store::take_turn(&mut db, site, &job.id, (now, now + HOLD)).await?;
    let next = if taken { None } else { Some(store::next_turn(&mut db, site).await?.unwrap_or(now)) };
    db.commit().await?;
    Ok(next.map_or(Ok(()), Err))
}

/// Gives a turn back and tells when the next one is.
pub(super) async fn give_back(
    app: &App,
    db: &mut ::store::Write,
    job: &Job,
    site: &str,
    pause: Duration,
) -> Result<DateTime<Utc>> {
    let next = app.clock.now() + TimeDelta::from_std(pause).unwrap_or(HOLD);
    store::give_turn_back(db, site, &job.id, next).await?;
    Ok(next)
}
