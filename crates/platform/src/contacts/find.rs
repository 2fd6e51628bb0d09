//! How contacts are found among a million of an agent's. What narrows a list most leads: a word of the search with few
//! contacts, or a facet, whose contacts stand in the order of their ids; where nothing narrows much, the list is walked in
//! its order, and what is common is met soon. Counts of all contacts and of each facet are kept; what nobody has counted
//! is counted as far as it takes few steps.

use std::collections::HashMap;

use store::{Read, Sql, sql};

use super::{
    Contact, Filter, Sort,
    contact::ARCHIVED,
    list::Direction,
    settings::settings,
    store::{self as rows, COLUMNS_AND_COUNTS, COLUMNS_BY_IDS, Listed},
    stretches::Edge,
    terms,
};
use crate::{AgentId, App, Page, Paged, Result, Tenant};

/// Contacts that are looked at one by one before they are put in order.
const FEW: i64 = 2_000;
/// The same where several things are asked for, and whoever walks the list may meet few that have them all.
const MANY: i64 = 20_000;
/// Where nobody has counted, all contacts of an agent with so many are looked through, and of a larger one the first.
const LOOKED_THROUGH: i64 = 4_000;
const FIRST: i64 = 500;

/// A part of an agent's contacts.
#[derive(Clone, Debug)]
pub struct Found {
    /// The part. Its total is at least what was counted.
    pub list: Paged<Contact>,
    /// Whether the total is that of all that there are.
    pub is_exact: bool,
}

/// A part of an agent's contacts.
///
/// # Errors
/// Not found when the workspace has no such agent; invalid when it has no such field of its own.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    (filter, sort): (&Filter, Sort),
    page: Page,
) -> Result<Found> {
    let settings = settings(app, tenant, agent).await?;
    let facets = filter.facets(&settings)?;
    let words = filter.search.as_deref().map(terms::asked).unwrap_or_default();
    let mut db = app.db.read().await?;
    let search = Search { tenant, agent, filter, facets, words, sort, page };
    if search.is_plain() {
        return Ok(Found { list: search.plain(app, &mut db).await?, is_exact: true });
    }
    let Part { ids, total, is_exact } = search.run(&mut db).await?;
    let items = read(&mut db, tenant, agent, ids).await?;
    // There is at least what is shown, and more when there is a next page.
    Ok(Found { list: Paged { items, total, page }, is_exact })
}

/// The contacts with these ids, in their order.
async fn read(db: &mut Read, tenant: &Tenant, agent: &AgentId, ids: Vec<String>) -> Result<Vec<Contact>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Contact> = db
        .all(Sql::new(COLUMNS_BY_IDS).bind(tenant).bind(agent).and_in("id", ids.iter().map(String::as_str)))
        .await?;
    let mut rows: HashMap<String, Contact> =
        rows.into_iter().map(|contact| (contact.id.as_str().to_owned(), contact)).collect();
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// The ids of a part, and how many there are in all.
struct Part {
    ids: Vec<String>,
    total: i64,
    is_exact: bool,
}

struct Search<'a> {
    tenant: &'a Tenant,
    agent: &'a AgentId,
    filter: &'a Filter,
    facets: Vec<String>,
    words: Vec<String>,
    sort: Sort,
    page: Page,
}

/// What narrows a list most.
enum Lead {
    /// Contacts with this facet, so many.
    Facet(String, i64),
    /// Contacts with a word that begins so, so many.
    Word(String, i64),
}

impl Search<'_> {
    async fn run(&self, db: &mut Read) -> Result<Part> {
        match self.lead(db).await? {
            Some(Lead::Facet(_, 0) | Lead::Word(_, 0)) => {
                Ok(Part { ids: Vec::new(), total: 0, is_exact: true })
            }
            Some(lead @ Lead::Word(..)) => self.few(db, &lead).await,
            Some(Lead::Facet(facet, count)) if self.is_alone() => {
                let ids = match self.sort.by_id() {
                    Some(direction) => self.by_facet(db, &facet, direction).await?,
                    None if count <= FEW => self.few(db, &Lead::Facet(facet, count)).await?.ids,
                    None => self.walk(db).await?,
                };
                Ok(Part { ids, total: count, is_exact: true })
            }
            Some(lead @ Lead::Facet(_, 1..=FEW)) => self.few(db, &lead).await,
            _ => self.many(db).await,
        }
    }

    fn is_plain(&self) -> bool {
        self.facets.is_empty() && self.words.is_empty() && !self.has_dates()
    }

    /// Whether there is one facet and nothing else.
    fn is_alone(&self) -> bool {
        self.facets.len() == 1 && self.words.is_empty() && !self.has_dates()
    }

    fn has_dates(&self) -> bool {
        self.filter.created_from.is_some() || self.filter.created_to.is_some()
    }

    /// Whether contacts are wanted that were put away.
    fn of_archived(&self) -> bool {
        self.filter.status.as_deref() == Some(ARCHIVED)
    }

    /// How many contacts a word may have to lead. One word alone is met on a walk through `shown × all / with it` rows,
    /// which are fewer than those with it where these are more than the root of `shown × all`.
    async fn may_lead(&self, db: &mut Read) -> Result<i64> {
        if self.words.len() + self.facets.len() > 1 || self.has_dates() {
            return Ok(MANY);
        }
        let shown = self.page.offset + self.page.limit;
        let walk = shown.saturating_mul(self.live(db).await?).isqrt();
        Ok(walk.clamp(FEW, MANY))
    }

    /// How many contacts are listed.
    async fn live(&self, db: &mut Read) -> Result<i64> {
        Ok(rows::counts(db, self.tenant, self.agent).await?.live)
    }

    /// The rarest of what is asked for, unless that is common.
    async fn lead(&self, db: &mut Read) -> Result<Option<Lead>> {
        let mut lead: Option<Lead> = None;
        let mut least = i64::MAX;
        if !self.facets.is_empty() {
            let sql = sql!(
                "SELECT facet, contacts FROM contact_facets WHERE workspace_id = $1 AND agent_id = $2",
                self.tenant,
                self.agent
            );
            let known: Vec<(String, i64)> =
                db.all(sql.and_in("facet", self.facets.iter().map(String::as_str))).await?;
            for facet in &self.facets {
                let count = known.iter().find(|(known, _)| known == facet).map_or(0, |(_, count)| *count);
                if count < least {
                    least = count;
                    lead = Some(Lead::Facet(facet.clone(), count));
                }
            }
        }
        let most = if self.words.is_empty() { 0 } else { self.may_lead(db).await? };
        for word in &self.words {
            if least == 0 {
                break;
            }
            let limit = least.min(most + 1);
            let count = db
                .count(sql!(
                    "SELECT count(*) FROM (SELECT term FROM contact_terms
                     WHERE workspace_id = $1 AND agent_id = $2 AND term >= $3 AND term < $4 LIMIT $5) found",
                    self.tenant,
                    self.agent,
                    word.as_str(),
                    end(word),
                    limit
                ))
                .await?;
            if count < limit {
                least = count;
                lead = Some(Lead::Word(word.clone(), count));
            }
        }
        Ok(lead)
    }

    /// All contacts that are listed.
    async fn plain(&self, app: &App, db: &mut Read) -> Result<Paged<Contact>> {
        if self.page.offset <= FEW {
            let rows = self.listed(db, None).await?;
            let live = match rows.first() {
                Some(row) => row.counts.live,
                None => self.live(db).await?,
            };
            return Ok(self.paged(rows, live));
        }
        if let Some(direction) = self.sort.by_id() {
            return self.far_down(app, db, direction).await;
        }
        let live = self.live(db).await?;
        let rows = if self.page.offset < live { self.listed(db, None).await? } else { Vec::new() };
        Ok(self.paged(rows, live))
    }

    /// A page far down the list by ids begins in the stretch of ids that it lies in.
    async fn far_down(&self, app: &App, db: &mut Read, direction: Direction) -> Result<Paged<Contact>> {
        // Where it began a moment ago is right as long as nothing is counted otherwise.
        if let Some(known) = app.stretches.known(self.tenant, self.agent) {
            let rows = self.listed(db, Some((direction, known.edge(direction, self.page.offset)))).await?;
            if rows.first().is_some_and(|row| row.counts == known.counts) {
                return Ok(self.paged(rows, known.counts.live));
            }
        }
        let known = app.stretches.read(db, self.tenant, self.agent).await?;
        let rows = self.listed(db, Some((direction, known.edge(direction, self.page.offset)))).await?;
        Ok(self.paged(rows, known.counts.live))
    }

    fn paged(&self, rows: Vec<Listed>, total: i64) -> Paged<Contact> {
        Paged { items: rows.into_iter().map(|row| row.contact).collect(), total, page: self.page }
    }

    /// The contacts of a page, which is counted from an edge.
    async fn listed(&self, db: &mut Read, from: Option<(Direction, Edge)>) -> Result<Vec<Listed>> {
        let mut sql =
            Sql::new(COLUMNS_AND_COUNTS).bind(self.tenant).bind(self.agent).push(" AND archived_at IS NULL");
        let mut offset = self.page.offset;
        if let Some((direction, Edge { id, passed })) = from {
            sql = match direction {
                Direction::Down => sql.and("c.id < ", id),
                Direction::Up => sql.and("c.id >= ", id),
            };
            offset -= passed;
        }
        Ok(db.all(self.cut(sql.push(self.sort.order()), self.page.limit, offset)).await?)
    }

    /// The contacts with a facet, in the order of their ids.
    async fn by_facet(&self, db: &mut Read, facet: &str, direction: Direction) -> Result<Vec<String>> {
        let sql = sql!(
            "SELECT contact_id FROM contact_terms WHERE workspace_id = $1 AND agent_id = $2 AND term = $3",
            self.tenant,
            self.agent,
            facet
        );
        let order = match direction {
            Direction::Down => " ORDER BY contact_id DESC",
            Direction::Up => " ORDER BY contact_id",
        };
        ids(db, self.cut(sql.push(order), self.page.limit, self.page.offset)).await
    }

    /// Contacts with what leads, each of which is looked at.
    async fn few(&self, db: &mut Read, lead: &Lead) -> Result<Part> {
        let rows = sql!(
            "SELECT c.id, count(*) OVER () FROM contact_terms t CROSS JOIN contacts c
             WHERE t.workspace_id = $1 AND t.agent_id = $2 AND c.workspace_id = $1 AND c.id = t.contact_id",
            self.tenant,
            self.agent
        );
        let rows = self.narrow(led(rows, lead)).push(" GROUP BY c.id").push(self.sort.order());
        let rows: Vec<(String, i64)> = db.all(self.cut(rows, self.page.limit, self.page.offset)).await?;
        let total = match rows.first() {
            Some((_, total)) => *total,
            // Behind the last page nobody says how many there are.
            None => self.count(db, lead).await?,
        };
        Ok(Part { ids: rows.into_iter().map(|(id, _)| id).collect(), total, is_exact: true })
    }

    async fn count(&self, db: &mut Read, lead: &Lead) -> Result<i64> {
        let count = sql!(
            "SELECT count(DISTINCT c.id) FROM contact_terms t CROSS JOIN contacts c
             WHERE t.workspace_id = $1 AND t.agent_id = $2 AND c.workspace_id = $1 AND c.id = t.contact_id",
            self.tenant,
            self.agent
        );
        Ok(db.count(self.narrow(led(count, lead))).await?)
    }

    /// What many contacts meet: they are walked in their order, and counted among the first ones.
    async fn many(&self, db: &mut Read) -> Result<Part> {
        let ids = self.walk(db).await?;
        let shown = self.page.offset + ids.len() as i64;
        let is_last = (ids.len() as i64) < self.page.limit && (self.page.offset == 0 || !ids.is_empty());
        if is_last {
            return Ok(Part { ids, total: shown, is_exact: true });
        }
        let live = self.live(db).await?;
        let looked_through = if live <= LOOKED_THROUGH { LOOKED_THROUGH } else { FIRST };
        let first = Sql::new(
            "SELECT count(*) FROM (SELECT * FROM contacts c WHERE c.workspace_id = $1 AND c.agent_id = $2",
        );
        let first = first.bind(self.tenant).bind(self.agent);
        let first = if self.of_archived() { first } else { first.push(" AND c.archived_at IS NULL") };
        let first =
            first.push(" ORDER BY c.id DESC").push_bind(" LIMIT ", looked_through).push(") c WHERE TRUE");
        let counted = db.count(self.narrow(first)).await?;
        if !self.of_archived() && live <= LOOKED_THROUGH {
            return Ok(Part { ids, total: counted, is_exact: true });
        }
        // A full page may have another behind it.
        let next = i64::from(ids.len() as i64 == self.page.limit);
        Ok(Part { ids, total: counted.max(shown + next), is_exact: false })
    }

    async fn walk(&self, db: &mut Read) -> Result<Vec<String>> {
        // Ids grow with time, so dates and ids give one order; by dates there is an index that begins at the first.
        let order = match self.sort.by_id().filter(|_| self.has_dates()) {
            Some(Direction::Down) => " ORDER BY c.created_at DESC, c.id DESC",
            Some(Direction::Up) => " ORDER BY c.created_at, c.id",
            None => self.sort.order(),
        };
        ids(db, self.cut(self.narrow(self.contacts()).push(order), self.page.limit, self.page.offset)).await
    }

    fn contacts(&self) -> Sql {
        let sql = sql!(
            "SELECT c.id FROM contacts c WHERE c.workspace_id = $1 AND c.agent_id = $2",
            self.tenant,
            self.agent
        );
        if self.of_archived() { sql } else { sql.push(" AND c.archived_at IS NULL") }
    }

    /// Adds what is asked for to a statement about `contacts c`.
    fn narrow(&self, sql: Sql) -> Sql {
        let sql = if self.of_archived() { sql } else { sql.push(" AND c.archived_at IS NULL") };
        let sql = self.facets.iter().fold(sql, |sql, facet| {
            // Not EXISTS: of that PostgreSQL may make a join, which takes forever while it knows nothing of new rows.
            sql.push_bind(" AND (SELECT 1 FROM contact_terms f WHERE f.workspace_id = ", self.tenant)
                .push_bind(" AND f.agent_id = ", self.agent)
                .push_bind(" AND f.term = ", facet.as_str())
                .push(" AND f.contact_id = c.id) = 1")
        });
        let sql = self.words.iter().fold(sql, |sql, word| {
            sql.push_bind(" AND c.words LIKE ", format!("% {}%", escaped(word))).push(" ESCAPE '\\'")
        });
        sql.and("c.created_at >= ", self.filter.created_from).and("c.created_at < ", self.filter.created_to)
    }

    fn cut(&self, sql: Sql, limit: i64, offset: i64) -> Sql {
        sql.push_bind(" LIMIT ", limit).push_bind(" OFFSET ", offset)
    }
}

/// A statement about `contact_terms t`, led by a facet or a word.
fn led(sql: Sql, lead: &Lead) -> Sql {
    match lead {
        Lead::Facet(facet, _) => sql.and("t.term = ", Some(facet.as_str())),
        Lead::Word(word, _) => sql.and("t.term >= ", Some(word.as_str())).and("t.term < ", Some(end(word))),
    }
}

/// Behind all that begins with a word.
fn end(word: &str) -> String {
    format!("{word}\u{10ffff}")
}

fn escaped(word: &str) -> String {
    word.chars().fold(String::new(), |mut text, c| {
        if matches!(c, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(c);
        text
    })
}

async fn ids(db: &mut Read, sql: Sql) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(sql).await?.into_iter().map(|(id,)| id).collect())
}
