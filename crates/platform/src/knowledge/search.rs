//! Finding the passages that answer a question.

use std::collections::HashSet;

use bytestring::ByteString;
use retrieval::{Explained, Hit, Index, Mode, Query, Weights};

use crate::{App, CollectionId, DocumentId, Error, Result, Tenant};

/// A passage that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version.
    pub version: i64,
    /// The passage's place in the document, from 0.
    pub ordinal: i64,
    /// The document's title.
    pub title: ByteString,
    /// Where the document came from, when from the web.
    pub source_url: Option<ByteString>,
    /// The passage's text: exactly what stands in the version's content from `char_start`.
    pub content: ByteString,
    /// The heading path of the place.
    pub heading: Option<ByteString>,
    /// The page, from 1.
    pub page: Option<i64>,
    /// The table row, from 1.
    pub row: Option<i64>,
    /// The sheet of a workbook.
    pub sheet: Option<ByteString>,
    /// Where the passage begins, in characters of the version's content.
    pub char_start: i64,
    /// How well it fits, 0 to 1; comparable between questions.
    pub score: f32,
    /// Cosine of question and passage, with a model.
    pub dense: Option<f32>,
    /// The share of the question's words that it holds, weighted by rarity, 0 to 1.
    pub coverage: f32,
    /// The raw lexical score, 0 and up.
    pub lexical: f32,
    /// What each side added to the score.
    pub explained: Explained,
}

impl Found {
    /// What an index has found, with its text; `None` when it came without.
    pub(super) fn of(index: &Index, hit: Hit) -> Option<Self> {
        let text = index.text(&hit.document_id, hit.ordinal)?;
        let about = index.about(&hit.document_id)?;
        Some(Self {
            document_id: hit.document_id.parse().ok()?,
            version: hit.version,
            ordinal: hit.ordinal,
            title: about.title,
            source_url: about.source_url,
            content: text.content,
            heading: text.heading,
            page: text.page,
            row: text.row,
            sheet: text.sheet,
            char_start: text.char_start,
            score: hit.score,
            dense: hit.dense,
            coverage: hit.coverage,
            lexical: hit.lexical,
            explained: hit.explained,
        })
    }
}

/// What was found for a question.
pub struct Retrieved {
    /// The passages that fit best, best first.
    pub passages: Vec<Found>,
    /// What each of the question's words is worth in this workspace.
    pub weights: Weights,
    /// The question's vector, with a model.
    pub vector: Option<Vec<f32>>,
    /// Where they were found, for what else is to be weighed.
    pub index: Index,
}

/// The passages of some collections that fit a question best.
///
/// # Errors
/// What the database or the provider of embeddings says.
pub async fn retrieve(
    app: &App,
    tenant: &Tenant,
    question: &str,
    collections: &[CollectionId],
    limit: usize,
) -> Result<Retrieved> {
    let index = app.indexes.get(app, tenant).await?;
    // Without its provider a question is still matched by words.
    let vector = app.embeddings.question(question).await.unwrap_or_default();
    let wanted: HashSet<String> = collections.iter().map(|id| id.as_str().to_owned()).collect();
    let (text, searched) = (question.to_owned(), index.clone());
    let (passages, weights, vector) = tokio::task::spawn_blocking(move || {
        let terms = retrieval::analyse_query(&text);
        let weights = searched.weights(&terms);
        let query = Query { terms, vector: vector.as_deref(), collections: Some(&wanted), mode: Mode::Fused };
        let hits = searched.search(&query, limit);
        // As long as an answer is written it holds them, so no more than they need.
        let mut passages = Vec::with_capacity(hits.len());
        passages.extend(hits.into_iter().filter_map(|hit| Found::of(&searched, hit)));
        (passages, weights, vector)
    })
    .await
    .map_err(Error::internal)?;
    Ok(Retrieved { passages, weights, vector, index })
}

/// Passages that get their neighbours.
const WIDENED: usize = 3;
/// Chunks to each side that are looked at.
const REACH: usize = 2;
/// Word pieces that a passage has with its neighbours.
const ROOM: u32 = 360;

/// Gives the best passages what stands around them under the same heading: who writes an answer sees how it goes on.
/// What is a passage itself is not told twice. Gives for each passage how many bytes were put before it.
pub(crate) fn widen(index: &Index, found: &mut [Found]) -> Vec<usize> {
    let mut told: HashSet<(DocumentId, i64)> =
        found.iter().map(|passage| (passage.document_id.clone(), passage.ordinal)).collect();
    let mut widen = |passage: &mut Found| {
        let id = &passage.document_id;
        let free = |ordinal| !told.contains(&(id.clone(), ordinal));
        let context = index.in_context((id.as_str(), passage.ordinal), (REACH, ROOM), free);
        let Some((context, ordinals)) = context else { return 0 };
        told.extend(ordinals.into_iter().map(|ordinal| (id.clone(), ordinal)));
        passage.char_start = context.char_start;
        passage.content = context.content;
        context.before
    };
    found.iter_mut().enumerate().map(|(n, passage)| if n < WIDENED { widen(passage) } else { 0 }).collect()
}

/// What a workspace's knowledge, or some collections of it, says to a question: the tool with which people look into it.
///
/// # Errors
/// Invalid when there is no such collection, or what the database says.
pub async fn search(
    app: &App,
    tenant: &Tenant,
    question: &str,
    collections: Option<&[CollectionId]>,
    limit: usize,
) -> Result<Retrieved> {
    let mut db = app.db.read().await?;
    let all = super::collections::ids(&mut db, tenant).await?;
    drop(db);
    let wanted = collections.unwrap_or(&all);
    if wanted.iter().any(|id| !all.contains(id)) {
        return Err(Error::invalid("collection_ids", "There is no such collection in this workspace."));
    }
    retrieve(app, tenant, question, wanted, limit).await
}
