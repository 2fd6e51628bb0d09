//! Texts that are searched for one question and are no part of the knowledge: what visitors attach.

use std::collections::HashSet;

use ::documents::Section;
use retrieval::{About, ChunkRow, ChunkText, DocumentRows, Mode, Query};

use super::{
    Found,
    ingest::{self, PreparedChunk},
};
use crate::{App, DocumentId, Error, Result};

/// A text and its blocks.
#[derive(Clone, Debug)]
pub(crate) struct Loose {
    pub id: DocumentId,
    pub title: String,
    pub text: String,
    pub sections: Vec<Section>,
}

/// Passages of a text that are looked at.
const MOST: usize = 500;
/// Passages that are compared by meaning: those that hold most of the question's words, and how each text begins. A
/// visitor waits for it, and nothing of it is kept.
const COMPARED: usize = 24;
const BEGINNING: i64 = 4;

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
    let (all, text) = (texts.to_vec(), question.to_owned());
    let empty = app.indexes.empty();
    let cut = tokio::task::spawn_blocking(move || {
        let mut parts: Vec<_> = all.iter().map(|one| ingest::cut_loose(one, MOST)).collect();
        let index = empty.with(rows(&all, &parts, |_| None), &[]).map_err(Error::internal)?;
        let terms = retrieval::analyse_query(&text);
        let query = Query { terms, vector: None, collections: None, mode: Mode::Lexical };
        let hits = index.search(&query, COMPARED);
        let held: HashSet<(&str, i64)> = hits.iter().map(|hit| (&*hit.document_id, hit.ordinal)).collect();
        for (one, chunks) in all.iter().zip(&mut parts) {
            let wanted = |chunk: &PreparedChunk| {
                chunk.ordinal < BEGINNING || held.contains(&(one.id.as_str(), chunk.ordinal))
            };
            chunks.retain(wanted);
        }
        Ok::<_, Error>(parts)
    });
    let mut parts = cut.await.map_err(Error::internal)??;
    if vector.is_some() {
        for (one, chunks) in texts.iter().zip(&mut parts) {
            ingest::embed_part(app, &one.title, chunks).await?;
        }
    }
    let index = app
        .indexes
        .empty()
        .with(rows(texts, &parts, |chunk| Some(chunk.text())), &[])
        .map_err(Error::internal)?;
    let terms = retrieval::analyse_query(question);
    let hits = index.search(&Query { terms, vector, collections: None, mode: Mode::Fused }, limit);
    Ok(hits.into_iter().filter_map(|hit| Found::of(&index, hit)).collect())
}

fn rows(
    texts: &[Loose],
    parts: &[Vec<PreparedChunk>],
    text: impl Fn(&PreparedChunk) -> Option<ChunkText>,
) -> Vec<DocumentRows> {
    let row = |chunk: &PreparedChunk| ChunkRow {
        ordinal: chunk.ordinal,
        terms: chunk.terms.clone(),
        vector: chunk.vector.clone(),
        text: text(chunk),
    };
    let document = |(one, chunks): (&Loose, &Vec<PreparedChunk>)| DocumentRows {
        document_id: one.id.as_str().to_owned(),
        collection_id: String::new(),
        version: 1,
        about: About { title: one.title.as_str().into(), source_url: None },
        chunks: chunks.iter().map(row).collect(),
    };
    texts.iter().zip(parts).map(document).collect()
}
