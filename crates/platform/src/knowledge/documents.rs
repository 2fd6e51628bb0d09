//! Documents: looking at them, moving them, reading them again, letting them go.

use std::{fmt, str::FromStr};

use ::store::{Read, Write};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{indexes, store, uploads::source_key, versions::Version};
use crate::{
    Actor, App, CollectionId, DocumentId, Error, Page, Paged, Result, Tenant,
    audit::{self, Event},
    files,
    jobs::{self, Task},
};

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentStatus {
    /// Waits for a worker.
    Queued,
    /// Is being read.
    Processing,
    /// Can be found.
    Completed,
    /// Could not be read; its error says why.
    Failed,
}

impl DocumentStatus {
    /// As the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for DocumentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DocumentStatus {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Queued, Self::Processing, Self::Completed, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::invalid("status", "status is one of QUEUED PROCESSING COMPLETED FAILED."))
    }
}

/// A document.
#[derive(Clone, Debug, FromRow)]
pub struct Document {
    /// The document.
    pub id: DocumentId,
    /// The shelf it stands on.
    pub collection_id: CollectionId,
    /// What it is called.
    pub title: String,
    /// FILE, TEXT, QA or URL.
    pub source_type: String,
    /// Where it came from, when from the web.
    pub source_url: Option<String>,
    /// The name under which its original is stored.
    pub original: String,
    /// What the uploaded file was called.
    pub file_name: String,
    /// Bytes of the uploaded file.
    pub size_bytes: i64,
    /// SHA-256 of the uploaded file.
    pub content_hash: String,
    /// What the content turned out to be.
    pub media_type: Option<String>,
    /// QUEUED, PROCESSING, COMPLETED or FAILED.
    pub status: String,
    /// Why it failed, as a code.
    pub error_code: Option<String>,
    /// Why it failed, and what to do.
    pub error_message: Option<String>,
    /// What was left out or guessed.
    #[sqlx(json)]
    pub warnings: Vec<String>,
    /// What the job is at.
    pub stage: Option<String>,
    /// Pages read so far.
    pub pages_done: i64,
    /// Pages in all, once known.
    pub pages_total: Option<i64>,
    /// Chunks made searchable so far, of the version that is being read.
    pub chunks_done: i64,
    /// Chunks of it in all, once known.
    pub chunks_total: Option<i64>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// The version that answers.
    pub version: Option<i64>,
    /// Chunks that can be found.
    pub chunk_count: i64,
    /// Word pieces in them.
    pub token_count: i64,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was last read to the end.
    pub processed_at: Option<DateTime<Utc>>,
    /// When its source was found to be gone: it answers no longer.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Document {
    fn is_being_read(&self) -> bool {
        matches!(self.status.as_str(), "QUEUED" | "PROCESSING")
    }
}

/// A document, its versions, and how its text begins.
#[derive(Clone, Debug)]
pub struct Details {
    /// The document.
    pub document: Document,
    /// Its versions, oldest first.
    pub versions: Vec<Version>,
    /// Its first chunks.
    pub chunks: Vec<Preview>,
}

/// How a chunk begins.
#[derive(Clone, Debug, FromRow)]
pub struct Preview {
    /// The chunk's place in the document, from 0.
    pub ordinal: i64,
    /// Its text.
    pub content: String,
    /// Its word pieces.
    pub token_count: i64,
}

/// Which documents to list; those that were retired are left out.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// On this shelf.
    pub collection: Option<CollectionId>,
    /// As far as this.
    pub status: Option<DocumentStatus>,
    /// With this in the title, whatever the case.
    pub search: Option<String>,
}

/// Documents that can be found.
pub(crate) async fn count_whole(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    store::count_whole(db, tenant).await
}

/// A part of the workspace's documents, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, page: Page) -> Result<Paged<Document>> {
    store::list_documents(&mut app.db.read().await?, tenant, filter, page).await
}

/// A document and how its text begins.
///
/// # Errors
/// Not found when the workspace has no such document.
pub async fn get(app: &App, tenant: &Tenant, id: &DocumentId) -> Result<Details> {
    let mut db = app.db.read().await?;
    let document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let versions = store::versions(&mut db, tenant, id).await?;
    let chunks = store::previews(&mut db, tenant, id).await?;
    Ok(Details { document, versions, chunks })
}

pub(super) fn missing() -> Error {
    Error::not_found("There is no such document.")
}

/// Removes a document with all its versions, chunks, and the stored originals.
///
/// # Errors
/// Not found when the workspace has no such document.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &DocumentId) -> Result<()> {
    let mut db = app.db.write().await?;
    let files = remove(&mut db, tenant, id).await?;
    audit::record(app, &mut db, tenant, by, Event::new("document.deleted", id.as_str())).await?;
    indexes::commit(app, db).await?;
    files::remove(app, tenant, &files).await
}

/// Removes a document as part of a change; gives the names of its stored files, which go after the commit.
async fn remove(db: &mut Write, tenant: &Tenant, id: &DocumentId) -> Result<Vec<String>> {
    // The workspace's row before the document's, as everywhere: two changes that lock them in two orders wait for ever.
    store::next_generation(db, tenant).await?;
    let files = store::originals(db, tenant, id).await?;
    if store::delete_document(db, tenant, id).await? == 0 {
        return Err(missing());
    }
    Ok(files)
}

/// Ends a document's answering as part of a change, because its source is gone. Its versions stay readable, and it
/// answers again when its source comes back.
pub(super) async fn retire(app: &App, db: &mut Write, tenant: &Tenant, id: &DocumentId) -> Result<()> {
    store::next_generation(db, tenant).await?;
    store::retire_document(db, tenant, id, app.clock.now()).await
}

/// What to change of a document.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// A new title.
    pub title: Option<String>,
    /// Another shelf.
    pub collection: Option<CollectionId>,
}

/// Renames a document or moves it to another collection. A new title is part of what it is found by, so its text is
/// made searchable anew; what was there answers until then.
///
/// # Errors
/// Not found, invalid when there is no such collection, conflict when the same source stands there already or the
/// document is being read.
pub async fn edit(app: &App, tenant: &Tenant, by: &Actor, id: &DocumentId, edit: Edit) -> Result<Document> {
    let mut db = app.db.write().await?;
    let before = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let mut document = before.clone();
    if let Some(collection) = edit.collection {
        super::collections::require(&mut db, tenant, &collection).await?;
        document.collection_id = collection;
    }
    if let Some(title) = edit.title {
        document.title = title;
    }
    let (renamed, moved) = (document.title != before.title, document.collection_id != before.collection_id);
    if renamed || moved {
        relocate(app, &mut db, tenant, &mut document).await?;
        let event = Event::new("document.changed", id.as_str())
            .with(json!({ "title": document.title, "collection_id": document.collection_id }));
        audit::record(app, &mut db, tenant, by, event).await?;
    }
    if renamed && document.version.is_some() {
        require_idle(&document)?;
        queue_again(app, &mut db, tenant, id, document.version).await?;
        document.status = DocumentStatus::Queued.as_str().into();
    }
    indexes::commit(app, db).await?;
    app.bell.ring();
    Ok(document)
}

async fn relocate(app: &App, db: &mut Write, tenant: &Tenant, document: &mut Document) -> Result<()> {
    document.updated_at = app.clock.now();
    let key = source_key(document.source_url.as_deref(), &document.title);
    let there = store::document_by_source(db, tenant, &document.collection_id, &key).await?;
    if there.is_some_and(|there| there.id != document.id) {
        return Err(Error::conflict(format!(
            "The collection has a document called {} already. Rename or delete one of them.",
            document.title
        )));
    }
    let generation = store::next_generation(db, tenant).await?;
    store::relocate(db, tenant, document, &key, generation).await
}

/// Moves documents to another collection, all or none; gives how many were elsewhere before.
///
/// # Errors
/// As [`edit`].
pub async fn move_to(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    ids: &[DocumentId],
    collection: &CollectionId,
) -> Result<usize> {
    let mut db = app.db.write().await?;
    super::collections::require(&mut db, tenant, collection).await?;
    let mut moved = 0;
    for id in ids {
        let mut document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
        if document.collection_id != *collection {
            document.collection_id = collection.clone();
            relocate(app, &mut db, tenant, &mut document).await?;
            moved += 1;
        }
    }
    let event = Event::new("documents.moved", collection.as_str()).with(json!({ "documents": ids }));
    audit::record(app, &mut db, tenant, by, event).await?;
    indexes::commit(app, db).await?;
    Ok(moved)
}

/// Reads a document's stored original again; what was read before answers until then.
///
/// # Errors
/// Not found when the workspace has no such document, conflict while it is being read or when it was retired.
pub async fn reprocess(app: &App, tenant: &Tenant, by: &Actor, id: &DocumentId) -> Result<Document> {
    let mut db = app.db.write().await?;
    let mut document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    require_idle(&document)?;
    queue_again(app, &mut db, tenant, id, None).await?;
    audit::record(app, &mut db, tenant, by, Event::new("document.reprocessed", id.as_str())).await?;
    db.commit().await?;
    app.bell.ring();
    document.status = DocumentStatus::Queued.as_str().into();
    Ok(document)
}

/// # Errors
/// Conflict while the document is being read or when it was retired.
pub(super) fn require_idle(document: &Document) -> Result<()> {
    if document.is_being_read() {
        return Err(Error::conflict(
            "This document is being read already. Wait until it is COMPLETED or FAILED.",
        ));
    }
    if document.retired_at.is_some() {
        return Err(Error::conflict(
            "This document's source is gone, so it is not used any more. Its next crawl brings it back if the page returns.",
        ));
    }
    Ok(())
}

/// Queues the reading of a document's original, or of the kept text of one of its versions.
pub(super) async fn queue_again(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    version: Option<i64>,
) -> Result<()> {
    store::set_queued(db, tenant, id, app.clock.now()).await?;
    let task = Task::ProcessDocument { document: id.clone(), version };
    jobs::enqueue(app, db, Some(tenant.id()), &task).await.map(drop)
}

/// Queues every document of the server whose vectors do not come from the present embedding model; gives their
/// number. For the operator, after the model was installed or changed.
///
/// # Errors
/// What the database says.
pub async fn queue_stale(app: &App) -> Result<usize> {
    let model = app.embeddings.name().await;
    let mut db = app.db.write().await?;
    let stale = store::stale_documents(&mut db, model.as_deref()).await?;
    for (tenant, id) in &stale {
        queue_again(app, &mut db, tenant, id, None).await?;
    }
    db.commit().await?;
    app.bell.ring();
    Ok(stale.len())
}

/// Removes documents of a workspace, of one collection or of all, some at a time; gives how many there were.
pub(crate) async fn erase(app: &App, tenant: &Tenant, collection: Option<&CollectionId>) -> Result<usize> {
    let mut erased = 0;
    loop {
        let mut db = app.db.write().await?;
        let ids = store::some_documents(&mut db, tenant, collection).await?;
        if ids.is_empty() {
            return Ok(erased);
        }
        let mut files = Vec::new();
        for id in &ids {
            files.extend(remove(&mut db, tenant, id).await?);
        }
        indexes::commit(app, db).await?;
        files::remove(app, tenant, &files).await?;
        erased += ids.len();
    }
}
