//! What comes of a visit: in one transaction the page's new state, its document, and the pages it leads to.

use std::collections::HashSet;

use ::store::Write;
use chrono::TimeDelta;
use serde_json::json;
use url::Url;

use super::{
    Crawl,
    sitemap::Sitemap,
    store::{self, Found, Item, Kind},
    visit::{Outcome, Read, Site, Visit},
};
use crate::{
    Actor, App, DocumentId, Result, Tenant,
    audit::{self, Event},
    digest, files,
    jobs::{self, Job},
    knowledge::{
        documents, indexes,
        uploads::{self, Change, NewDocument, Source, Upload},
    },
};

/// Tries of a page that answers badly.
const TRIES: i64 = 3;
/// Links of a page that are followed and kept.
const MAX_LINKS: usize = 1_000;
/// Sitemaps that an index may name.
const MAX_SITEMAPS: usize = 50;

/// What is written down of a page.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub state: &'static str,
    pub note: Option<String>,
    pub http_status: Option<u16>,
    pub canonical: Option<String>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub text_hash: Option<String>,
    pub links: Option<Vec<String>>,
    pub document: Option<DocumentId>,
}

impl Settled {
    /// What is known of a page, under another state.
    fn keep(item: Item, state: &'static str, note: Option<String>) -> Self {
        Self {
            state,
            note,
            etag: item.etag,
            last_modified: item.last_modified,
            text_hash: item.text_hash,
            links: item.links,
            document: item.document_id,
            ..Self::default()
        }
    }

    /// A page that is no document.
    fn without(state: &'static str, note: Option<String>) -> Self {
        Self { state, note, ..Self::default() }
    }
}

/// How the run goes on after a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// With the next page.
    On,
    /// Not at all: it was cancelled, deleted or begun anew.
    Over,
    /// Not at all, and why.
    Stuck(String),
}

/// Settles a visit. Its upload becomes part of a document, or is dropped.
pub(super) async fn settle(
    app: &App,
    job: &Job,
    tenant: &Tenant,
    (crawl, site): (&Crawl, &Site),
    item: Item,
    visit: Visit,
) -> Result<Flow> {
    let mut page = Settling { app, tenant, crawl, site: site.clone(), dropped: Vec::new(), changed: false };
    let upload = match &visit.outcome {
        Outcome::Read(read) => Some(read.upload.original().to_owned()),
        _ => None,
    };
    let result = page.commit(job, item, visit).await;
    let dropped = match &result {
        Ok(Flow::On) => page.dropped,
        _ => upload.into_iter().collect(),
    };
    files::remove(app, tenant, &dropped).await?;
    result
}

struct Settling<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    crawl: &'a Crawl,
    site: Site,
    /// Stored files that nothing names after the commit.
    dropped: Vec<String>,
    /// What can be searched has changed.
    changed: bool,
}

impl Settling<'_> {
    async fn commit(&mut self, job: &Job, item: Item, visit: Visit) -> Result<Flow> {
        let now = self.app.clock.now();
        let mut db = self.app.db.write().await?;
        if !store::go_on(&mut db, self.tenant, &self.crawl.id, self.crawl.run, now).await? {
            return Ok(Flow::Over);
        }
        jobs::hold(self.app, &mut db, job).await?;
        if let Some(stuck) = self.page(&mut db, item, visit).await? {
            return Ok(Flow::Stuck(stuck));
        }
        if self.changed {
            indexes::commit(self.app, db).await?;
            self.app.bell.ring();
        } else {
            db.commit().await?;
        }
        Ok(Flow::On)
    }

    /// Settles the page that was asked for, and the one that answered when that is another. Gives the reason when the
    /// run cannot go on.
    async fn page(&mut self, db: &mut Write, item: Item, visit: Visit) -> Result<Option<String>> {
        let later = matches!(visit.outcome, Outcome::Later(..));
        let start = item.url == self.crawl.url && item.kind == "PAGE";
        if start && !(later && item.tries + 1 < TRIES) {
            self.begin_site(db, &visit).await?;
        }
        if item.kind == "SITEMAP" {
            self.sitemap(db, item, visit).await?;
            return Ok(None);
        }
        let url = self.site.own(&visit.url).map_or_else(|| item.url.clone(), String::from);
        if url == item.url || later {
            return self.outcome(db, item, visit).await;
        }
        // A redirect: what answered is settled as the page it is, once.
        let note = Some(format!("It redirects to {url}."));
        let depth = item.depth;
        self.drop_document(db, &item).await?;
        let moved = Settled { http_status: visit.http_status, ..Settled::without("SKIPPED", note) };
        store::settle(db, self.tenant, self.crawl, &item.url, &moved).await?;
        self.queue(db, vec![Found { url: url.clone(), kind: Kind::Page, depth }]).await?;
        let seen = store::states(db, self.tenant, self.crawl, std::slice::from_ref(&url)).await?;
        let target = store::item(db, self.tenant, self.crawl, &url).await?;
        match target.filter(|_| seen.iter().any(|(_, state)| state == "QUEUED")) {
            Some(target) => self.outcome(db, target, visit).await,
            None => {
                self.drop_upload(visit.outcome);
                Ok(None)
            }
        }
    }

    /// The first page has answered: its scheme and host are the site's, and its sitemaps can be asked for.
    async fn begin_site(&mut self, db: &mut Write, visit: &Visit) -> Result<()> {
        let origin = visit.url.origin().ascii_serialization();
        store::set_origin(db, self.tenant, &self.crawl.id, &origin).await?;
        self.site.origin = visit.url.clone();
        if self.crawl.plan.max_depth == 0 {
            return Ok(());
        }
        let usual = visit.url.join("/sitemap.xml").ok();
        let named = self.site.robots.sitemaps.iter().filter_map(|text| visit.url.join(text).ok());
        let found = named.chain(usual).filter_map(|url| self.site.own(&url));
        let found = found.map(|url| Found { url: url.into(), kind: Kind::Sitemap, depth: 0 }).collect();
        self.queue(db, found).await
    }

    async fn sitemap(&mut self, db: &mut Write, item: Item, visit: Visit) -> Result<()> {
        let mut settled = Settled::without("SKIPPED", None);
        match visit.outcome {
            Outcome::Sitemap(Sitemap::Pages(links)) => self.follow(db, &links, 1).await?,
            // An index names sitemaps, and no further index.
            Outcome::Sitemap(Sitemap::Index(named)) if item.depth == 0 => {
                let own = named.iter().filter_map(|text| self.site.own(&text.parse().ok()?));
                let own = own.take(MAX_SITEMAPS);
                let found = own.map(|url| Found { url: url.into(), kind: Kind::Sitemap, depth: 1 }).collect();
                self.queue(db, found).await?;
            }
            Outcome::Later(why, wait) if item.tries + 1 < TRIES => {
                return self.try_again(db, &item, &why, wait).await;
            }
            Outcome::Later(why, _) | Outcome::Failed(why) => settled = Settled::without("FAILED", Some(why)),
            _ => {}
        }
        settled.http_status = visit.http_status;
        store::settle(db, self.tenant, self.crawl, &item.url, &settled).await
    }

    async fn outcome(&mut self, db: &mut Write, item: Item, visit: Visit) -> Result<Option<String>> {
        let url = item.url.clone();
        let links = item.links.clone().unwrap_or_default();
        let depth = item.depth + 1;
        let mut settled = match visit.outcome {
            Outcome::Later(why, wait) if item.tries + 1 < TRIES => {
                self.try_again(db, &item, &why, wait).await?;
                return Ok(None);
            }
            Outcome::Read(read) => {
                let known = (visit.etag, visit.last_modified);
                match self.read(db, item, *read, known).await? {
                    Ok(settled) => settled,
                    Err(stuck) => return Ok(Some(stuck)),
                }
            }
            Outcome::NotModified => {
                self.follow(db, &links, depth).await?;
                Settled::keep(item, "UNCHANGED", None)
            }
            // It is kept as it was, and so are the pages that it led to.
            Outcome::Later(why, _) | Outcome::Failed(why) => {
                self.follow(db, &links, depth).await?;
                store::queue_doubles(db, self.tenant, self.crawl, &url).await?;
                Settled::keep(item, "FAILED", Some(why))
            }
            Outcome::Gone => {
                self.drop_document(db, &item).await?;
                store::queue_doubles(db, self.tenant, self.crawl, &url).await?;
                Settled::without("GONE", None)
            }
            Outcome::Nothing(why) => {
                self.drop_document(db, &item).await?;
                Settled::without("SKIPPED", Some(why))
            }
            Outcome::Sitemap(_) => Settled::without("SKIPPED", None),
        };
        settled.http_status = visit.http_status;
        store::settle(db, self.tenant, self.crawl, &url, &settled).await?;
        Ok(None)
    }

    async fn try_again(
        &self,
        db: &mut Write,
        item: &Item,
        why: &str,
        wait: Option<std::time::Duration>,
    ) -> Result<()> {
        let tries = item.tries + 1;
        let due = self.app.clock.now() + pause(tries, wait);
        tracing::debug!(url = item.url, tries, why, "a page is tried again later");
        store::try_again(db, self.tenant, self.crawl, (&item.url, tries), due).await
    }

    /// A page with its text: what it is, and where it leads. `Err` is why the run cannot go on.
    async fn read(
        &mut self,
        db: &mut Write,
        item: Item,
        read: Read,
        known: (Option<String>, Option<String>),
    ) -> Result<Result<Settled, String>> {
        let links = self.links(&item.url, &read);
        self.follow(db, &links, item.depth + 1).await?;
        let canonical = self.canonical(db, &item, &read).await?;
        let own: Option<Url> = item.url.parse().ok();
        let note = if read.noindex {
            Some("The page asks not to be found.".to_owned())
        } else if let Some(canonical) = &canonical {
            Some(format!("The page says it is {canonical}."))
        } else if read.extracted.text.trim().is_empty() {
            Some("The page holds no text.".to_owned())
        } else if !own.is_some_and(|url| self.crawl.plan.wants(&url)) {
            Some("The page does not match the patterns; it was fetched for its links.".to_owned())
        } else {
            None
        };
        if note.is_some() {
            self.drop_document(db, &item).await?;
            self.dropped.push(read.upload.original().to_owned());
            let skipped = Settled { canonical, links: Some(links), ..Settled::without("SKIPPED", note) };
            return Ok(Ok(skipped));
        }
        let hash = digest::sha256(&read.extracted.text);
        let same = item.sound && item.text_hash.as_deref() == Some(&*hash);
        let (state, document) = match item.document_id.clone().filter(|_| same) {
            // Markup that changes at every load is no other text.
            Some(document) => {
                self.dropped.push(read.upload.original().to_owned());
                ("UNCHANGED", document)
            }
            None => match self.place(db, &item, &read).await {
                Ok(placed) => placed,
                Err(full) if full.kind == crate::Kind::Unprocessable => {
                    return Ok(Err(full.message.into_owned()));
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Ok(Settled {
            state,
            etag: known.0,
            last_modified: known.1,
            text_hash: Some(hash),
            links: Some(links),
            document: Some(document),
            ..Settled::default()
        }))
    }

    /// Where a page leads on its site, each address once.
    fn links(&self, url: &str, read: &Read) -> Vec<String> {
        let Some(web) = read.extracted.web.as_ref().filter(|_| !read.nofollow) else { return Vec::new() };
        let Some(base) = base(url, web.base.as_deref()) else { return Vec::new() };
        let mut seen = HashSet::new();
        let own = web.links.iter().filter_map(|href| self.site.own(&base.join(href).ok()?)).map(String::from);
        own.filter(|link| link != url && seen.insert(link.clone())).take(MAX_LINKS).collect()
    }

    /// The other page that a page says it is, if that can be had: it is queued, and this one is no document.
    async fn canonical(&self, db: &mut Write, item: &Item, read: &Read) -> Result<Option<String>> {
        let Some(web) = &read.extracted.web else { return Ok(None) };
        let Some(base) = base(&item.url, web.base.as_deref()) else { return Ok(None) };
        let named = web.canonical.as_deref().and_then(|href| self.site.own(&base.join(href).ok()?));
        let Some(canonical) = named.filter(|url| url.as_str() != item.url && self.is_wanted(url)) else {
            return Ok(None);
        };
        let canonical = String::from(canonical);
        self.queue(db, vec![Found { url: canonical.clone(), kind: Kind::Page, depth: item.depth }]).await?;
        let states = store::states(db, self.tenant, self.crawl, std::slice::from_ref(&canonical)).await?;
        // One that is not there, or that points elsewhere itself, cannot stand for this one.
        let stands = states.iter().any(|(_, state)| !matches!(state.as_str(), "GONE" | "FAILED" | "SKIPPED"));
        Ok(stands.then_some(canonical))
    }

    fn is_wanted(&self, url: &Url) -> bool {
        self.crawl.plan.wants(url) && self.site.robots.allows(url) && !super::address::is_asset(url)
    }

    /// Queues the pages that links lead to, if they are wanted.
    async fn follow(&self, db: &mut Write, links: &[String], depth: i64) -> Result<()> {
        if depth > self.crawl.plan.max_depth {
            return Ok(());
        }
        let own = links.iter().filter_map(|link| self.site.own(&link.parse().ok()?));
        let wanted = own.filter(|url| self.is_wanted(url));
        let found = wanted.map(|url| Found { url: url.into(), kind: Kind::Page, depth }).collect();
        self.queue(db, found).await
    }

    /// Queues what the run has not seen, as far as there is room.
    async fn queue(&self, db: &mut Write, mut found: Vec<Found>) -> Result<()> {
        let mut once = HashSet::new();
        found.retain(|found| once.insert(found.url.clone()));
        let urls: Vec<String> = found.iter().map(|found| found.url.clone()).collect();
        let seen = store::states(db, self.tenant, self.crawl, &urls).await?;
        let seen: HashSet<String> = seen.into_iter().map(|(url, _)| url).collect();
        found.retain(|found| !seen.contains(&found.url));
        if found.is_empty() {
            return Ok(());
        }
        let rows = store::count_run(db, self.tenant, self.crawl).await?;
        let room = usize::try_from(self.crawl.plan.room() - rows).unwrap_or_default();
        if found.len() > room {
            found.truncate(room);
            store::cut_short(db, self.tenant, &self.crawl.id).await?;
        }
        store::queue(db, self.tenant, self.crawl, &found, rows, self.app.clock.now()).await
    }

    async fn place(
        &mut self,
        db: &mut Write,
        item: &Item,
        read: &Read,
    ) -> Result<(&'static str, DocumentId)> {
        let title = read.title(&item.url);
        let form = NewDocument {
            // Where somebody has moved it, it stays.
            collection: item.shelf.clone().unwrap_or_else(|| self.crawl.collection_id.clone()),
            title: Some(title.clone()),
            source: Source::Url(item.url.clone()),
        };
        let placed = uploads::place(self.app, db, self.tenant, &read.upload, form).await?;
        self.dropped.extend(placed.dropped);
        let (state, action) = match placed.change {
            Change::Created => ("CREATED", "document.created"),
            Change::Updated => ("UPDATED", "document.updated"),
            Change::Unchanged => return Ok(("UNCHANGED", placed.document.id)),
        };
        self.changed = true;
        self.record(db, action, &placed.document.id, &item.url).await?;
        Ok((state, placed.document.id))
    }

    /// A page is no document any more.
    async fn drop_document(&mut self, db: &mut Write, item: &Item) -> Result<()> {
        let Some(document) = &item.document_id else { return Ok(()) };
        self.changed |= retire(self.app, db, self.tenant, self.crawl, (&item.url, document)).await?;
        Ok(())
    }

    async fn record(&self, db: &mut Write, action: &'static str, id: &DocumentId, url: &str) -> Result<()> {
        record(self.app, db, self.tenant, self.crawl, (action, id, url)).await
    }

    fn drop_upload(&mut self, outcome: Outcome) {
        if let Outcome::Read(read) = outcome {
            self.dropped.push(Upload::original(&read.upload).to_owned());
        }
    }
}

/// Ends a document's answering because its page is gone, unless another page or crawl leads to it. Tells whether it did.
pub(super) async fn retire(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    (url, document): (&str, &DocumentId),
) -> Result<bool> {
    if store::is_shared(db, tenant, crawl, (url, document)).await? {
        return Ok(false);
    }
    documents::retire(app, db, tenant, document).await?;
    store::add_retired(db, tenant, &crawl.id).await?;
    record(app, db, tenant, crawl, ("document.retired", document, url)).await?;
    Ok(true)
}

async fn record(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    crawl: &Crawl,
    (action, id, url): (&'static str, &DocumentId, &str),
) -> Result<()> {
    let event = Event::new(action, id.as_str()).with(json!({ "url": url, "crawl": crawl.id }));
    audit::record(app, db, tenant, &Actor::system(), event).await
}

/// What a page's links are relative to.
fn base(url: &str, base: Option<&str>) -> Option<Url> {
    let url: Url = url.parse().ok()?;
    Some(base.and_then(|base| url.join(base).ok()).unwrap_or(url))
}

/// The pause before a page's next try: what the site asks for, else longer each time.
pub(super) fn pause(tries: i64, asked: Option<std::time::Duration>) -> TimeDelta {
    let usual = TimeDelta::seconds(if tries <= 1 { 5 } else { 30 });
    asked.and_then(|asked| TimeDelta::from_std(asked).ok()).map_or(usual, |asked| asked.max(usual))
}
