//! Outlets: the places where a company meets its customers.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use super::Tenant;
use crate::{
    Actor, App, Error, OutletId, Page, Paged, Patch, Result,
    audit::{self, Event},
};

/// Outlets of a workspace.
const MOST: i64 = 1_000;

/// An outlet.
#[derive(Clone, Debug, FromRow)]
pub struct Outlet {
    /// The outlet.
    pub id: OutletId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub address: Option<String>,
    /// Its telephone number, as people write it.
    pub phone: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A checked request for an outlet.
pub struct NewOutlet {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub address: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
}

/// What to change of an outlet.
#[derive(Default)]
pub struct OutletChange {
    /// A new name.
    pub name: Option<String>,
    /// A new address, or none.
    pub address: Patch<String>,
    /// A new telephone number, or none.
    pub phone: Patch<String>,
    /// A new mail address, or none.
    pub email: Patch<String>,
}

/// Makes an outlet.
///
/// # Errors
/// Unprocessable when the workspace has too many.
pub async fn create(app: &App, tenant: &Tenant, by: &Actor, form: NewOutlet) -> Result<Outlet> {
    let now = app.clock.now();
    let outlet = Outlet {
        id: OutletId::new(now, app.entropy),
        name: form.name,
        address: form.address,
        phone: form.phone,
        email: form.email,
        created_at: now,
        updated_at: now,
    };
    let mut db = app.db.write().await?;
    if count(&mut db, tenant).await? >= MOST {
        return Err(Error::unprocessable(format!(
            "This workspace has {MOST} outlets, which is the limit. Delete some."
        )));
    }
    db.execute(sql!(
        "INSERT INTO outlets (id, workspace_id, name, address, phone, email, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &outlet.id,
        tenant,
        outlet.name.as_str(),
        outlet.address.clone(),
        outlet.phone.clone(),
        outlet.email.clone(),
        outlet.created_at,
        outlet.updated_at
    ))
    .await?;
    record(app, &mut db, tenant, by, "outlet.created", &outlet).await?;
    db.commit().await?;
    Ok(outlet)
}

/// A part of the workspace's outlets, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, page: Page) -> Result<Paged<Outlet>> {
    let mut db = app.db.read().await?;
    let total = count(&mut db, tenant).await?;
    let part = outlets(tenant)
        .push(" ORDER BY id")
        .push_bind(" LIMIT ", page.limit)
        .push_bind(" OFFSET ", page.offset);
    Ok(Paged { items: db.all(part).await?, total, page })
}

/// Changes an outlet.
///
/// # Errors
/// Not found when the workspace has no such outlet.
pub async fn change(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &OutletId,
    change: OutletChange,
) -> Result<Outlet> {
    let mut db = app.db.write().await?;
    let old = get(&mut db, tenant, id).await?;
    let outlet = Outlet {
        name: change.name.unwrap_or(old.name),
        address: change.address.apply(old.address),
        phone: change.phone.apply(old.phone),
        email: change.email.apply(old.email),
        updated_at: app.clock.now(),
        ..old
    };
    db.execute(sql!(
        "UPDATE outlets SET name = $3, address = $4, phone = $5, email = $6, updated_at = $7
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        outlet.name.as_str(),
        outlet.address.clone(),
        outlet.phone.clone(),
        outlet.email.clone(),
        outlet.updated_at
    ))
    .await?;
    record(app, &mut db, tenant, by, "outlet.changed", &outlet).await?;
    db.commit().await?;
    Ok(outlet)
}

/// Deletes an outlet.
///
/// # Errors
/// Not found when the workspace has no such outlet.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &OutletId) -> Result<()> {
    let mut db = app.db.write().await?;
    let outlet = get(&mut db, tenant, id).await?;
    db.execute(sql!("DELETE FROM outlets WHERE workspace_id = $1 AND id = $2", tenant, id)).await?;
    record(app, &mut db, tenant, by, "outlet.deleted", &outlet).await?;
    Ok(db.commit().await?)
}

async fn count(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT count(*) FROM outlets WHERE workspace_id = $1", tenant)).await?)
}

async fn get(db: &mut Read, tenant: &Tenant, id: &OutletId) -> Result<Outlet> {
    let found = db.optional(outlets(tenant).and("id = ", Some(id))).await?;
    found.ok_or_else(|| Error::not_found("There is no such outlet in this workspace."))
}

fn outlets(tenant: &Tenant) -> Sql {
    sql!(
        "SELECT id, name, address, phone, email, created_at, updated_at FROM outlets WHERE workspace_id = $1",
        tenant
    )
}

async fn record(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    action: &'static str,
    outlet: &Outlet,
) -> Result<()> {
    let event = Event::new(action, outlet.id.as_str()).with(json!({ "name": outlet.name }));
    audit::record(app, db, tenant, by, event).await
}
