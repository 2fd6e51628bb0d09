//! Topics: what visitors ask, put together by meaning. [`run`] reads the event log; each question joins the topic that
//! means the same or begins one, whatever it is spelt like. Vectors are made before a transaction begins, so that
//! nobody waits for them.

mod changes;
mod known;
mod rebuild;
mod store;
mod subjects;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::NaiveDate;
use known::Known;
pub use rebuild::rebuild;
pub(super) use store::{Ranked, Told, ranked, told, wordings};
pub use subjects::Subjects;
pub(super) use subjects::subjects;

use super::{period::day, roll_up::by_tenant, tally::millionths};
use crate::{
    AgentId, App, Result, Tenant,
    conversations::unanswered::spelling,
    digest,
    events::{self, Event, Fact, Reader},
    workspaces,
};

/// The reader's name in the log.
const READER: &str = "topics";
/// Workspaces whose topics are kept in memory.
const WORKSPACES: usize = 64;
/// Letters of a wording that are kept.
const LONGEST_WORDING: usize = 300;
/// Times that the maker of vectors may fail before questions are put together by spelling for now.
const PATIENCE: usize = 4;
/// How long a report waits for what has just been asked.
const WAIT: Duration = Duration::from_millis(60);

/// Who puts questions together in this process, and what they know.
#[derive(Default)]
pub struct Grouping(tokio::sync::Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// Where the reader was when this was right; on another server somebody may have read on.
    place: Option<i64>,
    known: HashMap<Tenant, Known>,
    failures: usize,
}

/// A question as it counts for its topic.
#[derive(Clone, Debug)]
struct Question {
    agent: AgentId,
    wording: String,
    /// The SHA-256 of its folded words.
    spelling: String,
    day: NaiveDate,
    at: chrono::DateTime<chrono::Utc>,
    answered: bool,
    confidence_millionths: i64,
}

/// Puts questions together until the server stops.
pub(crate) async fn run(app: App) {
    let mut reader = Reader::new(&app, READER);
    while reader.peek(&app).await.is_some() {
        if let Err(error) = step(&app).await {
            tracing::warn!(%error, "questions cannot be put together; they are read again");
            let pause = tokio::time::sleep(Duration::from_secs(1));
            app.stopping.run_until_cancelled(pause).await;
        }
    }
}

/// Puts together what has just been asked, if that is soon done.
pub(super) async fn catch_up(app: &App) {
    let all = async {
        while step(app).await? {}
        Result::<_>::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(WAIT, all).await {
        tracing::warn!(%error, "questions cannot be put together for a report");
    }
}

/// Reads on by one batch; gives whether there was one.
async fn step(app: &App) -> Result<bool> {
    let mut memory = app.grouping.0.lock().await;
    let Memory { place, known: all_known, failures } = &mut *memory;
    let Some(batch) = events::look_on(app, READER).await? else { return Ok(false) };
    // Whatever fails below leaves no place, and what was known is read again.
    if place.take() != Some(batch.from) || all_known.len() > WORKSPACES {
        all_known.clear();
    }
    let mut all = Vec::new();
    for (tenant, events) in by_tenant(&batch.events) {
        let mut db = app.db.read().await?;
        let Some(zone) = workspaces::zone(&mut db, tenant).await? else { continue };
        let questions: Vec<Question> = events.into_iter().filter_map(|event| question(event, zone)).collect();
        if questions.is_empty() {
            continue;
        }
        let known = match all_known.remove(tenant) {
            Some(known) if known.is_right(&mut db, tenant).await? => known,
            _ => Known::read(&mut db, tenant).await?,
        };
        let known = all_known.entry(tenant.clone()).or_insert(known);
        known.look_up(&mut db, tenant, &questions).await?;
        drop(db);
        let vectors = vectors(app, failures, known.unknown(&questions)).await?;
        all.push((tenant, known.assign(app, questions, &vectors)));
    }
    let Some(mut db) = events::take(app, READER, &batch).await? else { return Ok(true) };
    for (tenant, changes) in &all {
        changes.write(&mut db, tenant).await?;
        if all_known.get(*tenant).is_some_and(Known::is_full) {
            changes::prune(&mut db, tenant).await?;
            all_known.remove(*tenant);
        }
    }
    db.commit().await?;
    *place = Some(batch.to);
    Ok(true)
}

/// The vectors of some wordings, by spelling. A provider that goes on failing must not hold up everything for ever:
/// then there are none, and questions are put together by spelling.
async fn vectors(
    app: &App,
    failures: &mut usize,
    wordings: BTreeMap<String, String>,
) -> Result<HashMap<String, Vec<f32>>> {
    if wordings.is_empty() {
        return Ok(HashMap::new());
    }
    let (spellings, texts): (Vec<_>, Vec<_>) = wordings.into_iter().unzip();
    let vectors = match app.embeddings.questions(texts).await {
        Ok(vectors) => vectors,
        Err(error) if *failures < PATIENCE => {
            *failures += 1;
            return Err(error);
        }
        Err(error) => {
            tracing::error!(%error, "no vectors: questions are put together by spelling");
            None
        }
    };
    *failures = 0;
    Ok(vectors.map(|vectors| spellings.into_iter().zip(vectors).collect()).unwrap_or_default())
}

/// What was asked, when somebody asked something.
fn question(event: &Event, zone: chrono_tz::Tz) -> Option<Question> {
    let Fact::MessageReceived { agent, question, asked, answered, confidence, .. } = &event.fact else {
        return None;
    };
    // What goes on from an earlier question says nothing by itself.
    let text = asked.as_deref().unwrap_or(question).trim();
    Some(Question {
        agent: agent.clone(),
        wording: text.chars().take(LONGEST_WORDING).collect(),
        spelling: digest::sha256(spelling(text)),
        day: day(event.created_at, zone),
        at: event.created_at,
        answered: *answered,
        confidence_millionths: millionths(*confidence),
    })
}
