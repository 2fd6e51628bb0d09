//! The log's tables.

use ::store::{ROWS, Read, Sql, Write, sql};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::Fact;
use crate::{EventId, Result, Tenant, WorkspaceId};

#[derive(FromRow)]
pub(super) struct Row {
    pub position: i64,
    pub id: EventId,
    pub workspace_id: WorkspaceId,
    pub kind: String,
    pub payload: Value,
    pub created_at: DateTime<Utc>,
}

/// Writes facts down, in their order.
pub(super) async fn insert(
    db: &mut Write,
    facts: &[(EventId, &Tenant, &Fact)],
    now: DateTime<Utc>,
) -> Result<()> {
    for facts in facts.chunks(ROWS) {
        let mut insert = Sql::new("INSERT INTO events (id, workspace_id, kind, payload, created_at) VALUES");
        for (id, tenant, fact) in facts {
            let mut kept = serde_json::to_value(fact)?;
            let payload = kept["data"].take();
            insert = insert.push_row([
                id.into(),
                (*tenant).into(),
                fact.kind().upper().into(),
                payload.into(),
                now.into(),
            ]);
        }
        db.execute(insert).await?;
    }
    Ok(())
}

/// Whether facts wait for their positions.
pub(super) async fn any_fresh(db: &mut Read) -> Result<bool> {
    let fresh = sql!("SELECT 1 FROM events WHERE position IS NULL LIMIT 1");
    Ok(db.optional::<(i32,)>(fresh).await?.is_some())
}

/// Takes a reader's place in the log; nobody else has it until this transaction ends.
pub(super) async fn hold(db: &mut Write, reader: &str) -> Result<i64> {
    let (position,) = db
        .one(sql!(
            "INSERT INTO event_readers (name, position) VALUES ($1, 0)
             ON CONFLICT (name) DO UPDATE SET position = event_readers.position RETURNING position",
            reader
        ))
        .await?;
    Ok(position)
}

/// Where a reader is.
pub(super) async fn place(db: &mut Read, reader: &str) -> Result<i64> {
    let found = db.optional(sql!("SELECT position FROM event_readers WHERE name = $1", reader)).await?;
    Ok(found.map_or(0, |(position,)| position))
}

pub(super) async fn move_to(db: &mut Write, reader: &str, position: i64) -> Result<()> {
    db.execute(sql!("UPDATE event_readers SET position = $2 WHERE name = $1", reader, position)).await?;
    Ok(())
}

/// Numbers what was committed since, from `last + 1` on; gives how many there were.
pub(super) async fn number(db: &mut Write, last: i64, limit: i64) -> Result<i64> {
    let numbered = db.execute(sql!(
        "UPDATE events SET position = $1 + fresh.n
         FROM (SELECT sequence, row_number() OVER (ORDER BY sequence) AS n FROM events
               WHERE position IS NULL ORDER BY sequence LIMIT $2) AS fresh
         WHERE events.sequence = fresh.sequence",
        last,
        limit
    ));
    Ok(numbered.await?.cast_signed())
}

/// What follows a position.
pub(super) async fn after(db: &mut Read, position: i64, limit: i64) -> Result<Vec<Row>> {
    Ok(db
        .all(sql!(
            "SELECT position, id, workspace_id, kind, payload, created_at FROM events
             WHERE position > $1 ORDER BY position LIMIT $2",
            position,
            limit
        ))
        .await?)
}

/// What follows a position in one workspace.
pub(super) async fn of(
    db: &mut Read,
    tenant: &Tenant,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<Row>> {
    Ok(db
        .all(sql!(
            "SELECT position, id, workspace_id, kind, payload, created_at FROM events
             WHERE workspace_id = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4",
            tenant,
            after,
            to,
            limit
        ))
        .await?)
}

/// Removes what was written before a moment; what has no position yet has not been read.
pub(super) async fn delete_before(db: &mut Write, moment: DateTime<Utc>) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM events WHERE created_at < $1 AND position IS NOT NULL", moment)).await?)
}
