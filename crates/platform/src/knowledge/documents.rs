//! Documents: taking them in, looking at them, letting them go.

use std::{fmt, str::FromStr};

use ::documents::{ExtractError, Format};
use ::store::Stored;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde_json::json;
use sqlx::FromRow;
use tokio::io::AsyncReadExt;

use super::store;
use crate::{
    Actor, App, CollectionId, DocumentId, Error, Page, Paged, Result, Tenant,
    audit::{self, Event},
    digest,
    jobs::{self, Task},
};

/// Bytes of a file by which its format is told.
const HEAD: u64 = 8 * 1024;

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
    /// FILE.
    pub source_type: String,
    /// Where it came from, when from the web.
    pub source_url: Option<String>,
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
}

/// A document, its versions, and how its text begins.
#[derive(Clone, Debug)]
pub struct Details {
    /// The document.
    pub document: Document,
    /// Its versions, as (number, time), oldest first.
    pub versions: Vec<(i64, DateTime<Utc>)>,
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

/// Which documents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// On this shelf.
    pub collection: Option<CollectionId>,
    /// As far as this.
    pub status: Option<DocumentStatus>,
    /// With this in the title, whatever the case.
    pub search: Option<String>,
}

/// An upload that has arrived whole and is not yet a document; see [`receive`].
#[derive(Debug)]
pub struct Upload {
    id: DocumentId,
    file_name: String,
    stored: Stored,
    format: Format,
}

/// What an upload is to become.
pub struct NewDocument {
    /// Its shelf.
    pub collection: CollectionId,
    /// Its title; the file's name when there is none.
    pub title: Option<String>,
}

/// Stores a file and looks at what it is, by its content.
///
/// # Errors
/// Too large, broken off, empty, or of a type that is not read here; nothing is kept then.
pub async fn receive<E: fmt::Display>(
    app: &App,
    tenant: &Tenant,
    file_name: &str,
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Upload> {
    let id = DocumentId::new(app.clock.now(), app.entropy);
    let file_name = clean_name(file_name);
    let stored =
        app.blobs.put(tenant.id().as_str(), id.as_str(), stream, app.config.max_upload_bytes).await?;
    match format(app, tenant, &id, &file_name).await {
        Ok(format) => Ok(Upload { id, file_name, stored, format }),
        Err(error) => {
            app.blobs.delete(tenant.id().as_str(), id.as_str()).await?;
            Err(error)
        }
    }
}

async fn format(app: &App, tenant: &Tenant, id: &DocumentId, file_name: &str) -> Result<Format> {
    let file = tokio::fs::File::open(app.blobs.path(tenant.id().as_str(), id.as_str()))
        .await
        .map_err(Error::internal)?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).await.map_err(Error::internal)?;
    Format::detect(&head, file_name).map_err(|error| {
        let message = error.to_string();
        match error {
            ExtractError::Empty => Error::invalid("file", message),
            ExtractError::Unsupported { .. } | ExtractError::TypeMismatch { .. } => {
                Error { field: Some("file".into()), ..Error::unsupported_media(message) }
            }
            _ => Error { field: Some("file".into()), ..Error::unprocessable(message) },
        }
    })
}

/// The last part of a file's name, without control characters, at most 200 characters.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { "document".into() } else { clean }
}

/// Drops an upload that is not to become a document.
///
/// # Errors
/// When the disk fails.
pub async fn discard(app: &App, tenant: &Tenant, upload: Upload) -> Result<()> {
    Ok(app.blobs.delete(tenant.id().as_str(), upload.id.as_str()).await?)
}

/// Makes an upload a document and queues its reading.
///
/// # Errors
/// Invalid when there is no such collection, unprocessable when the workspace is full; nothing is kept then.
pub async fn accept(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    upload: Upload,
    form: NewDocument,
) -> Result<Document> {
    match insert(app, tenant, by, &upload, form).await {
        Ok(document) => {
            app.bell.ring();
            Ok(document)
        }
        Err(error) => {
            discard(app, tenant, upload).await?;
            Err(error)
        }
    }
}

async fn insert(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    upload: &Upload,
    form: NewDocument,
) -> Result<Document> {
    let now = app.clock.now();
    let document = Document {
        id: upload.id.clone(),
        collection_id: form.collection,
        title: form.title.unwrap_or_else(|| upload.file_name.clone()),
        source_type: "FILE".into(),
        source_url: None,
        file_name: upload.file_name.clone(),
        size_bytes: i64::try_from(upload.stored.size).map_err(Error::internal)?,
        content_hash: digest::hex(&upload.stored.sha256),
        media_type: Some(upload.format.media_type().to_owned()),
        status: DocumentStatus::Queued.as_str().into(),
        error_code: None,
        error_message: None,
        warnings: Vec::new(),
        stage: None,
        pages_done: 0,
        pages_total: None,
        language: None,
        version: None,
        chunk_count: 0,
        token_count: 0,
        created_at: now,
        updated_at: now,
        processed_at: None,
    };
    let mut db = app.db.write().await?;
    if !super::collections::ids(&mut db, tenant).await?.contains(&document.collection_id) {
        return Err(Error::invalid(
            "collection_id",
            "There is no such collection in this workspace. Make one first.",
        ));
    }
    if store::count_documents(&mut db, tenant).await? >= app.config.max_documents {
        return Err(Error::unprocessable(format!(
            "This workspace holds {} documents, which is its limit. Delete some, or ask whoever runs this server to raise FRONTDESK_MAX_DOCUMENTS.",
            app.config.max_documents
        )));
    }
    store::insert_document(&mut db, tenant, &document).await?;
    let event = Event::new("document.created", document.id.as_str()).with(json!({ "title": document.title }));
    audit::record(app, &mut db, tenant, by, event).await?;
    let task = Task::ProcessDocument { document: document.id.clone() };
    jobs::enqueue(app, &mut db, Some(tenant.id()), &task).await?;
    super::indexes::commit(app, db).await?;
    Ok(document)
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

fn missing() -> Error {
    Error::not_found("There is no such document.")
}

/// Removes a document with all its versions, chunks, and the stored original.
///
/// # Errors
/// Not found when the workspace has no such document.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &DocumentId) -> Result<()> {
    let mut db = app.db.write().await?;
    remove(&mut db, tenant, id).await?;
    audit::record(app, &mut db, tenant, by, Event::new("document.deleted", id.as_str())).await?;
    super::indexes::commit(app, db).await?;
    Ok(app.blobs.delete(tenant.id().as_str(), id.as_str()).await?)
}

async fn remove(db: &mut ::store::Write, tenant: &Tenant, id: &DocumentId) -> Result<()> {
    if store::delete_document(db, tenant, id).await? == 0 {
        return Err(missing());
    }
    store::next_generation(db, tenant).await.map(drop)
}

/// Reads a document's stored original again; what was read before answers until then.
///
/// # Errors
/// Not found when the workspace has no such document, conflict while it is being read.
pub async fn reprocess(app: &App, tenant: &Tenant, by: &Actor, id: &DocumentId) -> Result<Document> {
    let mut db = app.db.write().await?;
    let mut document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    if matches!(document.status.as_str(), "QUEUED" | "PROCESSING") {
        return Err(Error::conflict(
            "This document is being read already. Wait until it is COMPLETED or FAILED.",
        ));
    }
    queue_again(app, &mut db, tenant, id).await?;
    audit::record(app, &mut db, tenant, by, Event::new("document.reprocessed", id.as_str())).await?;
    db.commit().await?;
    app.bell.ring();
    document.status = DocumentStatus::Queued.as_str().into();
    Ok(document)
}

async fn queue_again(app: &App, db: &mut ::store::Write, tenant: &Tenant, id: &DocumentId) -> Result<()> {
    store::set_queued(db, tenant, id, app.clock.now()).await?;
    jobs::enqueue(app, db, Some(tenant.id()), &Task::ProcessDocument { document: id.clone() }).await.map(drop)
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
        queue_again(app, &mut db, tenant, id).await?;
    }
    db.commit().await?;
    app.bell.ring();
    Ok(stale.len())
}

/// Removes all documents of a workspace, one transaction each.
pub(crate) async fn erase_all(app: &App, tenant: &Tenant) -> Result<()> {
    loop {
        let page = Page { limit: 100, offset: 0 };
        let documents = list(app, tenant, Filter::default(), page).await?.items;
        if documents.is_empty() {
            return Ok(());
        }
        for document in documents {
            let mut db = app.db.write().await?;
            remove(&mut db, tenant, &document.id).await?;
            super::indexes::commit(app, db).await?;
            app.blobs.delete(tenant.id().as_str(), document.id.as_str()).await?;
        }
    }
}
