//! Collections.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Patch,
    knowledge::{self, Collection},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Query, Result, optional_text, patched_text, text};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 2_000;

/// The body of a new collection.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    description: Option<String>,
}

/// `POST …/collections`
pub async fn create_collection(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let name = text("name", &body.name, MAX_NAME)?;
    let description = optional_text("description", body.description.as_deref(), MAX_DESCRIPTION)?;
    let collection =
        knowledge::create_collection(&app, &member.tenant, &member.by, name, description).await?;
    Ok((StatusCode::CREATED, Json(view(&collection))))
}

/// `GET …/collections`
pub async fn list_collections(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = knowledge::list_collections(&app, &member.tenant).await?;
    Ok(Json(json!({ "collections": list.iter().map(view).collect::<Vec<_>>(), "total": list.len() })))
}

/// `GET …/collections/{collection_id}`
pub async fn get_collection(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    Ok(Json(view(&knowledge::get_collection(&app, &member.tenant, &id.parse()?).await?)))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct EditBody {
    name: Option<String>,
    #[serde(default)]
    description: Patch<String>,
}

/// `PATCH …/collections/{collection_id}`
pub async fn update_collection(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<EditBody>,
) -> Result<Json<Value>> {
    let description = patched_text("description", body.description, MAX_DESCRIPTION)?;
    let change = (body.name.map(|name| text("name", &name, MAX_NAME)).transpose()?, description);
    let collection =
        knowledge::edit_collection(&app, &member.tenant, &member.by, &id.parse()?, change).await?;
    Ok(Json(view(&collection)))
}

/// How to delete.
#[derive(Deserialize)]
pub struct DeleteQuery {
    #[serde(default)]
    documents: bool,
}

/// `DELETE …/collections/{collection_id}`: with `?documents=true` what stands on it goes as well.
pub async fn delete_collection(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<DeleteQuery>,
) -> Result<Json<Value>> {
    let id = id.parse()?;
    let gone = knowledge::delete_collection(&app, &member.tenant, &member.by, &id, query.documents).await?;
    Ok(Json(json!({ "success": true, "message": "Collection deleted", "documents_deleted": gone })))
}

fn view(c: &Collection) -> Value {
    json!({
        "id": c.id,
        "name": c.name,
        "description": c.description,
        "document_count": c.document_count,
        "created_at": c.created_at,
    })
}
