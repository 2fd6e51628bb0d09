//! Work that outlives a request: a queue in the database.
//!
//! A job is a row written in the transaction that makes it necessary. A worker claims it by a lease, renews the
//! lease while it works, and ends it in the transaction that holds the job's effect: a worker whose lease has
//! passed to another cannot commit, so no effect happens twice, and a worker that is killed loses nothing but
//! time.

mod store;
mod worker;

use std::{sync::Arc, time::Duration};

use ::store::Write;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use store::Counts;
pub use worker::run;

use crate::{
    App, CrawlId, DocumentId, Error, ExtractionId, JobId, Result, Tenant, TransferId, UnansweredId,
    WorkspaceId, identity::Purpose, mail::Mail,
};

/// How long a worker may go silent before another takes its job.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often a job is tried before it is dead.
const MAX_ATTEMPTS: i64 = 6;
/// A job that is due sooner is waited for.
const SOON: Duration = Duration::from_secs(40);

/// What there is to do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Read a document's stored original and make it searchable.
    ProcessDocument {
        /// The document.
        document: DocumentId,
        /// Take the kept text of this version instead.
        #[serde(default)]
        version: Option<i64>,
    },
    /// Read the next pages of a website.
    CrawlStep {
        /// The website.
        crawl: CrawlId,
        /// The run that this is a step of; steps of an earlier one are void.
        run: i64,
    },
    /// Begin a website's scheduled run.
    CrawlDue {
        /// The website.
        crawl: CrawlId,
        /// When it is due; void when that was changed.
        due: DateTime<Utc>,
    },
    /// Take in or write out a table of contacts.
    TransferContacts {
        /// The import or export.
        transfer: TransferId,
    },
    /// Take the fields out of a stored file.
    ExtractFields {
        /// The extraction.
        extraction: ExtractionId,
    },
    /// Add a workspace's numbers up anew, as its time zone has changed.
    AddUpAnew,
    /// Ask an agent what somebody wrote the answer to, and send that to those who asked.
    TryRemedy {
        /// The question.
        question: UnansweredId,
        /// The answer's document; void when another answer was written since.
        document: DocumentId,
    },
    /// Remove everything a deleted workspace held.
    EraseWorkspace,
    /// Send a mail.
    SendMail(Mail),
    /// Mail a link to whoever has an address, if anybody has.
    MailLink {
        /// What the link is for.
        purpose: Purpose,
        /// The address, as it was given.
        email: String,
    },
}

impl Task {
    /// Read a document's original.
    pub(crate) fn read(document: &DocumentId) -> Self {
        Self::ProcessDocument { document: document.clone(), version: None }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::ProcessDocument { .. } => "process_document",
            Self::CrawlStep { .. } => "crawl_step",
            Self::CrawlDue { .. } => "crawl_due",
            Self::TransferContacts { .. } => "transfer_contacts",
            Self::ExtractFields { .. } => "extract_fields",
            Self::AddUpAnew => "add_up_anew",
            Self::TryRemedy { .. } => "try_remedy",
            Self::EraseWorkspace => "erase_workspace",
            Self::SendMail(_) => "send_mail",
            Self::MailLink { .. } => "mail_link",
        }
    }
}

/// A claimed job: what to do, for whom, and the lease under which it is done.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// The workspace it belongs to; none for what concerns a person.
    pub workspace: Option<WorkspaceId>,
    /// What to do.
    pub task: Task,
    /// Which try this is, counted from 1.
    pub attempt: i64,
    owner: String,
}

impl Job {
    /// The tenant the job works for.
    ///
    /// # Errors
    /// Internal when the job was queued without a workspace.
    pub fn tenant(&self) -> Result<Tenant> {
        let id = self
            .workspace
            .clone()
            .ok_or_else(|| Error::internal(format!("job {} has no workspace", self.id)))?;
        Ok(Tenant::new(id))
    }

    /// Whether this is the try after which the job is dead.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= MAX_ATTEMPTS
    }
}

/// Wakes the workers of this process when something to do was committed, so that they need not wait for their next look.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// To be rung after the commit.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn heard(&self) {
        self.0.notified().await;
    }
}

/// Queues a job as part of a change. Ring [`App::bell`] after the commit.
///
/// # Errors
/// What the database says.
pub async fn enqueue(
    app: &App,
    db: &mut Write,
    workspace: Option<&WorkspaceId>,
    task: &Task,
) -> Result<JobId> {
    enqueue_at(app, db, workspace, task, app.clock.now()).await
}

/// Queues a job that is done at a later time.
///
/// # Errors
/// What the database says.
pub async fn enqueue_at(
    app: &App,
    db: &mut Write,
    workspace: Option<&WorkspaceId>,
    task: &Task,
    run_at: DateTime<Utc>,
) -> Result<JobId> {
    let now = app.clock.now();
    let id = JobId::new(now, app.entropy);
    store::insert(db, &id, workspace, task, (now, run_at)).await?;
    Ok(id)
}

/// Makes sure, in the transaction that holds a part of a job's effect, that the job is still this worker's.
///
/// # Errors
/// Conflict when the lease has passed to another worker; the caller's transaction must not be committed then.
pub async fn hold(app: &App, db: &mut Write, job: &Job) -> Result<()> {
    owned(store::renew(db, job, app.clock.now()).await?)
}

/// Puts a job back in the transaction that holds a part of its effect, to be gone on with at a later time.
///
/// # Errors
/// As [`hold`].
pub async fn put_back(db: &mut Write, job: &Job, run_at: DateTime<Utc>) -> Result<()> {
    owned(store::put_back(db, job, run_at).await?)
}

/// Wakes a worker when a job that was put back is due, if that is soon; it would look only now and then.
pub fn ring_at(app: &App, run_at: DateTime<Utc>) {
    let wait = (run_at - app.clock.now()).to_std().unwrap_or_default();
    if wait < SOON {
        let waking = app.clone();
        app.tasks.spawn(async move {
            let waited = waking.stopping.run_until_cancelled(tokio::time::sleep(wait)).await;
            waited.map(|()| waking.bell.ring())
        });
    }
}

/// Ends a job in the transaction that holds its effect.
///
/// # Errors
/// Conflict when the lease has passed to another worker; the caller's transaction must not be committed then.
pub async fn finish(db: &mut Write, job: &Job) -> Result<()> {
    owned(store::delete(db, job).await?)
}

/// What a statement on a job's own row touched: nothing, when the row is another worker's now.
fn owned(rows: u64) -> Result<()> {
    match rows {
        0 => Err(Error::conflict("Another worker has taken this job over.")),
        _ => Ok(()),
    }
}

/// Jobs by state, for metrics and readiness.
///
/// # Errors
/// What the database says.
pub async fn counts(app: &App) -> Result<Counts> {
    store::counts(&mut app.db.read().await?).await
}

/// When a job that failed on its `attempt`-th try runs again: 5 s, 20 s, 80 s, … at most an hour.
fn backoff(attempt: i64, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = 5i64.saturating_mul(4i64.saturating_pow(u32::try_from(attempt - 1).unwrap_or(0)));
    now + TimeDelta::seconds(seconds.min(3600))
}
