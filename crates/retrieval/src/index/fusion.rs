//! One score out of two: how lexical and dense evidence are put together.
//!
//! Raw scores are added, not ranks: how far the best stands out is what tells good evidence from poor. The
//! lexical side weighs the more, the less sure the dense side is (its best cosine is low), the further the
//! best lexical score stands above the tenth, and the more of the question a passage covers. It weighs less
//! where the dense side finds passages that stand under questions: to compare a question with a question is
//! what the embedding model was trained for. It was trained on English, so for other languages the lexical
//! side leads, and for other scripts, of which its vocabulary holds little more than letters, it decides.
//!
//! The constants were chosen by hand from a coarse grid, one setting for all: the question sets that goals are measured
//! on, and two others (abstracts of papers, sections of manuals under their headings). Those for other languages were
//! read off the set in twelve languages alone.

use super::Mode;
use crate::lexical::Language;

/// Lexical weight of an English question of which the dense side is as unsure as `UNSURE`, whose best
/// passage stands out as `STANDING_OUT`, for a passage that covers all of it.
const LEXICAL_WEIGHT: f32 = 0.03;
const UNSURE: f32 = 0.33;
const STANDING_OUT: f32 = 0.46;
/// How the lexical weight falls with the share of questions above the best passages: to a twentieth.
const QUESTIONS_ABOVE: f32 = -3.0;
/// Lexical weight of a question in another language of Latin script, and in another script.
const FOREIGN_WEIGHT: f32 = 0.1;
const OTHER_SCRIPT_WEIGHT: f32 = 1.0;
/// Lexical weight where there is nothing to weigh it against.
const LONE_WEIGHT: f32 = 0.02;
/// Passages of which it is asked how the best stands out, and whether they stand under questions.
const BEST: usize = 10;

/// The evidence for one chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) lexical: f32,
    pub(super) coverage: f32,
    pub(super) dense: Option<f32>,
}

/// The best evidence that there is for a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The best lexical scores, falling.
    lexical: [f32; BEST],
    /// The best cosines, falling, and whether the passage stands under a question.
    dense: [(f32, bool); BEST],
}

impl Default for Standing {
    fn default() -> Self {
        Self { lexical: [0.0; BEST], dense: [(f32::NEG_INFINITY, false); BEST] }
    }
}

impl Standing {
    /// Takes a chunk into account; `answers` says whether it stands under a question.
    #[inline]
    pub(super) fn see(&mut self, evidence: Evidence, answers: impl FnOnce() -> bool) {
        if evidence.lexical > self.lexical[BEST - 1] {
            let at = self.lexical.partition_point(|&better| better >= evidence.lexical);
            self.lexical.copy_within(at..BEST - 1, at + 1);
            self.lexical[at] = evidence.lexical;
        }
        if let Some(dense) = evidence.dense.filter(|&dense| dense > self.dense[BEST - 1].0) {
            let at = self.dense.partition_point(|&(better, _)| better >= dense);
            self.dense.copy_within(at..BEST - 1, at + 1);
            self.dense[at] = (dense, answers());
        }
    }

    fn best_cosine(&self) -> Option<f32> {
        Some(self.dense[0].0).filter(|best| best.is_finite())
    }

    /// How far the best lexical score stands above the tenth, from 0 to 1.
    fn standing_out(&self) -> f32 {
        if self.lexical[0] > 0.0 { 1.0 - self.lexical[BEST - 1] / self.lexical[0] } else { 0.0 }
    }

    /// Of the passages that the dense side finds best, the share that stands under questions.
    fn questions_above(&self) -> f32 {
        let found = self.dense.iter().filter(|(cosine, _)| cosine.is_finite()).count();
        let under = self.dense.iter().filter(|(_, answers)| *answers).count();
        under as f32 / found.max(1) as f32
    }

    /// What a point of lexical score is worth beside a cosine, for a passage that covers all of the question.
    fn lexical_weight(&self, best_cosine: f32) -> f32 {
        let unsure = ((1.0 - best_cosine).max(0.0) / UNSURE).powf(1.5);
        let trained_for = (QUESTIONS_ABOVE * self.questions_above()).exp();
        LEXICAL_WEIGHT * unsure * (self.standing_out() / STANDING_OUT) * trained_for
    }
}

/// How the evidence for a question is weighed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fusion {
    Lexical,
    Dense,
    /// The lexical weight, and whether a passage's coverage scales it.
    Sum {
        weight: f32,
        by_coverage: bool,
    },
}

/// What each side added to a hit's score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explained {
    /// The lexical score times what the question made it worth.
    pub lexical: f32,
    /// The cosine, where it counted.
    pub dense: f32,
}

impl Explained {
    /// The weighted sum, by which passages are ordered.
    #[inline]
    pub(super) fn sum(self) -> f32 {
        self.lexical + self.dense
    }
}

impl Fusion {
    pub(super) fn new(mode: Mode, language: Language, standing: &Standing) -> Self {
        match (mode, standing.best_cosine(), language) {
            (Mode::Dense, ..) => Self::Dense,
            (Mode::Lexical, ..) | (Mode::Fused, None, _) => Self::Lexical,
            (Mode::Fused, Some(_), Language::Foreign) => {
                Self::Sum { weight: FOREIGN_WEIGHT, by_coverage: false }
            }
            (Mode::Fused, Some(_), Language::OtherScript) => {
                Self::Sum { weight: OTHER_SCRIPT_WEIGHT, by_coverage: false }
            }
            (Mode::Fused, Some(best), Language::English) => {
                Self::Sum { weight: standing.lexical_weight(best), by_coverage: true }
            }
        }
    }

    /// What each side adds for a passage.
    #[inline]
    pub(super) fn weigh(self, evidence: Evidence) -> Explained {
        let dense = evidence.dense.unwrap_or(0.0);
        let (lexical, dense) = match self {
            Self::Lexical => (LONE_WEIGHT * evidence.lexical, 0.0),
            Self::Dense => (0.0, dense),
            Self::Sum { weight, by_coverage: true } => (weight * evidence.coverage * evidence.lexical, dense),
            Self::Sum { weight, by_coverage: false } => (weight * evidence.lexical, dense),
        };
        Explained { lexical, dense }
    }

    /// A sum as a score from 0 to 1: x / (1 + x).
    pub(super) fn score(sum: f32) -> f32 {
        // Shifted by one, so that negative cosines keep their order.
        let shifted = (1.0 + sum).max(0.0);
        shifted / (1.0 + shifted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(lexical: f32, dense: f32) -> Evidence {
        Evidence { lexical, coverage: 0.7, dense: Some(dense) }
    }

    fn weight(seen: &[Evidence], answers: bool) -> f32 {
        let mut standing = Standing::default();
        seen.iter().for_each(|&evidence| standing.see(evidence, || answers));
        match Fusion::new(Mode::Fused, Language::English, &standing) {
            Fusion::Sum { weight, .. } => weight,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn terms_weigh_more_when_vectors_are_unsure_and_when_they_single_one_out() {
        let sure: Vec<_> = (1..12).map(|n| evidence(n as f32, 0.8)).collect();
        let unsure: Vec<_> = (1..12).map(|n| evidence(n as f32, 0.4)).collect();
        let even: Vec<_> = (1..12).map(|_| evidence(11.0, 0.4)).collect();
        assert!(weight(&unsure, false) > 4.0 * weight(&sure, false));
        assert_eq!(weight(&even, false), 0.0);
        assert!(weight(&[evidence(5.0, 0.4)], false) > weight(&unsure, false));
    }

    #[test]
    fn terms_weigh_less_where_a_question_is_compared_with_questions() {
        let seen: Vec<_> = (1..12).map(|n| evidence(n as f32, 0.6)).collect();
        assert!(weight(&seen, true) < 0.1 * weight(&seen, false));
    }

    #[test]
    fn scores_lie_between_zero_and_one_and_rise_with_either_side() {
        let fusion = Fusion::Sum { weight: 0.02, by_coverage: true };
        let scores = [(0.0, -1.0), (0.0, -0.2), (0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (50.0, 0.5), (1e9, 1.0)];
        let scores =
            scores.map(|(lexical, dense)| Fusion::score(fusion.weigh(evidence(lexical, dense)).sum()));
        assert!(scores.is_sorted() && scores[0] >= 0.0 && scores[6] <= 1.0, "{scores:?}");
    }
}
