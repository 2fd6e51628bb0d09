//! Workspaces, the tenants; who belongs to them, and the keys that open them.

mod keys;
mod role;
mod store;
mod tenant;

use std::str::FromStr;

use chrono_tz::Tz;
use serde_json::{Map, Value};

pub use keys::{Created, Domain, Key, Visitor, create_key, list_keys, revoke_key, share_key, visitor};
pub use role::Role;
pub use store::{Listed, Stats, Workspace};
pub use tenant::Tenant;

use crate::{
    App, Error, Patch, Result, UserId, WorkspaceId,
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
pub async fn create(app: &App, owner: &UserId, form: NewWorkspace) -> Result<Workspace> {
    let now = app.clock.now();
    let id = WorkspaceId::new(now, app.entropy);
    let mut db = app.db.write().await?;
    let slug = free_slug(&mut db, &form.name, &id).await?;
    let workspace = Workspace {
        id,
        slug,
        name: form.name,
        owner_id: owner.clone(),
        logo_url: None,
        timezone: form.timezone.name().to_owned(),
        plan: app.config.default_plan.clone(),
        settings: Value::Object(form.settings),
        created_at: now,
    };
    store::insert(&mut db, &workspace).await?;
    store::insert_member(&mut db, &workspace.id, owner, Role::Owner, now).await?;
    db.commit().await?;
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
pub async fn list(app: &App, user: &UserId) -> Result<Vec<Listed>> {
    store::list(&mut app.db.read().await?, user).await
}

/// What a person may do in a workspace; makes the [`Tenant`] that its queries need.
///
/// # Errors
/// Not found when the person does not belong to it: others need not know that it exists.
pub async fn enter(app: &App, user: &UserId, id: &WorkspaceId) -> Result<(Tenant, Role)> {
    let role = store::role(&mut app.db.read().await?, id, user)
        .await?
        .ok_or_else(|| Error::not_found("There is no such workspace."))?;
    Ok((Tenant::new(id.clone()), role))
}

/// A workspace and what is in it.
///
/// # Errors
/// What the database says.
pub async fn get(app: &App, tenant: &Tenant) -> Result<(Workspace, Stats)> {
    let mut db = app.db.read().await?;
    Ok((store::get(&mut db, tenant).await?, store::stats(&mut db, tenant).await?))
}

/// Changes a workspace.
///
/// # Errors
/// What the database says.
pub async fn update(app: &App, tenant: &Tenant, change: Change) -> Result<Workspace> {
    let mut db = app.db.write().await?;
    let mut workspace = store::get(&mut db, tenant).await?;
    workspace.name = change.name.unwrap_or(workspace.name);
    workspace.logo_url = change.logo_url.apply(workspace.logo_url);
    workspace.timezone = change.timezone.map_or(workspace.timezone, |zone| zone.name().to_owned());
    if let (Some(new), Value::Object(settings)) = (change.settings, &mut workspace.settings) {
        settings.extend(new);
    }
    store::update(&mut db, tenant, &workspace, app.clock.now()).await?;
    db.commit().await?;
    Ok(workspace)
}

/// Ends a workspace: nobody can enter it from now on, and a job erases what it held.
///
/// # Errors
/// What the database says.
pub async fn delete(app: &App, tenant: &Tenant) -> Result<()> {
    let mut db = app.db.write().await?;
    store::close(&mut db, tenant, app.clock.now()).await?;
    jobs::enqueue(app, &mut db, Some(tenant.id()), &Task::EraseWorkspace).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Erases a closed workspace, its documents one by one, so that a stop in between loses nothing and no long
/// transaction holds the others up.
pub(crate) async fn erase(app: &App, job: &Job) -> Result<()> {
    let tenant = job.tenant()?;
    knowledge::erase_all(app, &tenant).await?;
    app.blobs.delete_tenant(tenant.id().as_str()).await?;
    app.indexes.forget(tenant.id());
    let mut db = app.db.write().await?;
    store::delete(&mut db, &tenant).await?;
    jobs::finish(&mut db, job).await?;
    Ok(db.commit().await?)
}
