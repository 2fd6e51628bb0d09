//! How many word pieces a text has, closely enough for cutting it, without the model's vocabulary.

/// Pieces in tenths. The weights below are estimates; a chunk stays well below the model's limit with them.
const WHOLE: u32 = 10;
/// A letter of a word in another script than ASCII.
const FOREIGN_LETTER: u32 = 8;
/// English words up to this length are mostly in the vocabulary.
const KNOWN_LENGTH: u32 = 7;
/// Each further letter, and each digit after the fourth.
const FURTHER_LETTER: u32 = 3;

/// About how many word pieces a text has.
pub(super) fn count_pieces(text: &str) -> u32 {
    let mut counter = Counter::default();
    text.chars().for_each(|c| counter.add(c));
    counter.tenths.div_ceil(WHOLE)
}

/// Where the first `most` pieces of a text end: a character boundary, past the first character at least.
pub(super) fn end_of(text: &str, most: u32) -> usize {
    let mut counter = Counter::default();
    for (at, c) in text.char_indices() {
        counter.add(c);
        if counter.tenths > most * WHOLE && at > 0 {
            return at;
        }
    }
    text.len()
}

#[derive(Default)]
struct Counter {
    tenths: u32,
    word: u32,
}

impl Counter {
    fn add(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.word += 1;
            let known = if c.is_ascii_digit() { 4 } else { KNOWN_LENGTH };
            self.tenths += match self.word {
                1 => WHOLE,
                nth if nth <= known => 0,
                _ => FURTHER_LETTER,
            };
        } else if c.is_ascii() || !c.is_alphanumeric() {
            self.word = 0;
            let visible = !c.is_whitespace() && !c.is_control();
            self.tenths += if visible { WHOLE } else { 0 };
        } else {
            self.tenths += FOREIGN_LETTER;
        }
    }
}
