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
use crate::simd::largest;

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
/// Scores that are passed over together when none of them is among the best.
const TOGETHER: usize = 128;

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
    /// Takes lexical scores into account.
    pub(super) fn see_lexical(&mut self, scores: &[f32]) {
        for some in scores.chunks(TOGETHER) {
            if largest(some) > self.lexical[BEST - 1] {
                some.iter().for_each(|&score| self.see_score(score));
            }
        }
    }

    /// Takes cosines into account; `answers` says whether the chunk at a place stands under a question.
    pub(super) fn see_dense(&mut self, cosines: &[f32], answers: impl Fn(usize) -> bool) {
        for (nth, some) in cosines.chunks(TOGETHER).enumerate() {
            if largest(some) > self.dense[BEST - 1].0 {
                let places = (nth * TOGETHER..).zip(some);
                places.for_each(|(at, &cosine)| self.see_cosine(cosine, || answers(at)));
            }
        }
    }

    fn see_score(&mut self, score: f32) {
        if score > self.lexical[BEST - 1] {
            let at = self.lexical.partition_point(|&better| better >= score);
            self.lexical.copy_within(at..BEST - 1, at + 1);
            self.lexical[at] = score;
        }
    }

    fn see_cosine(&mut self, cosine: f32, answers: impl FnOnce() -> bool) {
        if cosine > self.dense[BEST - 1].0 {
            let at = self.dense.partition_point(|&(better, _)| better >= cosine);
            self.dense.copy_within(at..BEST - 1, at + 1);
            self.dense[at] = (cosine, answers());
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
pub(super) struct Fusion {
    /// What a point of lexical score is worth.
    lexical: f32,
    /// Whether a passage's coverage scales it.
    by_coverage: bool,
    /// What a cosine is worth.
    dense: f32,
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
        let lexical = |lexical| Self { lexical, by_coverage: false, dense: 1.0 };
        match (mode, standing.best_cosine(), language) {
            (Mode::Dense, ..) => lexical(0.0),
            (Mode::Lexical, ..) | (Mode::Fused, None, _) => Self { dense: 0.0, ..lexical(LONE_WEIGHT) },
            (Mode::Fused, Some(_), Language::Foreign) => lexical(FOREIGN_WEIGHT),
            (Mode::Fused, Some(_), Language::OtherScript) => lexical(OTHER_SCRIPT_WEIGHT),
            (Mode::Fused, Some(best), Language::English) => {
                Self { by_coverage: true, ..lexical(standing.lexical_weight(best)) }
            }
        }
    }

    /// What each side adds for a passage.
    #[inline(always)]
    pub(super) fn weigh(self, evidence: Evidence) -> Explained {
        let share = if self.by_coverage { evidence.coverage } else { 1.0 };
        Explained {
            lexical: self.lexical * share * evidence.lexical,
            dense: self.dense * evidence.dense.unwrap_or(0.0),
        }
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
        standing.see_lexical(&seen.iter().map(|evidence| evidence.lexical).collect::<Vec<_>>());
        let cosines: Vec<f32> = seen.iter().filter_map(|evidence| evidence.dense).collect();
        standing.see_dense(&cosines, |_| answers);
        Fusion::new(Mode::Fused, Language::English, &standing).lexical
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
        let fusion = Fusion { lexical: 0.02, by_coverage: true, dense: 1.0 };
        let scores = [(0.0, -1.0), (0.0, -0.2), (0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (50.0, 0.5), (1e9, 1.0)];
        let scores =
            scores.map(|(lexical, dense)| Fusion::score(fusion.weigh(evidence(lexical, dense)).sum()));
        assert!(scores.is_sorted() && scores[0] >= 0.0 && scores[6] <= 1.0, "{scores:?}");
    }
}
