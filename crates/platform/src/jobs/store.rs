//! The jobs table.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Dialect, Read, Write, sql};

use super::{Job, LEASE, MAX_ATTEMPTS, Task, backoff};
use crate::{Error, JobId, Result, WorkspaceId};

#[derive(FromRow)]
struct Row {
    id: JobId,
    workspace_id: Option<WorkspaceId>,
    payload: serde_json::Value,
    attempts: i64,
}

/// How many jobs wait, run and are dead.
#[derive(Clone, Copy, Debug, Default, FromRow, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for a worker or for their next try.
    pub queued: i64,
    /// Held by a worker.
    pub running: i64,
    /// Tried too often.
    pub dead: i64,
}

pub(super) async fn insert(
    db: &mut Write,
    id: &JobId,
    workspace: Option<&WorkspaceId>,
    task: &Task,
    (now, run_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO jobs (id, workspace_id, kind, payload, status, attempts, run_at, created_at)
         VALUES ($1, $2, $3, $4, 'QUEUED', 0, $5, $6)",
        id,
        workspace.map(WorkspaceId::as_str),
        task.kind(),
        serde_json::to_value(task)?,
        run_at,
        now,
    ))
    .await?;
    Ok(())
}

/// Whether anything is due; asked first, because a claim takes the write lock.
pub(super) async fn any_due(db: &mut Read, now: DateTime<Utc>) -> Result<bool> {
    let due = sql!(
        "SELECT 1 FROM jobs WHERE (status = 'QUEUED' AND run_at <= $1) OR (status = 'RUNNING' AND lease_until <= $2)
         LIMIT 1",
        now,
        now
    );
    Ok(db.optional::<(i32,)>(due).await?.is_some())
}

/// Takes the next job: one that is due or whose worker has gone silent, of the tenant with the fewest running.
pub(super) async fn claim(db: &mut Write, owner: &str, now: DateTime<Utc>) -> Result<Option<Job>> {
    let candidate = match db.dialect() {
        Dialect::Sqlite => sql!(
            "SELECT j.id, j.workspace_id, j.payload, j.attempts FROM jobs j
             WHERE (j.status = 'QUEUED' AND j.run_at <= $1) OR (j.status = 'RUNNING' AND j.lease_until <= $2)
             ORDER BY (SELECT count(*) FROM jobs r WHERE r.status = 'RUNNING' AND r.workspace_id = j.workspace_id),
                      j.run_at, j.id LIMIT 1",
            now,
            now
        ),
        Dialect::Postgres => store::Sql::new(
            "SELECT j.id, j.workspace_id, j.payload, j.attempts FROM jobs j
             WHERE (j.status = 'QUEUED' AND j.run_at <= $1) OR (j.status = 'RUNNING' AND j.lease_until <= $2)
             ORDER BY (SELECT count(*) FROM jobs r WHERE r.status = 'RUNNING' AND r.workspace_id = j.workspace_id),
                      j.run_at, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED",
        )
        .bind(now)
        .bind(now),
    };
    let Some(row) = db.optional::<Row>(candidate).await? else { return Ok(None) };
    db.execute(sql!(
        "UPDATE jobs SET status = 'RUNNING', lease_owner = $2, lease_until = $3, attempts = attempts + 1 WHERE id = $1",
        &row.id,
        owner,
        now + LEASE
    ))
    .await?;
    let task = serde_json::from_value(row.payload)
        .map_err(|e| Error::internal(format!("jobs.payload of {} cannot be read: {e}", row.id)))?;
    Ok(Some(Job {
        id: row.id,
        workspace: row.workspace_id,
        task,
        attempt: row.attempts + 1,
        owner: owner.to_owned(),
    }))
}

pub(super) async fn renew(db: &mut Write, job: &Job, now: DateTime<Utc>) -> Result<u64> {
    Ok(db
        .execute(sql!(
            "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease_owner = $2 AND status = 'RUNNING'",
            &job.id,
            job.owner.as_str(),
            now + LEASE
        ))
        .await?)
}

pub(super) async fn delete(db: &mut Write, job: &Job) -> Result<u64> {
    Ok(db
        .execute(sql!(
            "DELETE FROM jobs WHERE id = $1 AND lease_owner = $2 AND status = 'RUNNING'",
            &job.id,
            job.owner.as_str()
        ))
        .await?)
}

/// Puts a failed job back for its next try, or among the dead.
pub(super) async fn fail(db: &mut Write, job: &Job, error: &str, now: DateTime<Utc>) -> Result<()> {
    let status = if job.attempt >= MAX_ATTEMPTS { "DEAD" } else { "QUEUED" };
    db.execute(sql!(
        "UPDATE jobs SET status = $3, run_at = $4, last_error = $5, lease_owner = NULL, lease_until = NULL
         WHERE id = $1 AND lease_owner = $2 AND status = 'RUNNING'",
        &job.id,
        job.owner.as_str(),
        status,
        backoff(job.attempt, now),
        error
    ))
    .await?;
    Ok(())
}

/// Puts a job back to be gone on with; its tries are counted anew.
pub(super) async fn put_back(db: &mut Write, job: &Job, run_at: DateTime<Utc>) -> Result<u64> {
    Ok(db
        .execute(sql!(
            "UPDATE jobs SET status = 'QUEUED', attempts = 0, run_at = $3, lease_owner = NULL, lease_until = NULL
             WHERE id = $1 AND lease_owner = $2 AND status = 'RUNNING'",
            &job.id,
            job.owner.as_str(),
            run_at
        ))
        .await?)
}

/// Gives a job back untouched, because the server stops; the try does not count.
pub(super) async fn release(db: &mut Write, job: &Job, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "UPDATE jobs SET status = 'QUEUED', attempts = attempts - 1, run_at = $3, lease_owner = NULL, lease_until = NULL
         WHERE id = $1 AND lease_owner = $2 AND status = 'RUNNING'",
        &job.id,
        job.owner.as_str(),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn counts(db: &mut Read) -> Result<Counts> {
    Ok(db
        .one(sql!(
            "SELECT count(CASE WHEN status = 'QUEUED' THEN 1 END) AS queued,
                    count(CASE WHEN status = 'RUNNING' THEN 1 END) AS running,
                    count(CASE WHEN status = 'DEAD' THEN 1 END) AS dead FROM jobs"
        ))
        .await?)
}
