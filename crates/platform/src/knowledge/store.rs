//! The tables of collections, documents, their versions and chunks.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Sql, Value, Write, sql};

use super::{Collection, Document, Filter, Preview, ingest::Prepared};
use crate::{CollectionId, DocumentId, Page, Paged, Result, Tenant, WorkspaceId};

/// Chunks that a document's details show.
const PREVIEWS: i64 = 5;
/// Rows of one INSERT: ten values each stay far below PostgreSQL's 65,535 and SQLite's 32,766.
const ROWS_AT_ONCE: usize = 200;

const DOCUMENT: &str = "SELECT id, collection_id, title, source_type, source_url, file_name, size_bytes, content_hash,
    media_type, status, error_code, error_message, warnings, stage, pages_done, pages_total, language, version,
    chunk_count, token_count, created_at, updated_at, processed_at FROM documents WHERE workspace_id = $1";

pub(super) async fn insert_collection(db: &mut Write, tenant: &Tenant, c: &Collection) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO collections (id, workspace_id, name, description, created_at) VALUES ($1, $2, $3, $4, $5)",
        &c.id,
        tenant,
        c.name.as_str(),
        c.description.clone(),
        c.created_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn collections(db: &mut Read, tenant: &Tenant) -> Result<Vec<Collection>> {
    Ok(db
        .all(sql!(
            "SELECT c.id, c.name, c.description, c.created_at,
                    (SELECT count(*) FROM documents d WHERE d.collection_id = c.id) AS document_count
             FROM collections c WHERE c.workspace_id = $1 ORDER BY c.id",
            tenant
        ))
        .await?)
}

pub(super) async fn insert_document(db: &mut Write, tenant: &Tenant, d: &Document) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO documents (id, workspace_id, collection_id, title, source_type, source_url, file_name, size_bytes,
             content_hash, media_type, status, warnings, pages_done, chunk_count, token_count, indexed_generation,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, $14)",
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
        d.created_at,
        d.updated_at,
    ))
    .await?;
    Ok(())
}

pub(super) async fn count_documents(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT count(*) FROM documents WHERE workspace_id = $1", tenant)).await?)
}

pub(super) async fn list_documents(
    db: &mut Read,
    tenant: &Tenant,
    filter: Filter,
    page: Page,
) -> Result<Paged<Document>> {
    let narrow = |sql: Sql| {
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

pub(super) async fn document(db: &mut Read, tenant: &Tenant, id: &DocumentId) -> Result<Option<Document>> {
    Ok(db.optional(Sql::new(DOCUMENT).bind(tenant).and("id = ", Some(id))).await?)
}

pub(super) async fn versions(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<Vec<(i64, DateTime<Utc>)>> {
    Ok(db
        .all(sql!(
            "SELECT version, created_at FROM document_versions WHERE workspace_id = $1 AND document_id = $2 ORDER BY version",
            tenant,
            id
        ))
        .await?)
}

pub(super) async fn previews(db: &mut Read, tenant: &Tenant, id: &DocumentId) -> Result<Vec<Preview>> {
    Ok(db
        .all(sql!(
            "SELECT c.ordinal, c.content, c.token_count FROM chunks c JOIN documents d ON d.id = c.document_id
             WHERE c.workspace_id = $1 AND c.document_id = $2 AND c.version = d.version ORDER BY c.ordinal LIMIT $3",
            tenant,
            id,
            PREVIEWS
        ))
        .await?)
}

pub(super) async fn delete_document(db: &mut Write, tenant: &Tenant, id: &DocumentId) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM documents WHERE workspace_id = $1 AND id = $2", tenant, id)).await?)
}

/// The workspace's generation after one more change of what can be searched.
pub(super) async fn next_generation(db: &mut Write, tenant: &Tenant) -> Result<i64> {
    Ok(db
        .count(sql!(
            "UPDATE workspaces SET index_generation = index_generation + 1 WHERE id = $1 RETURNING index_generation",
            tenant
        ))
        .await?)
}

pub(super) async fn set_queued(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET status = 'QUEUED', error_code = NULL, error_message = NULL, stage = NULL, pages_done = 0,
                updated_at = $3
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn set_progress(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    stage: &str,
    pages: (i64, Option<i64>),
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE documents SET status = 'PROCESSING', stage = $3, pages_done = $4, pages_total = $5, updated_at = $6
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        stage,
        pages.0,
        pages.1,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn set_failed(
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

/// Puts a version with its chunks in the place of what answered before.
pub(super) async fn put_version(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    prepared: &Prepared,
    now: DateTime<Utc>,
) -> Result<()> {
    let version = prepared.version;
    let generation = next_generation(db, tenant).await?;
    db.execute(sql!("DELETE FROM chunks WHERE workspace_id = $1 AND document_id = $2", tenant, id)).await?;
    db.execute(sql!(
        "INSERT INTO document_versions (document_id, workspace_id, version, content_hash, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (document_id, version) DO UPDATE SET content = excluded.content, content_hash = excluded.content_hash",
        id,
        tenant,
        version,
        prepared.content_hash.as_str(),
        prepared.extracted.text.as_str(),
        now
    ))
    .await?;
    for rows in prepared.chunks.chunks(ROWS_AT_ONCE) {
        let insert = Sql::new(
            "INSERT INTO chunks (document_id, workspace_id, version, ordinal, content, heading, page, row_number,
                 char_start, token_count, terms, vector) VALUES",
        );
        let insert = rows.iter().fold(insert, |insert, c| {
            insert.push_row([
                id.into(),
                tenant.into(),
                version.into(),
                c.ordinal.into(),
                c.content.as_str().into(),
                c.heading.clone().into(),
                c.page.map(i64::from).into(),
                c.row.map(i64::from).into(),
                c.char_start.into(),
                i64::from(c.tokens).into(),
                Value::from(c.terms.encode()),
                Value::from(c.vector.as_deref().map(encode_vector)),
            ])
        });
        db.execute(insert).await?;
    }
    let tokens: i64 = prepared.chunks.iter().map(|c| i64::from(c.tokens)).sum();
    let count = i64::try_from(prepared.chunks.len()).unwrap_or(i64::MAX);
    db.execute(sql!(
        "UPDATE documents SET status = 'COMPLETED', error_code = NULL, error_message = NULL, stage = NULL, warnings = $3,
                media_type = $4, language = $5, version = $6, chunk_count = $7, token_count = $8, embedding = $9,
                indexed_generation = $10, pages_total = $11, pages_done = coalesce($12, pages_done), updated_at = $13,
                processed_at = $14
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        serde_json::to_value(&prepared.extracted.warnings)?,
        prepared.extracted.format.media_type(),
        prepared.extracted.language.clone(),
        version,
        count,
        tokens,
        prepared.embedding.clone(),
        generation,
        prepared.extracted.pages.map(i64::from),
        prepared.extracted.pages.map(i64::from),
        now,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn stale_documents(db: &mut Read, model: Option<&str>) -> Result<Vec<(Tenant, DocumentId)>> {
    let rows: Vec<(WorkspaceId, DocumentId)> = db
        .all(sql!(
            "SELECT workspace_id, id FROM documents WHERE status = 'COMPLETED' AND coalesce(embedding, '') <> $1 ORDER BY id",
            model.unwrap_or_default()
        ))
        .await?;
    Ok(rows.into_iter().map(|(workspace, id)| (Tenant::new(workspace), id)).collect())
}

/// A document as the index needs it.
#[derive(FromRow)]
pub(super) struct IndexedDocument {
    pub id: DocumentId,
    pub collection_id: CollectionId,
    pub version: i64,
    pub embedding: Option<String>,
    pub chunk_count: i64,
    pub indexed_generation: i64,
}

/// A chunk as the index needs it.
#[derive(FromRow)]
pub(super) struct IndexedChunk {
    pub document_id: DocumentId,
    pub ordinal: i64,
    pub terms: Vec<u8>,
    pub vector: Option<Vec<u8>>,
}

pub(super) async fn generation(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT index_generation FROM workspaces WHERE id = $1", tenant)).await?)
}

pub(super) async fn indexed_documents(db: &mut Read, tenant: &Tenant) -> Result<Vec<IndexedDocument>> {
    Ok(db
        .all(sql!(
            "SELECT id, collection_id, version, embedding, chunk_count, indexed_generation FROM documents
             WHERE workspace_id = $1 AND version IS NOT NULL ORDER BY id",
            tenant
        ))
        .await?)
}

pub(super) async fn indexed_chunks(
    db: &mut Read,
    tenant: &Tenant,
    documents: &[&IndexedDocument],
) -> Result<Vec<IndexedChunk>> {
    Ok(db
        .all(
            sql!(
                "SELECT c.document_id, c.ordinal, c.terms, c.vector FROM chunks c
                 JOIN documents d ON d.id = c.document_id AND d.version = c.version WHERE c.workspace_id = $1",
                tenant
            )
            .and_in("c.document_id", documents.iter().map(|document| &document.id))
            .push(" ORDER BY c.document_id, c.ordinal"),
        )
        .await?)
}

/// A chunk's text and place, as an answer needs it.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Text {
    pub document_id: DocumentId,
    pub ordinal: i64,
    pub title: String,
    pub source_url: Option<String>,
    pub content: String,
    pub heading: Option<String>,
    pub page: Option<i64>,
    pub row_number: Option<i64>,
    pub char_start: i64,
}

pub(super) async fn texts<'a>(
    db: &mut Read,
    tenant: &Tenant,
    places: impl Iterator<Item = (&'a str, i64, i64)>,
) -> Result<Vec<Text>> {
    let mut query = sql!(
        "SELECT c.document_id, c.ordinal, d.title, d.source_url, c.content, c.heading, c.page, c.row_number, c.char_start
         FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.workspace_id = $1",
        tenant
    )
    .push(" AND (");
    let mut first = true;
    // Nothing but alternatives on the primary key: a constant among them would make SQLite scan the table.
    for (document, version, ordinal) in places {
        query = query
            .push(if std::mem::take(&mut first) { "" } else { " OR " })
            .push_bind("(c.document_id = ", document)
            .push_bind(" AND c.version = ", version)
            .push_bind(" AND c.ordinal = ", ordinal)
            .push(")");
    }
    if first { Ok(Vec::new()) } else { Ok(db.all(query.push(")")).await?) }
}

/// Little-endian f32.
fn encode_vector(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub(super) fn decode_vector(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}
