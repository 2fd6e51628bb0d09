//! The tables of workspaces and their members.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use store::{Read, Write, sql};

use super::{Role, Tenant};
use crate::{Error, Result, UserId, WorkspaceId};

/// A workspace.
#[derive(Clone, Debug, FromRow)]
pub struct Workspace {
    /// The workspace.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// Its name as it stands in addresses; unique.
    pub slug: String,
    /// Who owns it.
    pub owner_id: UserId,
    /// Its picture.
    pub logo_url: Option<String>,
    /// An IANA time zone.
    pub timezone: String,
    /// FREE, STARTER, PROFESSIONAL or ENTERPRISE.
    pub plan: String,
    /// Whatever its clients keep there; an object.
    pub settings: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Workspace {
    /// The workspace, for its queries: whoever holds it has been let in.
    pub fn tenant(&self) -> Tenant {
        Tenant::new(self.id.clone())
    }
}

/// A workspace in a person's list.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Listed {
    /// The workspace.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// Its name as it stands in addresses.
    pub slug: String,
    /// The person's role in it.
    pub role: String,
    /// Agents in it.
    pub agent_count: i64,
    /// Documents in it.
    pub document_count: i64,
}

/// How much is in a workspace.
#[derive(Clone, Debug, FromRow)]
pub struct Stats {
    /// Agents.
    pub agents: i64,
    /// Documents.
    pub documents: i64,
    /// Conversations with visitors.
    pub conversations: i64,
    /// Questions and answers, each counted.
    pub messages: i64,
}

pub(super) async fn insert(db: &mut Write, w: &Workspace) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO workspaces (id, name, slug, owner_id, logo_url, timezone, plan, settings, index_generation, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)",
        &w.id,
        w.name.as_str(),
        w.slug.as_str(),
        &w.owner_id,
        w.logo_url.clone(),
        w.timezone.as_str(),
        w.plan.as_str(),
        w.settings.clone(),
        w.created_at,
        w.created_at,
    ))
    .await?;
    Ok(())
}

pub(super) async fn insert_member(
    db: &mut Write,
    id: &WorkspaceId,
    user: &UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
        id,
        user,
        role.as_str(),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn slug_taken(db: &mut Read, slug: &str) -> Result<bool> {
    Ok(db.count(sql!("SELECT count(*) FROM workspaces WHERE slug = $1", slug)).await? > 0)
}

pub(super) async fn list(db: &mut Read, user: &UserId) -> Result<Vec<Listed>> {
    Ok(db
        .all(sql!(
            "SELECT w.id, w.name, w.slug, m.role,
                    (SELECT count(*) FROM agents a WHERE a.workspace_id = w.id) AS agent_count,
                    (SELECT count(*) FROM documents d WHERE d.workspace_id = w.id) AS document_count
             FROM members m JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.user_id = $1 AND w.erased_at IS NULL ORDER BY w.id",
            user
        ))
        .await?)
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant) -> Result<Workspace> {
    db.optional(sql!(
        "SELECT id, name, slug, owner_id, logo_url, timezone, plan, settings, created_at FROM workspaces
         WHERE id = $1 AND erased_at IS NULL",
        tenant
    ))
    .await?
    .ok_or_else(|| Error::not_found("There is no such workspace."))
}

pub(super) async fn timezone(db: &mut Read, tenant: &Tenant) -> Result<Option<String>> {
    let found =
        db.optional(sql!("SELECT timezone FROM workspaces WHERE id = $1 AND erased_at IS NULL", tenant));
    Ok(found.await?.map(|(zone,)| zone))
}

pub(super) async fn stats(db: &mut Read, tenant: &Tenant) -> Result<Stats> {
    Ok(db
        .one(sql!(
            "SELECT (SELECT count(*) FROM agents WHERE workspace_id = $1) AS agents,
                    (SELECT count(*) FROM documents WHERE workspace_id = $1) AS documents,
                    (SELECT count(*) FROM conversations WHERE workspace_id = $1 AND channel = 'widget') AS conversations,
                    (SELECT 2 * count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
                     WHERE m.workspace_id = $1 AND c.channel = 'widget') AS messages",
            tenant
        ))
        .await?)
}

pub(super) async fn update(db: &mut Write, tenant: &Tenant, w: &Workspace, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "UPDATE workspaces SET name = $2, logo_url = $3, timezone = $4, settings = $5, updated_at = $6 WHERE id = $1",
        tenant,
        w.name.as_str(),
        w.logo_url.clone(),
        w.timezone.as_str(),
        w.settings.clone(),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn close(db: &mut Write, tenant: &Tenant, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE workspaces SET erased_at = $2 WHERE id = $1", tenant, now)).await?;
    Ok(())
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant) -> Result<()> {
    db.execute(sql!("DELETE FROM workspaces WHERE id = $1", tenant)).await?;
    Ok(())
}
