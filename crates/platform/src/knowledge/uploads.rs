//! How something becomes a document: it is stored, put in its document's place, and queued to be read.

use std::fmt;

use ::store::Write;
use bytes::Bytes;
use futures_util::Stream;
use serde_json::json;

use super::{
    documents::{Document, DocumentStatus},
    indexes, store,
};
use crate::{
    Actor, App, CollectionId, DocumentId, Error, Result, Tenant,
    audit::{self, Event},
    billing::{self, Limit},
    files::{self, File},
    jobs::{self, Task},
};

/// An upload that has arrived whole and is not yet a document; see [`receive`].
#[derive(Debug)]
pub struct Upload {
    /// The stored file's name, and the document's id when it becomes a new one.
    id: DocumentId,
    file: File,
}

impl Upload {
    /// The stored file's name.
    pub(super) fn original(&self) -> &str {
        self.id.as_str()
    }
}

/// Where a document comes from. It tells whether something is new or another version of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file that somebody uploaded.
    File,
    /// A text that somebody pasted.
    Text,
    /// A question and its answer.
    Qa,
    /// A page or file on the web, by its canonical address.
    Url(String),
}

impl Source {
    fn kind(&self) -> &'static str {
        match self {
            Self::File => "FILE",
            Self::Text => "TEXT",
            Self::Qa => "QA",
            Self::Url(_) => "URL",
        }
    }

    fn url(&self) -> Option<String> {
        match self {
            Self::Url(url) => Some(url.clone()),
            _ => None,
        }
    }
}

/// What tells the same source in a collection: an address, else the title.
pub(super) fn source_key(url: Option<&str>, title: &str) -> String {
    match url {
        Some(url) => format!("url:{url}"),
        None => format!("title:{title}"),
    }
}

/// What an upload is to become.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its shelf.
    pub collection: CollectionId,
    /// Its title; the file's name when there is none.
    pub title: Option<String>,
    /// Where it comes from.
    pub source: Source,
}

/// What an upload changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is one more document.
    Created,
    /// A document will have another version.
    Updated,
    /// Nothing: these bytes are what the document was read from already.
    Unchanged,
}

/// An upload in its document's place, as part of a change.
pub(super) struct Placed {
    pub document: Document,
    pub change: Change,
    /// Stored files that nothing names any more; they go after the commit.
    pub dropped: Vec<String>,
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
    let file = files::receive(app, tenant, (id.as_str(), file_name), stream).await?;
    Ok(Upload { id, file })
}

/// Drops an upload that is not to become a document.
///
/// # Errors
/// When the disk fails.
pub async fn discard(app: &App, tenant: &Tenant, upload: Upload) -> Result<()> {
    files::remove(app, tenant, &[upload.original().to_owned()]).await
}

/// Makes an upload a document, or another version of the one that came from the same source before, and queues its
/// reading. The same bytes again change nothing.
///
/// # Errors
/// Invalid when there is no such collection, unprocessable when the workspace is full; nothing is kept then.
pub async fn accept(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    upload: Upload,
    form: NewDocument,
) -> Result<(Document, Change)> {
    match commit(app, tenant, by, &upload, form).await {
        Ok(placed) => {
            app.bell.ring();
            files::remove(app, tenant, &placed.dropped).await?;
            Ok((placed.document, placed.change))
        }
        Err(error) => {
            discard(app, tenant, upload).await?;
            Err(error)
        }
    }
}

async fn commit(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    upload: &Upload,
    form: NewDocument,
) -> Result<Placed> {
    let mut db = app.db.write().await?;
    let placed = place(app, &mut db, tenant, upload, form).await?;
    let document = &placed.document;
    let action = match placed.change {
        Change::Created => Some("document.created"),
        Change::Updated => Some("document.updated"),
        Change::Unchanged => None,
    };
    if let Some(action) = action {
        let event = Event::new(action, document.id.as_str()).with(json!({ "title": document.title }));
        audit::record(app, &mut db, tenant, by, event).await?;
    }
    indexes::commit(app, db).await?;
    Ok(placed)
}

/// Puts an upload in its document's place as part of a change, and queues its reading. The caller commits by
/// [`indexes::commit`], rings the bell, and drops the files that are named.
///
/// # Errors
/// As [`accept`].
pub(super) async fn place(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    upload: &Upload,
    form: NewDocument,
) -> Result<Placed> {
    super::collections::require(db, tenant, &form.collection).await?;
    let title = form.title.clone().unwrap_or_else(|| upload.file.name.clone());
    let key = source_key(form.source.url().as_deref(), &title);
    match store::document_by_source(db, tenant, &form.collection, &key).await? {
        Some(found) => renew(app, db, tenant, upload, (found, title, &form.source)).await,
        None => create(app, db, tenant, upload, (form, title, key)).await,
    }
}

async fn create(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    upload: &Upload,
    (form, title, key): (NewDocument, String, String),
) -> Result<Placed> {
    if store::count_documents(db, tenant).await? >= app.config.max_documents {
        return Err(Error::unprocessable(format!(
            "This workspace holds {} documents, which is its limit. Delete some, or ask whoever runs this server to raise FRONTDESK_MAX_DOCUMENTS.",
            app.config.max_documents
        )));
    }
    billing::make_room(app, db, tenant, Limit::Documents, 1).await?;
    billing::make_room(app, db, tenant, Limit::Storage, upload.file.size()?).await?;
    let now = app.clock.now();
    let document = Document {
        id: upload.id.clone(),
        collection_id: form.collection,
        title,
        source_type: form.source.kind().into(),
        source_url: form.source.url(),
        original: upload.original().to_owned(),
        file_name: upload.file.name.clone(),
        size_bytes: upload.file.size()?,
        content_hash: upload.file.hash(),
        media_type: Some(upload.file.format.media_type().to_owned()),
        status: DocumentStatus::Queued.as_str().into(),
        error_code: None,
        error_message: None,
        warnings: Vec::new(),
        stage: None,
        pages_done: 0,
        pages_total: None,
        chunks_done: 0,
        chunks_total: None,
        language: None,
        version: None,
        chunk_count: 0,
        token_count: 0,
        created_at: now,
        updated_at: now,
        processed_at: None,
        retired_at: None,
    };
    store::insert_document(db, tenant, &document, &key).await?;
    jobs::enqueue(app, db, Some(tenant.id()), &Task::read(&document.id)).await?;
    Ok(Placed { document, change: Change::Created, dropped: Vec::new() })
}

async fn renew(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    upload: &Upload,
    (found, title, source): (Document, String, &Source),
) -> Result<Placed> {
    let failed = found.status == DocumentStatus::Failed.as_str();
    if found.content_hash == upload.file.hash() && !failed && found.retired_at.is_none() {
        let dropped = vec![upload.original().to_owned()];
        return Ok(Placed { document: found, change: Change::Unchanged, dropped });
    }
    let more = upload.file.size()?.saturating_sub(found.size_bytes);
    billing::make_room(app, db, tenant, Limit::Storage, more).await?;
    let before = found.original.clone();
    let document = Document {
        title,
        source_type: source.kind().into(),
        source_url: source.url(),
        original: upload.original().to_owned(),
        file_name: upload.file.name.clone(),
        size_bytes: upload.file.size()?,
        content_hash: upload.file.hash(),
        media_type: Some(upload.file.format.media_type().to_owned()),
        status: DocumentStatus::Queued.as_str().into(),
        retired_at: None,
        updated_at: app.clock.now(),
        ..found
    };
    store::set_original(db, tenant, &document).await?;
    jobs::enqueue(app, db, Some(tenant.id()), &Task::read(&document.id)).await?;
    let dropped = released(db, tenant, &document, before).await?;
    Ok(Placed { document, change: Change::Updated, dropped })
}

/// The former original of a document that has another now, unless a version still names it.
pub(super) async fn released(
    db: &mut Write,
    tenant: &Tenant,
    document: &Document,
    former: String,
) -> Result<Vec<String>> {
    let named = former == document.original
        || store::is_original_of_version(db, tenant, &document.id, &former).await?;
    Ok(if named { Vec::new() } else { vec![former] })
}
