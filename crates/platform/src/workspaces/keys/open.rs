//! Open keys: key and secret of a program that works with one agent's contacts, forms and documents, with
//! permissions, rates, addresses and an end of its own.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::FromRow;
use store::sql;
use subtle::ConstantTimeEq;

use super::{Created, KeyKind, SHOWN, hash, note_use, record_created, revoke};
use crate::{
    Actor, AgentId, App, Error, KeyId, Origin, Patch, Result, Tenant, WorkspaceId, agents,
    audit::{self, Event},
    limits::{Rate, Verdict},
};

/// What open keys and their secrets begin with.
const KEY_PREFIX: &str = "ok_live_";
const SECRET_PREFIX: &str = "os_live_";

/// What an open key works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// An agent's contacts and their files.
    Contacts,
    /// An agent's forms.
    Forms,
    /// Data taken out of documents.
    DocumentExtraction,
}

/// What it may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make.
    Create,
    /// Read.
    Read,
    /// Change.
    Update,
    /// Delete.
    Delete,
}

/// What a key may do, by what it works with.
pub type Access = BTreeMap<Resource, Vec<Action>>;

/// An address or a network that a key may be used from: `203.0.113.7`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange(IpNet);

impl FromStr for IpRange {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(|network| Self(network.trunc())).map_err(|_| {
            let message = format!(
                "allowed_ips: {text:?} is not an IPv4 or IPv6 address, nor a network such as 203.0.113.0/24."
            );
            Error::invalid("allowed_ips", message)
        })
    }
}

impl Serialize for IpRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let single = self.0.prefix_len() == self.0.max_prefix_len();
        if single { serializer.collect_str(&self.0.addr()) } else { serializer.collect_str(&self.0) }
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|e: Error| serde::de::Error::custom(e.message))
    }
}

/// An open key as it is listed: never the key or its secret.
#[derive(Clone, Debug, FromRow)]
pub struct OpenKey {
    /// The key's id.
    pub id: KeyId,
    /// What it is called.
    pub name: String,
    /// What it is for, in its makers' words.
    pub description: Option<String>,
    /// Its first characters.
    pub key_prefix: String,
    /// What it may do.
    #[sqlx(json)]
    pub permissions: Access,
    /// Calls a minute.
    pub rate_per_minute: i64,
    /// Calls an hour.
    pub rate_per_hour: i64,
    /// From where it may be used; from everywhere when empty.
    #[sqlx(json)]
    pub allowed_ips: Vec<IpRange>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A checked request for an open key.
pub struct NewOpenKey {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do.
    pub permissions: Access,
    /// Calls a minute, 1 to 1,000.
    pub rate_per_minute: u32,
    /// Calls an hour, 1 to 10,000.
    pub rate_per_hour: u32,
    /// From where it may be used.
    pub allowed_ips: Vec<IpRange>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What to change of an open key.
#[derive(Default)]
pub struct OpenKeyChange {
    /// A new name.
    pub name: Option<String>,
    /// A new description, or none.
    pub description: Patch<String>,
    /// What it may do from now on.
    pub permissions: Option<Access>,
    /// Calls a minute.
    pub rate_per_minute: Option<u32>,
    /// Calls an hour.
    pub rate_per_hour: Option<u32>,
    /// From where it may be used from now on.
    pub allowed_ips: Option<Vec<IpRange>>,
    /// A new end, or none.
    pub expires_at: Patch<DateTime<Utc>>,
}

/// A new open key's secret stands beside the key: both are shown once.
pub struct CreatedOpenKey {
    /// The key.
    pub created: Created<OpenKey>,
    /// Its secret.
    pub api_secret: String,
}

/// Makes an open key for an agent.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn create_open_key(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    form: NewOpenKey,
) -> Result<CreatedOpenKey> {
    agents::get(app, tenant, agent).await?;
    let now = app.clock.now();
    let secret = format!("{KEY_PREFIX}{}", &app.entropy.token()[..40]);
    let api_secret = format!("{SECRET_PREFIX}{}", app.entropy.token());
    let key = OpenKey {
        id: KeyId::new(now, app.entropy),
        name: form.name,
        description: form.description,
        key_prefix: secret[..SHOWN].to_owned(),
        permissions: form.permissions,
        rate_per_minute: form.rate_per_minute.into(),
        rate_per_hour: form.rate_per_hour.into(),
        allowed_ips: form.allowed_ips,
        expires_at: form.expires_at,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    let mut db = app.db.write().await?;
    db.execute(sql!(
        "INSERT INTO api_keys (id, workspace_id, kind, name, description, key_hash, key_prefix, allowed_domains, agent_id,
             secret_hash, permissions, rate_per_minute, rate_per_hour, allowed_ips, expires_at, created_by, created_at)
         VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &key.id,
        tenant,
        key.name.as_str(),
        key.description.clone(),
        hash(&secret),
        key.key_prefix.as_str(),
        serde_json::json!([]),
        agent,
        hash(&api_secret),
        serde_json::to_value(&key.permissions)?,
        key.rate_per_minute,
        key.rate_per_hour,
        serde_json::to_value(&key.allowed_ips)?,
        key.expires_at,
        by.id(),
        now
    ))
    .await?;
    record_created(app, &mut db, tenant, by, KeyKind::Open, &key.id, &key.name).await?;
    db.commit().await?;
    Ok(CreatedOpenKey { created: Created { key, secret }, api_secret })
}

/// An agent's open keys, oldest first.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list_open_keys(app: &App, tenant: &Tenant, agent: &AgentId) -> Result<Vec<OpenKey>> {
    agents::get(app, tenant, agent).await?;
    Ok(app
        .db
        .read()
        .await?
        .all(sql!(
            "SELECT id, name, description, key_prefix, permissions, rate_per_minute, rate_per_hour, allowed_ips, expires_at,
                    created_at, last_used_at, revoked_at
             FROM api_keys WHERE workspace_id = $1 AND agent_id = $2 AND kind = 'open' ORDER BY id",
            tenant,
            agent
        ))
        .await?)
}

/// Changes an open key; a call that comes after this has been answered meets the new terms.
///
/// # Errors
/// Not found when the agent has no such key, or it was revoked.
pub async fn change_open_key(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, id): (&AgentId, &KeyId),
    change: OpenKeyChange,
) -> Result<OpenKey> {
    let mut db = app.db.write().await?;
    let mut key: OpenKey = db
        .optional(sql!(
            "SELECT id, name, description, key_prefix, permissions, rate_per_minute, rate_per_hour, allowed_ips, expires_at,
                    created_at, last_used_at, revoked_at
             FROM api_keys WHERE workspace_id = $1 AND agent_id = $2 AND id = $3 AND kind = 'open' AND revoked_at IS NULL",
            tenant,
            agent,
            id
        ))
        .await?
        .ok_or_else(|| Error::not_found("There is no such key, or it was revoked."))?;
    key.name = change.name.unwrap_or(key.name);
    key.description = change.description.apply(key.description);
    key.permissions = change.permissions.unwrap_or(key.permissions);
    key.rate_per_minute = change.rate_per_minute.map_or(key.rate_per_minute, i64::from);
    key.rate_per_hour = change.rate_per_hour.map_or(key.rate_per_hour, i64::from);
    key.allowed_ips = change.allowed_ips.unwrap_or(key.allowed_ips);
    key.expires_at = change.expires_at.apply(key.expires_at);
    db.execute(sql!(
        "UPDATE api_keys SET name = $3, description = $4, permissions = $5, rate_per_minute = $6, rate_per_hour = $7,
                allowed_ips = $8, expires_at = $9
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        key.name.as_str(),
        key.description.clone(),
        serde_json::to_value(&key.permissions)?,
        key.rate_per_minute,
        key.rate_per_hour,
        serde_json::to_value(&key.allowed_ips)?,
        key.expires_at
    ))
    .await?;
    audit::record(app, &mut db, tenant, by, Event::new("key.changed", id.as_str())).await?;
    app.callers.commit(db).await?;
    Ok(key)
}

/// Ends an open key, at once.
///
/// # Errors
/// Not found when the agent has no such key, or it is revoked already.
pub async fn revoke_open_key(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, id): (&AgentId, &KeyId),
) -> Result<()> {
    let statement = sql!(
        "UPDATE api_keys SET revoked_at = $4
         WHERE workspace_id = $1 AND agent_id = $2 AND id = $3 AND kind = 'open' AND revoked_at IS NULL",
        tenant,
        agent,
        id,
        app.clock.now()
    );
    revoke(app, tenant, by, id, statement).await
}

/// A program that calls with an open key.
#[derive(Clone, Debug)]
pub struct OpenCaller {
    /// The key's workspace.
    pub tenant: Tenant,
    /// The one agent it works with.
    pub agent: AgentId,
    /// The key as the audit log names it.
    pub actor: Actor,
    /// How much of its tighter rate is left.
    pub limit: Verdict,
    permissions: Access,
}

impl OpenCaller {
    /// Lets through a key that may do this with that.
    ///
    /// # Errors
    /// Forbidden, naming the permission that is missing.
    pub fn require(&self, resource: Resource, action: Action) -> Result<()> {
        if self.permissions.get(&resource).is_some_and(|actions| actions.contains(&action)) {
            return Ok(());
        }
        let (resource, action) = (serde_json::to_value(resource)?, serde_json::to_value(action)?);
        let message = format!("This API key has no permission to {} {}.", text(&action), text(&resource));
        Err(Error::forbidden(message).with_code("INSUFFICIENT_PERMISSIONS"))
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A key as its callers are held to it.
#[derive(FromRow)]
pub(crate) struct OpenKeyRow {
    id: KeyId,
    name: String,
    workspace_id: WorkspaceId,
    agent_id: AgentId,
    secret_hash: String,
    #[sqlx(json)]
    permissions: Access,
    rate_per_minute: i64,
    rate_per_hour: i64,
    #[sqlx(json)]
    allowed_ips: Vec<IpRange>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

/// Who calls with an open key and its secret. Refusals say which term of the key was not met, but a wrong secret
/// and an unknown key look the same.
///
/// # Errors
/// Unauthorized when key or secret are wrong, revoked or have ended; forbidden from an address that the key does
/// not name; limited beyond its rates.
pub async fn open_key(app: &App, key: &str, secret: &str, origin: Origin) -> Result<OpenCaller> {
    let wrong = || Error::unauthorized("The API key or its secret is wrong, or the key was revoked.");
    let now = app.clock.now();
    let key = hash(key);
    let row = app.callers.open_keys.get(&key, now, || read(app, &key)).await?.ok_or_else(wrong)?;
    let right: bool = hash(secret).as_bytes().ct_eq(row.secret_hash.as_bytes()).into();
    if !right {
        return Err(wrong());
    }
    if row.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::unauthorized("This API key has expired. Make a new one.").with_code("KEY_EXPIRED"));
    }
    let allowed = row.allowed_ips.is_empty()
        || origin
            .address
            .is_some_and(|address| row.allowed_ips.iter().any(|range| range.0.contains(&address)));
    if !allowed {
        let message =
            "This API key may not be used from this address. Add the address to the key's allowed_ips.";
        return Err(Error::forbidden(message).with_code("IP_NOT_ALLOWED"));
    }
    Ok(OpenCaller {
        tenant: Tenant::new(row.workspace_id.clone()),
        agent: row.agent_id.clone(),
        actor: Actor::key(&row.id, &row.name, origin),
        limit: count(app, &row, now)?,
        permissions: row.permissions.clone(),
    })
}

/// Counts a call by both rates of the key; gives the one of which less is left.
fn count(app: &App, row: &OpenKeyRow, now: DateTime<Utc>) -> Result<Verdict> {
    let take = |limit: i64, window: TimeDelta| {
        let rate = Rate { limit: u32::try_from(limit).unwrap_or(u32::MAX), window };
        app.limiter.take((&row.id, window), rate, now)
    };
    let minute = take(row.rate_per_minute, TimeDelta::minutes(1));
    if !minute.allowed {
        return Err(Error::limited(minute.retry_after));
    }
    let hour = take(row.rate_per_hour, TimeDelta::hours(1));
    if !hour.allowed {
        return Err(Error::limited(hour.retry_after));
    }
    Ok(if minute.remaining <= hour.remaining { minute } else { hour })
}

async fn read(app: &App, hash: &str) -> Result<Option<Arc<OpenKeyRow>>> {
    let row: Option<OpenKeyRow> = app
        .db
        .read()
        .await?
        .optional(sql!(
            "SELECT k.id, k.name, k.workspace_id, k.agent_id, k.secret_hash, k.permissions, k.rate_per_minute,
                    k.rate_per_hour, k.allowed_ips, k.expires_at, k.last_used_at
             FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id
             WHERE k.key_hash = $1 AND k.kind = 'open' AND k.revoked_at IS NULL AND w.erased_at IS NULL",
            hash
        ))
        .await?;
    let Some(row) = row else { return Ok(None) };
    note_use(app, &row.id, row.last_used_at).await?;
    Ok(Some(Arc::new(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_network_is_read_and_written_back() {
        for (given, written) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            (" 2001:db8::1 ", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            let range: IpRange = given.parse().unwrap();
            assert_eq!(serde_json::to_value(range).unwrap(), written);
        }
        for wrong in ["", "localhost", "203.0.113.0/33", "1.2.3"] {
            assert_eq!(wrong.parse::<IpRange>().unwrap_err().field.as_deref(), Some("allowed_ips"));
        }
    }
}
