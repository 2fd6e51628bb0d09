//! What an agent keeps to, held by code: words that nobody may hear from it, and what it talks about.

use retrieval::Weights;

use crate::{App, Result, agents::Guardrails};

/// Cosine of a text and a topic from which the text is about it.
const ABOUT: f32 = 0.32;
/// Share of a topic's words that a text holds when it is about it, for servers without an embedding model.
const NAMED: f32 = 0.5;

/// A word or phrase as it is compared: lower case, words apart by one space.
fn fold(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The words that an agent blocks, ready to be looked for.
pub(super) struct Blocked(Vec<String>);

impl Blocked {
    pub(super) fn new(rails: &Guardrails) -> Self {
        Self(rails.blocked_words.iter().map(|word| fold(word)).filter(|word| !word.is_empty()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text holds one of them: as whole words, or anywhere in scripts that put no space between words.
    pub(super) fn in_text(&self, text: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let folded = format!(" {} ", fold(text));
        self.0.iter().any(|word| match word.chars().any(joins_words) {
            true => folded.contains(word.as_str()),
            false => folded.contains(&format!(" {word} ")),
        })
    }
}

/// Han, kana, Thai, Lao, Khmer and Burmese are written without spaces.
fn joins_words(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF)
}

/// Whether a text, or what was found for it, is about one of an agent's topics; anything is when it has none.
///
/// # Errors
/// Upstream when the provider of embeddings fails.
pub(super) async fn on_topic(
    app: &App,
    rails: &Guardrails,
    texts: &[&str],
    weights: impl Fn(&str) -> Weights,
) -> Result<bool> {
    if rails.allowed_topics.is_empty() {
        return Ok(true);
    }
    let named = |topic: &String| {
        let weights = weights(topic);
        texts.iter().any(|text| weights.coverage(&weights.held(text)) >= NAMED)
    };
    if rails.allowed_topics.iter().any(named) {
        return Ok(true);
    }
    let all = rails.allowed_topics.iter().map(String::as_str).chain(texts.iter().copied());
    let Some(vectors) = app.embeddings.all(all.map(str::to_owned).collect()).await? else { return Ok(false) };
    let (topics, texts) = vectors.split_at(rails.allowed_topics.len());
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    Ok(texts.iter().any(|text| topics.iter().any(|topic| cosine(topic, text) >= ABOUT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_words_are_found_as_words_and_not_within_others() {
        let words = ["ass", "Acme Corp", "傻瓜"].map(str::to_owned).to_vec();
        let blocked = Blocked::new(&Guardrails { blocked_words: words, ..Guardrails::default() });
        for text in ["You ASS!", "acme\ncorp's prices", "about Acme-Corp", "你是傻瓜吗"] {
            assert!(blocked.in_text(text), "{text}");
        }
        for text in ["a glass of water", "Acme and Corp", "", "class"] {
            assert!(!blocked.in_text(text), "{text}");
        }
        let none = Blocked::new(&Guardrails::default());
        assert!(none.is_empty() && !none.in_text("ass"));
    }
}
