//! Where an answer comes from, as the visitor sees it.

use std::{collections::HashSet, ops::Range};

use super::{Source, citations::cited, evidence::Evidence};
use crate::knowledge::Found;

/// Sources that are named when an answer cites none.
const UNCITED: usize = 3;

/// The passages that a text cites, each with the sentence that comes nearest to what it is cited for. A text
/// without citations rests on the best passages.
pub(super) fn of(evidence: &Evidence, text: &str) -> Vec<Source> {
    let cited = cited(text);
    let uses: Vec<(usize, &str)> = if cited.is_empty() {
        (1..=evidence.found.len().min(UNCITED)).map(|n| (n, text)).collect()
    } else {
        cited
    };
    let source = |(n, statement): (usize, &str)| {
        let found = evidence.found.get(n.checked_sub(1)?)?;
        Some(source(n, found, nearest(&found.content, statement)))
    };
    uses.into_iter().filter_map(source).collect()
}

fn source(citation: usize, found: &Found, span: Range<usize>) -> Source {
    let before = found.content[..span.start].chars().count() as i64;
    let quote = &found.content[span];
    let start = found.char_start + before;
    Source {
        citation,
        document_id: found.document_id.clone(),
        version: found.version,
        title: found.title.clone(),
        chunk_preview: found.content.clone(),
        relevance_score: found.score,
        url: found.source_url.clone(),
        page: found.page,
        heading: found.heading.clone(),
        row: found.row,
        quote: quote.to_owned(),
        start,
        end: start + quote.chars().count() as i64,
    }
}

/// The sentence that shares most words with a statement.
fn nearest(content: &str, statement: &str) -> Range<usize> {
    let wanted = words(statement);
    let share = |span: &Range<usize>| {
        let own = words(&content[span.clone()]);
        let common = own.intersection(&wanted).count() as f32;
        // Dice's coefficient, so that a long sentence has no advantage.
        2.0 * common / (own.len() + wanted.len()).max(1) as f32
    };
    let sentences = retrieval::sentences(content);
    let best = sentences.into_iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    let span = best.unwrap_or(0..content.len());
    let text = &content[span.clone()];
    let from = span.start + (text.len() - text.trim_start().len());
    from..from + text.trim().len()
}

fn words(text: &str) -> HashSet<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_sentence_is_quoted_without_the_space_around_it() {
        let content = "Prices\n\nTents cost 900 NOK.  Stoves cost 500 NOK.\n\nWe are closed on Sundays.";
        let quoted = |statement: &str| &content[nearest(content, statement)];
        assert_eq!(quoted("A stove is 500 NOK"), "Stoves cost 500 NOK.");
        assert_eq!(quoted("closed Sundays"), "We are closed on Sundays.");
    }
}
