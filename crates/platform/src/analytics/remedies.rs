//! Unanswered questions, and what people do about them: somebody writes the answer, it becomes knowledge, the agent is
//! asked again at once, and those who asked are sent it if they left an address.

use ::store::Write;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;

use super::{period, topics, zone};
use crate::{
    Actor, App, CollectionId, DocumentId, Error, Page, Paged, Result, Tenant, UnansweredId, agents,
    answering::{self, Question},
    audit::{self, Event},
    conversations::{
        Channel, Thread, Unanswered,
        unanswered::{self, Asker, Filter, Remedy, Status, Test},
    },
    jobs::{self, Job, Task},
    knowledge,
    mail::{self, Mail},
    workspaces,
};

/// How often a document that is being read is looked at.
const LOOK: TimeDelta = TimeDelta::seconds(1);

/// A workspace's unanswered questions.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The questions, most asked first.
    pub questions: Paged<Unanswered>,
    /// How many were resolved since Monday.
    pub resolved_this_week: i64,
    /// Where the workspace is.
    pub zone: Tz,
}

/// A workspace's unanswered questions.
///
/// # Errors
/// What the database says.
pub async fn unanswered(app: &App, tenant: &Tenant, filter: &Filter, page: Page) -> Result<Listing> {
    topics::catch_up(app).await;
    let zone = zone(app, tenant).await?;
    let week = period::week(app.clock.now(), zone);
    Ok(Listing {
        questions: unanswered::list(app, tenant, filter, page).await?,
        resolved_this_week: unanswered::resolved_since(app, tenant, week).await?,
        zone,
    })
}

/// An unanswered question with all that is known of it.
#[derive(Clone, Debug)]
pub struct Details {
    /// The question.
    pub question: Unanswered,
    /// How it was asked, and how often, answered or not.
    pub wordings: Vec<(String, i64)>,
    /// Those who asked and left an address.
    pub askers: Vec<Asker>,
    /// Where the workspace is.
    pub zone: Tz,
}

/// An unanswered question with all that is known of it.
///
/// # Errors
/// Not found.
pub async fn details(app: &App, tenant: &Tenant, id: &UnansweredId) -> Result<Details> {
    let question = unanswered::get(app, tenant, id).await?;
    let mut db = app.db.read().await?;
    let wordings = match &question.topic_id {
        Some(topic) => topics::wordings(&mut db, tenant, topic).await?,
        None => Vec::new(),
    };
    let askers = unanswered::askers(&mut db, tenant, id).await?;
    drop(db);
    Ok(Details { question, wordings, askers, zone: zone(app, tenant).await? })
}

/// The answer to a question that an agent could not answer.
pub struct NewAnswer {
    /// The question, when it is to be put better than visitors did.
    pub question: Option<String>,
    /// The answer.
    pub answer: String,
    /// Where to keep it; the agent's first collection when absent.
    pub collection: Option<CollectionId>,
    /// Whether to send it to those who asked, once the agent knows it.
    pub notify: bool,
}

/// Resolves a question, or opens it again.
///
/// # Errors
/// Not found.
pub async fn set_status(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &UnansweredId,
    status: Status,
) -> Result<Details> {
    unanswered::set_status(app, tenant, by, id, status).await?;
    details(app, tenant, id).await
}

/// Makes an answer knowledge; a job asks the agent again as soon as it is read.
///
/// # Errors
/// Not found, or invalid when there is nothing in it or the agent would not read it.
pub async fn answer(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &UnansweredId,
    form: NewAnswer,
) -> Result<Details> {
    let asked = unanswered::get(app, tenant, id).await?;
    let text = form.answer.trim().to_owned();
    if text.is_empty() || text.chars().count() > knowledge::MAX_PASTED {
        let message = format!("answer has 1 to {} characters.", knowledge::MAX_PASTED);
        return Err(Error::invalid("answer", message));
    }
    let agent = agents::published(app, tenant, &asked.agent_id).await?;
    let read = &agent.settings.collection_ids;
    let collection = match form.collection {
        Some(collection) if read.contains(&collection) => collection,
        Some(_) => {
            let message =
                "The agent's published version does not read this collection. Attach it and publish.";
            return Err(Error::invalid("collection_id", message));
        }
        None => read.first().cloned().ok_or_else(|| {
            Error::invalid("collection_id", "The agent reads no collection yet. Attach one and publish.")
        })?,
    };
    let question = form.question.unwrap_or(asked.question);
    let (document, _) =
        knowledge::paste_answer(app, tenant, by, (question, text.clone()), collection).await?;
    let remedy = Remedy {
        document_id: document.id.clone(),
        answer: text,
        written_at: app.clock.now(),
        notify: form.notify,
        test: None,
        told: 0,
    };
    let mut db = app.db.write().await?;
    unanswered::remedied(app, &mut db, tenant, id, &remedy).await?;
    let task = Task::TryRemedy { question: id.clone(), document: document.id.clone() };
    jobs::enqueue(app, &mut db, Some(tenant.id()), &task).await?;
    let event = Event::new("unanswered.answered", id.as_str()).with(json!({ "document_id": document.id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    details(app, tenant, id).await
}

/// Asks the agent again when the answer has been read.
pub(crate) async fn try_remedy(app: &App, job: &Job, id: &UnansweredId, document: &DocumentId) -> Result<()> {
    let tenant = job.tenant()?;
    let question = unanswered::get(app, &tenant, id).await.ok();
    let remedy = question.as_ref().and_then(|question| question.remedy.clone());
    let (Some(question), Some(mut remedy)) = (question, remedy.filter(|r| r.document_id == *document)) else {
        // It was merged, deleted, or answered otherwise.
        let mut db = app.db.write().await?;
        jobs::finish(&mut db, job).await?;
        return Ok(db.commit().await?);
    };
    let Some(test) = tested(app, &tenant, &question, document).await? else {
        let later = app.clock.now() + LOOK;
        let mut db = app.db.write().await?;
        jobs::put_back(&mut db, job, later).await?;
        db.commit().await?;
        jobs::ring_at(app, later);
        return Ok(());
    };
    let passed = test.passed;
    remedy.test = Some(test);
    let mut db = app.db.write().await?;
    if passed && remedy.notify {
        tell(app, &mut db, &tenant, &question, &mut remedy).await?;
    }
    unanswered::remedied(app, &mut db, &tenant, id, &remedy).await?;
    jobs::finish(&mut db, job).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// What the agent says now; none while the answer is still being read.
async fn tested(
    app: &App,
    tenant: &Tenant,
    question: &Unanswered,
    document: &DocumentId,
) -> Result<Option<Test>> {
    let failed = |reply: String| Test { passed: false, confidence: 0.0, reply, tested_at: app.clock.now() };
    let Ok(details) = knowledge::get(app, tenant, document).await else {
        return Ok(Some(failed("The answer's document has been deleted.".into())));
    };
    match details.document.status.as_str() {
        "COMPLETED" => {}
        "FAILED" => {
            let why = details.document.error_message.unwrap_or_default();
            return Ok(Some(failed(format!("The answer could not be read: {why}"))));
        }
        _ => return Ok(None),
    }
    let agent = match agents::published(app, tenant, &question.agent_id).await {
        Ok(agent) => agent,
        Err(error) => return Ok(Some(failed(error.message.into_owned()))),
    };
    let session = app.entropy.token();
    let thread = Thread { agent: agent.id.clone(), channel: Channel::Test, session, page_url: None };
    let asked = Question::new(agent, thread, question.question.clone());
    let reply = match answering::reply(app, tenant, asked).await {
        Ok(reply) => reply,
        Err(error) => return Ok(Some(failed(error.message.into_owned()))),
    };
    Ok(Some(Test {
        passed: reply.answered && reply.sources.iter().any(|source| source.document_id == *document),
        confidence: reply.confidence,
        reply: reply.text,
        tested_at: app.clock.now(),
    }))
}

/// Sends the answer to those who asked and have not been sent it; gives the question as it is then.
///
/// # Errors
/// Not found, or unprocessable when nobody has written an answer.
pub async fn notify(app: &App, tenant: &Tenant, by: &Actor, id: &UnansweredId) -> Result<Details> {
    let question = unanswered::get(app, tenant, id).await?;
    let Some(mut remedy) = question.remedy.clone() else {
        return Err(Error::unprocessable("Nobody has written an answer that could be sent."));
    };
    let mut db = app.db.write().await?;
    tell(app, &mut db, tenant, &question, &mut remedy).await?;
    unanswered::remedied(app, &mut db, tenant, id, &remedy).await?;
    let event = Event::new("unanswered.notified", id.as_str()).with(json!({ "told": remedy.told }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    details(app, tenant, id).await
}

async fn tell(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    question: &Unanswered,
    remedy: &mut Remedy,
) -> Result<()> {
    let business = workspaces::name(db, tenant).await?;
    for email in unanswered::tell(app, db, tenant, &question.id).await? {
        let mail = Mail {
            to: email,
            subject: "The answer to your question".into(),
            paragraphs: vec![
                format!("You asked us: “{}”", question.question),
                "We could not answer that then. Now we can:".into(),
                remedy.answer.clone(),
                business.clone(),
            ],
        };
        mail::queue(app, db, mail).await?;
        remedy.told += 1;
    }
    Ok(())
}
