//! Looking into what the agents know: the passages that a question finds, and why.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use platform::{
    App, CollectionId, DocumentId, Permission,
    knowledge::{self, Collection, Found, Retrieved},
};
use web::text;

use crate::{
    form::{Asked, Fields},
    page::{Area, Chrome, Notice, Result, mistake, render},
    session::Member,
};

/// Longest question, in characters.
const MAX_QUERY: usize = 2_000;
/// Passages that are shown.
const PASSAGES: usize = 10;

/// A passage that was found, as the page tells of it.
#[derive(Clone)]
pub(crate) struct Passage {
    pub document: DocumentId,
    pub version: i64,
    pub title: String,
    /// Where in its document it stands.
    pub place: String,
    /// Where it begins, in characters of the version's text.
    pub start: i64,
    pub content: Arc<str>,
    /// How well it fits, from 0 to 1.
    pub score: f32,
    pub sides: Vec<Side>,
}

/// One of the two ways in which a passage is like a question.
#[derive(Clone)]
pub(crate) struct Side {
    pub name: &'static str,
    /// How alike they are, from 0 to 1.
    pub likeness: f32,
    /// What that added to the sum which the score is made of.
    pub added: f32,
}

impl From<Found> for Passage {
    fn from(found: Found) -> Self {
        let places = [
            found.heading.map(String::from),
            found.page.map(|page| format!("page {page}")),
            found.sheet.map(String::from),
            found.row.map(|row| format!("row {row}")),
        ];
        let meaning =
            found.dense.map(|likeness| Side { name: "Meaning", likeness, added: found.explained.dense });
        let words = Side { name: "Words", likeness: found.coverage, added: found.explained.lexical };
        Self {
            document: found.document_id,
            version: found.version,
            title: found.title.into(),
            place: places.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            start: found.char_start,
            content: (&*found.content).into(),
            score: found.score,
            sides: meaning.into_iter().chain([words]).collect(),
        }
    }
}

/// The passages that a question found.
pub(crate) struct Passages {
    pub items: Vec<Passage>,
    /// Whether an embedding model compared meanings as well.
    pub by_meaning: bool,
}

#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage<'a> {
    pub chrome: Chrome,
    pub query: &'a str,
    pub collections: Vec<Collection>,
    pub chosen: Vec<CollectionId>,
    pub found: Option<Passages>,
    pub notice: Option<Notice>,
}

impl SearchPage<'_> {
    fn has_chosen(&self, collection: &Collection) -> bool {
        self.chosen.contains(&collection.id)
    }
}

/// `GET …/search`: the question stands in the address, so that a finding can be shown to others.
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewKnowledge)?;
    // What is malformed counts as left out.
    let chosen: Vec<CollectionId> = query.all("collection").filter_map(|id| id.parse().ok()).collect();
    let (status, found, notice) = match look(&app, &member, &query, &chosen).await {
        Ok(found) => (StatusCode::OK, found, None),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            (status, None, Some(notice))
        }
    };
    let page = SearchPage {
        chrome: member.chrome(Area::Search),
        query: query.get("query"),
        collections: knowledge::list_collections(&app, &member.tenant).await?,
        chosen,
        found,
        notice,
    };
    render(status, &page)
}

async fn look(
    app: &App,
    member: &Member,
    query: &Fields,
    chosen: &[CollectionId],
) -> platform::Result<Option<Passages>> {
    if query.get("query").trim().is_empty() {
        return Ok(None);
    }
    let question = text("query", query.get("query"), MAX_QUERY)?;
    let collections = Some(chosen).filter(|chosen| !chosen.is_empty());
    let found = knowledge::search(app, &member.tenant, &question, collections, PASSAGES).await?;
    let Retrieved { passages, vector, .. } = found;
    let items = passages.into_iter().map(Passage::from).collect();
    Ok(Some(Passages { items, by_meaning: vector.is_some() }))
}
