//! BERT's uncased WordPiece tokenizer (Devlin et al. 2018; the reference is `tokenization.py` of that work).
//!
//! It is its own because one vocabulary and one scheme are a page of code, and the vocabulary stays in the mapped
//! model file instead of a hash map of strings.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

const UNKNOWN: &str = "[UNK]";
const START: &str = "[CLS]";
const END: &str = "[SEP]";
/// A longer word is unknown as a whole, as in the reference.
const LONGEST_WORD: usize = 100;

/// A vocabulary: where each word piece lies in the text that it was read from, found by hash.
pub(super) struct Vocabulary {
    /// Where each piece begins in the text; one more than there are pieces.
    starts: Vec<u32>,
    /// Open addressing with linear probing; the id and one, 0 for an empty slot.
    slots: Vec<u16>,
    special: Special,
}

#[derive(Default)]
struct Special {
    unknown: u32,
    start: u32,
    end: u32,
}

impl Vocabulary {
    /// Reads a `vocab.txt`: one piece a line, the line's number being its id. `None` if a special piece is
    /// missing or there are more pieces than ids of 16 bits.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at as u32 + 1));
        if !text.ends_with('\n') {
            starts.push(text.len() as u32 + 1);
        }
        let pieces = starts.len() - 1;
        if pieces >= usize::from(u16::MAX) {
            return None;
        }
        let slots = vec![0; (pieces * 2).next_power_of_two()];
        let mut vocabulary = Self { starts, slots, special: Special::default() };
        for id in 0..pieces {
            vocabulary.insert(text, id);
        }
        let find = |piece: &str| vocabulary.find(text, "", piece);
        let special = Special { unknown: find(UNKNOWN)?, start: find(START)?, end: find(END)? };
        Some(Self { special, ..vocabulary })
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The ids of a text, between the start and end pieces, `most` at the most.
    pub(super) fn encode(&self, vocabulary_text: &str, text: &str, most: usize) -> Vec<u32> {
        let mut ids = vec![self.special.start];
        let mut word = String::new();
        'words: {
            for c in normalised(text) {
                if c == ' ' || stands_alone(c) {
                    self.push_pieces(vocabulary_text, &word, &mut ids);
                    word.clear();
                    if c != ' ' {
                        word.push(c);
                        self.push_pieces(vocabulary_text, &word, &mut ids);
                        word.clear();
                    }
                    if ids.len() >= most {
                        break 'words;
                    }
                } else {
                    word.push(c);
                }
            }
            self.push_pieces(vocabulary_text, &word, &mut ids);
        }
        ids.truncate(most - 1);
        ids.push(self.special.end);
        ids
    }

    /// Greedy: the longest piece that the word begins with, then the longest continuation, and so on.
    fn push_pieces(&self, vocabulary_text: &str, word: &str, ids: &mut Vec<u32>) {
        if word.is_empty() {
            return;
        }
        let before = ids.len();
        if word.chars().count() > LONGEST_WORD {
            return ids.push(self.special.unknown);
        }
        let mut rest = word;
        while !rest.is_empty() {
            let prefix = if rest.len() == word.len() { "" } else { "##" };
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let longest =
                ends.filter_map(|end| Some((end, self.find(vocabulary_text, prefix, &rest[..end])?))).next();
            let Some((end, id)) = longest else {
                ids.truncate(before);
                return ids.push(self.special.unknown);
            };
            ids.push(id);
            rest = &rest[end..];
        }
    }

    fn insert(&mut self, text: &str, id: usize) {
        let piece = self.piece(text, id);
        let mut slot = hash("", piece) & (self.slots.len() - 1);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = id as u16 + 1;
    }

    fn find(&self, text: &str, prefix: &str, piece: &str) -> Option<u32> {
        let mut slot = hash(prefix, piece) & (self.slots.len() - 1);
        while self.slots[slot] != 0 {
            let id = usize::from(self.slots[slot] - 1);
            if self.piece(text, id).strip_prefix(prefix) == Some(piece) {
                return Some(id as u32);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    fn piece<'a>(&self, text: &'a str, id: usize) -> &'a str {
        text[self.starts[id] as usize..self.starts[id + 1] as usize - 1].trim_end_matches('\r')
    }
}

fn hash(prefix: &str, piece: &str) -> usize {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in prefix.bytes().chain(piece.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    (hash ^ (hash >> 32)) as usize
}

/// Cleaned, lower-case characters without accents; every kind of space is `' '`.
fn normalised(text: &str) -> impl Iterator<Item = char> {
    let clean = text.chars().filter(|&c| !is_control(c)).map(|c| if is_space(c) { ' ' } else { c });
    clean
        .nfd()
        .filter(|c| c.general_category() != GeneralCategory::NonspacingMark)
        .flat_map(char::to_lowercase)
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || c.is_whitespace()
}

fn is_control(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{FFFD}' => true,
        c if c.is_ascii() => c.is_ascii_control(),
        c => c.general_category_group() == GeneralCategoryGroup::Other,
    }
}

/// Punctuation and Chinese characters are words by themselves.
fn stands_alone(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    is_chinese(c) || c.general_category_group() == GeneralCategoryGroup::Punctuation
}

fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B73F}'
        | '\u{2B740}'..='\u{2B81F}' | '\u{2B820}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nhe\n##llo\n,\nworld\n!\n黑\ncafe\n";

    fn encode(text: &str) -> Vec<u32> {
        Vocabulary::read(PIECES).unwrap().encode(PIECES, text, 10)
    }

    #[test]
    fn longest_pieces_first() {
        assert_eq!(encode("unaffable"), [2, 4, 5, 6, 3]);
        assert_eq!(encode("Hello, World!"), [2, 7, 8, 9, 10, 11, 3]);
        assert_eq!(encode("unafford"), [2, 1, 3]);
        assert_eq!(encode("黑黑Café\u{200B}\u{0}"), [2, 12, 12, 13, 3]);
    }

    #[test]
    fn long_text_is_cut_and_still_ends() {
        assert_eq!(encode(&"hello ".repeat(50)), [2, 7, 8, 7, 8, 7, 8, 7, 8, 3]);
        assert_eq!(encode(&"x".repeat(101)), [2, 1, 3]);
        assert_eq!(encode(""), [2, 3]);
    }

    #[test]
    fn a_vocabulary_without_special_pieces_is_refused() {
        assert!(Vocabulary::read("a\nb\n").is_none());
    }
}
