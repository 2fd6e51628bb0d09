//! Hashed terms: what a passage stores and what a question asks for.

use super::Language;
use super::gist::Gist;
use crate::varint;

/// The kind of a term, in the two low bits of its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word = 0,
    Pair = 1,
    Gram = 2,
}

impl Kind {
    pub(crate) fn of(hash: u32) -> Self {
        match hash & 3 {
            0 => Self::Word,
            1 => Self::Pair,
            _ => Self::Gram,
        }
    }

    /// Hash bits that are kept. Pairs are many and rare: 2^20 lists hold them, and a false meeting of two
    /// pairs in one list is too seldom to be seen in the ranking.
    fn mask(self) -> u32 {
        match self {
            Self::Word => !3,
            Self::Pair => 0xFFFF_F000,
            Self::Gram => 0xFFFF_FC00,
        }
    }

    /// 64-bit FNV-1a over the parts, mixed down to 32 bits, with the kind in the two low ones.
    pub(crate) fn hash(self, parts: &[&str]) -> u32 {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        hash = (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((hash >> 32) as u32 & self.mask()) | self as u32
    }
}

/// The analysed terms of a passage: what is stored beside it and what an index is built from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermVector {
    /// Hash and count, sorted by hash.
    terms: Vec<(u32, u8)>,
    words: u32,
    grams: u32,
    gist: Gist,
}

/// Bytes that no [`TermVector`] was encoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored terms of a passage are damaged or of another version; analyse the passage again")]
pub struct DecodeError;

/// First byte of an encoded vector; raise it when analysis or encoding changes.
const VERSION: u8 = 2;
/// The same of vectors that were stored before there was a gist; they are still read.
const WITHOUT_GIST: u8 = 1;

impl TermVector {
    pub(crate) fn new(mut counts: Vec<(u32, u32)>, words: u32, grams: u32, gist: Gist) -> Self {
        counts.sort_unstable();
        let terms = counts.into_iter().map(|(hash, count)| (hash, count.min(MOST_COUNTED) as u8)).collect();
        Self { terms, words, grams, gist }
    }

    /// Hash and count of each term, by rising hash.
    #[cfg(test)]
    pub(crate) fn terms(&self) -> impl Iterator<Item = (u32, u8)> {
        self.terms.iter().copied()
    }

    /// The terms whose hash lies from `low` to `high`, both included.
    pub(crate) fn terms_between(&self, low: u32, high: u32) -> &[(u32, u8)] {
        let from = self.terms.partition_point(|&(hash, _)| hash < low);
        let to = self.terms.partition_point(|&(hash, _)| hash <= high);
        &self.terms[from..to]
    }

    /// Words and grams of the passage, counted with repetition.
    pub(crate) fn lengths(&self) -> (u32, u32) {
        (self.words, self.grams)
    }

    /// What the passage says, closely enough to tell a copy.
    pub(crate) fn gist(&self) -> Gist {
        self.gist
    }

    /// About four bytes a term: a version, the gist, the lengths, then the gaps between hashes with the counts.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.terms.len() * 5 + 24);
        bytes.push(VERSION);
        bytes.push(u8::from(self.gist.answers));
        bytes.extend(self.gist.shape.to_le_bytes());
        bytes.extend(self.gist.facts.to_le_bytes());
        for number in [self.words, self.grams, self.terms.len() as u32] {
            varint::push(&mut bytes, u64::from(number));
        }
        let mut previous = 0;
        for &(hash, count) in &self.terms {
            varint::push(&mut bytes, u64::from(hash - previous) << 1 | u64::from(count > 1));
            if count > 1 {
                bytes.push(count);
            }
            previous = hash;
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (gist, bytes) = match bytes.split_first() {
            Some((&VERSION, rest)) => Self::decode_gist(rest).ok_or(DecodeError)?,
            Some((&WITHOUT_GIST, rest)) => (Gist::default(), rest),
            _ => return Err(DecodeError),
        };
        let mut at = 0;
        let mut number = || -> Option<u32> { varint::read(bytes, &mut at)?.try_into().ok() };
        let (Some(words), Some(grams), Some(len)) = (number(), number(), number()) else {
            return Err(DecodeError);
        };
        let mut terms = Vec::with_capacity((len as usize).min(bytes.len()));
        let mut previous = None;
        for _ in 0..len {
            let (hash, count) = Self::decode_term(bytes, &mut at, previous).ok_or(DecodeError)?;
            terms.push((hash, count));
            previous = Some(hash);
        }
        if at == bytes.len() { Ok(Self { terms, words, grams, gist }) } else { Err(DecodeError) }
    }

    fn decode_gist(bytes: &[u8]) -> Option<(Gist, &[u8])> {
        let (&answers, bytes) = bytes.split_first().filter(|(answers, _)| **answers < 2)?;
        let (shape, bytes) = bytes.split_first_chunk()?;
        let (facts, bytes) = bytes.split_first_chunk()?;
        let (shape, facts) = (u64::from_le_bytes(*shape), u32::from_le_bytes(*facts));
        Some((Gist { shape, facts, answers: answers == 1 }, bytes))
    }

    fn decode_term(bytes: &[u8], at: &mut usize, previous: Option<u32>) -> Option<(u32, u8)> {
        let coded = varint::read(bytes, at)?;
        let gap = u32::try_from(coded >> 1).ok()?;
        if gap == 0 && previous.is_some() {
            return None;
        }
        let hash = previous.unwrap_or(0).checked_add(gap)?;
        if coded & 1 == 0 {
            return Some((hash, 1));
        }
        let count = *bytes.get(*at)?;
        *at += 1;
        (2..=MOST_COUNTED as u8).contains(&count).then_some((hash, count))
    }
}

/// BM25 saturates long before this many repetitions; postings keep the count in six bits.
pub(crate) const MOST_COUNTED: u32 = 63;

/// A question's terms.
#[derive(Debug, Clone, Default)]
pub struct QueryTerms {
    pub(crate) terms: Vec<QueryTerm>,
    pub(crate) language: Language,
}

impl QueryTerms {
    /// Whether the question holds nothing to look for (punctuation, emoji).
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the question is English, or too short to be told from it.
    pub fn is_english(&self) -> bool {
        self.language == Language::English
    }
}

/// One term of a question and how often it stands there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryTerm {
    pub(crate) hash: u32,
    pub(crate) count: f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn encoded_terms_come_back(counts in prop::collection::btree_map(any::<u32>(), 1_u32..100, 0..200), words: u32, grams: u32, text: String) {
            let gist = Gist::of(&text, words % 2 == 1);
            let vector = TermVector::new(counts.into_iter().collect(), words, grams, gist);
            prop_assert_eq!(TermVector::decode(&vector.encode()), Ok(vector));
        }

        #[test]
        fn damaged_terms_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = TermVector::decode(&bytes);
            for version in [VERSION, WITHOUT_GIST] {
                let _ = TermVector::decode(&[&[version], bytes.as_slice()].concat());
            }
        }
    }

    #[test]
    fn truncated_terms_are_refused() {
        let bytes = TermVector::new(vec![(7, 1), (9, 3)], 4, 0, Gist::default()).encode();
        for end in 0..bytes.len() {
            assert_eq!(TermVector::decode(&bytes[..end]), Err(DecodeError));
        }
    }

    #[test]
    fn terms_that_were_stored_without_a_gist_are_read() {
        let vector = TermVector::new(vec![(7, 1), (9, 3)], 4, 0, Gist::default());
        let old = [&[WITHOUT_GIST], &vector.encode()[14..]].concat();
        assert_eq!(TermVector::decode(&old), Ok(vector));
    }
}
