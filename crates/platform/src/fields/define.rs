//! Fields as a business defines them.

use std::collections::HashSet;

use super::{Field, FieldType, check::whole};
use crate::{Error, Result};

/// Fields of one form or of an agent's contacts.
const MOST_FIELDS: usize = 100;
/// Options of one select.
const MOST_OPTIONS: usize = 500;
/// Longest label or option, in characters.
const LONGEST: usize = 200;

/// Makes sure that fields can be used: their names tell them apart, and what they ask for can be met.
///
/// # Errors
/// Invalid, naming the field that is wrong.
pub fn defined(fields: Vec<Field>) -> Result<Vec<Field>> {
    if fields.len() > MOST_FIELDS {
        return Err(Error::invalid("fields", format!("There are at most {MOST_FIELDS} fields.")));
    }
    let mut names = HashSet::new();
    for (position, field) in fields.iter().enumerate() {
        let wrong =
            |part: &str, what: String| Err(Error::invalid(format!("fields[{position}].{part}"), what));
        if !is_name(&field.name) {
            return wrong(
                "name",
                format!(
                    "{:?} is no name for a field: a letter, then at most 63 letters, digits and _.",
                    field.name
                ),
            );
        }
        if !names.insert(field.name.to_lowercase()) {
            return wrong("name", format!("{} is the name of two fields.", field.name));
        }
        if field.label.as_ref().is_some_and(|label| too_long(label)) {
            return wrong("label", format!("A label has at most {LONGEST} characters."));
        }
        if field.kind == FieldType::Select && field.options.is_empty() {
            return wrong("options", format!("{} is a select and has no options.", field.name));
        }
        if field.options.len() > MOST_OPTIONS
            || field.options.iter().any(|option| option.trim().is_empty() || too_long(option))
        {
            return wrong(
                "options",
                format!("There are at most {MOST_OPTIONS} options of 1 to {LONGEST} characters."),
            );
        }
        if field.pattern.as_deref().is_some_and(|pattern| whole(pattern).is_err()) {
            return wrong("pattern", "This is not a regular expression that can be used here.".into());
        }
        if matches!((field.min, field.max), (Some(min), Some(max)) if min > max)
            || matches!((field.min_length, field.max_length), (Some(min), Some(max)) if min > max)
        {
            return wrong("min", "The smallest value is larger than the largest.".into());
        }
    }
    Ok(fields)
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn too_long(text: &str) -> bool {
    text.chars().count() > LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(fields: Vec<Field>) -> String {
        defined(fields).expect_err("it is refused").field.expect("a field").into_owned()
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let text = |name: &str| Field::new(name, FieldType::Text);
        assert!(defined(vec![text("a"), text("b_2")]).is_ok());
        assert_eq!(refused(vec![text("a"), text("A")]), "fields[1].name");
        assert_eq!(refused(vec![text("2a")]), "fields[0].name");
        assert_eq!(refused(vec![text("a b")]), "fields[0].name");
        assert_eq!(refused(vec![Field::new("a", FieldType::Select)]), "fields[0].options");
        assert_eq!(refused(vec![Field { pattern: Some("(".into()), ..text("a") }]), "fields[0].pattern");
        assert_eq!(
            refused(vec![Field { pattern: Some("(a{1000}){1000}".into()), ..text("a") }]),
            "fields[0].pattern"
        );
        assert_eq!(refused(vec![Field { min: Some(2.0), max: Some(1.0), ..text("a") }]), "fields[0].min");
        assert_eq!(refused((0..101).map(|n| text(&format!("a{n}"))).collect()), "fields");
    }
}
