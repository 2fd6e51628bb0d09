//! Searching a snapshot: score every living row both ways, take the best, rescore them with full vectors.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::fusion::{Evidence, Fusion, Standing};
use super::segment::{Document, Lengths, Segment};
use super::vectors::QueryCodes;
use super::{Hit, Index, Mode, Part, Query};
use crate::DIMENSIONS;
use crate::lexical::{Kind, QueryTerm, QueryTerms};
use crate::simd::dot;
use crate::simd::signs::Planes;

/// BM25 (Robertson and Zaragoza 2009), with the usual constants.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// How much a pair of neighbouring words counts beside the words themselves.
const PAIR_WEIGHT: f32 = 0.3;
/// How much a character gram counts: a word has several.
const GRAM_WEIGHT: f32 = 0.3;
/// Chunks without any of the question's words that are imagined beside the real ones when coverage is weighed:
/// in a workspace of three pages a word that stands in one of them is still a rare word.
const BACKGROUND: f32 = 100.0;
/// At least this many candidates are rescored with full vectors, and at least four times the limit.
const LEAST_RESCORED: usize = 100;
/// Where vectors are many, the signs choose those whose codes are looked at: the best so many, and at least one in so many
/// rows. The deviation of an estimate is about 0.04.
const LEAST_LOOKED_AT: usize = 1_000;
const ROWS_A_LOOK: usize = 100;
/// Up to so many rows for each that would be looked at, all are: one after the other they are had faster.
const SCANNED: usize = 16;
/// So many times more are looked at when what was found holds too many copies.
const ROOM_GROWTH: usize = 8;
/// Coverages that differ by no more are the same.
const COVERAGE_ERROR: f32 = 1e-4;

/// Neighbouring rows of a part that are alive and in one of the collections.
struct Living {
    part: usize,
    /// Rows in the part.
    rows: Range<usize>,
    /// Rows of the parts before.
    offset: usize,
}

impl Living {
    /// Where the rows stand among those of all parts.
    fn places(&self) -> Range<usize> {
        self.offset + self.rows.start..self.offset + self.rows.end
    }
}

impl Index {
    /// The best `limit` chunks, best first; equal scores by document and ordinal. Of passages that say the same in
    /// nearly the same words only the best is among them.
    pub fn search(&self, query: &Query<'_>, limit: usize) -> Vec<Hit> {
        if limit == 0 || self.is_empty() {
            return Vec::new();
        }
        let vector = query.vector.filter(|vector| vector.len() == DIMENSIONS);
        let living = self.living(query.collections);
        let mut scratch = self.scratch.take();
        self.score_terms(&query.terms, &mut scratch);
        self.score_vectors(vector, &living, &mut scratch);
        let mut standing = Standing::default();
        for living in &living {
            let gists = &self.parts[living.part].segment.gists[living.rows.clone()];
            for (evidence, gist) in scratch.evidence(living).zip(gists) {
                standing.see(evidence, || gist.answers);
            }
        }
        let fusion = Fusion::new(query.mode, query.terms.language, &standing);
        let mut room = LEAST_RESCORED.max(limit.saturating_mul(4)).min(self.len());
        let hits = loop {
            let best = best(room, query.mode, fusion, &living, &scratch);
            let all = best.len() < room || room == self.len();
            let hits = self.rescore(best, vector, fusion, limit);
            if all || hits.len() == limit {
                break hits;
            }
            // Copies of each other filled the room.
            room = room.saturating_mul(ROOM_GROWTH).min(self.len());
        };
        self.scratch.give_back(scratch);
        hits
    }

    /// Rows of the parts before this one.
    fn offset(&self, part: usize) -> usize {
        self.parts[..part].iter().map(|part| part.segment.rows()).sum()
    }

    fn living(&self, collections: Option<&HashSet<String>>) -> Vec<Living> {
        let mut living = Vec::new();
        for (nth, part) in self.parts.iter().enumerate() {
            let offset = self.offset(nth);
            let ranges = living_ranges(part, collections).into_iter();
            living.extend(ranges.map(|rows| Living { part: nth, rows, offset }));
        }
        living
    }

    fn score_terms(&self, terms: &QueryTerms, scratch: &mut Scratch) {
        let statistics = Statistics::of(&self.parts, terms.is_english());
        let weighed: Vec<WeighedTerm> =
            terms.terms.iter().map(|term| statistics.weigh(term, &self.parts)).collect();
        let total: f32 = weighed.iter().map(|term| term.coverage).sum();
        let share = if total > 0.0 { 1.0 / total } else { 0.0 };
        scratch.lexical.clear();
        for part in &self.parts {
            let before = scratch.lexical.len();
            scratch
                .lexical
                .extend(part.segment.lengths.iter().map(|lengths| statistics.nothing_yet(*lengths)));
            for term in &weighed {
                term.add(share, &part.segment, &mut scratch.lexical[before..]);
            }
        }
    }

    fn score_vectors(&self, vector: Option<&[f32]>, living: &[Living], scratch: &mut Scratch) {
        scratch.dense.clear();
        scratch.dense.resize(scratch.lexical.len(), f32::NAN);
        let Some(vector) = vector else { return };
        let codes = QueryCodes::new(vector);
        let rows: usize = living.iter().map(|living| living.rows.len()).sum();
        let looked_at = LEAST_LOOKED_AT.max(rows / ROWS_A_LOOK);
        if rows < SCANNED * looked_at {
            for living in living {
                let vectors = &self.parts[living.part].segment.vectors;
                vectors.scan(&codes, living.rows.clone(), &mut scratch.dense[living.places()]);
            }
        } else {
            let least = self.estimate_vectors(vector, living, scratch).of_rank(looked_at);
            self.look_at_vectors(&codes, living, scratch, least);
        }
    }

    fn estimate_vectors(&self, vector: &[f32], living: &[Living], scratch: &mut Scratch) -> Estimates {
        let planes = Planes::new(vector);
        let mut estimates = Estimates::default();
        for living in living {
            let dense = &mut scratch.dense[living.places()];
            self.parts[living.part].segment.vectors.estimate(&planes, living.rows.clone(), dense);
            estimates.see(dense);
        }
        estimates
    }

    /// Replaces the estimates that are not below `least`.
    fn look_at_vectors(&self, codes: &QueryCodes, living: &[Living], scratch: &mut Scratch, least: f32) {
        for living in living {
            let vectors = &self.parts[living.part].segment.vectors;
            for (row, dense) in living.rows.clone().zip(&mut scratch.dense[living.places()]) {
                if *dense >= least {
                    vectors.scan(codes, row..row + 1, std::slice::from_mut(dense));
                }
            }
        }
    }

    /// Replaces the approximate cosines of the candidates by exact ones and takes the best, without copies.
    fn rescore(
        &self,
        mut candidates: Vec<Candidate>,
        vector: Option<&[f32]>,
        fusion: Fusion,
        limit: usize,
    ) -> Vec<Hit> {
        if let Some(query) = vector {
            for candidate in &mut candidates {
                let vectors = &self.parts[candidate.part as usize].segment.vectors;
                if let Some(stored) = vectors.exact(candidate.row as usize) {
                    candidate.evidence.dense = Some(dot(query, stored));
                    candidate.sum = fusion.weigh(candidate.evidence).sum();
                }
            }
        }
        let mut found: Vec<_> =
            candidates.into_iter().map(|candidate| (self.document(&candidate), candidate)).collect();
        found.sort_unstable_by(|(a_document, a), (b_document, b)| {
            let sum = b.sum.total_cmp(&a.sum);
            sum.then_with(|| a_document.id.cmp(&b_document.id)).then(a.row.cmp(&b.row))
        });
        let mut kept: Vec<(&Document, Candidate)> = Vec::with_capacity(limit.min(found.len()));
        for (document, candidate) in found {
            if kept.len() == limit {
                break;
            }
            if !kept.iter().any(|(_, better)| self.repeats(&candidate, better)) {
                kept.push((document, candidate));
            }
        }
        kept.into_iter().map(|(document, candidate)| self.hit(document, &candidate, fusion)).collect()
    }

    /// Whether a candidate says what a better one says, and holds no more of the question.
    fn repeats(&self, candidate: &Candidate, better: &Candidate) -> bool {
        let gist = |of: &Candidate| self.parts[of.part as usize].segment.gists[of.row as usize];
        candidate.evidence.coverage <= better.evidence.coverage + COVERAGE_ERROR
            && gist(candidate).is_copy_of(gist(better))
    }

    fn document(&self, candidate: &Candidate) -> &Document {
        let documents = &self.parts[candidate.part as usize].segment.documents;
        let after = documents.partition_point(|document| document.first_row <= candidate.row);
        // Documents without rows share their first row with the next one, which stands behind them.
        &documents[after - 1]
    }

    fn hit(&self, document: &Document, candidate: &Candidate, fusion: Fusion) -> Hit {
        let segment = &self.parts[candidate.part as usize].segment;
        Hit {
            document_id: document.id.clone(),
            version: document.version,
            ordinal: segment.ordinals[candidate.row as usize],
            score: Fusion::score(candidate.sum),
            lexical: candidate.evidence.lexical,
            dense: candidate.evidence.dense,
            coverage: candidate.evidence.coverage.min(1.0),
            explained: fusion.weigh(candidate.evidence),
        }
    }
}

/// How many estimates there are of each size.
struct Estimates([u32; Self::SIZES]);

impl Default for Estimates {
    fn default() -> Self {
        Self([0; Self::SIZES])
    }
}

impl Estimates {
    /// From -1 to 1; what lies beyond counts as that.
    const SIZES: usize = 1024;
    const STEPS: f32 = Self::SIZES as f32 / 2.0;

    /// Those that are NaN count as the least.
    fn see(&mut self, estimates: &[f32]) {
        for estimate in estimates {
            let size = ((estimate + 1.0) * Self::STEPS) as usize;
            self.0[size.min(Self::SIZES - 1)] += 1;
        }
    }

    /// A size that about so many estimates reach, and not fewer if there are as many.
    fn of_rank(&self, rank: usize) -> f32 {
        let mut reached = 0;
        let size = (0..Self::SIZES).rev().find(|&size| {
            reached += self.0[size] as usize;
            reached >= rank
        });
        size.filter(|&size| size > 0).map_or(f32::NEG_INFINITY, |size| size as f32 / Self::STEPS - 1.0)
    }
}

/// The candidates that weigh most, as far as there is room.
fn best(room: usize, mode: Mode, fusion: Fusion, living: &[Living], scratch: &Scratch) -> Vec<Candidate> {
    let mut best = Best::new(room);
    for living in living {
        for (row, evidence) in living.rows.clone().zip(scratch.evidence(living)) {
            let sum = fusion.weigh(evidence).sum();
            if sum > best.threshold && mode.admits(evidence) {
                best.push(Candidate { sum, part: living.part as u32, row: row as u32, evidence });
            }
        }
    }
    best.into_vec()
}

impl Mode {
    /// Whether a row has any evidence of the kind that is asked for.
    fn admits(self, evidence: Evidence) -> bool {
        let lexical = evidence.lexical > 0.0;
        match self {
            Self::Lexical => lexical,
            Self::Dense => evidence.dense.is_some(),
            Self::Fused => lexical || evidence.dense.is_some(),
        }
    }
}

/// The rows that are alive and in one of the collections, neighbours joined.
fn living_ranges(part: &Part, collections: Option<&HashSet<String>>) -> Vec<Range<usize>> {
    let segment = &part.segment;
    let wanted: Vec<bool> = segment
        .collections
        .iter()
        .map(|name| collections.is_none_or(|collections| collections.contains(&**name)))
        .collect();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, document) in segment.documents.iter().enumerate() {
        if part.dead.has_document(at) || !wanted[document.collection as usize] {
            continue;
        }
        let rows = document.rows();
        match ranges.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => ranges.push(rows),
        }
    }
    ranges
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

    /// What a row has before any term is added.
    #[inline]
    fn nothing_yet(&self, lengths: Lengths) -> LexicalScore {
        let norm = |length: u32, average: f32| K1 * (1.0 - B) + K1 * B * length as f32 / average;
        LexicalScore {
            sum: 0.0,
            coverage: 0.0,
            word_norm: norm(lengths.words, self.average_words),
            gram_norm: norm(lengths.grams, self.average_grams),
        }
    }
}

impl WeighedTerm {
    /// Adds what the term is worth to each row that holds it; `share` of its coverage counts.
    fn add(&self, share: f32, segment: &Segment, scores: &mut [LexicalScore]) {
        let Some(list) = segment.postings.get(self.hash) else { return };
        let coverage = self.coverage * share;
        let add = |score: &mut LexicalScore, count: u8, norm: f32| {
            let count = f32::from(count);
            score.sum += self.weight * count / (count + norm);
            score.coverage += coverage;
        };
        match Kind::of(self.hash) {
            Kind::Gram => list.for_each(|row, count| {
                let score = &mut scores[row as usize];
                add(score, count, score.gram_norm);
            }),
            Kind::Word | Kind::Pair => list.for_each(|row, count| {
                let score = &mut scores[row as usize];
                add(score, count, score.word_norm);
            }),
        }
    }
}

fn living_frequency(part: &Part, hash: u32) -> u32 {
    let Some(list) = part.segment.postings.get(hash) else { return 0 };
    if part.dead.is_empty() {
        return list.len();
    }
    let mut living = 0;
    list.for_each(|row, _| living += u32::from(!part.dead.has_row(row as usize)));
    living
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    sum: f32,
    part: u32,
    row: u32,
    evidence: Evidence,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    /// The worst is the greatest, as the heap drops its greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.sum.total_cmp(&self.sum).then(self.part.cmp(&other.part)).then(self.row.cmp(&other.row))
    }
}

/// The best few of many candidates.
struct Best {
    heap: BinaryHeap<Candidate>,
    room: usize,
    /// Below this nothing gets in any more.
    threshold: f32,
}

impl Best {
    fn new(room: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(room + 1), room, threshold: f32::NEG_INFINITY }
    }

    /// Takes a candidate whose sum is above the threshold.
    #[inline]
    fn push(&mut self, candidate: Candidate) {
        self.heap.push(candidate);
        if self.heap.len() > self.room {
            self.heap.pop();
        }
        if self.heap.len() == self.room {
            self.threshold = self.heap.peek().map_or(f32::NEG_INFINITY, |worst| worst.sum);
        }
    }

    fn into_vec(self) -> Vec<Candidate> {
        self.heap.into_vec()
    }
}

/// What a row's terms are worth, beside what its lengths make of a term: whoever adds one needs both.
#[derive(Debug, Clone, Copy)]
struct LexicalScore {
    sum: f32,
    coverage: f32,
    word_norm: f32,
    gram_norm: f32,
}

/// A place for the scores of every row, kept between searches.
#[derive(Default)]
struct Scratch {
    lexical: Vec<LexicalScore>,
    /// NaN where a row has no vector or was not scanned.
    dense: Vec<f32>,
}

impl Scratch {
    /// The evidence for some rows, in order.
    #[inline]
    fn evidence(&self, living: &Living) -> impl Iterator<Item = Evidence> {
        let rows = self.lexical[living.places()].iter().zip(&self.dense[living.places()]);
        rows.map(|(&LexicalScore { sum, coverage, .. }, &dense)| Evidence {
            lexical: sum,
            coverage,
            dense: (!dense.is_nan()).then_some(dense),
        })
    }
}

/// Scratch of searches that have ended: as many as ever ran at once.
#[derive(Default)]
pub(super) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    fn take(&self) -> Scratch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}
