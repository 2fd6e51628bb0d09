//! One document: how far it is, where it comes from, its versions, and what was understood of it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, DocumentId, Error, Permission,
    knowledge::{self, Collection, Details, Edit, Version},
};
use web::{Path, line};

use crate::{
    adding::{MAX_TITLE, chosen},
    documents::{Row, name_of, size},
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::Member,
    understood::{Part, Understood},
};

#[derive(Template)]
#[template(path = "document.html")]
pub(crate) struct DocumentPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub row: Row,
    pub collections: Vec<Collection>,
    pub versions: Vec<Version>,
    pub text: Option<Understood>,
    /// The version that the address asks for.
    pub asked: Option<i64>,
    /// The title as it stands in the form.
    pub title: &'a str,
    /// The collection as it stands in the form.
    pub chosen: &'a str,
    pub notice: Option<Notice>,
}

impl DocumentPage<'_> {
    fn collection(&self) -> &str {
        name_of(&self.collections, self.row.0.collection_id.as_str())
    }

    /// Its address, when it is one that a browser may follow.
    fn link(&self) -> Option<&str> {
        let url = self.row.0.source_url.as_deref()?;
        (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
    }

    fn answers(&self, version: &i64) -> bool {
        self.row.0.version == Some(*version) && self.row.0.retired_at.is_none()
    }

    fn size(&self, version: &Version) -> String {
        size(version.size_bytes)
    }

    fn has_chosen(&self, collection: &Collection) -> bool {
        self.chosen == collection.id.as_str()
    }

    /// Whether it can be read again or given another version.
    fn is_idle(&self) -> bool {
        !self.row.unfinished() && self.row.0.retired_at.is_none()
    }
}

/// What a rendering of the page shows besides the document.
#[derive(Default)]
struct Shown {
    /// What the address asks for.
    asked: Fields,
    /// What was typed.
    typed: Option<Fields>,
    notice: Option<Notice>,
}

async fn show(app: &App, member: &Member, id: &DocumentId, status: StatusCode, shown: Shown) -> Result {
    let Details { document, versions, .. } = knowledge::get(app, &member.tenant, id).await?;
    let asked = shown.asked.get("version").parse().ok();
    let part = Part { number: shown.asked.get("part").parse().ok(), at: shown.asked.get("at").parse().ok() };
    let text = match versions.is_empty() {
        true => None,
        false => {
            let (_, content) = knowledge::content(app, &member.tenant, id, asked).await?;
            Some(Understood::of(content, part))
        }
    };
    let (title, collection) = (document.title.clone(), document.collection_id.clone());
    let page = DocumentPage {
        chrome: member.chrome(Area::Documents),
        zone: Zone::of(app, &member.tenant).await?,
        row: Row(document),
        collections: knowledge::list_collections(app, &member.tenant).await?,
        versions,
        text,
        asked,
        title: shown.typed.as_ref().map_or(&title, |typed| typed.get("title")),
        chosen: shown.typed.as_ref().map_or(collection.as_str(), |typed| typed.get("collection")),
        notice: shown.notice,
    };
    render(status, &page)
}

async fn show_mistake(
    app: &App,
    member: &Member,
    id: &DocumentId,
    error: Error,
    typed: Option<Fields>,
) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, id, status, Shown { typed, notice: Some(notice), ..Shown::default() }).await
}

fn told(member: &Member, id: &DocumentId, done: &str) -> Result {
    let target = format!("/console/{}/documents/{id}?done={done}", member.tenant.id());
    Ok(Redirect::to(&target).into_response())
}

/// `GET …/documents/{document_id}`
pub async fn page(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result {
    let shown = Shown { notice: done(query.get("done")), asked: query, typed: None };
    show(&app, &member, &id.parse()?, StatusCode::OK, shown).await
}

/// `POST …/documents/{document_id}`: renames it or moves it to another collection.
pub async fn edit(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: DocumentId = id.parse()?;
    let changed = match change(&fields) {
        Ok(change) => knowledge::edit(&app, &member.tenant, &member.by, &id, change).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => told(&member, &id, "changed"),
        Err(error) => show_mistake(&app, &member, &id, error, Some(fields)).await,
    }
}

fn change(fields: &Fields) -> platform::Result<Edit> {
    let title = line("title", fields.get("title"), MAX_TITLE)?;
    Ok(Edit { title: Some(title), collection: Some(chosen(fields.get("collection"))?) })
}

/// `POST …/documents/{document_id}/delete`
pub async fn delete(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    knowledge::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    let target = format!("/console/{}/documents?done=deleted", member.tenant.id());
    Ok(Redirect::to(&target).into_response())
}

/// `POST …/documents/{document_id}/reprocess`
pub async fn reprocess(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: DocumentId = id.parse()?;
    match knowledge::reprocess(&app, &member.tenant, &member.by, &id).await {
        Ok(_) => told(&member, &id, "queued"),
        Err(error) => show_mistake(&app, &member, &id, error, None).await,
    }
}

/// `POST …/documents/{document_id}/restore`: makes a former version answer again.
pub async fn restore(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: DocumentId = id.parse()?;
    let version = fields.get("version").parse();
    let version = version.map_err(|_| Error::not_found("This document has no such version."))?;
    match knowledge::restore(&app, &member.tenant, &member.by, &id, version).await {
        Ok(_) => told(&member, &id, "restored"),
        Err(error) => show_mistake(&app, &member, &id, error, None).await,
    }
}
