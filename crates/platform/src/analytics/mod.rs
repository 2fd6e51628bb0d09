//! Analytics: what visitors ask, how well they are answered, and what they think of it.
//!
//! [`roll_up`] reads the event log and adds up by hour and day, by the workspace's own clock, so that a report reads a
//! few rows however much was said; [`topics`] puts questions together by meaning. A report first catches up with what
//! has just happened. Numbers can be made anew from the log at any time ([`rebuild`], [`rebuild_topics`]).

mod overview;
mod period;
mod questions;
mod remedies;
mod roll_up;
mod store;
mod tally;
mod topics;

pub use overview::{AgentShare, Conversations, Daily, Hour, Overview, conversations, overview};
pub use period::{Asked, Period, change, day};
pub use questions::{Asking, Questions, Trend, questions};
pub(crate) use remedies::try_remedy;
pub use remedies::{Details, Listing, NewAnswer, answer, details, notify, set_status, unanswered};
pub use roll_up::rebuild;
pub(crate) use roll_up::{rebuild_as_job, run as roll_up};
pub use store::{Opinion, Scope};
pub use tally::Tally;
pub(crate) use topics::run as group;
pub use topics::{Grouping, Subjects, rebuild as rebuild_topics};

use chrono_tz::Tz;

use crate::{
    AgentId, App, Error, Page, Paged, Result, Tenant, WorkspaceId, conversations::Feedback, workspaces,
};

/// Makes a workspace's numbers and topics anew from the event log, for an operator.
///
/// # Errors
/// Not found when there is no such workspace, or upstream when the provider of embeddings fails.
pub async fn rebuild_workspace(app: &App, workspace: &WorkspaceId) -> Result<()> {
    let tenant = Tenant::new(workspace.clone());
    zone(app, &tenant).await?;
    rebuild(app, &tenant).await?;
    rebuild_topics(app, &tenant).await
}

/// A workspace's time zone.
async fn zone(app: &App, tenant: &Tenant) -> Result<Tz> {
    let zone = workspaces::zone(&mut app.db.read().await?, tenant).await?;
    zone.ok_or_else(|| Error::not_found("There is no such workspace."))
}

/// The days and the agent that a report is asked for.
///
/// # Errors
/// Invalid as [`Period::of`], or not found when the workspace has no such agent.
pub async fn scope(app: &App, tenant: &Tenant, asked: &Asked, agent: Option<AgentId>) -> Result<Scope> {
    let zone = zone(app, tenant).await?;
    if let Some(agent) = &agent {
        crate::agents::get(app, tenant, agent).await?;
    }
    Ok(Scope { period: Period::of(asked, app.clock.now(), zone)?, agent })
}

/// What visitors thought of the answers of a period, latest first.
///
/// # Errors
/// What the database says.
pub async fn feedback(
    app: &App,
    tenant: &Tenant,
    scope: &Scope,
    opinion: Option<Feedback>,
    page: Page,
) -> Result<Paged<Opinion>> {
    let between = period::moments(scope.period, zone(app, tenant).await?);
    let wanted = (scope.agent.as_ref(), opinion.map(Feedback::as_str));
    store::opinions(&mut app.db.read().await?, tenant, between, wanted, page).await
}
