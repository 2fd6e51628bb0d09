//! What is kept of a passage's text beside its terms: enough to tell a copy of it, and whether it answers a
//! question that stands above it.

use super::words::{Token, tokens};

/// Bits in which the shapes of two copies differ at most: one word in ten or fewer is another.
const NEAR: u32 = 8;
/// Words that turn what a sentence says into its opposite.
const NEGATIONS: [&str; 8] = ["no", "not", "never", "nor", "none", "without", "cannot", "t"];

/// A passage's text in 13 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gist {
    /// SimHash (Charikar 2002) of the pairs of neighbouring words: near texts have near shapes. 0: not known.
    pub(super) shape: u64,
    /// Hash of the numbers and the negations, in order: two price lists are no copies of each other.
    pub(super) facts: u32,
    /// Whether a question stands above the text.
    pub(crate) answers: bool,
}

impl Gist {
    /// The gist of a folded text.
    pub(super) fn of(folded: &str, answers: bool) -> Self {
        let (mut sums, mut pairs, mut before, mut facts) = ([0_i32; 64], 0, 0, START);
        let mut word = |word: &str| {
            let hash = fnv(START, word);
            let pair = mixed(before ^ hash.rotate_left(1));
            for (bit, sum) in sums.iter_mut().enumerate() {
                *sum += (pair >> bit & 1) as i32 * 2 - 1;
            }
            (before, pairs) = (hash, pairs + 1);
            if word.bytes().any(|byte| byte.is_ascii_digit()) || NEGATIONS.contains(&word) {
                facts = fnv(facts, word);
            }
        };
        for token in tokens(folded) {
            match token {
                Token::Word(text) => word(text),
                Token::Run(run) => run.split_inclusive(|_: char| true).for_each(&mut word),
            }
        }
        let shape = sums.iter().enumerate().fold(0, |shape, (bit, &sum)| shape | u64::from(sum > 0) << bit);
        Self { shape: if pairs > 0 { shape.max(1) } else { 0 }, facts: (facts >> 32) as u32, answers }
    }

    /// Whether two passages say the same in nearly the same words.
    pub(crate) fn is_copy_of(self, other: Self) -> bool {
        let known = self.shape != 0 && other.shape != 0;
        known && self.facts == other.facts && (self.shape ^ other.shape).count_ones() <= NEAR
    }
}

const START: u64 = 0xCBF2_9CE4_8422_2325;

/// 64-bit FNV-1a, with an end mark.
fn fnv(start: u64, word: &str) -> u64 {
    word.bytes()
        .chain([0])
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// The finaliser of SplitMix64, which spreads every bit over all.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "unused goods can be returned within 30 days of delivery as long as they are in their original \
        packaging and the receipt is enclosed. we refund the price to the card that was used for the order, \
        usually within a week after the parcel has reached our warehouse in rotterdam, where it is inspected \
        by hand before anything else happens with it.";

    fn gist(text: &str) -> Gist {
        Gist::of(text, false)
    }

    #[test]
    fn a_copy_with_another_word_is_a_copy() {
        assert!(gist(TEXT).is_copy_of(gist(TEXT)));
        assert!(gist(TEXT).is_copy_of(gist(&TEXT.replace("parcel", "package"))));
        assert!(gist("黑豹队的队长是谁").is_copy_of(gist("黑豹队的队长是谁？")));
    }

    #[test]
    fn other_numbers_negations_and_subjects_are_no_copies() {
        assert!(!gist(TEXT).is_copy_of(gist(&TEXT.replace("30", "14"))));
        assert!(!gist(TEXT).is_copy_of(gist(&TEXT.replace("can be", "can not be"))));
        let half = &TEXT[..TEXT.len() / 2];
        assert!(!gist(TEXT).is_copy_of(gist(half)));
        assert!(!gist("").is_copy_of(gist("")), "nothing is known of an empty text");
        assert!(!gist("黑豹队的队长是谁").is_copy_of(gist("他是野马队的队长")));
    }
}
