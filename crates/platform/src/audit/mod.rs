//! The audit log: who did what to what, when and from where. It only grows, and each entry is written in the
//! transaction of the change that it tells of.

mod actor;
mod store;

pub use actor::{Actor, Origin};
pub use store::{Entry, Filter};

use ::store::Write;
use serde_json::Value;

use crate::{App, AuditId, Page, Paged, Result, Tenant, WorkspaceId};

/// Entries of one export at most; older ones are reached by its filters.
const MAX_EXPORT: i64 = 100_000;

/// What happened: a verb such as `agent.published`, the id of what it happened to, and details for people.
pub struct Event<'a> {
    /// What was done: `<thing>.<past participle>`.
    pub action: &'static str,
    /// The id of what it was done to.
    pub target: &'a str,
    /// What else is worth knowing; no secrets.
    pub details: Value,
}

impl<'a> Event<'a> {
    /// Something that needs no details.
    pub fn new(action: &'static str, target: &'a str) -> Self {
        Self { action, target, details: Value::Null }
    }

    /// With details.
    pub fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }
}

/// Adds to a workspace's log as part of a change.
///
/// # Errors
/// What the database says.
pub async fn record(app: &App, db: &mut Write, tenant: &Tenant, by: &Actor, event: Event<'_>) -> Result<()> {
    write(app, db, Some(tenant.id()), by, event).await
}

/// Adds several entries, each to its workspace's log, as part of a change.
///
/// # Errors
/// What the database says.
pub(crate) async fn record_all<'a>(
    app: &App,
    db: &mut Write,
    events: impl Iterator<Item = (&'a Tenant, &'a Actor, Event<'a>)>,
) -> Result<()> {
    let now = app.clock.now();
    let entries: Vec<_> = events
        .map(|(tenant, by, event)| (AuditId::new(now, app.entropy), Some(tenant.id()), by, event))
        .collect();
    store::insert(db, &entries, now).await
}

/// Adds what concerns a person and no workspace: logins, passwords, sessions.
///
/// # Errors
/// What the database says.
pub(crate) async fn record_personal(app: &App, db: &mut Write, by: &Actor, event: Event<'_>) -> Result<()> {
    write(app, db, None, by, event).await
}

async fn write(
    app: &App,
    db: &mut Write,
    workspace: Option<&WorkspaceId>,
    by: &Actor,
    event: Event<'_>,
) -> Result<()> {
    let now = app.clock.now();
    store::insert(db, &[(AuditId::new(now, app.entropy), workspace, by, event)], now).await
}

/// A part of a workspace's log, latest first: its changes, and the logins of the people in it
/// since they belong to it.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, filter: &Filter, page: Page) -> Result<Paged<Entry>> {
    store::list(&mut app.db.read().await?, tenant, filter, page).await
}

/// The log as a table, latest first.
///
/// # Errors
/// What the database says.
pub async fn export(app: &App, tenant: &Tenant, filter: &Filter) -> Result<Vec<Entry>> {
    let page = Page { limit: MAX_EXPORT, offset: 0 };
    Ok(store::list(&mut app.db.read().await?, tenant, filter, page).await?.items)
}
