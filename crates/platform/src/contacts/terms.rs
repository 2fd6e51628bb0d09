//! Words by which a contact is found, and facets by which it is filtered. A search gives the beginnings of words, each of
//! which must begin one of these; a filter gives whole facets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Contact, contact::ARCHIVED};
use crate::digest::sha256;

/// Words of one contact, and of one search.
const MOST: usize = 40;
const MOST_ASKED: usize = 6;
/// Characters of a word that are kept.
const LONGEST: usize = 64;
/// Bytes of a facet's value; of a longer one its hash stands for it.
const LONGEST_VALUE: usize = 100;
/// What facets begin with, and no word does.
const MARK: char = '\u{1}';

/// The words of a contact, folded: of its names and reference, its address whole and in parts, its number.
pub(super) fn of(contact: &Contact) -> BTreeSet<String> {
    let email = retrieval::fold(&contact.primary_email).into_owned();
    let texts = [&contact.external_reference_id, &contact.first_name, &contact.last_name];
    let mut terms: BTreeSet<String> = texts.into_iter().flatten().flat_map(|text| words(text)).collect();
    terms.extend(contact.external_reference_id.iter().map(|text| cut(&retrieval::fold(text))));
    terms.extend(words(&email));
    terms.insert(cut(&email));
    terms.extend(contact.mobile_number.iter().map(|number| cut(number.trim_start_matches('+'))));
    terms.into_iter().filter(|term| !term.is_empty()).take(MOST).collect()
}

/// By what a contact can be filtered: status, source, stage, owner, own fields. One that was put away has its status alone,
/// so that what has any other facet is listed.
pub(super) fn facets(c: &Contact) -> BTreeSet<String> {
    if c.archived_at.is_some() {
        return [facet("status", ARCHIVED)].into();
    }
    let base = [("stage", &c.stage), ("ownerId", &c.owner_id)];
    let base = base.into_iter().filter_map(|(name, value)| Some(facet(name, value.as_deref()?)));
    let own = c.custom_fields.as_object().into_iter().flatten();
    let own = own.map(|(name, value)| facet(&format!("customFields.{name}"), &spelling(value)));
    base.chain(own).chain([facet("status", &c.status), facet("source", &c.source)]).collect()
}

/// A facet by its name and value.
pub(super) fn facet(name: &str, value: &str) -> String {
    let value = if value.len() > LONGEST_VALUE { sha256(value) } else { value.to_owned() };
    format!("{MARK}{name}={value}")
}

/// A value of an own field as its facet has it.
pub(super) fn spelling(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        other => other.to_string(),
    }
}

/// The words in one text, each behind a space; a word's beginning is met there by ` be`.
pub(super) fn joined(words: &BTreeSet<String>) -> String {
    words.iter().fold(String::new(), |text, word| text + " " + word)
}

/// What a search asks for, folded. An address and a number stay whole.
pub(super) fn asked(search: &str) -> Vec<String> {
    let parts = search.split_whitespace().flat_map(|part| {
        let folded = retrieval::fold(part).into_owned();
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        if part.contains('@') {
            vec![cut(&folded)]
        } else if part.starts_with('+') && !digits.is_empty() {
            vec![cut(&digits)]
        } else {
            words(&folded).collect()
        }
    });
    parts.take(MOST_ASKED).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> + use<> {
    let folded = retrieval::fold(text).into_owned();
    let parts: Vec<String> = folded.split(|c: char| !c.is_alphanumeric()).map(cut).collect();
    parts.into_iter().filter(|part| !part.is_empty())
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_meet_words() {
        assert_eq!(asked("Zoë  Müller-Lüdenscheidt"), ["zoe", "muller", "ludenscheidt"]);
        assert_eq!(asked("Ada@Example.com +47 22"), ["ada@example.com", "47", "22"]);
        assert_eq!(asked("a b c d e f g h").len(), MOST_ASKED);
        assert!(asked(" %_ ").is_empty());
    }
}
