//! Account keys: a program's key to one workspace, to read or to read and write.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::sql;

use super::{Created, KeyKind, SHOWN, hash, note_use, record_created};
use crate::{
    Actor, App, Error, KeyId, Origin, Result, Tenant, WorkspaceId, billing::Plan, workspaces::Scope,
};

/// What account keys begin with.
pub(crate) const PREFIX: &str = "cv_live_";

/// An account key as it is listed: never the key itself.
#[derive(Clone, Debug, FromRow)]
pub struct ListedAccountKey {
    /// The key's id.
    pub id: KeyId,
    /// What it is called.
    pub name: String,
    /// Its first characters.
    pub key_prefix: String,
    /// What it may do.
    #[sqlx(json)]
    pub permissions: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A program that calls with an account key.
#[derive(Clone, Debug)]
pub struct AccountKey {
    /// The key.
    pub id: KeyId,
    /// What it is called.
    pub name: String,
    /// The workspace it opens.
    pub tenant: Tenant,
    /// What that workspace has paid for.
    pub plan: Plan,
    /// What it may do there.
    pub scope: Scope,
}

impl AccountKey {
    /// The key as the audit log names it.
    pub fn actor(&self, origin: Origin) -> Actor {
        Actor::key(&self.id, &self.name, origin)
    }

    /// The workspace, if it is the one that is named.
    ///
    /// # Errors
    /// Not found when it is another.
    pub fn enter(&self, workspace: &WorkspaceId) -> Result<Tenant> {
        if self.tenant.id() == workspace {
            Ok(self.tenant.clone())
        } else {
            Err(Error::not_found("There is no such workspace."))
        }
    }
}

/// Makes an account key. Who may write may read.
///
/// # Errors
/// What the database says.
pub async fn create_account_key(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    name: String,
    scope: Scope,
) -> Result<Created<ListedAccountKey>> {
    let now = app.clock.now();
    let secret = format!("{PREFIX}{}", &app.entropy.token()[..40]);
    let permissions = match scope {
        Scope::Read => vec![Scope::Read],
        Scope::Write => vec![Scope::Read, Scope::Write],
    };
    let key = ListedAccountKey {
        id: KeyId::new(now, app.entropy),
        name,
        key_prefix: secret[..SHOWN].to_owned(),
        permissions,
        created_at: now,
        last_used_at: None,
    };
    let mut db = app.db.write().await?;
    db.execute(sql!(
        "INSERT INTO api_keys (id, workspace_id, kind, name, key_hash, key_prefix, allowed_domains, permissions, created_by, created_at)
         VALUES ($1, $2, 'account', $3, $4, $5, $6, $7, $8, $9)",
        &key.id,
        tenant,
        key.name.as_str(),
        hash(&secret),
        key.key_prefix.as_str(),
        serde_json::json!([]),
        serde_json::to_value(&key.permissions)?,
        by.id(),
        now
    ))
    .await?;
    record_created(app, &mut db, tenant, by, KeyKind::Account, &key.id, &key.name).await?;
    db.commit().await?;
    Ok(Created { key, secret })
}

/// The workspace's account keys that are not revoked, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_account_keys(app: &App, tenant: &Tenant) -> Result<Vec<ListedAccountKey>> {
    Ok(app
        .db
        .read()
        .await?
        .all(sql!(
            "SELECT id, name, key_prefix, permissions, created_at, last_used_at FROM api_keys
             WHERE workspace_id = $1 AND kind = 'account' AND revoked_at IS NULL ORDER BY id",
            tenant
        ))
        .await?)
}

/// Who calls with an account key; `None` when the text is none of ours.
///
/// # Errors
/// Unauthorized when it is unknown or was revoked.
pub async fn account_key(app: &App, key: &str) -> Result<Option<Arc<AccountKey>>> {
    if !key.starts_with(PREFIX) {
        return Ok(None);
    }
    let hash = hash(key);
    let found = app.callers.account_keys.get(&hash, app.clock.now(), || read(app, &hash)).await?;
    found
        .map(Some)
        .ok_or_else(|| Error::unauthorized("The API key is unknown or was revoked. Make a new one."))
}

#[derive(FromRow)]
struct Row {
    id: KeyId,
    name: String,
    workspace_id: WorkspaceId,
    plan: String,
    #[sqlx(json)]
    permissions: Vec<Scope>,
    last_used_at: Option<DateTime<Utc>>,
}

async fn read(app: &App, hash: &str) -> Result<Option<Arc<AccountKey>>> {
    let mut db = app.db.read().await?;
    let row: Option<Row> = db
        .optional(sql!(
            "SELECT k.id, k.name, k.workspace_id, w.plan, k.permissions, k.last_used_at FROM api_keys k
             JOIN workspaces w ON w.id = k.workspace_id
             WHERE k.key_hash = $1 AND k.kind = 'account' AND k.revoked_at IS NULL AND w.erased_at IS NULL",
            hash
        ))
        .await?;
    let Some(row) = row else { return Ok(None) };
    drop(db);
    note_use(app, &row.id, row.last_used_at).await?;
    let scope = if row.permissions.contains(&Scope::Write) { Scope::Write } else { Scope::Read };
    Ok(Some(Arc::new(AccountKey {
        id: row.id,
        name: row.name,
        tenant: Tenant::new(row.workspace_id),
        plan: row.plan.parse()?,
        scope,
    })))
}
