//! Contacts: the people that an agent knows. They come from the API, from forms, conversations, files and by hand;
//! each belongs to one agent, which says what else than the usual it wants to know of them.

mod contact;
mod files;
mod find;
mod intake;
mod list;
mod merge;
mod notes;
mod settings;
mod store;
mod stretches;
mod terms;
pub mod transfers;

use serde_json::{Map, Value, json};

pub use contact::{Contact, Handle, SOURCES, STATUSES, Source};
pub(crate) use files::release_files;
pub use files::{FileRow, add_file, delete_file, list_files, open_file};
pub use find::{Found, list};
pub(crate) use intake::New;
pub use list::{Filter, Sort};
pub use merge::merge;
pub use notes::{Note, add_note, delete_note, list_notes};
pub use settings::{READ_ONLY, Settings, change_settings, settings};
pub(crate) use settings::{Values, read as settings_of};
pub use store::Talk;
pub use stretches::Stretches;

use ::store::{Read, Write};

use crate::{
    Actor, AgentId, App, ContactId, Error, Result, Tenant,
    audit::{self, Event},
    events::{self, Fact},
    fields::Mode,
    idempotency::Once,
    identity::EmailAddress,
};

/// Makes a contact. With `once` a request that comes again gives the contact that it made.
///
/// # Errors
/// Invalid with all that is wrong, conflict when the reference is another contact's.
pub async fn create(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    (body, source): (&Map<String, Value>, Source),
    once: Option<&Once>,
) -> Result<Contact> {
    let settings = settings(app, tenant, agent).await?;
    let values = settings.check(body, Mode::Whole)?;
    let contact = Contact::new(app, source).with(values)?;
    let new =
        New { tenant: tenant.clone(), agent: agent.clone(), by: by.clone(), contact, once: once.cloned() };
    let contact = app.intake.submit(app, new).await?;
    app.bell.ring();
    Ok(contact)
}

/// A contact, archived or not.
///
/// # Errors
/// Not found when the agent has no such contact.
pub async fn get(app: &App, tenant: &Tenant, agent: &AgentId, handle: &Handle) -> Result<Contact> {
    find(&mut app.db.read().await?, tenant, agent, handle).await
}

/// The contact with an address; the latest, when there are several.
pub(crate) async fn by_email(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    email: &EmailAddress,
) -> Result<Option<Contact>> {
    store::by_email(&mut app.db.read().await?, tenant, agent, email.as_str()).await
}

/// Changes the fields that are named. A new status brings an archived contact back.
///
/// # Errors
/// Not found, invalid with all that is wrong, conflict when the reference is another contact's.
pub async fn update(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
    body: &Map<String, Value>,
) -> Result<Contact> {
    let settings = settings(app, tenant, agent).await?;
    let values = settings.check(body, Mode::Change)?;
    let named: Vec<String> = values.names().map(str::to_owned).collect();
    let mut db = app.db.write().await?;
    let old = find(&mut db, tenant, agent, handle).await?;
    let contact = old.clone().with(values)?.changed(app);
    check_owner(&mut db, tenant, Some(&old), &contact).await?;
    store::update(&mut db, tenant, agent, (&old, &contact)).await.map_err(taken)?;
    let event = Event::new("contact.changed", contact.id.as_str()).with(json!({ "fields": named }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(contact)
}

/// The conversations that a contact took part in, latest first: at most 100.
///
/// # Errors
/// What the database says.
pub async fn conversations(app: &App, tenant: &Tenant, contact: &ContactId) -> Result<Vec<Talk>> {
    store::conversations(&mut app.db.read().await?, tenant, contact).await
}

/// Puts a contact away: it leaves the lists and can still be read. One that is archived stays so.
///
/// # Errors
/// Not found when the agent has no such contact.
pub async fn archive(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, handle): (&AgentId, &Handle),
) -> Result<Contact> {
    let mut db = app.db.write().await?;
    let old = find(&mut db, tenant, agent, handle).await?;
    if old.archived_at.is_some() {
        return Ok(old);
    }
    let contact = old.clone().archived(app);
    store::update(&mut db, tenant, agent, (&old, &contact)).await?;
    record(app, &mut db, tenant, by, "contact.archived", &contact).await?;
    db.commit().await?;
    Ok(contact)
}

/// Makes a contact of what a form or a conversation tells, or completes the one with this mail address: what is
/// known stays, what is new is added. Part of the change that learnt it.
pub(crate) async fn learn(
    app: &App,
    db: &mut Write,
    (tenant, agent): (&Tenant, &AgentId),
    by: &Actor,
    (values, source): (Values, Source),
) -> Result<Contact> {
    let email = values.email().ok_or_else(|| Error::internal("a contact is learnt by its address"))?;
    let Some(old) = store::by_email(db, tenant, agent, &email).await? else {
        let contact = Contact::new(app, source).with(values)?;
        store::insert(db, tenant, agent, &[&contact]).await.map_err(taken)?;
        record(app, db, tenant, by, "contact.created", &contact).await?;
        announce(app, db, tenant, agent, std::slice::from_ref(&contact)).await?;
        return Ok(contact);
    };
    let contact = old.clone().with(values)?.changed(app);
    if contact.differs(&old) {
        store::update(db, tenant, agent, (&old, &contact)).await.map_err(taken)?;
        record(app, db, tenant, by, "contact.changed", &contact).await?;
    }
    Ok(contact)
}

/// Gives a contact values that a document tells: the one that is named, else the one with the address among them, else a
/// new one. What is not told stays. Part of the change that learnt it; what is refused is refused before anything is
/// written.
pub(crate) async fn fill(
    app: &App,
    db: &mut Write,
    (tenant, agent): (&Tenant, &AgentId),
    by: &Actor,
    (handle, settings, body, source): (Option<&Handle>, &Settings, &Map<String, Value>, Source),
) -> Result<Contact> {
    let values = settings.check(body, Mode::Change)?.known();
    let old = match (handle, values.email()) {
        (Some(handle), _) => Some(find(db, tenant, agent, handle).await?),
        (None, Some(email)) => store::by_email(db, tenant, agent, &email).await?,
        (None, None) => return Err(Error::invalid("primaryEmail", "No mail address was found.")),
    };
    if let Some(reference) = values.reference() {
        let holder = store::get(db, tenant, agent, &Handle::Reference(reference)).await?;
        if holder.is_some_and(|holder| old.as_ref().is_none_or(|old| old.id != holder.id)) {
            return Err(reference_taken());
        }
    }
    let wanted = old.clone().unwrap_or_else(|| Contact::new(app, source)).with(values.clone())?;
    check_owner(db, tenant, old.as_ref(), &wanted).await?;
    let Some(old) = old else { return learn(app, db, (tenant, agent), by, (values, source)).await };
    let contact = wanted.changed(app);
    if contact.differs(&old) {
        store::update(db, tenant, agent, (&old, &contact)).await?;
        record(app, db, tenant, by, "contact.changed", &contact).await?;
    }
    Ok(contact)
}

/// Makes sure that an agent has a contact.
///
/// # Errors
/// Not found when it has not.
pub(crate) async fn require(db: &mut Read, tenant: &Tenant, agent: &AgentId, handle: &Handle) -> Result<()> {
    find(db, tenant, agent, handle).await.map(drop)
}

/// What somebody tells of themselves in a conversation.
pub(crate) struct Told {
    /// Their mail address.
    pub email: EmailAddress,
    /// Their given name.
    pub first_name: Option<String>,
    /// Their family name.
    pub last_name: Option<String>,
    /// In the form of E.164.
    pub mobile_number: Option<String>,
}

impl Told {
    /// An address, and nothing else.
    pub fn address(email: EmailAddress) -> Self {
        Self { email, first_name: None, last_name: None, mobile_number: None }
    }
}

/// Makes or completes the contact of somebody who left their address in a conversation. Nobody has proven the address:
/// what is known already stays as it is.
pub(crate) async fn met(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    (agent, session): (&AgentId, &str),
    told: Told,
) -> Result<Contact> {
    let by = Actor { name: "visitor".into(), ..Actor::system() };
    let known = store::by_email(db, tenant, agent, told.email.as_str()).await?;
    let values = Values::told(told, known.as_ref());
    let contact = learn(app, db, (tenant, agent), &by, (values, Source::Chat)).await?;
    lead(app, db, tenant, (agent, Some(session)), &contact).await?;
    Ok(contact)
}

/// Tells the event log that somebody left a way to reach them: by a form, or in a conversation of this session.
pub(crate) async fn lead(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    (agent, session): (&AgentId, Option<&str>),
    contact: &Contact,
) -> Result<()> {
    let fact = Fact::LeadCaptured {
        contact: Some(contact.id.clone()),
        agent: agent.clone(),
        session: session.map(str::to_owned),
        email: Some(contact.primary_email.clone()),
        name: contact.name(),
        phone: contact.mobile_number.clone(),
        source: contact.source.clone(),
    };
    events::record(app, db, tenant, &fact).await
}

async fn find(db: &mut Read, tenant: &Tenant, agent: &AgentId, handle: &Handle) -> Result<Contact> {
    let found = store::get(db, tenant, agent, handle).await?;
    found.ok_or_else(|| Error::not_found("This agent has no such contact."))
}

/// Whether a contact's owner is a member. Who has left may still stand there; that keeps nobody from changing the rest.
async fn check_owner(db: &mut Read, tenant: &Tenant, old: Option<&Contact>, contact: &Contact) -> Result<()> {
    let before = old.and_then(|old| old.owner_id.as_ref());
    match contact.owner_id.as_ref().filter(|owner| before != Some(*owner)) {
        Some(owner) if !store::is_member(db, tenant, owner).await? => {
            Err(Error::invalid("ownerId", "ownerId is not a member of this workspace."))
        }
        _ => Ok(()),
    }
}

fn taken(error: Error) -> Error {
    match error.kind {
        crate::Kind::Conflict => reference_taken(),
        _ => error,
    }
}

fn reference_taken() -> Error {
    Error::conflict("Another contact of this agent has this externalReferenceId.")
        .with_field("externalReferenceId")
}

async fn record(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    action: &'static str,
    contact: &Contact,
) -> Result<()> {
    audit::record(app, db, tenant, by, Event::new(action, contact.id.as_str())).await
}

/// Tells the event log of new contacts.
async fn announce(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    contacts: &[Contact],
) -> Result<()> {
    announce_each(app, db, contacts.iter().map(|contact| (tenant, agent, contact))).await
}

/// The same of contacts of several agents.
async fn announce_each<'a>(
    app: &App,
    db: &mut Write,
    contacts: impl Iterator<Item = (&'a Tenant, &'a AgentId, &'a Contact)>,
) -> Result<()> {
    let fact = |(tenant, agent, contact): (&'a Tenant, &AgentId, &Contact)| {
        let fact = Fact::ContactCreated {
            contact: contact.id.clone(),
            agent: agent.clone(),
            email: contact.primary_email.clone(),
            source: contact.source.clone(),
        };
        (tenant, fact)
    };
    let facts: Vec<(&Tenant, Fact)> = contacts.map(fact).collect();
    events::record_all(app, db, facts.iter().map(|(tenant, fact)| (*tenant, fact))).await
}

/// A contact's id, when the text is one.
pub fn contact_id(text: &str) -> Result<ContactId> {
    text.parse().map_err(|_| Error::not_found("This agent has no such contact."))
}
