//! The text that fields are taken from, as lines of words that know where they stand.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Lines that are looked at; fields stand in the first pages of a document.
const MAX_LINES: usize = 20_000;
/// Words of a line that are looked at.
const MAX_WORDS: usize = 400;

/// A document's text and its blocks.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The whole text; every piece of evidence is a part of it.
    pub text: &'a str,
    /// Its blocks in reading order, apart from each other. What is in none of them is not read.
    pub blocks: &'a [Block],
}

/// A block of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Bytes of the text, on character boundaries.
    pub range: Range<usize>,
    /// Page, counted from 1.
    pub page: Option<u32>,
    /// Row of a table, counted from 1; its text is `Plan: Starter; Price: 29 USD`.
    pub row: Option<u32>,
}

/// A line, or a cell of a table's row.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub text: &'a str,
    /// Where it begins in the whole text.
    pub start: usize,
    pub page: Option<u32>,
    pub row: Option<u32>,
    /// Counts blocks, so that cells of one row are known to belong together.
    pub block: usize,
    pub words: Vec<Word>,
}

/// A run of letters and digits.
#[derive(Debug)]
pub(crate) struct Word {
    /// Bytes of the line.
    pub range: Range<usize>,
    /// As [`fold`] makes it.
    pub folded: String,
}

impl<'a> Line<'a> {
    /// Bytes of the whole text, from bytes of the line.
    pub(crate) fn whole(&self, range: Range<usize>) -> Range<usize> {
        self.start + range.start..self.start + range.end
    }

    /// Letters and digits of all words, folded, apart by one blank.
    pub(crate) fn folded(&self) -> String {
        self.words.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether any of its words is this one.
    pub(crate) fn has_word(&self, known: &[&str]) -> bool {
        self.words.iter().any(|word| known.contains(&word.folded.as_str()))
    }
}

/// The lines of a source that hold anything.
pub(crate) fn lines<'a>(source: &Source<'a>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (number, block) in source.blocks.iter().enumerate() {
        let Some(text) = source.text.get(block.range.clone()) else { continue };
        let parts: Vec<&str> =
            if block.row.is_some() { text.split("; ").collect() } else { text.split('\n').collect() };
        for part in parts {
            let text = part.trim();
            if text.is_empty() {
                continue;
            }
            if lines.len() == MAX_LINES {
                return lines;
            }
            let start = text.as_ptr() as usize - source.text.as_ptr() as usize;
            let words = words(text);
            lines.push(Line { text, start, page: block.page, row: block.row, block: number, words });
        }
    }
    lines
}

/// The runs of letters and digits of a text.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, c.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push(Word { range: from..at, folded: fold(&text[from..at]) });
                start = None;
            }
            _ => {}
        }
        if words.len() == MAX_WORDS {
            break;
        }
    }
    words
}

/// Lower case without accents: `Fälligkeit` and `FALLIGKEIT` are the same word.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            c => folded.push(c),
        }
    }
    folded
}

/// The combining marks of Latin, Greek and Cyrillic letters.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Letters and digits only, folded: what a quote is compared by.
pub(crate) fn bare(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_where_they_stand() {
        let text = "Acme\n  Total: 5\n\nPlan: A; Price: 2";
        let blocks = [
            Block { range: 0..15, page: Some(1), row: None },
            Block { range: 17..text.len(), page: Some(2), row: Some(1) },
        ];
        let lines = lines(&Source { text, blocks: &blocks });
        let seen: Vec<_> = lines.iter().map(|line| (line.text, line.page, line.row)).collect();
        assert_eq!(
            seen,
            [
                ("Acme", Some(1), None),
                ("Total: 5", Some(1), None),
                ("Plan: A", Some(2), Some(1)),
                ("Price: 2", Some(2), Some(1))
            ]
        );
        assert!(lines.iter().all(|line| &text[line.whole(0..line.text.len())] == line.text));
    }

    #[test]
    fn words_are_compared_without_accents() {
        assert_eq!(fold("Fälligkeit"), "falligkeit");
        assert_eq!(fold("STRAßE"), "strasse");
        assert_eq!(bare("S.A. de C.V."), "sadecv");
    }
}
