//! Texts that are searched for one question and are no part of the knowledge: what visitors attach.

use ::documents::Section;
use retrieval::{ChunkRow, DocumentRows, Mode, Query};

use super::{Found, ingest};
use crate::{App, DocumentId, Error, Result};

/// A text and its blocks.
#[derive(Clone, Debug)]
pub(crate) struct Loose {
    pub id: DocumentId,
    pub title: String,
    pub text: String,
    pub sections: Vec<Section>,
}

/// Passages of a text that are given their vectors: of a longer one the first. A visitor waits for it.
const MOST: usize = 200;

/// The passages of some texts that fit a question best, found as those of the knowledge are.
///
/// # Errors
/// What the provider of embeddings says.
pub(crate) async fn search_in(
    app: &App,
    texts: &[Loose],
    (question, vector): (&str, Option<&[f32]>),
    limit: usize,
) -> Result<Vec<Found>> {
    let cut = texts.to_vec();
    let cut = tokio::task::spawn_blocking(move || {
        cut.iter().map(|one| ingest::cut_loose(one, MOST)).collect::<Vec<_>>()
    });
    let mut parts = cut.await.map_err(Error::internal)?;
    if vector.is_some() {
        for (one, chunks) in texts.iter().zip(&mut parts) {
            ingest::embed_part(app, &one.title, chunks).await?;
        }
    }
    let rows = texts.iter().zip(&parts).map(|(one, chunks)| {
        let row = |chunk: &ingest::PreparedChunk| ChunkRow {
            ordinal: chunk.ordinal,
            terms: chunk.terms.clone(),
            vector: chunk.vector.clone(),
        };
        let chunks = chunks.iter().map(row).collect();
        DocumentRows {
            document_id: one.id.as_str().to_owned(),
            collection_id: String::new(),
            version: 1,
            chunks,
        }
    });
    let index = app.indexes.empty().with(rows.collect(), &[]).map_err(Error::internal)?;
    let query =
        Query { terms: retrieval::analyse_query(question), vector, collections: None, mode: Mode::Fused };
    let hits = index.search(&query, limit);
    Ok(hits
        .into_iter()
        .filter_map(|hit| {
            let (one, chunks) =
                texts.iter().zip(&parts).find(|(one, _)| one.id.as_str() == &*hit.document_id)?;
            let chunk = chunks.iter().find(|chunk| chunk.ordinal == hit.ordinal)?;
            Some(Found {
                document_id: one.id.clone(),
                version: hit.version,
                ordinal: hit.ordinal,
                title: one.title.clone(),
                source_url: None,
                content: chunk.content.clone(),
                heading: chunk.heading.clone(),
                page: chunk.page.map(i64::from),
                row: chunk.row.map(i64::from),
                sheet: chunk.sheet.clone(),
                char_start: chunk.char_start,
                score: hit.score,
                dense: hit.dense,
                coverage: hit.coverage,
                lexical: hit.lexical,
                explained: hit.explained,
                tokens: chunk.tokens,
            })
        })
        .collect())
}
