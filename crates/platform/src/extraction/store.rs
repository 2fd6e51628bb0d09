//! The tables of extractions and their corrections.

use std::collections::BTreeMap;

use ::store::{Read, Sql, Write, sql};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::{Correction, Extraction, State, reading::Outcome};
use crate::{AgentId, ContactId, Error, ExtractionId, Page, Paged, Result, Tenant};

const EXTRACTION: &str = "SELECT id, agent_id, file_name, size_bytes, media_type, wanted, threshold, status, error_code,
    error_message, model, found, warnings, needs_review, reviewed_by, reviewed_at, target, contact_id, contact_problem,
    created_by, created_at, updated_at FROM extractions WHERE workspace_id = $1";

#[derive(FromRow)]
struct Row {
    id: ExtractionId,
    agent_id: AgentId,
    file_name: String,
    size_bytes: i64,
    media_type: String,
    wanted: Value,
    threshold: f64,
    status: String,
    error_code: Option<String>,
    error_message: Option<String>,
    model: Option<String>,
    found: Option<Value>,
    #[sqlx(json)]
    warnings: Vec<String>,
    needs_review: bool,
    reviewed_by: Option<String>,
    reviewed_at: Option<DateTime<Utc>>,
    target: Option<Value>,
    contact_id: Option<ContactId>,
    contact_problem: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Extraction {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let odd = |column: &str| Error::internal(format!("extractions.{column} of {} does not fit", row.id));
        let state = match &*row.status {
            "QUEUED" => State::Queued,
            "PROCESSING" => State::Processing,
            "COMPLETED" => {
                let found = row.found.ok_or_else(|| odd("found"))?;
                State::Completed(serde_json::from_value(found).map_err(|_| odd("found"))?)
            }
            "FAILED" => State::Failed {
                code: row.error_code.ok_or_else(|| odd("error_code"))?,
                message: row.error_message.ok_or_else(|| odd("error_message"))?,
            },
            _ => return Err(odd("status")),
        };
        let target = row.target.map(serde_json::from_value).transpose().map_err(|_| odd("target"))?;
        Ok(Self {
            id: row.id,
            agent_id: row.agent_id,
            file_name: row.file_name,
            size_bytes: row.size_bytes,
            media_type: row.media_type,
            schema: row.wanted,
            threshold: row.threshold,
            state,
            model: row.model,
            warnings: row.warnings,
            needs_review: row.needs_review,
            reviewed: row.reviewed_by.zip(row.reviewed_at),
            target,
            saved: row.contact_problem.map(Err).or(row.contact_id.map(Ok)),
            corrections: BTreeMap::new(),
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Keeps a new extraction.
pub(super) async fn insert(db: &mut Write, tenant: &Tenant, e: &Extraction) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO extractions (id, workspace_id, agent_id, file_name, size_bytes, media_type, wanted, threshold,
             status, warnings, needs_review, target, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        &e.id,
        tenant,
        &e.agent_id,
        e.file_name.as_str(),
        e.size_bytes,
        e.media_type.as_str(),
        e.schema.clone(),
        e.threshold,
        e.state.as_str(),
        serde_json::to_value(&e.warnings)?,
        e.needs_review,
        e.target.as_ref().map(serde_json::to_value).transpose()?,
        e.created_by.as_str(),
        e.created_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn count(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT count(*) FROM extractions WHERE workspace_id = $1", tenant)).await?)
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant, id: &ExtractionId) -> Result<Option<Extraction>> {
    let row: Option<Row> = db.optional(Sql::new(EXTRACTION).bind(tenant).and("id = ", Some(id))).await?;
    let Some(row) = row else { return Ok(None) };
    let mut extraction: Extraction = row.try_into()?;
    correct(db, tenant, std::slice::from_mut(&mut extraction)).await?;
    Ok(Some(extraction))
}

pub(super) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    needs_review: Option<bool>,
    page: Page,
) -> Result<Paged<Extraction>> {
    let count = Sql::new("SELECT count(*) FROM extractions WHERE workspace_id = $1").bind(tenant);
    let filtered = |sql: Sql| sql.and("agent_id = ", Some(agent)).and("needs_review = ", needs_review);
    let total = db.count(filtered(count)).await?;
    let rows: Vec<Row> = db
        .all(
            filtered(Sql::new(EXTRACTION).bind(tenant))
                .push(" ORDER BY id DESC")
                .push_bind(" LIMIT ", page.limit)
                .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    let mut items: Vec<Extraction> = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    correct(db, tenant, &mut items).await?;
    Ok(Paged { items, total, page })
}

/// Gives extractions their corrections.
async fn correct(db: &mut Read, tenant: &Tenant, extractions: &mut [Extraction]) -> Result<()> {
    let ids = extractions.iter().map(|extraction| &extraction.id);
    let sql = Sql::new(
        "SELECT extraction_id, path, value, corrected_by, corrected_at FROM extraction_corrections
         WHERE workspace_id = $1",
    );
    let sql = sql.bind(tenant).and_in("extraction_id", ids);
    let rows: Vec<(ExtractionId, String, Value, String, DateTime<Utc>)> = db.all(sql).await?;
    for (id, path, value, by, at) in rows {
        if let Some(extraction) = extractions.iter_mut().find(|extraction| extraction.id == id) {
            extraction.corrections.insert(path, Correction { value, by, at });
        }
    }
    Ok(())
}

pub(super) async fn set_processing(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE extractions SET status = 'PROCESSING', updated_at = $3 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn set_outcome(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let (found, error) = match &outcome.state {
        State::Completed(found) => (Some(serde_json::to_value(found)?), None),
        State::Failed { code, message } => (None, Some((code.clone(), message.clone()))),
        State::Queued | State::Processing => (None, None),
    };
    let (code, message) = error.unzip();
    db.execute(sql!(
        "UPDATE extractions SET status = $3, error_code = $4, error_message = $5, model = $6, found = $7, warnings = $8,
             needs_review = $9, updated_at = $10
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        outcome.state.as_str(),
        code,
        message,
        outcome.model.clone(),
        found,
        serde_json::to_value(&outcome.warnings)?,
        outcome.needs_review,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn set_reviewed(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE extractions SET needs_review = $3, reviewed_by = $4, reviewed_at = $5, updated_at = $5
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        false,
        by,
        now
    ))
    .await?;
    Ok(())
}

/// Keeps what became of the contact that was to get the values.
pub(super) async fn set_saved(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    saved: &Result<ContactId, String>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE extractions SET contact_id = $3, contact_problem = $4 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        saved.as_ref().ok().map(|contact| contact.as_str().to_owned()),
        saved.as_ref().err().cloned()
    ))
    .await?;
    Ok(())
}

/// Keeps a correction in the place of an earlier one.
pub(super) async fn put_correction(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    path: &str,
    correction: &Correction,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO extraction_corrections (extraction_id, workspace_id, path, value, corrected_by, corrected_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (extraction_id, path) DO UPDATE SET value = excluded.value,
             corrected_by = excluded.corrected_by, corrected_at = excluded.corrected_at",
        id,
        tenant,
        path,
        correction.value.clone(),
        correction.by.as_str(),
        correction.at
    ))
    .await?;
    Ok(())
}

pub(super) async fn delete(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    id: &ExtractionId,
) -> Result<u64> {
    Ok(db
        .execute(sql!(
            "DELETE FROM extractions WHERE workspace_id = $1 AND agent_id = $2 AND id = $3",
            tenant,
            agent,
            id
        ))
        .await?)
}

/// The stored files of an agent's extractions, which go with it.
pub(crate) async fn files_of(db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .all(sql!("SELECT id FROM extractions WHERE workspace_id = $1 AND agent_id = $2", tenant, agent))
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
