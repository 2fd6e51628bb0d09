//! Routes that say who may call them. The table of a surface is the one place where that is decided: what it lets
//! through reaches the handler together with the proof.

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request},
    handler::Handler,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, request::Parts};
use platform::{
    App, Error, Permission,
    limits::Verdict,
    workspaces::keys::{Action, Resource},
};

use crate::{
    ApiError,
    callers::{Client, Member, Person, Program, Visitor},
    limits::{self, Counted},
};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A person who is logged in; the handler may take a [`Person`].
    Person,
    /// Whoever may do this in the workspace of the path, or else in their current one: a member, or a program with
    /// an account key; the handler may take a [`Member`].
    Workspace(Permission),
    /// A page with a publishable key; the handler may take a [`Visitor`].
    Visitor,
    /// A program whose open key may do this on the agent of the path; the handler may take a [`Program`].
    Open(Resource, Action),
}

/// One route of the table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// The routes of a surface.
pub struct Routes {
    app: App,
    router: Router<App>,
    table: Vec<Route>,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        /// Adds a route.
        pub fn $name<H: Handler<T, App>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
            self.add(Method::$method, MethodFilter::$method, path, access, handler)
        }
    )*};
}

impl Routes {
    /// No routes yet.
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), router: Router::new(), table: Vec::new() }
    }

    methods! {
        get GET;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
    }

    fn add<H: Handler<T, App>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self {
        let app = self.app.clone();
        let route: MethodRouter<App> = on(filter, handler);
        let route = route.layer(from_fn(move |request, next| admit(app.clone(), access, request, next)));
        self.router = self.router.route(path, route);
        self.table.push(Route { method, path, access });
        self
    }

    /// Changes the router as a whole: a layer around all routes so far, or routes that need no table.
    pub fn with(mut self, change: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        self.router = change(self.router);
        self
    }

    /// The routes of both.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.extend(other.table);
        self
    }

    /// The router, and the table of what it serves.
    pub fn into_parts(self) -> (Router<App>, Vec<Route>) {
        (self.router, self.table)
    }
}

/// Lets a caller through to the handler, or answers in its place.
async fn admit(app: App, access: Access, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let verdict = match prove(&app, access, &mut parts).await {
        Ok(verdict) => verdict,
        Err(error) => return error.into_response(),
    };
    if let Some(verdict) = verdict.filter(|verdict| !verdict.allowed) {
        return limits::refused(&verdict);
    }
    if let Err(error) = permit(access, &parts) {
        return limits::tell(error.into_response(), verdict);
    }
    limits::tell(next.run(Request::from_parts(parts, body)).await, verdict)
}

/// Finds out who calls, leaves the proof for the handler, and counts the call.
async fn prove(app: &App, access: Access, parts: &mut Parts) -> Result<Option<Verdict>, ApiError> {
    let counted = match access {
        Access::Public => None,
        Access::Person => {
            let person = Person::prove(app, parts).await?;
            let counted = Counted::person(app, &person.caller);
            parts.extensions.insert(person);
            counted
        }
        Access::Workspace(_) => {
            // A workspace is Craveva's company, so both names stand for its id.
            let named = in_path(app, parts, &["workspace_id", "company_id"]).await?;
            let member = Member::prove(app, parts, named.as_deref()).await?;
            let counted = Counted::member(app, &member);
            parts.extensions.insert(member);
            counted
        }
        Access::Visitor => {
            let visitor = Visitor::prove(app, parts).await?;
            let counted = Counted::visitor(&visitor, &Client::of(parts));
            parts.extensions.insert(visitor);
            counted
        }
        Access::Open(..) => {
            let named = in_path(app, parts, &["agent_id"]).await?;
            let program = Program::prove(app, parts, named.as_deref()).await?;
            // Its own rates were counted with the proof.
            let verdict = program.verdict();
            parts.extensions.insert(program);
            return Ok(Some(verdict));
        }
    };
    Ok(counted.map(|counted| limits::count(app, &counted)))
}

fn permit(access: Access, parts: &Parts) -> Result<(), ApiError> {
    let missing = || Error::internal("a route was let through without its proof");
    match access {
        Access::Workspace(permission) => {
            let member = parts.extensions.get::<Member>().ok_or_else(missing)?;
            Ok(member.standing.require(permission)?)
        }
        Access::Open(resource, action) => {
            let program = parts.extensions.get::<Program>().ok_or_else(missing)?;
            Ok(program.require(resource, action)?)
        }
        Access::Public | Access::Person | Access::Visitor => Ok(()),
    }
}

/// The path's parameter of one of these names.
async fn in_path(app: &App, parts: &mut Parts, names: &[&str]) -> Result<Option<String>, ApiError> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(Error::internal)?;
    let named = params.iter().find(|(name, _)| names.contains(name));
    Ok(named.map(|(_, id)| id.to_owned()))
}
