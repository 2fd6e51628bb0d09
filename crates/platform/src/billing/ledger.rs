//! Credits by double entry: every movement takes from one account what it gives to another, so the entries of a
//! transaction sum to zero, and so do the accounts of a workspace.
//!
//! `issued` is where credits come from and unspent grants go to; it is the only account below nought. `available` is
//! what can be spent, `held` what servers have set aside for runs, `spent` what runs have cost. A statement that would
//! take an account below nought changes nothing, on either database, so nothing can be spent twice: a server spends
//! only what it holds, and it holds only what was taken from `available` in a transaction that found it there.
//!
//! Rows are locked in one order everywhere: the hold, the subscription, then accounts by name.

use std::collections::BTreeMap;

use ::store::Write;
use chrono::{DateTime, Utc};

use super::{Credits, store};
use crate::{App, Error, Page, Paged, Result, Tenant, TransactionId};

/// An account of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Account {
    Available,
    Held,
    Issued,
    Spent,
}

impl Account {
    pub(super) const ALL: [Self; 4] = [Self::Available, Self::Held, Self::Issued, Self::Spent];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Held => "held",
            Self::Issued => "issued",
            Self::Spent => "spent",
        }
    }
}

/// Why credits moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A period's credits.
    Grant,
    /// Credits that were bought.
    TopUp,
    /// What was left of a period's credits.
    Expiry,
    /// Set aside by a server.
    Hold,
    /// Given back by it.
    Release,
    /// The price of a run.
    Spend,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::TopUp => "topup",
            Self::Expiry => "expiry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Spend => "spend",
        }
    }
}

/// One side of a movement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub account: Account,
    pub amount: Credits,
}

/// A transaction that is to be written.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    pub id: TransactionId,
    pub kind: Kind,
    /// What caused it.
    pub reference: String,
    pub entries: Vec<Entry>,
}

impl Posting {
    /// Moves credits from one account to another.
    pub(super) fn new(
        id: TransactionId,
        kind: Kind,
        reference: &str,
        (from, to): (Account, Account),
        amount: Credits,
    ) -> Self {
        let entries = vec![Entry { account: from, amount: -amount }, Entry { account: to, amount }];
        Self { id, kind, reference: reference.to_owned(), entries }
    }
}

/// A transaction as people see it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The transaction.
    pub id: TransactionId,
    /// grant, topup, expiry, spend; hold and release when they are asked for.
    pub kind: String,
    /// What caused it: an execution, a purchase, the start of a period.
    pub reference: String,
    /// What it did to the credits that are not spent.
    pub amount: Credits,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What stands on the accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// Can be spent.
    pub available: Credits,
    /// Set aside by servers for runs.
    pub held: Credits,
    /// Was spent, ever.
    pub spent: Credits,
    /// Came from, ever; below nought.
    pub issued: Credits,
}

impl Balances {
    /// Credits that are not spent.
    pub fn left(&self) -> Credits {
        self.available + self.held
    }
}

/// Writes transactions as part of a change.
///
/// # Errors
/// [`insufficient`] when an account would fall below nought; the caller's transaction must not be committed then.
pub(super) async fn post(app: &App, db: &mut Write, tenant: &Tenant, postings: &[Posting]) -> Result<()> {
    if postings.is_empty() {
        return Ok(());
    }
    let mut sums: BTreeMap<Account, Credits> = BTreeMap::new();
    for posting in postings {
        if posting.entries.iter().map(|entry| entry.amount).sum::<Credits>() != Credits::ZERO {
            return Err(Error::internal(format!("the entries of {} do not sum to zero", posting.id)));
        }
        for entry in &posting.entries {
            let sum = sums.entry(entry.account).or_default();
            *sum = *sum + entry.amount;
        }
    }
    for (account, sum) in sums {
        if sum != Credits::ZERO && !store::change_balance(db, tenant, account, sum).await? {
            return Err(insufficient());
        }
    }
    store::insert_postings(db, tenant, postings, app.clock.now()).await
}

/// A new transaction's id.
pub(super) fn transaction(app: &App) -> TransactionId {
    TransactionId::new(app.clock.now(), app.entropy)
}

/// There are not enough credits for it.
pub(super) fn insufficient() -> Error {
    Error::payment(
        "INSUFFICIENT_CREDITS",
        "The workspace has not enough credits left for this. Top up by POST /api/v1/billing/credits/topup, or wait for the next period.",
    )
}

/// What moved a workspace's credits, latest first. Holds are left out unless their kind is asked for.
///
/// # Errors
/// Invalid when there is no such kind.
pub async fn transactions(
    app: &App,
    tenant: &Tenant,
    kind: Option<&str>,
    page: Page,
) -> Result<Paged<Recorded>> {
    let kinds = [Kind::Grant, Kind::TopUp, Kind::Expiry, Kind::Hold, Kind::Release, Kind::Spend];
    if kind.is_some_and(|kind| kinds.iter().all(|known| known.as_str() != kind)) {
        return Err(Error::invalid("kind", "kind is grant, topup, expiry, hold, release or spend."));
    }
    store::postings(&mut app.db.read().await?, tenant, kind, page).await
}
