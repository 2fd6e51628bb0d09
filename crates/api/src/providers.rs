//! Providers of language models that a workspace brings itself.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Patch, Secret,
    providers::{self, Change, NewProvider, Offered, Provider},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Result, line};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest address or key, in characters.
const MAX_SECRET: usize = 500;

/// The body of a new provider.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    kind: String,
    base_url: Option<String>,
    api_key: Option<String>,
    models: Vec<Offered>,
}

fn secret(key: &str) -> Result<Secret> {
    Ok(Secret::new(line("api_key", key, MAX_SECRET)?))
}

/// `POST …/providers`
pub async fn create_provider(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewProvider {
        name: line("name", &body.name, MAX_NAME)?,
        kind: body.kind.parse()?,
        base_url: body.base_url.map(|url| line("base_url", &url, MAX_SECRET)).transpose()?,
        api_key: body.api_key.filter(|key| !key.is_empty()).map(|key| secret(&key)).transpose()?,
        models: body.models,
    };
    let provider = providers::create(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::CREATED, Json(view(&provider))))
}

/// `GET …/providers`
pub async fn list_providers(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = providers::list(&app, &member.tenant).await?;
    Ok(Json(json!({ "providers": list.iter().map(view).collect::<Vec<_>>(), "total": list.len() })))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    base_url: Option<String>,
    #[serde(default)]
    api_key: Patch<String>,
    models: Option<Vec<Offered>>,
}

/// `PATCH …/providers/{provider_id}`
pub async fn update_provider(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let change = Change {
        name: body.name.map(|name| line("name", &name, MAX_NAME)).transpose()?,
        base_url: body.base_url.map(|url| line("base_url", &url, MAX_SECRET)).transpose()?,
        api_key: match body.api_key {
            Patch::Set(key) => Patch::Set(secret(&key)?),
            Patch::Clear => Patch::Clear,
            Patch::Keep => Patch::Keep,
        },
        models: body.models,
    };
    let provider = providers::update(&app, &member.tenant, &member.by, &id.parse()?, change).await?;
    Ok(Json(view(&provider)))
}

/// `DELETE …/providers/{provider_id}`
pub async fn delete_provider(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    providers::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(Json(json!({ "success": true, "message": "Provider deleted" })))
}

/// `POST …/providers/{provider_id}/test`
pub async fn test_provider(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let said = providers::test(&app, &member.tenant, &id.parse()?).await?;
    Ok(Json(json!({ "success": true, "response": said })))
}

fn view(p: &Provider) -> Value {
    json!({
        "id": p.id,
        "name": p.name,
        "kind": p.kind.as_str(),
        "base_url": p.base_url,
        "has_api_key": p.has_key,
        "models": p.models,
        "created_at": p.created_at,
        "updated_at": p.updated_at,
    })
}
