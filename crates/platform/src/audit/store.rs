//! The table of the audit log. There is no statement that changes or deletes one of its rows.

use ::store::{Read, Sql, Write, sql};
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

/// Entries that are inserted by one statement.
const SOME: usize = 500;

/// An entry that is to be written.
pub(super) type New<'a> = (AuditId, Option<&'a WorkspaceId>, &'a Actor, Event<'a>);

pub(super) async fn insert(db: &mut Write, entries: &[New<'_>], now: DateTime<Utc>) -> Result<()> {
    for some in entries.chunks(SOME) {
        let Some((first, others)) = some.split_first() else { continue };
        let start = sql!(
            "INSERT INTO audit_log (id, workspace_id, user_id, key_id, actor, action, target, details, address, user_agent,
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let start = row(first, now).into_iter().fold(start, Sql::bind);
        db.execute(others.iter().fold(start, |sql, entry| sql.push_row(row(entry, now)))).await?;
    }
    Ok(())
}

fn row((id, workspace, by, event): &New<'_>, now: DateTime<Utc>) -> [::store::Value; 11] {
    [
        id.into(),
        workspace.map(|id| id.as_str().to_owned()).into(),
        by.user.as_ref().map(|id| id.as_str().to_owned()).into(),
        by.key.as_ref().map(|id| id.as_str().to_owned()).into(),
        by.name.as_str().into(),
        event.action.into(),
        event.target.into(),
        event.details.clone().into(),
        by.origin.address.map(|address| address.to_string()).into(),
        by.origin.user_agent.clone().into(),
        now.into(),
    ]
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
