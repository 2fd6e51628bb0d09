//! The best few of very many rows: those that weigh too little are passed over many at once.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Mode;
use super::fusion::{Evidence, Fusion};
use super::search::Scores;
use crate::simd::{largest, vectorised};

/// Rows that are passed over together when none of them is among the best.
const TOGETHER: usize = 128;

/// A row that may be served, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) sum: f32,
    pub(super) part: u32,
    pub(super) row: u32,
    pub(super) evidence: Evidence,
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

/// The candidates that weigh most, as far as there is room.
pub(super) struct Best {
    heap: BinaryHeap<Candidate>,
    room: usize,
    mode: Mode,
    fusion: Fusion,
    /// Only what weighs more gets in.
    threshold: f32,
}

impl Best {
    pub(super) fn new(room: usize, mode: Mode, fusion: Fusion) -> Self {
        let heap = BinaryHeap::with_capacity(room + 1);
        Self { heap, room, mode, fusion, threshold: f32::NEG_INFINITY }
    }

    /// Takes rows of a part from `first` on.
    pub(super) fn take(&mut self, part: usize, first: usize, scores: Scores<'_>) {
        let mut sums = [0.0; TOGETHER];
        for start in (0..scores.lexical.len()).step_by(TOGETHER) {
            let some = scores.slice(start..scores.lexical.len().min(start + TOGETHER));
            let sums = &mut sums[..some.lexical.len()];
            weigh(self.fusion, some, sums);
            if largest(sums) > self.threshold {
                self.choose(part, first + start, some, sums);
            }
        }
    }

    fn choose(&mut self, part: usize, first: usize, scores: Scores<'_>, sums: &[f32]) {
        for (at, &sum) in sums.iter().enumerate() {
            let evidence = scores.evidence(at);
            if sum > self.threshold && self.mode.admits(evidence) {
                self.push(Candidate { sum, part: part as u32, row: (first + at) as u32, evidence });
            }
        }
    }

    fn push(&mut self, candidate: Candidate) {
        self.heap.push(candidate);
        if self.heap.len() > self.room {
            self.heap.pop();
        }
        if self.heap.len() == self.room {
            self.threshold = self.heap.peek().map_or(f32::NEG_INFINITY, |worst| worst.sum);
        }
    }

    pub(super) fn into_vec(self) -> Vec<Candidate> {
        self.heap.into_vec()
    }
}

vectorised! {
    /// What each row weighs.
    fn weigh(fusion: Fusion, scores: Scores<'_>, sums: &mut [f32]) {
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum = fusion.weigh(scores.evidence(row)).sum();
        }
    }
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
