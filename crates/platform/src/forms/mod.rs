//! Forms: what an agent's business asks people for. What they send becomes, or completes, a contact.

mod store;
mod submissions;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

pub use submissions::{Submission, is_timely, list as list_submissions, stamp, submit, submit_publicly};

use crate::{
    Actor, AgentId, App, Error, FormId, Page, Paged, Patch, Result, Tenant, agents,
    audit::{self, Event},
    contacts,
    fields::{self, Field, FieldType},
};

/// Forms of one agent.
const MOST: i64 = 200;

/// A form.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Form {
    /// The form.
    pub id: FormId,
    /// The agent whose contacts it makes.
    pub agent_id: AgentId,
    /// What it is called.
    pub name: String,
    /// What stands above its fields.
    pub description: Option<String>,
    /// Its fields, in their order.
    #[sqlx(json)]
    pub fields: Vec<Field>,
    /// What stands on its button.
    pub submit_text: Option<String>,
    /// What people read when they have sent it.
    pub thank_you: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A checked request for a form.
pub struct NewForm {
    /// What it is called.
    pub name: String,
    /// What stands above its fields.
    pub description: Option<String>,
    /// Its fields, in their order.
    pub fields: Vec<Field>,
    /// What stands on its button.
    pub submit_text: Option<String>,
    /// What people read when they have sent it.
    pub thank_you: Option<String>,
}

/// What to change of a form.
#[derive(Default)]
pub struct FormChange {
    /// A new name.
    pub name: Option<String>,
    /// What stands above its fields from now on, or nothing.
    pub description: Patch<String>,
    /// Its fields from now on.
    pub fields: Option<Vec<Field>>,
    /// What stands on its button, or the usual.
    pub submit_text: Patch<String>,
    /// What people read when they have sent it, or the usual.
    pub thank_you: Patch<String>,
}

/// Makes a form.
///
/// # Errors
/// Not found when the workspace has no such agent, invalid when a field cannot be used.
pub async fn create(app: &App, tenant: &Tenant, by: &Actor, agent: &AgentId, form: NewForm) -> Result<Form> {
    agents::get(app, tenant, agent).await?;
    let now = app.clock.now();
    let form = Form {
        id: FormId::new(now, app.entropy),
        agent_id: agent.clone(),
        name: form.name,
        description: form.description,
        fields: usable(app, tenant, agent, form.fields).await?,
        submit_text: form.submit_text,
        thank_you: form.thank_you,
        created_at: now,
        updated_at: now,
    };
    let mut db = app.db.write().await?;
    if store::count(&mut db, tenant, agent).await? >= MOST {
        return Err(Error::unprocessable(format!("An agent has at most {MOST} forms. Delete some.")));
    }
    store::insert(&mut db, tenant, &form).await?;
    audit::record(app, &mut db, tenant, by, Event::new("form.created", form.id.as_str())).await?;
    db.commit().await?;
    Ok(form)
}

/// Fields of a form can be used when each leads to a field of the contact that takes its values, and one of them, which
/// must be filled in, to the contact's address, if any leads to a contact at all.
async fn usable(app: &App, tenant: &Tenant, agent: &AgentId, fields: Vec<Field>) -> Result<Vec<Field>> {
    let fields = fields::defined(fields)?;
    if fields.is_empty() {
        return Err(Error::invalid("fields", "A form has at least one field."));
    }
    let settings = contacts::settings(app, tenant, agent).await?;
    for (position, field) in fields.iter().enumerate() {
        let Some(target) = &field.maps_to else { continue };
        let wrong = |message: String| Err(Error::invalid(format!("fields[{position}].maps_to"), message));
        match settings.target(target) {
            None => return wrong(format!("A contact has no field {target}.")),
            Some(contact) if contact.kind == FieldType::Email && field.kind != FieldType::Email => {
                return wrong(format!("{target} takes a mail address; give {} the type email.", field.name));
            }
            Some(_) => {}
        }
    }
    let maps = fields.iter().any(|field| field.maps_to.is_some());
    let address =
        fields.iter().any(|field| field.required && field.maps_to.as_deref() == Some("primaryEmail"));
    if maps && !address {
        let message =
            "A form that makes contacts has a required field of the type email with maps_to primaryEmail.";
        return Err(Error::invalid("fields", message));
    }
    Ok(fields)
}

/// An agent's form.
///
/// # Errors
/// Not found when the agent has no such form.
pub async fn get(app: &App, tenant: &Tenant, agent: &AgentId, id: &FormId) -> Result<Form> {
    store::get(&mut app.db.read().await?, tenant, agent, id).await?.ok_or_else(missing)
}

/// A form by its public address, with the workspace it belongs to.
///
/// # Errors
/// Not found when there is none, or its agent was put away.
pub async fn public(app: &App, id: &FormId) -> Result<(Tenant, Form)> {
    store::public(&mut app.db.read().await?, id).await?.ok_or_else(missing)
}

/// An agent's forms, latest first.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list(app: &App, tenant: &Tenant, agent: &AgentId, page: Page) -> Result<Paged<Form>> {
    agents::get(app, tenant, agent).await?;
    store::list(&mut app.db.read().await?, tenant, agent, page).await
}

/// Changes a form. What was sent by it stays as it was sent.
///
/// # Errors
/// Not found when the agent has no such form, invalid when a field cannot be used.
pub async fn change(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, id): (&AgentId, &FormId),
    change: FormChange,
) -> Result<Form> {
    let fields = match change.fields {
        Some(fields) => Some(usable(app, tenant, agent, fields).await?),
        None => None,
    };
    let mut db = app.db.write().await?;
    let old = store::get(&mut db, tenant, agent, id).await?.ok_or_else(missing)?;
    let form = Form {
        name: change.name.unwrap_or(old.name),
        description: change.description.apply(old.description),
        fields: fields.unwrap_or(old.fields),
        submit_text: change.submit_text.apply(old.submit_text),
        thank_you: change.thank_you.apply(old.thank_you),
        updated_at: app.clock.now(),
        ..old
    };
    store::update(&mut db, tenant, &form).await?;
    audit::record(app, &mut db, tenant, by, Event::new("form.changed", id.as_str())).await?;
    db.commit().await?;
    Ok(form)
}

/// Deletes a form with what was sent by it; the contacts stay.
///
/// # Errors
/// Not found when the agent has no such form.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, (agent, id): (&AgentId, &FormId)) -> Result<()> {
    let mut db = app.db.write().await?;
    if store::delete(&mut db, tenant, agent, id).await? == 0 {
        return Err(missing());
    }
    audit::record(app, &mut db, tenant, by, Event::new("form.deleted", id.as_str())).await?;
    Ok(db.commit().await?)
}

/// The line that puts a form on another page.
pub fn embed(app: &App, id: &FormId) -> String {
    let base = app.config.public_url.as_str().trim_end_matches('/');
    format!("<script src=\"{base}/form.js\" data-form-id=\"{id}\" async></script>")
}

fn missing() -> Error {
    Error::not_found("There is no such form.")
}
