//! What a workspace has paid for, and how many requests that allows.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::Serialize;

use crate::{Error, Result, limits::Rate};

/// A workspace's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Plan {
    /// 60 requests a minute.
    Free,
    /// 120 requests a minute; account keys 1,000 an hour.
    Starter,
    /// 300 requests a minute; account keys 10,000 an hour.
    Professional,
    /// No limit for people; account keys 10,000 an hour.
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

    /// How often each person, and each page by its publishable key, may call; `None` for without end.
    pub fn requests(self) -> Option<Rate> {
        let limit = match self {
            Self::Free => 60,
            Self::Starter => 120,
            Self::Professional => 300,
            Self::Enterprise => return None,
        };
        Some(Rate { limit, window: TimeDelta::minutes(1) })
    }

    /// How often each account key may call.
    pub fn key_requests(self) -> Rate {
        let limit = match self {
            Self::Free | Self::Starter => 1_000,
            Self::Professional | Self::Enterprise => 10_000,
        };
        Rate { limit, window: TimeDelta::hours(1) }
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
        let known = Self::ALL.into_iter().find(|plan| plan.as_str() == text);
        known.ok_or_else(|| {
            Error::bad_request("a plan is FREE, STARTER, PROFESSIONAL or ENTERPRISE".to_owned())
        })
    }
}
