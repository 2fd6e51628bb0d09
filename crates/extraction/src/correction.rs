//! What a person puts in a value's place: held to the schema, and set by the path under which details stand.

use serde_json::{Map, Value};

use crate::{
    checks,
    schema::{Field, Kind, Schema},
};

/// Why a correction cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// The schema has no field there, or the document no such row.
    #[error(
        "{0} is no field of this extraction; name one as its details do: total, seller.name, items[0].price"
    )]
    Unknown(String),
    /// The schema does not allow the value.
    #[error("{path}: {message}")]
    Unfit {
        /// The field.
        path: String,
        /// What is wrong.
        message: String,
    },
}

/// Puts a value in its place: `total`, `seller.name`, `items[0].price`, or all `items`. Null takes a value away.
///
/// # Errors
/// When there is no such field, or the schema does not allow the value there.
pub fn correct(
    schema: &Schema,
    fields: &mut Map<String, Value>,
    path: &str,
    value: &Value,
) -> Result<(), CorrectionError> {
    let unknown = || CorrectionError::Unknown(path.to_owned());
    let mut inner: &[Field] = &schema.fields;
    let mut place: Option<&mut Value> = None;
    let mut target = None;
    for step in path.split('.') {
        let (name, number) = split(step).ok_or_else(unknown)?;
        let field = inner.iter().find(|field| field.name == name).ok_or_else(unknown)?;
        let slot = match place.take() {
            None => fields.get_mut(name),
            // A row holds only what was found of it.
            Some(object) => object.as_object_mut().map(|map| map.entry(name).or_insert(Value::Null)),
        };
        let mut slot = slot.ok_or_else(unknown)?;
        let mut field = field;
        if let Some(number) = number {
            let Kind::Array(item) = &field.kind else { return Err(unknown()) };
            slot = slot.get_mut(number).ok_or_else(unknown)?;
            field = item;
        }
        inner = if let Kind::Object(fields) = &field.kind { fields } else { &[] };
        target = Some(field);
        place = Some(slot);
    }
    let (Some(field), Some(slot)) = (target, place) else { return Err(unknown()) };
    if let Some(message) = misfit(field, value) {
        return Err(CorrectionError::Unfit { path: path.to_owned(), message });
    }
    *slot = value.clone();
    Ok(())
}

/// The value under a path, when there is one.
pub fn value_at<'a>(fields: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(fields, |value, step| {
        let (name, number) = split(step)?;
        let value = value.get(name)?;
        number.map_or(Some(value), |number| value.get(number))
    })
}

impl Schema {
    /// Whether it has a field for a single value under a path: `total`, `seller.name`, `items[0].price`.
    pub fn has(&self, path: &str) -> bool {
        let (mut inner, mut found) = (self.fields.as_slice(), None);
        for step in path.split('.') {
            let Some((name, number)) = split(step) else { return false };
            let Some(mut field) = inner.iter().find(|field| field.name == name) else { return false };
            if number.is_some() {
                let Kind::Array(item) = &field.kind else { return false };
                field = item;
            }
            inner = if let Kind::Object(fields) = &field.kind { fields } else { &[] };
            found = Some(field);
        }
        found.is_some_and(|field| !matches!(field.kind, Kind::Object(_) | Kind::Array(_)))
    }
}

/// `items[0]` as its name and number.
fn split(step: &str) -> Option<(&str, Option<usize>)> {
    match step.split_once('[') {
        None => Some((step, None)),
        Some((name, number)) => Some((name, Some(number.strip_suffix(']')?.parse().ok()?))),
    }
}

/// What is wrong with a value in a field's place.
fn misfit(field: &Field, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let expected = match &field.kind {
        Kind::Text if !value.is_string() && field.choices.is_empty() => "a text",
        Kind::Number if !value.is_number() => "a number",
        Kind::Integer if !value.is_i64() => "a whole number",
        Kind::Boolean if !value.is_boolean() => "true or false",
        Kind::Object(fields) => return within(fields, value),
        Kind::Array(item) => {
            let Some(values) = value.as_array() else { return Some("An array is expected.".into()) };
            return values.iter().find_map(|value| misfit(item, value));
        }
        _ => return checks::rules(field, value).map(|(message, _)| message),
    };
    Some(format!("The value must be {expected}."))
}

fn within(fields: &[Field], value: &Value) -> Option<String> {
    let Some(map) = value.as_object() else { return Some("An object is expected.".into()) };
    map.iter().find_map(|(name, value)| match fields.iter().find(|field| field.name == *name) {
        Some(field) => misfit(field, value),
        None => Some(format!("The schema has no field {name}.")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn corrections_keep_to_the_schema() {
        let row = json!({"price": {"type": "number"}, "name": {"type": "string"}});
        let schema = Schema::parse(&json!({"properties": {
            "total": {"type": "number", "minimum": 0},
            "seller": {"properties": {"name": {"type": "string"}}},
            "state": {"enum": ["paid", "open"]},
            "items": {"type": "array", "items": {"type": "object", "properties": row}},
        }}))
        .unwrap();
        let mut fields =
            json!({"total": 5, "seller": {"name": null}, "state": null, "items": [{"price": 1}]});
        let fields = fields.as_object_mut().unwrap();
        for (path, value) in [
            ("total", json!(7.5)),
            ("seller.name", json!("Acme")),
            ("state", json!("paid")),
            ("items[0].price", json!(2)),
            ("items[0].name", json!("Tea")),
        ] {
            correct(&schema, fields, path, &value).unwrap();
        }
        let expected = json!({"total": 7.5, "seller": {"name": "Acme"}, "state": "paid",
                              "items": [{"price": 2, "name": "Tea"}]});
        assert_eq!(Value::from(fields.clone()), expected);
        correct(&schema, fields, "items", &json!([{"price": 1}, {"price": 2}])).unwrap();
        correct(&schema, fields, "total", &Value::Null).unwrap();
        for path in
            ["", "tax", "total.x", "total[0]", "items[7].price", "items[x]", "items[0].tax", "seller..name"]
        {
            let error = correct(&schema, fields, path, &json!(1)).unwrap_err();
            assert_eq!(error, CorrectionError::Unknown(path.into()), "{path}");
        }
        for (path, value) in [
            ("total", json!("7")),
            ("total", json!(-1)),
            ("state", json!("lost")),
            ("items", json!([{"tax": 1}])),
            ("items", json!([{"price": "1"}])),
            ("seller", json!(1)),
        ] {
            let error = correct(&schema, fields, path, &value).unwrap_err();
            assert!(matches!(error, CorrectionError::Unfit { .. }), "{path} {value}");
        }
    }
}
