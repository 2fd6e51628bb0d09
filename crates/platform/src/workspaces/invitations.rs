//! Invitations into a workspace: mailed as links that are kept as hashes, good once and for a week.

use ::store::{Read, Write, sql};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{Role, Tenant, members, store};
use crate::{
    Actor, App, Error, InvitationId, Result, UserId, WorkspaceId,
    audit::{self, Event},
    billing::{self, Limit},
    digest::sha256,
    identity::{Caller, EmailAddress, prove_address},
    limits::Rate,
    mail::{self, Mail},
};

/// How long a link is good.
const LASTS: TimeDelta = TimeDelta::days(7);
/// Invitations of a workspace that are open at once.
const MOST: i64 = 100;
/// Mails that a workspace may cause.
const MAILS: Rate = Rate { limit: 50, window: TimeDelta::hours(1) };
/// Mails that one address may get, whoever invites it.
const MAILS_TO_ONE: Rate = Rate { limit: 5, window: TimeDelta::hours(1) };

/// An invitation that is open.
#[derive(Clone, Debug, FromRow)]
pub struct Invitation {
    /// The invitation.
    pub id: InvitationId,
    /// Whom it was mailed to.
    pub email: String,
    /// The role they get.
    pub role: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What an invitation says to whoever holds its link.
#[derive(Clone, Debug, FromRow)]
pub struct Offer {
    id: InvitationId,
    email_key: String,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What it is called.
    pub workspace_name: String,
    /// The mail address of whoever invites.
    pub inviter: String,
    /// Whom it was mailed to.
    pub email: String,
    /// The role they get.
    pub role: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Invites somebody by mail. Who was invited before gets a new link, and the old one ends.
///
/// # Errors
/// Conflict when they are a member already; forbidden when the role is above the inviter's; unprocessable when too
/// many invitations are open; limited when too many were mailed.
pub async fn invite(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    email: &EmailAddress,
    role: Role,
) -> Result<Invitation> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    members::hold(&mut db, tenant).await?;
    let own = members::manager(&mut db, tenant, by).await?;
    members::reach(own, role).map_err(|error| error.with_field("role"))?;
    if is_member(&mut db, tenant, email).await? {
        let message = "Somebody with this address is a member already. Change their role instead.";
        return Err(Error::conflict(message).with_field("email"));
    }
    make_room(&mut db, tenant, email, now).await?;
    billing::make_room(app, &mut db, tenant, Limit::Seats, 1).await?;
    count_mail(app, tenant, email)?;
    let token = app.entropy.token();
    let invitation = Invitation {
        id: InvitationId::new(now, app.entropy),
        email: email.as_str().to_owned(),
        role: role.as_str().to_owned(),
        expires_at: now + LASTS,
        created_at: now,
    };
    insert(&mut db, tenant, &invitation, email, &sha256(&token), by).await?;
    let workspace = store::get(&mut db, tenant).await?;
    mail::queue(app, &mut db, letter(app, &invitation, &workspace.name, &by.name, &token)).await?;
    let details = json!({ "email": invitation.email, "role": invitation.role });
    let event = Event::new("invitation.created", invitation.id.as_str()).with(details);
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(invitation)
}

async fn is_member(db: &mut Read, tenant: &Tenant, email: &EmailAddress) -> Result<bool> {
    let found = db
        .count(sql!(
            "SELECT count(*) FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = $1 AND u.email_key = $2",
            tenant,
            email.key()
        ))
        .await?;
    Ok(found > 0)
}

/// Drops the earlier invitation to an address and those that have ended, and looks whether there may be one more.
async fn make_room(db: &mut Write, tenant: &Tenant, email: &EmailAddress, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "DELETE FROM invitations WHERE workspace_id = $1 AND (email_key = $2 OR expires_at <= $3)",
        tenant,
        email.key(),
        now
    ))
    .await?;
    if db.count(sql!("SELECT count(*) FROM invitations WHERE workspace_id = $1", tenant)).await? < MOST {
        return Ok(());
    }
    Err(Error::unprocessable(format!(
        "{MOST} invitations of this workspace are open. Withdraw some, or wait until they are accepted."
    )))
}

/// Strangers get these mails, so there are fewer of them than there may be invitations.
fn count_mail(app: &App, tenant: &Tenant, email: &EmailAddress) -> Result<()> {
    let now = app.clock.now();
    let of_workspace = app.limiter.take(("invitations of", tenant.id()), MAILS, now);
    let to_address = app.limiter.take(("invitations to", email.key()), MAILS_TO_ONE, now);
    if of_workspace.allowed && to_address.allowed {
        return Ok(());
    }
    Err(Error::limited(of_workspace.retry_after.max(to_address.retry_after)))
}

async fn insert(
    db: &mut Write,
    tenant: &Tenant,
    invitation: &Invitation,
    email: &EmailAddress,
    token_hash: &str,
    by: &Actor,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO invitations (id, workspace_id, email, email_key, role, token_hash, invited_by, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &invitation.id,
        tenant,
        email.as_str(),
        email.key(),
        invitation.role.as_str(),
        token_hash,
        by.id(),
        invitation.expires_at,
        invitation.created_at
    ))
    .await?;
    Ok(())
}

/// The workspace's name is what its people make of it: on one line it can be no header and no paragraph.
fn letter(app: &App, invitation: &Invitation, workspace: &str, inviter: &str, token: &str) -> Mail {
    let base = app.config.public_url.as_str().trim_end_matches('/');
    let workspace = workspace.split_whitespace().collect::<Vec<_>>().join(" ");
    Mail {
        to: invitation.email.clone(),
        subject: format!("Invitation to {workspace}"),
        paragraphs: vec![
            format!("{inviter} invites you to the workspace \"{workspace}\" on Frontdesk."),
            format!("Open this link to accept: {base}/console/invitation?token={token}"),
            format!(
                "It is good for {} days. If you do not know who invites you, you can ignore this mail.",
                LASTS.num_days()
            ),
        ],
    }
}

/// The workspace's open invitations, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<Invitation>> {
    Ok(app
        .db
        .read()
        .await?
        .all(sql!(
            "SELECT id, email, role, expires_at, created_at FROM invitations
             WHERE workspace_id = $1 AND expires_at > $2 ORDER BY id",
            tenant,
            app.clock.now()
        ))
        .await?)
}

/// Takes an invitation back: its link is worthless.
///
/// # Errors
/// Not found when the workspace has no such invitation.
pub async fn withdraw(app: &App, tenant: &Tenant, by: &Actor, id: &InvitationId) -> Result<()> {
    let mut db = app.db.write().await?;
    let withdrawn: Option<(String,)> = db
        .optional(sql!(
            "DELETE FROM invitations WHERE workspace_id = $1 AND id = $2 RETURNING email",
            tenant,
            id
        ))
        .await?;
    let Some((email,)) = withdrawn else {
        return Err(Error::not_found("There is no such invitation, or it was accepted already."));
    };
    let event = Event::new("invitation.withdrawn", id.as_str()).with(json!({ "email": email }));
    audit::record(app, &mut db, tenant, by, event).await?;
    Ok(db.commit().await?)
}

/// Takes back what somebody has made who may invite no more: it could be a way back in.
pub(super) async fn withdraw_those_of(db: &mut Write, tenant: &Tenant, user: &UserId) -> Result<()> {
    db.execute(sql!("DELETE FROM invitations WHERE workspace_id = $1 AND invited_by = $2", tenant, user))
        .await?;
    Ok(())
}

/// What the link of an invitation leads to.
///
/// # Errors
/// Invalid when the token is unknown, used, withdrawn or too old.
pub async fn look_up(app: &App, token: &str) -> Result<Offer> {
    offer(&mut app.db.read().await?, token, app.clock.now()).await
}

/// Makes the person whose address was invited a member. Who holds the link has read the mail, so the address is
/// proven by it.
///
/// # Errors
/// Invalid when the token is unknown, used, withdrawn or too old; forbidden when another address was invited.
pub async fn accept(app: &App, caller: &Caller, by: &Actor, token: &str) -> Result<Offer> {
    let now = app.clock.now();
    let address: EmailAddress = caller.user.email.parse()?;
    let mut db = app.db.write().await?;
    let offer = offer(&mut db, token, now).await?;
    if offer.email_key != address.key() {
        let message = "This invitation is for another address. Log in with the address it was mailed to.";
        return Err(Error::forbidden(message));
    }
    let tenant = Tenant::new(offer.workspace_id.clone());
    members::hold(&mut db, &tenant).await?;
    use_up(&mut db, &tenant, &offer.id).await?;
    billing::make_room(app, &mut db, &tenant, Limit::Seats, 1).await?;
    store::insert_member(&mut db, tenant.id(), &caller.user.id, offer.role.parse()?, now).await?;
    if !caller.user.email_verified {
        prove_address(app, &mut db, &caller.user.id, by).await?;
    }
    let details = json!({ "email": caller.user.email, "role": offer.role });
    let event = Event::new("member.joined", caller.user.id.as_str()).with(details);
    audit::record(app, &mut db, &tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(offer)
}

/// Of two who accept at once, one does.
async fn use_up(db: &mut Write, tenant: &Tenant, id: &InvitationId) -> Result<()> {
    let used =
        db.execute(sql!("DELETE FROM invitations WHERE workspace_id = $1 AND id = $2", tenant, id)).await?;
    if used == 1 { Ok(()) } else { Err(not_good()) }
}

async fn offer(db: &mut Read, token: &str, now: DateTime<Utc>) -> Result<Offer> {
    db.optional(sql!(
        "SELECT i.id, i.email_key, i.workspace_id, w.name AS workspace_name, u.email AS inviter, i.email, i.role, i.expires_at
         FROM invitations i JOIN workspaces w ON w.id = i.workspace_id JOIN users u ON u.id = i.invited_by
         WHERE i.token_hash = $1 AND i.expires_at > $2 AND w.erased_at IS NULL",
        sha256(token),
        now
    ))
    .await?
    .ok_or_else(not_good)
}

fn not_good() -> Error {
    Error::invalid("token", "This invitation is not valid any more. Ask whoever invited you for a new one.")
}
