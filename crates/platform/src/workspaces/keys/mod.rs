//! Keys for programs and pages. All are kept as hashes, shown once, recognised by their first characters, and
//! revoked at once everywhere.

mod account;
mod open;
mod publishable;

use chrono::{DateTime, TimeDelta, Utc};
use store::{Sql, Write, sql};

pub use account::{AccountKey, ListedAccountKey, account_key, create_account_key, list_account_keys};
pub(crate) use open::OpenKeyRow;
pub use open::{
    Access, Action, CreatedOpenKey, IpRange, NewOpenKey, OpenCaller, OpenKey, OpenKeyChange, Resource,
    change_open_key, create_open_key, list_open_keys, open_key, revoke_open_key,
};
pub use publishable::{
    Domain, Door, Key, Visitor, create_key, list_keys, set_daily_messages, share_key, visitor,
};

use super::Tenant;
use crate::{
    Actor, App, Error, KeyId, Result,
    audit::{self, Event},
    digest::sha256,
};

/// Characters of a key that are kept for people to recognise it by.
const SHOWN: usize = 12;
/// A key's last use is noted at most this often, so that a busy key costs no write for each call.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Which kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Safe in a page: opens the widget's calls.
    Publishable,
    /// A program's: opens `/api/v1` on one workspace.
    Account,
    /// A program's: opens `/v1/open` on one agent.
    Open,
}

impl KeyKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Account => "account",
            Self::Open => "open",
        }
    }
}

/// A new key, and the only sight of it there will be.
pub struct Created<K> {
    /// As it is listed.
    pub key: K,
    /// The key itself.
    pub secret: String,
}

/// Ends a key, at once.
///
/// # Errors
/// Not found when the workspace has no such key of this kind.
pub async fn revoke_key(app: &App, tenant: &Tenant, by: &Actor, kind: KeyKind, id: &KeyId) -> Result<()> {
    let statement = sql!(
        "UPDATE api_keys SET revoked_at = $4 WHERE workspace_id = $1 AND kind = $2 AND id = $3 AND revoked_at IS NULL",
        tenant,
        kind.as_str(),
        id,
        app.clock.now()
    );
    revoke(app, tenant, by, id, statement).await
}

/// Ends the key that a statement touches.
async fn revoke(app: &App, tenant: &Tenant, by: &Actor, id: &KeyId, statement: Sql) -> Result<()> {
    let mut db = app.db.write().await?;
    if db.execute(statement).await? == 0 {
        return Err(Error::not_found("There is no such key, or it is revoked already."));
    }
    audit::record(app, &mut db, tenant, by, Event::new("key.revoked", id.as_str())).await?;
    app.callers.commit(db).await
}

/// Keeps in the audit log that a key was made.
async fn record_created(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    kind: KeyKind,
    id: &KeyId,
    name: &str,
) -> Result<()> {
    let details = serde_json::json!({ "kind": kind.as_str(), "name": name });
    audit::record(app, db, tenant, by, Event::new("key.created", id.as_str()).with(details)).await
}

/// Notes that a key was used, if that was not noted a moment ago.
async fn note_use(app: &App, id: &KeyId, noted: Option<DateTime<Utc>>) -> Result<()> {
    let now = app.clock.now();
    if noted.is_none_or(|noted| now - noted > NOTED_EVERY) {
        let mut db = app.db.write().await?;
        db.execute(sql!("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", id, now)).await?;
        db.commit().await?;
    }
    Ok(())
}

/// A key has 160 random bits, so a fast hash cannot be searched, and equal hashes are found by the index.
fn hash(key: &str) -> String {
    sha256(key)
}
