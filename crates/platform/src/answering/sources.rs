//! Where an answer comes from, as the visitor sees it.

use std::ops::Range;

use bytestring::ByteString;

use super::{Source, citations::cited};
use crate::{executions::Claim, knowledge::Found};

/// Sources that are named when an answer cites none.
const UNCITED: usize = 3;

/// The passages that an answer rests on: those that it cites, each with the sentence that comes nearest to what it is
/// cited for, and those that support it without being named. An answer without either is shown with the best passages.
pub(super) fn of(found: &[Found], text: &str, claims: &[Claim]) -> Vec<Source> {
    let mut uses: Vec<(usize, Range<usize>)> = Vec::new();
    let content = |n: usize| n.checked_sub(1).and_then(|n| found.get(n)).map(|found| &*found.content);
    for (n, statement) in cited(text) {
        uses.extend(content(n).map(|content| (n, nearest(content, statement))));
    }
    for span in claims.iter().filter_map(|claim| claim.citation.as_ref()) {
        if uses.iter().all(|(n, _)| *n != span.passage) {
            uses.extend(content(span.passage).map(|content| (span.passage, nearest(content, &span.quote))));
        }
    }
    if uses.is_empty() {
        let best = found.iter().take(UNCITED).enumerate();
        uses.extend(best.map(|(n, found)| (n + 1, nearest(&found.content, text))));
    }
    uses.into_iter().map(|(n, span)| source(n, &found[n - 1], span)).collect()
}

fn source(citation: usize, found: &Found, span: Range<usize>) -> Source {
    let before = found.content[..span.start].chars().count() as i64;
    let quote = &found.content[span];
    let start = found.char_start + before;
    Source {
        citation,
        document_id: found.document_id.clone(),
        version: found.version,
        title: found.title.to_string(),
        chunk_preview: found.content.to_string(),
        relevance_score: found.score,
        url: found.source_url.as_ref().map(ByteString::to_string),
        page: found.page,
        heading: found.heading.as_ref().map(ByteString::to_string),
        row: found.row,
        quote: quote.to_owned(),
        start,
        end: start + quote.chars().count() as i64,
    }
}

/// The sentence that shares most words with a statement.
pub(super) fn nearest(content: &str, statement: &str) -> Range<usize> {
    let wanted = words(statement);
    let share = |span: &Range<usize>| {
        let own = words(&content[span.clone()]);
        let common = own.iter().filter(|word| wanted.binary_search(word).is_ok()).count() as f32;
        // Dice's coefficient, so that a long sentence has no advantage.
        2.0 * common / (own.len() + wanted.len()).max(1) as f32
    };
    let sentences = retrieval::sentences(content);
    let shares = sentences.into_iter().map(|span| (share(&span), span));
    let best = shares.max_by(|(a, _), (b, _)| a.total_cmp(b));
    let span = best.map_or(0..content.len(), |(_, span)| span);
    let text = &content[span.clone()];
    let from = span.start + (text.len() - text.trim_start().len());
    from..from + text.trim().len()
}

/// The different words of a text in lower case, as sorted hashes (64-bit FNV-1a over characters), which are compared faster.
fn words(text: &str) -> Vec<u64> {
    let hash = |word: &str| {
        let chars = word.chars().flat_map(char::to_lowercase).map(u64::from);
        chars.fold(0xCBF2_9CE4_8422_2325_u64, |hash, c| (hash ^ c).wrapping_mul(0x0000_0100_0000_01B3))
    };
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<u64> = words.map(hash).collect();
    words.sort_unstable();
    words.dedup();
    words
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
