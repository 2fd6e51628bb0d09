//! Subscriptions, plans, and what a workspace has of what is limited.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Write, sql};

use crate::{
    Result, Tenant, WorkspaceId,
    billing::{Credits, Plan, invoice::Buyer, subscription::Subscription},
};

#[derive(FromRow)]
struct Row {
    plan: String,
    status: String,
    anchor: DateTime<Utc>,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    granted: i64,
    spent_before: i64,
    next_plan: Option<String>,
    customer: Option<String>,
    provider_subscription: Option<String>,
    provider_item: Option<String>,
    provider_seen_at: Option<DateTime<Utc>>,
    #[sqlx(json)]
    buyer: Buyer,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Subscription {
    type Error = crate::Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            plan: row.plan.parse()?,
            status: row.status,
            anchor: row.anchor,
            period_start: row.period_start,
            period_end: row.period_end,
            granted: Credits::of_thousandths(row.granted),
            spent_before: Credits::of_thousandths(row.spent_before),
            next_plan: row.next_plan.as_deref().map(str::parse).transpose()?,
            customer: row.customer,
            provider_subscription: row.provider_subscription,
            provider_item: row.provider_item,
            provider_seen_at: row.provider_seen_at,
            buyer: row.buyer,
            created_at: row.created_at,
        })
    }
}

pub(in crate::billing) async fn subscription(db: &mut Read, tenant: &Tenant) -> Result<Option<Subscription>> {
    let row: Option<Row> = db
        .optional(sql!(
            "SELECT w.plan, s.status, s.anchor, s.period_start, s.period_end, s.granted, s.spent_before, s.next_plan,
                    s.customer, s.provider_subscription, s.provider_item, s.provider_seen_at, s.buyer, s.created_at
             FROM subscriptions s JOIN workspaces w ON w.id = s.workspace_id WHERE s.workspace_id = $1",
            tenant
        ))
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// Writes a new subscription; false when there is one already.
pub(in crate::billing) async fn insert_subscription(
    db: &mut Write,
    tenant: &Tenant,
    s: &Subscription,
) -> Result<bool> {
    let inserted = db
        .execute(sql!(
            "INSERT INTO subscriptions (workspace_id, status, anchor, period_start, period_end, granted, spent_before,
                 buyer, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (workspace_id) DO NOTHING",
            tenant,
            s.status.as_str(),
            s.anchor,
            s.period_start,
            s.period_end,
            s.granted.thousandths(),
            s.spent_before.thousandths(),
            serde_json::to_value(&s.buyer)?,
            s.created_at
        ))
        .await?;
    Ok(inserted == 1)
}

/// Has other changes of this subscription wait until this transaction ends.
pub(in crate::billing) async fn lock_subscription(db: &mut Write, tenant: &Tenant) -> Result<()> {
    db.execute(sql!("UPDATE subscriptions SET status = status WHERE workspace_id = $1", tenant)).await?;
    Ok(())
}

pub(in crate::billing) async fn update_subscription(
    db: &mut Write,
    tenant: &Tenant,
    s: &Subscription,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE subscriptions SET status = $2, anchor = $3, period_start = $4, period_end = $5, granted = $6,
             spent_before = $7, next_plan = $8, customer = $9, provider_subscription = $10, provider_item = $11,
             provider_seen_at = $12, buyer = $13, updated_at = $14
         WHERE workspace_id = $1",
        tenant,
        s.status.as_str(),
        s.anchor,
        s.period_start,
        s.period_end,
        s.granted.thousandths(),
        s.spent_before.thousandths(),
        s.next_plan.map(|plan| plan.as_str().to_owned()),
        s.customer.clone(),
        s.provider_subscription.clone(),
        s.provider_item.clone(),
        s.provider_seen_at,
        serde_json::to_value(&s.buyer)?,
        now
    ))
    .await?;
    set_plan(db, tenant, s.plan).await
}

/// The plan is a column of the workspace's, because every call is counted by it.
async fn set_plan(db: &mut Write, tenant: &Tenant, plan: Plan) -> Result<()> {
    db.execute(sql!("UPDATE workspaces SET plan = $2 WHERE id = $1 AND plan <> $2", tenant, plan.as_str()))
        .await?;
    Ok(())
}

/// The plan of a workspace, which with its things is held until this transaction ends: of two that would each be the
/// last to have room, the second sees the first.
pub(in crate::billing) async fn lock_plan(db: &mut Write, tenant: &Tenant) -> Result<Option<Plan>> {
    let plan: Option<(String,)> =
        db.optional(sql!("UPDATE workspaces SET plan = plan WHERE id = $1 RETURNING plan", tenant)).await?;
    plan.map(|(plan,)| plan.parse()).transpose()
}

pub(in crate::billing) async fn plan(db: &mut Read, tenant: &Tenant) -> Result<Option<Plan>> {
    let plan: Option<(String,)> =
        db.optional(sql!("SELECT plan FROM workspaces WHERE id = $1 AND erased_at IS NULL", tenant)).await?;
    plan.map(|(plan,)| plan.parse()).transpose()
}

/// Workspaces whose period has ended and that no provider keeps.
pub(in crate::billing) async fn due_subscriptions(
    db: &mut Read,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Tenant>> {
    let rows: Vec<(WorkspaceId,)> = db
        .all(sql!(
            "SELECT s.workspace_id FROM subscriptions s JOIN workspaces w ON w.id = s.workspace_id
             WHERE s.period_end <= $1 AND s.provider_subscription IS NULL AND w.erased_at IS NULL
             ORDER BY s.period_end LIMIT $2",
            now,
            limit
        ))
        .await?;
    Ok(rows.into_iter().map(|(id,)| Tenant::new(id)).collect())
}

/// Whose customer a provider means.
pub(in crate::billing) async fn tenant_of_customer(db: &mut Read, customer: &str) -> Result<Option<Tenant>> {
    let row: Option<(WorkspaceId,)> = db
        .optional(sql!("SELECT s.workspace_id FROM subscriptions s WHERE s.customer = $1", customer))
        .await?;
    Ok(row.map(|(id,)| Tenant::new(id)))
}

/// How much a workspace has of what is limited.
#[derive(Clone, Copy, Debug, Default, FromRow)]
pub(in crate::billing) struct Present {
    pub agents: i64,
    pub documents: i64,
    pub storage: i64,
    pub seats: i64,
}

pub(in crate::billing) async fn present(
    db: &mut Read,
    tenant: &Tenant,
    now: DateTime<Utc>,
) -> Result<Present> {
    Ok(db
        .one(sql!(
            "SELECT (SELECT count(*) FROM agents WHERE workspace_id = $1) AS agents,
                    (SELECT count(*) FROM documents WHERE workspace_id = $1) AS documents,
                    CAST((SELECT coalesce(sum(size_bytes), 0) FROM documents WHERE workspace_id = $1)
                       + (SELECT coalesce(sum(size_bytes), 0) FROM contact_files WHERE workspace_id = $1) AS BIGINT) AS storage,
                    (SELECT count(*) FROM members WHERE workspace_id = $1)
                       + (SELECT count(*) FROM invitations WHERE workspace_id = $1 AND expires_at > $2) AS seats",
            tenant,
            now
        ))
        .await?)
}

/// Notes that the owner is told of a limit; false when they were.
pub(in crate::billing) async fn note_warning(
    db: &mut Write,
    tenant: &Tenant,
    (limit, period_start, percent): (&str, DateTime<Utc>, i64),
    now: DateTime<Utc>,
) -> Result<bool> {
    let fresh = db
        .execute(sql!(
            "INSERT INTO limit_warnings (workspace_id, limit_name, period_start, percent, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, limit_name, period_start, percent) DO NOTHING",
            tenant,
            limit,
            period_start,
            percent,
            now
        ))
        .await?;
    Ok(fresh == 1)
}

/// The owner's address, and what the workspace is called.
pub(in crate::billing) async fn owner(db: &mut Read, tenant: &Tenant) -> Result<Option<(String, String)>> {
    Ok(db
        .optional(sql!(
            "SELECT u.email, w.name FROM workspaces w JOIN users u ON u.id = w.owner_id WHERE w.id = $1",
            tenant
        ))
        .await?)
}

/// Notes an event of a provider as dealt with.
pub(in crate::billing) async fn note_event(db: &mut Write, id: &str, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO provider_events (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        id,
        now
    ))
    .await?;
    Ok(())
}

/// Whether an event of a provider was dealt with.
pub(in crate::billing) async fn has_event(db: &mut Read, id: &str) -> Result<bool> {
    Ok(db.count(sql!("SELECT count(*) FROM provider_events WHERE id = $1", id)).await? > 0)
}

/// Forgets the events of providers that came before a moment.
pub(in crate::billing) async fn delete_events_before(db: &mut Write, moment: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("DELETE FROM provider_events WHERE created_at < $1", moment)).await?;
    Ok(())
}
