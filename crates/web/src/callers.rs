//! Who calls. An extractor proves it and loads what the handler may see.

use axum::extract::{FromRequestParts, RawPathParams};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, ORIGIN, REFERER},
    request::Parts,
};
use platform::{
    App, Error, Role, Tenant, WorkspaceId,
    identity::{self, User},
    workspaces,
};

use crate::ApiError;

/// The token of `Authorization: Bearer …`.
pub struct Bearer(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let token = header(&parts.headers, AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let missing = "Log in and send the token in the header Authorization: Bearer <token>.";
        token.map(Self).ok_or_else(|| Error::unauthorized(missing).into())
    }
}

/// A person who is logged in.
pub struct Person(pub User);

impl FromRequestParts<App> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Bearer(token) = Bearer::from_request_parts(parts, app).await?;
        Ok(Self(identity::authenticate(app, &token).await?))
    }
}

/// A person in the workspace that the path names.
pub struct Member {
    /// The person.
    pub user: User,
    /// The workspace, for its queries.
    pub tenant: Tenant,
    /// What the person may do in it.
    pub role: Role,
}

impl FromRequestParts<App> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Person(user) = Person::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(Error::internal)?;
        let id = params.iter().find(|(name, _)| *name == "workspace_id").map(|(_, value)| value.to_owned());
        let id: WorkspaceId =
            id.ok_or_else(|| Error::internal("the route has no {workspace_id}"))?.parse()?;
        let (tenant, role) = workspaces::enter(app, &user.id, &id).await?;
        Ok(Self { user, tenant, role })
    }
}

/// Lets through whoever may work with agents and knowledge.
///
/// # Errors
/// Forbidden for viewers.
pub fn may_edit(member: &Member) -> Result<(), ApiError> {
    Ok(member.role.require(Role::Member)?)
}

/// A page that speaks for a visitor, let in by the publishable key in `X-API-Key`.
pub struct Visitor(pub workspaces::Visitor);

impl FromRequestParts<App> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let key = header(&parts.headers, "x-api-key")
            .ok_or_else(|| Error::unauthorized("Send the publishable API key in the header X-API-Key."))?;
        Ok(Self(workspaces::visitor(app, key, origin(&parts.headers).as_deref()).await?))
    }
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
