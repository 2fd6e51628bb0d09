//! The tables of agents and their versions.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use super::{AgentType, Settings, Status};
use crate::{Actor, AgentId, Error, Page, Paged, Result, Tenant, WorkspaceId, billing::Plan};

/// An agent and its draft.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The agent.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// What it is for, in its makers' words.
    pub description: Option<String>,
    /// What it is for.
    pub agent_type: AgentType,
    /// Whether visitors can reach it.
    pub status: Status,
    /// The draft.
    pub settings: Settings,
    /// n of the published version 1.n.
    pub published_version: Option<i64>,
    /// When that was.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Agent {
    /// `1.0` until it is first published, then `1.1` and on.
    pub fn version(&self) -> String {
        format!("1.{}", self.published_version.unwrap_or(0))
    }
}

#[derive(FromRow)]
struct Row {
    id: AgentId,
    name: String,
    description: Option<String>,
    agent_type: String,
    status: String,
    settings: serde_json::Value,
    published_version: Option<i64>,
    published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Agent {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            agent_type: stored("agents.agent_type", &row.id, &row.agent_type)?,
            status: stored("agents.status", &row.id, &row.status)?,
            settings: settings("agents.settings", &row.id, row.settings)?,
            id: row.id,
            name: row.name,
            description: row.description,
            published_version: row.published_version,
            published_at: row.published_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn stored<T: std::str::FromStr>(column: &str, id: &AgentId, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::internal(format!("{column} of {id} holds {text:?}")))
}

fn settings(column: &str, id: &AgentId, value: serde_json::Value) -> Result<Settings> {
    serde_json::from_value(value)
        .map_err(|e| Error::internal(format!("{column} of {id} cannot be read: {e}")))
}

/// An agent as visitors get it.
#[derive(Clone, Debug)]
pub struct Published {
    /// The agent.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// How it behaves.
    pub settings: Settings,
    /// `1.n`.
    pub version: String,
}

/// A published version.
#[derive(Clone, Debug)]
pub struct Version {
    /// `1.n`.
    pub version: String,
    /// What the agent was called.
    pub name: String,
    /// Who published it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Why, when it was not for its changes.
    pub note: Option<String>,
    /// The settings that differ from the version before.
    pub changed: Vec<String>,
}

/// An agent in a list.
#[derive(Clone, Debug, FromRow)]
pub struct Listed {
    /// The agent.
    pub id: AgentId,
    /// What it is called.
    pub name: String,
    /// DRAFT, PUBLISHED or ARCHIVED.
    pub status: String,
    /// SUPPORT, SALES or GENERAL.
    pub agent_type: String,
    /// Conversations with visitors.
    pub conversation_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How much an agent has talked.
#[derive(Clone, Debug, FromRow)]
pub struct Stats {
    /// Conversations with visitors.
    pub conversations: i64,
    /// Questions and answers, each counted.
    pub messages: i64,
    /// From 1 (all thumbs down) to 5 (all up); none without feedback.
    pub satisfaction: Option<f64>,
}

/// Which agents to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Of this status.
    pub status: Option<Status>,
    /// Of this type.
    pub agent_type: Option<AgentType>,
    /// Whether visitors can reach it.
    pub published: Option<bool>,
}

pub(super) async fn insert(db: &mut Write, tenant: &Tenant, a: &Agent) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO agents (id, workspace_id, name, description, agent_type, status, settings, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &a.id,
        tenant,
        a.name.as_str(),
        a.description.clone(),
        a.agent_type.as_str(),
        a.status.as_str(),
        serde_json::to_value(&a.settings)?,
        a.created_at,
        a.updated_at,
    ))
    .await?;
    Ok(())
}

pub(super) async fn get(db: &mut Read, tenant: &Tenant, id: &AgentId) -> Result<Agent> {
    db.optional::<Row>(sql!(
        "SELECT id, name, description, agent_type, status, settings, published_version, published_at, created_at, updated_at
         FROM agents WHERE workspace_id = $1 AND id = $2",
        tenant,
        id
    ))
    .await?
    .ok_or_else(|| Error::not_found("There is no such agent."))?
    .try_into()
}

pub(super) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    filter: Filter,
    page: Page,
) -> Result<Paged<Listed>> {
    let narrow = |sql: Sql| {
        let sql = sql
            .and("a.status = ", filter.status.map(Status::as_str))
            .and("a.agent_type = ", filter.agent_type.map(AgentType::as_str));
        match filter.published {
            Some(true) => sql.push(" AND a.status = 'PUBLISHED'"),
            Some(false) => sql.push(" AND a.status <> 'PUBLISHED'"),
            None => sql,
        }
    };
    let total =
        db.count(narrow(sql!("SELECT count(*) FROM agents a WHERE a.workspace_id = $1", tenant))).await?;
    let items = db
        .all(
            narrow(sql!(
                "SELECT a.id, a.name, a.status, a.agent_type, a.created_at,
                        (SELECT count(*) FROM conversations c WHERE c.agent_id = a.id AND c.channel = 'widget') AS conversation_count
                 FROM agents a WHERE a.workspace_id = $1",
                tenant
            ))
            .push(" ORDER BY a.id")
            .push_bind(" LIMIT ", page.limit)
            .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    Ok(Paged { items, total, page })
}

pub(super) async fn update(db: &mut Write, tenant: &Tenant, a: &Agent) -> Result<()> {
    db.execute(sql!(
        "UPDATE agents SET name = $3, description = $4, agent_type = $5, status = $6, settings = $7,
                published_version = $8, published_at = $9, updated_at = $10
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &a.id,
        a.name.as_str(),
        a.description.clone(),
        a.agent_type.as_str(),
        a.status.as_str(),
        serde_json::to_value(&a.settings)?,
        a.published_version,
        a.published_at,
        a.updated_at,
    ))
    .await?;
    Ok(())
}

pub(super) async fn last_version(db: &mut Read, tenant: &Tenant, id: &AgentId) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT coalesce(max(version), 0) FROM agent_versions WHERE workspace_id = $1 AND agent_id = $2",
            tenant,
            id
        ))
        .await?)
}

pub(super) async fn insert_version(
    db: &mut Write,
    tenant: &Tenant,
    agent: &Agent,
    (version, note): (i64, Option<String>),
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO agent_versions (agent_id, workspace_id, version, name, settings, created_by, created_at, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &agent.id,
        tenant,
        version,
        agent.name.as_str(),
        serde_json::to_value(&agent.settings)?,
        by.id(),
        now,
        note
    ))
    .await?;
    Ok(())
}

pub(super) async fn published(db: &mut Read, tenant: &Tenant, id: &AgentId) -> Result<Option<Published>> {
    let row: Option<(String, serde_json::Value, Option<String>, i64)> = db
        .optional(sql!(
            "SELECT v.name, v.settings, a.settings ->> 'visibility' AS visibility, v.version FROM agents a
             JOIN agent_versions v ON v.agent_id = a.id AND v.version = a.published_version
             WHERE a.workspace_id = $1 AND a.id = $2 AND a.status = 'PUBLISHED'",
            tenant,
            id
        ))
        .await?;
    row.map(|(name, value, visibility, version)| {
        let mut settings = settings("agent_versions.settings", id, value)?;
        // Who may come in is no matter of versions.
        settings.visibility = visibility.unwrap_or_else(|| Settings::default().visibility);
        Ok(Published { id: id.clone(), name, settings, version: format!("1.{version}") })
    })
    .transpose()
}

pub(super) async fn tenant_of(db: &mut Read, id: &AgentId) -> Result<Option<(Tenant, Plan)>> {
    let row: Option<(WorkspaceId, String)> = db
        .optional(sql!(
            "SELECT a.workspace_id, w.plan FROM agents a JOIN workspaces w ON w.id = a.workspace_id
             WHERE a.id = $1 AND w.erased_at IS NULL",
            id
        ))
        .await?;
    row.map(|(id, plan)| Ok((Tenant::new(id), plan.parse()?))).transpose()
}

pub(super) async fn public(db: &mut Read, id: &AgentId) -> Result<Option<Tenant>> {
    let row: Option<(WorkspaceId,)> = db
        .optional(sql!(
            "SELECT a.workspace_id FROM agents a JOIN workspaces w ON w.id = a.workspace_id
             WHERE a.id = $1 AND a.status = 'PUBLISHED' AND a.settings ->> 'visibility' IN ('public', 'restricted')
               AND w.erased_at IS NULL",
            id
        ))
        .await?;
    Ok(row.map(|(workspace,)| Tenant::new(workspace)))
}

pub(super) async fn stats(db: &mut Read, tenant: &Tenant, id: &AgentId) -> Result<Stats> {
    Ok(db
        .one(sql!(
            "SELECT (SELECT count(*) FROM conversations WHERE workspace_id = $1 AND agent_id = $2 AND channel = 'widget') AS conversations,
                    2 * count(m.id) AS messages,
                    avg(CAST(CASE m.feedback WHEN 'THUMBS_UP' THEN 5 WHEN 'THUMBS_DOWN' THEN 1 END AS DOUBLE PRECISION)) AS satisfaction
             FROM conversations c JOIN messages m ON m.conversation_id = c.id
             WHERE c.workspace_id = $1 AND c.agent_id = $2 AND c.channel = 'widget'",
            tenant,
            id
        ))
        .await?)
}

#[derive(FromRow)]
struct VersionRow {
    version: i64,
    name: String,
    settings: serde_json::Value,
    created_by: String,
    created_at: DateTime<Utc>,
    note: Option<String>,
}

pub(super) async fn versions(db: &mut Read, tenant: &Tenant, id: &AgentId) -> Result<Vec<Version>> {
    let rows: Vec<VersionRow> = db
        .all(sql!(
            "SELECT v.version, v.name, v.settings, coalesce(u.full_name, v.created_by) AS created_by, v.created_at, v.note
             FROM agent_versions v LEFT JOIN users u ON u.id = v.created_by
             WHERE v.workspace_id = $1 AND v.agent_id = $2 ORDER BY v.version",
            tenant,
            id
        ))
        .await?;
    let mut before = serde_json::to_value(Settings::default())?;
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        let settings = serde_json::to_value(settings("agent_versions.settings", id, row.settings)?)?;
        versions.push(Version {
            version: format!("1.{}", row.version),
            name: row.name,
            created_by: row.created_by,
            created_at: row.created_at,
            note: row.note,
            changed: differing("", &before, &settings),
        });
        before = settings;
    }
    versions.reverse();
    Ok(versions)
}

/// The names of the fields that differ, `group.field` for those of groups.
fn differing(group: &str, before: &serde_json::Value, after: &serde_json::Value) -> Vec<String> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return vec![group.to_owned()];
    };
    let names = after.keys().chain(before.keys().filter(|name| !after.contains_key(*name)));
    let field = |name: &String| {
        let path = if group.is_empty() { name.clone() } else { format!("{group}.{name}") };
        match (before.get(name), after.get(name)) {
            (before, after) if before == after => Vec::new(),
            (Some(before), Some(after)) if group.is_empty() && before.is_object() && after.is_object() => {
                differing(&path, before, after)
            }
            _ => vec![path],
        }
    };
    names.flat_map(field).collect()
}

pub(super) async fn version(
    db: &mut Read,
    tenant: &Tenant,
    id: &AgentId,
    version: i64,
) -> Result<Option<(String, Settings)>> {
    let row: Option<(String, serde_json::Value)> = db
        .optional(sql!(
            "SELECT name, settings FROM agent_versions WHERE workspace_id = $1 AND agent_id = $2 AND version = $3",
            tenant,
            id,
            version
        ))
        .await?;
    row.map(|(name, value)| Ok((name, settings("agent_versions.settings", id, value)?))).transpose()
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant, id: &AgentId) -> Result<()> {
    db.execute(sql!("DELETE FROM agents WHERE workspace_id = $1 AND id = $2", tenant, id)).await?;
    Ok(())
}

/// Agents that visitors can reach.
pub(super) async fn count_published(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    let count = sql!("SELECT count(*) FROM agents WHERE workspace_id = $1 AND status = 'PUBLISHED'", tenant);
    Ok(db.count(count).await?)
}

pub(super) async fn names(db: &mut Read, tenant: &Tenant) -> Result<Vec<(AgentId, String)>> {
    Ok(db.all(sql!("SELECT id, name FROM agents WHERE workspace_id = $1", tenant)).await?)
}
