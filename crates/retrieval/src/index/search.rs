//! Searching a snapshot: score every living row both ways, take the best, rescore them with full vectors.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::best::{Best, Candidate};
use super::bm25::LexicalScores;
use super::fusion::{Evidence, Fusion, Standing};
use super::segment::Document;
use super::vectors::QueryCodes;
use super::{Hit, Index, Part, Query};
use crate::DIMENSIONS;
use crate::simd::signs::Tables;
use crate::simd::{dot, largest};

/// At least this many candidates are rescored with full vectors, and at least four times the limit.
const LEAST_RESCORED: usize = 100;
/// Where vectors are many, the signs choose those whose codes are looked at: the best so many, and at least one in so many
/// rows. The deviation of an estimate is about 0.04.
const LEAST_LOOKED_AT: usize = 512;
const ROWS_A_LOOK: usize = 200;
/// Up to so many rows for each that would be looked at, all are: one after the other they are had faster.
const SCANNED: usize = 16;
/// So many times more are looked at when what was found holds too many copies.
const ROOM_GROWTH: usize = 8;
/// Candidates whose vectors are fetched from memory before they are rescored.
const AHEAD: usize = 3;
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
        scratch.lexical.set(&query.terms, &self.parts);
        self.score_vectors(vector, &living, &mut scratch);
        let standing = self.standing(&living, &scratch);
        let fusion = Fusion::new(query.mode, query.terms.language, &standing);
        let mut room = LEAST_RESCORED.max(limit.saturating_mul(4)).min(self.len());
        let hits = loop {
            let mut best = Best::new(room, query.mode, fusion);
            living.iter().for_each(|living| best.take(living.part, living.rows.start, scratch.of(living)));
            let best = best.into_vec();
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

    /// How the best evidence of each kind stands out.
    fn standing(&self, living: &[Living], scratch: &Scratch) -> Standing {
        let mut standing = Standing::default();
        for living in living {
            let gists = &self.parts[living.part].segment.gists[living.rows.clone()];
            let scores = scratch.of(living);
            standing.see_lexical(scores.lexical);
            standing.see_dense(scores.dense, |at| gists[at].answers);
        }
        standing
    }

    fn score_vectors(&self, vector: Option<&[f32]>, living: &[Living], scratch: &mut Scratch) {
        scratch.dense.resize(scratch.lexical.sums.len(), f32::NAN);
        let Some(vector) = vector else { return scratch.dense.fill(f32::NAN) };
        let codes = QueryCodes::new(vector);
        let rows: usize = living.iter().map(|living| living.rows.len()).sum();
        let looked_at = LEAST_LOOKED_AT.max(rows / ROWS_A_LOOK);
        if rows < SCANNED * looked_at {
            for living in living {
                let vectors = &self.parts[living.part].segment.vectors;
                vectors.scan(&codes, living.rows.clone(), &mut scratch.dense[living.places()]);
            }
        } else {
            let chosen = self.estimate_vectors(vector, living, (looked_at, &mut scratch.dense));
            self.look_at_vectors(&codes, living, (&chosen, &mut scratch.dense));
        }
    }

    /// Estimates the products of all rows and gives the places of the best.
    fn estimate_vectors(
        &self,
        vector: &[f32],
        living: &[Living],
        (most, dense): (usize, &mut [f32]),
    ) -> Vec<usize> {
        let tables = Tables::new(vector);
        let mut chosen = Chosen::new(most);
        for living in living {
            let dense = &mut dense[living.places()];
            self.parts[living.part].segment.vectors.estimate(&tables, living.rows.clone(), dense);
            chosen.take(living.places().start, dense);
        }
        chosen.places()
    }

    /// Replaces the estimates of the chosen places by what their codes say.
    fn look_at_vectors(
        &self,
        codes: &QueryCodes,
        living: &[Living],
        (mut chosen, dense): (&[usize], &mut [f32]),
    ) {
        for living in living {
            let (places, rest) = chosen.split_at(chosen.partition_point(|&at| at < living.places().end));
            let vectors = &self.parts[living.part].segment.vectors;
            vectors.look_at(codes, places.iter().map(|place| place - living.offset), |row, product| {
                dense[living.offset + row] = product;
            });
            chosen = rest;
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
            let vectors_of = |candidate: &Candidate| &self.parts[candidate.part as usize].segment.vectors;
            for at in 0..candidates.len() {
                if let Some(next) = candidates.get(at + AHEAD) {
                    vectors_of(next).expect(next.row as usize);
                }
                let candidate = &mut candidates[at];
                let vectors = vectors_of(candidate);
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

/// The best so many of many estimates and where they stand.
struct Chosen {
    most: usize,
    /// Twice as many before the worse half is dropped, so that each costs the same however many there are.
    best: Vec<(f32, u32)>,
    /// Only what is above it gets in.
    threshold: f32,
}

impl Chosen {
    /// Estimates that are passed over together when none of them is among the best.
    const TOGETHER: usize = 64;

    fn new(most: usize) -> Self {
        Self { most, best: Vec::with_capacity(2 * most), threshold: f32::NEG_INFINITY }
    }

    /// Takes estimates that stand from `first` on; those that are NaN are none.
    fn take(&mut self, first: usize, estimates: &[f32]) {
        for (nth, some) in estimates.chunks(Self::TOGETHER).enumerate() {
            if largest(some) > self.threshold {
                let first = first + nth * Self::TOGETHER;
                some.iter().zip(first..).for_each(|(&estimate, place)| self.push(estimate, place));
            }
        }
    }

    fn push(&mut self, estimate: f32, place: usize) {
        if estimate > self.threshold {
            self.best.push((estimate, place as u32));
            if self.best.len() == 2 * self.most {
                self.drop_worse();
            }
        }
    }

    fn drop_worse(&mut self) {
        if self.best.len() > self.most {
            let (_, next, _) =
                self.best.select_nth_unstable_by(self.most, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            self.threshold = next.0;
            self.best.truncate(self.most);
        }
    }

    /// Where the best stand, rising.
    fn places(mut self) -> Vec<usize> {
        self.drop_worse();
        let mut places: Vec<usize> = self.best.into_iter().map(|(_, place)| place as usize).collect();
        places.sort_unstable();
        places
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

/// A place for the scores of every row, kept between searches.
#[derive(Default)]
struct Scratch {
    lexical: LexicalScores,
    /// NaN where a row has no vector or was not scanned.
    dense: Vec<f32>,
}

/// The scores of some rows, in order.
#[derive(Clone, Copy)]
pub(super) struct Scores<'a> {
    pub(super) lexical: &'a [f32],
    pub(super) coverages: &'a [f32],
    /// NaN where there is none.
    pub(super) dense: &'a [f32],
}

impl Scratch {
    fn of(&self, living: &Living) -> Scores<'_> {
        Scores {
            lexical: &self.lexical.sums[living.places()],
            coverages: &self.lexical.coverages[living.places()],
            dense: &self.dense[living.places()],
        }
    }
}

impl<'a> Scores<'a> {
    /// The scores of neighbouring rows.
    pub(super) fn slice(self, rows: Range<usize>) -> Self {
        Self {
            lexical: &self.lexical[rows.clone()],
            coverages: &self.coverages[rows.clone()],
            dense: &self.dense[rows],
        }
    }

    /// What there is for one row.
    #[inline(always)]
    pub(super) fn evidence(self, row: usize) -> Evidence {
        let dense = self.dense[row];
        Evidence {
            lexical: self.lexical[row],
            coverage: self.coverages[row],
            dense: (!dense.is_nan()).then_some(dense),
        }
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
