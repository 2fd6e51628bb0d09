//! Publishable keys: safe to stand in a web page, because they open the widget's calls only, and only for
//! pages on the domains they name.

use std::{str::FromStr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use store::sql;
use url::{Host, Url};

use super::{Created, KeyKind, SHOWN, hash, note_use, record_created};
use crate::{
    Actor, AgentId, App, Error, KeyId, Result, Tenant, WorkspaceId,
    agents::{self, Published},
    audit::{self, Event},
    billing::Plan,
    limits::Rate,
};

/// What a share page's key begins with.
const SHARE: &str = "share_";
/// How often an address may call by an agent's id, whatever the plan: anybody can put that into a page.
const PUBLIC: Rate = Rate { limit: 60, window: TimeDelta::minutes(1) };

/// A domain that a key may be used on: `example.com` is that host, `*.example.com` its subdomains.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Domain(String);

impl Domain {
    /// Whether a page on a host may use the key. A port may be part of the domain: `localhost:3000`.
    fn covers(&self, origin: &Url) -> bool {
        let Some(host) = origin.host_str() else { return false };
        let place = match (origin.port(), self.0.contains(':')) {
            (Some(port), true) => format!("{host}:{port}"),
            _ => host.to_owned(),
        };
        match self.0.strip_prefix("*.") {
            Some(parent) => {
                place.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            None => place == self.0,
        }
    }
}

impl FromStr for Domain {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "allowed_domains",
                format!(
                    "allowed_domains: {text:?} is not a host such as example.com or *.example.com, without https:// and path."
                ),
            )
        };
        let lower = text.trim().to_lowercase();
        let host = lower.strip_prefix("*.").unwrap_or(&lower);
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let well_formed = Host::parse(name).is_ok() && port.is_none_or(|port| port.parse::<u16>().is_ok());
        if name.is_empty() || name.contains('*') || !well_formed {
            return Err(wrong());
        }
        // Browsers send international names in Punycode; the key must hold what they send.
        let ascii = Host::parse(name).map_err(|_| wrong())?.to_string();
        Ok(Self(lower.replace(name, &ascii)))
    }
}

/// A key as it is listed: never the key itself.
#[derive(Clone, Debug, FromRow)]
pub struct Key {
    /// The key's id.
    pub id: KeyId,
    /// What it is called.
    pub name: String,
    /// Its first characters.
    pub key_prefix: String,
    /// Where it may be used.
    #[sqlx(json)]
    pub allowed_domains: Vec<Domain>,
    /// Questions a day after which answers get cheaper; none is without end.
    pub daily_messages: Option<i64>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Makes a publishable key.
///
/// # Errors
/// What the database says.
pub async fn create_key(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    name: String,
    allowed_domains: Vec<Domain>,
) -> Result<Created<Key>> {
    let now = app.clock.now();
    let secret = format!("pk_live_{}", &app.entropy.token()[..40]);
    let key = Key {
        id: KeyId::new(now, app.entropy),
        name,
        key_prefix: secret[..SHOWN].to_owned(),
        allowed_domains,
        daily_messages: None,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    let mut db = app.db.write().await?;
    db.execute(sql!(
        "INSERT INTO api_keys (id, workspace_id, kind, name, key_hash, key_prefix, allowed_domains, created_by, created_at)
         VALUES ($1, $2, 'publishable', $3, $4, $5, $6, $7, $8)",
        &key.id,
        tenant,
        key.name.as_str(),
        hash(&secret),
        key.key_prefix.as_str(),
        serde_json::to_value(&key.allowed_domains)?,
        by.id(),
        now
    ))
    .await?;
    record_created(app, &mut db, tenant, by, KeyKind::Publishable, &key.id, &key.name).await?;
    db.commit().await?;
    Ok(Created { key, secret })
}

/// The workspace's publishable keys, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_keys(app: &App, tenant: &Tenant) -> Result<Vec<Key>> {
    Ok(app
        .db
        .read()
        .await?
        .all(sql!(
            "SELECT id, name, key_prefix, allowed_domains, daily_messages, created_at, last_used_at, revoked_at FROM api_keys
             WHERE workspace_id = $1 AND kind = 'publishable' ORDER BY id",
            tenant
        ))
        .await?)
}

/// Sets how many questions a key's visitors may ask in a day before answers get cheaper.
///
/// # Errors
/// Not found when the workspace has no such key.
pub async fn set_daily_messages(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &KeyId,
    daily_messages: Option<i64>,
) -> Result<()> {
    let mut db = app.db.write().await?;
    let changed = db
        .execute(sql!(
            "UPDATE api_keys SET daily_messages = $3
             WHERE workspace_id = $1 AND id = $2 AND kind = 'publishable' AND revoked_at IS NULL",
            tenant,
            id,
            daily_messages
        ))
        .await?;
    if changed == 0 {
        return Err(Error::not_found("There is no such key, or it is revoked."));
    }
    let details = serde_json::json!({ "daily_messages": daily_messages });
    audit::record(app, &mut db, tenant, by, Event::new("key.changed", id.as_str()).with(details)).await?;
    app.callers.commit(db).await
}

/// A page that speaks for a visitor, let in by a publishable key, as a share page, or by a public agent's id.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The agent's workspace.
    pub tenant: Tenant,
    /// How often each address may call; `None` for without end.
    pub rate: Option<Rate>,
    /// What its requests are counted by: the key's id, or the agent's.
    pub counted_as: String,
    /// The page's origin, as browsers write it; empty when the caller is none.
    pub origin: String,
    /// Questions a day after which answers get cheaper, when the key says so.
    pub daily_messages: Option<i64>,
    /// The one agent that it may talk to; any of the workspace with a publishable key.
    only: Option<AgentId>,
}

impl Visitor {
    /// The agent that the visitor wants to talk to.
    ///
    /// # Errors
    /// Not found unless it is published and this visitor may reach it.
    pub async fn agent(&self, app: &App, id: &AgentId) -> Result<Arc<Published>> {
        if self.only.as_ref().is_some_and(|only| only != id) {
            return Err(Error::not_found("This page was let in to another agent."));
        }
        agents::published(app, &self.tenant, id).await
    }
}

/// What a publishable key opens, and for which pages.
#[derive(Debug, FromRow)]
pub struct Door {
    id: KeyId,
    workspace_id: WorkspaceId,
    plan: String,
    #[sqlx(json)]
    allowed_domains: Vec<Domain>,
    last_used_at: Option<DateTime<Utc>>,
    daily_messages: Option<i64>,
}

/// Lets a page in: by its key, and by the `Origin` that its browser sends. The server's own pages need no
/// domain in the key's list. A public agent's id is a key for every origin.
///
/// # Errors
/// Unauthorized when the key is unknown or revoked or the agent is not public, forbidden when the key may not be used
/// on that origin.
pub async fn visitor(app: &App, key: &str, origin: Option<&str>) -> Result<Visitor> {
    if let Some(pass) = key.strip_prefix(SHARE) {
        return shared(app, pass, origin).await;
    }
    if let Ok(agent) = key.parse() {
        return public(app, agent, origin).await;
    }
    let hash = hash(key);
    let door =
        app.callers.doors.get(&hash, app.clock.now(), || read(app, &hash)).await?.ok_or_else(|| {
            Error::unauthorized(
                "The API key is unknown or was revoked. Make a new one and put it into the page.",
            )
        })?;
    let allowed = origin.and_then(|origin| Url::parse(origin).ok()).is_some_and(|origin| {
        is_own(app, &origin) || door.allowed_domains.iter().any(|domain| domain.covers(&origin))
    });
    if !allowed {
        return Err(Error::forbidden(match origin {
            Some(_) => {
                "This API key may not be used on this domain. Add the domain to the key's allowed_domains."
            }
            None => "The request has no Origin header, by which the API key's allowed_domains are checked.",
        })
        .with_code("ORIGIN_NOT_ALLOWED"));
    }
    Ok(Visitor {
        tenant: Tenant::new(door.workspace_id.clone()),
        rate: app.config.tariff.plan(door.plan.parse::<Plan>()?).requests(),
        counted_as: door.id.as_str().to_owned(),
        origin: written(origin),
        daily_messages: door.daily_messages,
        only: None,
    })
}

/// An origin as browsers write it; what they send may be a page's whole address.
fn written(origin: Option<&str>) -> String {
    let origin = origin.and_then(|origin| Url::parse(origin).ok());
    origin.map(|origin| origin.origin().ascii_serialization()).unwrap_or_default()
}

/// Whether a page is one of the server's own.
fn is_own(app: &App, origin: &Url) -> bool {
    origin.origin() == app.config.public_url.origin()
}

/// The key of the share page of an agent: signed, not stored, and good for a day on the server's own pages.
///
/// # Errors
/// Internal when it cannot be signed.
pub fn share_key(app: &App, agent: &AgentId) -> Result<String> {
    Ok(format!("{SHARE}{}", app.tokens.issue_share(agent, app.clock.now())?))
}

async fn shared(app: &App, pass: &str, origin: Option<&str>) -> Result<Visitor> {
    let own = origin.and_then(|origin| Url::parse(origin).ok()).is_some_and(|origin| is_own(app, &origin));
    let agent = app.tokens.check_share(pass, app.clock.now()).filter(|_| own);
    let agent = agent.ok_or_else(|| Error::unauthorized("This page is too old. Load it again."))?;
    let (tenant, plan, _) = agents::shared(app, &agent).await?;
    Ok(Visitor {
        tenant,
        rate: app.config.tariff.plan(plan).requests(),
        counted_as: agent.as_str().to_owned(),
        origin: written(origin),
        daily_messages: None,
        only: Some(agent),
    })
}

/// Says the same of a private agent, of a draft and of none at all.
async fn public(app: &App, agent: AgentId, origin: Option<&str>) -> Result<Visitor> {
    let tenant = agents::public(app, &agent).await?.ok_or_else(|| {
        Error::unauthorized(
            "An agent's id is a key only while the agent is published and its visibility is public or restricted. Put an API key into the page.",
        )
    })?;
    Ok(Visitor {
        tenant,
        rate: Some(PUBLIC),
        counted_as: agent.as_str().to_owned(),
        origin: written(origin),
        daily_messages: None,
        only: Some(agent),
    })
}

async fn read(app: &App, hash: &str) -> Result<Option<Arc<Door>>> {
    let mut db = app.db.read().await?;
    let door: Option<Door> = db
        .optional(sql!(
            "SELECT k.id, k.workspace_id, w.plan, k.allowed_domains, k.last_used_at, k.daily_messages FROM api_keys k
             JOIN workspaces w ON w.id = k.workspace_id
             WHERE k.key_hash = $1 AND k.kind = 'publishable' AND k.revoked_at IS NULL AND w.erased_at IS NULL",
            hash
        ))
        .await?;
    let Some(door) = door else { return Ok(None) };
    drop(db);
    note_use(app, &door.id, door.last_used_at).await?;
    Ok(Some(Arc::new(door)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_cover_what_they_say() {
        let covers = |domain: &str, origin: &str| {
            domain.parse::<Domain>().unwrap().covers(&Url::parse(origin).unwrap())
        };
        assert!(covers("example.com", "https://example.com"));
        assert!(covers("example.com", "http://example.com:8080"));
        assert!(covers("Example.COM", "https://example.com"));
        assert!(covers("*.example.com", "https://shop.example.com"));
        assert!(covers("*.example.com", "https://a.b.example.com"));
        assert!(covers("localhost:3000", "http://localhost:3000"));
        assert!(covers("bücher.example", "https://xn--bcher-kva.example"));
        assert!(!covers("*.example.com", "https://example.com"));
        assert!(!covers("example.com", "https://shop.example.com"));
        assert!(!covers("example.com", "https://example.com.evil.test"));
        assert!(!covers("*.example.com", "https://evilexample.com"));
        assert!(!covers("localhost:3000", "http://localhost:4000"));
    }

    #[test]
    fn a_domain_is_a_host() {
        for wrong in
            ["", "*", "https://example.com", "example.com/path", "a.*.com", "exa mple.com", "example.com:x"]
        {
            assert!(wrong.parse::<Domain>().is_err(), "{wrong:?}");
        }
    }
}
