//! Sessions of visitors. A token says whose session it is and is good for an hour, with the key, the page's origin
//! and the agent that it was given for; for thirty days it can be changed for a fresh one. Nothing is stored for
//! visitors whom nobody knows; those who are known find the same session on each of their devices.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    proof::{self, Challenge, Proof},
    site, store,
};
use crate::{
    AgentId, App, ContactId, Error, Result, Tenant, VisitorId,
    agents::Published,
    contacts::{self, Contact, Handle},
    workspaces::Visitor,
};

/// How long a token is good for.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);
/// How long it can be changed for a fresh one.
const RENEWED_FOR: TimeDelta = TimeDelta::days(30);
/// What the ids of sessions that need their token begin with.
const OURS: &str = "vis_";

/// A visitor's session, proven.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Names the conversation: one that this server gave, or what a page made up.
    pub id: String,
    /// The contact that the visitor is.
    pub contact: Option<ContactId>,
    /// Whether the visitor came with a token.
    pub is_proven: bool,
}

/// A token and what it says.
#[derive(Clone, Debug)]
pub struct Granted {
    /// To be sent as `X-Visitor-Session`.
    pub token: String,
    /// Names the conversation.
    pub session: VisitorId,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// Whether the site, or a mailed code, has said who the visitor is.
    pub is_known: bool,
}

/// What a page asks for.
#[derive(Default)]
pub struct Begin {
    /// A token from before, which may have ended.
    pub token: Option<String>,
    /// The site's id of the visitor, and the HMAC by which it says that this is true.
    pub user: Option<(String, String)>,
    /// Whether a new conversation is wanted.
    pub fresh: bool,
    /// The work that a challenge asked for.
    pub proof: Option<Proof>,
}

/// What it gets.
pub enum Begun {
    /// A session.
    Session(Granted),
    /// Work to do first: strangers come faster than usual.
    Challenge(Challenge),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Claims {
    sub: VisitorId,
    agent: AgentId,
    door: String,
    origin: String,
    /// `user:` and the site's id, or `contact:` and ours.
    who: Option<String>,
    contact: Option<ContactId>,
    iat: i64,
    exp: i64,
}

/// Begins a session, or goes on with one.
///
/// # Errors
/// Unauthorized when the site's word is not true, or when an agent that is restricted asks for a sign-in.
pub async fn begin(app: &App, door: &Visitor, agent: &Published, wanted: Begin) -> Result<Begun> {
    let held = wanted.token.as_deref().and_then(|token| held(app, door, &agent.id, token));
    let known = match wanted.user {
        Some((user, hash)) => {
            site::verify(app, &door.tenant, &user, &hash).await?;
            let contact = of_user(app, &door.tenant, agent, &user).await?;
            Some((format!("user:{user}"), contact))
        }
        None => still_contact(app, door, agent, held.as_ref()).await?,
    };
    let is_contact = known.as_ref().is_some_and(|(_, contact)| contact.is_some());
    if agent.settings.is_restricted() && !is_contact {
        return Err(sign_in_required());
    }
    let fresh = || VisitorId::new(app.clock.now(), app.entropy);
    if let Some((who, contact)) = known {
        return grant_known(app, door, agent, (who, contact), wanted.fresh).await.map(Begun::Session);
    }
    // One that was somebody's is not handed to nobody.
    match held.filter(|held| held.who.is_none()) {
        Some(_) if wanted.fresh => issue(app, door, agent, (fresh(), None, None)).map(Begun::Session),
        Some(held) => issue(app, door, agent, (held.sub, None, None)).map(Begun::Session),
        None => match proof::asked(app, door, wanted.proof.as_ref())? {
            Some(challenge) => Ok(Begun::Challenge(challenge)),
            None => issue(app, door, agent, (fresh(), None, None)).map(Begun::Session),
        },
    }
}

/// The session of somebody who is known: the one they have, or a new one that is theirs from now on.
pub(super) async fn grant_known(
    app: &App,
    door: &Visitor,
    agent: &Published,
    (who, contact): (String, Option<ContactId>),
    fresh: bool,
) -> Result<Granted> {
    let now = app.clock.now();
    let found = store::session(&mut app.db.read().await?, &door.tenant, &agent.id, &who).await?;
    let session = match found.filter(|_| !fresh) {
        Some(session) => session,
        None => {
            let session = VisitorId::new(now, app.entropy);
            let mut db = app.db.write().await?;
            // Two devices that begin at once must end in one session, but whoever wants a new one gets it.
            let session =
                store::put_session(&mut db, &door.tenant, (&agent.id, &who), (&session, fresh), now).await?;
            db.commit().await?;
            session
        }
    };
    issue(app, door, agent, (session, Some(who), contact))
}

fn issue(
    app: &App,
    door: &Visitor,
    agent: &Published,
    (session, who, contact): (VisitorId, Option<String>, Option<ContactId>),
) -> Result<Granted> {
    let now = app.clock.now();
    let expires_at = now + GOOD_FOR;
    let is_known = who.is_some();
    let claims = Claims {
        sub: session.clone(),
        agent: agent.id.clone(),
        door: door.counted_as.clone(),
        origin: door.origin.clone(),
        who,
        contact,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    Ok(Granted { token: app.tokens.seal(&claims)?, session, expires_at, is_known })
}

/// What a token says, if it was given for this key, origin and agent and can still be renewed.
fn held(app: &App, door: &Visitor, agent: &AgentId, token: &str) -> Option<Claims> {
    let claims: Claims = app.tokens.unseal(token)?;
    let since = app.clock.now().timestamp() - claims.iat;
    let here = claims.agent == *agent && claims.door == door.counted_as && claims.origin == door.origin;
    (here && since <= RENEWED_FOR.num_seconds()).then_some(claims)
}

/// Who signed in as a contact stays it while the contact is there.
async fn still_contact(
    app: &App,
    door: &Visitor,
    agent: &Published,
    held: Option<&Claims>,
) -> Result<Option<(String, Option<ContactId>)>> {
    let Some(held) = held else { return Ok(None) };
    let Some((who, id)) =
        held.who.as_ref().zip(held.contact.as_ref()).filter(|(who, _)| who.starts_with("contact:"))
    else {
        return Ok(None);
    };
    let contact = contacts::get(app, &door.tenant, &agent.id, &Handle::Id(id.clone())).await;
    match contact {
        Ok(contact) if is_active(&contact) => Ok(Some((who.clone(), Some(contact.id)))),
        Ok(_) => Ok(None),
        Err(error) if error.kind == crate::Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The contact that the site calls by the same id.
async fn of_user(app: &App, tenant: &Tenant, agent: &Published, user: &str) -> Result<Option<ContactId>> {
    match contacts::get(app, tenant, &agent.id, &Handle::Reference(user.to_owned())).await {
        Ok(contact) => Ok(is_active(&contact).then_some(contact.id)),
        Err(error) if error.kind == crate::Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn is_active(contact: &Contact) -> bool {
    contact.status == "ACTIVE" && contact.archived_at.is_none()
}

/// Whose words these are: the session of a token, or, where there is none, what the page calls it.
///
/// # Errors
/// Unauthorized when the token has ended or was given for another key, origin or agent, when the session is one that
/// needs its token, and when the agent asks for a sign-in or, under pressure, for a token.
pub fn speaker(
    app: &App,
    door: &Visitor,
    agent: &Published,
    (token, given): (Option<&str>, Option<&str>),
) -> Result<Session> {
    if let Some(token) = token {
        let now = app.clock.now().timestamp();
        let claims = held(app, door, &agent.id, token).filter(|claims| claims.exp > now).ok_or_else(|| {
            Error::unauthorized("The visitor's session has ended or is another page's. Ask for one by POST /api/v1/widget/session.")
                .with_code("VISITOR_SESSION_EXPIRED")
        })?;
        // The agent may have been open to everybody when the token was given.
        if agent.settings.is_restricted() && claims.contact.is_none() {
            return Err(sign_in_required());
        }
        return Ok(Session { id: claims.sub.as_str().to_owned(), contact: claims.contact, is_proven: true });
    }
    if agent.settings.is_restricted() {
        return Err(sign_in_required());
    }
    let given = given.unwrap_or_default();
    if given.starts_with(OURS) || proof::is_pressing(app, door) {
        return Err(Error::unauthorized(
            "This needs the header X-Visitor-Session with a token from POST /api/v1/widget/session.",
        )
        .with_code("VISITOR_SESSION_REQUIRED"));
    }
    Ok(Session { id: given.to_owned(), contact: None, is_proven: false })
}

fn sign_in_required() -> Error {
    Error::unauthorized("This agent talks to people it knows. Sign in by a mailed code.")
        .with_code("SIGN_IN_REQUIRED")
}
