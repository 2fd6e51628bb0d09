//! Open keys of an agent.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use platform::{
    AgentId, App, Error, KeyId, Patch,
    workspaces::keys::{
        self, Access, IpRange, NewOpenKey, OpenKey, OpenKeyChange, change_open_key, create_open_key,
        list_open_keys,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Result, optional_text, text};

/// Longest description of a key, in characters.
const MAX_DESCRIPTION: usize = 500;
/// Calls a minute and an hour unless others are named, and at most.
const PER_MINUTE: (u32, u32) = (60, 1_000);
const PER_HOUR: (u32, u32) = (1_000, 10_000);
/// Addresses and networks that one key may name.
const MAX_IPS: usize = 100;

/// The body of a new key.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    description: Option<String>,
    permissions: Access,
    rate_limit_per_minute: Option<u32>,
    rate_limit_per_hour: Option<u32>,
    #[serde(default)]
    allowed_ips: Vec<String>,
    expires_at: Option<DateTime<Utc>>,
}

/// `POST …/agents/{agent_id}/open-keys`
pub async fn create_open_key_for_agent(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let agent: AgentId = agent.parse()?;
    let form = NewOpenKey {
        name: text("name", &body.name, 100)?,
        description: optional_text("description", body.description.as_deref(), MAX_DESCRIPTION)?,
        permissions: some_permissions(body.permissions)?,
        rate_per_minute: rate("rate_limit_per_minute", body.rate_limit_per_minute, PER_MINUTE)?,
        rate_per_hour: rate("rate_limit_per_hour", body.rate_limit_per_hour, PER_HOUR)?,
        allowed_ips: ranges(&body.allowed_ips)?,
        expires_at: body.expires_at.map(|end| later(&app, end)).transpose()?,
    };
    let made = create_open_key(&app, &member.tenant, &member.by, &agent, form).await?;
    let mut answer = view(&made.created.key);
    answer["api_key"] = json!(made.created.secret);
    answer["api_secret"] = json!(made.api_secret);
    answer["message"] = json!("Save the key and its secret - they won't be shown again!");
    Ok((StatusCode::CREATED, Json(answer)))
}

fn some_permissions(permissions: Access) -> Result<Access> {
    if permissions.values().all(Vec::is_empty) {
        let message = "permissions names no action. Give for contacts, forms or document-extraction a list of create, read, update, delete.";
        return Err(Error::invalid("permissions", message).into());
    }
    Ok(permissions)
}

fn rate(field: &'static str, given: Option<u32>, (usual, most): (u32, u32)) -> Result<u32> {
    match given.unwrap_or(usual) {
        rate if (1..=most).contains(&rate) => Ok(rate),
        _ => Err(Error::invalid(field, format!("{field} is a number from 1 to {most}.")).into()),
    }
}

fn ranges(given: &[String]) -> Result<Vec<IpRange>> {
    if given.len() > MAX_IPS {
        return Err(Error::invalid("allowed_ips", format!("A key has at most {MAX_IPS} allowed_ips.")).into());
    }
    Ok(given.iter().map(|range| range.parse()).collect::<platform::Result<_>>()?)
}

fn later(app: &App, end: DateTime<Utc>) -> Result<DateTime<Utc>> {
    if end > app.clock.now() {
        return Ok(end);
    }
    Err(Error::invalid("expires_at", "expires_at lies in the past.").into())
}

/// `GET …/agents/{agent_id}/open-keys`
pub async fn list_open_keys_of_agent(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let keys = list_open_keys(&app, &member.tenant, &agent.parse()?).await?;
    Ok(Json(json!({ "open_keys": keys.iter().map(view).collect::<Vec<_>>(), "total": keys.len() })))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    description: Patch<String>,
    permissions: Option<Access>,
    rate_limit_per_minute: Option<u32>,
    rate_limit_per_hour: Option<u32>,
    allowed_ips: Option<Vec<String>>,
    #[serde(default)]
    expires_at: Patch<DateTime<Utc>>,
}

/// `PATCH …/agents/{agent_id}/open-keys/{key_id}`
pub async fn update_open_key(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let (agent, id): (AgentId, KeyId) = (agent.parse()?, id.parse()?);
    let limited =
        |field, given: Option<u32>, (_, most)| given.map(|n| rate(field, Some(n), (n, most))).transpose();
    let change = OpenKeyChange {
        name: body.name.map(|name| text("name", &name, 100)).transpose()?,
        description: match body.description {
            Patch::Set(text) => {
                optional_text("description", Some(&text), MAX_DESCRIPTION)?.map_or(Patch::Clear, Patch::Set)
            }
            other => other,
        },
        permissions: body.permissions.map(some_permissions).transpose()?,
        rate_per_minute: limited("rate_limit_per_minute", body.rate_limit_per_minute, PER_MINUTE)?,
        rate_per_hour: limited("rate_limit_per_hour", body.rate_limit_per_hour, PER_HOUR)?,
        allowed_ips: body.allowed_ips.as_deref().map(ranges).transpose()?,
        expires_at: match body.expires_at {
            Patch::Set(end) => Patch::Set(later(&app, end)?),
            other => other,
        },
    };
    Ok(Json(view(&change_open_key(&app, &member.tenant, &member.by, (&agent, &id), change).await?)))
}

/// `DELETE …/agents/{agent_id}/open-keys/{key_id}`
pub async fn revoke_open_key(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, id): (AgentId, KeyId) = (agent.parse()?, id.parse()?);
    keys::revoke_open_key(&app, &member.tenant, &member.by, (&agent, &id)).await?;
    Ok(Json(json!({ "success": true, "message": "API key revoked" })))
}

fn view(key: &OpenKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "description": key.description,
        "key_prefix": key.key_prefix,
        "permissions": key.permissions,
        "rate_limit_per_minute": key.rate_per_minute,
        "rate_limit_per_hour": key.rate_per_hour,
        "allowed_ips": key.allowed_ips,
        "expires_at": key.expires_at,
        "is_active": key.revoked_at.is_none(),
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
    })
}
