//! The turns at sites. They are the same for all workspaces, and hold nothing of any.

use chrono::{DateTime, Utc};
use store::{Read, Write, sql};

use crate::{JobId, Result};

/// Takes a turn at a site when it is free, or when the job holds it already.
pub(in crate::knowledge::crawl) async fn take_turn(
    db: &mut Write,
    site: &str,
    job: &JobId,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool> {
    let rows = db
        .execute(sql!(
            "INSERT INTO crawl_sites (site, next_at, holder) VALUES ($1, $2, $3)
             ON CONFLICT (site) DO UPDATE SET next_at = excluded.next_at, holder = excluded.holder
             WHERE crawl_sites.next_at <= $4 OR crawl_sites.holder = excluded.holder",
            site,
            until,
            job,
            now
        ))
        .await?;
    Ok(rows > 0)
}

pub(in crate::knowledge::crawl) async fn next_turn(
    db: &mut Read,
    site: &str,
) -> Result<Option<DateTime<Utc>>> {
    let sql = sql!("SELECT next_at FROM crawl_sites WHERE site = $1", site);
    Ok(db.optional::<(DateTime<Utc>,)>(sql).await?.map(|(at,)| at))
}

pub(in crate::knowledge::crawl) async fn give_turn_back(
    db: &mut Write,
    site: &str,
    job: &JobId,
    next: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawl_sites SET next_at = $3, holder = NULL WHERE site = $1 AND holder = $2",
        site,
        job,
        next
    ))
    .await?;
    Ok(())
}

/// Gives up the turn that a job holds, wherever.
pub(in crate::knowledge::crawl) async fn forget_turn(db: &mut Write, job: &JobId) -> Result<()> {
    db.execute(sql!("UPDATE crawl_sites SET holder = NULL WHERE holder = $1", job)).await?;
    Ok(())
}

/// Forgets the sites that nobody has asked for long.
pub(in crate::knowledge::crawl) async fn forget_sites(db: &mut Write, before: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("DELETE FROM crawl_sites WHERE next_at < $1", before)).await?;
    Ok(())
}
