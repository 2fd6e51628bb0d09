//! Workspaces.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use platform::{
    App, Error, Patch,
    workspaces::{self, Change, Listed, NewWorkspace, Workspace},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use web::{Member, Person, Result, line};

/// Longest address of a picture.
const MAX_URL: usize = 2_000;

/// The body of a new workspace.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    timezone: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
}

/// `POST /workspaces`
pub async fn create_workspace(
    State(app): State<App>,
    person: Person,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewWorkspace {
        name: line("name", &body.name, 100)?,
        timezone: workspaces::timezone(body.timezone.as_deref().unwrap_or("UTC"))?,
        settings: body.settings,
    };
    let workspace = workspaces::create(&app, &person.caller.user, form, &person.by).await?;
    Ok((StatusCode::CREATED, Json(view(&workspace))))
}

/// `GET /workspaces`
pub async fn list_workspaces(State(app): State<App>, person: Person) -> Result<Response> {
    #[derive(Serialize)]
    struct Answer<'a> {
        workspaces: &'a [Listed],
        total: usize,
    }
    let list = workspaces::list(&app, &person.caller.user.id).await?;
    Ok(Json(Answer { workspaces: &list, total: list.len() }).into_response())
}

/// `GET /workspaces/{workspace_id}`
pub async fn get_workspace(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let workspace = workspaces::get(&app, &member.tenant).await?;
    let stats = workspaces::stats(&app, &member.tenant).await?;
    let mut answer = view(&workspace);
    answer["stats"] = json!({
        "total_agents": stats.agents,
        "total_documents": stats.documents,
        "total_conversations": stats.conversations,
        "total_messages": stats.messages,
    });
    Ok(Json(answer))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    logo_url: Patch<String>,
    timezone: Option<String>,
    settings: Option<Map<String, Value>>,
}

/// `PATCH /workspaces/{workspace_id}`
pub async fn update_workspace(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    if let Patch::Set(url) = &body.logo_url
        && !(url.starts_with("https://") && url.len() <= MAX_URL)
    {
        return Err(Error::invalid("logo_url", "logo_url is an address that begins with https://.").into());
    }
    let change = Change {
        name: body.name.map(|name| line("name", &name, 100)).transpose()?,
        logo_url: body.logo_url,
        timezone: body.timezone.map(|zone| workspaces::timezone(&zone)).transpose()?,
        settings: body.settings,
    };
    Ok(Json(view(&workspaces::update(&app, &member.tenant, &member.by, change).await?)))
}

/// `DELETE /workspaces/{workspace_id}`
pub async fn delete_workspace(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    workspaces::delete(&app, &member.tenant, &member.by).await?;
    Ok(Json(json!({ "message": "Workspace deleted successfully" })))
}

fn view(w: &Workspace) -> Value {
    json!({
        "id": w.id,
        "name": w.name,
        "slug": w.slug,
        "owner_id": w.owner_id,
        "logo_url": w.logo_url,
        "timezone": w.timezone,
        "subscription_tier": w.plan,
        "settings": w.settings,
        "created_at": w.created_at,
    })
}
