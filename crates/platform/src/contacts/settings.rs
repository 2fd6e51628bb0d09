//! What an agent's contacts are like: the fields that all have, and those that the agent adds.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Read, sql};

use super::{Contact, Told, contact::STATUSES};
use crate::{
    Actor, AgentId, App, Error, Result, Tenant, Violation, agents,
    audit::{self, Event},
    fields::{self, Field, FieldType, Mode},
};

/// Stages of an agent whose makers have set none.
const STAGES: [&str; 5] = ["LEAD", "QUALIFIED", "OPPORTUNITY", "CUSTOMER", "LOST"];
/// Stages of one agent.
const MOST_STAGES: usize = 50;
const GENDERS: [&str; 4] = ["FEMALE", "MALE", "OTHER", "UNKNOWN"];
/// Fields of a contact that are told and cannot be set: clients that send back what they got are not refused.
pub const READ_ONLY: [&str; 6] = ["contactId", "mantisId", "source", "createdAt", "updatedAt", "archivedAt"];

/// What an agent's contacts are like.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// How far the business can be with a contact, in order.
    pub stages: Vec<String>,
    /// The agent's own fields.
    pub fields: Vec<Field>,
}

/// Checked values of a contact.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub(super) base: Map<String, Value>,
    pub(super) custom: Map<String, Value>,
}

impl Values {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.base.keys().chain(self.custom.keys()).map(String::as_str)
    }

    /// What somebody tells of themselves, as far as it is not known.
    pub(super) fn told(told: Told, known: Option<&Contact>) -> Self {
        let address = known.map_or(told.email.as_str(), |known| &known.primary_email).to_owned();
        let unless = |have: Option<&Option<String>>, told: Option<String>| {
            told.filter(|_| have.is_none_or(Option::is_none))
        };
        let fields = [
            ("primaryEmail", Some(address)),
            ("firstName", unless(known.map(|known| &known.first_name), told.first_name)),
            ("lastName", unless(known.map(|known| &known.last_name), told.last_name)),
            ("mobileNumber", unless(known.map(|known| &known.mobile_number), told.mobile_number)),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Self { base: given.collect(), custom: Map::new() }
    }

    /// The address among them.
    pub(crate) fn email(&self) -> Option<String> {
        self.base.get("primaryEmail").and_then(Value::as_str).map(str::to_owned)
    }

    /// The reference among them.
    pub(super) fn reference(&self) -> Option<String> {
        self.base.get("externalReferenceId").and_then(Value::as_str).map(str::to_owned)
    }

    /// Without what is cleared: for values that complete what is known.
    pub(crate) fn known(mut self) -> Self {
        self.base.retain(|_, value| !value.is_null());
        self.custom.retain(|_, value| !value.is_null());
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { stages: STAGES.map(str::to_owned).into(), fields: Vec::new() }
    }
}

impl Settings {
    /// The fields that every contact has.
    pub fn base(&self) -> Vec<Field> {
        use FieldType::{Email, Phone, Select, Text};
        vec![
            Field { required: true, ..Field::new("primaryEmail", Email).labelled("Email") },
            Field::new("externalReferenceId", Text).labelled("External reference").at_most(255),
            Field::new("firstName", Text).labelled("First name").at_most(100),
            Field::new("lastName", Text).labelled("Last name").at_most(100),
            Field::new("mobileNumber", Phone).labelled("Mobile number"),
            Field::new("gender", Select).labelled("Gender").of(GENDERS),
            Field::new("stage", Select).labelled("Stage").of(&self.stages),
            Field::new("status", Select).labelled("Status").of(STATUSES),
            Field::new("ownerId", Text).labelled("Owner").at_most(40),
        ]
    }

    /// The field that a name means: one that all contacts have, or `customFields.` and one of the agent's own.
    pub fn target(&self, name: &str) -> Option<Field> {
        match name.strip_prefix("customFields.") {
            Some(own) => self.fields.iter().find(|field| field.name == own).cloned(),
            None => self.base().into_iter().find(|field| field.name == name),
        }
    }

    /// Holds a body against the fields; finds all that is wrong.
    ///
    /// # Errors
    /// Invalid with each violation.
    pub(crate) fn check(&self, body: &Map<String, Value>, mode: Mode) -> Result<Values> {
        let mut body = body.clone();
        body.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        let custom = body.remove("customFields").unwrap_or(Value::Null);
        let (mut values, mut wrong) = (Values::default(), Vec::new());
        match fields::check(&self.base(), &body, mode) {
            Ok(base) => values.base = base,
            Err(violations) => wrong.extend(violations.into_iter().map(worded)),
        }
        match self.check_custom(custom, mode) {
            Ok(custom) => values.custom = custom,
            Err(violations) => wrong.extend(violations),
        }
        if wrong.is_empty() { Ok(values) } else { Err(Error::violations(wrong)) }
    }

    fn check_custom(&self, given: Value, mode: Mode) -> Result<Map<String, Value>, Vec<Violation>> {
        let given = match given {
            Value::Null => Map::new(),
            Value::Object(given) => given,
            value => {
                let message = "customFields must be an object".to_owned();
                return Err(vec![Violation {
                    field: "customFields".into(),
                    message,
                    value,
                    rule: "object.base",
                }]);
            }
        };
        let nested = |violation: Violation| Violation {
            field: format!("customFields.{}", violation.field),
            message: format!("customFields.{}", violation.message),
            ..violation
        };
        fields::check(&self.fields, &given, mode)
            .map_err(|violations| violations.into_iter().map(nested).collect())
    }
}

/// The document's own words for the one field that must be there.
fn worded(violation: Violation) -> Violation {
    match (violation.field.as_str(), violation.rule) {
        ("primaryEmail", "any.required") => {
            Violation { message: "primaryEmail is mandatory for API contact creation".into(), ..violation }
        }
        _ => violation,
    }
}

/// What an agent's contacts are like.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn settings(app: &App, tenant: &Tenant, agent: &AgentId) -> Result<Arc<Settings>> {
    let key = (tenant.clone(), agent.clone());
    let read = || async { Ok(Some(Arc::new(read(&mut app.db.read().await?, tenant, agent).await?))) };
    let known = app.callers.contact_settings.get(&key, app.clock.now(), read).await?;
    known.ok_or_else(|| Error::internal("settings were read and are not there"))
}

pub(crate) async fn read(db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<Settings> {
    let row: Option<(Option<Value>, Option<Value>)> = db
        .optional(sql!(
            "SELECT s.stages, s.fields FROM agents a
             LEFT JOIN contact_settings s ON s.agent_id = a.id AND s.workspace_id = a.workspace_id
             WHERE a.workspace_id = $1 AND a.id = $2",
            tenant,
            agent
        ))
        .await?;
    match row {
        None => Err(Error::not_found("There is no such agent in this workspace.")),
        Some((Some(stages), Some(fields))) => {
            Ok(Settings { stages: serde_json::from_value(stages)?, fields: serde_json::from_value(fields)? })
        }
        Some(_) => Ok(Settings::default()),
    }
}

/// Sets stages or own fields; what is not given stays. Values of fields that are no longer there are kept with the
/// contacts and are told no more than they can be set.
///
/// # Errors
/// Not found when the workspace has no such agent; invalid when a field cannot be used.
pub async fn change_settings(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    (stages, fields): (Option<Vec<String>>, Option<Vec<Field>>),
) -> Result<Settings> {
    agents::get(app, tenant, agent).await?;
    let stages = stages.map(checked_stages).transpose()?;
    let fields = fields.map(fields::defined).transpose()?;
    let mut db = app.db.write().await?;
    let old = read(&mut db, tenant, agent).await?;
    let settings = Settings { stages: stages.unwrap_or(old.stages), fields: fields.unwrap_or(old.fields) };
    db.execute(sql!(
        "INSERT INTO contact_settings (agent_id, workspace_id, stages, fields, updated_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (agent_id) DO UPDATE SET stages = excluded.stages, fields = excluded.fields, updated_at = excluded.updated_at",
        agent,
        tenant,
        json!(settings.stages),
        serde_json::to_value(&settings.fields)?,
        app.clock.now()
    ))
    .await?;
    audit::record(app, &mut db, tenant, by, Event::new("contact_settings.changed", agent.as_str())).await?;
    app.callers.commit(db).await?;
    Ok(settings)
}

fn checked_stages(stages: Vec<String>) -> Result<Vec<String>> {
    let stages: Vec<String> = stages.iter().map(|stage| stage.trim().to_owned()).collect();
    let usable = |stage: &String| (1..=60).contains(&stage.chars().count());
    if stages.is_empty() || stages.len() > MOST_STAGES || !stages.iter().all(usable) {
        let message = format!("stages holds 1 to {MOST_STAGES} names of at most 60 characters.");
        return Err(Error::invalid("stages", message));
    }
    Ok(stages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(settings: &Settings, body: Value) -> Vec<(String, &'static str)> {
        let error = settings.check(body.as_object().unwrap(), Mode::Whole).expect_err("something is wrong");
        error.violations.iter().map(|violation| (violation.field.clone(), violation.rule)).collect()
    }

    #[test]
    fn the_documents_example_is_told_in_its_words() {
        let error = Settings::default().check(&Map::new(), Mode::Whole).unwrap_err();
        assert_eq!(
            serde_json::to_value(&error.violations).unwrap(),
            json!([{ "field": "primaryEmail", "message": "primaryEmail is mandatory for API contact creation",
                     "value": null, "type": "any.required" }])
        );
    }

    #[test]
    fn own_fields_are_checked_with_the_others() {
        let plan = Field { required: true, ..Field::new("plan", FieldType::Select).of(["Free", "Paid"]) };
        let settings = Settings { fields: vec![plan], ..Settings::default() };
        let found = rules(
            &settings,
            json!({ "primaryEmail": "ada", "customFields": { "plan": "Gold", "shoe": 42 } }),
        );
        let expected = [
            ("primaryEmail", "string.email"),
            ("customFields.plan", "any.only"),
            ("customFields.shoe", "object.unknown"),
        ];
        assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule)));
        assert_eq!(
            rules(&settings, json!({ "primaryEmail": "ada@example.com", "customFields": 7 })),
            [("customFields".to_owned(), "object.base")]
        );
    }

    #[test]
    fn what_is_sent_back_is_no_fault() {
        let body = json!({ "contactId": "x", "createdAt": "2026-01-01T00:00:00Z", "primaryEmail": "ada@example.com" });
        let values = Settings::default().check(body.as_object().unwrap(), Mode::Change).unwrap();
        assert_eq!(values.names().collect::<Vec<_>>(), ["primaryEmail"]);
    }
}
