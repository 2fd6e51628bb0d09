//! Sessions: opened by proving who one is, kept alive by rotating refresh tokens, ended from anywhere.
//!
//! A refresh token is good once. One that comes a second time was stolen by whoever came first or second, so its
//! whole session ends (RFC 9700, 4.14.2).

use std::sync::Arc;

use ::store::{Read, Write};
use chrono::{DateTime, TimeDelta, Utc};

use super::{User, store};
use crate::{
    App, Error, Result, Role, SessionId, Tenant, UserId, WorkspaceId,
    audit::{self, Actor, Event, Origin},
    billing::Plan,
    digest::sha256,
};

pub use store::OpenSession;

/// How long a session lasts without being refreshed.
const LASTS: TimeDelta = TimeDelta::days(30);
/// A session's last use is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Somebody who has proven who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person.
    pub user: User,
    /// The session that they prove it by.
    pub session: SessionId,
    /// When the token they showed ends.
    pub(super) token_ends: DateTime<Utc>,
    /// The workspaces they belong to, oldest first.
    pub memberships: Vec<Membership>,
}

/// That a person belongs to a workspace.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What the person may do in it.
    pub role: Role,
    /// What the workspace has paid for.
    pub plan: Plan,
}

impl Caller {
    /// The membership in a workspace; makes the [`Tenant`] that its queries need.
    ///
    /// # Errors
    /// Not found when the person does not belong to it: others need not know that it exists.
    pub fn enter(&self, workspace: &WorkspaceId) -> Result<(Tenant, &Membership)> {
        let found = self.memberships.iter().find(|membership| membership.workspace == *workspace);
        let membership = found.ok_or_else(|| Error::not_found("There is no such workspace."))?;
        Ok((Tenant::new(workspace.clone()), membership))
    }

    /// The person as the audit log names them.
    pub fn actor(&self, origin: Origin) -> Actor {
        Actor::person(&self.user, origin)
    }
}

/// An open session, as its owner gets it: the tokens are shown once.
pub struct Session {
    /// Whose it is.
    pub user: User,
    /// Sent with each request; good for a day, if the session is not ended before.
    pub access_token: String,
    /// Exchanged for the next pair of tokens, once.
    pub refresh_token: String,
}

/// Opens a session.
pub(super) async fn open(app: &App, db: &mut Write, user: User, origin: &Origin) -> Result<Session> {
    let now = app.clock.now();
    let id = SessionId::new(now, app.entropy);
    store::insert_session(db, &id, &user.id, origin, now, now + LASTS).await?;
    continue_session(app, db, &id, user, now).await
}

async fn continue_session(
    app: &App,
    db: &mut Write,
    id: &SessionId,
    user: User,
    now: DateTime<Utc>,
) -> Result<Session> {
    let refresh_token = app.entropy.token();
    store::insert_refresh_token(db, &sha256(&refresh_token), id, now).await?;
    Ok(Session { access_token: app.tokens.issue(id, now)?, refresh_token, user })
}

/// Exchanges a refresh token for a new pair.
///
/// # Errors
/// Unauthorized when it is unknown, too old, used already or of a session that has ended.
pub async fn refresh(app: &App, token: &str, origin: &Origin) -> Result<Session> {
    let ended = || Error::unauthorized("This refresh token is not valid any more. Log in again.");
    let now = app.clock.now();
    let hash = sha256(token);
    // Strangers do not get to the one writer.
    store::refresh_token(&mut app.db.read().await?, &hash).await?.ok_or_else(ended)?;
    let mut db = app.db.write().await?;
    let Some(found) = store::refresh_token(&mut db, &hash).await? else { return Err(ended()) };
    if found.ended_at.is_some() || found.expires_at <= now {
        return Err(ended());
    }
    let user = store::by_id(&mut db, &found.user_id).await?.ok_or_else(ended)?;
    if found.used_at.is_some() || !store::use_refresh_token(&mut db, &hash, now).await? {
        store::end_session(&mut db, &found.session_id, now).await?;
        let event = Event::new("session.refresh_token_reused", found.session_id.as_str());
        audit::record_personal(app, &mut db, &Actor::person(&user, origin.clone()), event).await?;
        app.callers.commit(db).await?;
        return Err(ended());
    }
    store::prolong_session(&mut db, &found.session_id, now, now + LASTS).await?;
    let session = continue_session(app, &mut db, &found.session_id, user, now).await?;
    db.commit().await?;
    Ok(session)
}

/// Who a session token belongs to.
///
/// # Errors
/// Unauthorized when it is forged, expired, or its session has ended.
pub async fn authenticate(app: &App, token: &str) -> Result<Arc<Caller>> {
    let now = app.clock.now();
    let caller = app.callers.sessions.get(token, now, || read_caller(app, token, now)).await?;
    let caller = caller.filter(|caller| caller.token_ends > now);
    caller.ok_or_else(|| Error::unauthorized("This session has ended. Log in again."))
}

async fn read_caller(app: &App, token: &str, now: DateTime<Utc>) -> Result<Option<Arc<Caller>>> {
    let (id, token_ends) = app.tokens.check(token, now)?;
    let mut db = app.db.read().await?;
    let Some((user, last_seen)) = store::session_user(&mut db, &id, now).await? else { return Ok(None) };
    let memberships = store::memberships(&mut db, &user.id).await?;
    drop(db);
    if now - last_seen > NOTED_EVERY {
        let mut db = app.db.write().await?;
        store::note_session(&mut db, &id, now).await?;
        db.commit().await?;
    }
    Ok(Some(Arc::new(Caller { user, session: id, token_ends, memberships })))
}

/// Ends the session of a refresh token, and the one a person calls with.
///
/// # Errors
/// What the database says. A token that is not known is passed over: its session is not open.
pub async fn log_out(
    app: &App,
    refresh_token: Option<&str>,
    caller: Option<&Caller>,
    origin: &Origin,
) -> Result<()> {
    let mut ending: Vec<(SessionId, UserId)> = Vec::new();
    if let Some(token) = refresh_token
        && let Some(found) = store::refresh_token(&mut app.db.read().await?, &sha256(token)).await?
    {
        ending.push((found.session_id, found.user_id));
    }
    ending.extend(caller.map(|caller| (caller.session.clone(), caller.user.id.clone())));
    ending.dedup();
    if ending.is_empty() {
        // Strangers do not get to the one writer.
        return Ok(());
    }
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    for (session, user) in ending {
        store::end_session(&mut db, &session, now).await?;
        if let Some(user) = store::by_id(&mut db, &user).await? {
            let by = Actor::person(&user, origin.clone());
            audit::record_personal(app, &mut db, &by, Event::new("session.ended", session.as_str())).await?;
        }
    }
    app.callers.commit(db).await
}

/// A person's open sessions, the one used last first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<OpenSession>> {
    let mut db: Read = app.db.read().await?;
    store::open_sessions(&mut db, &caller.user.id, app.clock.now()).await
}

/// Ends one of a person's sessions, or all but the one they call with.
///
/// # Errors
/// Not found when the person has no such open session.
pub async fn end_own(app: &App, caller: &Caller, which: Option<&SessionId>, origin: &Origin) -> Result<()> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let open = store::open_sessions(&mut db, &caller.user.id, now).await?;
    let ending: Vec<_> = match which {
        Some(id) => open.iter().filter(|session| session.id == *id).collect(),
        None => open.iter().filter(|session| session.id != caller.session).collect(),
    };
    if which.is_some() && ending.is_empty() {
        return Err(Error::not_found("There is no such session, or it has ended already."));
    }
    for session in ending {
        store::end_session(&mut db, &session.id, now).await?;
        let event = Event::new("session.ended", session.id.as_str());
        audit::record_personal(app, &mut db, &caller.actor(origin.clone()), event).await?;
    }
    app.callers.commit(db).await
}
