//! Lists of contacts: filters, orders, and counts that stay quick over a million of them.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use store::{Read, Sql, sql};

use super::{Contact, SOURCES, STATUSES, contact::ARCHIVED, settings, store::COLUMNS, terms};
use crate::{AgentId, App, Error, Page, Paged, Result, Tenant};

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

    fn is_plain(&self) -> bool {
        let Self { search, status, stage, source, owner, created_from, created_to, custom } = self;
        [search, status, stage, source, owner].iter().all(|part| part.is_none())
            && created_from.is_none()
            && created_to.is_none()
            && custom.is_empty()
    }

    /// Adds the conditions to a statement that has those of tenant and agent.
    fn narrow(&self, sql: Sql, tenant: &Tenant, agent: &AgentId) -> Sql {
        let sql = match self.status.as_deref() {
            Some(ARCHIVED) => sql.push(" AND archived_at IS NOT NULL"),
            status => sql.push(" AND archived_at IS NULL").and("status = ", status),
        };
        let sql = sql
            .and("stage = ", self.stage.as_deref())
            .and("source = ", self.source.as_deref())
            .and("owner_id = ", self.owner.as_deref())
            .and("created_at >= ", self.created_from)
            .and("created_at < ", self.created_to);
        let sql = self.custom.iter().fold(sql, |sql, (name, value)| {
            sql.push_bind(" AND custom_fields ->> ", name.as_str()).push_bind(" = ", value.as_str())
        });
        let words = self.search.as_deref().map(terms::asked).unwrap_or_default();
        words.into_iter().fold(sql, |sql, word| {
            let end = format!("{word}\u{10ffff}");
            sql.push_bind(" AND id IN (SELECT contact_id FROM contact_terms WHERE workspace_id = ", tenant)
                .push_bind(" AND agent_id = ", agent)
                .push_bind(" AND term >= ", word)
                .push_bind(" AND term < ", end)
                .push(")")
        })
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
    fn order(self) -> &'static str {
        match (self.column, self.descending) {
            ("id", true) => " ORDER BY id DESC",
            ("id", false) => " ORDER BY id",
            ("updated_at", true) => " ORDER BY updated_at DESC, id DESC",
            ("updated_at", false) => " ORDER BY updated_at, id",
            ("email_key", true) => " ORDER BY email_key DESC, id DESC",
            ("email_key", false) => " ORDER BY email_key, id",
            (_, true) => " ORDER BY last_name DESC, id DESC",
            (_, false) => " ORDER BY last_name, id",
        }
    }
}

/// A part of an agent's contacts.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    (filter, sort): (&Filter, Sort),
    page: Page,
) -> Result<Paged<Contact>> {
    let mut db = app.db.read().await?;
    settings::read(&mut db, tenant, agent).await?;
    let total = count(&mut db, tenant, agent, filter).await?;
    // The rows that are passed over are passed over in the index alone.
    let ids = sql!("SELECT id FROM contacts WHERE workspace_id = $1 AND agent_id = $2", tenant, agent);
    let ids: Vec<(String,)> = db
        .all(
            filter
                .narrow(ids, tenant, agent)
                .push(sort.order())
                .push_bind(" LIMIT ", page.limit)
                .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    let rows = Sql::new(COLUMNS).bind(tenant).bind(agent).and_in("id", ids.into_iter().map(|(id,)| id));
    let items = db.all(rows.push(sort.order())).await?;
    Ok(Paged { items, total, page })
}

async fn count(db: &mut Read, tenant: &Tenant, agent: &AgentId, filter: &Filter) -> Result<i64> {
    if filter.is_plain() {
        let counted =
            sql!("SELECT live FROM contact_counts WHERE workspace_id = $1 AND agent_id = $2", tenant, agent);
        return Ok(db.optional::<(i64,)>(counted).await?.map_or(0, |(live,)| live));
    }
    let count =
        sql!("SELECT count(*) FROM contacts WHERE workspace_id = $1 AND agent_id = $2", tenant, agent);
    Ok(db.count(filter.narrow(count, tenant, agent)).await?)
}
