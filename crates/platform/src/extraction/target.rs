//! A contact that is made or completed with what a document says, as soon as that is sure: at once, or when a person has
//! looked at it.

use std::collections::BTreeMap;

use ::extraction::Schema;
use ::store::{Read, Write};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Extraction;
use crate::{
    Actor, AgentId, App, ContactId, Error, Result, Tenant,
    contacts::{self, Handle, Settings, Source},
    fields::FieldType,
};

/// Fields of a contact that one extraction can fill.
const MOST: usize = 50;

/// Which contact gets values, and where they come from. Without an id or a reference it is the one with the address that
/// the document tells, or a new one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The contact by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// The contact by what another system calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_reference_id: Option<String>,
    /// By fields of the contact (`primaryEmail`, `customFields.plan`) the paths of the values that they get.
    pub fields: BTreeMap<String, String>,
}

impl Target {
    /// Reads what was sent.
    ///
    /// # Errors
    /// Invalid when it is no such object.
    pub fn read(text: &str) -> Result<Self> {
        let wrong = |error| {
            let shape = r#"{"fields": {"primaryEmail": "email"}}, with contactId or externalReferenceId if it is to be one contact"#;
            invalid(format!("contact is a JSON object such as {shape}: {error}."))
        };
        serde_json::from_str(text).map_err(wrong)
    }

    fn handle(&self) -> Result<Option<Handle>> {
        match (&self.contact_id, &self.external_reference_id) {
            (None, None) => Ok(None),
            (Some(id), None) => Ok(Some(Handle::Id(contacts::contact_id(id)?))),
            (None, Some(reference)) => Ok(Some(Handle::Reference(reference.clone()))),
            (Some(_), Some(_)) => {
                Err(invalid("contact is named by contactId or externalReferenceId, not by both."))
            }
        }
    }

    /// Makes sure that it can be met: its contact is there, and its fields and paths are known.
    pub(super) async fn check(
        &self,
        db: &mut Read,
        (tenant, agent): (&Tenant, &AgentId),
        schema: &Schema,
    ) -> Result<()> {
        let settings = contacts::settings_of(db, tenant, agent).await?;
        if self.fields.is_empty() || self.fields.len() > MOST {
            return Err(invalid(format!("contact.fields names 1 to {MOST} fields of a contact.")));
        }
        for (field, path) in &self.fields {
            if settings.target(field).is_none() {
                return Err(invalid(format!("contact.fields: a contact has no field {field}.")));
            }
            if !schema.has(path) {
                return Err(invalid(format!("contact.fields: the schema has no single value at {path}.")));
            }
        }
        match self.handle()? {
            Some(handle) => contacts::require(db, tenant, agent, &handle).await,
            None if self.fields.contains_key("primaryEmail") => Ok(()),
            None => Err(invalid(
                "contact.fields leads a value to primaryEmail, or contact names one by contactId or externalReferenceId.",
            )),
        }
    }

    /// What a contact gets of a document's values. What the document does not say clears nothing.
    fn body(&self, settings: &Settings, fields: &Value) -> Map<String, Value> {
        let (mut base, mut custom) = (Map::new(), Map::new());
        for (name, path) in &self.fields {
            let kind = settings.target(name).map(|field| field.kind);
            let Some(value) = ::extraction::value_at(fields, path).and_then(|value| fitting(kind?, value))
            else {
                continue;
            };
            match name.strip_prefix("customFields.") {
                Some(own) => custom.insert(own.to_owned(), value),
                None => base.insert(name.clone(), value),
            };
        }
        base.insert("customFields".into(), custom.into());
        base
    }
}

/// A single value in the kind that a field takes.
fn fitting(kind: FieldType, value: &Value) -> Option<Value> {
    match (kind, value) {
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => None,
        (FieldType::Number | FieldType::Checkbox, value) | (_, value @ Value::String(_)) => {
            Some(value.clone())
        }
        (_, value) => Some(value.to_string().into()),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("contact", message.into())
}

/// Writes what an extraction found into its contact, if it has one: part of the change that makes it sure. What the
/// contact cannot take is a problem that is kept with the extraction.
pub(super) async fn save(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    extraction: &Extraction,
) -> Result<Option<Result<ContactId, String>>> {
    let (Some(target), Some(fields)) = (&extraction.target, extraction.fields()?) else { return Ok(None) };
    let agent = &extraction.agent_id;
    let settings = contacts::settings_of(db, tenant, agent).await?;
    let body = target.body(&settings, &fields);
    let handle = target.handle()?;
    match contacts::fill(app, db, (tenant, agent), by, (handle.as_ref(), &settings, &body, Source::Api)).await
    {
        Ok(contact) => Ok(Some(Ok(contact.id))),
        Err(error) if error.cause.is_none() => Ok(Some(Err(told(&error)))),
        Err(error) => Err(error),
    }
}

/// All that is wrong, in one text.
fn told(error: &Error) -> String {
    let each: Vec<&str> = error.violations.iter().map(|violation| violation.message.as_str()).collect();
    if each.is_empty() { error.message.to_string() } else { format!("{}.", each.join("; ")) }
}
