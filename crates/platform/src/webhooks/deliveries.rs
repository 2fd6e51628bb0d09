//! The log of deliveries, and deliveries that people ask for: tests and replays.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Naming, deliver, fan_out, missing, store};
pub use store::{Delivery, Filter};

use crate::{
    Actor, App, DeliveryId, Error, EventId, Page, Paged, Result, Tenant, WebhookId,
    audit::{self, Event},
};

/// One try of a delivery: what was sent, what came back, and how long it took.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Try {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long until the answer was there, in milliseconds.
    pub duration_ms: u64,
    /// Where it went.
    pub url: String,
    /// Its `webhook-timestamp`.
    pub timestamp: i64,
    /// Its `webhook-signature`.
    pub signature: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// How the answer began.
    pub response: Option<String>,
    /// Why it counts as failed.
    pub error: Option<String>,
}

/// A delivery that is to be written down.
pub(super) struct NewDelivery {
    pub id: DeliveryId,
    pub tenant: Tenant,
    pub webhook: WebhookId,
    pub event: EventId,
    pub event_type: String,
    pub body: String,
    pub next_at: DateTime<Utc>,
    pub replay_of: Option<DeliveryId>,
}

/// A webhook's deliveries, latest first.
///
/// # Errors
/// Not found when there is no such webhook.
pub async fn deliveries(
    app: &App,
    tenant: &Tenant,
    webhook: &WebhookId,
    filter: &Filter,
    page: Page,
) -> Result<Paged<Delivery>> {
    let mut db = app.db.read().await?;
    store::get(&mut db, tenant, webhook).await?.ok_or_else(missing)?;
    store::deliveries(&mut db, tenant, webhook, filter, page).await
}

/// One delivery.
///
/// # Errors
/// Not found.
pub async fn delivery(app: &App, tenant: &Tenant, webhook: &WebhookId, id: &DeliveryId) -> Result<Delivery> {
    let found = store::delivery(&mut app.db.read().await?, tenant, webhook, id).await?;
    found.ok_or_else(|| Error::not_found("There is no such delivery."))
}

/// Sends a delivery's event once more, under the same `webhook-id`; gives the new delivery.
///
/// # Errors
/// Not found; conflict when the webhook is switched off.
pub async fn replay(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    webhook: &WebhookId,
    id: &DeliveryId,
) -> Result<Delivery> {
    let old = delivery(app, tenant, webhook, id).await?;
    let now = app.clock.now();
    let new = NewDelivery {
        id: DeliveryId::new(now, app.entropy),
        tenant: tenant.clone(),
        webhook: webhook.clone(),
        event: old.event_id,
        event_type: old.event_type,
        body: old.body,
        next_at: now,
        replay_of: Some(old.id),
    };
    let mut db = app.db.write().await?;
    let target = store::get(&mut db, tenant, webhook).await?.ok_or_else(missing)?;
    if !target.is_active {
        return Err(Error::conflict("The webhook is switched off. Switch it on, then replay."));
    }
    let made = new.id.clone();
    store::insert_deliveries(&mut db, &[new], now).await?;
    let event = Event::new("webhook.replayed", webhook.as_str()).with(json!({ "delivery_id": id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.deliveries.ring();
    delivery(app, tenant, webhook, &made).await
}

/// Sends a webhook a test at once, once, also when it is switched off; gives the delivery.
///
/// # Errors
/// Not found; upstream, saying why, when it was not taken.
pub async fn test(app: &App, tenant: &Tenant, by: &Actor, id: &WebhookId) -> Result<Delivery> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let webhook = store::get(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let name = match webhook.naming() {
        Naming::Upper => deliver::TEST_UPPER,
        Naming::Dotted => deliver::TEST_DOTTED,
    };
    let new = NewDelivery {
        id: DeliveryId::new(now, app.entropy),
        tenant: tenant.clone(),
        webhook: id.clone(),
        event: EventId::new(now, app.entropy),
        event_type: name.to_owned(),
        body: fan_out::body(name, now, tenant, json!({ "webhook_id": id })),
        // Claimed from the start.
        next_at: now + deliver::LEASE,
        replay_of: None,
    };
    let made = new.id.clone();
    store::insert_deliveries(&mut db, &[new], now).await?;
    audit::record(app, &mut db, tenant, by, Event::new("webhook.tested", id.as_str())).await?;
    db.commit().await?;
    let tried = deliver::attempt(app, Arc::new(webhook), delivery(app, tenant, id, &made).await?).await?;
    deliver::record(app, tenant, id, vec![tried]).await?;
    let delivery = delivery(app, tenant, id, &made).await?;
    match delivery.log.last().and_then(|last| last.error.as_deref()) {
        Some(error) => Err(Error::upstream(format!("The webhook did not take the test. {error}"))),
        None => Ok(delivery),
    }
}
