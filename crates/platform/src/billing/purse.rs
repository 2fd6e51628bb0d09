//! What this server has set aside of workspaces' credits, so that a run costs no transaction of its own.
//!
//! Before a run its price is set aside, and after it what it cost is written down in the transaction that keeps the
//! answer (see [`settle`]). To set aside by a transaction would double the commits of an answer. So a server takes a
//! block of credits at a time from `available` to `held`, under its name, and sets aside from that block in memory.
//!
//! Why nothing is spent twice, whatever number of servers there is: a block is taken by a statement that finds it on
//! `available` and takes it away in one transaction, so two servers never have the same credit. In a server, a run's
//! part is taken from the block under a lock. What is written down afterwards is taken from the server's own hold by a
//! statement that does nothing when the hold is smaller. A server that dies leaves its hold, which it no longer renews;
//! another gives it back when its time has passed. If the first was not dead but asleep, its runs find no hold when
//! they are written down, and are paid from `available`, as far as that goes: nothing falls below nought.
//!
//! The price of it: while a server holds a block, another may find too little, although not all of that is spent. So a
//! block is at most a quarter of what there is, goes back when it has lain idle, and its rest goes back when it is too
//! little for a run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::store::Write;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Credits,
    ledger::{self, Account, Kind, Posting},
    limits, store, subscription,
};
use crate::{App, Entropy, Result, Tenant};

/// A block is as large as this at most, or as what a run needs.
const BLOCK: Credits = Credits::whole(500);
/// How long a hold lasts that is not renewed; longer than any run.
const LEASE: TimeDelta = TimeDelta::minutes(15);
/// A hold with less time than this is renewed.
const RENEW: TimeDelta = TimeDelta::minutes(10);
/// A block that nobody took from for so long goes back.
const IDLE: TimeDelta = TimeDelta::minutes(5);
/// How long it is taken for certain that a workspace has too little.
const POOR: TimeDelta = TimeDelta::seconds(5);

/// The purses of this server.
pub struct Purses {
    server: String,
    purses: Mutex<HashMap<Tenant, Arc<Purse>>>,
}

/// What is set aside of one workspace's credits.
#[derive(Debug, Default)]
struct Purse {
    state: Mutex<State>,
    /// Of many runs that find it empty one fetches a block; the others wait.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the block, what no run has.
    free: Credits,
    /// What runs have.
    reserved: Credits,
    /// When the hold lapses.
    until: DateTime<Utc>,
    /// When a run last took from it.
    used: DateTime<Utc>,
    /// There was not so much, and until then nobody looks again.
    poor: Option<(Credits, DateTime<Utc>)>,
}

impl Default for Purses {
    fn default() -> Self {
        Self { server: Entropy.token()[..16].to_owned(), purses: Mutex::default() }
    }
}

/// Credits that are set aside for a run. What is not spent goes back when this is dropped.
#[derive(Debug)]
pub struct Hold {
    purse: Option<Arc<Purse>>,
    amount: Credits,
}

impl Hold {
    /// For what costs nothing.
    pub(crate) fn nothing() -> Self {
        Self { purse: None, amount: Credits::ZERO }
    }

    /// What a run may cost: its price, when so much is set aside or at hand; else what there is. A price cannot be
    /// known before the models have spoken, and an answer that was given is given.
    pub(crate) fn cover(&mut self, price: Credits) -> Credits {
        let Some(purse) = &self.purse else { return Credits::ZERO };
        let missing = price - self.amount;
        if missing > Credits::ZERO {
            let mut state = lock(&purse.state);
            let more = missing.min(state.free);
            state.free = state.free - more;
            state.reserved = state.reserved + more;
            self.amount = self.amount + more;
        }
        price.min(self.amount)
    }

    /// The run was written down and cost so much; the rest goes back.
    pub(crate) fn spent(mut self, cost: Credits) {
        if let Some(purse) = &self.purse {
            let mut state = lock(&purse.state);
            let cost = cost.min(self.amount);
            state.reserved = state.reserved - cost;
            self.amount = self.amount - cost;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(purse) = &self.purse {
            let mut state = lock(&purse.state);
            state.reserved = state.reserved - self.amount;
            state.free = state.free + self.amount;
        }
    }
}

impl Purse {
    fn take(self: &Arc<Self>, need: Credits, now: DateTime<Utc>) -> Option<Hold> {
        let mut state = lock(&self.state);
        if state.free < need || state.until <= now {
            return None;
        }
        state.free = state.free - need;
        state.reserved = state.reserved + need;
        state.used = now;
        Some(Hold { purse: Some(self.clone()), amount: need })
    }

    /// Takes all that no run has.
    fn take_rest(self: &Arc<Self>) -> Hold {
        let mut state = lock(&self.state);
        let amount = std::mem::take(&mut state.free);
        state.reserved = state.reserved + amount;
        Hold { purse: Some(self.clone()), amount }
    }

    fn is_poor(&self, need: Credits, now: DateTime<Utc>) -> bool {
        lock(&self.state).poor.is_some_and(|(missed, until)| need >= missed && now < until)
    }
}

impl Purses {
    fn of(&self, tenant: &Tenant) -> Arc<Purse> {
        lock(&self.purses).entry(tenant.clone()).or_default().clone()
    }

    /// There are more credits than before: look again.
    pub(super) fn hope(&self, tenant: &Tenant) {
        lock(&self.of(tenant).state).poor = None;
    }
}

/// Sets credits aside for a run.
///
/// # Errors
/// [`ledger::insufficient`] when the workspace has not as much.
pub(crate) async fn hold(app: &App, tenant: &Tenant, need: Credits) -> Result<Hold> {
    if need <= Credits::ZERO {
        return Ok(Hold::nothing());
    }
    let purse = app.purses.of(tenant);
    let now = app.clock.now();
    if let Some(hold) = purse.take(need, now) {
        return Ok(hold);
    }
    if purse.is_poor(need, now) {
        return Err(ledger::insufficient());
    }
    let _turn = purse.fetching.lock().await;
    if let Some(hold) = purse.take(need, now) {
        return Ok(hold);
    }
    if purse.is_poor(need, now) {
        return Err(ledger::insufficient());
    }
    // What is free meanwhile goes to runs that need less, so one block may not do.
    while fetch(app, tenant, &purse, need).await? {
        if let Some(hold) = purse.take(need, now) {
            return Ok(hold);
        }
    }
    lock(&purse.state).poor = Some((need, now + POOR));
    Err(ledger::insufficient())
}

/// Takes a block, if there are credits for what is needed; gives whether there were.
async fn fetch(app: &App, tenant: &Tenant, purse: &Arc<Purse>, need: Credits) -> Result<bool> {
    let now = app.clock.now();
    let until = now + LEASE;
    let mut db = app.db.write().await?;
    store::add_to_hold(&mut db, tenant, &app.purses.server, Credits::ZERO, until).await?;
    let subscription = subscription::held(app, &mut db, tenant).await?;
    // Another server may have given back a hold that lapsed, and with it what this one takes to be its own.
    let lapsed = lock(&purse.state).until <= now;
    if lapsed {
        give_back(app, &mut db, tenant, &app.purses.server).await?;
    }
    let free = if lapsed { Credits::ZERO } else { lock(&purse.state).free };
    let available = store::lock_balance(&mut db, tenant, Account::Available).await?;
    let missing = need - free;
    let quarter = Credits::of_thousandths(available.thousandths() / 4);
    let block = if available < missing { Credits::ZERO } else { missing.max(quarter.min(BLOCK)) };
    let mut rest = None;
    if block > Credits::ZERO {
        store::add_to_hold(&mut db, tenant, &app.purses.server, block, until).await?;
        let accounts = (Account::Available, Account::Held);
        let posting = Posting::new(ledger::transaction(app), Kind::Hold, &app.purses.server, accounts, block);
        ledger::post(app, &mut db, tenant, &[posting]).await?;
    } else if !lapsed {
        rest = Some(part_with_rest(app, &mut db, tenant, purse).await?);
    }
    limits::watch_credits(app, &mut db, tenant, &subscription).await?;
    db.commit().await?;
    app.bell.ring();
    if let Some(rest) = rest {
        let amount = rest.amount;
        rest.spent(amount);
    }
    let mut state = lock(&purse.state);
    if lapsed {
        state.free = Credits::ZERO;
    }
    state.free = state.free + block;
    state.until = until;
    Ok(block > Credits::ZERO)
}

/// Makes what is too little for a run here available to another server, for which it may do: the rests of several
/// servers' blocks may together be a run's price.
async fn part_with_rest(app: &App, db: &mut Write, tenant: &Tenant, purse: &Arc<Purse>) -> Result<Hold> {
    let rest = purse.take_rest();
    let amount = rest.amount;
    let server = &app.purses.server;
    if amount > Credits::ZERO && store::take_from_hold(db, tenant, server, amount).await? {
        release(app, db, tenant, server, amount).await?;
    }
    Ok(rest)
}

/// Moves what a server holds back to what can be spent.
async fn give_back(app: &App, db: &mut Write, tenant: &Tenant, server: &str) -> Result<()> {
    let held = store::end_hold(db, tenant, server).await?;
    if held <= Credits::ZERO {
        return Ok(());
    }
    release(app, db, tenant, server, held).await
}

/// Writes down that a server holds so much less, and so much more can be spent.
async fn release(app: &App, db: &mut Write, tenant: &Tenant, server: &str, amount: Credits) -> Result<()> {
    let accounts = (Account::Held, Account::Available);
    let posting = Posting::new(ledger::transaction(app), Kind::Release, server, accounts, amount);
    ledger::post(app, db, tenant, &[posting]).await
}

/// What one run costs, to be written down.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// The run.
    pub reference: String,
    /// What was set aside for it at least.
    pub credits: Credits,
}

/// Writes down what runs of one workspace have cost, in the transaction that keeps them; gives what each was charged.
/// That is its cost, unless this server's hold had lapsed and there was less.
///
/// # Errors
/// What the database says.
pub(super) async fn settle(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    costs: &[Cost],
) -> Result<Vec<Credits>> {
    let total: Credits = costs.iter().map(|cost| cost.credits).sum();
    if total <= Credits::ZERO {
        return Ok(vec![Credits::ZERO; costs.len()]);
    }
    let held = store::take_from_hold(db, tenant, &app.purses.server, total).await?;
    let (from, mut left) = if held {
        (Account::Held, total)
    } else {
        (Account::Available, store::lock_balance(db, tenant, Account::Available).await?)
    };
    let mut charged = Vec::with_capacity(costs.len());
    let mut postings = Vec::with_capacity(costs.len());
    for cost in costs {
        let amount = cost.credits.min(left);
        left = left - amount;
        charged.push(amount);
        if amount > Credits::ZERO {
            let id = ledger::transaction(app);
            postings.push(Posting::new(id, Kind::Spend, &cost.reference, (from, Account::Spent), amount));
        }
    }
    ledger::post(app, db, tenant, &postings).await?;
    Ok(charged)
}

/// Renews what this server holds for runs, gives back what lies idle, and what servers left that are no more.
///
/// # Errors
/// What the database says.
pub(super) async fn keep(app: &App) -> Result<()> {
    let now = app.clock.now();
    let purses: Vec<_> = lock(&app.purses.purses).iter().map(|(t, p)| (t.clone(), p.clone())).collect();
    for (tenant, purse) in purses {
        let (idle, old) = {
            let state = lock(&purse.state);
            let idle = state.reserved == Credits::ZERO && state.used + IDLE <= now;
            (idle, state.until > now && state.until <= now + RENEW)
        };
        if idle {
            put_down(app, &tenant, &purse).await?;
        } else if old {
            renew(app, &tenant, &purse).await?;
        }
    }
    for (tenant, server) in store::lapsed_holds(&mut app.db.read().await?, &app.purses.server, now).await? {
        let mut db = app.db.write().await?;
        give_back(app, &mut db, &tenant, &server).await?;
        db.commit().await?;
        app.purses.hope(&tenant);
    }
    Ok(())
}

async fn renew(app: &App, tenant: &Tenant, purse: &Purse) -> Result<()> {
    let _turn = purse.fetching.lock().await;
    let until = app.clock.now() + LEASE;
    let mut db = app.db.write().await?;
    let renewed = store::renew_hold(&mut db, tenant, &app.purses.server, until).await?;
    db.commit().await?;
    let mut state = lock(&purse.state);
    if renewed {
        state.until = until;
    } else {
        state.free = Credits::ZERO;
    }
    Ok(())
}

/// Gives a block back that no run has a part of.
async fn put_down(app: &App, tenant: &Tenant, purse: &Purse) -> Result<()> {
    let _turn = purse.fetching.lock().await;
    {
        let mut state = lock(&purse.state);
        if state.reserved > Credits::ZERO {
            return Ok(());
        }
        // From here on a run fetches a block of its own, after this turn.
        state.free = Credits::ZERO;
        state.until = DateTime::default();
    }
    let mut db = app.db.write().await?;
    give_back(app, &mut db, tenant, &app.purses.server).await?;
    Ok(db.commit().await?)
}

/// Gives everything back that no run has a part of, when the server stops.
///
/// # Errors
/// What the database says.
pub(super) async fn put_all_down(app: &App) -> Result<()> {
    let purses: Vec<_> = lock(&app.purses.purses).iter().map(|(t, p)| (t.clone(), p.clone())).collect();
    for (tenant, purse) in purses {
        put_down(app, &tenant, &purse).await?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
