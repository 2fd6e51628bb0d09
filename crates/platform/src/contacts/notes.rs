//! What people of the business write down about a contact.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use store::sql;

use super::{Handle, find};
use crate::{
    Actor, AgentId, App, Error, NoteId, Page, Paged, Result, Tenant,
    audit::{self, Event},
};

/// A note.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Note {
    /// The note.
    pub id: NoteId,
    /// Who wrote it, as people recognise them.
    pub author: String,
    /// What they wrote.
    pub text: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Writes a note.
///
/// # Errors
/// Not found when the agent has no such contact.
pub async fn add_note(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
    text: String,
) -> Result<Note> {
    let now = app.clock.now();
    let note = Note { id: NoteId::new(now, app.entropy), author: by.name.clone(), text, created_at: now };
    let mut db = app.db.write().await?;
    let contact = find(&mut db, tenant, agent, handle).await?;
    db.execute(sql!(
        "INSERT INTO contact_notes (id, workspace_id, contact_id, author, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &note.id,
        tenant,
        &contact.id,
        note.author.as_str(),
        note.text.as_str(),
        now
    ))
    .await?;
    audit::record(app, &mut db, tenant, by, Event::new("contact_note.created", note.id.as_str())).await?;
    db.commit().await?;
    Ok(note)
}

/// A contact's notes, latest first.
///
/// # Errors
/// Not found when the agent has no such contact.
pub async fn list_notes(
    app: &App,
    tenant: &Tenant,
    (agent, handle): (&AgentId, &Handle),
    page: Page,
) -> Result<Paged<Note>> {
    let mut db = app.db.read().await?;
    let contact = find(&mut db, tenant, agent, handle).await?;
    let total = db
        .count(sql!(
            "SELECT count(*) FROM contact_notes WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &contact.id
        ))
        .await?;
    let items = db
        .all(sql!(
            "SELECT id, author, text, created_at FROM contact_notes WHERE workspace_id = $1 AND contact_id = $2
             ORDER BY id DESC LIMIT $3 OFFSET $4",
            tenant,
            &contact.id,
            page.limit,
            page.offset
        ))
        .await?;
    Ok(Paged { items, total, page })
}

/// Deletes a note.
///
/// # Errors
/// Not found when there is no such note on this contact.
pub async fn delete_note(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
    note: &NoteId,
) -> Result<()> {
    let mut db = app.db.write().await?;
    let contact = find(&mut db, tenant, agent, handle).await?;
    let deleted = db
        .execute(sql!(
            "DELETE FROM contact_notes WHERE workspace_id = $1 AND contact_id = $2 AND id = $3",
            tenant,
            &contact.id,
            note
        ))
        .await?;
    if deleted == 0 {
        return Err(Error::not_found("There is no such note on this contact."));
    }
    audit::record(app, &mut db, tenant, by, Event::new("contact_note.deleted", note.as_str())).await?;
    Ok(db.commit().await?)
}
