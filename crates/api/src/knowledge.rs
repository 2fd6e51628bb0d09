//! Looking into what a workspace knows.

use axum::{Json, extract::State};
use platform::{
    App, CollectionId, Error,
    knowledge::{self, Found},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Result, text};

/// Longest query, in characters.
const MAX_QUERY: usize = 2_000;
/// Passages of an answer, unless it says how many.
const LIMIT: usize = 10;
/// Passages of an answer at most.
const MAX_LIMIT: usize = 50;

/// What to look for, and where.
#[derive(Deserialize)]
pub struct SearchBody {
    query: String,
    collection_ids: Option<Vec<String>>,
    limit: Option<usize>,
    #[serde(default)]
    explain: bool,
}

/// `POST …/knowledge/search`: the passages that an agent would be given, best first.
pub async fn search_knowledge(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<SearchBody>,
) -> Result<Json<Value>> {
    let query = text("query", &body.query, MAX_QUERY)?;
    let limit = body.limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("limit", format!("limit is between 1 and {MAX_LIMIT}.")).into());
    }
    let unknown = |_| Error::invalid("collection_ids", "There is no such collection in this workspace.");
    let collections: Option<Vec<CollectionId>> = body
        .collection_ids
        .map(|ids| ids.iter().map(|id| id.parse().map_err(unknown)).collect::<platform::Result<_>>())
        .transpose()?;
    let found = knowledge::search(&app, &member.tenant, &query, collections.as_deref(), limit).await?;
    let results: Vec<Value> = found.passages.iter().map(|passage| view(passage, body.explain)).collect();
    Ok(Json(json!({ "query": query, "results": results, "total": results.len() })))
}

fn view(found: &Found, explain: bool) -> Value {
    let mut view = json!({
        "document_id": found.document_id,
        "version": found.version,
        "title": found.title,
        "source_url": found.source_url,
        "chunk_index": found.ordinal,
        "content": found.content,
        "relevance_score": found.score,
        "anchor": {
            "start": found.char_start,
            "page": found.page,
            "heading": found.heading,
            "row": found.row,
            "sheet": found.sheet,
        },
    });
    if explain {
        view["scores"] = json!({
            "fused": found.score,
            "lexical": found.lexical,
            "dense": found.dense,
            "coverage": found.coverage,
            // What each side added; with x for both together the fused score is (1 + x) / (2 + x).
            "parts": { "lexical": found.explained.lexical, "dense": found.explained.dense },
        });
    }
    view
}
