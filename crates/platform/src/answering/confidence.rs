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

/// How likely an answer from this evidence is right: a logistic function of what is known, one for each kind
/// of evidence there can be.
pub(super) fn of(f: &Features) -> f64 {
    let words = f64::from(0.6 * f.own + 0.4 * f.in_context);
    let z = match (f.meaning, f.dense) {
        (Some(meaning), Some(dense)) => {
            -5.2 + 4.0 * words + 4.0 * f64::from(meaning) + 2.0 * f64::from(dense) + f64::from(f.coverage)
        }
        (None, Some(dense)) => -4.6 + 5.0 * words + 4.0 * f64::from(dense) + f64::from(f.coverage),
        _ => -4.0 + 6.0 * words + 1.5 * f64::from(f.coverage),
    };
    1.0 / (1.0 + (-z).exp())
}
