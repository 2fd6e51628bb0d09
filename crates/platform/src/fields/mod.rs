//! Fields that businesses define: of contacts and of forms. A description of each, and one check of a body against
//! them that finds everything that is wrong at once and gives back the values in one spelling.

mod check;
mod define;
mod phone;

use serde::{Deserialize, Serialize};

pub use check::{Mode, check};
pub use define::defined;
pub use phone::e164;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// One line.
    Text,
    /// Several lines.
    Textarea,
    /// A mail address.
    Email,
    /// A telephone number; kept in the form of E.164.
    Phone,
    /// A number.
    Number,
    /// A day, `2026-03-14`, or a moment as RFC 3339 has it.
    Date,
    /// One of the options.
    Select,
    /// Yes or no.
    Checkbox,
}

/// A field: what it is called, what it holds, and what a value must be like.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Field {
    /// The key in bodies: a letter, then letters, digits and `_`.
    pub name: String,
    /// What people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether there must be a value.
    #[serde(default)]
    pub required: bool,
    /// What may be chosen, of a select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The field of the contact that gets the value, of a form's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maps_to: Option<String>,
    /// Least characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// A regular expression that a text matches as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

impl Field {
    /// A field with nothing but a name and a type.
    pub fn new(name: &str, kind: FieldType) -> Self {
        Self {
            name: name.to_owned(),
            label: None,
            kind,
            required: false,
            options: Vec::new(),
            maps_to: None,
            min_length: None,
            max_length: None,
            min: None,
            max: None,
            pattern: None,
        }
    }

    /// With what people read.
    pub fn labelled(self, label: &str) -> Self {
        Self { label: Some(label.to_owned()), ..self }
    }

    /// With a most of characters.
    pub fn at_most(self, characters: u32) -> Self {
        Self { max_length: Some(characters), ..self }
    }

    /// With what may be chosen.
    pub fn of<T: Into<String>>(self, options: impl IntoIterator<Item = T>) -> Self {
        Self { options: options.into_iter().map(Into::into).collect(), ..self }
    }

    /// What people read: the label, else the name.
    pub fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Most characters of a text in it.
    pub fn longest(&self) -> u32 {
        self.max_length.unwrap_or(match self.kind {
            FieldType::Textarea => 10_000,
            _ => 1_000,
        })
    }
}
