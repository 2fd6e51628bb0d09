//! Versions: every text that a document has had stays readable as it was, and can be made to answer again.

use ::documents::Section;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{
    documents::{Document, DocumentStatus, missing, queue_again, require_idle},
    store,
    uploads::released,
};
use crate::{
    Actor, App, DocumentId, Error, Result, Tenant,
    audit::{self, Event},
    files,
};

/// A version, without its text.
#[derive(Clone, Debug, FromRow)]
pub struct Version {
    /// Its number, from 1.
    pub version: i64,
    /// The name under which its original is stored.
    pub original: String,
    /// SHA-256 of the original.
    pub original_hash: String,
    /// What the file was called.
    pub file_name: String,
    /// Bytes of the original.
    pub size_bytes: i64,
    /// What the content turned out to be.
    pub media_type: Option<String>,
    /// When it was first read.
    pub created_at: DateTime<Utc>,
}

/// A version's text as it was understood.
#[derive(Clone, Debug, FromRow)]
pub struct Content {
    /// Its number.
    pub version: i64,
    /// The whole text in reading order.
    #[sqlx(rename = "content")]
    pub text: String,
    /// The blocks of the text and where each stands in the document.
    #[sqlx(json)]
    pub sections: Vec<Section>,
    /// What was left out or guessed.
    #[sqlx(json)]
    pub warnings: Vec<String>,
    /// What the content turned out to be.
    pub media_type: Option<String>,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Pages, when it has pages.
    pub pages: Option<i64>,
    /// When it was first read.
    pub created_at: DateTime<Utc>,
}

/// The text of a version; of the one that answers when none is named, else of the latest.
///
/// # Errors
/// Not found when there is no such document or version, or nothing was read yet.
pub async fn content(
    app: &App,
    tenant: &Tenant,
    id: &DocumentId,
    version: Option<i64>,
) -> Result<(Document, Content)> {
    let mut db = app.db.read().await?;
    let document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let content = store::content(&mut db, tenant, id, version.or(document.version)).await?;
    let content = content.ok_or_else(|| match version {
        Some(_) => no_version(),
        None => Error::not_found("This document has not been read yet."),
    })?;
    Ok((document, content))
}

fn no_version() -> Error {
    Error::not_found("This document has no such version.")
}

/// Makes a former version answer again, from its kept text; the present one answers until then.
///
/// # Errors
/// Not found when there is no such document or version; conflict while the document is being read, when it was retired,
/// or when this version answers already.
pub async fn restore(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &DocumentId,
    version: i64,
) -> Result<Document> {
    let mut db = app.db.write().await?;
    let document = store::document(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let versions = store::versions(&mut db, tenant, id).await?;
    let wanted = versions.into_iter().find(|v| v.version == version).ok_or_else(no_version)?;
    require_idle(&document)?;
    if document.version == Some(version) {
        return Err(Error::conflict("This version answers already."));
    }
    let former = document.original.clone();
    let document = Document {
        original: wanted.original,
        file_name: wanted.file_name,
        size_bytes: wanted.size_bytes,
        content_hash: wanted.original_hash,
        media_type: wanted.media_type,
        status: DocumentStatus::Queued.as_str().into(),
        updated_at: app.clock.now(),
        ..document
    };
    store::set_original(&mut db, tenant, &document).await?;
    queue_again(app, &mut db, tenant, id, Some(version)).await?;
    let event = Event::new("document.restored", id.as_str()).with(json!({ "version": version }));
    audit::record(app, &mut db, tenant, by, event).await?;
    let dropped = released(&mut db, tenant, &document, former).await?;
    db.commit().await?;
    app.bell.ring();
    files::remove(app, tenant, &dropped).await?;
    Ok(document)
}
