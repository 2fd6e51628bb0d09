//! Questions that lean on what was said before ("and for Norway?") are made to stand alone before anything is looked
//! up for them: by a model when there is one, else by rule.

use std::collections::HashSet;

use models::{LanguageModel, ModelError, Request, Role, Turn};

/// Words of a question that can hardly stand alone.
const SHORT: usize = 4;
/// Longest question that a model may make of one, in characters.
const LONGEST: usize = 400;

/// How questions that go on begin.
const OPENINGS: &[&str] = &[
    "and",
    "what about",
    "how about",
    "but",
    "or",
    "then",
    "also",
    "same for", // English
    "und",
    "was ist mit",
    "wie sieht es mit",
    "aber",
    "oder",
    "auch",
    "gilt das", // German
    "et",
    "et pour",
    "mais",
    "ou",
    "aussi",
    "qu'en est-il", // French
    "y",
    "y para",
    "pero",
    "o",
    "también",
    "qué hay de", // Spanish
    "og",
    "hva med",
    "hva så med",
    "men",
    "eller", // Norwegian
    "और",
    "क्या",
    "و",
    "ماذا عن",
    "那",
    "那么",
    "还有", // Hindi, Arabic, Chinese
];

/// Words that stand for something said before.
const POINTERS: &[&str] = &[
    "it", "its", "that", "those", "these", "this", "them", "they", "one", "ones", "there", "he", "she",
    "him", "her", "es", "das", "dies", "diese", "dieser", "dieses", "sie", "ihn", "er", "davon", "dafür",
    "dort", "dazu", "damit", "ça", "cela", "ce", "celui", "celle", "ceux", "il", "elle", "ils", "elles", "y",
    "en", "leur", "eso", "esto", "ese", "esa", "ellos", "ellas", "él", "ella", "lo", "allí", "det", "den",
    "de", "dem", "der", "disse", "dette", "यह", "वह", "उस", "इस", "هذا", "هذه", "ذلك", "它", "这个", "那个",
    "这", "那",
];

/// Words that carry no subject, in questions that are put together.
const EMPTY: &[&str] = &[
    "and", "what", "about", "how", "for", "the", "a", "an", "in", "of", "to", "is", "are", "does", "do",
    "but", "or", "then", "also", "same", "und", "was", "ist", "mit", "für", "nach", "in", "der", "die",
    "das", "ein", "eine", "wie", "et", "pour", "le", "la", "les", "en", "y", "para", "el", "los", "og",
    "hva", "med", "til", "på",
];

/// Whether a question needs what was said before to be understood.
pub(super) fn leans(question: &str, history: &[Turn]) -> bool {
    if !history.iter().any(|turn| turn.role == Role::Visitor) {
        return false;
    }
    let lower = question.trim().to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    let opens = OPENINGS.iter().any(|opening| {
        lower.strip_prefix(opening).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let points = words.iter().any(|word| POINTERS.contains(word));
    let subjects = words.iter().filter(|word| !EMPTY.contains(word)).count();
    let few = words.len() <= SHORT && lower.chars().count() <= 40;
    (opens && words.len() <= 12) || (points && subjects <= 5) || (few && subjects <= 1)
}

/// The question with what it leans on, by rule: the last question that stood alone, without what the new one puts in
/// its place, and the new one's words.
pub(super) fn by_rule(question: &str, history: &[Turn]) -> String {
    let asked: Vec<&str> =
        history.iter().filter(|turn| turn.role == Role::Visitor).map(|turn| turn.text.trim()).collect();
    let alone = |n: usize| !leans(asked[n], &history[..2 * n.min(history.len() / 2)]);
    let Some(before) = (0..asked.len()).rev().find(|&n| alone(n)).map(|n| asked[n]) else {
        return question.to_owned();
    };
    let lower = question.to_lowercase();
    let added: Vec<&str> = question
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .filter(|word| {
            let word = word.to_lowercase();
            !EMPTY.contains(&word.as_str()) && !POINTERS.contains(&word.as_str())
        })
        .collect();
    let names = added.iter().any(|word| is_name(word));
    let numbers = added.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()));
    let present: HashSet<&str> = words(&lower).collect();
    let kept = before.split_whitespace().enumerate().filter(|(n, word)| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let replaced = (names && *n > 0 && is_name(bare))
            || (numbers && bare.contains(|c: char| c.is_ascii_digit()))
            || present.contains(bare.to_lowercase().as_str());
        !replaced
    });
    let mut words: Vec<&str> = kept.map(|(_, word)| word).collect();
    if let Some(last) = words.last_mut() {
        *last = last.trim_end_matches(['?', '.', '!', '？']);
    }
    words.extend(added);
    format!("{}?", words.join(" "))
}

/// A word that names something, as far as its first letter tells. In German nouns do too, which does no harm here.
fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase) && word.chars().count() > 1
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty())
}

/// The question with what it leans on, as a model writes it; `None` when what it wrote is no question that could be
/// looked up.
///
/// # Errors
/// What the model fails with.
pub(super) async fn by_model(
    model: &dyn LanguageModel,
    question: &str,
    history: &[Turn],
) -> Result<Option<String>, ModelError> {
    let request = Request {
        instructions:
            "Rewrite the visitor's last question so that it can be understood without the conversation. Keep \
                       its language. Answer with the rewritten question alone."
                .into(),
        history: history.to_vec(),
        question: question.to_owned(),
        max_tokens: 120,
        ..Request::default()
    };
    let (text, _) = models::complete(model, &request).await?;
    let line = text.trim().trim_matches('"').trim();
    let fine = !line.is_empty() && line.chars().count() <= LONGEST && !line.contains('\n');
    Ok((fine && keeps_the_subject(question, line)).then(|| line.to_owned()))
}

/// Whether a rewritten question still asks for what the visitor named.
fn keeps_the_subject(question: &str, rewritten: &str) -> bool {
    let (question, rewritten) = (question.to_lowercase(), rewritten.to_lowercase());
    let mut named = words(&question).filter(|word| !EMPTY.contains(word) && !POINTERS.contains(word));
    named.all(|word| {
        // A word may be inflected where it now stands.
        let stem: String = word.chars().take(word.chars().count().max(5) - 2).collect();
        rewritten.contains(&stem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(questions: &[&str]) -> Vec<Turn> {
        let turn = |role, text: &str| Turn { role, text: text.into() };
        questions.iter().flat_map(|q| [turn(Role::Visitor, q), turn(Role::Agent, "An answer.")]).collect()
    }

    #[test]
    fn what_leans_is_told_from_what_stands_alone() {
        let history = talk(&["What does delivery to Germany cost?"]);
        for leaning in [
            "and for Norway?",
            "What about Norway?",
            "How long does it take?",
            "Und nach Norwegen?",
            "Et pour la France ?",
            "Why?",
            "Norway?",
            "那挪威呢？",
        ] {
            assert!(leans(leaning, &history), "{leaning}");
            assert!(!leans(leaning, &[]), "there is nothing to lean on");
        }
        for alone in [
            "How do I return a tent that I bought last week?",
            "Which payment methods do you accept?",
            "Wie lange habe ich Zeit, um einen Artikel zurückzugeben?",
            "Where is your shop in Oslo?",
        ] {
            assert!(!leans(alone, &history), "{alone}");
        }
    }

    #[test]
    fn a_rewritten_question_keeps_what_was_named() {
        assert!(keeps_the_subject("and for Norway?", "What does delivery to Norway cost?"));
        assert!(keeps_the_subject("Und nach Norwegen?", "Was kostet die Lieferung nach Norwegen?"));
        assert!(!keeps_the_subject("and for Norway?", "The Starter plan is 29 dollars."));
        assert!(keeps_the_subject("and why?", "Why does delivery cost 14 euro?"));
    }

    #[test]
    fn what_is_new_takes_the_place_of_what_it_replaces() {
        let history = talk(&["What does delivery to Germany cost?"]);
        assert_eq!(by_rule("and for Norway?", &history), "What does delivery to cost Norway?");
        let history = talk(&["What does delivery to Germany cost?", "and for Norway?"]);
        assert_eq!(by_rule("And for Denmark?", &history), "What does delivery to cost Denmark?");
        let history = talk(&["Can I return a tent?"]);
        assert_eq!(by_rule("How long does it take?", &history), "Can I return a tent long take?");
        let history = talk(&["What does a parcel of 5 kg cost?"]);
        assert_eq!(by_rule("and 10 kg?", &history), "What does a parcel of cost 10 kg?");
    }
}
