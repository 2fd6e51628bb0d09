//! The tables of webhooks and their deliveries.

use ::store::{Read, Sql, Write, sql};
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Try, deliver::Ending, deliveries::NewDelivery};
use crate::{DeliveryId, EventId, Page, Paged, Result, Tenant, WebhookId, WorkspaceId};

/// Rows of one statement: more make it no faster, and each number of rows is a statement of its own to prepare.
const ROWS: usize = 16;
/// Webhooks that one look finds at most.
const DUE_AT_ONCE: i64 = 1_000;

/// An address that is told of events.
#[derive(Clone, Debug, FromRow)]
pub struct Webhook {
    /// The webhook.
    pub id: WebhookId,
    /// What people call it.
    pub name: String,
    /// Where its deliveries go.
    pub url: String,
    #[sqlx(json)]
    pub(super) kinds: Vec<String>,
    pub(super) naming: String,
    /// Sealed.
    pub(super) headers: Option<String>,
    /// Sealed.
    pub(super) secret: String,
    /// Sealed.
    pub(super) former_secret: Option<String>,
    /// When the secret before this one stops signing.
    pub former_until: Option<DateTime<Utc>>,
    /// Whether it is sent anything.
    pub is_active: bool,
    /// Why the server switched it off.
    pub disabled_reason: Option<String>,
    /// Since when nothing was taken.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// An event on its way to a webhook, or arrived.
#[derive(Clone, Debug, FromRow)]
pub struct Delivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Its `webhook-id`: what its receiver tells repetitions by.
    pub event_id: EventId,
    /// What its webhook calls the event.
    pub event_type: String,
    /// What is sent.
    pub body: String,
    /// PENDING, SUCCEEDED or FAILED.
    pub status: String,
    /// Tries so far.
    pub tries: i64,
    /// The tries.
    #[sqlx(json)]
    pub log: Vec<Try>,
    /// When it is tried next, while it is pending.
    pub next_at: DateTime<Utc>,
    /// The delivery that it repeats.
    pub replay_of: Option<DeliveryId>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it arrived or was given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// PENDING, SUCCEEDED or FAILED.
    pub status: Option<String>,
    /// As the webhook names it.
    pub event_type: Option<String>,
}

pub(super) async fn list(db: &mut Read, tenant: &Tenant) -> Result<Vec<Webhook>> {
    Ok(db
        .all(sql!(
            "SELECT id, name, url, kinds, naming, headers, secret, former_secret, former_until, is_active,
                    disabled_reason, failing_since, created_at, updated_at
             FROM webhooks WHERE workspace_id = $1 ORDER BY id",
            tenant
        ))
        .await?)
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant, id: &WebhookId) -> Result<Option<Webhook>> {
    Ok(db
        .optional(sql!(
            "SELECT id, name, url, kinds, naming, headers, secret, former_secret, former_until, is_active,
                    disabled_reason, failing_since, created_at, updated_at
             FROM webhooks WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

pub(super) async fn insert(db: &mut Write, tenant: &Tenant, w: &Webhook, by: &str) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO webhooks (id, workspace_id, name, url, kinds, naming, headers, secret, is_active, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &w.id,
        tenant,
        w.name.as_str(),
        w.url.as_str(),
        serde_json::to_value(&w.kinds)?,
        w.naming.as_str(),
        w.headers.clone(),
        w.secret.as_str(),
        w.is_active,
        by,
        w.created_at,
        w.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn update(db: &mut Write, tenant: &Tenant, w: &Webhook) -> Result<()> {
    db.execute(sql!(
        "UPDATE webhooks SET name = $3, url = $4, kinds = $5, headers = $6, secret = $7, former_secret = $8,
                former_until = $9, is_active = $10, disabled_reason = $11, failing_since = $12, updated_at = $13
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &w.id,
        w.name.as_str(),
        w.url.as_str(),
        serde_json::to_value(&w.kinds)?,
        w.headers.clone(),
        w.secret.as_str(),
        w.former_secret.clone(),
        w.former_until,
        w.is_active,
        w.disabled_reason.clone(),
        w.failing_since,
        w.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant, id: &WebhookId) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM webhooks WHERE workspace_id = $1 AND id = $2", tenant, id)).await?)
}

/// A webhook has taken something.
pub(super) async fn works(db: &mut Write, tenant: &Tenant, id: &WebhookId) -> Result<()> {
    db.execute(sql!(
        "UPDATE webhooks SET failing_since = NULL WHERE workspace_id = $1 AND id = $2 AND failing_since IS NOT NULL",
        tenant,
        id
    ))
    .await?;
    Ok(())
}

/// A webhook has not taken something; since when it takes nothing.
pub(super) async fn fails(
    db: &mut Write,
    tenant: &Tenant,
    id: &WebhookId,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let (since,) = db
        .one(sql!(
            "UPDATE webhooks SET failing_since = coalesce(failing_since, $3) WHERE workspace_id = $1 AND id = $2
             RETURNING failing_since",
            tenant,
            id,
            now
        ))
        .await?;
    Ok(since)
}

/// Switches a webhook off; false when it was off already.
pub(super) async fn switch_off(
    db: &mut Write,
    tenant: &Tenant,
    id: &WebhookId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let switched = db.execute(sql!(
        "UPDATE webhooks SET is_active = FALSE, disabled_reason = $3, updated_at = $4
         WHERE workspace_id = $1 AND id = $2 AND is_active",
        tenant,
        id,
        reason,
        now
    ));
    Ok(switched.await? > 0)
}

/// The mail address of the workspace's owner.
pub(super) async fn owner_address(db: &mut Read, tenant: &Tenant) -> Result<Option<String>> {
    let found = db.optional(sql!(
        "SELECT u.email FROM workspaces w JOIN users u ON u.id = w.owner_id WHERE w.id = $1",
        tenant
    ));
    Ok(found.await?.map(|(email,)| email))
}

pub(super) async fn insert_deliveries(
    db: &mut Write,
    deliveries: &[NewDelivery],
    now: DateTime<Utc>,
) -> Result<()> {
    for rows in deliveries.chunks(ROWS) {
        let mut insert = Sql::new(
            "INSERT INTO webhook_deliveries (id, workspace_id, webhook_id, event_id, event_type, body, status, tries, log, next_at, replay_of, created_at) VALUES",
        );
        for d in rows {
            insert = insert.push_row([
                (&d.id).into(),
                (&d.tenant).into(),
                (&d.webhook).into(),
                (&d.event).into(),
                d.event_type.as_str().into(),
                d.body.as_str().into(),
                "PENDING".into(),
                0i64.into(),
                serde_json::json!([]).into(),
                d.next_at.into(),
                d.replay_of.as_ref().map(DeliveryId::as_str).into(),
                now.into(),
            ]);
        }
        db.execute(insert).await?;
    }
    Ok(())
}

/// The webhooks of all workspaces for which something is due.
pub(super) async fn due(db: &mut Read, now: DateTime<Utc>) -> Result<Vec<(WorkspaceId, WebhookId)>> {
    Ok(db
        .all(sql!(
            "SELECT h.workspace_id, h.id FROM webhooks h JOIN workspaces w ON w.id = h.workspace_id
             WHERE h.is_active AND w.erased_at IS NULL AND EXISTS (SELECT 1 FROM webhook_deliveries d
                 WHERE d.webhook_id = h.id AND d.status = 'PENDING' AND d.next_at <= $1) LIMIT $2",
            now,
            DUE_AT_ONCE
        ))
        .await?)
}

/// Takes deliveries that are due until a moment; who dies before it has recorded a try leaves them to others then.
pub(super) async fn claim(
    db: &mut Write,
    tenant: &Tenant,
    webhook: &WebhookId,
    now: DateTime<Utc>,
    (until, limit): (DateTime<Utc>, usize),
) -> Result<Vec<Delivery>> {
    // The outer conditions are looked at again when another server has just claimed the row. The workspace's is put so
    // that SQLite does not look through all of its deliveries for the few whose ids are there.
    Ok(db
        .all(sql!(
            "UPDATE webhook_deliveries SET next_at = $4 WHERE workspace_id || '' = $1 AND status = 'PENDING' AND next_at <= $3
                 AND id IN (SELECT id FROM webhook_deliveries WHERE workspace_id = $1 AND webhook_id = $2
                     AND status = 'PENDING' AND next_at <= $3 ORDER BY next_at, id LIMIT $5)
             RETURNING id, event_id, event_type, body, status, tries, log, next_at, replay_of, created_at, finished_at",
            tenant,
            webhook,
            now,
            until,
            i64::try_from(limit).unwrap_or(i64::MAX)
        ))
        .await?)
}

/// Writes a try down; false when another was written since the delivery was claimed.
pub(super) async fn record(
    db: &mut Write,
    tenant: &Tenant,
    id: &DeliveryId,
    tries: i64,
    log: &[Try],
    (ending, now): (&Ending, DateTime<Utc>),
) -> Result<bool> {
    let (status, next_at, finished_at) = match *ending {
        Ending::Succeeded => ("SUCCEEDED", now, Some(now)),
        Ending::Failed => ("FAILED", now, Some(now)),
        Ending::Again(at) => ("PENDING", at, None),
    };
    let recorded = db.execute(sql!(
        "UPDATE webhook_deliveries SET status = $4, tries = tries + 1, log = $5, next_at = $6, finished_at = $7
         WHERE workspace_id = $1 AND id = $2 AND tries = $3 AND status = 'PENDING'",
        tenant,
        id,
        tries,
        status,
        serde_json::to_value(log)?,
        next_at,
        finished_at
    ));
    Ok(recorded.await? > 0)
}

pub(super) async fn deliveries(
    db: &mut Read,
    tenant: &Tenant,
    webhook: &WebhookId,
    filter: &Filter,
    page: Page,
) -> Result<Paged<Delivery>> {
    let narrowed = |sql: Sql| {
        sql.and("status = ", filter.status.as_deref()).and("event_type = ", filter.event_type.as_deref())
    };
    let total = db
        .count(narrowed(sql!(
            "SELECT count(*) FROM webhook_deliveries WHERE workspace_id = $1 AND webhook_id = $2",
            tenant,
            webhook
        )))
        .await?;
    let items = db
        .all(
            narrowed(sql!(
                "SELECT id, event_id, event_type, body, status, tries, log, next_at, replay_of, created_at, finished_at
                 FROM webhook_deliveries WHERE workspace_id = $1 AND webhook_id = $2",
                tenant,
                webhook
            ))
            .push(" ORDER BY id DESC")
            .push_bind(" LIMIT ", page.limit)
            .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    Ok(Paged { items, total, page })
}

pub(super) async fn delivery(
    db: &mut Read,
    tenant: &Tenant,
    webhook: &WebhookId,
    id: &DeliveryId,
) -> Result<Option<Delivery>> {
    Ok(db
        .optional(sql!(
            "SELECT id, event_id, event_type, body, status, tries, log, next_at, replay_of, created_at, finished_at
             FROM webhook_deliveries WHERE workspace_id = $1 AND webhook_id = $2 AND id = $3",
            tenant,
            webhook,
            id
        ))
        .await?)
}

/// Removes what was written before a moment.
pub(super) async fn delete_before(db: &mut Write, moment: DateTime<Utc>) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM webhook_deliveries WHERE created_at < $1", moment)).await?)
}
