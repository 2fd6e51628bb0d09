//! The JSON Schema that says which fields are wanted, as far as extraction understands it.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::{
    lexicon::{self, Concept, Shape},
    source::fold,
};

/// Fields of a schema, with those inside others.
pub const MAX_FIELDS: usize = 200;
/// Objects and arrays inside one another.
const MAX_DEPTH: usize = 4;
/// Size of a compiled `pattern`.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct SchemaError {
    /// The place, such as `properties.total.type`.
    pub at: String,
    /// What to do about it.
    pub message: String,
}

/// The fields that are wanted.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) fields: Vec<Field>,
}

/// One property.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As in the schema.
    pub name: String,
    pub kind: Kind,
    pub required: bool,
    pub concept: Option<Concept>,
    pub shape: Shape,
    pub format: Option<String>,
    pub choices: Vec<Value>,
    pub pattern: Option<Regex>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub max_length: Option<usize>,
    /// Words by which a document may name it, folded; its own name first.
    pub labels: Vec<Vec<String>>,
}

/// What a field's value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
    Object(Vec<Field>),
    /// Values of one kind; objects are rows of a table.
    Array(Box<Field>),
}

impl Field {
    /// Whether its value is one, and no object or array.
    pub(crate) fn is_single(&self) -> bool {
        !matches!(self.kind, Kind::Object(_) | Kind::Array(_))
    }
}

impl Schema {
    /// Reads a schema whose root is an object with `properties`.
    ///
    /// # Errors
    /// Names the place and what is understood there.
    pub fn parse(schema: &Value) -> Result<Self, SchemaError> {
        let mut left = MAX_FIELDS;
        let fields = properties(schema, Place { path: String::new(), names: &[], depth: 0 }, &mut left)?;
        Ok(Self { fields })
    }
}

/// Where in a schema something is read.
struct Place<'a> {
    path: String,
    /// Names of the objects around it.
    names: &'a [String],
    depth: usize,
}

impl Place<'_> {
    fn error(&self, key: &str, message: impl Into<String>) -> SchemaError {
        let at = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        SchemaError { at, message: message.into() }
    }
}

fn properties(schema: &Value, place: Place<'_>, left: &mut usize) -> Result<Vec<Field>, SchemaError> {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return Err(place.error(
            "properties",
            "name the wanted fields in an object: {\"total\": {\"type\": \"number\"}}",
        ));
    };
    if schema.get("type").is_some_and(|kind| !types(kind).contains(&"object")) {
        return Err(place.error("type", "the fields stand in an object; write \"object\""));
    }
    if properties.is_empty() {
        return Err(place.error("properties", "name at least one field"));
    }
    if place.depth >= MAX_DEPTH {
        return Err(
            place.error("properties", format!("at most {MAX_DEPTH} objects inside one another are read"))
        );
    }
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let prefix =
        if place.path.is_empty() { "properties".to_owned() } else { format!("{}.properties", place.path) };
    properties
        .iter()
        .map(|(name, schema)| {
            *left = left.checked_sub(1).ok_or_else(|| {
                place.error("properties", format!("at most {MAX_FIELDS} fields are extracted at once"))
            })?;
            let inner = Place { path: format!("{prefix}.{name}"), names: place.names, depth: place.depth };
            field(name, schema, inner, required.contains(&name.as_str()), left)
        })
        .collect()
}

fn field(
    name: &str,
    schema: &Value,
    place: Place<'_>,
    required: bool,
    left: &mut usize,
) -> Result<Field, SchemaError> {
    let Value::Object(map) = schema else {
        return Err(place.error("", "describe the field in an object: {\"type\": \"string\"}"));
    };
    let own = words(name);
    let path: Vec<String> = place.names.iter().cloned().chain(own.iter().cloned()).collect();
    let kind = kind(map, &place, &path, left)?;
    let format = text(map, "format");
    let labels = labels(map, &own, &path);
    let concept =
        labels.iter().find_map(|label| lexicon::concept_of(label)).or_else(|| by_format(format.as_deref()));
    let shape = shape(&kind, format.as_deref(), concept, &own);
    let choices = map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    let pattern = match text(map, "pattern") {
        Some(pattern) => Some(compile(&pattern).map_err(|message| place.error("pattern", message))?),
        None => None,
    };
    let number = |key: &str| map.get(key).and_then(Value::as_f64);
    let max_length = map.get("maxLength").and_then(Value::as_u64).and_then(|max| usize::try_from(max).ok());
    let (minimum, maximum) = (number("minimum"), number("maximum"));
    let name = name.to_owned();
    Ok(Field {
        name,
        kind,
        required,
        concept,
        shape,
        format,
        choices,
        pattern,
        minimum,
        maximum,
        max_length,
        labels,
    })
}

fn kind(
    map: &Map<String, Value>,
    place: &Place<'_>,
    path: &[String],
    left: &mut usize,
) -> Result<Kind, SchemaError> {
    let inner = |key: &str| Place {
        path: if key.is_empty() { place.path.clone() } else { format!("{}.{key}", place.path) },
        names: path,
        depth: place.depth + 1,
    };
    let named = map.get("type").map(types).unwrap_or_default();
    let named: Vec<&str> = named.into_iter().filter(|kind| *kind != "null").collect();
    match named.as_slice() {
        [] if map.contains_key("properties") => {
            Ok(Kind::Object(properties(&Value::Object(map.clone()), inner(""), left)?))
        }
        [] | ["string"] => Ok(Kind::Text),
        ["number"] => Ok(Kind::Number),
        ["integer"] => Ok(Kind::Integer),
        ["boolean"] => Ok(Kind::Boolean),
        ["object"] => Ok(Kind::Object(properties(&Value::Object(map.clone()), inner(""), left)?)),
        ["array"] => {
            let items = map.get("items").ok_or_else(|| {
                place.error("items", "say what the array holds: {\"type\": \"object\", \"properties\": {…}}")
            })?;
            if place.depth + 1 >= MAX_DEPTH {
                return Err(place.error("items", format!("at most {MAX_DEPTH} levels are read")));
            }
            // Rows are not named after their table: the column of `items.price` is `price`.
            let rows = Place { names: &[], ..inner("items") };
            Ok(Kind::Array(Box::new(field("", items, rows, false, left)?)))
        }
        _ => Err(place.error("type", "use one of string, number, integer, boolean, object, array")),
    }
}

fn types(kind: &Value) -> Vec<&str> {
    match kind {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec!["?"],
    }
}

fn text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|_| {
        "is no regular expression that is understood here; look-around and back-references are not".into()
    })
}

/// What a document may call the field: what the schema's author says, its title, its name with those around it,
/// its name, and a short description.
fn labels(map: &Map<String, Value>, own: &[String], path: &[String]) -> Vec<Vec<String>> {
    const DESCRIPTION_WORDS: usize = 4;
    let hints = map.get("x-labels").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let title = text(map, "title").map(|title| words(&title));
    let description =
        text(map, "description").map(|text| words(&text)).filter(|w| w.len() <= DESCRIPTION_WORDS);
    let mut labels: Vec<Vec<String>> = Vec::new();
    let all = hints.map(words).chain([path.to_vec(), own.to_vec()]).chain(title).chain(description);
    for label in all {
        if !label.is_empty() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

/// The words of a name: `invoiceNo`, `invoice_no` and `Invoice No.` are the same two.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            spaced.push(' ');
        }
        spaced.push(if c.is_alphanumeric() { c } else { ' ' });
        before = c;
    }
    spaced.split_whitespace().map(fold).collect()
}

fn by_format(format: Option<&str>) -> Option<Concept> {
    match format? {
        "email" | "idn-email" => Some(Concept::Email),
        "uri" | "url" => Some(Concept::Website),
        "iban" => Some(Concept::Iban),
        "bic" => Some(Concept::Bic),
        "vat" | "vat-id" => Some(Concept::VatId),
        "phone" | "tel" => Some(Concept::Phone),
        _ => None,
    }
}

fn shape(kind: &Kind, format: Option<&str>, concept: Option<Concept>, own: &[String]) -> Shape {
    let by_format = match format {
        Some("date" | "date-time") => Some(Shape::Date),
        Some("money" | "decimal") => Some(Shape::Money),
        format => by_format(format).map(Concept::shape),
    };
    let named = by_format.or_else(|| concept.map(Concept::shape)).or_else(|| lexicon::shape_of(own));
    match (kind, named) {
        (Kind::Number | Kind::Integer, Some(Shape::Money)) => Shape::Money,
        (Kind::Number | Kind::Integer, _) => Shape::Number,
        (_, named) => named.unwrap_or(Shape::Text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_say_what_fields_are_about() {
        let schema = Schema::parse(&json!({"type": "object", "required": ["invoiceNo"], "properties": {
            "invoiceNo": {"type": "string"},
            "seller": {"type": "object", "properties": {"address": {"type": "string"}}},
            "customer": {"type": "object", "properties": {"address": {"type": ["string", "null"]}}},
            "passport_expiry_date": {"type": "string"},
            "x1": {"type": "number", "x-labels": ["Grand total"]},
            "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
        }}))
        .unwrap();
        let [customer, invoice, items, passport, seller, x1] = schema.fields.as_slice() else { panic!() };
        assert_eq!((invoice.concept, invoice.required), (Some(Concept::InvoiceNumber), true));
        let inner = |field: &Field| match &field.kind {
            Kind::Object(fields) => fields[0].concept,
            _ => None,
        };
        assert_eq!(inner(seller), Some(Concept::CompanyAddress));
        assert_eq!(inner(customer), Some(Concept::CustomerAddress));
        assert_eq!((passport.concept, passport.shape), (None, Shape::Date));
        assert_eq!(x1.concept, Some(Concept::Total));
        assert!(matches!(&items.kind, Kind::Array(item) if inner(item) == Some(Concept::UnitPrice)));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let at = |schema: Value| Schema::parse(&schema).unwrap_err().at;
        assert_eq!(at(json!({})), "properties");
        assert_eq!(at(json!({"type": "array", "properties": {"a": {}}})), "type");
        assert_eq!(at(json!({"properties": {"a": {"type": "tuple"}}})), "properties.a.type");
        assert_eq!(at(json!({"properties": {"a": {"type": "array"}}})), "properties.a.items");
        assert_eq!(at(json!({"properties": {"a": {"pattern": "(?=x)"}}})), "properties.a.pattern");
        let deep = (0..6).fold(json!({"type": "string"}), |inner, _| json!({"properties": {"a": inner}}));
        assert!(at(deep).ends_with("properties"));
        let many: Map<String, Value> = (0..=MAX_FIELDS).map(|n| (n.to_string(), json!({}))).collect();
        assert_eq!(at(json!({"properties": many})), "properties");
    }
}
