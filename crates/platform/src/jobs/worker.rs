//! The loop that claims jobs and does them.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::{interval, sleep};

use super::{Job, LEASE, Task, store};
use crate::{App, Error, Result, analytics, contacts, extraction, identity, knowledge, mail, workspaces};

/// How often a worker looks when no bell rings; another process's jobs are found this way.
const LOOK: Duration = Duration::from_secs(1);

/// Claims and does jobs until the app stops. A job in hand is given back then, whole.
pub async fn run(app: App, name: String) {
    while !app.stopping.is_cancelled() {
        match claim(&app, &name).await {
            Ok(Some(job)) => {
                // More may wait than one bell rang for.
                app.bell.ring();
                work(&app, job).await;
            }
            Ok(None) => {
                tokio::select! {
                    () = app.bell.heard() => {}
                    () = sleep(LOOK) => {}
                    () = app.stopping.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot look for jobs");
                sleep(LOOK).await;
            }
        }
    }
}

async fn claim(app: &App, name: &str) -> Result<Option<Job>> {
    let due = store::any_due(&mut app.db.read().await?, app.clock.now()).await?;
    if !due {
        return Ok(None);
    }
    let mut db = app.db.write().await?;
    let job = store::claim(&mut db, name, app.clock.now()).await?;
    db.commit().await?;
    Ok(job)
}

/// Does one job and records how it went.
pub(super) async fn work(app: &App, job: Job) {
    let outcome = tokio::select! {
        // One job must not take the worker with it.
        outcome = AssertUnwindSafe(perform(app, &job)).catch_unwind() => {
            Some(outcome.unwrap_or_else(|_| Err(Error::internal("the job panicked; see the log above"))))
        }
        () = keep_lease(app, &job) => None,
        () = app.stopping.cancelled() => {
            record(app, &job, Ending::Release).await;
            return;
        }
    };
    match outcome {
        Some(Ok(())) => {
            metrics::counter!("frontdesk_jobs_done_total", "kind" => job.task.kind()).increment(1)
        }
        Some(Err(error)) => {
            tracing::warn!(job = %job.id, kind = job.task.kind(), attempt = job.attempt, %error, "a job failed");
            metrics::counter!("frontdesk_jobs_failed_total", "kind" => job.task.kind()).increment(1);
            record(app, &job, Ending::Fail(error.to_string())).await;
        }
        None => tracing::warn!(job = %job.id, "a job's lease was lost to another worker"),
    }
}

async fn perform(app: &App, job: &Job) -> Result<()> {
    match &job.task {
        Task::ProcessDocument { document, version } => knowledge::process(app, job, document, *version).await,
        Task::CrawlStep { crawl, run } => knowledge::crawl::step(app, job, crawl, *run).await,
        Task::CrawlDue { crawl, due } => knowledge::crawl::begin_due(app, job, crawl, *due).await,
        Task::TransferContacts { transfer } => contacts::transfers::run(app, job, transfer).await,
        Task::ExtractFields { extraction } => extraction::process(app, job, extraction).await,
        Task::AddUpAnew => analytics::rebuild_as_job(app, job).await,
        Task::TryRemedy { question, document } => analytics::try_remedy(app, job, question, document).await,
        Task::EraseWorkspace => workspaces::erase(app, job).await,
        Task::SendMail(mail) => mail::send(app, job, mail).await,
        Task::MailLink { purpose, email } => identity::make_link(app, job, *purpose, email).await,
    }
}

/// Renews the lease three times in its length; returns when it is lost.
async fn keep_lease(app: &App, job: &Job) {
    let third = LEASE.to_std().unwrap_or(Duration::from_secs(60)) / 3;
    let mut ticks = interval(third);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let renewed = async {
            let mut db = app.db.write().await?;
            let rows = store::renew(&mut db, job, app.clock.now()).await?;
            db.commit().await?;
            Result::<_>::Ok(rows)
        };
        match renewed.await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => tracing::warn!(job = %job.id, %error, "cannot renew a job's lease"),
        }
    }
}

enum Ending {
    Fail(String),
    Release,
}

async fn record(app: &App, job: &Job, ending: Ending) {
    let recorded = async {
        let mut db = app.db.write().await?;
        match &ending {
            Ending::Fail(error) => store::fail(&mut db, job, error, app.clock.now()).await?,
            Ending::Release => store::release(&mut db, job, app.clock.now()).await?,
        }
        db.commit().await?;
        Result::<_>::Ok(())
    };
    if let Err(error) = recorded.await {
        tracing::error!(job = %job.id, %error, "cannot record a job's end; its lease will run out");
    }
}
