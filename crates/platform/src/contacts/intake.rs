//! New contacts, those that come at once in one transaction.

use futures_util::{FutureExt, future::BoxFuture};

use super::{Contact, Handle, announce_each, check_owner, find, store, taken};
use crate::{
    Actor, AgentId, App, Error, Result, Tenant,
    audit::{self, Event},
    idempotency::{self, Once},
    together::{Change, Outcomes},
};

/// A contact that somebody brings.
pub(crate) struct New {
    pub(super) tenant: Tenant,
    pub(super) agent: AgentId,
    pub(super) by: Actor,
    pub(super) contact: Contact,
    pub(super) once: Option<Once>,
}

/// What becomes of one: itself, or the contact that the same request has made before.
enum Place {
    Fresh,
    Known(Box<Contact>),
    Refused(Error),
}

impl Change for New {
    type Outcome = Contact;

    fn write<'a>(app: &'a App, all: &'a [Self]) -> BoxFuture<'a, Result<Outcomes<Self>>> {
        write(app, all).boxed()
    }
}

async fn write(app: &App, all: &[New]) -> Result<Outcomes<New>> {
    let mut db = app.db.write().await?;
    let mut places: Vec<Place> = Vec::with_capacity(all.len());
    for new in all {
        let place = place(app, &mut db, all, &places, new).await?;
        places.push(place);
    }
    let fresh: Vec<&New> = all
        .iter()
        .zip(&places)
        .filter(|(_, place)| matches!(place, Place::Fresh))
        .map(|(new, _)| new)
        .collect();
    for (tenant, agent) in owners(&fresh) {
        let theirs = fresh.iter().filter(|new| (&new.tenant, &new.agent) == (tenant, agent));
        let contacts: Vec<&Contact> = theirs.map(|new| &new.contact).collect();
        store::insert(&mut db, tenant, agent, &contacts).await.map_err(taken)?;
    }
    let made = fresh
        .iter()
        .map(|new| (&new.tenant, &new.by, Event::new("contact.created", new.contact.id.as_str())));
    audit::record_all(app, &mut db, made).await?;
    announce_each(app, &mut db, fresh.iter().map(|new| (&new.tenant, &new.agent, &new.contact))).await?;
    db.commit().await?;
    let outcome = |(new, place): (&New, Place)| match place {
        Place::Fresh => Ok(new.contact.clone()),
        Place::Known(contact) => Ok(*contact),
        Place::Refused(error) => Err(error),
    };
    Ok(all.iter().zip(places).map(outcome).collect())
}

async fn place(
    app: &App,
    db: &mut ::store::Write,
    all: &[New],
    before: &[Place],
    new: &New,
) -> Result<Place> {
    let New { tenant, agent, contact, once, .. } = new;
    let made = match idempotency::begin(app, db, tenant, once.as_ref(), contact.id.as_str()).await {
        Ok(made) => made,
        Err(error) if error.cause.is_none() => return Ok(Place::Refused(error)),
        Err(error) => return Err(error),
    };
    if let Some(id) = made {
        // It may have come a moment ago, and be written with this one.
        let beside = all.iter().zip(before).find(|(other, _)| other.contact.id.as_str() == id);
        return Ok(Place::Known(Box::new(match beside {
            Some((other, _)) => other.contact.clone(),
            None => find(db, tenant, agent, &Handle::Id(id.parse()?)).await?,
        })));
    }
    match check_owner(db, tenant, None, contact).await {
        Ok(()) => Ok(Place::Fresh),
        // What it was called is free again when the whole transaction is not made; alone it is refused.
        Err(error) if error.cause.is_none() && once.is_none() => Ok(Place::Refused(error)),
        Err(error) => Err(error),
    }
}

/// The agents that contacts are for, each once.
fn owners<'a>(new: &[&'a New]) -> Vec<(&'a Tenant, &'a AgentId)> {
    let mut owners: Vec<(&Tenant, &AgentId)> = new.iter().map(|new| (&new.tenant, &new.agent)).collect();
    owners.sort_unstable_by_key(|(_, agent)| agent.as_str());
    owners.dedup();
    owners
}
