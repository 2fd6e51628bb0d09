//! The tables of visitors' sessions, codes, files and days.

use ::documents::Section;
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Write, sql};

use super::AttachedText;
use crate::{AgentId, CodeId, ContactId, DocumentId, Error, Result, Tenant, VisitorId};

pub(super) async fn session(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    who: &str,
) -> Result<Option<VisitorId>> {
    let row: Option<(VisitorId,)> = db
        .optional(sql!(
            "SELECT session_id FROM visitor_sessions WHERE workspace_id = $1 AND agent_id = $2 AND identity = $3",
            tenant,
            agent,
            who
        ))
        .await?;
    Ok(row.map(|(session,)| session))
}

/// Keeps the session of somebody who has none, or another one; gives the one that is kept.
pub(super) async fn put_session(
    db: &mut Write,
    tenant: &Tenant,
    (agent, who): (&AgentId, &str),
    (session, replaces): (&VisitorId, bool),
    now: DateTime<Utc>,
) -> Result<VisitorId> {
    let (session,): (VisitorId,) = db
        .one(sql!(
            "INSERT INTO visitor_sessions (agent_id, identity, workspace_id, session_id, updated_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (agent_id, identity) DO UPDATE SET updated_at = excluded.updated_at,
                 session_id = CASE WHEN $6 THEN excluded.session_id ELSE visitor_sessions.session_id END
             RETURNING session_id",
            agent,
            who,
            tenant,
            session,
            now,
            replaces
        ))
        .await?;
    Ok(session)
}

pub(super) async fn secret(db: &mut Read, tenant: &Tenant) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        db.optional(sql!("SELECT identity_secret FROM workspaces WHERE id = $1", tenant)).await?;
    Ok(row.and_then(|(secret,)| secret))
}

pub(super) async fn set_secret(db: &mut Write, tenant: &Tenant, sealed: &str) -> Result<()> {
    db.execute(sql!("UPDATE workspaces SET identity_secret = $2 WHERE id = $1", tenant, sealed)).await?;
    Ok(())
}

/// A mailed code.
#[derive(FromRow)]
pub(super) struct Code {
    pub id: CodeId,
    pub code_hash: String,
    pub tries: i64,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

pub(super) async fn insert_code(
    db: &mut Write,
    tenant: &Tenant,
    contact: &ContactId,
    code: &Code,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO visitor_codes (id, workspace_id, contact_id, code_hash, tries, expires_at, created_at)
         VALUES ($1, $2, $3, $4, 0, $5, $6)",
        &code.id,
        tenant,
        contact,
        code.code_hash.as_str(),
        code.expires_at,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn newest_code(db: &mut Read, tenant: &Tenant, contact: &ContactId) -> Result<Option<Code>> {
    Ok(db
        .optional(sql!(
            "SELECT id, code_hash, tries, expires_at, used_at FROM visitor_codes
             WHERE workspace_id = $1 AND contact_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1",
            tenant,
            contact
        ))
        .await?)
}

pub(super) async fn count_try(db: &mut Write, tenant: &Tenant, id: &CodeId) -> Result<()> {
    db.execute(sql!(
        "UPDATE visitor_codes SET tries = tries + 1 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id
    ))
    .await?;
    Ok(())
}

pub(super) async fn use_code(db: &mut Write, tenant: &Tenant, id: &CodeId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "UPDATE visitor_codes SET used_at = $3 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn spent(db: &mut Read, tenant: &Tenant, counted_as: &str, day: &str) -> Result<i64> {
    let row: Option<(i64,)> = db
        .optional(sql!(
            "SELECT messages FROM visitor_days WHERE workspace_id = $1 AND counted_as = $2 AND day = $3",
            tenant,
            counted_as,
            day
        ))
        .await?;
    Ok(row.map_or(0, |(messages,)| messages))
}

pub(super) async fn spend(db: &mut Write, tenant: &Tenant, counted_as: &str, day: &str) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO visitor_days (workspace_id, counted_as, day, messages) VALUES ($1, $2, $3, 1)
         ON CONFLICT (workspace_id, counted_as, day) DO UPDATE SET messages = visitor_days.messages + 1",
        tenant,
        counted_as,
        day
    ))
    .await?;
    Ok(())
}

pub(super) async fn insert_file(
    db: &mut Write,
    tenant: &Tenant,
    (agent, session): (&AgentId, &str),
    file: &AttachedText,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO visitor_files (id, workspace_id, agent_id, session_id, name, media_type, size_bytes, content, sections, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &file.id,
        tenant,
        agent,
        session,
        file.name.as_str(),
        file.media_type.as_str(),
        file.size_bytes,
        file.content.as_str(),
        serde_json::to_value(&file.sections)?,
        file.created_at
    ))
    .await?;
    Ok(())
}

/// Ids and names of a session's files since a moment.
pub(super) async fn files(
    db: &mut Read,
    tenant: &Tenant,
    (agent, session): (&AgentId, &str),
    since: DateTime<Utc>,
) -> Result<Vec<(DocumentId, String)>> {
    Ok(db
        .all(sql!(
            "SELECT id, name FROM visitor_files
             WHERE workspace_id = $1 AND agent_id = $2 AND session_id = $3 AND created_at > $4",
            tenant,
            agent,
            session,
            since
        ))
        .await?)
}

#[derive(FromRow)]
struct FileRow {
    id: DocumentId,
    name: String,
    media_type: String,
    size_bytes: i64,
    content: String,
    sections: serde_json::Value,
    created_at: DateTime<Utc>,
}

pub(super) async fn texts(
    db: &mut Read,
    tenant: &Tenant,
    (agent, session): (&AgentId, &str),
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<AttachedText>> {
    let rows: Vec<FileRow> = db
        .all(sql!(
            "SELECT id, name, media_type, size_bytes, content, sections, created_at FROM visitor_files
             WHERE workspace_id = $1 AND agent_id = $2 AND session_id = $3 AND created_at > $4
             ORDER BY id DESC LIMIT $5",
            tenant,
            agent,
            session,
            since,
            limit
        ))
        .await?;
    let text = |row: FileRow| {
        let wrong =
            |error| Error::internal(format!("visitor_files.sections of {} cannot be read: {error}", row.id));
        let sections: Vec<Section> = serde_json::from_value(row.sections).map_err(wrong)?;
        Ok(AttachedText {
            id: row.id,
            name: row.name,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            content: row.content,
            sections,
            created_at: row.created_at,
        })
    };
    rows.into_iter().map(text).collect()
}

/// Drops the files and codes of all workspaces that are older than a moment.
pub(super) async fn drop_old(db: &mut Write, before: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("DELETE FROM visitor_files WHERE created_at <= $1", before)).await?;
    db.execute(sql!("DELETE FROM visitor_codes WHERE created_at <= $1", before)).await?;
    Ok(())
}
