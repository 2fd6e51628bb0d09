//! Contacts that come in or go out as a table (CSV), done by a job, a part at a time: a stop in between loses nothing
//! and doubles nothing.

mod export;
mod import;
mod store;

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;

use crate::{
    Actor, AgentId, App, Error, Page, Paged, Result, Tenant, TransferId, agents,
    audit::{self, Event},
    jobs::{self, Job, Task},
};

pub use store::Refusal;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A table becomes contacts.
    Import,
    /// Contacts become a table.
    Export,
}

impl Direction {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "IMPORT",
            Self::Export => "EXPORT",
        }
    }
}

/// An import or an export, and how far it is.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Transfer {
    /// The transfer.
    pub id: TransferId,
    /// Whose contacts.
    pub agent_id: AgentId,
    /// IMPORT or EXPORT.
    pub direction: String,
    /// QUEUED, RUNNING, COMPLETED or FAILED.
    pub status: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Rows that are done.
    pub row_count: i64,
    /// Contacts that are new.
    pub created: i64,
    /// Contacts that were there and got what the table says.
    pub updated: i64,
    /// Rows that were not taken in; see [`refusals`].
    pub refused: i64,
    /// Columns that are no field of a contact.
    #[sqlx(json)]
    pub ignored_columns: Vec<String>,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Takes in a table of contacts; a job reads it. A row whose reference or else whose address is known completes that
/// contact, any other makes one.
///
/// # Errors
/// Not found when the workspace has no such agent; too large, broken off or empty.
pub async fn import<E: fmt::Display>(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Transfer> {
    agents::get(app, tenant, agent).await?;
    let transfer = new(app, by, agent, Direction::Import);
    let stored = app
        .blobs
        .put(tenant.id().as_str(), transfer.id.as_str(), stream, app.config.max_upload_bytes)
        .await?;
    if stored.size == 0 {
        app.blobs.delete(tenant.id().as_str(), transfer.id.as_str()).await?;
        return Err(Error::invalid("file", "The file is empty."));
    }
    begin(app, tenant, by, transfer).await
}

/// Writes all contacts of an agent into a table; a job does it.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn export(app: &App, tenant: &Tenant, by: &Actor, agent: &AgentId) -> Result<Transfer> {
    agents::get(app, tenant, agent).await?;
    begin(app, tenant, by, new(app, by, agent, Direction::Export)).await
}

fn new(app: &App, by: &Actor, agent: &AgentId, direction: Direction) -> Transfer {
    let now = app.clock.now();
    Transfer {
        id: TransferId::new(now, app.entropy),
        agent_id: agent.clone(),
        direction: direction.as_str().to_owned(),
        status: "QUEUED".to_owned(),
        error: None,
        row_count: 0,
        created: 0,
        updated: 0,
        refused: 0,
        ignored_columns: Vec::new(),
        created_by: by.name.clone(),
        created_at: now,
        finished_at: None,
    }
}

async fn begin(app: &App, tenant: &Tenant, by: &Actor, transfer: Transfer) -> Result<Transfer> {
    let mut db = app.db.write().await?;
    store::insert(&mut db, tenant, &transfer).await?;
    let task = Task::TransferContacts { transfer: transfer.id.clone() };
    jobs::enqueue(app, &mut db, Some(tenant.id()), &task).await?;
    let event = Event::new("contact_transfer.started", transfer.id.as_str())
        .with(json!({ "direction": transfer.direction, "agent": transfer.agent_id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(transfer)
}

/// A transfer of an agent's.
///
/// # Errors
/// Not found when the agent has no such transfer.
pub async fn get(app: &App, tenant: &Tenant, agent: &AgentId, id: &TransferId) -> Result<Transfer> {
    let found = store::get(&mut app.db.read().await?, tenant, id).await?;
    found
        .filter(|transfer| transfer.agent_id == *agent)
        .ok_or_else(|| Error::not_found("This agent has no such import or export of contacts."))
}

/// An agent's transfers, latest first.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list(app: &App, tenant: &Tenant, agent: &AgentId, page: Page) -> Result<Paged<Transfer>> {
    agents::get(app, tenant, agent).await?;
    store::list(&mut app.db.read().await?, tenant, agent, page).await
}

/// Rows that an import did not take in, and why, in the order of the file.
///
/// # Errors
/// Not found when the agent has no such transfer.
pub async fn refusals(app: &App, tenant: &Tenant, agent: &AgentId, id: &TransferId) -> Result<Vec<Refusal>> {
    get(app, tenant, agent, id).await?;
    store::refusals(&mut app.db.read().await?, tenant, id).await
}

/// Where the table of an export lies.
///
/// # Errors
/// Not found when there is none; conflict when it is not written yet.
pub async fn exported(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    id: &TransferId,
) -> Result<std::path::PathBuf> {
    let transfer = get(app, tenant, agent, id).await?;
    match (transfer.direction.as_str(), transfer.status.as_str()) {
        ("EXPORT", "COMPLETED") => Ok(app.blobs.path(tenant.id().as_str(), id.as_str())),
        ("EXPORT", _) => Err(Error::conflict("The export is not finished yet. Look at its status.")),
        _ => Err(Error::not_found("This is an import; an export has a file.")),
    }
}

/// A job's work.
pub(crate) async fn run(app: &App, job: &Job, id: &TransferId) -> Result<()> {
    let tenant = job.tenant()?;
    let Some(transfer) = store::get(&mut app.db.read().await?, &tenant, id).await? else {
        return end(app, &tenant, job, None).await; // its agent is gone
    };
    let outcome = match transfer.direction.as_str() {
        "IMPORT" => import::run(app, job, &tenant, &transfer).await,
        _ => export::run(app, &tenant, &transfer).await,
    };
    let error = match outcome {
        Ok(()) => None,
        // What is wrong with the file does not get better by trying again.
        Err(error) if error.cause.is_none() => Some(error.message.into_owned()),
        Err(error) if job.is_last_attempt() => {
            tracing::error!(%error, transfer = %id, "a transfer of contacts failed");
            Some("Something went wrong on our side. Please try again.".to_owned())
        }
        Err(error) => return Err(error),
    };
    if transfer.direction == "IMPORT" {
        app.blobs.delete(tenant.id().as_str(), id.as_str()).await?;
    }
    end(app, &tenant, job, Some((id, error))).await
}

async fn end(
    app: &App,
    tenant: &Tenant,
    job: &Job,
    ended: Option<(&TransferId, Option<String>)>,
) -> Result<()> {
    let mut db = app.db.write().await?;
    if let Some((id, error)) = ended {
        store::end(&mut db, tenant, id, error, app.clock.now()).await?;
    }
    jobs::finish(&mut db, job).await?;
    Ok(db.commit().await?)
}
