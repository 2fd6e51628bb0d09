//! Every sentence of an answer is held against the passages it was made from: one that a passage says gets its place
//! there, one that none says is known for it.

use std::{collections::HashSet, ops::Range, sync::OnceLock};

use models::marks;
use retrieval::{Index, Terms, Weights};

use super::{citations, sources::nearest};
use crate::{
    App,
    executions::{Claim, Span},
    knowledge::Found,
};

/// Share of a sentence's words, weighted by rarity, that a passage holds when it says the same.
const SAID: f32 = 0.62;
/// The share from which a passage may say it in other words.
const PERHAPS: f32 = 0.3;
/// Cosine of two sentences that say the same in other words.
const SAME: f32 = 0.72;

/// What an answer's sentences are held against, looked through once for all of them.
pub(super) struct Grounds<'a> {
    index: &'a Index,
    found: &'a [Found],
    /// The passages, each with what stands above it.
    passages: Vec<Ground>,
    /// What tools gave.
    results: Vec<Ground>,
}

/// A text that may say what a sentence says, looked through when the first one asks.
struct Ground {
    text: String,
    numbers: OnceLock<HashSet<String>>,
    denies: OnceLock<bool>,
    terms: OnceLock<Terms>,
}

impl From<String> for Ground {
    fn from(text: String) -> Self {
        Self { text, numbers: OnceLock::new(), denies: OnceLock::new(), terms: OnceLock::new() }
    }
}

impl Ground {
    /// Whether it has the facts of a sentence.
    fn has(&self, facts: &Facts) -> bool {
        let numbers = || self.numbers.get_or_init(|| numbers(&self.text));
        // A passage of several sentences may deny something else; one that denies nothing cannot say that it is not so.
        let denies = || *self.denies.get_or_init(|| denies(&self.text));
        (facts.numbers.is_empty() || facts.numbers.is_subset(numbers())) && (!facts.denies || denies())
    }

    /// How much it holds of a sentence.
    fn coverage(&self, weights: &Weights) -> f32 {
        let terms = self.terms.get_or_init(|| Terms::of(&self.text));
        weights.coverage(&weights.held_among(terms))
    }
}

/// An answer's sentence and where it stands, in bytes.
pub(super) struct Sentence<'t> {
    pub span: Range<usize>,
    /// As it stands there, with its citations.
    pub text: &'t str,
}

/// The sentences of an answer. Citations that stand behind a full stop belong to the sentence before it.
pub(super) fn sentences(answer: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for mut span in retrieval::sentences(answer) {
        if let Some(last) = spans.last_mut() {
            span.start += citations::leading(&answer[span.clone()]);
            last.end = span.start;
        }
        if !span.is_empty() {
            spans.push(span);
        }
    }
    spans
}

/// The sentences of an answer that claim something: not headings, questions, or a word or two.
pub(super) fn claims(answer: &str) -> Vec<Sentence<'_>> {
    let sentence = |span: Range<usize>| {
        let whole = &answer[span.clone()];
        let text = whole.trim();
        let start = span.start + (whole.len() - whole.trim_start().len());
        Sentence { span: start..start + text.len(), text }
    };
    sentences(answer).into_iter().map(sentence).filter(|sentence| is_claim(sentence.text)).collect()
}

fn is_claim(text: &str) -> bool {
    let bare = marks::without(text);
    let bare = bare.trim();
    let words = bare.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    let spaceless = bare.chars().any(|c| u32::from(c) >= 0x3040) && bare.chars().count() >= 6;
    !bare.ends_with(['?', '？', '؟', ':']) && !bare.starts_with('#') && (words >= 3 || spaceless)
}

impl<'a> Grounds<'a> {
    pub(super) fn new<'r>(
        index: &'a Index,
        found: &'a [Found],
        results: impl Iterator<Item = &'r str>,
    ) -> Self {
        let passage = |found: &Found| {
            let heading = found.heading.as_deref().unwrap_or_default();
            format!("{} {heading} {}", found.title, found.content).into()
        };
        let passages = found.iter().map(passage).collect();
        Self { index, found, passages, results: results.map(|result| result.to_owned().into()).collect() }
    }

    /// Holds every sentence of an answer against the passages.
    pub(super) async fn check(&self, app: &App, answer: &str) -> Vec<Claim> {
        let mut claims = Vec::new();
        let (mut at, mut chars) = (0, 0);
        for sentence in self::claims(answer) {
            chars += answer[at..sentence.span.start].chars().count();
            let length = answer[sentence.span.clone()].chars().count();
            at = sentence.span.start;
            let citation = self.support(app, sentence.text).await;
            let supported = citation.is_some() || self.tools_say(sentence.text);
            claims.push(Claim { start: chars, end: chars + length, supported, citation });
        }
        claims
    }

    /// Whether a passage or a tool says what a sentence says.
    pub(super) async fn says(&self, app: &App, sentence: &str) -> bool {
        !is_claim(sentence) || self.support(app, sentence).await.is_some() || self.tools_say(sentence)
    }

    /// The place that says it: in the passages that the sentence cites first, then in the others.
    async fn support(&self, app: &App, sentence: &str) -> Option<Span> {
        let bare = marks::without(sentence);
        let cited: Vec<usize> = citations::cited(sentence).into_iter().map(|(n, _)| n).collect();
        let facts = Facts::of(&bare);
        let mut having: Vec<(usize, &Ground)> = (1..).zip(&self.passages).collect();
        having.retain(|(_, passage)| passage.has(&facts));
        if having.is_empty() {
            return None;
        }
        let weights = self.index.weights(&retrieval::analyse_query(&bare));
        let mut best: Vec<(f32, usize)> =
            having.into_iter().map(|(n, passage)| (passage.coverage(&weights), n)).collect();
        // A passage that the answer names goes before one that says it as well.
        best.sort_by(|a, b| {
            let worth = |(share, n): &(f32, usize)| share + if cited.contains(n) { 0.15 } else { 0.0 };
            worth(b).total_cmp(&worth(a))
        });
        let (share, n) = *best.first()?;
        let said = share >= SAID || (share >= PERHAPS && self.means_the_same(app, &bare, n).await);
        said.then(|| self.span(n, &bare))
    }

    async fn means_the_same(&self, app: &App, sentence: &str, n: usize) -> bool {
        let content = &self.found[n - 1].content;
        let near = &content[nearest(content, sentence)];
        let texts = vec![sentence.to_owned(), near.to_owned(), content.to_string()];
        let Ok(Some(vectors)) = app.embeddings.all(texts).await else { return false };
        let cosine = |n: usize| vectors[0].iter().zip(&vectors[n]).map(|(a, b)| a * b).sum::<f32>();
        cosine(1).max(cosine(2)) >= SAME
    }

    fn span(&self, n: usize, sentence: &str) -> Span {
        let found = &self.found[n - 1];
        let place = nearest(&found.content, sentence);
        let start = found.char_start + found.content[..place.start].chars().count() as i64;
        let quote = found.content[place].to_owned();
        Span {
            passage: n,
            document_id: found.document_id.clone(),
            version: found.version,
            start,
            end: start + quote.chars().count() as i64,
            quote,
        }
    }

    /// Whether a tool's result holds what a sentence says.
    fn tools_say(&self, sentence: &str) -> bool {
        if self.results.is_empty() {
            return false;
        }
        let bare = marks::without(sentence);
        let facts = Facts::of(&bare);
        let weights = self.index.weights(&retrieval::analyse_query(&bare));
        self.results.iter().any(|result| {
            result.has(&facts) && (!facts.numbers.is_empty() || result.coverage(&weights) >= PERHAPS)
        })
    }
}

/// What of a sentence must stand in a passage as it is, however it is put: its numbers, and whether it denies.
struct Facts {
    numbers: HashSet<String>,
    denies: bool,
}

/// Words that deny, sorted.
const DENIALS: [&str; 33] = [
    "aldri", "aren't", "aucun", "aucune", "can't", "cannot", "doesn't", "don't", "ikke", "ingen", "isn't",
    "jamais", "kein", "keine", "keinen", "keiner", "ne", "never", "nicht", "nie", "ningún", "no", "none",
    "nor", "not", "nunca", "ohne", "pas", "sans", "sin", "uten", "without", "won't",
];
/// Bytes of the longest, with the apostrophe that books are set with.
const LONGEST_DENIAL: usize = "doesn’t".len();

impl Facts {
    fn of(text: &str) -> Self {
        Self { numbers: numbers(text), denies: denies(text) }
    }
}

fn denies(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'));
    words.filter(|word| word.len() <= LONGEST_DENIAL).any(|word| {
        let word = word.to_lowercase().replace('’', "'");
        DENIALS.binary_search(&&*word).is_ok()
    })
}

/// The numbers of a text, without what groups their digits: `1,299.00`, `1 299,00` and `1299` are one.
fn numbers(text: &str) -> HashSet<String> {
    let mut numbers = HashSet::new();
    let mut digits = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if let Some(digit) = c.to_digit(10) {
            digits.push(char::from_digit(digit, 10).unwrap_or('0'));
            continue;
        }
        if digits.is_empty() {
            continue;
        }
        let groups = matches!(c, ',' | '.' | '\'' | '\u{a0}' | '\u{202f}' | ' ');
        if groups && chars.peek().is_some_and(char::is_ascii_digit) {
            digits.push(if c == ' ' { '\u{a0}' } else { c });
            continue;
        }
        keep(&mut numbers, &mut digits);
    }
    keep(&mut numbers, &mut digits);
    numbers
}

fn keep(numbers: &mut HashSet<String>, digits: &mut String) {
    let written = std::mem::take(digits);
    if written.is_empty() {
        return;
    }
    // Digits that stand apart may be one number or several: each reading counts.
    for part in written.split('\u{a0}') {
        numbers.insert(plain(part));
    }
    if written.contains('\u{a0}') {
        numbers.insert(plain(&written));
    }
}

fn plain(written: &str) -> String {
    let (whole, rest) = match written.rfind([',', '.']) {
        // Two digits at the end are cents, three are thousands.
        Some(at) if written.len() - at - 1 != 3 => (&written[..at], &written[at + 1..]),
        _ => (written, ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole = whole.trim_start_matches('0');
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_the_sentences_that_say_something() {
        let answer = "Hello!\n\n## Prices\n\nA tent costs 900 NOK. [1] It ships free of charge [2]. Anything else?\n\n- Open on all days [1]";
        let texts: Vec<&str> = claims(answer).iter().map(|claim| &answer[claim.span.clone()]).collect();
        assert_eq!(
            texts,
            ["A tent costs 900 NOK. [1]", "It ships free of charge [2].", "- Open on all days [1]"]
        );
    }

    #[test]
    fn numbers_are_the_same_however_they_are_grouped() {
        let set = |text: &str| {
            let mut all: Vec<String> = numbers(text).into_iter().collect();
            all.sort();
            all
        };
        for written in ["1,299.00 NOK", "1.299,00 NOK", "1'299 NOK", "1299 NOK"] {
            assert!(set(written).contains(&"1299".to_owned()), "{written}: {:?}", set(written));
        }
        assert!(set("1 299,00 NOK").contains(&"1299".to_owned()));
        assert_eq!(set("12.5 % of 3"), ["12.5", "3"]);
        assert_eq!(set("no numbers"), [""; 0]);
        let has = |text: &str, sentence: &str| Ground::from(text.to_owned()).has(&Facts::of(sentence));
        assert!(has("Prices: 90, 80", "It costs 90 NOK."));
        assert!(!has("It costs 90 NOK.", "It costs 900 NOK."));
        assert!(!has("You can return it within 45 days.", "You cannot return it."));
        assert!(has("You can return it, but not used.", "You can return it."));
    }

    #[test]
    fn words_that_deny_are_found_however_they_are_written() {
        assert!(DENIALS.is_sorted());
        for text in
            ["You CANNOT return it.", "It doesn’t fit.", "It doesn't fit.", "Ningún producto", "NINGÚN"]
        {
            assert!(denies(text), "{text}");
        }
        for text in ["You can return it.", "Notes", "", "Sindbad"] {
            assert!(!denies(text), "{text}");
        }
    }
}
