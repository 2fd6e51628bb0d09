//! Collections: the shelves that documents stand on and that agents are given.

use ::store::Read;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::store;
use crate::{
    Actor, App, CollectionId, Result, Tenant,
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

pub(crate) async fn ids(db: &mut Read, tenant: &Tenant) -> Result<Vec<CollectionId>> {
    Ok(store::collections(db, tenant).await?.into_iter().map(|collection| collection.id).collect())
}
