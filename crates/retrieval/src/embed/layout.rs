//! The model file: a checksummed header, then every matrix at a place that follows from the model's shape.
//!
//! All numbers are little-endian; each part begins at a multiple of 64 bytes, so that mapped slices are
//! aligned. The word pieces stand at the end, one a line.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::DIMENSIONS;
use crate::simd::panels;

/// Shape of all-MiniLM-L6-v2.
pub(super) const LAYERS: usize = 6;
pub(super) const HEADS: usize = 12;
pub(super) const HEAD_WIDTH: usize = DIMENSIONS / HEADS;
pub(super) const INNER: usize = 1536;
/// Word pieces that the model reads of a text, its start and end included.
pub(super) const LONGEST_TEXT: usize = 256;

pub(super) const FILE_NAME: &str = "all-minilm-l6-v2.int8";
pub(super) const HEADER_BYTES: usize = 128;
const MAGIC: &[u8; 8] = b"FDMODEL\0";
/// The Makefile names it, too, so that an older file is made anew.
const VERSION: u32 = 3;
const HEADER_SUM_AT: usize = 64;
const ALIGNMENT: usize = 64;

/// What the first bytes of a model file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) pieces: u32,
    pub(super) vocabulary_bytes: u32,
    pub(super) body_bytes: u64,
    pub(super) body_sum: [u8; 32],
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.pieces.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.vocabulary_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.body_sum);
        let sum = Sha256::digest(&bytes[..HEADER_SUM_AT]);
        bytes[HEADER_SUM_AT..HEADER_SUM_AT + 32].copy_from_slice(&sum);
        bytes
    }

    /// `None` if the bytes are not a header of this version.
    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let sum = Sha256::digest(&bytes[..HEADER_SUM_AT]);
        let known = bytes[..8] == *MAGIC && bytes[8..12] == VERSION.to_le_bytes();
        if !known || bytes[HEADER_SUM_AT..HEADER_SUM_AT + 32] != sum[..] {
            return None;
        }
        let number =
            |at: usize| -> Option<u32> { Some(u32::from_le_bytes(bytes[at..at + 4].try_into().ok()?)) };
        let body_bytes = u64::from_le_bytes(bytes[24..32].try_into().ok()?);
        let body_sum = bytes[32..64].try_into().ok()?;
        Some(Self { pieces: number(12)?, vocabulary_bytes: number(16)?, body_bytes, body_sum })
    }
}

/// A range of bytes in the body.
pub(super) type Span = Range<usize>;

/// Rows of int8 codes, with an f32 scale for each group of a row; those of a linear layer in panels.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) codes: Span,
    pub(super) scales: Span,
}

/// A linear layer: a row of weights for each output, and the biases.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    pub(super) weights: Rows,
    pub(super) bias: Span,
}

/// Gain and offset of a layer normalisation.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    pub(super) gain: Span,
    pub(super) offset: Span,
}

/// One transformer layer. Query, key and value are one product; the query's part holds the factor
/// 1/√(head width).
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) attention_in: Linear,
    pub(super) attention_out: Linear,
    pub(super) attention_norm: Norm,
    pub(super) inner: Linear,
    pub(super) outer: Linear,
    pub(super) outer_norm: Norm,
}

/// Where everything lies in the body.
pub(super) struct Layout {
    pub(super) words: Rows,
    /// Position embeddings in f32, the embedding of the only token type added to each.
    pub(super) positions: Span,
    pub(super) norm: Norm,
    pub(super) layers: [Layer; LAYERS],
    pub(super) vocabulary: Span,
    pub(super) body_bytes: usize,
}

impl Layout {
    pub(super) fn new(pieces: usize, vocabulary_bytes: usize) -> Self {
        let mut at = Cursor(0);
        Self {
            words: at.rows(pieces, DIMENSIONS, DIMENSIONS),
            positions: at.floats(LONGEST_TEXT * DIMENSIONS),
            norm: at.norm(),
            layers: std::array::from_fn(|_| Layer {
                attention_in: at.linear(3 * DIMENSIONS, DIMENSIONS),
                attention_out: at.linear(DIMENSIONS, DIMENSIONS),
                attention_norm: at.norm(),
                inner: at.linear(INNER, DIMENSIONS),
                outer: at.linear(DIMENSIONS, INNER),
                outer_norm: at.norm(),
            }),
            vocabulary: at.span(vocabulary_bytes),
            body_bytes: at.0,
        }
    }
}

struct Cursor(usize);

impl Cursor {
    fn span(&mut self, bytes: usize) -> Span {
        let from = self.0.next_multiple_of(ALIGNMENT);
        self.0 = from + bytes;
        from..self.0
    }

    fn floats(&mut self, count: usize) -> Span {
        self.span(count * size_of::<f32>())
    }

    fn rows(&mut self, rows: usize, width: usize, group: usize) -> Rows {
        Rows { codes: self.span(rows * width), scales: self.floats(rows * width / group) }
    }

    fn linear(&mut self, outputs: usize, inputs: usize) -> Linear {
        Linear { weights: self.rows(outputs, inputs, panels::GROUP), bias: self.floats(outputs) }
    }

    fn norm(&mut self) -> Norm {
        Norm { gain: self.floats(DIMENSIONS), offset: self.floats(DIMENSIONS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_and_a_changed_one_is_refused() {
        let header =
            Header { pieces: 30_522, vocabulary_bytes: 231_508, body_bytes: 1 << 33, body_sum: [7; 32] };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        for at in 0..HEADER_SUM_AT + 32 {
            let mut bytes = bytes;
            bytes[at] ^= 1;
            assert_eq!(Header::from_bytes(&bytes), None, "byte {at}");
        }
    }
}
