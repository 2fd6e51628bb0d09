//! How much of a question a piece of text holds, with the rarity of words taken from an index.

use super::Index;
use super::bm25::Statistics;
use crate::lexical::{Kind, QueryTerms, each_term};

/// A question's terms and what each is worth; see [`Index::weights`].
#[derive(Debug, Clone)]
pub struct Weights {
    /// Hash and share of the whole, by rising hash, the shares of one question adding up to 1.
    terms: Vec<(u32, f32)>,
    /// Whether there are grams among them.
    grams: bool,
}

impl Index {
    /// What a question's terms are worth by how rare they are here.
    pub fn weights(&self, terms: &QueryTerms) -> Weights {
        let statistics = Statistics::of(&self.parts, terms.is_english());
        let mut weighed: Vec<(u32, f32)> = terms
            .terms
            .iter()
            .filter(|term| Kind::of(term.hash) != Kind::Pair)
            .map(|term| (term.hash, statistics.weigh(term, &self.parts).coverage))
            .collect();
        weighed.sort_unstable_by_key(|(hash, _)| *hash);
        let total: f32 = weighed.iter().map(|(_, weight)| weight).sum();
        let share = if total > 0.0 { 1.0 / total } else { 0.0 };
        let grams = weighed.iter().any(|(hash, _)| Kind::of(*hash) == Kind::Gram);
        Weights { grams, terms: weighed.into_iter().map(|(hash, weight)| (hash, weight * share)).collect() }
    }
}

/// Which of a question's terms a text holds; see [`Weights::held`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held(Vec<bool>);

impl Held {
    /// What two texts hold together.
    pub fn with(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }
}

/// The terms of a text that several questions are held against; see [`Weights::held_among`].
#[derive(Debug, Clone)]
pub struct Terms(Vec<u32>);

impl Terms {
    /// Looks through a text.
    pub fn of(text: &str) -> Self {
        let mut terms = Vec::new();
        each_term(text, true, |hash| terms.push(hash));
        terms.sort_unstable();
        terms.dedup();
        Self(terms)
    }
}

impl Weights {
    /// Which of the question's terms a text holds.
    pub fn held(&self, text: &str) -> Held {
        let mut held = vec![false; self.terms.len()];
        each_term(text, self.grams, |hash| {
            if let Ok(at) = self.terms.binary_search_by_key(&hash, |(term, _)| *term) {
                held[at] = true;
            }
        });
        Held(held)
    }

    /// The same for a text that was looked through before.
    pub fn held_among(&self, terms: &Terms) -> Held {
        Held(self.terms.iter().map(|(hash, _)| terms.0.binary_search(hash).is_ok()).collect())
    }

    /// Their share of the question, weighted by rarity: 0 to 1.
    pub fn coverage(&self, held: &Held) -> f32 {
        let weights =
            self.terms.iter().zip(&held.0).filter(|(_, held)| **held).map(|((_, weight), _)| weight);
        weights.sum::<f32>().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, ChunkRow, DocumentRows, analyse_passage, analyse_query};

    #[test]
    fn a_rare_word_of_the_question_is_worth_more_than_a_common_one() {
        let spool = tempfile::tempdir().unwrap();
        let row = |ordinal, text: &str| ChunkRow {
            ordinal,
            terms: analyse_passage("", None, text),
            vector: None,
            text: None,
        };
        let common = (0..30).map(|n| row(n, "The tent is green."));
        let document = DocumentRows {
            document_id: "doc".into(),
            collection_id: "col".into(),
            version: 1,
            about: About::default(),
            chunks: common.chain([row(30, "The stove burns petrol.")]).collect(),
        };
        let index = Index::new(spool.path()).with(vec![document], &[]).unwrap();
        let weights = index.weights(&analyse_query("Which petrol for the tent?"));
        let share = |text: &str| weights.coverage(&weights.held(text));
        assert!(share("Petrol is cheap.") > share("A tent stands here."));
        assert_eq!(share("Nothing of it."), 0.0);
        let both = weights.held("petrol").with(&weights.held("tents"));
        assert!((weights.coverage(&both) - 1.0).abs() < 1e-6, "stems count, and two texts add up");
    }

    #[test]
    fn a_text_holds_what_its_analysis_as_a_passage_holds() {
        let questions = ["Which petrol for the tent?", "Wie lautet die Kündigungsfrist", "黑豹的队长是谁"];
        let texts = [
            "Petrol is cheap, tents are not; a tent's stove burns petrol.",
            "Fristen für Kündigungen des Vertrages finden Sie im Anhang",
            "他是黑豹队长",
            "",
        ];
        let index = Index::new(&std::env::temp_dir());
        for question in questions {
            let weights = index.weights(&analyse_query(question));
            for text in texts {
                let passage = analyse_passage("", None, text);
                let expected =
                    weights.terms.iter().map(|(hash, _)| !passage.terms_between(*hash, *hash).is_empty());
                let held = weights.held(text);
                assert_eq!(held, Held(expected.collect()), "{question} {text}");
                assert_eq!(held, weights.held_among(&Terms::of(text)), "{question} {text}");
            }
        }
    }
}
