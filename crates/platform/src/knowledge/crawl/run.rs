//! A run's beginning, its end, and when the next one comes.

use ::store::Write;
use chrono::{DateTime, Utc};

use super::{Crawl, store};
use crate::{
    Actor, App, CrawlId, Result, Tenant,
    audit::{self, Event},
    jobs::{self, Job, Task},
};

/// Begins a run as part of a change: its first page is the start, everything else is found on the way.
pub(super) async fn begin(app: &App, db: &mut Write, tenant: &Tenant, crawl: &mut Crawl) -> Result<()> {
    let now = app.clock.now();
    crawl.status = "QUEUED".into();
    crawl.run += 1;
    crawl.cut_short = false;
    crawl.retired = 0;
    crawl.error = None;
    crawl.updated_at = now;
    crawl.started_at = Some(now);
    crawl.finished_at = None;
    crawl.next_run_at = None;
    store::save(db, tenant, crawl).await?;
    store::forget_robots(db, tenant, &crawl.id).await?;
    let start = store::Found { url: crawl.url.clone(), kind: store::Kind::Page, depth: 0 };
    store::queue(db, tenant, crawl, &[start], 0, now).await?;
    let step = Task::CrawlStep { crawl: crawl.id.clone(), run: crawl.run };
    jobs::enqueue(app, db, Some(tenant.id()), &step).await?;
    Ok(())
}

/// Ends a run as part of a change, and queues the next one when there is to be one.
pub(super) async fn end(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    crawl: &mut Crawl,
    status: &str,
    error: Option<String>,
) -> Result<()> {
    let now = app.clock.now();
    crawl.status = status.into();
    crawl.error = error;
    crawl.updated_at = now;
    crawl.finished_at = Some(now);
    schedule(app, db, tenant, crawl).await?;
    store::save(db, tenant, crawl).await
}

/// Sets when the next run begins, and queues that; the caller saves the crawl.
pub(super) async fn schedule(app: &App, db: &mut Write, tenant: &Tenant, crawl: &mut Crawl) -> Result<()> {
    crawl.next_run_at = crawl.plan.every.map(|every| app.clock.now() + every.pause());
    if let Some(due) = crawl.next_run_at {
        let task = Task::CrawlDue { crawl: crawl.id.clone(), due };
        jobs::enqueue_at(app, db, Some(tenant.id()), &task, due).await?;
    }
    Ok(())
}

/// Does the job that begins a scheduled run. One that was changed, begun by hand or deleted meanwhile is passed over.
pub(crate) async fn begin_due(app: &App, job: &Job, id: &CrawlId, due: DateTime<Utc>) -> Result<()> {
    let tenant = job.tenant()?;
    let mut db = app.db.write().await?;
    let found = store::lock(&mut db, &tenant, id).await?;
    if let Some(mut crawl) = found.filter(|crawl| crawl.next_run_at == Some(due) && !crawl.is_active()) {
        begin(app, &mut db, &tenant, &mut crawl).await?;
        audit::record(app, &mut db, &tenant, &Actor::system(), Event::new("crawl.started", id.as_str()))
            .await?;
    }
    jobs::finish(&mut db, job).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}
