//! The lexical side: BM25 (Robertson and Zaragoza 2009) over words, pairs of neighbours and character grams, and how much
//! of a question each row holds.
//!
//! Rows are scored block by block, all terms in one block before the next, so that what is added to stays in the nearest
//! cache.

use std::ops::Range;

use super::Part;
use super::postings::Rows;
use super::segment::Segment;
use crate::lexical::{Kind, QueryTerm, QueryTerms};
use crate::simd::vectorised;

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// How much a pair of neighbouring words counts beside the words themselves.
const PAIR_WEIGHT: f32 = 0.3;
/// How much a character gram counts: a word has several.
const GRAM_WEIGHT: f32 = 0.3;
/// Chunks without any of the question's words that are imagined beside the real ones when coverage is weighed:
/// in a workspace of three pages a word that stands in one of them is still a rare word.
const BACKGROUND: f32 = 100.0;
/// Rows of a block.
const BLOCK: usize = 1024;

/// What the terms of a question are worth to every row. Behind the last there is room for a block.
#[derive(Default)]
pub(super) struct LexicalScores {
    pub(super) sums: Vec<f32>,
    /// Shares of the question, from 0 to nearly 1.
    pub(super) coverages: Vec<f32>,
}

impl LexicalScores {
    /// Takes the scores of a question's terms, part after part.
    pub(super) fn set(&mut self, terms: &QueryTerms, parts: &[Part]) {
        let statistics = Statistics::of(parts, terms.is_english());
        let mut weighed: Vec<WeighedTerm> =
            terms.terms.iter().map(|term| statistics.weigh(term, parts)).collect();
        let total: f32 = weighed.iter().map(|term| term.coverage).sum();
        let share = if total > 0.0 { 1.0 / total } else { 0.0 };
        weighed.iter_mut().for_each(|term| term.coverage *= share);
        let rows: usize = parts.iter().map(|part| part.segment.rows()).sum();
        self.sums.resize(rows + BLOCK, 0.0);
        self.coverages.resize(rows + BLOCK, 0.0);
        let mut first = 0;
        for part in parts {
            let scores = (&mut self.sums[first..], &mut self.coverages[first..]);
            statistics.score(&weighed, &part.segment, scores);
            first += part.segment.rows();
        }
    }
}

/// What BM25 needs to know of the whole snapshot, over living rows only.
pub(super) struct Statistics {
    /// Whether grams are part of what must be covered: English passages have none.
    grams_cover: bool,
    rows: f32,
    average_words: f32,
    average_grams: f32,
}

pub(super) struct WeighedTerm {
    hash: u32,
    /// Weight of its kind times inverse document frequency times its count in the question.
    weight: f32,
    /// Its part of the coverage, before sharing out.
    pub(super) coverage: f32,
}

impl Statistics {
    pub(super) fn of(parts: &[Part], english: bool) -> Self {
        let (mut rows, mut words, mut grams) = (0, 0, 0);
        for part in parts {
            let totals = part.living();
            rows += totals.rows;
            words += totals.words;
            grams += totals.grams;
        }
        let average = |sum: u64| (sum as f32 / rows as f32).max(1.0);
        Self {
            grams_cover: !english,
            rows: rows as f32,
            average_words: average(words),
            average_grams: average(grams),
        }
    }

    pub(super) fn weigh(&self, term: &QueryTerm, parts: &[Part]) -> WeighedTerm {
        let frequency = parts.iter().map(|part| living_frequency(part, term.hash)).sum::<u32>() as f32;
        let rarity = |rows: f32| ((rows - frequency + 0.5) / (frequency + 0.5)).ln_1p();
        let idf = rarity(self.rows);
        let (weight, coverage) = match Kind::of(term.hash) {
            Kind::Word => (1.0, 1.0),
            Kind::Pair => (PAIR_WEIGHT, 0.0),
            Kind::Gram => (GRAM_WEIGHT, if self.grams_cover { GRAM_WEIGHT } else { 0.0 }),
        };
        WeighedTerm {
            hash: term.hash,
            weight: weight * idf * term.count * (K1 + 1.0),
            coverage: coverage * rarity(self.rows + BACKGROUND),
        }
    }

    /// Sets what the terms are worth to each row of a segment: its sum and its coverage. What its last block has too many
    /// is left for the rows of the next one.
    fn score(&self, terms: &[WeighedTerm], segment: &Segment, (sums, coverages): (&mut [f32], &mut [f32])) {
        let mut lists: Vec<(&WeighedTerm, Rows<'_>)> =
            terms.iter().filter_map(|term| Some((term, segment.postings.get(term.hash)?.rows()))).collect();
        let grams = lists.iter().any(|(term, _)| Kind::of(term.hash) == Kind::Gram);
        let (mut word_norms, mut gram_norms) = (Norms::default(), Norms::default());
        for first in (0..segment.rows()).step_by(BLOCK) {
            let rows = first..segment.rows().min(first + BLOCK);
            set_norms(&mut word_norms, &segment.lengths.words[rows.clone()], self.average_words);
            if grams {
                set_norms(&mut gram_norms, &segment.lengths.grams[rows.clone()], self.average_grams);
            }
            let room = (sums[first..].first_chunk_mut(), coverages[first..].first_chunk_mut());
            let (Some(sums), Some(coverages)) = room else { return };
            let mut block = Block { sums, coverages };
            block.clear();
            for (term, list) in &mut lists {
                let norms = match Kind::of(term.hash) {
                    Kind::Gram => &gram_norms,
                    Kind::Word | Kind::Pair => &word_norms,
                };
                block.add(term, list, rows.clone(), norms);
            }
        }
    }
}

/// Scores of a block's rows. Arrays, as a row in a block of known size needs no check.
struct Block<'a> {
    sums: &'a mut [f32; BLOCK],
    coverages: &'a mut [f32; BLOCK],
}

/// BM25 gives a row that holds a term `count` times `count / (count + norm)` of the term's weight.
struct Norms {
    norms: [f32; BLOCK],
    /// What a row gets that holds a term once, as most do.
    once: [f32; BLOCK],
}

impl Default for Norms {
    fn default() -> Self {
        Self { norms: [0.0; BLOCK], once: [0.0; BLOCK] }
    }
}

impl Norms {
    /// What a row gets that holds a term so many times.
    #[inline(always)]
    fn share(&self, row: usize, count: u8) -> f32 {
        if count == 1 { self.once[row] } else { share(f32::from(count), self.norms[row]) }
    }
}

#[inline(always)]
fn share(count: f32, norm: f32) -> f32 {
    count / (count + norm)
}

vectorised! {
    fn set_norms(norms: &mut Norms, lengths: &[u32], average: f32) {
        let slope = K1 * B / average;
        let rows = norms.norms.iter_mut().zip(&mut norms.once);
        for ((norm, once), length) in rows.zip(lengths) {
            *norm = K1 * (1.0 - B) + slope * *length as f32;
            *once = share(1.0, *norm);
        }
    }
}

impl Block<'_> {
    fn clear(&mut self) {
        self.sums.fill(0.0);
        self.coverages.fill(0.0);
    }

    /// Adds a term to the rows of the segment that the block has.
    fn add(&mut self, term: &WeighedTerm, list: &mut Rows<'_>, rows: Range<usize>, norms: &Norms) {
        let Self { sums, coverages } = self;
        match list {
            Rows::Counts(counts) => {
                let worth = (term.weight, term.coverage);
                add_to_all(&counts[rows], &norms.norms, worth, *sums, *coverages);
            }
            Rows::Gaps(gaps) => gaps.until(rows.end, |row, count| {
                let at = (row - rows.start) % BLOCK;
                sums[at] += term.weight * norms.share(at, count);
                coverages[at] += term.coverage;
            }),
        }
    }
}

vectorised! {
    /// Adds a term that stands in each row so many times.
    fn add_to_all(
        counts: &[u8],
        norms: &[f32],
        worth: (f32, f32),
        sums: &mut [f32],
        coverages: &mut [f32],
    ) {
        let (weight, coverage) = worth;
        let scores = sums.iter_mut().zip(coverages);
        for ((count, norm), (sum, covered)) in counts.iter().zip(norms).zip(scores) {
            let count = f32::from(*count);
            // Rows without the term get nothing: 0 by something above 0.
            *sum += weight * share(count, *norm);
            *covered += if count > 0.0 { coverage } else { 0.0 };
        }
    }
}

fn living_frequency(part: &Part, hash: u32) -> u32 {
    let Some(list) = part.segment.postings.get(hash) else { return 0 };
    if part.dead.is_empty() {
        return list.len();
    }
    let mut living = 0;
    list.for_each(|row, _| living += u32::from(!part.dead.has_row(row)));
    living
}
