//! Fields out of a document's text, as a JSON Schema asks for them, each with how sure it is and where it stands.
//!
//! There is no language model in here: values are found by their labels (the field's name, and what documents call
//! such a thing in several languages), by where they stand (who writes stands at the head, what is paid at the
//! foot), and by how they look.

mod checks;
mod correction;
mod document;
mod fields;
mod head;
mod labels;
mod lexicon;
mod proposal;
mod reading;
mod schema;
mod source;
mod tables;
mod totals;
mod values;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use correction::{CorrectionError, correct, value_at};
pub use schema::{MAX_FIELDS, Schema, SchemaError};
pub use source::{Block, Source};

use document::Document;
use values::{date::Order, money::Mark};

/// How the document's people write numbers and dates, where the document itself does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locale {
    /// ISO 639-1, such as `de`.
    pub language: Option<String>,
    /// ISO 3166-1, such as `US`.
    pub country: Option<String>,
    /// The day of the extraction; dates of invoices after it are doubted.
    pub today: Option<NaiveDate>,
}

impl Locale {
    fn order(&self) -> Option<Order> {
        match self.country.as_deref()? {
            "US" | "PH" | "FM" | "MH" | "PW" => Some(Order::MonthFirst),
            _ => Some(Order::DayFirst),
        }
    }

    fn mark(&self) -> Mark {
        const COMMA: [&str; 18] = [
            "de", "fr", "es", "it", "pt", "nl", "no", "nb", "nn", "sv", "da", "fi", "pl", "cs", "id", "tr",
            "ru", "el",
        ];
        match self.language.as_deref() {
            Some(language) if COMMA.contains(&language) && self.country.as_deref() != Some("CH") => {
                Mark::Comma
            }
            _ => Mark::Point,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// Values by the schema's names; null where nothing was found.
    pub fields: Map<String, Value>,
    /// Where each value comes from, by its path: `total`, `seller.name`, `items[0].price`.
    pub details: Details,
    /// Paths of required fields that have no value.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Details by path.
pub type Details = BTreeMap<String, Detail>;

/// How sure a value is, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The chance that the value is right, 0 to 1; 0 when there is none.
    pub confidence: f64,
    /// Page, counted from 1, for documents that have pages.
    pub page: Option<u32>,
    /// What the document says, word for word.
    pub evidence: Option<String>,
    /// What speaks against the value, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Extraction {
    /// Whether a required field has no value, or some value is less sure than the threshold.
    pub fn is_unsure(&self, threshold: f64) -> bool {
        !self.missing.is_empty()
            || self.details.values().any(|detail| detail.is_of_a_value() && detail.confidence < threshold)
    }
}

impl Detail {
    /// Where there is no value, there is nothing to quote and nothing to say against it.
    fn is_of_a_value(&self) -> bool {
        self.evidence.is_some() || !self.problems.is_empty()
    }
}

/// Takes the fields of a schema from a document.
pub fn extract(source: &Source<'_>, schema: &Schema, locale: &Locale) -> Extraction {
    fields::Finder::new(&Document::new(source, locale)).extract(schema, None)
}

/// Takes the fields of a schema from a document with the help of proposed values, a language model's for one: an
/// object by the schema's names. A proposed value is taken where the document says it, with that place as its
/// evidence, and makes surer what is found without it; what the document does not say is kept only where nothing was
/// found, and hardly believed.
pub fn check(source: &Source<'_>, schema: &Schema, locale: &Locale, proposed: &Value) -> Extraction {
    fields::Finder::new(&Document::new(source, locale)).extract(schema, Some(proposed))
}
