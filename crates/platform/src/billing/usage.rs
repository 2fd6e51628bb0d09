//! What runs used and cost: written down with each of them, added up by the hour, shown by day, week, month,
//! operation, agent, key or model.

use std::collections::BTreeMap;

use ::store::Write;
use chrono::{DateTime, Datelike, Days, DurationRound, TimeDelta, Utc};

use super::{
    Credits, Operation,
    purse::{self, Cost, Hold},
    store,
};
use crate::{AgentId, App, Error, KeyId, Result, Tenant};

/// Longest range that is shown at once.
const MAX_RANGE: TimeDelta = TimeDelta::days(366 * 10);
/// The range when none is given.
const RECENT: TimeDelta = TimeDelta::days(30);

/// What a run used, to be written down with it.
#[derive(Clone, Debug)]
pub struct Charge {
    /// What was done.
    pub operation: Operation,
    /// The run, or whatever the credits are spent for.
    pub reference: String,
    /// Who did it.
    pub agent: Option<AgentId>,
    /// By which key it was asked for.
    pub key: Option<KeyId>,
    /// The model that made it.
    pub model: String,
    /// Tokens that models were given.
    pub tokens_input: i64,
    /// Tokens that they wrote.
    pub tokens_output: i64,
    /// What it costs; set aside before.
    pub credits: Credits,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub operation: &'static str,
    pub agent: String,
    pub key: String,
    pub model: String,
}

/// How much was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Runs.
    pub requests: i64,
    /// Tokens that models were given.
    pub tokens_input: i64,
    /// Tokens that they wrote.
    pub tokens_output: i64,
    /// What it cost.
    pub credits: Credits,
}

impl Used {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.tokens_input += other.tokens_input;
        self.tokens_output += other.tokens_output;
        self.credits = self.credits + other.credits;
    }
}

/// The hour in which a moment lies.
pub(super) fn hour(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.duration_trunc(TimeDelta::hours(1)).unwrap_or(moment)
}

/// Writes runs down in the transaction that keeps them: takes what they cost from what is held, and adds to what was
/// used. Gives what each was charged.
///
/// # Errors
/// What the database says.
pub(crate) async fn charge(
    app: &App,
    db: &mut Write,
    charges: &[(&Tenant, &Charge)],
) -> Result<Vec<Credits>> {
    // By workspace, in the same order on every server: of two that charge the same workspaces one waits.
    let mut of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, (tenant, _)) in charges.iter().enumerate() {
        of.entry(tenant.id().as_str()).or_default().push(n);
    }
    let mut charged = vec![Credits::ZERO; charges.len()];
    for places in of.values() {
        let Some(tenant) = places.first().map(|n| charges[*n].0) else { continue };
        let cost =
            |n: &usize| Cost { reference: charges[*n].1.reference.clone(), credits: charges[*n].1.credits };
        let costs: Vec<Cost> = places.iter().map(cost).collect();
        let amounts = purse::settle(app, db, tenant, &costs).await?;
        let mut cells: BTreeMap<Cell, Used> = BTreeMap::new();
        for (n, amount) in places.iter().zip(amounts) {
            charged[*n] = amount;
            let charge = charges[*n].1;
            let used = Used {
                requests: 1,
                tokens_input: charge.tokens_input,
                tokens_output: charge.tokens_output,
                credits: amount,
            };
            cells.entry(charge.cell()).or_default().add(&used);
        }
        for (cell, used) in &cells {
            store::add_usage(db, tenant, hour(app.clock.now()), cell, used).await?;
        }
    }
    Ok(charged)
}

/// A price that is set aside, to be written down with what it is for. Dropped before that, it costs nothing.
#[derive(Debug)]
pub(crate) struct Bill {
    hold: Hold,
    charge: Charge,
}

impl Bill {
    /// The price of what was done; no more than there is.
    pub(crate) fn new(mut hold: Hold, mut charge: Charge) -> Self {
        charge.credits = hold.cover(charge.credits);
        Self { hold, charge }
    }

    /// Writes it down in the transaction that keeps what was done; gives what was charged.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn write(&self, app: &App, db: &mut Write, tenant: &Tenant) -> Result<Credits> {
        Ok(charge(app, db, &[(tenant, &self.charge)]).await?.into_iter().sum())
    }

    /// That transaction was committed.
    pub(crate) fn paid(self, credits: Credits) {
        self.hold.spent(credits);
    }
}

impl Charge {
    fn cell(&self) -> Cell {
        Cell {
            operation: self.operation.as_str(),
            agent: self.agent.as_ref().map_or_else(String::new, |id| id.as_str().to_owned()),
            key: self.key.as_ref().map_or_else(String::new, |id| id.as_str().to_owned()),
            model: self.model.clone(),
        }
    }
}

/// What was used in an hour of one kind.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub hour: DateTime<Utc>,
    pub operation: String,
    pub agent: String,
    pub key: String,
    pub model: String,
    pub used: Used,
}

/// What usage is shown by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// The days of UTC, as `2026-11-28`.
    #[default]
    Day,
    /// Weeks, by their Monday.
    Week,
    /// Months, as `2026-11`.
    Month,
    /// What was done.
    Operation,
    /// Who did it.
    Agent,
    /// By which key it was asked for; empty when by none.
    Key,
    /// Which model made it.
    Model,
}

impl std::str::FromStr for GroupBy {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "operation" => Self::Operation,
            "agent" => Self::Agent,
            "key" => Self::Key,
            "model" => Self::Model,
            _ => {
                let message = "group_by is day, week, month, operation, agent, key or model.";
                return Err(Error::invalid("group_by", message));
            }
        })
    }
}

/// From when until when; hours count as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first hour.
    pub start: DateTime<Utc>,
    /// The hour after the last.
    pub end: DateTime<Utc>,
}

impl Range {
    /// The range between two moments; the last thirty days when they are left out.
    ///
    /// # Errors
    /// Invalid when it is the wrong way round, or longer than ten years.
    pub fn new(app: &App, start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Result<Self> {
        let end = end.unwrap_or_else(|| app.clock.now());
        let start = start.unwrap_or(end - RECENT);
        if start > end {
            return Err(Error::invalid("end_date", "end_date lies before start_date."));
        }
        if end - start > MAX_RANGE {
            return Err(Error::invalid("start_date", "start_date and end_date are at most ten years apart."));
        }
        let whole = hour(end);
        Ok(Self { start: hour(start), end: if whole < end { whole + TimeDelta::hours(1) } else { whole } })
    }
}

/// What was used in a range.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The range.
    pub range: Range,
    /// Altogether.
    pub total: Used,
    /// By operation.
    pub by_operation: Vec<(String, Used)>,
    /// By what was asked for, in its order.
    pub groups: Vec<(String, Used)>,
}

/// What a workspace used.
///
/// # Errors
/// What the database says.
pub async fn usage(app: &App, tenant: &Tenant, range: Range, by: GroupBy) -> Result<Usage> {
    let sums = store::usage_between(&mut app.db.read().await?, tenant, range.start, range.end).await?;
    let mut total = Used::default();
    sums.iter().for_each(|sum| total.add(&sum.used));
    Ok(Usage { range, total, by_operation: grouped(&sums, GroupBy::Operation), groups: grouped(&sums, by) })
}

fn grouped(sums: &[Sum], by: GroupBy) -> Vec<(String, Used)> {
    let mut groups: BTreeMap<String, Used> = BTreeMap::new();
    for sum in sums {
        let name = match by {
            GroupBy::Day => sum.hour.format("%Y-%m-%d").to_string(),
            GroupBy::Week => {
                let day = sum.hour.date_naive();
                let monday = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()));
                monday.unwrap_or(day).format("%Y-%m-%d").to_string()
            }
            GroupBy::Month => sum.hour.format("%Y-%m").to_string(),
            GroupBy::Operation => sum.operation.clone(),
            GroupBy::Agent => sum.agent.clone(),
            GroupBy::Key => sum.key.clone(),
            GroupBy::Model => sum.model.clone(),
        };
        groups.entry(name).or_default().add(&sum.used);
    }
    groups.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(hour: &str, requests: i64) -> Sum {
        Sum {
            hour: hour.parse().unwrap(),
            operation: "agent_chat".into(),
            agent: "a".into(),
            key: String::new(),
            model: "m".into(),
            used: Used { requests, ..Used::default() },
        }
    }

    #[test]
    fn hours_add_up_to_days_weeks_and_months() {
        // A Sunday, the Monday after it, and another month.
        let sums = [
            sum("2026-11-29T23:00:00Z", 1),
            sum("2026-11-30T00:00:00Z", 2),
            sum("2026-11-30T05:00:00Z", 4),
            sum("2026-12-01T05:00:00Z", 8),
        ];
        let of =
            |by| grouped(&sums, by).into_iter().map(|(name, used)| (name, used.requests)).collect::<Vec<_>>();
        let row = |name: &str, requests| (name.to_owned(), requests);
        assert_eq!(of(GroupBy::Day), [row("2026-11-29", 1), row("2026-11-30", 6), row("2026-12-01", 8)]);
        assert_eq!(of(GroupBy::Week), [row("2026-11-23", 1), row("2026-11-30", 14)]);
        assert_eq!(of(GroupBy::Month), [row("2026-11", 7), row("2026-12", 8)]);
        assert_eq!(of(GroupBy::Operation), [row("agent_chat", 15)]);
    }
}
