//! What visitors ask, how well they are answered, and what they think of it.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use platform::{
    AgentId, App, Page, Paged, Permission,
    agents::{self, Filter, Listed},
    analytics::{self, Asked as Days, Conversations, Opinion, Overview, Questions, Scope, change},
};

use crate::{
    form::Asked,
    overview::AGENTS,
    page::{Area, Chrome, Result, Zone, render},
    session::Member,
};

/// Questions of each list.
const QUESTIONS: usize = 10;
/// Opinions that are shown.
const OPINIONS: Page = Page { limit: 10, offset: 0 };
/// Height of the tallest bar, and width of each with its gap, in the picture's own units.
const TALL: i64 = 100;
const WIDE: i64 = 10;

#[derive(Template)]
#[template(path = "analytics.html")]
pub(crate) struct AnalyticsPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub scope: Scope,
    pub agents: Vec<Listed>,
    pub overview: &'a Overview,
    pub talks: &'a Conversations,
    pub questions: &'a Questions,
    pub opinions: Paged<Opinion>,
}

/// A bar of a picture.
struct Bar {
    x: i64,
    y: i64,
    height: i64,
    title: String,
}

impl AnalyticsPage<'_> {
    /// The periods that can be chosen, in days.
    fn periods(&self) -> [i64; 3] {
        [7, 30, 90]
    }

    /// The rest of the query of links to other periods.
    fn agent_query(&self) -> String {
        self.scope.agent.as_ref().map(|agent| format!("&agent={agent}")).unwrap_or_default()
    }

    fn is_of(&self, agent: &AgentId) -> bool {
        self.scope.agent.as_ref() == Some(agent)
    }

    /// Conversations by day.
    fn days(&self) -> Vec<Bar> {
        let counts = self.talks.days.iter().map(|daily| {
            let count = daily.tally.conversations;
            (count, format!("{}: {}", daily.day.format("%-d %b"), conversations(count)))
        });
        bars(counts.collect())
    }

    /// Conversations by the hour in which they began.
    fn hours(&self) -> Vec<Bar> {
        let count = |hour: i64| {
            let found = self.talks.hours.iter().find(|one| one.hour == hour);
            found.map_or(0, |one| one.conversations)
        };
        bars(
            (0..24).map(|hour| (count(hour), format!("{hour}:00: {}", conversations(count(hour))))).collect(),
        )
    }

    /// What a screen reader says of a picture.
    fn peak(&self, bars: &[Bar]) -> String {
        let peak = bars.iter().max_by_key(|bar| bar.height).filter(|bar| bar.height > 0);
        peak.map_or_else(|| "none".to_owned(), |bar| format!("most at {}", bar.title))
    }

    fn width(&self, bars: &[Bar]) -> i64 {
        bars.len() as i64 * WIDE
    }

    /// A share as people read it.
    fn percent(&self, share: Option<f64>) -> String {
        share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
    }

    fn part(&self, share: &f64) -> String {
        self.percent(Some(*share))
    }

    /// The change against the period before, with its sign.
    fn grown(&self, before: &i64, now: &i64) -> String {
        let change = change(*before, *now);
        if before == now { "as before".into() } else { format!("{change:+.0} %") }
    }

    fn seconds(&self, milliseconds: i64) -> String {
        format!("{:.1} s", milliseconds as f64 / 1_000.0)
    }

    /// What an agent is called.
    fn agent(&self, id: &AgentId) -> &str {
        self.agents.iter().find(|agent| agent.id == *id).map_or("an agent", |agent| &agent.name)
    }

    fn asked_most(&self) -> i64 {
        self.questions.subjects.iter().map(|(_, count)| *count).max().unwrap_or(1)
    }
}

fn conversations(count: i64) -> String {
    if count == 1 { "1 conversation".into() } else { format!("{count} conversations") }
}

fn bars(counts: Vec<(i64, String)>) -> Vec<Bar> {
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or(0).max(1);
    let bar = |(n, (count, title)): (usize, (i64, String))| {
        // Whatever is not nothing can be seen.
        let height = if count == 0 { 0 } else { (count * TALL / most).max(2) };
        Bar { x: n as i64 * WIDE, y: TALL - height, height, title }
    };
    counts.into_iter().enumerate().map(bar).collect()
}

/// `GET …/analytics`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewAnalytics)?;
    let days = query.get("days").parse().ok().filter(|days| [7, 30, 90].contains(days));
    let asked = Days { days: Some(days.unwrap_or(30)), ..Days::default() };
    let agent = Some(query.get("agent")).filter(|id| !id.is_empty()).map(str::parse).transpose()?;
    let scope = analytics::scope(&app, &member.tenant, &asked, agent).await?;
    let overview = analytics::overview(&app, &member.tenant, &scope).await?;
    let talks = analytics::conversations(&app, &member.tenant, &scope).await?;
    let questions = analytics::questions(&app, &member.tenant, &scope, QUESTIONS).await?;
    let page = AnalyticsPage {
        chrome: member.chrome(Area::Analytics),
        zone: Zone::of(&app, &member.tenant).await?,
        agents: agents::list(&app, &member.tenant, Filter::default(), AGENTS).await?.items,
        overview: &overview,
        talks: &talks,
        questions: &questions,
        opinions: analytics::feedback(&app, &member.tenant, &scope, None, OPINIONS).await?,
        scope,
    };
    render(StatusCode::OK, &page)
}
