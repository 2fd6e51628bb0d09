//! How much of a question a piece of text holds, with the rarity of words taken from an index.

use super::Index;
use super::search::Statistics;
use crate::lexical::{Kind, QueryTerms, analyse_passage};

/// A question's terms and what each is worth; see [`Index::weights`].
#[derive(Debug, Clone)]
pub struct Weights {
    /// Hash and share of the whole, the shares of one question adding up to 1.
    terms: Vec<(u32, f32)>,
}

impl Index {
    /// What a question's terms are worth by how rare they are here.
    pub fn weights(&self, terms: &QueryTerms) -> Weights {
        let statistics = Statistics::of(&self.parts, terms.english);
        let weighed: Vec<(u32, f32)> = terms
            .terms
            .iter()
            .filter(|term| Kind::of(term.hash) != Kind::Pair)
            .map(|term| (term.hash, statistics.weigh(term, &self.parts).coverage))
            .collect();
        let total: f32 = weighed.iter().map(|(_, weight)| weight).sum();
        let share = if total > 0.0 { 1.0 / total } else { 0.0 };
        Weights { terms: weighed.into_iter().map(|(hash, weight)| (hash, weight * share)).collect() }
    }
}

impl Weights {
    /// The share of the question's terms, weighted by rarity, that a text holds: 0 to 1.
    pub fn coverage(&self, text: &str) -> f32 {
        let passage = analyse_passage("", None, text);
        let held = |hash: u32| !passage.terms_between(hash, hash).is_empty();
        self.terms.iter().filter(|(hash, _)| held(*hash)).map(|(_, weight)| weight).sum::<f32>().min(1.0)
    }
}
