//! How a workspace is going: its figures, its agents, what they could not answer and who wants a person.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use platform::{
    AgentId, App, Page, Paged,
    agents::{self, Filter, Listed},
    conversations::{self, Escalation, Unanswered, unanswered},
    workspaces::{self, Stats},
};

use crate::{
    page::{Area, Chrome, Result, Zone, render},
    session::Member,
};

/// Rows of each of the two lists.
const LATEST: i64 = 10;
/// Agents that a page lists.
pub const AGENTS: Page = Page { limit: 100, offset: 0 };

#[derive(Template)]
#[template(path = "overview.html")]
pub(crate) struct OverviewPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub base: &'a str,
    pub stats: Stats,
    pub agents: Vec<Listed>,
    pub unanswered: Paged<Unanswered>,
    pub escalations: Paged<Escalation>,
}

impl OverviewPage<'_> {
    /// Visitors choose their address: what would begin a list of headers in a link (RFC 6068) is encoded.
    fn mailto(&self, email: &str) -> String {
        format!("mailto:{}", email.replace('%', "%25").replace('?', "%3F").replace('&', "%26"))
    }

    /// What an agent is called.
    fn agent(&self, id: &AgentId) -> &str {
        self.agents.iter().find(|agent| agent.id == *id).map_or("an agent", |agent| &agent.name)
    }
}

/// `GET /console/{workspace_id}`
pub async fn page(State(app): State<App>, member: Member) -> Result {
    let workspace = workspaces::get(&app, &member.tenant).await?;
    let stats = workspaces::stats(&app, &member.tenant).await?;
    let latest = Page { limit: LATEST, offset: 0 };
    let open = unanswered::Filter { status: Some(unanswered::Status::Open), agent: None };
    let page = OverviewPage {
        chrome: member.chrome(Area::Overview),
        zone: Zone(workspaces::timezone(&workspace.timezone)?),
        base: base(&app),
        stats,
        agents: agents::list(&app, &member.tenant, Filter::default(), AGENTS).await?.items,
        unanswered: unanswered::list(&app, &member.tenant, &open, latest).await?,
        escalations: conversations::escalations(&app, &member.tenant, latest).await?,
    };
    render(StatusCode::OK, &page)
}

/// What browsers reach the server by, without a slash at the end.
pub fn base(app: &App) -> &str {
    app.config.public_url.as_str().trim_end_matches('/')
}
