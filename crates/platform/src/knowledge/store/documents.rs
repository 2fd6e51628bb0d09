//! Documents.

use chrono::{DateTime, Utc};
use store::{Read, Sql, Write, sql};

use crate::{
    CollectionId, DocumentId, Page, Paged, Result, Tenant, WorkspaceId,
    knowledge::{Document, Filter},
};

/// Documents that are erased in one transaction.
const SOME: i64 = 100;

const DOCUMENT: &str = "SELECT id, collection_id, title, source_type, source_url, original, file_name, size_bytes,
    content_hash, media_type, status, error_code, error_message, warnings, stage, pages_done, pages_total, chunks_done,
    chunks_total, language, version, chunk_count, token_count, created_at, updated_at, processed_at, retired_at FROM documents WHERE workspace_id = $1";

pub(in crate::knowledge) async fn insert_document(
    db: &mut Write,
    tenant: &Tenant,
    d: &Document,
    key: &str,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO documents (id, workspace_id, collection_id, title, source_type, source_url, file_name, size_bytes,
             content_hash, media_type, status, warnings, pages_done, chunk_count, token_count, indexed_generation,
             original, source_key, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, $14, $15, $16)",
        &d.id,
        tenant,
        &d.collection_id,
        d.title.as_str(),
        d.source_type.as_str(),
        d.source_url.clone(),
        d.file_name.as_str(),
        d.size_bytes,
        d.content_hash.as_str(),
        d.media_type.clone(),
        d.status.as_str(),
        serde_json::to_value(&d.warnings)?,
        d.original.as_str(),
        key,
        d.created_at,
        d.updated_at,
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge) async fn count_documents(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT count(*) FROM documents WHERE workspace_id = $1", tenant)).await?)
}

pub(in crate::knowledge) async fn list_documents(
    db: &mut Read,
    tenant: &Tenant,
    filter: Filter,
    page: Page,
) -> Result<Paged<Document>> {
    let narrow = |sql: Sql| {
        let sql = sql.push(" AND retired_at IS NULL");
        let like = filter.search.as_ref().map(|text| format!("%{}%", escape_like(&text.to_lowercase())));
        let sql = sql
            .and("collection_id = ", filter.collection.as_ref())
            .and("status = ", filter.status.map(|status| status.as_str()))
            .and("lower(title) LIKE ", like);
        if filter.search.is_some() { sql.push(" ESCAPE '\\'") } else { sql }
    };
    let total =
        db.count(narrow(sql!("SELECT count(*) FROM documents WHERE workspace_id = $1", tenant))).await?;
    let items = db
        .all(
            narrow(Sql::new(DOCUMENT).bind(tenant))
                .push(" ORDER BY id DESC")
                .push_bind(" LIMIT ", page.limit)
                .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    Ok(Paged { items, total, page })
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub(in crate::knowledge) async fn document(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<Option<Document>> {
    Ok(db.optional(Sql::new(DOCUMENT).bind(tenant).and("id = ", Some(id))).await?)
}

pub(in crate::knowledge) async fn delete_document(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM documents WHERE workspace_id = $1 AND id = $2", tenant, id)).await?)
}

pub(in crate::knowledge) async fn set_queued(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET status = 'QUEUED', error_code = NULL, error_message = NULL, stage = NULL, pages_done = 0, pages_total = NULL,
                chunks_done = 0, chunks_total = NULL,
                updated_at = $3
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        now
    ))
    .await?;
    Ok(())
}

/// What the reading of a document is at.
#[derive(Clone, Copy, Default)]
pub(in crate::knowledge) struct Reading {
    pub pages: (i64, Option<i64>),
    pub chunks: (i64, Option<i64>),
}

pub(in crate::knowledge) async fn set_progress(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    (stage, at): (&str, Reading),
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET status = 'PROCESSING', stage = $3, pages_done = $4, pages_total = $5, chunks_done = $6,
                chunks_total = $7, updated_at = $8
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        stage,
        at.pages.0,
        at.pages.1,
        at.chunks.0,
        at.chunks.1,
        now
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge) async fn set_failed(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    error: (&str, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET status = 'FAILED', error_code = $3, error_message = $4, stage = NULL, updated_at = $5
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        error.0,
        error.1,
        now
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge) async fn stale_documents(
    db: &mut Read,
    model: Option<&str>,
) -> Result<Vec<(Tenant, DocumentId)>> {
    let rows: Vec<(WorkspaceId, DocumentId)> = db
        .all(sql!(
            "SELECT workspace_id, id FROM documents WHERE status = 'COMPLETED' AND coalesce(embedding, '') <> $1 ORDER BY id",
            model.unwrap_or_default()
        ))
        .await?;
    Ok(rows.into_iter().map(|(workspace, id)| (Tenant::new(workspace), id)).collect())
}

/// The document of a collection that comes from a source.
pub(in crate::knowledge) async fn document_by_source(
    db: &mut Read,
    tenant: &Tenant,
    collection: &CollectionId,
    key: &str,
) -> Result<Option<Document>> {
    let sql = Sql::new(DOCUMENT).bind(tenant).and("collection_id = ", Some(collection));
    Ok(db.optional(sql.and("source_key = ", Some(key))).await?)
}

/// Takes a document's original from the row in hand and has it read.
pub(in crate::knowledge) async fn set_original(db: &mut Write, tenant: &Tenant, d: &Document) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET title = $3, source_type = $4, source_url = $5, original = $6, file_name = $7, size_bytes = $8,
                content_hash = $9, media_type = $10, retired_at = NULL, status = 'QUEUED', error_code = NULL,
                error_message = NULL, stage = NULL, pages_done = 0, pages_total = NULL, chunks_done = 0, chunks_total = NULL,
                updated_at = $11
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &d.id,
        d.title.as_str(),
        d.source_type.as_str(),
        d.source_url.clone(),
        d.original.as_str(),
        d.file_name.as_str(),
        d.size_bytes,
        d.content_hash.as_str(),
        d.media_type.clone(),
        d.updated_at
    ))
    .await?;
    Ok(())
}

/// Gives a document the title and collection of the row in hand.
pub(in crate::knowledge) async fn relocate(
    db: &mut Write,
    tenant: &Tenant,
    d: &Document,
    key: &str,
    generation: i64,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET title = $3, collection_id = $4, source_key = $5, indexed_generation = $6, updated_at = $7
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &d.id,
        d.title.as_str(),
        &d.collection_id,
        key,
        generation,
        d.updated_at
    ))
    .await?;
    Ok(())
}

/// Takes a document's chunks away and leaves its versions.
pub(in crate::knowledge) async fn retire_document(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!("DELETE FROM chunks WHERE workspace_id = $1 AND document_id = $2", tenant, id)).await?;
    db.execute(sql!(
        "UPDATE documents SET version = NULL, chunk_count = 0, token_count = 0, retired_at = $3, updated_at = $3
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        now
    ))
    .await?;
    Ok(())
}

/// A few documents of a workspace or of one of its collections, the retired ones too.
pub(in crate::knowledge) async fn some_documents(
    db: &mut Read,
    tenant: &Tenant,
    collection: Option<&CollectionId>,
) -> Result<Vec<DocumentId>> {
    let sql = sql!("SELECT id FROM documents WHERE workspace_id = $1", tenant)
        .and("collection_id = ", collection)
        .push(" ORDER BY id")
        .push_bind(" LIMIT ", SOME);
    Ok(db.all::<(DocumentId,)>(sql).await?.into_iter().map(|(id,)| id).collect())
}

pub(in crate::knowledge) async fn count_whole(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT count(*) FROM documents
             WHERE workspace_id = $1 AND status = 'COMPLETED' AND retired_at IS NULL",
            tenant
        ))
        .await?)
}
