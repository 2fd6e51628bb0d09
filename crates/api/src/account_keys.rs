//! Account keys, on the caller's current workspace.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Error, KeyId,
    workspaces::{
        self, KeyKind, Scope,
        keys::{ListedAccountKey, create_account_key, list_account_keys},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Result, text};

/// The body of a new key.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    permissions: Vec<String>,
}

/// `POST /account/api-keys`
pub async fn create_account_api_key(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let scope = scope(&body.permissions)?;
    let name = text("name", &body.name, 100)?;
    let made = create_account_key(&app, &member.tenant, &member.by, name, scope).await?;
    let mut key = view(&made.key);
    key["key"] = json!(made.secret);
    let answer = json!({ "api_key": key, "message": "Save this key - it won't be shown again!" });
    Ok((StatusCode::CREATED, Json(answer)))
}

fn scope(permissions: &[String]) -> Result<Scope> {
    let named: Vec<&str> = permissions.iter().map(String::as_str).collect();
    match named.iter().find(|name| !matches!(**name, "read" | "write")) {
        None if named.contains(&"write") => Ok(Scope::Write),
        None if named.contains(&"read") => Ok(Scope::Read),
        _ => Err(Error::invalid("permissions", "permissions is a list of read and write.").into()),
    }
}

/// `GET /account/api-keys`
pub async fn list_account_api_keys(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let keys = list_account_keys(&app, &member.tenant).await?;
    Ok(Json(json!({ "api_keys": keys.iter().map(view).collect::<Vec<_>>() })))
}

/// `DELETE /account/api-keys/{key_id}`
pub async fn revoke_account_api_key(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let id: KeyId = id.parse()?;
    workspaces::revoke_key(&app, &member.tenant, &member.by, KeyKind::Account, &id).await?;
    Ok(Json(json!({ "success": true, "message": "API key deleted" })))
}

fn view(key: &ListedAccountKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "key_prefix": key.key_prefix,
        "permissions": key.permissions,
        "created_at": key.created_at,
        "last_used": key.last_used_at,
    })
}
