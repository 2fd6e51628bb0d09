//! What happened in a period, at a glance and by day, hour, agent and channel.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{
    roll_up,
    store::{self, Scope},
    tally::Tally,
};
use crate::{AgentId, App, Result, Tenant, agents, knowledge};

/// A period at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What happened.
    pub now: Tally,
    /// What happened in as many days before.
    pub before: Tally,
    /// Agents that visitors can reach.
    pub active_agents: i64,
    /// Documents that are searched.
    pub documents: i64,
    /// What happened where.
    pub channels: Vec<(String, Tally)>,
}

/// A period at a glance.
///
/// # Errors
/// What the database says.
pub async fn overview(app: &App, tenant: &Tenant, scope: &Scope) -> Result<Overview> {
    roll_up::catch_up(app).await?;
    let former = Scope { period: scope.period.before(), agent: scope.agent.clone() };
    let mut db = app.db.read().await?;
    Ok(Overview {
        now: store::total(&mut db, tenant, scope).await?,
        before: store::total(&mut db, tenant, &former).await?,
        active_agents: agents::count_published(&mut db, tenant).await?,
        documents: knowledge::count_whole(&mut db, tenant).await?,
        channels: store::by_channel(&mut db, tenant, scope)
            .await?
            .into_iter()
            .map(|part| (part.name, part.tally))
            .collect(),
    })
}

/// A day.
#[derive(Clone, Debug)]
pub struct Daily {
    /// Which.
    pub day: NaiveDate,
    /// What happened.
    pub tally: Tally,
}

/// An hour of the day, over all days.
#[derive(Clone, Copy, Debug)]
pub struct Hour {
    /// 0 to 23.
    pub hour: i64,
    /// Conversations that began in it.
    pub conversations: i64,
    /// Questions that were asked in it.
    pub exchanges: i64,
}

/// An agent's part.
#[derive(Clone, Debug)]
pub struct AgentShare {
    /// The agent.
    pub agent_id: AgentId,
    /// What it is called; none when it has been deleted.
    pub name: Option<String>,
    /// What happened with it.
    pub tally: Tally,
}

/// The conversations of a period.
#[derive(Clone, Debug)]
pub struct Conversations {
    /// Every day of the period, also those on which nothing happened.
    pub days: Vec<Daily>,
    /// Hours in which conversations began, busiest first.
    pub hours: Vec<Hour>,
    /// Agents, busiest first.
    pub agents: Vec<AgentShare>,
}

/// The conversations of a period.
///
/// # Errors
/// What the database says.
pub async fn conversations(app: &App, tenant: &Tenant, scope: &Scope) -> Result<Conversations> {
    roll_up::catch_up(app).await?;
    let mut db = app.db.read().await?;
    let mut tallies: HashMap<String, Tally> = store::by_day(&mut db, tenant, scope)
        .await?
        .into_iter()
        .map(|part| (part.name, part.tally))
        .collect();
    let day = |day: NaiveDate| Daily { day, tally: tallies.remove(&day.to_string()).unwrap_or_default() };
    let days = scope.period.each().map(day).collect();
    let mut hours: Vec<Hour> = store::by_hour(&mut db, tenant, scope)
        .await?
        .into_iter()
        .map(|(hour, conversations, exchanges)| Hour { hour, conversations, exchanges })
        .collect();
    hours.sort_by_key(|hour| (std::cmp::Reverse((hour.conversations, hour.exchanges)), hour.hour));
    let mut names = agents::names(&mut db, tenant).await?;
    let mut agents = Vec::new();
    for part in store::by_agent(&mut db, tenant, scope).await? {
        let agent_id: AgentId = part.name.parse()?;
        agents.push(AgentShare { name: names.remove(&agent_id), agent_id, tally: part.tally });
    }
    agents.sort_by_key(|agent| std::cmp::Reverse(agent.tally.conversations));
    Ok(Conversations { days, hours, agents })
}
