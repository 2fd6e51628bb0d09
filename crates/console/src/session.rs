//! Who is at the keyboard: the session's cookie, and what its holder may do in the workspace of the path.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri, RawPathParams};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{COOKIE, InvalidHeaderValue},
    request::Parts,
};
use platform::{
    Actor, App, Error, Permission, Standing, Tenant, WorkspaceId,
    identity::{self, Caller},
    workspaces::{self, Listed, Role},
};
use web::Client;

use crate::{
    csrf,
    page::{Area, Chrome, PageError},
};

/// The cookie that holds the session token.
pub const SESSION: &str = "frontdesk_session";
/// Seconds that a browser keeps the session; the token itself ends then, too.
pub const SESSION_SECONDS: u32 = 24 * 60 * 60;

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A `Set-Cookie` that scripts cannot read and other sites' forms do not send; zero seconds remove it.
pub fn set_cookie(
    app: &App,
    name: &str,
    value: &str,
    seconds: u32,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let secure = if app.config.public_url.scheme() == "https" { "; Secure" } else { "" };
    format!("{name}={value}; HttpOnly; SameSite=Lax; Path=/console; Max-Age={seconds}{secure}").parse()
}

/// A person who is logged in.
pub struct Session {
    /// The person.
    pub caller: Arc<Caller>,
    /// The same for the audit log.
    pub by: Actor,
    /// The token for their forms.
    pub csrf: String,
}

impl FromRequestParts<App> for Session {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Some(token) = cookie(&parts.headers, SESSION).map(str::to_owned) else {
            return Err(log_in_first(parts));
        };
        match identity::authenticate(app, &token).await {
            Ok(caller) => {
                let Client(origin) = Client::from_request_parts(parts, app).await.map_err(|e| e.0)?;
                Ok(Self { by: caller.actor(origin), caller, csrf: csrf::token(&token) })
            }
            Err(error) if error.kind == platform::Kind::Unauthorized => Err(log_in_first(parts)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a person wanted to go is kept, so that they get there after they have logged in.
fn log_in_first(parts: &Parts) -> PageError {
    let wanted = parts.extensions.get::<OriginalUri>().filter(|_| parts.method == Method::GET);
    PageError::LogIn { next: wanted.and_then(|uri| uri.path_and_query()).map(ToString::to_string) }
}

/// A person in the workspace that the path names.
pub struct Member {
    /// The person.
    pub caller: Arc<Caller>,
    /// The same for the audit log.
    pub by: Actor,
    /// The workspace, for its queries.
    pub tenant: Tenant,
    /// What the person may do in it.
    pub role: Role,
    /// The token for their forms.
    pub csrf: String,
    workspaces: Arc<Vec<Listed>>,
}

impl FromRequestParts<App> for Member {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Session { caller, by, csrf } = Session::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(Error::internal)?;
        let id = params.iter().find(|(name, _)| *name == "workspace_id").map(|(_, value)| value.to_owned());
        let id: WorkspaceId =
            id.ok_or_else(|| Error::internal("the route has no {workspace_id}"))?.parse()?;
        let (tenant, membership) = caller.enter(&id)?;
        let role = membership.role;
        let workspaces = workspaces::list(app, &caller.user.id).await?;
        Ok(Self { caller, by, tenant, role, csrf, workspaces })
    }
}

impl Member {
    /// Lets through whoever may.
    ///
    /// # Errors
    /// Forbidden, naming the role that is needed.
    pub fn require(&self, permission: Permission) -> platform::Result<()> {
        Standing::Member(self.role).require(permission)
    }

    /// What stands around every page of the workspace.
    pub fn chrome(&self, area: Area) -> Chrome {
        let id = self.tenant.id();
        let name = self.workspaces.iter().find(|listed| listed.id == *id).map(|listed| listed.name.clone());
        Chrome {
            area,
            workspace: id.clone(),
            name: name.unwrap_or_default(),
            others: self.workspaces.iter().filter(|listed| listed.id != *id).cloned().collect(),
            person: self.caller.user.full_name.clone(),
            role: self.role,
            csrf: self.csrf.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "xfrontdesk_session=no; frontdesk_session=yes; a=b".parse().unwrap());
        assert_eq!(cookie(&headers, SESSION), Some("yes"));
        assert_eq!(cookie(&headers, "frontdesk"), None);
    }
}
