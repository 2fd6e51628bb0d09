//! Agents: what they are called, how they behave, what they know, and which version of them visitors get.
//!
//! An agent's makers change its draft; publishing freezes the draft as the next version.

mod settings;
mod store;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use ::store::Read;

pub use settings::{
    Appearance, AppearancePatch, Behavior, BehaviorPatch, Branding, BrandingPatch, Greeting, GreetingPatch,
    Guardrails, GuardrailsPatch, ModelPatch, ModelSettings, ResponseConfig, ResponsePatch, Settings,
    SettingsPatch, TOOLS, Visitors, VisitorsPatch,
};
pub use store::{Agent, Filter, Listed, Published, Stats, Version};

use serde_json::json;

use crate::{
    Actor, AgentId, App, CollectionId, Error, Page, Paged, Patch, Result, Tenant,
    audit::{self, Event},
    billing::{self, Limit, Plan},
    contacts,
    events::{self, Fact},
    extraction, files, knowledge,
};

/// What an agent is for, as the Insydr document writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentType {
    /// Customer support.
    Support,
    /// Sales.
    Sales,
    /// Anything else.
    General,
}

/// Whether visitors can reach an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Never published, or taken back.
    Draft,
    /// Visitors get its published version.
    Published,
    /// Put away.
    Archived,
}

macro_rules! words {
    ($type:ident, $field:literal, $($variant:ident = $word:literal),+) => {
        impl $type {
            /// As the Insydr document writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl FromStr for $type {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Error::invalid($field, concat!($field, " is one of" $(, " ", $word)+, "."))),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
words!(AgentType, "agent_type", Support = "SUPPORT", Sales = "SALES", General = "GENERAL");
words!(Status, "status", Draft = "DRAFT", Published = "PUBLISHED", Archived = "ARCHIVED");

/// A checked request for an agent.
pub struct NewAgent {
    /// What it is called.
    pub name: String,
    /// What it is for, in its makers' words.
    pub description: Option<String>,
    /// What it is for.
    pub agent_type: AgentType,
    /// What differs from the default settings.
    pub settings: SettingsPatch,
}

/// What to change of an agent.
#[derive(Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new description, or none.
    pub description: Patch<String>,
    /// A new type.
    pub agent_type: Option<AgentType>,
    /// Archived or back to draft; publishing is a verb of its own.
    pub status: Option<Status>,
    /// Changes of the draft's settings.
    pub settings: SettingsPatch,
}

/// Makes an agent, as a draft.
///
/// # Errors
/// Invalid when a setting is out of range or a collection is not the workspace's.
pub async fn create(app: &App, tenant: &Tenant, by: &Actor, form: NewAgent) -> Result<Agent> {
    let now = app.clock.now();
    let mut settings = Settings::default();
    settings.apply(form.settings)?;
    let agent = Agent {
        id: AgentId::new(now, app.entropy),
        name: form.name,
        description: form.description,
        agent_type: form.agent_type,
        status: Status::Draft,
        settings,
        published_version: None,
        published_at: None,
        created_at: now,
        updated_at: now,
    };
    let mut db = app.db.write().await?;
    check_collections(&mut db, tenant, &agent.settings.collection_ids).await?;
    billing::make_room(app, &mut db, tenant, Limit::Agents, 1).await?;
    store::insert(&mut db, tenant, &agent).await?;
    let event = Event::new("agent.created", agent.id.as_str()).with(json!({ "name": agent.name }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(agent)
}

/// An agent with its draft.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn get(app: &App, tenant: &Tenant, id: &AgentId) -> Result<Agent> {
    store::get(&mut app.db.read().await?, tenant, id).await
}

/// How much an agent has talked.
///
/// # Errors
/// What the database says.
pub async fn stats(app: &App, tenant: &Tenant, id: &AgentId) -> Result<Stats> {
    store::stats(&mut app.db.read().await?, tenant, id).await
}

/// A part of the workspace's agents, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, page: Page) -> Result<Paged<Listed>> {
    store::list(&mut app.db.read().await?, tenant, filter, page).await
}

/// Changes an agent's draft; what visitors get stays until it is published.
///
/// # Errors
/// As [`create`]; invalid when the change would publish.
pub async fn update(app: &App, tenant: &Tenant, by: &Actor, id: &AgentId, change: Change) -> Result<Agent> {
    let mut db = app.db.write().await?;
    let mut agent = store::get(&mut db, tenant, id).await?;
    agent.name = change.name.unwrap_or(agent.name);
    agent.description = change.description.apply(agent.description);
    agent.agent_type = change.agent_type.unwrap_or(agent.agent_type);
    agent.status = match change.status {
        Some(Status::Published) if agent.status != Status::Published => {
            return Err(Error::invalid("status", "An agent is published by POST …/publish."));
        }
        Some(status) => status,
        None => agent.status,
    };
    agent.settings.apply(change.settings)?;
    agent.updated_at = app.clock.now();
    check_collections(&mut db, tenant, &agent.settings.collection_ids).await?;
    store::update(&mut db, tenant, &agent).await?;
    audit::record(app, &mut db, tenant, by, Event::new("agent.changed", id.as_str())).await?;
    app.callers.commit(db).await?;
    Ok(agent)
}

/// Freezes the draft as the next version and gives it to visitors.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn publish(app: &App, tenant: &Tenant, by: &Actor, id: &AgentId) -> Result<Agent> {
    let mut db = app.db.write().await?;
    let mut agent = store::get(&mut db, tenant, id).await?;
    freeze(app, &mut db, tenant, by, &mut agent, None).await?;
    let event = Event::new("agent.published", id.as_str()).with(json!({ "version": agent.version() }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(agent)
}

async fn freeze(
    app: &App,
    db: &mut ::store::Write,
    tenant: &Tenant,
    by: &Actor,
    agent: &mut Agent,
    note: Option<String>,
) -> Result<()> {
    let now = app.clock.now();
    let version = store::last_version(db, tenant, &agent.id).await? + 1;
    agent.status = Status::Published;
    agent.published_version = Some(version);
    agent.published_at = Some(now);
    agent.updated_at = now;
    store::insert_version(db, tenant, agent, (version, note), by, now).await?;
    store::update(db, tenant, agent).await?;
    let fact =
        Fact::AgentPublished { agent: agent.id.clone(), name: agent.name.clone(), version: agent.version() };
    events::record(app, db, tenant, &fact).await
}

/// An agent's versions, latest first, each with what its maker changed.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn versions(app: &App, tenant: &Tenant, id: &AgentId) -> Result<Vec<Version>> {
    let mut db = app.db.read().await?;
    store::get(&mut db, tenant, id).await?;
    store::versions(&mut db, tenant, id).await
}

/// Publishes a former version again, as the next one, and makes it the draft.
///
/// # Errors
/// Not found when there is no such agent or version.
pub async fn restore(app: &App, tenant: &Tenant, by: &Actor, id: &AgentId, version: i64) -> Result<Agent> {
    let mut db = app.db.write().await?;
    let mut agent = store::get(&mut db, tenant, id).await?;
    let (name, settings) = store::version(&mut db, tenant, id, version)
        .await?
        .ok_or_else(|| Error::not_found("This agent has no such version."))?;
    agent.name = name;
    let visibility = agent.settings.visibility;
    // What was public once is not made so again.
    agent.settings = Settings { visibility, ..settings };
    // A collection of then may be gone.
    let known: HashSet<_> = knowledge::collection_ids(&mut db, tenant).await?.into_iter().collect();
    agent.settings.collection_ids.retain(|id| known.contains(id));
    freeze(app, &mut db, tenant, by, &mut agent, Some(format!("1.{version} again"))).await?;
    let event = Event::new("agent.restored", id.as_str())
        .with(json!({ "from": format!("1.{version}"), "version": agent.version() }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(agent)
}

/// Removes an agent with its versions, conversations, executions and extractions.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &AgentId) -> Result<()> {
    let mut db = app.db.write().await?;
    let agent = store::get(&mut db, tenant, id).await?;
    contacts::release_files(app, &mut db, tenant, id).await?;
    let files = extraction::files_of(&mut db, tenant, id).await?;
    store::delete(&mut db, tenant, id).await?;
    let event = Event::new("agent.deleted", id.as_str()).with(json!({ "name": agent.name }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    files::remove(app, tenant, &files).await
}

/// The agent that visitors get.
///
/// # Errors
/// Not found unless the workspace has such an agent and it is published.
pub async fn published(app: &App, tenant: &Tenant, id: &AgentId) -> Result<Arc<Published>> {
    let read = || async {
        let found = store::published(&mut app.db.read().await?, tenant, id).await?;
        Ok(found.map(Arc::new))
    };
    let key = (tenant.clone(), id.clone());
    app.callers.agents.get(&key, app.clock.now(), read).await?.ok_or_else(|| {
        Error::not_found(
            "There is no published agent with this id for this API key. Publish the agent first.",
        )
    })
}

/// How many agents visitors can reach.
pub(crate) async fn count_published(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    store::count_published(db, tenant).await
}

/// What the workspace's agents are called.
pub(crate) async fn names(db: &mut Read, tenant: &Tenant) -> Result<HashMap<AgentId, String>> {
    Ok(store::names(db, tenant).await?.into_iter().collect())
}

/// The workspace of a published agent, for the share page, which is reached by the agent's id alone.
///
/// # Errors
/// Not found unless there is such an agent and it is published.
pub async fn shared(app: &App, id: &AgentId) -> Result<(Tenant, Plan, Published)> {
    let mut db = app.db.read().await?;
    let missing = || Error::not_found("There is no published agent with this id.");
    let (tenant, plan) = store::tenant_of(&mut db, id).await?.ok_or_else(missing)?;
    let agent = store::published(&mut db, &tenant, id).await?.ok_or_else(missing)?;
    Ok((tenant, plan, agent))
}

/// Where the visitors of a public agent are let in, whose id alone is their key; none unless it is published, too.
///
/// # Errors
/// What the database says.
pub async fn public(app: &App, id: &AgentId) -> Result<Option<Tenant>> {
    let read = || async { store::public(&mut app.db.read().await?, id).await };
    app.callers.public.get(id, app.clock.now(), read).await
}

async fn check_collections(db: &mut ::store::Read, tenant: &Tenant, ids: &[CollectionId]) -> Result<()> {
    let known: HashSet<_> = knowledge::collection_ids(db, tenant).await?.into_iter().collect();
    match ids.iter().find(|id| !known.contains(id)) {
        Some(_) => Err(Error::invalid(
            "collection_ids",
            "collection_ids holds a collection that is not in this workspace.",
        )),
        None => Ok(()),
    }
}
