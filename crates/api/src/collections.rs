//! Collections.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App,
    knowledge::{self, Collection},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Result, optional_text, text};

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
    let name = text("name", &body.name, 100)?;
    let description = optional_text("description", body.description.as_deref(), 2_000)?;
    let collection =
        knowledge::create_collection(&app, &member.tenant, &member.by, name, description).await?;
    Ok((StatusCode::CREATED, Json(view(&collection))))
}

/// `GET …/collections`
pub async fn list_collections(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = knowledge::list_collections(&app, &member.tenant).await?;
    Ok(Json(json!({ "collections": list.iter().map(view).collect::<Vec<_>>(), "total": list.len() })))
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
