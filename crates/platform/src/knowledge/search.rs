//! Finding the passages that answer a question.

use std::collections::{HashMap, HashSet};

use retrieval::{Index, Mode, Query, Weights};

use super::store;
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
    pub title: String,
    /// Where the document came from, when from the web.
    pub source_url: Option<String>,
    /// The passage's text: exactly what stands in the version's content from `char_start`.
    pub content: String,
    /// The heading path of the place.
    pub heading: Option<String>,
    /// The page, from 1.
    pub page: Option<i64>,
    /// The table row, from 1.
    pub row: Option<i64>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Where the passage begins, in characters of the version's content.
    pub char_start: i64,
    /// How well it fits, 0 to 1; comparable between questions.
    pub score: f32,
    /// Cosine of question and passage, with a model.
    pub dense: Option<f32>,
    /// The share of the question's words that it holds, weighted by rarity, 0 to 1.
    pub coverage: f32,
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
    let (hits, weights, vector) = tokio::task::spawn_blocking(move || {
        let terms = retrieval::analyse_query(&text);
        let weights = searched.weights(&terms);
        let query = Query { terms, vector: vector.as_deref(), collections: Some(&wanted), mode: Mode::Fused };
        (searched.search(&query, limit), weights, vector)
    })
    .await
    .map_err(Error::internal)?;
    let places = hits.iter().map(|hit| (&*hit.document_id, hit.version, hit.ordinal));
    let texts = store::texts(&mut app.db.read().await?, tenant, places).await?;
    let mut texts: HashMap<(String, i64), store::Text> =
        texts.into_iter().map(|text| ((text.document_id.as_str().to_owned(), text.ordinal), text)).collect();
    // A passage whose document went away a moment ago has no text any more and is left out.
    let passages = hits.into_iter().filter_map(|hit| {
        let text = texts.remove(&(hit.document_id.to_string(), hit.ordinal))?;
        Some(Found {
            document_id: text.document_id,
            version: hit.version,
            ordinal: hit.ordinal,
            title: text.title,
            source_url: text.source_url,
            content: text.content,
            heading: text.heading,
            page: text.page,
            row: text.row_number,
            sheet: text.sheet,
            char_start: text.char_start,
            score: hit.score,
            dense: hit.dense,
            coverage: hit.coverage,
        })
    });
    Ok(Retrieved { passages: passages.collect(), weights, vector, index })
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
