//! Publishable keys.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Error, KeyId, Patch,
    workspaces::{self, Domain, Key, KeyKind},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Result, text};

/// Domains that one key may name.
const MAX_DOMAINS: usize = 100;

/// The body of a new key.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    #[serde(default)]
    allowed_domains: Vec<String>,
    daily_messages: Option<i64>,
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    #[serde(default)]
    daily_messages: Patch<i64>,
}

/// `POST …/api-keys`
pub async fn create_api_key(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    if body.allowed_domains.len() > MAX_DOMAINS {
        let message = format!("A key has at most {MAX_DOMAINS} allowed_domains.");
        return Err(Error::invalid("allowed_domains", message).into());
    }
    let domains = body.allowed_domains.iter().map(|domain| domain.parse());
    let domains = domains.collect::<platform::Result<Vec<Domain>>>()?;
    let name = text("name", &body.name, 100)?;
    check_budget(body.daily_messages)?;
    let mut made = workspaces::create_key(&app, &member.tenant, &member.by, name, domains).await?;
    if let Some(budget) = body.daily_messages {
        let (by, key) = (&member.by, &mut made.key);
        workspaces::set_daily_messages(&app, &member.tenant, by, &key.id, Some(budget)).await?;
        key.daily_messages = Some(budget);
    }
    let mut answer = view(&made.key);
    answer["key"] = json!(made.secret);
    answer["message"] = json!("Save this key - it won't be shown again!");
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `GET …/api-keys`
pub async fn list_api_keys(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let keys = workspaces::list_keys(&app, &member.tenant).await?;
    Ok(Json(json!({ "api_keys": keys.iter().map(view).collect::<Vec<_>>() })))
}

/// `PATCH …/api-keys/{key_id}`
pub async fn update_api_key(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let id: KeyId = id.parse()?;
    if body.daily_messages != Patch::Keep {
        let budget = body.daily_messages.apply(None);
        check_budget(budget)?;
        workspaces::set_daily_messages(&app, &member.tenant, &member.by, &id, budget).await?;
    }
    let keys = workspaces::list_keys(&app, &member.tenant).await?;
    let key = keys.iter().find(|key| key.id == id);
    Ok(Json(view(key.ok_or_else(|| Error::not_found("There is no such key."))?)))
}

fn check_budget(daily_messages: Option<i64>) -> platform::Result<()> {
    match daily_messages {
        Some(budget) if !(0..=100_000_000).contains(&budget) => Err(Error::invalid(
            "daily_messages",
            "daily_messages is a number of questions, or null for no budget.",
        )),
        _ => Ok(()),
    }
}

/// `DELETE …/api-keys/{key_id}`
pub async fn revoke_api_key(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let id: KeyId = id.parse()?;
    workspaces::revoke_key(&app, &member.tenant, &member.by, KeyKind::Publishable, &id).await?;
    Ok(Json(json!({ "success": true, "message": "API key revoked" })))
}

fn view(key: &Key) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "key_prefix": key.key_prefix,
        "allowed_domains": key.allowed_domains,
        "daily_messages": key.daily_messages,
        "is_active": key.revoked_at.is_none(),
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
    })
}
