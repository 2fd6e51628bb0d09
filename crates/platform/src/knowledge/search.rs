//! Finding the passages that answer a question.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use retrieval::{Explained, Index, Mode, Neighbour, Query, Weights};

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
    pub content: Arc<str>,
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
    /// The raw lexical score, 0 and up.
    pub lexical: f32,
    /// What each side added to the score.
    pub explained: Explained,
    /// Its word pieces.
    pub(super) tokens: u32,
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
            content: text.content.into(),
            heading: text.heading,
            page: text.page,
            row: text.row_number,
            sheet: text.sheet,
            char_start: text.char_start,
            score: hit.score,
            dense: hit.dense,
            coverage: hit.coverage,
            lexical: hit.lexical,
            explained: hit.explained,
            tokens: u32::try_from(text.token_count).unwrap_or(u32::MAX),
        })
    });
    Ok(Retrieved { passages: passages.collect(), weights, vector, index })
}

/// Passages that get their neighbours.
const WIDENED: usize = 3;
/// Chunks to each side that are looked at.
const REACH: i64 = 2;
/// Word pieces that a passage has with its neighbours.
const ROOM: u32 = 360;

/// Gives the best passages what stands around them under the same heading: who writes an answer sees how it goes on.
/// What is a passage itself is not told twice. Gives for each passage how many bytes were put before it.
///
/// # Errors
/// What the database says.
pub(crate) async fn widen(app: &App, tenant: &Tenant, found: &mut [Found]) -> Result<Vec<usize>> {
    let near = |passage: &Found| {
        let (own, document, version) = (passage.ordinal, passage.document_id.clone(), passage.version);
        let ordinals = (own - REACH..=own + REACH).filter(move |ordinal| *ordinal >= 0 && *ordinal != own);
        ordinals.map(move |ordinal| (document.clone(), version, ordinal))
    };
    let mut places: Vec<(DocumentId, i64, i64)> = found.iter().take(WIDENED).flat_map(near).collect();
    places.retain(|(document, _, ordinal)| {
        found.iter().all(|passage| (&passage.document_id, passage.ordinal) != (document, *ordinal))
    });
    places.sort();
    places.dedup();
    if places.is_empty() {
        return Ok(vec![0; found.len()]);
    }
    let rows = places.iter().map(|(document, version, ordinal)| (document.as_str(), *version, *ordinal));
    let mut texts = store::texts(&mut app.db.read().await?, tenant, rows).await?;
    Ok(found
        .iter_mut()
        .enumerate()
        .map(|(n, passage)| if n < WIDENED { join(passage, &mut texts) } else { 0 })
        .collect())
}

/// Joins a passage with the texts around it, which are used up; gives how many bytes were put before it.
fn join(passage: &mut Found, texts: &mut Vec<store::Text>) -> usize {
    let mut run: Vec<store::Text> = texts
        .extract_if(.., |text| {
            text.document_id == passage.document_id && (text.ordinal - passage.ordinal).abs() <= REACH
        })
        .collect();
    run.sort_by_key(|text| text.ordinal);
    let before = run.iter().take_while(|text| text.ordinal < passage.ordinal).count();
    // Only an unbroken row of chunks stands together.
    let first = (0..before)
        .rev()
        .take_while(|n| run[*n].ordinal == passage.ordinal - (before - n) as i64)
        .last()
        .unwrap_or(before);
    let after = (before..run.len())
        .take_while(|n| run[*n].ordinal == passage.ordinal + 1 + (n - before) as i64)
        .count();
    let heading = passage.heading.clone();
    let own = Neighbour { heading: heading.as_deref(), tokens: passage.tokens };
    let neighbour =
        |text: &store::Text| (text.heading.clone(), u32::try_from(text.token_count).unwrap_or(u32::MAX));
    let facts: Vec<(Option<String>, u32)> = run[first..before + after].iter().map(neighbour).collect();
    let mut row: Vec<Neighbour<'_>> = facts
        .iter()
        .map(|(heading, tokens)| Neighbour { heading: heading.as_deref(), tokens: *tokens })
        .collect();
    row.insert(before - first, own);
    let served = retrieval::with_neighbours(&row, before - first, ROOM);
    let leading = &run[first + served.start..before];
    let following = &run[before..before + (served.end - 1 - (before - first))];
    if leading.is_empty() && following.is_empty() {
        return 0;
    }
    let starts = leading.iter().map(|text| text.char_start).skip(1).chain([passage.char_start]);
    let mut content = String::new();
    for (text, next) in leading.iter().zip(starts) {
        let end = text.char_start + text.content.chars().count() as i64;
        content = content + &text.content + &gap(end, next);
    }
    let put_before = content.len();
    content.push_str(&passage.content);
    passage.char_start = leading.first().map_or(passage.char_start, |text| text.char_start);
    let mut end = passage.char_start + content.chars().count() as i64;
    for text in following {
        content = content + &gap(end, text.char_start) + &text.content;
        end = text.char_start + text.content.chars().count() as i64;
    }
    passage.content = content.into();
    put_before
}

/// What stands between two chunks: white space, as much as there is, so that places still fit.
fn gap(from: i64, to: i64) -> String {
    "\n".repeat(usize::try_from(to - from).unwrap_or(0))
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
