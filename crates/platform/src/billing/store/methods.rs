//! What people pay by.

use store::{Read, Write, sql};

use crate::{PaymentMethodId, Result, Tenant, WorkspaceId, billing::methods::PaymentMethod};

pub(in crate::billing) async fn payment_methods(
    db: &mut Read,
    tenant: &Tenant,
) -> Result<Vec<PaymentMethod>> {
    Ok(db
        .all(sql!(
            "SELECT id, provider_id, type AS kind, brand, last4, expires, is_default, created_at FROM payment_methods
             WHERE workspace_id = $1 ORDER BY id",
            tenant
        ))
        .await?)
}

/// Adds a method; one that is known stays.
pub(in crate::billing) async fn insert_payment_method(
    db: &mut Write,
    tenant: &Tenant,
    provider: &str,
    id: &PaymentMethodId,
    m: &PaymentMethod,
) -> Result<bool> {
    let inserted = db
        .execute(sql!(
            "INSERT INTO payment_methods (id, workspace_id, provider, provider_id, type, brand, last4, expires, is_default, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (provider, provider_id) DO NOTHING",
            id,
            tenant,
            provider,
            m.provider_id.as_str(),
            m.kind.as_str(),
            m.brand.as_str(),
            m.last4.as_str(),
            m.expires.clone(),
            m.is_default,
            m.created_at
        ))
        .await?;
    Ok(inserted == 1)
}

pub(in crate::billing) async fn set_default_method(db: &mut Write, tenant: &Tenant, id: &str) -> Result<()> {
    db.execute(sql!("UPDATE payment_methods SET is_default = (id = $2) WHERE workspace_id = $1", tenant, id))
        .await?;
    Ok(())
}

/// Removes a method by its own id.
pub(in crate::billing) async fn delete_payment_method(
    db: &mut Write,
    tenant: &Tenant,
    id: &str,
) -> Result<bool> {
    let gone = db
        .execute(sql!("DELETE FROM payment_methods WHERE workspace_id = $1 AND id = $2", tenant, id))
        .await?;
    Ok(gone == 1)
}

/// Removes a method by what the provider calls it.
pub(in crate::billing) async fn forget_payment_method(
    db: &mut Write,
    tenant: &Tenant,
    provider_id: &str,
) -> Result<bool> {
    let gone = db
        .execute(sql!(
            "DELETE FROM payment_methods WHERE workspace_id = $1 AND provider_id = $2",
            tenant,
            provider_id
        ))
        .await?;
    Ok(gone == 1)
}

/// Whose method a provider means.
pub(in crate::billing) async fn tenant_of_method(db: &mut Read, provider_id: &str) -> Result<Option<Tenant>> {
    let row: Option<(WorkspaceId,)> = db
        .optional(sql!("SELECT m.workspace_id FROM payment_methods m WHERE m.provider_id = $1", provider_id))
        .await?;
    Ok(row.map(|(id,)| Tenant::new(id)))
}
