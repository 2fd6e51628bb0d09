//! One score out of two: how lexical and dense evidence are put together.
//!
//! Raw scores are added, not ranks: how far the best stands out is what tells good evidence from poor. The
//! lexical side weighs the more, the less sure the dense side is (its best cosine is low), the further the
//! best lexical score stands above the tenth, and the more of the question a passage covers. The embedding
//! model was trained on English; for other languages the lexical side leads throughout. The constants were
//! fitted on three sets at once: questions on encyclopedia paragraphs, a support FAQ, and twelve languages.

use super::Mode;

/// Lexical weight of an English question of which the dense side is as unsure as `UNSURE`, whose best
/// passage stands out as `STANDING_OUT`, for a passage that covers `COVERED` of it.
const LEXICAL_WEIGHT: f32 = 0.0125;
const UNSURE: f32 = 0.4;
const STANDING_OUT: f32 = 0.5;
const COVERED: f32 = 0.7;
/// Lexical weight of a question in another language.
const FOREIGN_WEIGHT: f32 = 0.1;
/// Lexical weight where there is nothing to weigh it against.
const LONE_WEIGHT: f32 = 0.02;

/// The evidence for one chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) lexical: f32,
    pub(super) coverage: f32,
    pub(super) dense: Option<f32>,
}

/// The best evidence that there is for a question.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// The best lexical scores, falling.
    lexical: [f32; 10],
    dense: Option<f32>,
}

impl Standing {
    #[inline]
    pub(super) fn see(&mut self, evidence: Evidence) {
        if evidence.lexical > self.lexical[9] {
            let at = self.lexical.partition_point(|&better| better >= evidence.lexical);
            self.lexical.copy_within(at..9, at + 1);
            self.lexical[at] = evidence.lexical;
        }
        if let Some(dense) = evidence.dense {
            self.dense = Some(self.dense.map_or(dense, |best| best.max(dense)));
        }
    }

    /// How far the best lexical score stands above the tenth, from 0 to 1.
    fn standing_out(&self) -> f32 {
        if self.lexical[0] > 0.0 { 1.0 - self.lexical[9] / self.lexical[0] } else { 0.0 }
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

impl Fusion {
    pub(super) fn new(mode: Mode, english: bool, standing: &Standing) -> Self {
        match (mode, standing.dense) {
            (Mode::Dense, _) => Self::Dense,
            (Mode::Lexical, _) | (Mode::Fused, None) => Self::Lexical,
            (Mode::Fused, Some(_)) if !english => Self::Sum { weight: FOREIGN_WEIGHT, by_coverage: false },
            (Mode::Fused, Some(best)) => {
                let unsure = ((1.0 - best).max(0.0) / UNSURE).powi(3);
                let weight = LEXICAL_WEIGHT * unsure * standing.standing_out() / STANDING_OUT / COVERED;
                Self::Sum { weight, by_coverage: true }
            }
        }
    }

    /// The weighted sum, by which passages are ordered.
    #[inline]
    pub(super) fn sum(self, evidence: Evidence) -> f32 {
        let dense = evidence.dense.unwrap_or(0.0);
        match self {
            Self::Lexical => LONE_WEIGHT * evidence.lexical,
            Self::Dense => dense,
            Self::Sum { weight, by_coverage: true } => dense + weight * evidence.coverage * evidence.lexical,
            Self::Sum { weight, by_coverage: false } => dense + weight * evidence.lexical,
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

    fn weight(seen: &[Evidence]) -> f32 {
        let mut standing = Standing::default();
        seen.iter().for_each(|&evidence| standing.see(evidence));
        match Fusion::new(Mode::Fused, true, &standing) {
            Fusion::Sum { weight, .. } => weight,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn terms_weigh_more_when_vectors_are_unsure_and_when_they_single_one_out() {
        let sure: Vec<_> = (1..12).map(|n| evidence(n as f32, 0.8)).collect();
        let unsure: Vec<_> = (1..12).map(|n| evidence(n as f32, 0.4)).collect();
        let even: Vec<_> = (1..12).map(|_| evidence(11.0, 0.4)).collect();
        assert!(weight(&unsure) > 10.0 * weight(&sure));
        assert_eq!(weight(&even), 0.0);
        assert!(weight(&[evidence(5.0, 0.4)]) > weight(&unsure));
    }

    #[test]
    fn scores_lie_between_zero_and_one_and_rise_with_either_side() {
        let fusion = Fusion::Sum { weight: 0.02, by_coverage: true };
        let scores = [(0.0, -1.0), (0.0, -0.2), (0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (50.0, 0.5), (1e9, 1.0)];
        let scores = scores.map(|(lexical, dense)| Fusion::score(fusion.sum(evidence(lexical, dense))));
        assert!(scores.is_sorted() && scores[0] >= 0.0 && scores[6] <= 1.0, "{scores:?}");
    }
}
