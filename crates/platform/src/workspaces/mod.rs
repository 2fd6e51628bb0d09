//! Workspaces, the tenants; who belongs to them, and the keys that open them.

pub mod invitations;
pub mod keys;
pub mod members;
pub mod outlets;
mod permission;
mod role;
mod store;
mod tenant;

use std::{str::FromStr, sync::Arc};

use ::store::{Read, Write};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

pub use keys::{
    AccountKey, Created, Domain, Door, Key, KeyKind, Visitor, account_key, create_key, list_keys, revoke_key,
    set_daily_messages, share_key, visitor,
};
pub use permission::{Permission, Standing};
pub use role::{Role, Scope};
pub use store::{Listed, Stats, Workspace};
pub use tenant::Tenant;

use crate::{
    Actor, App, Error, Patch, Result, UserId, WorkspaceId,
    audit::{self, Event},
    billing,
    identity::User,
    jobs::{self, Job, Task},
    knowledge,
};

/// A checked request for a workspace.
pub struct NewWorkspace {
    /// What it is called.
    pub name: String,
    /// An IANA time zone.
    pub timezone: Tz,
    /// Whatever its clients keep there.
    pub settings: Map<String, Value>,
}

/// What to change of a workspace.
#[derive(Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new picture, or none.
    pub logo_url: Patch<String>,
    /// A new time zone.
    pub timezone: Option<Tz>,
    /// Settings to set; those that are not named stay.
    pub settings: Option<Map<String, Value>>,
}

/// Reads the name of an IANA time zone.
///
/// # Errors
/// Invalid when there is no such zone.
pub fn timezone(name: &str) -> Result<Tz> {
    Tz::from_str(name)
        .map_err(|_| Error::invalid("timezone", "timezone is not an IANA time zone such as Europe/Oslo."))
}

/// Makes a workspace that belongs to a person.
///
/// # Errors
/// What the database says.
pub async fn create(app: &App, owner: &User, form: NewWorkspace, by: &Actor) -> Result<Workspace> {
    let mut db = app.db.write().await?;
    let workspace = found(app, &mut db, owner, form, by).await?;
    app.callers.commit(db).await?;
    Ok(workspace)
}

/// Makes a workspace as part of a change.
pub(crate) async fn found(
    app: &App,
    db: &mut Write,
    owner: &User,
    form: NewWorkspace,
    by: &Actor,
) -> Result<Workspace> {
    let now = app.clock.now();
    let id = WorkspaceId::new(now, app.entropy);
    let slug = free_slug(db, &form.name, &id).await?;
    let workspace = Workspace {
        id,
        slug,
        name: form.name,
        owner_id: owner.id.clone(),
        logo_url: None,
        timezone: form.timezone.name().to_owned(),
        plan: app.config.default_plan.as_str().to_owned(),
        settings: Value::Object(form.settings),
        created_at: now,
    };
    store::insert(db, &workspace).await?;
    store::insert_member(db, &workspace.id, &owner.id, Role::Owner, now).await?;
    let event =
        Event::new("workspace.created", workspace.id.as_str()).with(json!({ "name": workspace.name }));
    let tenant = workspace.tenant();
    audit::record(app, db, &tenant, by, event).await?;
    billing::open(app, db, &tenant).await?;
    Ok(workspace)
}

/// The name as it stands in addresses, with the end of the id when another workspace has it.
async fn free_slug(db: &mut ::store::Write, name: &str, id: &WorkspaceId) -> Result<String> {
    let slug = slug(name);
    let tail = &id.as_str()[id.as_str().len() - 6..];
    Ok(if slug.is_empty() {
        format!("workspace-{tail}")
    } else if store::slug_taken(db, &slug).await? {
        format!("{slug}-{tail}")
    } else {
        slug
    })
}

fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("-").chars().take(60).collect::<String>().trim_matches('-').to_owned()
}

/// The workspaces a person belongs to, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, user: &UserId) -> Result<Arc<Vec<Listed>>> {
    let read =
        || async { store::list(&mut app.db.read().await?, user).await.map(|list| Some(Arc::new(list))) };
    Ok(app.callers.lists.get(user, app.clock.now(), read).await?.unwrap_or_default())
}

/// A workspace.
///
/// # Errors
/// What the database says.
pub async fn get(app: &App, tenant: &Tenant) -> Result<Workspace> {
    store::get(&mut app.db.read().await?, tenant).await
}

/// A workspace's time zone; none when it has been closed.
///
/// # Errors
/// Internal when what is stored is no time zone.
pub(crate) async fn zone(db: &mut Read, tenant: &Tenant) -> Result<Option<Tz>> {
    let Some(name) = store::timezone(db, tenant).await? else { return Ok(None) };
    let odd = |_| Error::internal(format!("workspaces.timezone of {} holds {name:?}", tenant.id()));
    Tz::from_str(&name).map(Some).map_err(odd)
}

/// What a workspace is called.
pub(crate) async fn name(db: &mut Read, tenant: &Tenant) -> Result<String> {
    Ok(store::get(db, tenant).await?.name)
}

/// How much is in a workspace.
///
/// # Errors
/// What the database says.
pub async fn stats(app: &App, tenant: &Tenant) -> Result<Stats> {
    store::stats(&mut app.db.read().await?, tenant).await
}

/// Changes a workspace.
///
/// # Errors
/// What the database says.
pub async fn update(app: &App, tenant: &Tenant, by: &Actor, change: Change) -> Result<Workspace> {
    let mut db = app.db.write().await?;
    let mut workspace = store::get(&mut db, tenant).await?;
    let moved = change.timezone.is_some_and(|zone| zone.name() != workspace.timezone);
    workspace.name = change.name.unwrap_or(workspace.name);
    workspace.logo_url = change.logo_url.apply(workspace.logo_url);
    workspace.timezone = change.timezone.map_or(workspace.timezone, |zone| zone.name().to_owned());
    if let (Some(new), Value::Object(settings)) = (change.settings, &mut workspace.settings) {
        settings.extend(new);
    }
    store::update(&mut db, tenant, &workspace, app.clock.now()).await?;
    audit::record(app, &mut db, tenant, by, Event::new("workspace.changed", workspace.id.as_str())).await?;
    if moved {
        // Its days begin at another hour.
        jobs::enqueue(app, &mut db, Some(tenant.id()), &Task::AddUpAnew).await?;
    }
    app.callers.commit(db).await?;
    app.bell.ring();
    Ok(workspace)
}

/// Ends a workspace: nobody can enter it from now on, and a job erases what it held.
///
/// # Errors
/// What the database says.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor) -> Result<()> {
    let mut db = app.db.write().await?;
    store::close(&mut db, tenant, app.clock.now()).await?;
    let event = Event::new("workspace.deleted", tenant.id().as_str());
    audit::record(app, &mut db, tenant, by, event).await?;
    jobs::enqueue(app, &mut db, Some(tenant.id()), &Task::EraseWorkspace).await?;
    app.callers.commit(db).await?;
    app.bell.ring();
    Ok(())
}

/// Erases a closed workspace, its documents one by one, so that a stop in between loses nothing and no long
/// transaction holds the others up.
pub(crate) async fn erase(app: &App, job: &Job) -> Result<()> {
    let tenant = job.tenant()?;
    knowledge::crawl::forget(app, &tenant, None).await?;
    knowledge::erase(app, &tenant, None).await?;
    app.blobs.delete_tenant(tenant.id().as_str()).await?;
    app.objects.delete_tenant(tenant.id().as_str()).await?;
    app.indexes.forget(tenant.id());
    let mut db = app.db.write().await?;
    store::delete(&mut db, &tenant).await?;
    jobs::finish(&mut db, job).await?;
    Ok(db.commit().await?)
}
