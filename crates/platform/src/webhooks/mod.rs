//! Webhooks: addresses of a workspace's own that are told of its events.
//!
//! [`fan_out`] reads the event log and writes a delivery for each webhook that wants an event, in the transaction in
//! which the event counts as read. [`deliver`] claims what is due by moving its time beyond the claim, sends it, and
//! writes down what came back. Whatever dies in between leaves a row that comes due again: each event arrives at least
//! once, and its receiver tells repetitions by `webhook-id`.

mod deliver;
mod deliveries;
mod fan_out;
mod headers;
mod signature;
mod store;

use ::store::Write;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use url::Url;

pub(crate) use deliver::run as deliver;
pub use deliveries::{Delivery, Filter, Try, deliveries, delivery, replay, test};
pub(crate) use fan_out::run as fan_out;
pub use headers::Headers;
pub use store::Webhook;

use crate::{
    Actor, App, Error, Patch, Result, Tenant, WebhookId,
    audit::{self, Event},
    events::Kind,
};

/// Webhooks of one workspace.
const MAX_WEBHOOKS: usize = 50;
/// How long the former secret signs beside a new one, so that receivers can change over.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// How long deliveries are kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Which document's names a webhook's deliveries carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `LEAD_CAPTURED`
    Upper,
    /// `lead.captured`
    Dotted,
}

impl Naming {
    /// As it is stored.
    fn as_str(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Dotted => "dotted",
        }
    }

    /// What a kind of event is called.
    pub fn name(self, kind: Kind) -> &'static str {
        match self {
            Self::Upper => kind.upper(),
            Self::Dotted => kind.dotted(),
        }
    }
}

/// A webhook as it is to be.
pub struct NewWebhook {
    /// What people call it; the host of its address when absent.
    pub name: Option<String>,
    /// Where to.
    pub url: String,
    /// Of which events, by the names of either document.
    pub events: Vec<String>,
    /// By which names its deliveries call them.
    pub naming: Naming,
    /// What goes with each delivery.
    pub headers: Headers,
}

/// What to change of a webhook.
#[derive(Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub url: Option<String>,
    /// Other events.
    pub events: Option<Vec<String>>,
    /// Other headers, or none.
    pub headers: Patch<Headers>,
    /// Whether it is sent anything.
    pub is_active: Option<bool>,
}

/// The workspace's webhooks, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<Webhook>> {
    store::list(&mut app.db.read().await?, tenant).await
}

/// One webhook.
///
/// # Errors
/// Not found.
pub async fn get(app: &App, tenant: &Tenant, id: &WebhookId) -> Result<Webhook> {
    store::get(&mut app.db.read().await?, tenant, id).await?.ok_or_else(missing)
}

/// Adds a webhook; gives it with its secret, which is never shown again.
///
/// # Errors
/// Invalid, naming the field: an address that may not be reached, an event that there is not, a malformed header.
pub async fn create(app: &App, tenant: &Tenant, by: &Actor, form: NewWebhook) -> Result<(Webhook, String)> {
    let now = app.clock.now();
    let url = checked_address(app, &form.url).await?;
    let id = WebhookId::new(now, app.entropy);
    let secret = signature::new_secret(app.entropy);
    let webhook = Webhook {
        name: form.name.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned()),
        url: url.into(),
        kinds: checked_events(&form.events)?,
        naming: form.naming.as_str().to_owned(),
        headers: seal_headers(app, &id, &form.headers)?,
        secret: app.secrets.seal(&secret_context(&id), secret.as_bytes(), app.entropy),
        former_secret: None,
        former_until: None,
        is_active: true,
        disabled_reason: None,
        failing_since: None,
        created_at: now,
        updated_at: now,
        id,
    };
    let mut db = app.db.write().await?;
    if store::list(&mut db, tenant).await?.len() >= MAX_WEBHOOKS {
        return Err(Error::unprocessable(format!("A workspace has at most {MAX_WEBHOOKS} webhooks.")));
    }
    store::insert(&mut db, tenant, &webhook, by.id()).await?;
    record(app, &mut db, tenant, by, "webhook.created", &webhook).await?;
    db.commit().await?;
    Ok((webhook, secret))
}

/// Changes a webhook. Headers stay with their address, as they mostly hold the receiver's token.
///
/// # Errors
/// Not found, or as [`create`].
pub async fn change(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &WebhookId,
    change: Change,
) -> Result<Webhook> {
    let url = match &change.url {
        Some(url) => Some(checked_address(app, url).await?),
        None => None,
    };
    let mut db = app.db.write().await?;
    let mut webhook = store::get(&mut db, tenant, id).await?.ok_or_else(missing)?;
    webhook.name = change.name.unwrap_or(webhook.name);
    if let Some(events) = &change.events {
        webhook.kinds = checked_events(events)?;
    }
    let moved = url.as_ref().is_some_and(|url| url.as_str() != webhook.url);
    webhook.url = url.map_or(webhook.url, String::from);
    webhook.headers = match change.headers {
        Patch::Set(headers) => seal_headers(app, id, &headers)?,
        Patch::Clear => None,
        // Else whoever may change the address could have the headers sent to themselves.
        Patch::Keep if moved && webhook.headers.is_some() => {
            return Err(Error::invalid("headers", "Another address needs the headers again, or null."));
        }
        Patch::Keep => webhook.headers,
    };
    if let Some(is_active) = change.is_active {
        // Whoever switches it on again starts anew.
        webhook.disabled_reason = None;
        webhook.failing_since = None;
        webhook.is_active = is_active;
    }
    webhook.updated_at = app.clock.now();
    store::update(&mut db, tenant, &webhook).await?;
    record(app, &mut db, tenant, by, "webhook.changed", &webhook).await?;
    db.commit().await?;
    app.deliveries.ring();
    Ok(webhook)
}

/// Removes a webhook with its deliveries.
///
/// # Errors
/// Not found.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &WebhookId) -> Result<()> {
    let mut db = app.db.write().await?;
    if store::delete(&mut db, tenant, id).await? == 0 {
        return Err(missing());
    }
    audit::record(app, &mut db, tenant, by, Event::new("webhook.deleted", id.as_str())).await?;
    Ok(db.commit().await?)
}

/// Gives a webhook a new secret. The one before signs beside it for a day.
///
/// # Errors
/// Not found.
pub async fn rotate_secret(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &WebhookId,
) -> Result<(Webhook, String)> {
    let secret = signature::new_secret(app.entropy);
    let sealed = app.secrets.seal(&secret_context(id), secret.as_bytes(), app.entropy);
    let mut db = app.db.write().await?;
    let mut webhook = store::get(&mut db, tenant, id).await?.ok_or_else(missing)?;
    webhook.former_secret = Some(std::mem::replace(&mut webhook.secret, sealed));
    webhook.updated_at = app.clock.now();
    webhook.former_until = Some(webhook.updated_at + OVERLAP);
    store::update(&mut db, tenant, &webhook).await?;
    record(app, &mut db, tenant, by, "webhook.secret_rotated", &webhook).await?;
    db.commit().await?;
    Ok((webhook, secret))
}

/// Removes deliveries that are older than they are kept; gives how many there were.
///
/// # Errors
/// What the database says.
pub(crate) async fn sweep(app: &App) -> Result<u64> {
    let mut db = app.db.write().await?;
    let swept = store::delete_before(&mut db, app.clock.now() - KEPT).await?;
    db.commit().await?;
    Ok(swept)
}

impl Webhook {
    /// The events it is told of.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().filter_map(|name| Kind::of(name))
    }

    /// Whether headers of its owner go with each delivery; they are never shown again.
    pub fn has_headers(&self) -> bool {
        self.headers.is_some()
    }

    fn naming(&self) -> Naming {
        if self.naming == Naming::Dotted.as_str() { Naming::Dotted } else { Naming::Upper }
    }

    /// The secrets that sign at a moment.
    fn secrets(&self, app: &App, now: DateTime<Utc>) -> Result<Vec<String>> {
        let former =
            self.former_secret.as_ref().filter(|_| self.former_until.is_some_and(|until| now < until));
        let open = |sealed: &String| -> Result<String> {
            let plain = app.secrets.open(&secret_context(&self.id), sealed)?;
            Ok(std::str::from_utf8(&plain).map_err(Error::internal)?.to_owned())
        };
        [Some(&self.secret), former].into_iter().flatten().map(open).collect()
    }
}

fn missing() -> Error {
    Error::not_found("There is no such webhook.")
}

async fn record(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    action: &'static str,
    webhook: &Webhook,
) -> Result<()> {
    let details = json!({ "name": webhook.name, "events": webhook.kinds, "is_active": webhook.is_active });
    audit::record(app, db, tenant, by, Event::new(action, webhook.id.as_str()).with(details)).await
}

/// Where a sealed secret belongs; the former one keeps its place.
fn secret_context(id: &WebhookId) -> String {
    format!("webhooks.secret:{id}")
}

fn headers_context(id: &WebhookId) -> String {
    format!("webhooks.headers:{id}")
}

fn seal_headers(app: &App, id: &WebhookId, given: &Headers) -> Result<Option<String>> {
    headers::checked(given)?;
    if given.is_empty() {
        return Ok(None);
    }
    Ok(Some(app.secrets.seal(&headers_context(id), &serde_json::to_vec(given)?, app.entropy)))
}

async fn checked_address(app: &App, text: &str) -> Result<Url> {
    let bad = |_| Error::invalid("url", "url is an address such as https://example.com/webhook.");
    let url: Url = text.trim().parse().map_err(bad)?;
    app.outbound.check(&url).await.map_err(|error| Error::invalid("url", error.to_string()))?;
    Ok(url)
}

/// The kinds' stored names, each once.
fn checked_events(names: &[String]) -> Result<Vec<String>> {
    let kinds = names.iter().map(|name| Kind::of(name)).collect::<Option<Vec<_>>>();
    let kinds = kinds.filter(|kinds| !kinds.is_empty()).ok_or_else(|| {
        let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.upper()).collect();
        Error::invalid("event_types", format!("Name at least one event, of {}.", known.join(", ")))
    })?;
    let wanted = Kind::ALL.iter().filter(|kind| kinds.contains(kind));
    Ok(wanted.map(|kind| kind.upper().to_owned()).collect())
}
