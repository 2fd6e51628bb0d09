//! Who belongs to a workspace, and in which role.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use super::{Permission, Role, Standing, Tenant, invitations};
use crate::{
    Actor, App, Error, Page, Paged, Result, UserId,
    audit::{self, Event},
};

/// A person who belongs to a workspace.
#[derive(Clone, Debug, FromRow)]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// Their mail address.
    pub email: String,
    /// How they are called.
    pub full_name: String,
    /// OWNER, ADMIN, MEMBER or VIEWER.
    pub role: String,
    /// When they joined.
    pub joined_at: DateTime<Utc>,
}

impl Member {
    /// Whether the name or the address holds a text that is in lower case.
    fn matches(&self, wanted: &str) -> bool {
        [&self.full_name, &self.email].iter().any(|text| text.to_lowercase().contains(wanted))
    }
}

/// A part of the workspace's members, those who joined first first; of all, or of those whose name or address
/// holds a text in any case.
///
/// A workspace has few members, so they are searched here: SQLite folds the case of ASCII only.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, search: Option<&str>, page: Page) -> Result<Paged<Member>> {
    let sql = members(tenant).push(" ORDER BY m.created_at, m.user_id");
    let mut members: Vec<Member> = app.db.read().await?.all(sql).await?;
    if let Some(wanted) = search.map(|text| text.trim().to_lowercase()) {
        members.retain(|member| member.matches(&wanted));
    }
    let total = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let items = members.into_iter().skip(size(page.offset)).take(size(page.limit)).collect();
    Ok(Paged { items, total, page })
}

/// Gives a member another role. Who is lowered loses the invitations they have made.
///
/// # Errors
/// Forbidden when the role, the old or the new, is above that of who gives it; conflict when the workspace would
/// be left without an owner; not found when the person does not belong to it.
pub async fn change_role(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    user: &UserId,
    role: Role,
) -> Result<Member> {
    let mut db = app.db.write().await?;
    hold(&mut db, tenant).await?;
    let own = manager(&mut db, tenant, by).await?;
    let member = get(&mut db, tenant, user).await?;
    let before: Role = member.role.parse()?;
    reach(own, before)?;
    reach(own, role).map_err(|error| error.with_field("role"))?;
    if role == before {
        return Ok(member);
    }
    spare_owner(&mut db, tenant, before).await?;
    db.execute(sql!(
        "UPDATE members SET role = $3 WHERE workspace_id = $1 AND user_id = $2",
        tenant,
        user,
        role.as_str()
    ))
    .await?;
    if role < before {
        invitations::withdraw_those_of(&mut db, tenant, user).await?;
    }
    pass_ownership(&mut db, tenant).await?;
    let details = json!({ "email": member.email, "from": before.as_str(), "to": role.as_str() });
    let event = Event::new("member.role_changed", user.as_str()).with(details);
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(Member { role: role.as_str().to_owned(), ..member })
}

/// Ends a membership, at once: one's own, which anybody may, or another's. The invitations that they have made end with it.
///
/// # Errors
/// Forbidden to keys, to those who may not manage members, and when the member's role is above one's own; conflict
/// when the workspace would be left without an owner; not found when the person does not belong to it.
pub async fn remove(app: &App, tenant: &Tenant, by: &Actor, user: &UserId) -> Result<()> {
    let mut db = app.db.write().await?;
    hold(&mut db, tenant).await?;
    let leaves = by.user.as_ref() == Some(user);
    let member = get(&mut db, tenant, user).await?;
    let role: Role = member.role.parse()?;
    if !leaves {
        reach(manager(&mut db, tenant, by).await?, role)?;
    }
    spare_owner(&mut db, tenant, role).await?;
    db.execute(sql!("DELETE FROM members WHERE workspace_id = $1 AND user_id = $2", tenant, user)).await?;
    invitations::withdraw_those_of(&mut db, tenant, user).await?;
    pass_ownership(&mut db, tenant).await?;
    let action = if leaves { "member.left" } else { "member.removed" };
    let details = json!({ "email": member.email, "role": member.role });
    audit::record(app, &mut db, tenant, by, Event::new(action, user.as_str()).with(details)).await?;
    app.callers.commit(db).await
}

/// Has other changes to this workspace's people wait until this one is committed: of two owners who leave at
/// once, the second sees that the first is gone. An update locks the row on PostgreSQL; on SQLite one transaction
/// writes at a time anyway.
pub(super) async fn hold(db: &mut Write, tenant: &Tenant) -> Result<()> {
    let held = db
        .execute(sql!(
            "UPDATE workspaces SET owner_id = owner_id WHERE id = $1 AND erased_at IS NULL",
            tenant
        ))
        .await?;
    if held == 1 { Ok(()) } else { Err(Error::not_found("There is no such workspace.")) }
}

/// The role of somebody who may manage members, as it is now: it may have changed since the request was let in.
pub(super) async fn manager(db: &mut Read, tenant: &Tenant, by: &Actor) -> Result<Role> {
    let user = by
        .user
        .as_ref()
        .ok_or_else(|| Error::forbidden("Keys may not do this. Log in as a person with the role ADMIN."))?;
    let role = get(db, tenant, user).await?.role.parse()?;
    Standing::Member(role).require(Permission::ManageMembers)?;
    Ok(role)
}

/// Nobody gives or takes a role above their own.
pub(super) fn reach(own: Role, role: Role) -> Result<()> {
    if role <= own {
        return Ok(());
    }
    Err(Error::forbidden(format!("This needs the role {role} in the workspace; yours is {own}.")))
}

async fn get(db: &mut Read, tenant: &Tenant, user: &UserId) -> Result<Member> {
    let found = db.optional(members(tenant).and("m.user_id = ", Some(user))).await?;
    found.ok_or_else(|| Error::not_found("There is no such member in this workspace."))
}

fn members(tenant: &Tenant) -> Sql {
    sql!(
        "SELECT m.user_id, u.email, u.full_name, m.role, m.created_at AS joined_at
         FROM members m JOIN users u ON u.id = m.user_id WHERE m.workspace_id = $1",
        tenant
    )
}

/// Refuses to take the role of the last owner.
async fn spare_owner(db: &mut Read, tenant: &Tenant, role: Role) -> Result<()> {
    if role != Role::Owner {
        return Ok(());
    }
    let owners = db
        .count(sql!("SELECT count(*) FROM members WHERE workspace_id = $1 AND role = 'OWNER'", tenant))
        .await?;
    if owners > 1 {
        return Ok(());
    }
    Err(Error::conflict("This is the last owner of the workspace. Name another owner first."))
}

/// When the person whom the workspace names as its owner is one no more, it names the oldest owner there is.
async fn pass_ownership(db: &mut Write, tenant: &Tenant) -> Result<()> {
    db.execute(sql!(
        "UPDATE workspaces SET owner_id = (SELECT m.user_id FROM members m
             WHERE m.workspace_id = $1 AND m.role = 'OWNER' ORDER BY m.created_at, m.user_id LIMIT 1)
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM members m
             WHERE m.workspace_id = $1 AND m.user_id = workspaces.owner_id AND m.role = 'OWNER')",
        tenant
    ))
    .await?;
    Ok(())
}
