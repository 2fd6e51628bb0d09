//! Words by which a contact is found. A search gives the beginnings of words, each of which must begin one of these.

use std::collections::BTreeSet;

use super::Contact;

/// Words of one contact, and of one search.
const MOST: usize = 40;
const MOST_ASKED: usize = 6;
/// Characters of a word that are kept.
const LONGEST: usize = 64;

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
