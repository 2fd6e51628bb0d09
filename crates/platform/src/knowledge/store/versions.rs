//! Versions: the texts a document has had.

use chrono::{DateTime, Utc};
use store::{Read, Write, sql};

use super::chunks::{next_generation, replace_chunks};
use crate::{
    DocumentId, Result, Tenant,
    knowledge::{Content, Document, Version, ingest::Prepared},
};

pub(in crate::knowledge) async fn versions(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<Vec<Version>> {
    Ok(db
        .all(sql!(
            "SELECT version, original, original_hash, file_name, size_bytes, media_type, created_at FROM document_versions
             WHERE workspace_id = $1 AND document_id = $2 ORDER BY version",
            tenant,
            id
        ))
        .await?)
}

/// A version's text; the latest when none is named.
pub(in crate::knowledge) async fn content(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
    version: Option<i64>,
) -> Result<Option<Content>> {
    let sql = sql!(
        "SELECT version, content, sections, warnings, media_type, language, pages, created_at FROM document_versions
         WHERE workspace_id = $1 AND document_id = $2",
        tenant,
        id
    );
    Ok(db.optional(sql.and("version = ", version).push(" ORDER BY version DESC LIMIT 1")).await?)
}

/// Names of all files that a document and its versions are kept in.
pub(in crate::knowledge) async fn originals(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .all(sql!(
            "SELECT original FROM documents WHERE workspace_id = $1 AND id = $2
             UNION SELECT original FROM document_versions WHERE workspace_id = $1 AND document_id = $2",
            tenant,
            id
        ))
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(in crate::knowledge) async fn is_original_of_version(
    db: &mut Read,
    tenant: &Tenant,
    id: &DocumentId,
    original: &str,
) -> Result<bool> {
    let count = db.count(sql!(
        "SELECT count(*) FROM document_versions WHERE workspace_id = $1 AND document_id = $2 AND original = $3",
        tenant,
        id,
        original
    ));
    Ok(count.await? > 0)
}

/// Puts what was read of a document in the place of what answered before. Gives the version's number: that of the
/// version it was read from or whose text it is still, else a new one.
pub(in crate::knowledge) async fn put_version(
    db: &mut Write,
    tenant: &Tenant,
    document: &Document,
    prepared: &Prepared,
    now: DateTime<Utc>,
) -> Result<i64> {
    let generation = next_generation(db, tenant).await?;
    let version = match prepared.version {
        Some(version) => version,
        None => keep_text(db, tenant, document, prepared, now).await?,
    };
    replace_chunks(db, tenant, &document.id, version, &prepared.chunks).await?;
    set_completed(db, tenant, document, (prepared, version, generation), now).await?;
    Ok(version)
}

async fn keep_text(
    db: &mut Write,
    tenant: &Tenant,
    document: &Document,
    prepared: &Prepared,
    now: DateTime<Utc>,
) -> Result<i64> {
    let text = &prepared.text;
    let same: Option<(i64,)> = db
        .optional(sql!(
            "SELECT version FROM document_versions
             WHERE workspace_id = $1 AND document_id = $2 AND version = $3 AND content_hash = $4",
            tenant,
            &document.id,
            document.version,
            prepared.content_hash.as_str()
        ))
        .await?;
    let version = match same {
        Some((version,)) => version,
        None => {
            let latest = "SELECT coalesce(max(version), 0) FROM document_versions WHERE workspace_id = $1 AND document_id = $2";
            1 + db.count(store::Sql::new(latest).bind(tenant).bind(&document.id)).await?
        }
    };
    db.execute(sql!(
        "INSERT INTO document_versions (document_id, workspace_id, version, content_hash, content, sections, warnings,
             original, original_hash, file_name, size_bytes, media_type, language, pages, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (document_id, version) DO UPDATE SET sections = excluded.sections, warnings = excluded.warnings,
             media_type = excluded.media_type, language = excluded.language, pages = excluded.pages",
        &document.id,
        tenant,
        version,
        prepared.content_hash.as_str(),
        text.text.as_str(),
        serde_json::to_value(&text.sections)?,
        serde_json::to_value(&text.warnings)?,
        document.original.as_str(),
        document.content_hash.as_str(),
        document.file_name.as_str(),
        document.size_bytes,
        text.media_type.clone(),
        text.language.clone(),
        text.pages,
        now
    ))
    .await?;
    Ok(version)
}

async fn set_completed(
    db: &mut Write,
    tenant: &Tenant,
    document: &Document,
    (prepared, version, generation): (&Prepared, i64, i64),
    now: DateTime<Utc>,
) -> Result<()> {
    let text = &prepared.text;
    let tokens: i64 = prepared.chunks.iter().map(|c| i64::from(c.tokens)).sum();
    let count = i64::try_from(prepared.chunks.len()).unwrap_or(i64::MAX);
    db.execute(sql!(
        "UPDATE documents SET status = 'COMPLETED', error_code = NULL, error_message = NULL, stage = NULL, warnings = $3,
                media_type = $4, language = $5, version = $6, chunk_count = $7, token_count = $8, embedding = $9,
                indexed_generation = $10, pages_total = $11, pages_done = coalesce($11, pages_done), chunks_done = $7,
                chunks_total = $7, updated_at = $12, processed_at = $12
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &document.id,
        serde_json::to_value(&text.warnings)?,
        text.media_type.clone(),
        text.language.clone(),
        version,
        count,
        tokens,
        prepared.embedding.clone(),
        generation,
        text.pages,
        now
    ))
    .await?;
    Ok(())
}
