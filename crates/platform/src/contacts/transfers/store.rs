//! The tables of transfers.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use super::Transfer;
use crate::{AgentId, Page, Paged, Result, Tenant, TransferId, Violation};

const TRANSFER: &str =
    "SELECT id, agent_id, direction, status, error, row_count, created, updated, refused, ignored_columns,
    created_by, created_at, finished_at FROM contact_transfers WHERE workspace_id = $1";

/// A row that was not taken in.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Refusal {
    /// Of the file; its header is row 1.
    pub row_number: i64,
    /// What is wrong, as in an answer of the Open API.
    pub reasons: Value,
}

pub(super) async fn insert(db: &mut Write, tenant: &Tenant, t: &Transfer) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO contact_transfers (id, workspace_id, agent_id, direction, status, row_count, created, updated, refused,
             ignored_columns, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, $6, $7, $8)",
        &t.id,
        tenant,
        &t.agent_id,
        t.direction.as_str(),
        t.status.as_str(),
        json!([]),
        t.created_by.as_str(),
        t.created_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant, id: &TransferId) -> Result<Option<Transfer>> {
    Ok(db.optional(Sql::new(TRANSFER).bind(tenant).and("id = ", Some(id))).await?)
}

pub(super) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    page: Page,
) -> Result<Paged<Transfer>> {
    let total = db
        .count(sql!(
            "SELECT count(*) FROM contact_transfers WHERE workspace_id = $1 AND agent_id = $2",
            tenant,
            agent
        ))
        .await?;
    let some = Sql::new(TRANSFER).bind(tenant).and("agent_id = ", Some(agent)).push(" ORDER BY id DESC");
    let items = db.all(some.push_bind(" LIMIT ", page.limit).push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}

/// What one part of an import has done.
#[derive(Default)]
pub(super) struct Progress {
    pub rows: i64,
    pub created: i64,
    pub updated: i64,
    pub refused: Vec<(i64, Vec<Violation>)>,
}

pub(super) async fn progress(
    db: &mut Write,
    tenant: &Tenant,
    id: &TransferId,
    part: &Progress,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE contact_transfers SET status = 'RUNNING', row_count = row_count + $3, created = created + $4,
                updated = updated + $5, refused = refused + $6
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        part.rows,
        part.created,
        part.updated,
        part.refused.len() as i64
    ))
    .await?;
    if part.refused.is_empty() {
        return Ok(());
    }
    let mut sql =
        Sql::new("INSERT INTO contact_refusals (transfer_id, workspace_id, row_number, reasons) VALUES");
    for (row, reasons) in &part.refused {
        sql = sql.push_row([id.into(), tenant.into(), (*row).into(), json!(reasons).into()]);
    }
    db.execute(sql).await?;
    Ok(())
}

pub(super) async fn set_ignored(
    db: &mut Write,
    tenant: &Tenant,
    id: &TransferId,
    columns: &[String],
) -> Result<()> {
    db.execute(sql!(
        "UPDATE contact_transfers SET ignored_columns = $3 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        json!(columns)
    ))
    .await?;
    Ok(())
}

pub(super) async fn end(
    db: &mut Write,
    tenant: &Tenant,
    id: &TransferId,
    error: Option<String>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE contact_transfers SET status = $3, error = $4, finished_at = $5 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        if error.is_some() { "FAILED" } else { "COMPLETED" },
        error,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn refusals(db: &mut Read, tenant: &Tenant, id: &TransferId) -> Result<Vec<Refusal>> {
    Ok(db
        .all(sql!(
            "SELECT row_number, reasons FROM contact_refusals WHERE workspace_id = $1 AND transfer_id = $2 ORDER BY row_number",
            tenant,
            id
        ))
        .await?)
}

/// The contacts after the one with this id, in the order of their ids.
pub(super) async fn after(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    (after, limit): (&str, i64),
) -> Result<Vec<super::super::Contact>> {
    let sql = Sql::new(super::super::store::COLUMNS).bind(tenant).bind(agent).and("id > ", Some(after));
    Ok(db.all(sql.push(" AND archived_at IS NULL ORDER BY id").push_bind(" LIMIT ", limit)).await?)
}
