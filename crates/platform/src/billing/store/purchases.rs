//! Credits that are bought.

use chrono::{DateTime, Utc};
use store::{Read, Write, sql};

use crate::{Result, Tenant, TransactionId, WorkspaceId, billing::topup::Purchase};

pub(in crate::billing) async fn insert_purchase(
    db: &mut Write,
    tenant: &Tenant,
    p: &Purchase,
    by: &str,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO credit_purchases (id, workspace_id, credits, net, tax_rate, total, currency, status, provider,
             created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &p.id,
        tenant,
        p.credits,
        p.net,
        p.tax_rate,
        p.total,
        p.currency.as_str(),
        p.status.as_str(),
        p.provider.as_str(),
        by,
        p.created_at
    ))
    .await?;
    Ok(())
}

pub(in crate::billing) async fn purchase(
    db: &mut Read,
    tenant: &Tenant,
    id: &TransactionId,
) -> Result<Option<Purchase>> {
    Ok(db
        .optional(sql!(
            "SELECT id, credits, net, tax_rate, total, currency, status, provider, provider_id, url, created_at
             FROM credit_purchases WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

/// Whose purchase a provider's metadata name.
pub(in crate::billing) async fn tenant_of_purchase(
    db: &mut Read,
    id: &TransactionId,
) -> Result<Option<Tenant>> {
    let row: Option<(WorkspaceId,)> =
        db.optional(sql!("SELECT p.workspace_id FROM credit_purchases p WHERE p.id = $1", id)).await?;
    Ok(row.map(|(id,)| Tenant::new(id)))
}

/// Notes what the provider calls a purchase, and where it is paid.
pub(in crate::billing) async fn name_purchase(
    db: &mut Write,
    tenant: &Tenant,
    id: &TransactionId,
    provider_id: &str,
    url: Option<&str>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE credit_purchases SET provider_id = $3, url = $4 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        provider_id,
        url.map(str::to_owned)
    ))
    .await?;
    Ok(())
}

/// Ends a purchase that is pending; false when it is not. One that has failed may still be paid: the person tries
/// again on the provider's page.
pub(in crate::billing) async fn end_purchase(
    db: &mut Write,
    tenant: &Tenant,
    id: &TransactionId,
    status: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let ended = db
        .execute(sql!(
            "UPDATE credit_purchases SET status = $3, settled_at = $4
             WHERE workspace_id = $1 AND id = $2 AND (status = 'pending' OR (status = 'failed' AND $3 = 'settled'))",
            tenant,
            id,
            status,
            now
        ))
        .await?;
    Ok(ended == 1)
}
