//! Which contacts a list is to hold, and in what order.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use super::{SOURCES, STATUSES, Settings, contact::ARCHIVED, terms};
use crate::{
    Error, Result,
    fields::{self, Mode},
};

/// Which contacts to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Beginnings of words of names, addresses, references, numbers; all must be met.
    pub search: Option<String>,
    /// Exactly this status. Without it archived ones are left out.
    pub status: Option<String>,
    /// At this stage.
    pub stage: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Looked after by this member.
    pub owner: Option<String>,
    /// Known since this moment.
    pub created_from: Option<DateTime<Utc>>,
    /// Known before this moment.
    pub created_to: Option<DateTime<Utc>>,
    /// With these values of own fields.
    pub custom: Vec<(String, String)>,
}

impl Filter {
    /// Filter and order as the query of a list names them: `search`, `status`, `stage`, `source`, `ownerId`,
    /// `createdFrom`, `createdTo`, `customFields.<name>`, `sort`. `others` are names that it may hold besides.
    ///
    /// # Errors
    /// Invalid, naming what is wrong or unknown.
    pub fn read(query: &[(String, String)], others: &[&str]) -> Result<(Self, Sort)> {
        let (mut filter, mut sort) = (Self::default(), Sort::default());
        for (name, value) in query {
            let value = Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned);
            match (name.as_str(), value) {
                (_, None) => {}
                ("search", value) => filter.search = value,
                ("status", Some(value)) => {
                    filter.status = Some(one_of("status", &value, &[STATUSES[0], STATUSES[1], ARCHIVED])?);
                }
                ("stage", value) => filter.stage = value,
                ("source", Some(value)) => filter.source = Some(one_of("source", &value, &SOURCES)?),
                ("ownerId", value) => filter.owner = value,
                ("createdFrom", Some(value)) => filter.created_from = Some(moment("createdFrom", &value)?),
                ("createdTo", Some(value)) => filter.created_to = Some(moment("createdTo", &value)?),
                ("sort", Some(value)) => sort = value.parse()?,
                (other, Some(value)) => match other.strip_prefix("customFields.") {
                    Some(own) => filter.custom.push((own.to_owned(), value)),
                    None if others.contains(&other) => {}
                    None => {
                        let message = format!("{other} is not a filter of this list.");
                        return Err(Error::invalid(other.to_owned(), message));
                    }
                },
            }
        }
        Ok((filter, sort))
    }

    /// The facets that a contact must have.
    ///
    /// # Errors
    /// Invalid when the agent has no such field of its own, or the field no such value.
    pub(super) fn facets(&self, settings: &Settings) -> Result<Vec<String>> {
        let base = [
            ("status", &self.status),
            ("stage", &self.stage),
            ("source", &self.source),
            ("ownerId", &self.owner),
        ];
        let mut facets: Vec<String> = base
            .into_iter()
            .filter_map(|(name, value)| Some(terms::facet(name, value.as_deref()?)))
            .collect();
        for (name, value) in &self.custom {
            let whole = format!("customFields.{name}");
            let Some(field) = settings.fields.iter().find(|field| field.name == *name) else {
                let message = format!("{whole} is not a field of this agent's contacts.");
                return Err(Error::invalid(whole, message));
            };
            let given = [(name.clone(), value.as_str().into())].into_iter().collect();
            let spelt = fields::check(std::slice::from_ref(field), &given, Mode::Change);
            let spelt = spelt.map_err(|wrong| {
                let what = wrong.first().map(|violation| violation.message.clone()).unwrap_or_default();
                Error::invalid(whole.clone(), format!("customFields.{what}."))
            })?;
            facets.push(terms::facet(&whole, &terms::spelling(&spelt[name])));
        }
        Ok(facets)
    }
}

fn one_of(name: &'static str, value: &str, options: &[&str]) -> Result<String> {
    let known = options.iter().find(|option| option.eq_ignore_ascii_case(value));
    let wrong = || Error::invalid(name, format!("{name} is one of {}.", options.join(", ")));
    known.map(|option| (*option).to_owned()).ok_or_else(wrong)
}

fn moment(name: &'static str, value: &str) -> Result<DateTime<Utc>> {
    let day = value.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let moment = day.map(|start| start.and_utc()).or_else(|| value.parse().ok());
    let wrong =
        || Error::invalid(name, format!("{name} is a day such as 2026-03-14, or a moment of RFC 3339."));
    moment.ok_or_else(wrong)
}

/// In what order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    column: &'static str,
    descending: bool,
}

/// Latest known first.
impl Default for Sort {
    fn default() -> Self {
        Self { column: "id", descending: true }
    }
}

impl FromStr for Sort {
    type Err = Error;

    /// `createdAt`, or `-createdAt` for the latest first.
    fn from_str(text: &str) -> Result<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let column = match name {
            "createdAt" => "id",
            "updatedAt" => "updated_at",
            "primaryEmail" => "email_key",
            "lastName" => "last_name",
            _ => {
                let message = "sort is createdAt, updatedAt, primaryEmail or lastName, with - before it for the other way round.";
                return Err(Error::invalid("sort", message));
            }
        };
        Ok(Self { column, descending })
    }
}

impl Sort {
    /// Whether ids decide, which grow with the time when a contact became known.
    pub(super) fn by_id(self) -> Option<Direction> {
        (self.column == "id").then_some(if self.descending { Direction::Down } else { Direction::Up })
    }

    /// The order of `contacts c`.
    pub(super) fn order(self) -> &'static str {
        match (self.column, self.descending) {
            ("id", true) => " ORDER BY c.id DESC",
            ("id", false) => " ORDER BY c.id",
            ("updated_at", true) => " ORDER BY c.updated_at DESC, c.id DESC",
            ("updated_at", false) => " ORDER BY c.updated_at, c.id",
            ("email_key", true) => " ORDER BY c.email_key DESC, c.id DESC",
            ("email_key", false) => " ORDER BY c.email_key, c.id",
            (_, true) => " ORDER BY c.last_name DESC, c.id DESC",
            (_, false) => " ORDER BY c.last_name, c.id",
        }
    }
}

/// Which way ids run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}
