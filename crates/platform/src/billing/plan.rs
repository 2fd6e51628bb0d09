//! What a workspace has paid for. What each plan allows stands in the [`super::Tariff`].

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::Serialize;

use crate::{Error, Result, limits::Rate};

/// A workspace's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the tariff says what each is")]
pub enum Plan {
    Free,
    Starter,
    Professional,
    Enterprise,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Starter, Self::Professional, Self::Enterprise];

    /// As the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Starter => "STARTER",
            Self::Professional => "PROFESSIONAL",
            Self::Enterprise => "ENTERPRISE",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Plan {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|plan| plan.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| Error::invalid("plan", "plan is FREE, STARTER, PROFESSIONAL or ENTERPRISE."))
    }
}

/// What there may be of something in a workspace on a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Questions of visitors and of programs in a month.
    Messages,
    /// Agents.
    Agents,
    /// Documents.
    Documents,
    /// Bytes of documents and of files of contacts.
    Storage,
    /// People who belong to it or are invited.
    Seats,
    /// Credits in a month. They are not refused like the others; see [`super::ledger`].
    Credits,
}

impl Limit {
    /// Every limit, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Messages, Self::Credits, Self::Agents, Self::Documents, Self::Storage, Self::Seats];

    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Agents => "agents",
            Self::Documents => "documents",
            Self::Storage => "storage",
            Self::Seats => "seats",
            Self::Credits => "credits",
        }
    }

    /// So much of it, in words: `3 agents`, `100 MB of storage`.
    pub fn words(self, amount: i64) -> String {
        match self {
            Self::Storage => format!("{} MB of storage", amount / MB),
            Self::Messages => format!("{amount} messages a month"),
            Self::Credits => format!("{amount} credits a month"),
            _ if amount == 1 => format!("1 {}", self.as_str().trim_end_matches('s')),
            _ => format!("{amount} {}", self.as_str()),
        }
    }
}

/// Megabytes are 2^20 bytes here.
pub(super) const MB: i64 = 1024 * 1024;

/// What a plan allows. A limit that is `None` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowance {
    /// What a month costs before tax, in the least unit of the tariff's currency.
    pub price: i64,
    /// Requests of each person, and of each page by its publishable key, in a minute.
    pub requests_per_minute: Option<u32>,
    /// Requests of each account key in an hour.
    pub key_requests_per_hour: Option<u32>,
    /// Credits that are granted each month.
    pub credits: i64,
    /// Messages of a month.
    pub messages: Option<i64>,
    /// Agents.
    pub agents: Option<i64>,
    /// Documents.
    pub documents: Option<i64>,
    /// Bytes of files.
    pub storage: Option<i64>,
    /// Members and open invitations.
    pub seats: Option<i64>,
}

impl Allowance {
    /// How often each person, and each page by its publishable key, may call; `None` for without end.
    pub fn requests(&self) -> Option<Rate> {
        self.requests_per_minute.map(|limit| Rate { limit, window: TimeDelta::minutes(1) })
    }

    /// How often each account key may call; `None` for without end.
    pub fn key_requests(&self) -> Option<Rate> {
        self.key_requests_per_hour.map(|limit| Rate { limit, window: TimeDelta::hours(1) })
    }

    /// How much there may be of something; `None` for without end.
    pub fn of(&self, limit: Limit) -> Option<i64> {
        match limit {
            Limit::Messages => self.messages,
            Limit::Agents => self.agents,
            Limit::Documents => self.documents,
            Limit::Storage => self.storage,
            Limit::Seats => self.seats,
            Limit::Credits => Some(self.credits),
        }
    }
}
