//! The table of providers.

use chrono::{DateTime, Utc};
use models::Secret;
use sqlx::FromRow;
use store::{Read, Write, sql};

use super::{Offered, Provider, Usable, context};
use crate::{App, Error, ProviderId, Result, Tenant};

#[derive(FromRow)]
pub(super) struct Row {
    id: ProviderId,
    name: String,
    kind: String,
    base_url: String,
    /// Sealed.
    pub api_key: Option<String>,
    #[sqlx(json)]
    models: Vec<Offered>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Provider {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            kind: row.kind.parse().map_err(|_| {
                Error::internal(format!("model_providers.kind of {} holds {:?}", row.id, row.kind))
            })?,
            id: row.id,
            name: row.name,
            base_url: row.base_url,
            has_key: row.api_key.is_some(),
            models: row.models,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Row {
    pub(super) fn usable(self, app: &App) -> Result<Usable> {
        let open = |sealed: &String| {
            let plain = app.secrets.open(&context(&self.id), sealed)?;
            let text = std::str::from_utf8(&plain).map_err(Error::internal)?;
            Ok::<_, Error>(Secret::new(text.to_owned()))
        };
        let api_key = self.api_key.as_ref().map(open).transpose()?;
        let provider: Provider = self.try_into()?;
        let Provider { id, kind, base_url, models, .. } = provider;
        Ok(Usable { id, kind, base_url, api_key, models })
    }
}

pub(super) async fn list(db: &mut Read, tenant: &Tenant) -> Result<Vec<Row>> {
    Ok(db
        .all(sql!(
            "SELECT id, name, kind, base_url, api_key, models, created_at, updated_at FROM model_providers
             WHERE workspace_id = $1 ORDER BY id",
            tenant
        ))
        .await?)
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant, id: &ProviderId) -> Result<Option<Row>> {
    Ok(db
        .optional(sql!(
            "SELECT id, name, kind, base_url, api_key, models, created_at, updated_at FROM model_providers
             WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

pub(super) async fn insert(
    db: &mut Write,
    tenant: &Tenant,
    p: &Provider,
    sealed: Option<String>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO model_providers (id, workspace_id, name, kind, base_url, api_key, models, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &p.id,
        tenant,
        p.name.as_str(),
        p.kind.as_str(),
        p.base_url.as_str(),
        sealed,
        serde_json::to_value(&p.models)?,
        p.created_at,
        p.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn update(
    db: &mut Write,
    tenant: &Tenant,
    p: &Provider,
    sealed: Option<String>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE model_providers SET name = $3, base_url = $4, api_key = $5, models = $6, updated_at = $7
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &p.id,
        p.name.as_str(),
        p.base_url.as_str(),
        sealed,
        serde_json::to_value(&p.models)?,
        p.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant, id: &ProviderId) -> Result<u64> {
    Ok(db
        .execute(sql!("DELETE FROM model_providers WHERE workspace_id = $1 AND id = $2", tenant, id))
        .await?)
}
