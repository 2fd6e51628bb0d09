//! How far a crawl goes, and how often.

use std::str::FromStr;

use chrono::TimeDelta;
use sqlx::{Database, Decode, FromRow, Type, error::BoxDynError};
use url::Url;

use super::pattern;
use crate::{App, Error, Result};

/// Patterns of one list, and characters of a pattern.
const MAX_PATTERNS: usize = 50;
const MAX_PATTERN: usize = 500;
/// Links away from the start; deeper than this is a trap.
const MAX_DEPTH: i64 = 20;

/// How often a website is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// 24 hours after its end.
    Day,
    /// Seven days after its end.
    Week,
}

impl Every {
    /// As callers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    pub(super) fn pause(self) -> TimeDelta {
        match self {
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::weeks(1),
        }
    }
}

impl FromStr for Every {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Day, Self::Week]
            .into_iter()
            .find(|every| every.as_str() == text)
            .ok_or_else(|| Error::invalid("every", "every is day or week, or left out."))
    }
}

impl<DB: Database> Type<DB> for Every
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        String::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        String::compatible(column)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Every
where
    String: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(String::decode(value)?.parse::<Self>()?)
    }
}

/// How far a crawl goes, and how often.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Plan {
    /// Pages that become documents, at most.
    pub max_pages: i64,
    /// Links away from the start, at most.
    pub max_depth: i64,
    /// Only pages that match one of these; all when there is none.
    #[sqlx(rename = "include_patterns", json)]
    pub include: Vec<String>,
    /// No page that matches one of these.
    #[sqlx(rename = "exclude_patterns", json)]
    pub exclude: Vec<String>,
    /// When it is read again by itself.
    pub every: Option<Every>,
}

impl Plan {
    /// Pages of a crawl for which nothing else is said.
    pub const DEFAULT_PAGES: i64 = 50;
    /// Depth of a crawl for which nothing else is said.
    pub const DEFAULT_DEPTH: i64 = 5;

    /// Whether a page is wanted.
    pub(super) fn wants(&self, url: &Url) -> bool {
        let included = self.include.is_empty() || pattern::any_matches(&self.include, url);
        included && !pattern::any_matches(&self.exclude, url)
    }

    /// Addresses that a run may look at: some of them turn out to be no documents.
    pub(super) fn room(&self) -> i64 {
        self.max_pages.saturating_mul(4).saturating_add(50)
    }

    pub(super) fn check(&self, app: &App) -> Result<()> {
        let most = app.config.crawl_max_pages;
        if !(1..=most).contains(&self.max_pages) {
            let told = format!("max_pages is a number from 1 to {most} (FRONTDESK_CRAWL_MAX_PAGES).");
            return Err(Error::invalid("max_pages", told));
        }
        if !(0..=MAX_DEPTH).contains(&self.max_depth) {
            return Err(Error::invalid("max_depth", format!("max_depth is a number from 0 to {MAX_DEPTH}.")));
        }
        check_patterns("include_patterns", &self.include)?;
        check_patterns("exclude_patterns", &self.exclude)
    }
}

fn check_patterns(field: &'static str, patterns: &[String]) -> Result<()> {
    if patterns.len() > MAX_PATTERNS {
        return Err(Error::invalid(field, format!("{field} has at most {MAX_PATTERNS} patterns.")));
    }
    let fits = |pattern: &String| !pattern.trim().is_empty() && pattern.len() <= MAX_PATTERN;
    if patterns.iter().all(fits) {
        return Ok(());
    }
    let told = format!("{field} holds patterns such as /docs/*, of at most {MAX_PATTERN} characters each.");
    Err(Error::invalid(field, told))
}
