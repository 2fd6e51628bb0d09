//! Two contacts that turn out to be one person.

use ::store::{Write, sql};
use serde_json::{Value, json};

use super::{Contact, Handle, find, store, taken};
use crate::{
    Actor, AgentId, App, Error, Result, Tenant,
    audit::{self, Event},
};

/// Makes one contact of two: the first stays, gets what only the other knew, and all that hung on it (notes, files,
/// conversations, submissions); the other is no more.
///
/// # Errors
/// Not found when the agent has not both; invalid when they are the same.
pub async fn merge(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    (kept, other): (&Handle, &Handle),
) -> Result<Contact> {
    let mut db = app.db.write().await?;
    let old = find(&mut db, tenant, agent, kept).await?;
    let other = find(&mut db, tenant, agent, other).await?;
    if old.id == other.id {
        return Err(Error::invalid("contact_id", "A contact cannot be merged with itself."));
    }
    let merged = completed(old.clone(), &other).changed(app);
    hand_over(&mut db, tenant, &other, &old).await?;
    // First, so that its reference is free.
    store::delete(&mut db, tenant, agent, &other).await?;
    store::update(&mut db, tenant, agent, (&old, &merged)).await.map_err(taken)?;
    let event = Event::new("contact.merged", merged.id.as_str()).with(json!({ "merged": other.id }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(merged)
}

/// The first, with what only the other knew.
fn completed(mut kept: Contact, other: &Contact) -> Contact {
    let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
        if mine.is_none() {
            mine.clone_from(theirs);
        }
    };
    fill(&mut kept.external_reference_id, &other.external_reference_id);
    fill(&mut kept.first_name, &other.first_name);
    fill(&mut kept.last_name, &other.last_name);
    fill(&mut kept.mobile_number, &other.mobile_number);
    fill(&mut kept.gender, &other.gender);
    fill(&mut kept.stage, &other.stage);
    fill(&mut kept.owner_id, &other.owner_id);
    kept.created_at = kept.created_at.min(other.created_at);
    if let (Value::Object(mine), Value::Object(theirs)) = (&mut kept.custom_fields, &other.custom_fields) {
        for (name, value) in theirs {
            mine.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    kept
}

async fn hand_over(db: &mut Write, tenant: &Tenant, from: &Contact, to: &Contact) -> Result<()> {
    for statement in [
        sql!(
            "UPDATE contact_notes SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &from.id,
            &to.id
        ),
        sql!(
            "UPDATE contact_files SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &from.id,
            &to.id
        ),
        sql!(
            "UPDATE conversations SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &from.id,
            &to.id
        ),
        sql!(
            "UPDATE form_submissions SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &from.id,
            &to.id
        ),
        sql!(
            "UPDATE extractions SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2",
            tenant,
            &from.id,
            &to.id
        ),
    ] {
        db.execute(statement).await?;
    }
    Ok(())
}
