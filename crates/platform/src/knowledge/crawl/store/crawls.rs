//! Crawls.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use crate::{CollectionId, CrawlId, Page, Paged, Result, Tenant, knowledge::crawl::Crawl};

const CRAWL: &str = "SELECT id, collection_id, url, site, max_pages, max_depth, include_patterns, exclude_patterns, every,
    status, run, cut_short, retired, error, created_by, created_at, updated_at, started_at, finished_at, next_run_at
    FROM crawls WHERE workspace_id = $1";

/// A site's robots.txt as it was read.
#[derive(Clone, Debug, FromRow)]
pub(in crate::knowledge::crawl) struct KnownRobots {
    pub robots: Option<String>,
    pub robots_origin: Option<String>,
    pub robots_at: Option<DateTime<Utc>>,
    pub origin: Option<String>,
    pub tries: i64,
}

pub(in crate::knowledge::crawl) async fn count(db: &mut Read, tenant: &Tenant) -> Result<i64> {
    Ok(db.count(sql!("SELECT count(*) FROM crawls WHERE workspace_id = $1", tenant)).await?)
}

pub(in crate::knowledge::crawl) async fn crawl(
    db: &mut Read,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<Option<Crawl>> {
    Ok(db.optional(Sql::new(CRAWL).bind(tenant).and("id = ", Some(id))).await?)
}

/// A crawl whose row nobody else changes until the end of the transaction.
pub(in crate::knowledge::crawl) async fn lock(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<Option<Crawl>> {
    // A statement that both databases have; on PostgreSQL it waits for whoever is changing the row.
    let touch = sql!("UPDATE crawls SET run = run WHERE workspace_id = $1 AND id = $2", tenant, id);
    db.execute(touch).await?;
    crawl(db, tenant, id).await
}

/// The id of the crawl that starts there for a collection.
pub(in crate::knowledge::crawl) async fn crawl_of(
    db: &mut Read,
    tenant: &Tenant,
    collection: &CollectionId,
    url: &str,
) -> Result<Option<CrawlId>> {
    let known = sql!(
        "SELECT id FROM crawls WHERE workspace_id = $1 AND collection_id = $2 AND url = $3",
        tenant,
        collection,
        url
    );
    Ok(db.optional::<(CrawlId,)>(known).await?.map(|(id,)| id))
}

pub(in crate::knowledge::crawl) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    page: Page,
) -> Result<Paged<Crawl>> {
    let total = count(db, tenant).await?;
    let sql = Sql::new(CRAWL).bind(tenant).push(" ORDER BY id DESC");
    let items = db.all(sql.push_bind(" LIMIT ", page.limit).push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}

/// Puts a crawl down as it is, a new one too.
pub(in crate::knowledge::crawl) async fn save(db: &mut Write, tenant: &Tenant, c: &Crawl) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO crawls (id, workspace_id, collection_id, url, site, max_pages, max_depth, include_patterns,
             exclude_patterns, every, status, run, tries, cut_short, retired, error, created_by, created_at, updated_at,
             started_at, finished_at, next_run_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (id) DO UPDATE SET max_pages = excluded.max_pages, max_depth = excluded.max_depth,
             include_patterns = excluded.include_patterns, exclude_patterns = excluded.exclude_patterns,
             every = excluded.every, status = excluded.status, run = excluded.run, cut_short = excluded.cut_short,
             retired = excluded.retired, error = excluded.error, updated_at = excluded.updated_at,
             started_at = excluded.started_at, finished_at = excluded.finished_at, next_run_at = excluded.next_run_at",
        &c.id,
        tenant,
        &c.collection_id,
        c.url.as_str(),
        c.site.as_str(),
        c.plan.max_pages,
        c.plan.max_depth,
        serde_json::to_value(&c.plan.include)?,
        serde_json::to_value(&c.plan.exclude)?,
        c.plan.every.map(|every| every.as_str()),
        c.status.as_str(),
        c.run,
        c.cut_short,
        c.retired,
        c.error.clone(),
        c.created_by.as_str(),
        c.created_at,
        c.updated_at,
        c.started_at,
        c.finished_at,
        c.next_run_at,
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn delete(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<u64> {
    Ok(db.execute(sql!("DELETE FROM crawls WHERE workspace_id = $1 AND id = $2", tenant, id)).await?)
}

pub(in crate::knowledge::crawl) async fn delete_all(
    db: &mut Write,
    tenant: &Tenant,
    collection: Option<&CollectionId>,
) -> Result<u64> {
    let all = sql!("DELETE FROM crawls WHERE workspace_id = $1", tenant);
    Ok(db.execute(all.and("collection_id = ", collection)).await?)
}

/// Marks a run as under way, and holds its row until the end of the transaction. False when it is over.
pub(in crate::knowledge::crawl) async fn go_on(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
    run: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let rows = db
        .execute(sql!(
            "UPDATE crawls SET status = 'CRAWLING', updated_at = $4
             WHERE workspace_id = $1 AND id = $2 AND run = $3 AND status IN ('QUEUED', 'CRAWLING')",
            tenant,
            id,
            run,
            now
        ))
        .await?;
    Ok(rows > 0)
}

pub(in crate::knowledge::crawl) async fn cut_short(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<()> {
    db.execute(sql!("UPDATE crawls SET cut_short = true WHERE workspace_id = $1 AND id = $2", tenant, id))
        .await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn add_retired(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawls SET retired = retired + 1 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn known_robots(
    db: &mut Read,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<Option<KnownRobots>> {
    Ok(db
        .optional(sql!(
            "SELECT robots, robots_origin, robots_at, origin, tries FROM crawls WHERE workspace_id = $1 AND id = $2",
            tenant,
            id
        ))
        .await?)
}

pub(in crate::knowledge::crawl) async fn forget_robots(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawls SET robots = NULL, robots_origin = NULL, robots_at = NULL, origin = NULL, tries = 0
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn set_robots(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
    (origin, robots): (&str, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawls SET robots = $3, robots_origin = $4, robots_at = $5, tries = 0
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        robots,
        origin,
        now
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn set_tries(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
    tries: i64,
) -> Result<()> {
    let sql = sql!("UPDATE crawls SET tries = $3 WHERE workspace_id = $1 AND id = $2", tenant, id, tries);
    db.execute(sql).await?;
    Ok(())
}

pub(in crate::knowledge::crawl) async fn set_origin(
    db: &mut Write,
    tenant: &Tenant,
    id: &CrawlId,
    origin: &str,
) -> Result<()> {
    let sql = sql!("UPDATE crawls SET origin = $3 WHERE workspace_id = $1 AND id = $2", tenant, id, origin);
    db.execute(sql).await?;
    Ok(())
}
