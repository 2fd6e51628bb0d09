//! A step of a run: takes a turn at the site, visits what is next, and puts itself back until its next turn.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use reqwest::{StatusCode, header::HeaderMap};
use tokio::time::Instant;
use url::Url;

use super::{
    Crawl,
    robots::{self, Robots},
    run,
    settle::{self, Flow},
    store::{self, Item},
    turn,
    visit::{self, Site, Visit},
};
use crate::{
    App, CrawlId, Error, Result, Tenant,
    http::Outgoing,
    jobs::{self, Job},
    knowledge::indexes,
};

/// How long a step goes on when the site asks for no pauses.
const LONG: Duration = Duration::from_secs(5);
/// Pages that are fetched at once then, and pages of one look into the queue.
const AT_ONCE: usize = 4;
const BATCH: i64 = 32;
/// How long robots.txt may take, and how long it is good for.
const ROBOTS_TIME: Duration = Duration::from_secs(20);
const ROBOTS_FRESH: TimeDelta = TimeDelta::days(1);
/// Tries of a robots.txt that cannot be read.
const ROBOTS_TRIES: i64 = 3;
/// Pages that are retired in one transaction.
const RETIRED_AT_ONCE: i64 = 50;

/// Does the job. What is wrong with the site ends in the crawl's status; what is wrong with us is tried again.
pub(crate) async fn step(app: &App, job: &Job, id: &CrawlId, run: i64) -> Result<()> {
    let step = Step { app, job, tenant: &job.tenant()?, id, run };
    match step.advance().await {
        Err(error) if job.is_last_attempt() => {
            tracing::error!(crawl = %id, %error, "a crawl was given up");
            let told =
                "The website could not be read because of a fault on this server. Run the crawl again later.";
            step.end("FAILED", Some(told.into())).await
        }
        result => result,
    }
}

struct Step<'a> {
    app: &'a App,
    job: &'a Job,
    tenant: &'a Tenant,
    id: &'a CrawlId,
    run: i64,
}

/// What a step finds to do.
enum Work {
    /// These pages, now.
    Pages(Vec<Item>),
    /// Pages that are not due yet.
    Later(DateTime<Utc>),
    /// No more pages; whether some are left out.
    Done { cut_short: bool },
}

impl Step<'_> {
    async fn advance(&self) -> Result<()> {
        let Some(crawl) = self.current().await? else { return self.leave().await };
        match self.work(&crawl).await? {
            Work::Done { cut_short } => return self.finish(crawl, cut_short).await,
            Work::Later(at) => return self.put_back(at).await,
            Work::Pages(_) => {}
        }
        if let Err(at) = turn::take(self.app, self.job, &crawl.site).await? {
            return self.put_back(at).await;
        }
        let begun = Instant::now();
        loop {
            let site = match self.site(&crawl).await? {
                Ok(site) => site,
                Err(flow) => return flow.apply(self, &crawl).await,
            };
            let pause = site.robots.delay.unwrap_or_default().max(self.app.config.crawl_delay);
            let pages = match self.work(&crawl).await? {
                Work::Pages(pages) => pages,
                _ => return self.give_back(&crawl, pause).await,
            };
            let most = if pause.is_zero() { pages.len() } else { 1 };
            match self.visit_all(&crawl, &site, pages.into_iter().take(most)).await? {
                Flow::On => {}
                Flow::Over => return self.leave().await,
                Flow::Stuck(why) => return self.end("FAILED", Some(why)).await,
            }
            if !pause.is_zero() || begun.elapsed() > LONG {
                return self.give_back(&crawl, pause).await;
            }
        }
    }

    /// The crawl, if this run of it is still wanted.
    async fn current(&self) -> Result<Option<Crawl>> {
        let found = store::crawl(&mut self.app.db.read().await?, self.tenant, self.id).await?;
        Ok(found.filter(|crawl| crawl.run == self.run && crawl.is_active()))
    }

    async fn work(&self, crawl: &Crawl) -> Result<Work> {
        let mut db = self.app.db.read().await?;
        // The plan may have been changed since the step began; what counts is the present one.
        let tally = store::tally(&mut db, self.tenant, crawl).await?;
        let room = crawl.plan.max_pages - tally.kept();
        if room <= 0 {
            return Ok(Work::Done { cut_short: tally.queued > 0 });
        }
        let now = self.app.clock.now();
        let most = if self.app.config.crawl_delay.is_zero() { BATCH } else { 1 };
        let pages = store::next(&mut db, self.tenant, crawl, room.min(most), now).await?;
        if !pages.is_empty() {
            return Ok(Work::Pages(pages));
        }
        let due = store::next_due(&mut db, self.tenant, crawl).await?;
        Ok(due.map_or(Work::Done { cut_short: false }, Work::Later))
    }

    /// Visits pages, a few at once, and settles each as it comes. When the run ends amid them, those that are under
    /// way are settled too, which drops what they have fetched.
    async fn visit_all(&self, crawl: &Crawl, site: &Site, pages: impl Iterator<Item = Item>) -> Result<Flow> {
        let over = AtomicBool::new(false);
        let visits = stream::iter(pages.take_while(|_| !over.load(Ordering::Relaxed))).map(|item| async {
            let visit = self.visit(site, &item).await;
            (item, visit)
        });
        let mut visits = std::pin::pin!(visits.buffer_unordered(AT_ONCE));
        let mut flow = Flow::On;
        while let Some((item, visit)) = visits.next().await {
            let next = settle::settle(self.app, self.job, self.tenant, (crawl, site), item, visit?).await?;
            if flow == Flow::On {
                over.store(next != Flow::On, Ordering::Relaxed);
                flow = next;
            }
        }
        Ok(flow)
    }

    async fn visit(&self, site: &Site, item: &Item) -> Result<Visit> {
        match item.kind.as_str() {
            "SITEMAP" => visit::sitemap(self.app, site, item).await,
            _ => visit::page(self.app, self.tenant, site, item).await,
        }
    }

    /// The site with its robots.txt, which is read when it is not known or old.
    async fn site(&self, crawl: &Crawl) -> Result<Result<Site, NoSite>> {
        let mut db = self.app.db.read().await?;
        let Some(known) = store::known_robots(&mut db, self.tenant, self.id).await? else {
            return Ok(Err(NoSite::Gone));
        };
        drop(db);
        let origin: Url = known.origin.as_deref().unwrap_or(&crawl.url).parse().map_err(Error::internal)?;
        let name = origin.origin().ascii_serialization();
        let now = self.app.clock.now();
        let fresh = known.robots_at.is_some_and(|at| now - at < ROBOTS_FRESH);
        if let Some(text) = known.robots.filter(|_| fresh && known.robots_origin.as_deref() == Some(&*name)) {
            return Ok(Ok(Site { origin, robots: Robots::parse(&text) }));
        }
        match self.fetch_robots(&origin).await {
            Ok(text) => {
                let mut db = self.app.db.write().await?;
                store::set_robots(&mut db, self.tenant, self.id, (&name, &text), now).await?;
                db.commit().await?;
                Ok(Ok(Site { origin, robots: Robots::parse(&text) }))
            }
            Err(why) if known.tries + 1 >= ROBOTS_TRIES => Ok(Err(NoSite::Closed(why))),
            Err(_) => Ok(Err(NoSite::Later(known.tries + 1))),
        }
    }

    /// A site's robots.txt: empty when there is none. One that cannot be had closes the site for now (RFC 9309, 2.3.1);
    /// the error says why.
    async fn fetch_robots(&self, origin: &Url) -> Result<String, String> {
        let Ok(url) = origin.join("/robots.txt") else { return Ok(String::new()) };
        let request = Outgoing::get(url, HeaderMap::new(), ROBOTS_TIME);
        let answer = match self.app.outbound.send(request, |_| true).await {
            Ok(answer) => answer,
            Err(error) if error.is_temporary() => return Err(error.to_string()),
            Err(_) => return Ok(String::new()),
        };
        match answer.status {
            status if status.is_success() => {
                let body = answer.into_body(robots::MAX_BYTES).map_err(|error| error.to_string())?;
                let start = body.into_start().await.map_err(|error| error.to_string())?;
                // PostgreSQL keeps no NUL in a text.
                Ok(String::from_utf8_lossy(&start).replace('\0', ""))
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Err(format!(
                "The site's robots.txt answers {}, so that the site cannot be read for now.",
                status.as_u16()
            )),
            _ => Ok(String::new()),
        }
    }

    /// Ends the turn and puts the job back, or finishes when there is nothing left.
    async fn give_back(&self, crawl: &Crawl, pause: Duration) -> Result<()> {
        let work = self.work(crawl).await?;
        let mut db = self.app.db.write().await?;
        let turn = turn::give_back(self.app, &mut db, self.job, &crawl.site, pause).await?;
        let at = match work {
            Work::Done { cut_short } => {
                db.commit().await?;
                return self.finish(crawl.clone(), cut_short).await;
            }
            // Nothing but other work holds it up: it goes before the documents that it has queued.
            Work::Pages(_) if pause.is_zero() => crawl.started_at.unwrap_or(turn),
            Work::Pages(_) => turn,
            Work::Later(due) => due.max(turn),
        };
        jobs::put_back(&mut db, self.job, at).await?;
        db.commit().await?;
        jobs::ring_at(self.app, at);
        Ok(())
    }

    async fn put_back(&self, at: DateTime<Utc>) -> Result<()> {
        let mut db = self.app.db.write().await?;
        jobs::put_back(&mut db, self.job, at).await?;
        db.commit().await?;
        jobs::ring_at(self.app, at);
        Ok(())
    }

    /// Ends the job: the run it is for is over, or there is no such crawl any more.
    async fn leave(&self) -> Result<()> {
        let mut db = self.app.db.write().await?;
        store::forget_turn(&mut db, &self.job.id).await?;
        jobs::finish(&mut db, self.job).await?;
        Ok(db.commit().await?)
    }

    /// All pages are done: what the run has not seen is gone, if it has seen everything.
    async fn finish(&self, crawl: Crawl, cut_short: bool) -> Result<()> {
        let mut db = self.app.db.read().await?;
        let failed = store::failed(&mut db, self.tenant, &crawl).await?;
        let tally = store::tally(&mut db, self.tenant, &crawl).await?;
        let start = store::note(&mut db, self.tenant, &crawl, &crawl.url).await?;
        let before = store::crawl(&mut db, self.tenant, self.id).await?.is_some_and(|crawl| crawl.cut_short);
        drop(db);
        let gone = start.as_ref().is_some_and(|(state, _)| state == "GONE");
        if failed.is_empty() && !cut_short && !before && !gone {
            self.retire_unseen(&crawl).await?;
        }
        if cut_short {
            let mut db = self.app.db.write().await?;
            store::cut_short(&mut db, self.tenant, self.id).await?;
            db.commit().await?;
        }
        if tally.kept() > 0 {
            return self.end("COMPLETED", None).await;
        }
        let why = match start {
            Some((state, _)) if state == "GONE" => {
                "The start page is not there: it answers 404 or 410.".into()
            }
            Some((_, Some(note))) => note,
            _ => "No page of this website became a document. Look at the patterns.".into(),
        };
        self.end("FAILED", Some(why)).await
    }

    async fn retire_unseen(&self, crawl: &Crawl) -> Result<()> {
        loop {
            let mut db = self.app.db.write().await?;
            jobs::hold(self.app, &mut db, self.job).await?;
            let unseen = store::unseen(&mut db, self.tenant, crawl, RETIRED_AT_ONCE).await?;
            for (url, document) in &unseen {
                settle::retire(self.app, &mut db, self.tenant, crawl, (url, document)).await?;
                store::forget(&mut db, self.tenant, crawl, url).await?;
            }
            if unseen.is_empty() {
                store::forget_unseen(&mut db, self.tenant, crawl).await?;
                return Ok(db.commit().await?);
            }
            indexes::commit(self.app, db).await?;
        }
    }

    /// Ends the run and the job.
    async fn end(&self, status: &str, error: Option<String>) -> Result<()> {
        let mut db = self.app.db.write().await?;
        let now = self.app.clock.now();
        if store::go_on(&mut db, self.tenant, self.id, self.run, now).await?
            && let Some(mut crawl) = store::crawl(&mut db, self.tenant, self.id).await?
        {
            run::end(self.app, &mut db, self.tenant, &mut crawl, status, error).await?;
        }
        store::forget_turn(&mut db, &self.job.id).await?;
        store::forget_sites(&mut db, now - TimeDelta::days(1)).await?;
        jobs::finish(&mut db, self.job).await?;
        Ok(db.commit().await?)
    }
}

/// Why a site cannot be visited now.
enum NoSite {
    /// The crawl was deleted.
    Gone,
    /// Its robots.txt cannot be had, for the n-th time.
    Later(i64),
    /// Its robots.txt could not be had at all.
    Closed(String),
}

impl NoSite {
    async fn apply(self, step: &Step<'_>, crawl: &Crawl) -> Result<()> {
        match self {
            Self::Gone => step.leave().await,
            Self::Closed(why) => step.end("FAILED", Some(why)).await,
            Self::Later(tries) => {
                let pause = settle::pause(tries, None);
                let mut db = step.app.db.write().await?;
                store::set_tries(&mut db, step.tenant, step.id, tries).await?;
                let turn = pause.to_std().unwrap_or_default();
                let at = turn::give_back(step.app, &mut db, step.job, &crawl.site, turn).await?;
                jobs::put_back(&mut db, step.job, at).await?;
                db.commit().await?;
                jobs::ring_at(step.app, at);
                Ok(())
            }
        }
    }
}
