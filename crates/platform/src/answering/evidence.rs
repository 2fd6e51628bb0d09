//! What speaks for an answer: the passages that were found, their sentences by how well they answer, and one
//! number for how sure that is.

use std::ops::Range;

use models::{Passage, Quote};
use retrieval::{Index, Weights};

use super::{
    attached::Files,
    confidence::{self, Features},
};
use crate::{
    App, Result, Tenant,
    agents::Settings,
    executions::Span,
    knowledge::{self, Found, Retrieved},
};

/// Passages that an answer is made from.
const PASSAGES: usize = 6;
/// Those among them that come from attached files.
const ATTACHED_PASSAGES: usize = 4;
/// Passages whose sentences are candidates for quoting.
const QUOTED_PASSAGES: usize = 4;
/// The same where a model writes and sentences only tell how sure an answer is.
const WEIGHED_PASSAGES: usize = 2;
/// Sentences that are compared with the question by meaning.
const EMBEDDED_SENTENCES: usize = 20;

/// The evidence for an answer.
pub(super) struct Evidence {
    /// What was found, best first.
    pub found: Vec<Found>,
    /// For each passage its sentences, in order.
    pub quotes: Vec<Vec<Quote>>,
    /// How sure an answer from this is, 0 to 1.
    pub confidence: f64,
    /// Where it was found.
    pub index: Index,
    /// What each of the question's words is worth.
    weights: Weights,
}

impl Evidence {
    /// The passages as a model gets them, and with them their sentences.
    pub(super) fn passages(&mut self) -> Vec<Passage> {
        let quotes = std::mem::take(&mut self.quotes).into_iter();
        let passage = |(found, quotes): (&Found, Vec<Quote>)| Passage {
            label: label(found),
            text: found.content.clone(),
            quotes,
        };
        self.found.iter().zip(quotes).map(passage).collect()
    }
}

impl Evidence {
    /// Gives the best passages what stands around them, for an answer that is written.
    pub(super) fn widen(&mut self) {
        let before = knowledge::widen(&self.index, &mut self.found);
        for (quotes, before) in self.quotes.iter_mut().zip(before) {
            for quote in quotes {
                quote.span = quote.span.start + before..quote.span.end + before;
            }
        }
    }
}

impl Evidence {
    /// How sure it is that a place of a passage answers the question: what a written answer says may rest on another
    /// sentence than the best one.
    pub(super) fn confidence_in(&self, found: &[Found], place: &Span) -> Option<f64> {
        let passage = place.passage.checked_sub(1)?;
        let content = &found.get(passage)?.content;
        let at = content.find(&place.quote)?;
        let there = |span: &Range<usize>| span.start < at + place.quote.len() && at < span.end;
        let sentences = sentences_of(passage, &found[passage], &self.weights, there).into_iter();
        sentences.map(|s| confidence::of_written(&s.features(found))).max_by(f64::total_cmp)
    }
}

fn label(found: &Found) -> String {
    match &found.heading {
        Some(heading) => format!("{}: {heading}", found.title),
        None => found.title.to_string(),
    }
}

/// Finds and weighs the evidence for an answer. Sentences are compared by meaning only where they will be
/// quoted, because that is most of the work.
pub(super) async fn gather(
    app: &App,
    tenant: &Tenant,
    settings: &Settings,
    (question, files): (&str, &Files),
    quoting: bool,
) -> Result<Evidence> {
    let mut retrieved =
        knowledge::retrieve(app, tenant, question, &settings.collection_ids, PASSAGES).await?;
    attach(app, question, files, &mut retrieved).await?;
    let mut sentences = sentences(&retrieved, if quoting { QUOTED_PASSAGES } else { WEIGHED_PASSAGES });
    if quoting && let Some(vector) = &retrieved.vector {
        compare_by_meaning(app, vector, &mut sentences).await?;
    }
    let best = sentences
        .iter()
        .map(|s| s.features(&retrieved.passages))
        .max_by(|a, b| a.score().total_cmp(&b.score()));
    let confidence = best.map_or(0.0, |best| confidence::of(&best));
    tracing::debug!(confidence, features = ?best, "weighed the evidence");
    let mut quotes = vec![Vec::new(); retrieved.passages.len()];
    for sentence in &sentences {
        let score = sentence.features(&retrieved.passages).score();
        quotes[sentence.passage].push(Quote { span: sentence.span.clone(), score });
    }
    Ok(Evidence {
        confidence,
        index: retrieved.index,
        weights: retrieved.weights,
        found: retrieved.passages,
        quotes,
    })
}

/// Puts the best passages of attached files among those that were found: before them when they are new.
async fn attach(app: &App, question: &str, files: &Files, retrieved: &mut Retrieved) -> Result<()> {
    if files.texts.is_empty() {
        return Ok(());
    }
    let vector = retrieved.vector.as_deref();
    let found = knowledge::search_in(app, &files.texts, (question, vector), ATTACHED_PASSAGES).await?;
    retrieved.passages.splice(..0, found);
    if !files.are_new {
        retrieved.passages.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    retrieved.passages.truncate(PASSAGES);
    Ok(())
}

/// A sentence of a passage and what speaks for it.
struct Sentence {
    passage: usize,
    span: Range<usize>,
    text: String,
    /// Share of the question that the sentence holds.
    own: f32,
    /// The same with what stands above it: title, heading, the question of a FAQ.
    in_context: f32,
    /// Cosine of question and sentence, where it was computed.
    meaning: Option<f32>,
}

impl Sentence {
    fn features(&self, passages: &[Found]) -> Features {
        let passage = &passages[self.passage];
        Features {
            own: self.own,
            in_context: self.in_context,
            meaning: self.meaning,
            passage: passage.score,
            dense: passage.dense,
            coverage: passage.coverage,
        }
    }
}

fn sentences(retrieved: &Retrieved, passages: usize) -> Vec<Sentence> {
    let best = retrieved.passages.iter().enumerate().take(passages);
    best.flat_map(|(n, found)| sentences_of(n, found, &retrieved.weights, |_| true)).collect()
}

/// The sentences of a passage at places that are wanted.
fn sentences_of(
    passage: usize,
    found: &Found,
    weights: &Weights,
    wanted: impl Fn(&Range<usize>) -> bool,
) -> Vec<Sentence> {
    let heading = found.heading.as_deref().unwrap_or_default();
    let above = weights.held(&format!("{} {heading}", found.title));
    let (mut lead, mut context) = (String::new(), above.clone());
    let mut sentences = Vec::new();
    for span in retrieval::sentences(&found.content) {
        let text = found.content[span.clone()].trim();
        if is_heading(text, heading) {
            continue;
        }
        if text.ends_with('?') {
            // The question of a FAQ is not an answer, but it says what the next sentences answer.
            context = above.with(&weights.held(text));
            lead = text.to_owned();
            continue;
        }
        if !wanted(&span) {
            continue;
        }
        let own = weights.held(text);
        sentences.push(Sentence {
            passage,
            span: span.clone(),
            own: weights.coverage(&own),
            in_context: weights.coverage(&own.with(&context)),
            meaning: None,
            text: if lead.is_empty() { text.to_owned() } else { format!("{lead} {text}") },
        });
    }
    sentences
}

/// Whether a line is the heading that the passage stands under, or nothing but marks.
fn is_heading(line: &str, path: &str) -> bool {
    !line.contains(char::is_alphanumeric) || path.split(" > ").any(|heading| heading.trim() == line)
}

async fn compare_by_meaning(app: &App, question: &[f32], sentences: &mut [Sentence]) -> Result<()> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    let worth = |s: &Sentence| s.own + s.in_context - 0.1 * s.passage as f32;
    order.sort_by(|&a, &b| worth(&sentences[b]).total_cmp(&worth(&sentences[a])));
    order.truncate(EMBEDDED_SENTENCES);
    let texts = order.iter().map(|&n| sentences[n].text.clone()).collect();
    let Ok(Some(vectors)) = app.embeddings.all(texts).await else { return Ok(()) };
    for (n, vector) in order.into_iter().zip(vectors) {
        sentences[n].meaning = Some(question.iter().zip(&vector).map(|(a, b)| a * b).sum());
    }
    Ok(())
}
