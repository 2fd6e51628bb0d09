//! Who calls. [`crate::Routes`] has it proven before a handler runs; a handler takes the proof.

use std::{net::SocketAddr, sync::Arc};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, ORIGIN, REFERER, USER_AGENT},
    request::Parts,
};
use platform::{
    Actor, AgentId, App, Error, Origin, Standing, Tenant, WorkspaceId,
    billing::Plan,
    identity::{self, Caller},
    limits::Verdict,
    workspaces::{
        self,
        keys::{Action, OpenCaller, Resource, open_key},
    },
};

use crate::{ApiError, client_address::client_address};

/// Names the workspace of a call whose path names none.
const WORKSPACE: &str = "x-workspace-id";

/// Where a request comes from; every request has one.
#[derive(Clone, Debug)]
pub struct Client(pub Origin);

impl Client {
    /// Looks at the connection and, behind trusted proxies, at what they say.
    pub(crate) fn prove(app: &App, parts: &Parts) -> Self {
        let user_agent = header(&parts.headers, USER_AGENT.as_str());
        match parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(peer)) => {
                let address = client_address(peer.ip(), &parts.headers, &app.config.trusted_proxies);
                Self(Origin::new(address, user_agent))
            }
            None => Self(Origin::default()),
        }
    }

    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or_else(|| Self(Origin::default()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self::of(parts))
    }
}

/// A person who is logged in.
#[derive(Clone)]
pub struct Person {
    /// Who they are and where they belong.
    pub caller: Arc<Caller>,
    /// The same for the audit log.
    pub by: Actor,
}

impl Person {
    pub(crate) async fn prove(app: &App, parts: &Parts) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(missing)?;
        let caller = identity::authenticate(app, token).await?;
        let by = caller.actor(Client::of(parts).0);
        Ok(Self { caller, by })
    }
}

/// Somebody in a workspace: a person who belongs to it, or a program with a key to it.
#[derive(Clone)]
pub struct Member {
    /// The workspace, for its queries.
    pub tenant: Tenant,
    /// In what capacity they act; the route's permission was checked already.
    pub standing: Standing,
    /// What the workspace has paid for.
    pub plan: Plan,
    /// Who it is, for the audit log.
    pub by: Actor,
}

impl Member {
    /// `named` is the workspace in the path. Without it a key acts on its own workspace, a person on the one that
    /// `X-Workspace-Id` names, else on the oldest they belong to.
    pub(crate) async fn prove(app: &App, parts: &Parts, named: Option<&str>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(missing)?;
        let origin = Client::of(parts).0;
        let named: Option<WorkspaceId> =
            named.or_else(|| header(&parts.headers, WORKSPACE)).map(str::parse).transpose()?;
        if let Some(key) = workspaces::account_key(app, token).await? {
            let tenant = named.map_or_else(|| Ok(key.tenant.clone()), |id| key.enter(&id))?;
            let standing = Standing::Key(key.scope);
            return Ok(Self { tenant, standing, plan: key.plan, by: key.actor(origin) });
        }
        let caller = identity::authenticate(app, token).await?;
        let oldest = || caller.memberships.first().map(|membership| membership.workspace.clone());
        let id = named.or_else(oldest).ok_or_else(|| {
            Error::not_found("You do not belong to a workspace yet. Make one by POST /api/v1/workspaces.")
        })?;
        let (tenant, membership) = caller.enter(&id)?;
        let standing = Standing::Member(membership.role);
        Ok(Self { tenant, standing, plan: membership.plan, by: caller.actor(origin) })
    }
}

/// A page that speaks for a visitor, let in by the publishable key in `X-API-Key`.
#[derive(Clone)]
pub struct Visitor(pub workspaces::Visitor);

impl Visitor {
    pub(crate) async fn prove(app: &App, parts: &Parts) -> Result<Self, ApiError> {
        let key = header(&parts.headers, "x-api-key")
            .ok_or_else(|| Error::unauthorized("Send the publishable API key in the header X-API-Key."))?;
        Ok(Self(workspaces::visitor(app, key, origin(&parts.headers).as_deref()).await?))
    }
}

/// A program with an open key, on the one agent that the key is for.
#[derive(Clone)]
pub struct Program {
    /// The workspace, for its queries.
    pub tenant: Tenant,
    /// The agent.
    pub agent: AgentId,
    /// The key, for the audit log.
    pub by: Actor,
    key: OpenCaller,
}

impl Program {
    /// `named` is the agent in the path.
    pub(crate) async fn prove(app: &App, parts: &Parts, named: Option<&str>) -> Result<Self, ApiError> {
        let proof = |name| header(&parts.headers, name).filter(|text| !text.is_empty());
        let (Some(key), Some(secret)) = (proof("x-api-key"), proof("x-api-secret")) else {
            let message = "Send the API key and its secret in the headers X-API-Key and X-API-Secret.";
            return Err(Error::unauthorized(message).into());
        };
        let key = open_key(app, key, secret, Client::of(parts).0).await?;
        if named.is_some_and(|named| named != key.agent.as_str()) {
            return Err(
                Error::not_found("This API key is for another agent, or there is no such agent.").into()
            );
        }
        Ok(Self { tenant: key.tenant.clone(), agent: key.agent.clone(), by: key.actor.clone(), key })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.key.limit
    }

    /// Whether the key may do this.
    ///
    /// # Errors
    /// Forbidden when it may not.
    pub fn require(&self, resource: Resource, action: Action) -> platform::Result<()> {
        self.key.require(resource, action)
    }
}

macro_rules! proven {
    ($($proof:ident),*) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $proof {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                let unproven = || Error::internal(concat!("the route's access gives no ", stringify!($proof)));
                Ok(parts.extensions.remove::<Self>().ok_or_else(unproven)?)
            }
        }
    )*};
}
proven!(Person, Member, Visitor, Program);

/// A person who may be logged in, on a route that anybody may call.
pub struct MaybePerson(pub Option<Arc<Caller>>);

impl FromRequestParts<App> for MaybePerson {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Some(token) = bearer(&parts.headers) else { return Ok(Self(None)) };
        Ok(Self(identity::authenticate(app, token).await.ok()))
    }
}

fn missing() -> Error {
    Error::unauthorized("Log in and send the token in the header Authorization: Bearer <token>.")
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = header(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The page's origin. Browsers leave `Origin` out of GET requests to the page's own host; those carry a
/// `Referer`.
fn origin(headers: &HeaderMap) -> Option<String> {
    let named = header(headers, ORIGIN.as_str()).or_else(|| header(headers, REFERER.as_str()))?;
    Some(named.to_owned())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
