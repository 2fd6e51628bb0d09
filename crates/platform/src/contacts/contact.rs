//! A contact.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;

use super::settings::Values;
use crate::{App, ContactId, Error, Result, identity::EmailAddress};

/// Stati that a contact may be given; ARCHIVED comes by archiving.
pub const STATUSES: [&str; 2] = ["ACTIVE", "INACTIVE"];
/// The status of a contact that was put away.
pub(super) const ARCHIVED: &str = "ARCHIVED";
/// All sources, as they are written.
pub const SOURCES: [&str; 5] = ["CHAT", "FORM", "MANUAL", "IMPORT", "API"];

/// How a contact came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// They told their address in a conversation.
    Chat,
    /// They sent a form.
    Form,
    /// Somebody of the business wrote them down.
    Manual,
    /// They stood in an imported table.
    Import,
    /// A program brought them.
    Api,
}

impl Source {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        SOURCES[self as usize]
    }
}

/// By what a contact is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handle {
    /// The id that it has here.
    Id(ContactId),
    /// What another system calls it.
    Reference(String),
}

/// A person that an agent knows; written as the Open API's document has it.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// 24 characters.
    #[serde(rename = "contactId")]
    pub id: ContactId,
    /// What another system calls them; no two of an agent's contacts have the same.
    pub external_reference_id: Option<String>,
    /// Their mail address, as it was given.
    pub primary_email: String,
    /// Their given name.
    pub first_name: Option<String>,
    /// Their family name.
    pub last_name: Option<String>,
    /// In the form of E.164.
    pub mobile_number: Option<String>,
    /// One of the options of the schema.
    pub gender: Option<String>,
    /// How far the business is with them: one of the agent's stages.
    pub stage: Option<String>,
    /// ACTIVE, INACTIVE or ARCHIVED.
    pub status: String,
    /// CHAT, FORM, MANUAL, IMPORT or API.
    pub source: String,
    /// The member who looks after them.
    pub owner_id: Option<String>,
    /// Values of the agent's own fields.
    pub custom_fields: Value,
    /// When they became known.
    pub created_at: DateTime<Utc>,
    /// When something was last changed.
    pub updated_at: DateTime<Utc>,
    /// When they were put away.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Contact {
    /// Nobody yet: [`Contact::with`] says who.
    pub(super) fn new(app: &App, source: Source) -> Self {
        let now = app.clock.now();
        Self {
            id: ContactId::new(now, app.entropy),
            external_reference_id: None,
            primary_email: String::new(),
            first_name: None,
            last_name: None,
            mobile_number: None,
            gender: None,
            stage: None,
            status: STATUSES[0].to_owned(),
            source: source.as_str().to_owned(),
            owner_id: None,
            custom_fields: json!({}),
            created_at: now,
            updated_at: now,
            archived_at: None,
        }
    }

    /// With checked values; null clears.
    ///
    /// # Errors
    /// Internal when a value is not of its field.
    pub(super) fn with(mut self, values: Values) -> Result<Self> {
        for (name, value) in values.base {
            let text = value.as_str().map(str::to_owned);
            match name.as_str() {
                "externalReferenceId" => self.external_reference_id = text,
                "primaryEmail" => self.primary_email = text.unwrap_or(self.primary_email),
                "firstName" => self.first_name = text,
                "lastName" => self.last_name = text,
                "mobileNumber" => self.mobile_number = text,
                "gender" => self.gender = text,
                "stage" => self.stage = text,
                "ownerId" => self.owner_id = text,
                "status" => {
                    self.status = text.unwrap_or_else(|| STATUSES[0].to_owned());
                    self.archived_at = None;
                }
                other => return Err(Error::internal(format!("a contact has no field {other}"))),
            }
        }
        if let Value::Object(custom) = &mut self.custom_fields {
            custom.extend(values.custom);
            custom.retain(|_, value| !value.is_null());
        }
        Ok(self)
    }

    pub(super) fn changed(self, app: &App) -> Self {
        Self { updated_at: app.clock.now(), ..self }
    }

    pub(super) fn archived(self, app: &App) -> Self {
        let now = app.clock.now();
        Self { status: ARCHIVED.to_owned(), archived_at: Some(now), updated_at: now, ..self }
    }

    /// Whether anything but the time of the change is another.
    pub(super) fn differs(&self, old: &Self) -> bool {
        *self != Self { updated_at: self.updated_at, ..old.clone() }
    }

    /// The address folded for comparison.
    pub(super) fn email_key(&self) -> Result<String> {
        email_key(&self.primary_email)
    }

    /// Given and family name, as far as they are known.
    pub fn name(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// An address folded for comparison.
pub(super) fn email_key(address: &str) -> Result<String> {
    Ok(address.parse::<EmailAddress>()?.key().to_owned())
}
