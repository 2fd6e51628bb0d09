//! Websites: read page by page, one document a page, and read again when that is wished.
//!
//! A crawl is a row, and what it knows of each page is a row of its own. A run of it is a chain of steps, each a job
//! that takes its turn at the site, fetches a page, and commits what came of it together with the page's new state:
//! a kill loses one fetch, and doubles nothing. A step never waits; it is put back until its turn.

mod address;
mod pattern;
mod plan;
mod robots;
mod run;
mod settle;
mod sitemap;
mod step;
mod store;
mod turn;
mod visit;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;
use url::Url;

pub use plan::{Every, Plan};
pub use store::{Failed, Tally};

pub(crate) use run::begin_due;
pub(crate) use step::step;

use super::{collections, documents};
use crate::{
    Actor, App, CollectionId, CrawlId, DocumentId, Error, Page, Paged, Patch, Result, Tenant,
    audit::{self, Event},
    http::FetchError,
};

/// Crawls of a workspace.
const MAX_CRAWLS: i64 = 1_000;
/// Documents that are deleted in one transaction with their crawl.
const DOCUMENTS_AT_ONCE: usize = 100;

/// A website that is read page by page.
#[derive(Clone, Debug, FromRow)]
pub struct Crawl {
    /// The crawl.
    pub id: CrawlId,
    /// The shelf that its documents are put on.
    pub collection_id: CollectionId,
    /// Where it starts.
    pub url: String,
    /// The host that it stays on, without `www.`.
    pub site: String,
    /// How far it goes, and how often.
    #[sqlx(flatten)]
    pub plan: Plan,
    /// QUEUED, CRAWLING, COMPLETED, FAILED or CANCELLED.
    pub status: String,
    /// Which run this is or was, counted from 1.
    pub run: i64,
    /// Pages were left out, because there were more than allowed.
    pub cut_short: bool,
    /// Documents that the run has retired, because their pages are gone.
    pub retired: i64,
    /// Why it failed, and what to do.
    pub error: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When the run began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the run ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When the next one begins by itself.
    pub next_run_at: Option<DateTime<Utc>>,
}

impl Crawl {
    /// Whether a run is under way.
    pub fn is_active(&self) -> bool {
        matches!(self.status.as_str(), "QUEUED" | "CRAWLING")
    }
}

/// A crawl, what came of its run so far, and what went wrong.
#[derive(Clone, Debug)]
pub struct Details {
    /// The crawl.
    pub crawl: Crawl,
    /// Its pages by what came of them.
    pub tally: Tally,
    /// Pages that could not be read, at most a hundred.
    pub failed: Vec<Failed>,
}

/// A website to read.
#[derive(Clone, Debug)]
pub struct NewCrawl {
    /// Where to start.
    pub url: Url,
    /// The shelf for its documents.
    pub collection: CollectionId,
    /// How far to go, and how often.
    pub plan: Plan,
}

/// What to change of a crawl; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Pages at most.
    pub max_pages: Option<i64>,
    /// Links away from the start at most.
    pub max_depth: Option<i64>,
    /// Only these.
    pub include: Option<Vec<String>>,
    /// Not these.
    pub exclude: Option<Vec<String>>,
    /// How often.
    pub every: Patch<Every>,
}

/// Queues the reading of a website. One that is known already, by its start and collection, gets the new plan and is
/// read again.
///
/// # Errors
/// Invalid when the address may not be entered, the plan is out of range, or there is no such collection.
pub async fn start(app: &App, tenant: &Tenant, by: &Actor, form: NewCrawl) -> Result<Details> {
    let refused = |error: FetchError| Error::invalid("url", error.to_string());
    app.outbound.check(&form.url).await.map_err(refused)?;
    let url = address::normalise(form.url.clone()).ok_or_else(|| refused(FetchError::Address))?;
    form.plan.check(app)?;
    let mut db = app.db.write().await?;
    collections::require(&mut db, tenant, &form.collection).await?;
    let known = match store::crawl_of(&mut db, tenant, &form.collection, url.as_str()).await? {
        Some(id) => store::lock(&mut db, tenant, &id).await?,
        None => None,
    };
    let (mut crawl, action) = match known {
        Some(known) => (Crawl { plan: form.plan, ..known }, "crawl.updated"),
        None if store::count(&mut db, tenant).await? >= MAX_CRAWLS => {
            let told =
                format!("This workspace crawls {MAX_CRAWLS} websites, which is the limit. Delete some.");
            return Err(Error::unprocessable(told));
        }
        None => (new(app, by, &url, form), "crawl.created"),
    };
    store::save(&mut db, tenant, &crawl).await?;
    let event = Event::new(action, crawl.id.as_str()).with(json!({ "url": crawl.url }));
    audit::record(app, &mut db, tenant, by, event).await?;
    run::begin(app, &mut db, tenant, &mut crawl).await?;
    let details = details(&mut db, tenant, crawl).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(details)
}

fn new(app: &App, by: &Actor, url: &Url, form: NewCrawl) -> Crawl {
    let now = app.clock.now();
    Crawl {
        id: CrawlId::new(now, app.entropy),
        collection_id: form.collection,
        url: url.to_string(),
        site: address::site(url),
        plan: form.plan,
        status: "QUEUED".into(),
        run: 0,
        cut_short: false,
        retired: 0,
        error: None,
        created_by: by.id().to_owned(),
        created_at: now,
        updated_at: now,
        started_at: None,
        finished_at: None,
        next_run_at: None,
    }
}

/// A part of the workspace's crawls, newest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant, page: Page) -> Result<Paged<(Crawl, Tally)>> {
    let mut db = app.db.read().await?;
    let crawls = store::list(&mut db, tenant, page).await?;
    let mut items = Vec::new();
    for crawl in crawls.items {
        let tally = store::tally(&mut db, tenant, &crawl).await?;
        items.push((crawl, tally));
    }
    Ok(Paged { items, total: crawls.total, page })
}

/// A crawl and what came of it.
///
/// # Errors
/// Not found when the workspace has no such crawl.
pub async fn get(app: &App, tenant: &Tenant, id: &CrawlId) -> Result<Details> {
    let mut db = app.db.read().await?;
    let crawl = store::crawl(&mut db, tenant, id).await?.ok_or_else(missing)?;
    details(&mut db, tenant, crawl).await
}

async fn details(db: &mut ::store::Read, tenant: &Tenant, crawl: Crawl) -> Result<Details> {
    let tally = store::tally(db, tenant, &crawl).await?;
    let failed = store::failed(db, tenant, &crawl).await?;
    Ok(Details { crawl, tally, failed })
}

fn missing() -> Error {
    Error::not_found("There is no such crawl.")
}

/// Changes a crawl; a run that is under way goes on by the new plan.
///
/// # Errors
/// Not found, or invalid when the plan is out of range.
pub async fn change(app: &App, tenant: &Tenant, by: &Actor, id: &CrawlId, change: Change) -> Result<Details> {
    let mut db = app.db.write().await?;
    let mut crawl = store::lock(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let before = crawl.plan.clone();
    crawl.plan = Plan {
        max_pages: change.max_pages.unwrap_or(before.max_pages),
        max_depth: change.max_depth.unwrap_or(before.max_depth),
        include: change.include.unwrap_or(before.include),
        exclude: change.exclude.unwrap_or(before.exclude),
        every: change.every.apply(before.every),
    };
    crawl.plan.check(app)?;
    crawl.updated_at = app.clock.now();
    if crawl.plan.every != before.every && !crawl.is_active() {
        run::schedule(app, &mut db, tenant, &mut crawl).await?;
    }
    store::save(&mut db, tenant, &crawl).await?;
    audit::record(app, &mut db, tenant, by, Event::new("crawl.updated", id.as_str())).await?;
    let details = details(&mut db, tenant, crawl).await?;
    db.commit().await?;
    Ok(details)
}

/// Reads a website again, now.
///
/// # Errors
/// Not found, or conflict while it is being read.
pub async fn run_now(app: &App, tenant: &Tenant, by: &Actor, id: &CrawlId) -> Result<Details> {
    let mut db = app.db.write().await?;
    let mut crawl = store::lock(&mut db, tenant, id).await?.ok_or_else(missing)?;
    if crawl.is_active() {
        return Err(Error::conflict("This website is being read already. Wait for its end, or cancel it."));
    }
    audit::record(app, &mut db, tenant, by, Event::new("crawl.started", id.as_str())).await?;
    run::begin(app, &mut db, tenant, &mut crawl).await?;
    let details = details(&mut db, tenant, crawl).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(details)
}

/// Ends a run before its time; what it has read stays. The next scheduled run comes all the same, and where none is
/// under way there is nothing to do.
///
/// # Errors
/// Not found when the workspace has no such crawl.
pub async fn cancel(app: &App, tenant: &Tenant, by: &Actor, id: &CrawlId) -> Result<Details> {
    let mut db = app.db.write().await?;
    let mut crawl = store::lock(&mut db, tenant, id).await?.ok_or_else(missing)?;
    if crawl.is_active() {
        audit::record(app, &mut db, tenant, by, Event::new("crawl.cancelled", id.as_str())).await?;
        run::end(app, &mut db, tenant, &mut crawl, "CANCELLED", None).await?;
    }
    let details = details(&mut db, tenant, crawl).await?;
    db.commit().await?;
    Ok(details)
}

/// Removes a crawl; its documents only when that is said. Gives how many went with it.
///
/// # Errors
/// Not found when the workspace has no such crawl.
pub async fn delete(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &CrawlId,
    with_documents: bool,
) -> Result<usize> {
    let mut db = app.db.write().await?;
    let crawl = store::lock(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let documents = if with_documents { store::documents(&mut db, tenant, id).await? } else { Vec::new() };
    store::delete(&mut db, tenant, id).await?;
    let event = Event::new("crawl.deleted", id.as_str())
        .with(json!({ "url": crawl.url, "documents": documents.len() }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    for some in documents.chunks(DOCUMENTS_AT_ONCE) {
        delete_documents(app, tenant, by, some).await?;
    }
    Ok(documents.len())
}

/// Removes the crawls of a workspace or of one of its collections, before their documents go: none comes after.
pub(crate) async fn forget(app: &App, tenant: &Tenant, collection: Option<&CollectionId>) -> Result<()> {
    let mut db = app.db.write().await?;
    store::delete_all(&mut db, tenant, collection).await?;
    Ok(db.commit().await?)
}

async fn delete_documents(app: &App, tenant: &Tenant, by: &Actor, ids: &[DocumentId]) -> Result<()> {
    for id in ids {
        match documents::delete(app, tenant, by, id).await {
            // Somebody else was faster.
            Err(error) if error.kind == crate::Kind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}
