//! What a plan allows, held where it bites, and the mails that tell of it before.
//!
//! Agents, documents, storage and seats are counted in the transaction that adds one. Messages are too many for that:
//! each server counts what it answers and asks the database every few seconds what the others have. So with several
//! servers a month may end a few messages too late, never too early by more than what is being answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::store::Write;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Limit, Plan, store,
    subscription::{self, Level, Overview, Subscription},
};
use crate::{
    App, Error, Result, Tenant,
    mail::{self, Mail},
};

/// How long what other servers have counted is good.
const RECOUNT: TimeDelta = TimeDelta::seconds(10);

/// What is known of a workspace without asking the database: which plan it has, and for which period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contract {
    pub plan: Plan,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
}

impl Contract {
    fn of(s: &Subscription) -> Self {
        Self { plan: s.plan, period_start: s.period_start, period_end: s.period_end }
    }
}

async fn contract(app: &App, tenant: &Tenant) -> Result<Contract> {
    let read = || async { Ok(Some(Contract::of(&subscription::overview(app, tenant).await?.subscription))) };
    let found = app.callers.contracts.get(tenant, app.clock.now(), read).await?;
    found.ok_or_else(|| Error::not_found("There is no such workspace."))
}

/// Makes sure that a workspace's plan has room for more, in the transaction that adds it; warns when little is left.
///
/// # Errors
/// Unprocessable, naming the limit and the plan.
pub(crate) async fn make_room(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    limit: Limit,
    more: i64,
) -> Result<()> {
    let Some(plan) = store::plan(db, tenant).await? else { return Ok(()) };
    let Some(max) = app.config.tariff.plan(plan).of(limit) else { return Ok(()) };
    store::lock_plan(db, tenant).await?;
    let present = store::present(db, tenant, app.clock.now()).await?;
    let level = level(limit, &present, Some(max));
    let after = Level { used: level.used.saturating_add(more), ..level };
    if more > 0 && after.used > max {
        return Err(full(plan, &level, more));
    }
    warn(app, db, tenant, plan, after, None).await
}

fn full(plan: Plan, level: &Level, more: i64) -> Error {
    let (limit, max) = (level.limit, level.max.unwrap_or_default());
    let need = match limit {
        Limit::Storage => format!("; this needs {} more", limit.words(more.max(super::plan::MB))),
        _ => String::new(),
    };
    let message = format!(
        "The plan {plan} allows {}, and this workspace has {}{need}. Remove some, or choose a larger plan under Billing.",
        limit.words(max),
        if limit == Limit::Storage { limit.words(level.used) } else { level.used.to_string() },
    );
    Error::unprocessable(message).with_code("PLAN_LIMIT_REACHED")
}

fn level(limit: Limit, present: &store::Present, max: Option<i64>) -> Level {
    let used = match limit {
        Limit::Agents => present.agents,
        Limit::Documents => present.documents,
        Limit::Storage => present.storage,
        Limit::Seats => present.seats,
        Limit::Messages | Limit::Credits => 0,
    };
    Level { limit, used, max }
}

/// How much there is of everything that a plan limits.
///
/// # Errors
/// What the database says.
pub async fn levels(app: &App, tenant: &Tenant, overview: &Overview) -> Result<Vec<Level>> {
    let mut db = app.db.read().await?;
    let s = &overview.subscription;
    let plan = app.config.tariff.plan(s.plan);
    let present = store::present(&mut db, tenant, app.clock.now()).await?;
    let messages = store::messages_since(&mut db, tenant, super::usage::hour(s.period_start)).await?;
    let of = |limit| match limit {
        Limit::Messages => Level { limit, used: messages, max: plan.of(limit) },
        Limit::Credits => credits(overview),
        _ => level(limit, &present, plan.of(limit)),
    };
    Ok(Limit::ALL.map(of).to_vec())
}

/// Credits are full when all are spent: those of the period's grant and those that were bought.
fn credits(overview: &Overview) -> Level {
    let used = overview.subscription.used(&overview.balances);
    let total = used + overview.balances.left();
    Level { limit: Limit::Credits, used: used.thousandths() / 1000, max: Some(total.thousandths() / 1000) }
}

/// Warns of credits when a block of them was taken.
pub(super) async fn watch_credits(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    s: &Subscription,
) -> Result<()> {
    let balances = store::balances(db, tenant).await?;
    let overview = Overview { subscription: s.clone(), balances };
    let mut level = credits(&overview);
    // What servers hold is as good as gone, and the last of it is fetched before it is spent.
    if balances.available.thousandths() == 0 {
        level.used = level.max.unwrap_or_default();
    }
    warn(app, db, tenant, s.plan, level, Some(s.period_start)).await
}

/// Mails the owner that a limit is nearly or quite reached, once a period and mark.
async fn warn(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    plan: Plan,
    level: Level,
    period_start: Option<DateTime<Utc>>,
) -> Result<()> {
    let Some(mark) = level.warning() else { return Ok(()) };
    let period_start = match period_start {
        Some(start) => start,
        None => match store::subscription(db, tenant).await? {
            Some(s) => s.period_start,
            None => return Ok(()),
        },
    };
    let now = app.clock.now();
    if !store::note_warning(db, tenant, (level.limit.as_str(), period_start, mark), now).await? {
        return Ok(());
    }
    let Some((to, workspace)) = store::owner(db, tenant).await? else { return Ok(()) };
    mail::queue(app, db, letter(app, tenant, (plan, level, mark), (to, workspace))).await
}

fn letter(
    app: &App,
    tenant: &Tenant,
    (plan, level, mark): (Plan, Level, i64),
    (to, workspace): (String, String),
) -> Mail {
    let workspace = workspace.split_whitespace().collect::<Vec<_>>().join(" ");
    let base = app.config.public_url.as_str().trim_end_matches('/');
    let what = level.limit.as_str();
    let state = if mark == 100 { "all" } else { "80 %" };
    let then = match level.limit {
        Limit::Messages => {
            "Once all are used, visitors are told to come back later until the next period begins."
        }
        Limit::Credits => {
            "Once all are spent, visitors get answers in your documents' own words, and programs are refused until there are more."
        }
        _ => "Once it is full, nothing can be added.",
    };
    Mail {
        to,
        subject: format!("{workspace} has used {state} of its {what}"),
        paragraphs: vec![
            format!(
                "The workspace \"{workspace}\" has used {state} of the {what} that there are: {} of {} on the plan {plan}.",
                amount(level.limit, level.used),
                amount(level.limit, level.max.unwrap_or_default()),
            ),
            then.to_owned(),
            format!("See what was used, and choose another plan, at {base}/console/{}/billing", tenant.id()),
        ],
    }
}

fn amount(limit: Limit, number: i64) -> String {
    if limit == Limit::Storage { limit.words(number) } else { number.to_string() }
}

/// Messages of the running period, as far as this server knows.
#[derive(Debug, Default)]
pub struct Meters(Mutex<HashMap<Tenant, Arc<Mutex<Meter>>>>);

#[derive(Debug, Default)]
struct Meter {
    period_start: DateTime<Utc>,
    /// As the database has it, and what was kept since.
    kept: i64,
    /// Being answered.
    open: i64,
    counted_at: Option<DateTime<Utc>>,
}

/// A message that is being answered; it counts until this is dropped, and for good once it was kept.
#[derive(Debug)]
pub struct Counted {
    meter: Option<Arc<Mutex<Meter>>>,
    kept: bool,
}

impl Counted {
    /// For what is not counted.
    pub(crate) fn not() -> Self {
        Self { meter: None, kept: false }
    }

    /// The message was kept.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(meter) = &self.meter {
            let mut meter = lock(meter);
            meter.open -= 1;
            meter.kept += i64::from(self.kept);
        }
    }
}

/// Counts a message against the month's limit, before it is answered.
///
/// # Errors
/// Limited until the next period, naming the limit and the plan.
pub(crate) async fn count_message(app: &App, tenant: &Tenant) -> Result<Counted> {
    let contract = contract(app, tenant).await?;
    let Some(max) = app.config.tariff.plan(contract.plan).messages else { return Ok(Counted::not()) };
    let meter = lock(&app.meters.0).entry(tenant.clone()).or_default().clone();
    recount(app, tenant, &meter, contract.period_start).await?;
    let now = app.clock.now();
    let before = {
        let mut state = lock(&meter);
        let before = state.kept + state.open;
        if before < max {
            state.open += 1;
        }
        before
    };
    let of = |used| Level { limit: Limit::Messages, used, max: Some(max) };
    if of(before + 1).warning() != of(before).warning() && before < max {
        app.tasks.spawn(tell(app.clone(), tenant.clone(), contract, of(before + 1)));
    }
    if before < max {
        return Ok(Counted { meter: Some(meter), kept: false });
    }
    let seconds = u64::try_from((contract.period_end - now).num_seconds()).unwrap_or(0).max(1);
    let message = format!(
        "The plan {} allows {}, and this workspace has had {before}. The next month begins on {}; a larger plan allows more at once.",
        contract.plan,
        Limit::Messages.words(max),
        contract.period_end.format("%-d %B %Y")
    );
    Err(Error { message: message.into(), ..Error::limited(seconds) })
}

async fn recount(app: &App, tenant: &Tenant, meter: &Mutex<Meter>, period: DateTime<Utc>) -> Result<()> {
    let now = app.clock.now();
    {
        let state = lock(meter);
        if state.period_start == period && state.counted_at.is_some_and(|at| now < at + RECOUNT) {
            return Ok(());
        }
    }
    let since = super::usage::hour(period);
    let count = store::messages_since(&mut app.db.read().await?, tenant, since).await?;
    let mut state = lock(meter);
    // What was kept here while the database was asked may be in its number or not; the greater one has all of it.
    state.kept = if state.period_start == period { state.kept.max(count) } else { count };
    state.period_start = period;
    state.counted_at = Some(now);
    Ok(())
}

/// Warns of messages, beside the answer that they are about.
async fn tell(app: App, tenant: Tenant, contract: Contract, level: Level) {
    let told = async {
        let mut db = app.db.write().await?;
        warn(&app, &mut db, &tenant, contract.plan, level, Some(contract.period_start)).await?;
        db.commit().await?;
        Result::<_>::Ok(())
    };
    match told.await {
        Ok(()) => app.bell.ring(),
        Err(error) => tracing::error!(workspace = %tenant.id(), %error, "cannot warn of messages"),
    }
}

/// Tells the owner that a bill of their subscription could not be paid.
pub(super) async fn tell_unpaid(app: &App, tenant: &Tenant) -> Result<()> {
    let mut db = app.db.write().await?;
    let Some((to, workspace)) = store::owner(&mut db, tenant).await? else { return Ok(()) };
    let workspace = workspace.split_whitespace().collect::<Vec<_>>().join(" ");
    let base = app.config.public_url.as_str().trim_end_matches('/');
    let letter = Mail {
        to,
        subject: format!("A payment for {workspace} did not work"),
        paragraphs: vec![
            format!("The bill for the subscription of \"{workspace}\" could not be paid."),
            format!("Set up another card, or see what happened, at {base}/console/{}/billing", tenant.id()),
        ],
    };
    mail::queue(app, &mut db, letter).await?;
    Ok(db.commit().await?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
