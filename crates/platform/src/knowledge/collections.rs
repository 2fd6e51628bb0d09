//! Collections: the shelves that documents stand on and that agents are given.

use ::store::Read;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{documents, store};
use crate::{
    Actor, App, CollectionId, Error, Patch, Result, Tenant,
    audit::{self, Event},
};

/// A collection.
#[derive(Clone, Debug, FromRow)]
pub struct Collection {
    /// The collection.
    pub id: CollectionId,
    /// What it is called.
    pub name: String,
    /// What stands on it.
    pub description: Option<String>,
    /// How many documents stand on it.
    pub document_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Makes a collection.
///
/// # Errors
/// What the database says.
pub async fn create_collection(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    name: String,
    description: Option<String>,
) -> Result<Collection> {
    let now = app.clock.now();
    let collection = Collection {
        id: CollectionId::new(now, app.entropy),
        name,
        description,
        document_count: 0,
        created_at: now,
    };
    let mut db = app.db.write().await?;
    store::insert_collection(&mut db, tenant, &collection).await?;
    let event =
        Event::new("collection.created", collection.id.as_str()).with(json!({ "name": collection.name }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(collection)
}

/// The workspace's collections, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_collections(app: &App, tenant: &Tenant) -> Result<Vec<Collection>> {
    store::collections(&mut app.db.read().await?, tenant).await
}

/// Those of the workspace's collections that are named.
///
/// # Errors
/// What the database says.
pub async fn summaries(app: &App, tenant: &Tenant, wanted: &[CollectionId]) -> Result<Vec<Collection>> {
    let mut all = list_collections(app, tenant).await?;
    all.retain(|collection| wanted.contains(&collection.id));
    Ok(all)
}

/// A collection.
///
/// # Errors
/// Not found when the workspace has no such collection.
pub async fn get_collection(app: &App, tenant: &Tenant, id: &CollectionId) -> Result<Collection> {
    store::collection(&mut app.db.read().await?, tenant, id).await?.ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("There is no such collection.")
}

/// Renames a collection or describes it anew.
///
/// # Errors
/// Not found when the workspace has no such collection.
pub async fn edit_collection(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &CollectionId,
    (name, description): (Option<String>, Patch<String>),
) -> Result<Collection> {
    let mut db = app.db.write().await?;
    let mut collection = store::collection(&mut db, tenant, id).await?.ok_or_else(missing)?;
    collection.name = name.unwrap_or(collection.name);
    collection.description = description.apply(collection.description);
    store::update_collection(&mut db, tenant, &collection).await?;
    let event = Event::new("collection.changed", id.as_str()).with(json!({ "name": collection.name }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(collection)
}

/// Removes a collection; with the documents on it only when that is said. Gives how many went with it.
///
/// # Errors
/// Not found when the workspace has no such collection, conflict when documents stand on it.
pub async fn delete_collection(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &CollectionId,
    with_documents: bool,
) -> Result<usize> {
    let collection = get_collection(app, tenant, id).await?;
    if collection.document_count > 0 && !with_documents {
        return Err(Error::conflict(format!(
            "Documents stand in this collection ({}). Move or delete them first, or delete it with ?documents=true.",
            collection.document_count
        )));
    }
    super::crawl::forget(app, tenant, Some(id)).await?;
    let mut erased = 0;
    loop {
        erased += documents::erase(app, tenant, Some(id)).await?;
        let mut db = app.db.write().await?;
        // One may have arrived a moment ago.
        if store::some_documents(&mut db, tenant, Some(id)).await?.is_empty() {
            store::delete_collection(&mut db, tenant, id).await?;
            let event = Event::new("collection.deleted", id.as_str())
                .with(json!({ "name": collection.name, "documents": erased }));
            audit::record(app, &mut db, tenant, by, event).await?;
            super::indexes::commit(app, db).await?;
            return Ok(erased);
        }
    }
}

/// # Errors
/// Invalid, naming `collection_id`, when the workspace has no such collection.
pub(super) async fn require(db: &mut Read, tenant: &Tenant, id: &CollectionId) -> Result<()> {
    match store::collection(db, tenant, id).await? {
        Some(_) => Ok(()),
        None => Err(Error::invalid(
            "collection_id",
            "There is no such collection in this workspace. Make one first.",
        )),
    }
}

pub(crate) async fn ids(db: &mut Read, tenant: &Tenant) -> Result<Vec<CollectionId>> {
    Ok(store::collections(db, tenant).await?.into_iter().map(|collection| collection.id).collect())
}
