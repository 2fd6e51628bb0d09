//! Chunks, and what the index reads.

use sqlx::FromRow;
use store::{Read, Sql, Value, Write, sql};

use crate::{
    CollectionId, DocumentId, Result, Tenant,
    knowledge::{Preview, ingest::PreparedChunk},
};

/// Chunks that a document's details show.
const PREVIEWS: i64 = 5;
/// Rows of one INSERT: thirteen values each stay far below PostgreSQL's 65,535 and SQLite's 32,766.
const ROWS_AT_ONCE: usize = 200;

/// Puts chunks in the place of all that the document had.
pub(super) async fn replace_chunks(
    db: &mut Write,
    tenant: &Tenant,
    id: &DocumentId,
    version: i64,
    chunks: &[PreparedChunk],
) -> Result<()> {
    db.execute(sql!("DELETE FROM chunks WHERE workspace_id = $1 AND document_id = $2", tenant, id)).await?;
    for rows in chunks.chunks(ROWS_AT_ONCE) {
        let insert = Sql::new(
            "INSERT INTO chunks (document_id, workspace_id, version, ordinal, content, heading, page, row_number, sheet,
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
                c.sheet.clone().into(),
                c.char_start.into(),
                i64::from(c.tokens).into(),
                Value::from(c.terms.encode()),
                Value::from(c.vector.as_deref().map(encode_vector)),
            ])
        });
        db.execute(insert).await?;
    }
    Ok(())
}

pub(in crate::knowledge) async fn previews(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<Vec<Preview>> {
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

/// The workspace's generation after one more change of what can be searched.
pub(in crate::knowledge) async fn next_generation(db: &mut Write, tenant: &Tenant) -> Result<i64> {
    Ok(db
        .count(sql!(
            "UPDATE workspaces SET index_generation = index_generation + 1 WHERE id = $1 RETURNING index_generation",
            tenant
        ))
        .await?)
}

/// A document as the index needs it.
#[derive(FromRow)]
pub(in crate::knowledge) struct IndexedDocument {
    pub id: DocumentId,
    pub collection_id: CollectionId,
    pub version: i64,
    pub embedding: Option<String>,
    pub chunk_count: i64,
    pub indexed_generation: i64,
}

/// A chunk as the index needs it.
#[derive(FromRow)]
pub(in crate::knowledge) struct IndexedChunk {
    pub document_id: DocumentId,
    pub ordinal: i64,
    pub terms: Vec<u8>,
    pub vector: Option<Vec<u8>>,
    pub content: String,
    pub heading: Option<String>,
    pub page: Option<i64>,
    pub row_number: Option<i64>,
    pub sheet: Option<String>,
    pub char_start: i64,
    pub token_count: i64,
}

pub(in crate::knowledge) async fn generation(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT index_generation FROM workspaces WHERE id = $1", tenant)).await?)
}

pub(in crate::knowledge) async fn indexed_documents(
    db: &mut Read,
    tenant: &Tenant,
) -> Result<Vec<IndexedDocument>> {
    Ok(db
        .all(sql!(
            "SELECT id, collection_id, version, embedding, chunk_count, indexed_generation FROM documents
             WHERE workspace_id = $1 AND version IS NOT NULL ORDER BY id",
            tenant
        ))
        .await?)
}

/// What is told of a document beside its passages.
#[derive(FromRow)]
pub(in crate::knowledge) struct Titled {
    pub id: DocumentId,
    pub title: String,
    pub source_url: Option<String>,
}

pub(in crate::knowledge) async fn titles(
    db: &mut Read,
    tenant: &Tenant,
    documents: &[&IndexedDocument],
) -> Result<Vec<Titled>> {
    Ok(db
        .all(
            sql!("SELECT id, title, source_url FROM documents WHERE workspace_id = $1", tenant)
                .and_in("id", documents.iter().map(|document| &document.id)),
        )
        .await?)
}

pub(in crate::knowledge) async fn indexed_chunks(
    db: &mut Read,
    tenant: &Tenant,
    documents: &[&IndexedDocument],
) -> Result<Vec<IndexedChunk>> {
    Ok(db
        .all(
            sql!(
                "SELECT c.document_id, c.ordinal, c.terms, c.vector, c.content, c.heading, c.page, c.row_number, c.sheet,
                        c.char_start, c.token_count
                 FROM chunks c
                 JOIN documents d ON d.id = c.document_id AND d.version = c.version WHERE c.workspace_id = $1",
                tenant
            )
            .and_in("c.document_id", documents.iter().map(|document| &document.id))
            .push(" ORDER BY c.document_id, c.ordinal"),
        )
        .await?)
}

/// Little-endian f32.
fn encode_vector(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub(in crate::knowledge) fn decode_vector(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}
