//! The table of the audit log. There is no statement that changes or deletes one of its rows.

use ::store::{Read, Write, sql};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::{Actor, Event};
use crate::{AuditId, Page, Paged, Result, Tenant, WorkspaceId};

/// Something that was done.
#[derive(Clone, Debug, FromRow)]
pub struct Entry {
    /// The entry.
    pub id: AuditId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// What was done: `agent.published`.
    pub action: String,
    /// The id of what it was done to.
    pub target: String,
    /// The person who did it; none for keys and the server itself.
    pub user_id: Option<String>,
    /// The key it was done with.
    pub key_id: Option<String>,
    /// How people recognise who did it.
    pub actor: String,
    /// The client's address.
    pub address: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// What else is worth knowing.
    pub details: Value,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this person or key: an id, or the mail address.
    pub actor: Option<String>,
    /// With this action.
    pub action: Option<String>,
    /// About this thing.
    pub target: Option<String>,
    /// From this moment on.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
}

pub(super) async fn insert(
    db: &mut Write,
    id: &AuditId,
    workspace: Option<&WorkspaceId>,
    by: &Actor,
    event: &Event<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO audit_log (id, workspace_id, user_id, key_id, actor, action, target, details, address, user_agent, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        workspace.map(|id| id.as_str().to_owned()),
        by.user.as_ref().map(|id| id.as_str().to_owned()),
        by.key.as_ref().map(|id| id.as_str().to_owned()),
        by.name.as_str(),
        event.action,
        event.target,
        event.details.clone(),
        by.origin.address.map(|address| address.to_string()),
        by.origin.user_agent.clone(),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    filter: &Filter,
    page: Page,
) -> Result<Paged<Entry>> {
    let narrowed = |sql: ::store::Sql| {
        let sql = match filter.actor.as_deref() {
            Some(actor) => sql
                .push_bind(" AND (a.user_id = ", actor)
                .push_bind(" OR a.key_id = ", actor)
                .push_bind(" OR a.actor = ", actor)
                .push(")"),
            None => sql,
        };
        sql.and("a.action = ", filter.action.as_deref())
            .and("a.target = ", filter.target.as_deref())
            .and("a.created_at >= ", filter.from)
            .and("a.created_at < ", filter.to)
    };
    let total = db
        .count(narrowed(sql!(
            "SELECT count(*) FROM audit_log a WHERE (a.workspace_id = $1 OR (a.workspace_id IS NULL AND EXISTS
                 (SELECT 1 FROM members m WHERE m.workspace_id = $1 AND m.user_id = a.user_id AND m.created_at <= a.created_at)))",
            tenant
        )))
        .await?;
    let items = db
        .all(
            narrowed(sql!(
                "SELECT a.id, a.created_at, a.action, a.target, a.user_id, a.key_id, a.actor, a.address, a.user_agent, a.details
                 FROM audit_log a WHERE (a.workspace_id = $1 OR (a.workspace_id IS NULL AND EXISTS
                     (SELECT 1 FROM members m WHERE m.workspace_id = $1 AND m.user_id = a.user_id AND m.created_at <= a.created_at)))",
                tenant
            ))
            .push(" ORDER BY a.id DESC")
            .push_bind(" LIMIT ", page.limit)
            .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    Ok(Paged { items, total, page })
}
