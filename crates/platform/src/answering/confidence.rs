//! One number for how sure an answer is.

/// What is known of the best sentence and its passage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Features {
    /// Share of the question that the sentence holds, weighted by rarity.
    pub own: f32,
    /// The same with what stands above it.
    pub in_context: f32,
    /// Cosine of question and sentence, where it was computed.
    pub meaning: Option<f32>,
    /// The passage's fused score.
    pub passage: f32,
    /// Cosine of question and passage, with a model.
    pub dense: Option<f32>,
    /// Share of the question that the passage holds.
    pub coverage: f32,
}

impl Features {
    /// How well the sentence answers, for putting sentences in order.
    pub(super) fn score(&self) -> f32 {
        let words = 0.6 * self.own + 0.4 * self.in_context;
        match self.meaning {
            Some(meaning) => 0.4 * words + 0.45 * meaning.max(0.0) + 0.15 * self.passage,
            None => 0.75 * words + 0.25 * self.passage,
        }
    }
}

/// How likely what a model has written is right, from the sentence that it rests on: a model says less than the embedded
/// one quotes, and may say it of the wrong sentence. Fitted, as [`of`] is, to a stand-in that repeats the sentence which
/// shares most words with the question, so rather too low for a model that reads; on half of the questions.
pub(super) fn of_written(f: &Features) -> f64 {
    let Some(dense) = f.dense else { return of(f) };
    let words = f64::from(0.6 * f.own + 0.4 * f.in_context);
    logistic(-5.6 + 5.6 * words + 4.2 * f64::from(dense) + 0.8 * f64::from(f.coverage))
}

/// How likely an answer from this evidence is right: a logistic function of what is known, one for each kind of
/// evidence there can be. Its weights were fitted on questions of SQuAD 2.0 over half of its paragraphs, so that
/// half of the questions could not be answered.
pub(super) fn of(f: &Features) -> f64 {
    let words = f64::from(0.6 * f.own + 0.4 * f.in_context);
    let coverage = f64::from(f.coverage);
    let z = match (f.meaning.map(f64::from), f.dense.map(f64::from)) {
        (Some(meaning), Some(dense)) => -5.9 + 3.4 * words + 3.2 * meaning + 2.8 * dense + 2.2 * coverage,
        (None, Some(dense)) => -5.5 + 4.0 * words + 5.3 * dense + 3.5 * coverage,
        _ => -4.3 + 3.3 * words + 3.8 * coverage,
    };
    logistic(z)
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(share: f32, meaning: Option<f32>, dense: Option<f32>) -> Features {
        Features { own: share, in_context: share, meaning, passage: 0.6, dense, coverage: share }
    }

    #[test]
    fn more_evidence_is_more_confidence_with_and_without_a_model() {
        for (meaning, dense) in [(Some(0.5), Some(0.5)), (None, Some(0.5)), (None, None)] {
            let [none, half, all] = [0.0, 0.5, 1.0].map(|share| of(&features(share, meaning, dense)));
            assert!(none < half && half < all && (0.0..=1.0).contains(&none) && all <= 1.0);
            let [none, half, all] = [0.0, 0.5, 1.0].map(|share| of_written(&features(share, None, dense)));
            assert!(none < half && half < all && (0.0..=1.0).contains(&none) && all <= 1.0);
        }
        assert!(of(&features(0.0, None, None)) < 0.1, "nothing speaks for it");
        assert!(of(&features(1.0, Some(0.9), Some(0.9))) > 0.9, "everything does");
    }
}
