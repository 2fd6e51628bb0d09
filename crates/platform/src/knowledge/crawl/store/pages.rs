//! The pages of crawls.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Sql, Value, Write, sql};

use crate::{
    CollectionId, CrawlId, DocumentId, Result, Tenant,
    knowledge::crawl::{Crawl, settle::Settled},
};

/// Failed pages that are shown.
const FAILED_SHOWN: i64 = 100;
/// Rows of one INSERT: nine values each stay far below PostgreSQL's 65,535 and SQLite's 32,766.
const ROWS_AT_ONCE: usize = 500;

/// What a row of a crawl is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::knowledge::crawl) enum Kind {
    /// A page, or a file beside the pages.
    Page,
    /// A list of pages.
    Sitemap,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "PAGE",
            Self::Sitemap => "SITEMAP",
        }
    }
}

/// An address to go to.
#[derive(Clone, Debug)]
pub(in crate::knowledge::crawl) struct Found {
    pub url: String,
    pub kind: Kind,
    pub depth: i64,
}

/// A page that is to be fetched, and what is known of it from before.
#[derive(Clone, Debug, FromRow)]
pub(in crate::knowledge::crawl) struct Item {
    pub url: String,
    pub kind: String,
    pub depth: i64,
    pub tries: i64,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub text_hash: Option<String>,
    #[sqlx(json(nullable))]
    pub links: Option<Vec<String>>,
    pub document_id: Option<DocumentId>,
    /// The shelf that its document stands on now.
    pub shelf: Option<CollectionId>,
    /// Its document answers, or will.
    pub sound: bool,
}

/// The pages of a run by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Tally {
    /// Waiting to be fetched.
    pub queued: i64,
    /// New documents.
    pub created: i64,
    /// Documents with a new version.
    pub updated: i64,
    /// Documents whose text is what it was.
    pub unchanged: i64,
    /// Fetched, and no document: another page's double, not to be found, without text.
    pub skipped: i64,
    /// Gone.
    pub gone: i64,
    /// Could not be read.
    pub failed: i64,
}

impl Tally {
    /// Pages that are documents.
    pub fn kept(&self) -> i64 {
        self.created + self.updated + self.unchanged
    }

    /// Pages in all.
    pub fn seen(&self) -> i64 {
        self.queued + self.fetched()
    }

    /// Pages that were tried.
    pub fn fetched(&self) -> i64 {
        self.kept() + self.skipped + self.gone + self.failed
    }
}

/// A page that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Failed {
    /// The page.
    pub url: String,
    /// What it answered, if it did.
    pub http_status: Option<i64>,
    /// Why.
    pub note: Option<String>,
}

pub(in crate::knowledge::crawl) async fn tally(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
) -> Result<Tally> {
    Ok(db
        .one(sql!(
            "SELECT count(CASE WHEN state = 'QUEUED' THEN 1 END) AS queued,
                    count(CASE WHEN state = 'CREATED' THEN 1 END) AS created,
                    count(CASE WHEN state = 'UPDATED' THEN 1 END) AS updated,
                    count(CASE WHEN state = 'UNCHANGED' THEN 1 END) AS unchanged,
                    count(CASE WHEN state = 'SKIPPED' THEN 1 END) AS skipped,
                    count(CASE WHEN state = 'GONE' THEN 1 END) AS gone,
                    count(CASE WHEN state = 'FAILED' THEN 1 END) AS failed
             FROM crawl_pages WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3 AND kind = 'PAGE'",
            tenant,
            &crawl.id,
            crawl.run
        ))
        .await?)
}

/// What could not be read in the run, sitemaps too.
pub(in crate::knowledge::crawl) async fn failed(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
) -> Result<Vec<Failed>> {
    Ok(db
        .all(sql!(
            "SELECT url, http_status, note FROM crawl_pages
             WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3 AND state = 'FAILED'
             ORDER BY depth, position LIMIT $4",
            tenant,
            &crawl.id,
            crawl.run,
            FAILED_SHOWN
        ))
        .await?)
}

/// What to fetch next: of what is due the nearest to the start.
pub(in crate::knowledge::crawl) async fn next(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Item>> {
    Ok(db
        .all(sql!(
            "SELECT p.url, p.kind, p.depth, p.tries, p.etag, p.last_modified, p.text_hash, p.links, p.document_id,
                    d.collection_id AS shelf,
                    coalesce(d.retired_at IS NULL AND d.status <> 'FAILED', false) AS sound
             FROM crawl_pages p LEFT JOIN documents d ON d.id = p.document_id AND d.workspace_id = $1
             WHERE p.workspace_id = $1 AND p.crawl_id = $2 AND p.run = $3 AND p.state = 'QUEUED' AND p.due_at <= $4
             ORDER BY p.depth, p.position LIMIT $5",
            tenant,
            &crawl.id,
            crawl.run,
            now,
            limit
        ))
        .await?)
}

/// When the next page is due that waits for another try.
pub(in crate::knowledge::crawl) async fn next_due(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
) -> Result<Option<DateTime<Utc>>> {
    let due = sql!(
        "SELECT due_at FROM crawl_pages
         WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3 AND state = 'QUEUED' ORDER BY due_at LIMIT 1",
        tenant,
        &crawl.id,
        crawl.run
    );
    Ok(db.optional::<(DateTime<Utc>,)>(due).await?.map(|(at,)| at))
}

/// Rows of the run.
pub(in crate::knowledge::crawl) async fn count_run(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT count(*) FROM crawl_pages WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3",
            tenant,
            &crawl.id,
            crawl.run
        ))
        .await?)
}

/// Which of the addresses the run has seen, and what became of each.
pub(in crate::knowledge::crawl) async fn states(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    urls: &[String],
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for some in urls.chunks(ROWS_AT_ONCE) {
        let sql = sql!(
            "SELECT url, state FROM crawl_pages WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3",
            tenant,
            &crawl.id,
            crawl.run
        );
        found.extend(db.all(sql.and_in("url", some.iter().map(String::as_str))).await?);
    }
    Ok(found)
}

/// Queues addresses that the run has not seen. What is known of them from before stays.
pub(in crate::knowledge::crawl) async fn queue(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    found: &[Found],
    position: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut position = position..;
    for some in found.chunks(ROWS_AT_ONCE) {
        let insert = Sql::new(
            "INSERT INTO crawl_pages (crawl_id, workspace_id, url, kind, run, depth, position, due_at, state, tries) VALUES",
        );
        let insert = some.iter().zip(&mut position).fold(insert, |insert, (found, position)| {
            insert.push_row([
                (&crawl.id).into(),
                tenant.into(),
                found.url.as_str().into(),
                found.kind.as_str().into(),
                crawl.run.into(),
                found.depth.into(),
                position.into(),
                Value::from(now),
                "QUEUED".into(),
                0i64.into(),
            ])
        });
        db.execute(insert.push(
            " ON CONFLICT (crawl_id, url) DO UPDATE SET kind = excluded.kind, run = excluded.run,
                 depth = excluded.depth, position = excluded.position, due_at = excluded.due_at, state = 'QUEUED',
                 tries = 0, canonical = NULL, http_status = NULL, note = NULL
              WHERE crawl_pages.run < excluded.run",
        ))
        .await?;
    }
    Ok(())
}

/// Queues a page again for another try.
pub(in crate::knowledge::crawl) async fn try_again(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    (url, tries): (&str, i64),
    due: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawl_pages SET tries = $4, due_at = $5 WHERE workspace_id = $1 AND crawl_id = $2 AND url = $3",
        tenant,
        &crawl.id,
        url,
        tries,
        due
    ))
    .await?;
    Ok(())
}

/// Queues the pages again that said that they are another, which turned out not to be there.
pub(in crate::knowledge::crawl) async fn queue_doubles(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    canonical: &str,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawl_pages SET state = 'QUEUED', note = NULL
         WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3 AND canonical = $4 AND state = 'SKIPPED'",
        tenant,
        &crawl.id,
        crawl.run,
        canonical
    ))
    .await?;
    Ok(())
}

/// Writes down what came of a page.
pub(in crate::knowledge::crawl) async fn settle(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    url: &str,
    settled: &Settled,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE crawl_pages SET state = $4, note = $5, http_status = $6, canonical = $7, etag = $8, last_modified = $9,
                text_hash = $10, links = $11, document_id = $12
         WHERE workspace_id = $1 AND crawl_id = $2 AND url = $3",
        tenant,
        &crawl.id,
        url,
        settled.state,
        settled.note.clone(),
        settled.http_status.map(i64::from),
        settled.canonical.clone(),
        settled.etag.clone(),
        settled.last_modified.clone(),
        settled.text_hash.clone(),
        settled.links.as_ref().map(serde_json::to_value).transpose()?,
        settled.document.as_ref().map(DocumentId::as_str),
    ))
    .await?;
    Ok(())
}

/// A known page as an item, whatever run saw it last.
pub(in crate::knowledge::crawl) async fn item(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    url: &str,
) -> Result<Option<Item>> {
    Ok(db
        .optional(sql!(
            "SELECT p.url, p.kind, p.depth, p.tries, p.etag, p.last_modified, p.text_hash, p.links, p.document_id,
                    d.collection_id AS shelf,
                    coalesce(d.retired_at IS NULL AND d.status <> 'FAILED', false) AS sound
             FROM crawl_pages p LEFT JOIN documents d ON d.id = p.document_id AND d.workspace_id = $1
             WHERE p.workspace_id = $1 AND p.crawl_id = $2 AND p.url = $3",
            tenant,
            &crawl.id,
            url
        ))
        .await?)
}

/// What became of a page in the run, and why.
pub(in crate::knowledge::crawl) async fn note(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    url: &str,
) -> Result<Option<(String, Option<String>)>> {
    Ok(db
        .optional(sql!(
            "SELECT state, note FROM crawl_pages
             WHERE workspace_id = $1 AND crawl_id = $2 AND run = $3 AND url = $4",
            tenant,
            &crawl.id,
            crawl.run,
            url
        ))
        .await?)
}

/// Some pages that were documents and that the run has not seen.
pub(in crate::knowledge::crawl) async fn unseen(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    limit: i64,
) -> Result<Vec<(String, DocumentId)>> {
    Ok(db
        .all(sql!(
            "SELECT url, document_id FROM crawl_pages
             WHERE workspace_id = $1 AND crawl_id = $2 AND run < $3 AND document_id IS NOT NULL ORDER BY url LIMIT $4",
            tenant,
            &crawl.id,
            crawl.run,
            limit
        ))
        .await?)
}

/// Forgets a page.
pub(in crate::knowledge::crawl) async fn forget(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    url: &str,
) -> Result<()> {
    db.execute(sql!(
        "DELETE FROM crawl_pages WHERE workspace_id = $1 AND crawl_id = $2 AND url = $3",
        tenant,
        &crawl.id,
        url
    ))
    .await?;
    Ok(())
}

/// Forgets the pages without a document that the run has not seen.
pub(in crate::knowledge::crawl) async fn forget_unseen(
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
) -> Result<()> {
    db.execute(sql!(
        "DELETE FROM crawl_pages
         WHERE workspace_id = $1 AND crawl_id = $2 AND run < $3 AND document_id IS NULL",
        tenant,
        &crawl.id,
        crawl.run
    ))
    .await?;
    Ok(())
}

/// Whether another crawl, or another page of this one, leads to the document too.
pub(in crate::knowledge::crawl) async fn is_shared(
    db: &mut Read,
    tenant: &Tenant,
    crawl: &Crawl,
    (url, document): (&str, &DocumentId),
) -> Result<bool> {
    let others = sql!(
        "SELECT count(*) FROM crawl_pages
         WHERE workspace_id = $1 AND document_id = $2 AND NOT (crawl_id = $3 AND url = $4)",
        tenant,
        document,
        &crawl.id,
        url
    );
    Ok(db.count(others).await? > 0)
}

/// The documents that a crawl has made and no other crawl leads to.
pub(in crate::knowledge::crawl) async fn documents(
    db: &mut Read,
    tenant: &Tenant,
    id: &CrawlId,
) -> Result<Vec<DocumentId>> {
    let sql = sql!(
        "SELECT DISTINCT p.document_id FROM crawl_pages p
         WHERE p.workspace_id = $1 AND p.crawl_id = $2 AND p.document_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM crawl_pages o WHERE o.document_id = p.document_id AND o.crawl_id <> p.crawl_id)",
        tenant,
        id
    );
    Ok(db.all::<(DocumentId,)>(sql).await?.into_iter().map(|(id,)| id).collect())
}
