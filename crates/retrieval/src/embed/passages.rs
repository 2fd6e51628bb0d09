//! What is embedded of a chunk: the whole entry and, where it [says something](crate::title), its title alone.

use crate::simd::dot;
use crate::title::telling_title;

/// Weight of the title beside the whole.
const TITLE_WEIGHT: f32 = 0.5;

/// The texts whose vectors make up a chunk's vector: embed each and [`combine`] the results.
pub fn passages_to_embed(title: &str, heading: Option<&str>, text: &str) -> Vec<String> {
    let (title, heading) = (title.trim(), heading.unwrap_or_default().trim());
    let mut head = title.to_owned();
    if !heading.is_empty() && heading != title {
        if !head.is_empty() {
            head.push_str(". ");
        }
        head.push_str(heading);
    }
    if head.is_empty() {
        return vec![text.to_owned()];
    }
    let mut passages = vec![format!("{head}. {text}")];
    passages.extend(telling_title(title, Some(heading)).map(str::to_owned));
    passages
}

/// One vector of length one out of those of [`passages_to_embed`].
pub fn combine(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vectors.first().cloned().unwrap_or_default();
    for vector in vectors.iter().skip(1) {
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += TITLE_WEIGHT * x);
    }
    normalise(&mut sum);
    sum
}

pub(super) fn normalise(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_that_say_something_are_embedded_alone() {
        assert_eq!(passages_to_embed("", None, "Text."), ["Text."]);
        assert_eq!(passages_to_embed("Normans", None, "Text."), ["Normans. Text."]);
        assert_eq!(
            passages_to_embed("Shop", Some("Can I return it?"), "Yes."),
            ["Shop. Can I return it?. Yes.", "Can I return it?"]
        );
        assert_eq!(passages_to_embed("A", Some("A"), "Text."), ["A. Text."]);
    }

    #[test]
    fn the_combined_vector_leans_to_the_whole() {
        let combined = combine(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert!((combined[0] - 0.894_427_2).abs() < 1e-6 && (combined[1] - 0.447_213_6).abs() < 1e-6);
        assert!(combine(&[]).is_empty());
    }
}
