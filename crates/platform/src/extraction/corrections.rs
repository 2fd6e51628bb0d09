//! What people say of extracted values. The values stay as they were found; corrections stand beside them.

use std::collections::BTreeMap;

use ::extraction::{CorrectionError, Extraction as Found, Schema};
use serde_json::{Map, Value, json};

use super::{Correction, Extraction, State, missing, store, target};
use crate::{
    Actor, AgentId, App, Error, ExtractionId, Result, Tenant,
    audit::{self, Event},
};

/// The values with the corrections in their places; a whole table before what was corrected in its rows.
pub(super) fn applied(
    schema: &Schema,
    found: &Found,
    corrections: &BTreeMap<String, Correction>,
) -> Result<Value> {
    let mut fields = found.fields.clone();
    for (path, correction) in corrections {
        match ::extraction::correct(schema, &mut fields, path, &correction.value) {
            // The row may have gone with a later correction of its whole table.
            Ok(()) | Err(CorrectionError::Unknown(_)) => {}
            Err(error) => return Err(Error::internal(error)),
        }
    }
    Ok(fields.into())
}

/// Keeps what a person says of an extraction, by paths such as `total` or `items[0].price`; without a word everything
/// is right as it is. It waits for nobody any more, and its contact gets the values.
///
/// # Errors
/// Not found when the agent has no such extraction, conflict while it is not COMPLETED, invalid when a correction names
/// no field or does not fit the schema.
pub async fn review(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    (agent, id): (&AgentId, &ExtractionId),
    corrections: Map<String, Value>,
) -> Result<Extraction> {
    let mut db = app.db.write().await?;
    let found = store::get(&mut db, tenant, id).await?.filter(|found| found.agent_id == *agent);
    let mut extraction = found.ok_or_else(missing)?;
    check(&extraction, &corrections)?;
    let now = app.clock.now();
    let paths: Vec<String> = corrections.keys().cloned().collect();
    for (path, value) in corrections {
        let correction = Correction { value, by: by.name.clone(), at: now };
        store::put_correction(&mut db, tenant, id, &path, &correction).await?;
        extraction.corrections.insert(path, correction);
    }
    extraction.needs_review = false;
    extraction.reviewed = Some((by.name.clone(), now));
    extraction.updated_at = now;
    store::set_reviewed(&mut db, tenant, id, &by.name, now).await?;
    if let Some(saved) = target::save(app, &mut db, tenant, by, &extraction).await? {
        store::set_saved(&mut db, tenant, id, &saved).await?;
        extraction.saved = Some(saved);
    }
    let event = Event::new("extraction.reviewed", id.as_str()).with(json!({ "corrected": paths }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(extraction)
}

fn check(extraction: &Extraction, corrections: &Map<String, Value>) -> Result<()> {
    let State::Completed(found) = &extraction.state else {
        return Err(Error::conflict(
            "Only what was extracted can be reviewed. Wait until this extraction is COMPLETED.",
        ));
    };
    let schema = Schema::parse(&extraction.schema).map_err(Error::internal)?;
    let now = applied(&schema, found, &extraction.corrections)?;
    let Value::Object(mut fields) = now else { return Ok(()) };
    for (path, value) in corrections {
        ::extraction::correct(&schema, &mut fields, path, value)
            .map_err(|error| Error::invalid(format!("corrections.{path}"), sentence(&error)))?;
    }
    Ok(())
}

fn sentence(error: &CorrectionError) -> String {
    let text = error.to_string();
    if text.ends_with('.') { text } else { format!("{text}.") }
}
