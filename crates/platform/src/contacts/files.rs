//! Files of contacts. The bytes lie in the file store under their hash, once for a workspace however often they come;
//! the rows that name them are counted, and the last one takes them along.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde_json::json;
use sqlx::FromRow;
use store::{Arrived, Read, Write, sql};

use super::{Contact, Handle, find};
use crate::{
    Actor, AgentId, App, ContactId, Error, FileId, Page, Paged, Result, Tenant,
    audit::{self, Event},
    billing::{self, Limit},
    digest,
    files::clean_name,
};

/// Files of one contact.
const MOST: i64 = 200;
/// What has no type of its own.
const UNKNOWN: &str = "application/octet-stream";

/// A file of a contact.
#[derive(Clone, Debug, FromRow)]
pub struct FileRow {
    /// The file.
    pub id: FileId,
    /// Whose it is.
    pub contact_id: ContactId,
    /// What it was called where it came from.
    pub name: String,
    /// Its type, found by its content.
    pub media_type: String,
    /// Bytes.
    pub size_bytes: i64,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

/// Takes a file in as it streams.
///
/// # Errors
/// Not found when the agent has no such contact; unprocessable when it has too many files; too large, broken off or
/// empty. Nothing is kept then.
pub async fn add_file<E: fmt::Display>(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
    (name, stream): (&str, impl Stream<Item = Result<Bytes, E>>),
) -> Result<FileRow> {
    let contact = find(&mut app.db.read().await?, tenant, agent, handle).await?;
    let id = FileId::new(app.clock.now(), app.entropy);
    let arrived = app.objects.receive(id.as_str(), stream, app.config.max_upload_bytes).await?;
    let kept = keep(app, tenant, by, (&contact, id, name), &arrived).await;
    if !matches!(kept, Ok((_, true))) {
        app.objects.drop(&arrived).await?;
    }
    kept.map(|(file, _)| file)
}

/// Gives what has arrived its row, and its place unless its content has one already; says whether it got one.
async fn keep(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (contact, id, name): (&Contact, FileId, &str),
    arrived: &Arrived,
) -> Result<(FileRow, bool)> {
    if arrived.stored.size == 0 {
        return Err(Error::invalid("file", "The file is empty."));
    }
    let file = FileRow {
        id,
        contact_id: contact.id.clone(),
        name: clean_name(name, "file"),
        media_type: media_type(&arrived.head).to_owned(),
        size_bytes: i64::try_from(arrived.stored.size).map_err(Error::internal)?,
        sha256: digest::hex(&arrived.stored.sha256),
        created_at: app.clock.now(),
    };
    let mut db = app.db.write().await?;
    if count(&mut db, tenant, &contact.id).await? >= MOST {
        return Err(Error::unprocessable(format!("A contact has at most {MOST} files. Delete some.")));
    }
    billing::make_room(app, &mut db, tenant, Limit::Storage, file.size_bytes).await?;
    insert(&mut db, tenant, &file).await?;
    // The row is locked until the commit: nobody takes the content away while it gets its place.
    let first = use_content(&mut db, tenant, &file.sha256, 1).await? == 1;
    if first {
        app.objects.place(tenant.id().as_str(), &file.sha256, arrived).await?;
    }
    let event = Event::new("contact_file.created", file.id.as_str()).with(json!({ "contact": contact.id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok((file, first))
}

/// What a file is, by its first bytes. Text is told by being text; what a browser would run is told as text too.
fn media_type(head: &[u8]) -> &'static str {
    if let Some(kind) = infer::get(head).filter(|kind| !kind.mime_type().starts_with("text/")) {
        return kind.mime_type();
    }
    let cut = head.len().saturating_sub(3);
    let is_text = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The last character may be cut in two.
        Err(error) => error.valid_up_to() >= cut && !head.is_empty(),
    };
    if is_text && !head.contains(&0) { "text/plain" } else { UNKNOWN }
}

/// A contact's files, oldest first.
///
/// # Errors
/// Not found when the agent has no such contact.
pub async fn list_files(
    app: &App,
    tenant: &Tenant,
    (agent, handle): (&AgentId, &Handle),
    page: Page,
) -> Result<Paged<FileRow>> {
    let mut db = app.db.read().await?;
    let contact = find(&mut db, tenant, agent, handle).await?;
    let total = count(&mut db, tenant, &contact.id).await?;
    let items = db
        .all(sql!(
            "SELECT id, contact_id, name, media_type, size_bytes, sha256, created_at FROM contact_files
             WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id LIMIT $3 OFFSET $4",
            tenant,
            &contact.id,
            page.limit,
            page.offset
        ))
        .await?;
    Ok(Paged { items, total, page })
}

/// A file and its bytes as they are read.
///
/// # Errors
/// Not found when the contact has no such file.
pub async fn open_file(
    app: &App,
    tenant: &Tenant,
    (agent, handle): (&AgentId, &Handle),
    id: &FileId,
) -> Result<(FileRow, impl Stream<Item = std::io::Result<Bytes>> + Send + use<>)> {
    let file = file(&mut app.db.read().await?, tenant, (agent, handle), id).await?;
    let bytes = app.objects.read(tenant.id().as_str(), &file.sha256).await?;
    Ok((file, bytes))
}

/// Deletes a file, and its bytes when nothing else has the same.
///
/// # Errors
/// Not found when the contact has no such file.
pub async fn delete_file(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
    id: &FileId,
) -> Result<()> {
    let mut db = app.db.write().await?;
    let file = file(&mut db, tenant, (agent, handle), id).await?;
    db.execute(sql!("DELETE FROM contact_files WHERE workspace_id = $1 AND id = $2", tenant, id)).await?;
    let event = Event::new("contact_file.deleted", id.as_str()).with(json!({ "contact": file.contact_id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    release(app, &mut db, tenant, &file.sha256).await?;
    Ok(db.commit().await?)
}

/// Lets go of what an agent's contacts have in the file store, before the rows go with the agent.
///
/// # Errors
/// What the database or the file store says.
pub(crate) async fn release_files(app: &App, db: &mut Write, tenant: &Tenant, agent: &AgentId) -> Result<()> {
    let held: Vec<(String,)> = db
        .all(sql!(
            "SELECT f.sha256 FROM contact_files f JOIN contacts c ON c.id = f.contact_id AND c.workspace_id = f.workspace_id
             WHERE f.workspace_id = $1 AND c.agent_id = $2",
            tenant,
            agent
        ))
        .await?;
    for (sha256,) in held {
        release(app, db, tenant, &sha256).await?;
    }
    Ok(())
}

async fn release(app: &App, db: &mut Write, tenant: &Tenant, sha256: &str) -> Result<()> {
    if use_content(db, tenant, sha256, -1).await? > 0 {
        return Ok(());
    }
    db.execute(sql!("DELETE FROM stored_files WHERE workspace_id = $1 AND sha256 = $2", tenant, sha256))
        .await?;
    Ok(app.objects.delete(tenant.id().as_str(), sha256).await?)
}

/// Counts a row that names a content, or one less; gives how many there are.
async fn use_content(db: &mut Write, tenant: &Tenant, sha256: &str, more: i64) -> Result<i64> {
    Ok(db
        .count(sql!(
            "INSERT INTO stored_files (workspace_id, sha256, uses) VALUES ($1, $2, $3)
             ON CONFLICT (workspace_id, sha256) DO UPDATE SET uses = stored_files.uses + excluded.uses RETURNING uses",
            tenant,
            sha256,
            more
        ))
        .await?)
}

async fn file(
    db: &mut Read,
    tenant: &Tenant,
    (agent, handle): (&AgentId, &Handle),
    id: &FileId,
) -> Result<FileRow> {
    let contact = find(db, tenant, agent, handle).await?;
    let found = db
        .optional(sql!(
            "SELECT id, contact_id, name, media_type, size_bytes, sha256, created_at FROM contact_files
             WHERE workspace_id = $1 AND contact_id = $2 AND id = $3",
            tenant,
            &contact.id,
            id
        ))
        .await?;
    found.ok_or_else(|| Error::not_found("This contact has no such file."))
}

async fn count(db: &mut Read, tenant: &Tenant, contact: &ContactId) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT count(*) FROM contact_files WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            contact
        ))
        .await?)
}

async fn insert(db: &mut Write, tenant: &Tenant, f: &FileRow) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO contact_files (id, workspace_id, contact_id, name, media_type, size_bytes, sha256, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &f.id,
        tenant,
        &f.contact_id,
        f.name.as_str(),
        f.media_type.as_str(),
        f.size_bytes,
        f.sha256.as_str(),
        f.created_at
    ))
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_content() {
        assert_eq!(media_type(b"%PDF-1.7\n"), "application/pdf");
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png");
        assert_eq!(media_type(b"hello file"), "text/plain");
        assert_eq!(media_type(b"<!DOCTYPE html><script>alert(1)</script>"), "text/plain");
        assert_eq!(media_type("h\u{e9}llo".as_bytes()), "text/plain");
        assert_eq!(media_type(&"\u{e9}".as_bytes()[..1]), "text/plain");
        assert_eq!(media_type(b"\0\x01\x02"), UNKNOWN);
    }

    #[test]
    fn names_are_names() {
        assert_eq!(clean_name("C:\\tmp\\a\r\nb.txt", "file"), "ab.txt");
        assert_eq!(clean_name("../../etc/passwd", "file"), "passwd");
        assert_eq!(clean_name("/", "file"), "file");
    }
}
