//! What people send by forms.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::FromRow;

use super::{Form, get, missing, public, store};
use crate::{
    Actor, AgentId, App, ContactId, Error, FormId, Origin, Page, Paged, Result, SubmissionId, Tenant,
    audit::{self, Event},
    contacts::{self, Source},
    events::{self, Fact},
    fields::{self, Mode},
    idempotency::{self, Once},
    limits::Rate,
};

/// Submissions of one address to public forms.
const RATE: Rate = Rate { limit: 10, window: TimeDelta::minutes(10) };

/// Nobody has read and filled in a form in less.
const LEAST: TimeDelta = TimeDelta::seconds(2);

/// What somebody sent.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Submission {
    /// The submission.
    pub id: SubmissionId,
    /// The form.
    pub form_id: FormId,
    /// Whom it made or completed.
    pub contact_id: Option<ContactId>,
    /// Values by the names of the form's fields.
    pub answers: Value,
    /// The page that the form was on.
    pub page_url: Option<String>,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

/// Takes in what a program sends by a form.
///
/// # Errors
/// Not found when the agent has no such form; invalid with all that is wrong.
pub async fn submit(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, id): (&AgentId, &FormId),
    body: &Map<String, Value>,
    once: Option<&Once>,
) -> Result<Submission> {
    let form = get(app, tenant, agent, id).await?;
    take(app, tenant, by, &form, (body, None), once).await
}

/// A signed note of when a form's page is given out, to be sent back with it.
///
/// # Errors
/// Internal when it cannot be signed.
pub fn stamp(app: &App, form: &FormId) -> Result<String> {
    app.tokens.issue_form(form, app.clock.now())
}

/// Whether what comes with this note was filled in by somebody who took the time, and not more than a day.
pub fn is_timely(app: &App, form: &FormId, stamp: &str) -> bool {
    let now = app.clock.now();
    app.tokens.check_form(stamp, form, now).is_some_and(|given| now - given >= LEAST)
}

/// Takes in what a visitor sends by a form's public page.
///
/// # Errors
/// Not found when there is no such form; limited when the address sends too much; invalid with all that is wrong.
pub async fn submit_publicly(
    app: &App,
    id: &FormId,
    origin: Origin,
    (body, page_url): (&Map<String, Value>, Option<String>),
) -> Result<Submission> {
    let verdict = app.limiter.take(("forms", origin.bucket()), RATE, app.clock.now());
    if !verdict.allowed {
        return Err(Error::limited(verdict.retry_after));
    }
    let (tenant, form) = public(app, id).await?;
    let by = Actor { name: "visitor".into(), origin, ..Actor::system() };
    take(app, &tenant, &by, &form, (body, page_url), None).await
}

async fn take(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    form: &Form,
    (body, page_url): (&Map<String, Value>, Option<String>),
    once: Option<&Once>,
) -> Result<Submission> {
    let answers = fields::check(&form.fields, body, Mode::Whole).map_err(Error::violations)?;
    let settings = contacts::settings(app, tenant, &form.agent_id).await?;
    let values = settings.check(&mapped(form, &answers), Mode::Change).map_err(|error| named(form, error))?;
    let now = app.clock.now();
    let mut submission = Submission {
        id: SubmissionId::new(now, app.entropy),
        form_id: form.id.clone(),
        contact_id: None,
        answers: Value::Object(answers),
        page_url,
        created_at: now,
    };
    let mut db = app.db.write().await?;
    if let Some(id) = idempotency::begin(app, &mut db, tenant, once, submission.id.as_str()).await? {
        return store::submission(&mut db, tenant, &form.id, &id.parse()?).await?.ok_or_else(missing);
    }
    let values = values.known();
    if values.email().is_some() {
        let contact =
            contacts::learn(app, &mut db, (tenant, &form.agent_id), by, (values, Source::Form)).await?;
        contacts::lead(app, &mut db, tenant, (&form.agent_id, None), &contact).await?;
        submission.contact_id = Some(contact.id);
    }
    store::insert_submission(&mut db, tenant, &submission).await?;
    let fact = Fact::FormSubmitted {
        submission: submission.id.clone(),
        form: form.id.clone(),
        agent: form.agent_id.clone(),
        contact: submission.contact_id.clone(),
    };
    events::record(app, &mut db, tenant, &fact).await?;
    let event = Event::new("form.submitted", submission.id.as_str()).with(json!({ "form": form.id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(submission)
}

/// The values of a contact that a form's answers are.
fn mapped(form: &Form, answers: &Map<String, Value>) -> Map<String, Value> {
    let (mut base, mut custom) = (Map::new(), Map::new());
    for field in &form.fields {
        let (Some(target), Some(value)) = (&field.maps_to, answers.get(&field.name)) else { continue };
        match target.strip_prefix("customFields.") {
            Some(name) => custom.insert(name.to_owned(), value.clone()),
            None => base.insert(target.clone(), value.clone()),
        };
    }
    base.insert("customFields".into(), custom.into());
    base
}

/// What is wrong with the contact, told of the form's fields.
fn named(form: &Form, error: Error) -> Error {
    let violations = error.violations.iter().cloned().map(|mut violation| {
        if let Some(field) = form.fields.iter().find(|field| field.maps_to.as_ref() == Some(&violation.field))
        {
            violation.message = violation.message.replace(&violation.field, &field.name);
            violation.field.clone_from(&field.name);
        }
        violation
    });
    let violations: Vec<_> = violations.collect();
    if violations.is_empty() { error } else { Error::violations(violations) }
}

/// What was sent by a form, latest first.
///
/// # Errors
/// Not found when the agent has no such form.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    (agent, id): (&AgentId, &FormId),
    page: Page,
) -> Result<Paged<Submission>> {
    get(app, tenant, agent, id).await?;
    store::submissions(&mut app.db.read().await?, tenant, id, page).await
}
