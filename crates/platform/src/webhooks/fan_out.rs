//! From events to deliveries.

use std::collections::HashMap;

use ::store::Write;
use serde_json::{Value, json};

use super::{Webhook, deliveries::NewDelivery, store};
use crate::{
    App, DeliveryId, Result, Tenant,
    events::{Event, Reader},
};

/// Writes a delivery for each webhook that wants an event, until the server stops.
pub(crate) async fn run(app: App) {
    let mut reader = Reader::new(&app, "webhooks");
    while let Some((db, events)) = reader.next(&app).await {
        if let Err(error) = spread(&app, db, &events).await {
            tracing::error!(%error, "events cannot be spread to webhooks; they are read again");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

/// The deliveries of some events, in the transaction in which these count as read.
async fn spread(app: &App, mut db: Write, events: &[Event]) -> Result<()> {
    let mut known: HashMap<&Tenant, Vec<Webhook>> = HashMap::new();
    let mut deliveries = Vec::new();
    for event in events {
        let webhooks = match known.get(&event.tenant) {
            Some(webhooks) => webhooks,
            None => {
                let webhooks = store::list(&mut db, &event.tenant).await?;
                known.entry(&event.tenant).or_insert(webhooks)
            }
        };
        for webhook in webhooks.iter().filter(|webhook| wants(webhook, event)) {
            deliveries.push(delivery(app, webhook, event)?);
        }
    }
    store::insert_deliveries(&mut db, &deliveries, app.clock.now()).await?;
    db.commit().await?;
    if !deliveries.is_empty() {
        app.deliveries.ring();
    }
    Ok(())
}

/// A webhook hears of what happens from its making on.
fn wants(webhook: &Webhook, event: &Event) -> bool {
    webhook.is_active
        && event.created_at >= webhook.created_at
        && webhook.kinds().any(|kind| kind == event.fact.kind())
}

fn delivery(app: &App, webhook: &Webhook, event: &Event) -> Result<NewDelivery> {
    let name = webhook.naming().name(event.fact.kind());
    let data = serde_json::to_value(&event.fact)?["data"].take();
    let now = app.clock.now();
    Ok(NewDelivery {
        id: DeliveryId::new(now, app.entropy),
        tenant: event.tenant.clone(),
        webhook: webhook.id.clone(),
        event: event.id.clone(),
        event_type: name.to_owned(),
        body: body(name, event.created_at, &event.tenant, data),
        next_at: now,
        replay_of: None,
    })
}

/// What is sent: Standard Webhooks' `type`, `timestamp` and `data`, and whose it is.
pub(super) fn body(name: &str, at: chrono::DateTime<chrono::Utc>, tenant: &Tenant, data: Value) -> String {
    json!({ "type": name, "timestamp": at, "workspace_id": tenant.id(), "data": data }).to_string()
}
