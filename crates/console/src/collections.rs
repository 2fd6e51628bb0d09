//! Collections: which there are, and making, changing and deleting them.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, CollectionId, Error, Kind, Patch, Permission,
    knowledge::{self, Collection},
};
use web::{Path, optional_text, text};

use crate::{
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::Member,
};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 2_000;

/// The form that the notice is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// None: what was done is told at the top.
    #[default]
    Top,
    /// That of a new collection.
    New,
    /// That which changes a collection.
    Edit(CollectionId),
    /// That which deletes a collection.
    Delete(CollectionId),
}

#[derive(Template)]
#[template(path = "collections.html")]
pub(crate) struct CollectionsPage {
    pub chrome: Chrome,
    pub zone: Zone,
    pub collections: Vec<Collection>,
    pub place: Place,
    /// What was typed into the form of this place.
    pub typed: Fields,
    pub notice: Option<Notice>,
}

impl CollectionsPage {
    fn edits(&self, collection: &Collection) -> bool {
        self.place == Place::Edit(collection.id.clone())
    }

    fn deletes(&self, collection: &Collection) -> bool {
        self.place == Place::Delete(collection.id.clone())
    }

    /// A field of a collection's form: what was typed, or what is kept.
    fn value<'a>(&'a self, collection: &Collection, name: &str, kept: &'a str) -> &'a str {
        if self.edits(collection) { self.typed.get(name) } else { kept }
    }

    /// A field of the form of a new collection.
    fn new_value(&self, name: &str) -> &str {
        if self.place == Place::New { self.typed.get(name) } else { "" }
    }
}

/// What a rendering of the page shows besides the collections.
#[derive(Default)]
struct Shown {
    place: Place,
    typed: Fields,
    notice: Option<Notice>,
}

async fn show(app: &App, member: &Member, status: StatusCode, shown: Shown) -> Result {
    let page = CollectionsPage {
        chrome: member.chrome(Area::Collections),
        zone: Zone::of(app, &member.tenant).await?,
        collections: knowledge::list_collections(app, &member.tenant).await?,
        place: shown.place,
        typed: shown.typed,
        notice: shown.notice,
    };
    render(status, &page)
}

async fn show_mistake(app: &App, member: &Member, error: Error, place: Place, typed: Fields) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, status, Shown { place, typed, notice: Some(notice) }).await
}

fn told(member: &Member, page: &str, done: &str) -> Result {
    Ok(Redirect::to(&format!("/console/{}/{page}?done={done}", member.tenant.id())).into_response())
}

fn named(fields: &Fields) -> platform::Result<(String, Option<String>)> {
    let name = text("name", fields.get("name"), MAX_NAME)?;
    Ok((name, optional_text("description", Some(fields.get("description")), MAX_DESCRIPTION)?))
}

/// `GET …/collections`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    show(&app, &member, StatusCode::OK, Shown { notice: done(query.get("done")), ..Shown::default() }).await
}

/// `POST …/collections`: a new one waits for documents, so it leads to them.
pub async fn create(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditKnowledge)?;
    let made = match named(&fields) {
        Ok((name, description)) => {
            knowledge::create_collection(&app, &member.tenant, &member.by, name, description).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => told(&member, "documents", "collection"),
        Err(error) => show_mistake(&app, &member, error, Place::New, fields).await,
    }
}

/// `POST …/collections/{collection_id}`: renames it or describes it anew.
pub async fn edit(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: CollectionId = id.parse()?;
    let changed = match named(&fields) {
        Ok((name, description)) => {
            let change = (Some(name), description.map_or(Patch::Clear, Patch::Set));
            knowledge::edit_collection(&app, &member.tenant, &member.by, &id, change).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => told(&member, "collections", "changed"),
        Err(error) => show_mistake(&app, &member, error, Place::Edit(id), fields).await,
    }
}

/// `POST …/collections/{collection_id}/delete`: with what stands on it only when that was ticked.
pub async fn delete(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: CollectionId = id.parse()?;
    let with_documents = fields.get("documents") == "yes";
    match knowledge::delete_collection(&app, &member.tenant, &member.by, &id, with_documents).await {
        Ok(_) => told(&member, "collections", "collection-gone"),
        Err(error) => show_mistake(&app, &member, untick(error), Place::Delete(id), fields).await,
    }
}

/// What stands in the way of deleting, in the words of the form.
fn untick(error: Error) -> Error {
    match error.kind {
        Kind::Conflict => {
            let told = "Documents stand in this collection. Move them elsewhere first, or tick that they are deleted as well.";
            Error { message: told.into(), ..error }
        }
        _ => error,
    }
}
