//! What a workspace has subscribed to: its plan, the period that counts now, and the credits that come with it.
//!
//! Periods are whole months from the day on which the workspace began, so nobody gets two grants in two days. A period
//! is ended by whoever comes first: a run that needs credits, a page that shows them, or the server's housekeeping. A
//! subscription that a provider keeps is moved on by the provider's word alone.

use ::store::{Read, Write};
use chrono::{DateTime, Months, Utc};
use serde_json::json;

use super::{
    Credits, Limit, Plan,
    invoice::{self, Buyer, Line},
    ledger::{self, Account, Balances, Kind, Posting},
    store, usage,
};
use crate::{
    Actor, App, Error, Result, Tenant,
    audit::{self, Event},
};

/// Subscriptions that are moved on in one look.
const DUE_AT_ONCE: i64 = 200;

/// A workspace's subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// What it has.
    pub plan: Plan,
    /// active, or past_due when the provider waits for a payment.
    pub status: String,
    /// What periods are counted from.
    pub(super) anchor: DateTime<Utc>,
    /// When the period began.
    pub period_start: DateTime<Utc>,
    /// When it ends.
    pub period_end: DateTime<Utc>,
    /// The credits that came with it.
    pub granted: Credits,
    /// What had been spent before it.
    pub(super) spent_before: Credits,
    /// What follows when it ends, if not the same.
    pub next_plan: Option<Plan>,
    /// What the provider calls the customer.
    pub(super) customer: Option<String>,
    /// What it calls the subscription, if it keeps one.
    pub(super) provider_subscription: Option<String>,
    /// What it calls the subscription's one item.
    pub(super) provider_item: Option<String>,
    /// When the newest of its events that count was made.
    pub(super) provider_seen_at: Option<DateTime<Utc>>,
    /// Whom invoices are for.
    pub buyer: Buyer,
    pub(super) created_at: DateTime<Utc>,
}

impl Subscription {
    /// Whether it ends with the period.
    pub fn is_cancelled(&self) -> bool {
        self.next_plan == Some(Plan::Free)
    }

    /// What was spent in this period.
    pub fn used(&self, balances: &Balances) -> Credits {
        balances.spent - self.spent_before
    }

    fn new(app: &App, plan: Plan) -> Self {
        // Usage is added up by the hour, so periods begin with one.
        let (now, anchor) = (app.clock.now(), usage::hour(app.clock.now()));
        Self {
            plan,
            status: "active".into(),
            anchor,
            period_start: anchor,
            period_end: after(anchor, 1),
            granted: Credits::whole(app.config.tariff.plan(plan).credits),
            spent_before: Credits::ZERO,
            next_plan: None,
            customer: None,
            provider_subscription: None,
            provider_item: None,
            provider_seen_at: None,
            buyer: Buyer::default(),
            created_at: now,
        }
    }
}

/// So many months after a moment; the last day of a month that is too short for its day.
pub(super) fn after(anchor: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    anchor.checked_add_months(Months::new(months)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The period from an anchor that holds a moment.
fn period(anchor: DateTime<Utc>, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    // A month has at least 28 days, so this many have begun at most.
    let mut months = u32::try_from((now - anchor).num_days() / 28 + 1).unwrap_or(0);
    while months > 0 && after(anchor, months) > now {
        months -= 1;
    }
    (after(anchor, months), after(anchor, months + 1))
}

/// The subscription as part of a change: opened when there is none, in the period that counts now. It is held until
/// the transaction ends.
///
/// # Errors
/// Not found when there is no such workspace.
pub(super) async fn held(app: &App, db: &mut Write, tenant: &Tenant) -> Result<Subscription> {
    store::lock_subscription(db, tenant).await?;
    let found = match store::subscription(db, tenant).await? {
        Some(found) => found,
        None => open(app, db, tenant).await?,
    };
    if found.provider_subscription.is_some() || found.period_end > app.clock.now() {
        return Ok(found);
    }
    roll(app, db, tenant, found).await
}

/// The subscription of a new workspace, or of one that is older than billing, with its first grant.
pub(crate) async fn open(app: &App, db: &mut Write, tenant: &Tenant) -> Result<Subscription> {
    let plan = store::plan(db, tenant).await?.ok_or_else(missing)?;
    let fresh = Subscription::new(app, plan);
    if store::insert_subscription(db, tenant, &fresh).await? {
        store::open_accounts(db, tenant).await?;
        grant(app, db, tenant, fresh.granted, fresh.period_start).await?;
        return Ok(fresh);
    }
    store::subscription(db, tenant).await?.ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("There is no such workspace.")
}

/// Begins the period that counts now: what is left of the old grant goes, the next plan comes with its own.
async fn roll(app: &App, db: &mut Write, tenant: &Tenant, mut s: Subscription) -> Result<Subscription> {
    if let Some(plan) = s.next_plan.take() {
        s.plan = plan;
        let event = Event::new("subscription.changed", tenant.id().as_str());
        audit::record(app, db, tenant, &Actor::system(), event.with(json!({ "plan": plan }))).await?;
    }
    let (start, end) = period(s.anchor, app.clock.now());
    begin(app, db, tenant, &mut s, (start, end)).await?;
    store::update_subscription(db, tenant, &s, app.clock.now()).await?;
    let price = app.config.tariff.plan(s.plan).price;
    if price > 0 && s.provider_subscription.is_none() {
        let reference = format!("{} {}", tenant.id(), s.period_start.format("%Y-%m-%d"));
        let line =
            Line::new(format!("{} plan, {}", s.plan, invoice::days(s.period_start, s.period_end)), price);
        invoice::issue(app, db, tenant, &s.buyer, (vec![line], &reference)).await?;
    }
    Ok(s)
}

/// Makes another period the one that counts. What was spent in the old one is taken from its grant first, so what was
/// bought is what lasts.
pub(super) async fn begin(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    s: &mut Subscription,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    // What a server holds for runs is spent or comes back later; of what is there the old grant's rest goes.
    let available = store::lock_balance(db, tenant, Account::Available).await?;
    let balances = store::balances(db, tenant).await?;
    let unspent = s.granted - s.used(&balances);
    let expired = unspent.min(available).max(Credits::ZERO);
    if expired > Credits::ZERO {
        let reference = s.period_start.to_rfc3339();
        let accounts = (Account::Available, Account::Issued);
        let posting = Posting::new(ledger::transaction(app), Kind::Expiry, &reference, accounts, expired);
        ledger::post(app, db, tenant, &[posting]).await?;
    }
    s.period_start = start;
    s.period_end = end;
    s.spent_before = balances.spent;
    s.granted = Credits::whole(app.config.tariff.plan(s.plan).credits);
    grant(app, db, tenant, s.granted, start).await
}

async fn grant(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    amount: Credits,
    period: DateTime<Utc>,
) -> Result<()> {
    if amount <= Credits::ZERO {
        return Ok(());
    }
    let accounts = (Account::Issued, Account::Available);
    let posting = Posting::new(ledger::transaction(app), Kind::Grant, &period.to_rfc3339(), accounts, amount);
    ledger::post(app, db, tenant, &[posting]).await
}

/// A subscription with what stands on its accounts.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The subscription.
    pub subscription: Subscription,
    /// The accounts.
    pub balances: Balances,
}

/// A workspace's subscription and its credits, in the period that counts now.
///
/// # Errors
/// What the database says.
pub async fn overview(app: &App, tenant: &Tenant) -> Result<Overview> {
    let mut db = app.db.read().await?;
    if let Some(subscription) = current(app, &mut db, tenant).await? {
        return Ok(Overview { subscription, balances: store::balances(&mut db, tenant).await? });
    }
    drop(db);
    let mut db = app.db.write().await?;
    let subscription = held(app, &mut db, tenant).await?;
    let balances = store::balances(&mut db, tenant).await?;
    app.callers.commit(db).await?;
    Ok(Overview { subscription, balances })
}

/// The subscription, unless it must be opened or moved on first.
async fn current(app: &App, db: &mut Read, tenant: &Tenant) -> Result<Option<Subscription>> {
    let now = app.clock.now();
    let found = store::subscription(db, tenant).await?;
    Ok(found.filter(|found| found.period_end > now || found.provider_subscription.is_some()))
}

/// Moves on the subscriptions whose period has ended.
///
/// # Errors
/// What the database says.
pub(super) async fn move_on(app: &App) -> Result<()> {
    loop {
        let due = store::due_subscriptions(&mut app.db.read().await?, app.clock.now(), DUE_AT_ONCE).await?;
        for tenant in &due {
            let mut db = app.db.write().await?;
            held(app, &mut db, tenant).await?;
            app.callers.commit(db).await?;
            app.purses.hope(tenant);
        }
        if due.len() < usize::try_from(DUE_AT_ONCE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// Puts a subscription on another plan in the middle of a period, as part of a change: more comes at once, with the
/// part of its credits and price that is left of the period; less comes when the period ends.
pub(super) async fn switch(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    s: &mut Subscription,
    plan: Plan,
) -> Result<()> {
    if plan <= s.plan {
        s.next_plan = (plan != s.plan).then_some(plan);
        return Ok(());
    }
    let (old, new) = (*app.config.tariff.plan(s.plan), *app.config.tariff.plan(plan));
    // No more in all than the plan has: who goes down and up again has had the most of it.
    let left = (new.credits * 1000 - s.granted.thousandths()).max(0);
    let part = rest_of(s, app.clock.now(), (new.credits - old.credits).max(0) * 1000);
    let more = Credits::of_thousandths(part.min(left));
    grant(app, db, tenant, more, s.period_start).await?;
    s.granted = s.granted + more;
    s.plan = plan;
    s.next_plan = None;
    Ok(())
}

/// The part of an amount that falls on the rest of the period, rounded down.
pub(super) fn rest_of(s: &Subscription, now: DateTime<Utc>, amount: i64) -> i64 {
    let whole = i128::from((s.period_end - s.period_start).num_seconds().max(1));
    let rest = i128::from((s.period_end - now).num_seconds().max(0)).min(whole);
    i64::try_from(i128::from(amount) * rest / whole).unwrap_or(i64::MAX)
}

/// How much there is of what is limited, and how much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of what.
    pub limit: Limit,
    /// How much there is.
    pub used: i64,
    /// How much there may be; `None` for without end.
    pub max: Option<i64>,
}

impl Level {
    /// How full it is, in per cent; nought when there is no end.
    pub fn percent(&self) -> i64 {
        match self.max {
            Some(max) if max > 0 => self.used.saturating_mul(100) / max,
            Some(_) => 100,
            None => 0,
        }
    }

    /// 80 or 100, when the owner is told of it.
    pub fn warning(&self) -> Option<i64> {
        self.max?;
        [100, 80].into_iter().find(|mark| self.percent() >= *mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DateTime<Utc> {
        format!("{text}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn periods_are_months_from_their_anchor() {
        let anchor = day("2026-01-31");
        let of = |text| period(anchor, day(text));
        assert_eq!(of("2026-01-31"), (day("2026-01-31"), day("2026-02-28")));
        assert_eq!(of("2026-02-28"), (day("2026-02-28"), day("2026-03-31")), "the day comes back");
        assert_eq!(of("2026-03-30"), (day("2026-02-28"), day("2026-03-31")));
        assert_eq!(of("2031-07-01"), (day("2031-06-30"), day("2031-07-31")));
    }

    #[test]
    fn levels_tell_when_they_are_nearly_full() {
        let warning = |used, max| Level { limit: Limit::Agents, used, max }.warning();
        assert_eq!(warning(7, Some(10)), None);
        assert_eq!(warning(8, Some(10)), Some(80));
        assert_eq!(warning(12, Some(10)), Some(100));
        assert_eq!(warning(0, Some(0)), Some(100));
        assert_eq!(warning(1_000, None), None);
    }
}
