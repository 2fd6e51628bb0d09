//! The lexical side: text to hashed terms, for passages and for questions.
//!
//! Three kinds of terms are scored side by side: words (folded, stemmed), pairs of neighbouring content
//! words, and character n-grams for text that is not English, where stems and spaces cannot be relied on.

mod fold;
mod gist;
mod stem;
mod stop_words;
mod terms;
mod words;

pub use terms::{DecodeError, QueryTerms, TermVector};
pub(crate) use terms::{Kind, QueryTerm};

use std::collections::BTreeMap;

pub(crate) use gist::Gist;

use crate::title::{answers, telling_title};
pub use fold::fold;
pub(crate) use stem::stem;
pub(crate) use stop_words::is_stop_word;
use words::{Token, tokens};

/// How often a telling title counts.
const TELLING_TIMES: usize = 3;
/// Letters in a gram of a script that writes spaces.
const SPACED_GRAM: usize = 4;
/// Letters in a gram of a script that writes none.
const UNSPACED_GRAM: usize = 2;
/// English prose holds 40 % and more stop words, other languages in Latin letters under 10 %.
const ENGLISH_STOP_SHARE: f32 = 0.15;
/// Fewer words than this are too few to tell a language by.
const FEWEST_WORDS_TO_TELL: usize = 6;

/// The terms of a passage: its title and heading count like its text, and [`TELLING_TIMES`] as much where what
/// stands closest above the text [says something by itself](crate::title).
pub fn analyse_passage(title: &str, heading: Option<&str>, text: &str) -> TermVector {
    let fields = [fold(title), fold(heading.unwrap_or_default()), fold(text)];
    let grams = !Words::of(text, &fields[2]).english();
    let mut analysis = Analysis { grams, ..Analysis::default() };
    for field in &fields {
        analysis.add(field);
    }
    if let Some(telling) = telling_title(title, heading) {
        let telling = fold(telling);
        (1..TELLING_TIMES).for_each(|_| analysis.add(&telling));
    }
    let counts = analysis.counts.iter().map(|(&term, count)| (term, count.all));
    let gist = Gist::of(&fields[2], answers(title, heading));
    TermVector::new(counts.collect(), analysis.words, analysis.grams_seen, gist)
}

/// The terms of a question. Stop words go, unless there is nothing else.
pub fn analyse_query(text: &str) -> QueryTerms {
    let folded = fold(text);
    let words = Words::of(text, &folded);
    // A few plain words may be of any language: their grams meet nothing in English passages.
    let grams = !words.english() || !words.has_stop_words;
    let mut analysis = Analysis { grams, ..Analysis::default() };
    analysis.add(&folded);
    let has_content = analysis.counts.values().any(|count| !count.stop);
    let kept = analysis.counts.into_iter().filter(|(_, count)| !(count.stop && has_content));
    let terms = kept.map(|(hash, count)| QueryTerm { hash, count: count.all as f32 }).collect();
    QueryTerms { terms, language: words.language }
}

/// Calls `visit` with the words of a passage's text, and with its grams where `grams` are asked for and
/// [`analyse_passage`] would give any; in order, with repetition.
pub(crate) fn each_term(text: &str, grams: bool, mut visit: impl FnMut(u32)) {
    let folded = fold(text);
    let grams = grams && !Words::of(text, &folded).english();
    for token in tokens(&folded) {
        match token {
            Token::Word(word) => {
                visit(Kind::Word.hash(&[&stem(word)]));
                if grams && !is_stop_word(word) {
                    each_gram(word, SPACED_GRAM, &mut visit);
                }
            }
            Token::Run(run) => each_gram(run, UNSPACED_GRAM, &mut visit),
        }
    }
}

/// The n-grams of a piece; a shorter piece is a gram itself.
fn each_gram(piece: &str, size: usize, mut visit: impl FnMut(u32)) {
    let starts: Vec<usize> = piece.char_indices().map(|(at, _)| at).chain([piece.len()]).collect();
    for window in starts.windows(size.min(starts.len() - 1) + 1) {
        if let (Some(&from), Some(&to)) = (window.first(), window.last()) {
            visit(Kind::Gram.hash(&[&piece[from..to]]));
        }
    }
}

/// Languages, as far as the embedding model tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// English, or too short to be told from it.
    #[default]
    English,
    /// Another one in Latin letters.
    Foreign,
    /// One that is written otherwise.
    OtherScript,
}

/// What a text's words say about its language.
struct Words {
    language: Language,
    has_stop_words: bool,
}

impl Words {
    fn of(text: &str, folded: &str) -> Self {
        let (mut words, mut stop_words, mut foreign, mut other_script) = (0_usize, 0_usize, 0_usize, 0_usize);
        for token in tokens(folded) {
            match token {
                Token::Word(word) => {
                    words += 1;
                    stop_words += usize::from(is_stop_word(word));
                    foreign += usize::from(!word.is_ascii());
                    other_script += usize::from(word.chars().any(is_of_another_script));
                }
                Token::Run(run) => {
                    foreign += run.chars().count();
                    other_script += run.chars().count();
                }
            }
        }
        let has_stop_words = stop_words > 0;
        let enough = has_stop_words && stop_words as f32 >= ENGLISH_STOP_SHARE * words as f32;
        let plain = text.chars().all(|c| c.is_ascii() || !c.is_alphabetic());
        let english = foreign * 4 <= words && (enough || plain && words < FEWEST_WORDS_TO_TELL);
        let language = match (english, other_script * 2 > words) {
            (true, _) => Language::English,
            (false, false) => Language::Foreign,
            (false, true) => Language::OtherScript,
        };
        Self { language, has_stop_words }
    }

    fn english(&self) -> bool {
        self.language == Language::English
    }
}

/// A letter that is not Latin: those end with the extensions for Vietnamese.
fn is_of_another_script(c: char) -> bool {
    c.is_alphabetic() && c > '\u{024F}' && !('\u{1E00}'..='\u{1EFF}').contains(&c)
}

#[derive(Default)]
struct Count {
    all: u32,
    stop: bool,
}

#[derive(Default)]
struct Analysis {
    counts: BTreeMap<u32, Count>,
    words: u32,
    grams_seen: u32,
    /// Whether words are cut into grams as well.
    grams: bool,
}

impl Analysis {
    fn add(&mut self, folded: &str) {
        let mut previous: Option<String> = None;
        for token in tokens(folded) {
            match token {
                Token::Word(word) => self.add_word(word, &mut previous),
                Token::Run(run) => {
                    previous = None;
                    self.add_grams(run, UNSPACED_GRAM);
                }
            }
        }
    }

    fn add_word(&mut self, word: &str, previous: &mut Option<String>) {
        let stop = is_stop_word(word);
        let stemmed = stem(word);
        self.words += 1;
        self.count(Kind::Word.hash(&[&stemmed]), stop);
        if stop {
            return;
        }
        if let Some(before) = previous.replace(stemmed.clone()) {
            self.count(Kind::Pair.hash(&[&before, &stemmed]), false);
        }
        if self.grams {
            self.add_grams(word, SPACED_GRAM);
        }
    }

    fn add_grams(&mut self, piece: &str, size: usize) {
        each_gram(piece, size, |hash| {
            self.grams_seen += 1;
            self.count(hash, false);
        });
    }

    fn count(&mut self, hash: u32, stop: bool) {
        let count = self.counts.entry(hash).or_insert(Count { all: 0, stop });
        count.all += 1;
        count.stop &= stop;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(query: &str, passage: &str) -> usize {
        let passage = analyse_passage("", None, passage);
        analyse_query(query).terms.iter().filter(|t| passage.terms().any(|(hash, _)| hash == t.hash)).count()
    }

    #[test]
    fn a_question_meets_a_passage_in_words_and_pairs() {
        // reset, password and the pair of both
        assert_eq!(shared("How do I reset my password?", "Resetting a password takes a minute."), 3);
        assert_eq!(shared("Who are you?", "You are who you are"), 3, "stop words count when alone");
        assert_eq!(shared("Öffnungszeiten", "Unsere OFFNUNGSZEITEN"), 1);
    }

    #[test]
    fn other_languages_meet_in_grams() {
        assert!(shared("黑豹的队长是谁", "他是黑豹队长") >= 2);
        assert!(
            shared(
                "Wie lautet die Kündigungsfrist",
                "Fristen für Kündigungen des Vertrages finden Sie im Anhang"
            ) >= 5
        );
        assert!(analyse_query("Où se trouve la bibliothèque municipale de Lyon").terms.len() > 15);
    }

    #[test]
    fn english_text_has_no_grams() {
        let passage =
            analyse_passage("Password", None, "You can reset your password in the settings of your account.");
        assert!(passage.terms().all(|(hash, _)| Kind::of(hash) != Kind::Gram));
    }
}
