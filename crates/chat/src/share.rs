//! The share page: an agent on a page of its own, for a link in a mail or a profile.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use platform::{AgentId, App, Error, Kind, agents, workspaces};
use web::{Path, Result};

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage<'a> {
    name: &'a str,
    agent: &'a AgentId,
    key: &'a str,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage;

/// The page needs nothing but the server's own script and calls; the widget's styles are made by the script.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' https: data:; \
                      style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// `GET /chat/{agent_id}`: anybody with the link may talk to a published agent.
pub async fn page(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let shared = match id.parse::<AgentId>() {
        Ok(id) => agents::shared(&app, &id).await,
        Err(error) => Err(error),
    };
    match shared {
        Ok((_, _, agent)) => {
            let key = workspaces::share_key(&app, &agent.id)?;
            let page = SharePage { name: &agent.name, agent: &agent.id, key: &key };
            Ok(respond(StatusCode::OK, page.render().map_err(Error::internal)?))
        }
        Err(error) if error.kind == Kind::NotFound => {
            Ok(respond(StatusCode::NOT_FOUND, MissingPage.render().map_err(Error::internal)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn respond(status: StatusCode, page: String) -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, POLICY)];
    (status, headers, Html(page)).into_response()
}

/// `GET /share.css`
pub async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, include_str!("../templates/share.css"))
}
