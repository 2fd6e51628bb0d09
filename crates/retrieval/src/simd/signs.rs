//! Signs of vectors, a bit a number, and what they say of a product: the estimate of RaBitQ (Gao and Long, SIGMOD 2024)
//! without its rotation, which sentence embeddings do well without.
//!
//! The product of a query with the signs of a vector, times the vector's squared length by the sum of its sizes, is near
//! the product with the vector itself. What four signs make of the query's numbers is looked up in a table of 16 bytes,
//! for many rows with one instruction (André, Kermarrec and Le Scouarnec, "Cache locality is not enough", VLDB 2015).

use std::ops::Range;

use crate::DIMENSIONS;

/// Bytes of signs that a vector has.
const BYTES: usize = DIMENSIONS / 8;
/// Rows that are worked on side by side: a register of bytes.
const ROWS: usize = 32;
/// Signs that are looked up together.
const TOGETHER: usize = 4;
/// The largest number in a table: two of them fit a byte.
const LARGEST: f32 = 127.0;

/// Signs of some rows, byte by byte.
type Block = [[u8; ROWS]; BYTES];

/// The signs of many vectors.
#[derive(Default)]
pub(crate) struct Signs {
    blocks: Vec<Block>,
    /// What a product with the signs is multiplied by; NaN for rows without a vector.
    factors: Vec<f32>,
}

impl Signs {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { blocks: Vec::with_capacity(rows.div_ceil(ROWS)), factors: Vec::with_capacity(rows) }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, vector: Option<&[f32]>) {
        let row = self.factors.len() % ROWS;
        if row == 0 {
            self.blocks.push([[0; ROWS]; BYTES]);
        }
        let Some(vector) = vector else { return self.factors.push(f32::NAN) };
        if let Some(block) = self.blocks.last_mut() {
            for (byte, numbers) in block.iter_mut().zip(vector.chunks(8)) {
                byte[row] = bits(numbers);
            }
        }
        let sizes: f32 = vector.iter().map(|number| number.abs()).sum();
        let square: f32 = vector.iter().map(|number| number * number).sum();
        self.factors.push(if sizes > 0.0 { square / sizes } else { 0.0 });
    }

    /// Estimates the product of the query with each of these rows; NaN for rows without a vector.
    pub(crate) fn estimate(&self, query: &Tables, rows: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), rows.len(), "one estimate for each row");
        let blocks = &self.blocks[rows.start / ROWS..rows.end.div_ceil(ROWS)];
        let factors = &self.factors[rows.clone()];
        let skip = rows.start % ROWS;
        #[cfg(target_arch = "x86_64")]
        if super::wide() {
            #[expect(unsafe_code, reason = "a function compiled for AVX2 is called")]
            // SAFETY: `simd::wide` has found it on this machine.
            return unsafe { avx2::estimate(query, blocks, factors, skip, out) };
        }
        each_block(query, blocks, factors, skip, out, portable);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>() + self.factors.capacity() * size_of::<f32>()
    }
}

/// What each four signs make of a query's numbers, in steps above the least that they can.
pub(crate) struct Tables {
    /// For each byte of signs, its low half's table and its high half's.
    halves: [[[u8; 1 << TOGETHER]; 2]; BYTES],
    step: f32,
    /// What all of the query's numbers make when every sign is against them.
    least: f32,
}

impl Tables {
    pub(crate) fn new(query: &[f32]) -> Self {
        let size = |four: &[f32]| four.iter().map(|number| number.abs()).sum::<f32>();
        let largest = query.chunks(TOGETHER).map(size).fold(f32::MIN_POSITIVE, f32::max);
        let step = 2.0 * largest / LARGEST;
        let mut halves = [[[0; 1 << TOGETHER]; 2]; BYTES];
        for (table, four) in halves.as_flattened_mut().iter_mut().zip(query.chunks(TOGETHER)) {
            for (signs, entry) in table.iter_mut().enumerate() {
                let signed = |(at, number): (usize, f32)| if signs >> at & 1 == 1 { number } else { -number };
                let sum: f32 = four.iter().copied().enumerate().map(signed).sum();
                *entry = ((sum + size(four)) / step).round() as u8;
            }
        }
        Self { halves, step, least: -size(query) }
    }
}

/// How many steps the signs of each row make.
fn portable(query: &Tables, block: &Block) -> [u16; ROWS] {
    let mut steps = [0; ROWS];
    for (signs, [low, high]) in block.iter().zip(&query.halves) {
        for (steps, signs) in steps.iter_mut().zip(signs) {
            *steps += u16::from(low[usize::from(signs & 15)]) + u16::from(high[usize::from(signs >> 4)]);
        }
    }
    steps
}

/// The first `skip` rows of the first block are left out.
#[inline(always)]
fn each_block(
    query: &Tables,
    blocks: &[Block],
    factors: &[f32],
    skip: usize,
    out: &mut [f32],
    steps: impl Fn(&Tables, &Block) -> [u16; ROWS],
) {
    let (mut at, mut skip) = (0, skip);
    for block in blocks {
        let steps = steps(query, block);
        let end = out.len().min(at + ROWS - skip);
        let rows = out[at..end].iter_mut().zip(&factors[at..end]).zip(&steps[skip..]);
        for ((out, factor), steps) in rows {
            *out = factor * (query.least + query.step * f32::from(*steps));
        }
        (at, skip) = (end, 0);
    }
}

/// One bit a number, the first one lowest.
fn bits(numbers: &[f32]) -> u8 {
    numbers.iter().enumerate().fold(0, |byte, (at, &number)| byte | u8::from(number >= 0.0) << at)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_add_epi16, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_loadu_si256, _mm256_permute2x128_si256, _mm256_set1_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256,
        _mm256_sub_epi16, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
    };

    use super::{Block, ROWS, TOGETHER, Tables};

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn estimate(query: &Tables, blocks: &[Block], factors: &[f32], skip: usize, out: &mut [f32]) {
        super::each_block(query, blocks, factors, skip, out, |query, block| steps(query, block));
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn steps(query: &Tables, block: &Block) -> [u16; ROWS] {
        let half = _mm256_set1_epi8(15);
        // Sums of 16 bits: those of the odd rows, and those of the even ones with the odd ones 256-fold upon them.
        let (mut both, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (signs, [low, high]) in block.iter().zip(&query.halves) {
            let signs = load(signs);
            let of_low = _mm256_shuffle_epi8(table(low), _mm256_and_si256(signs, half));
            let high_signs = _mm256_and_si256(_mm256_srli_epi16::<4>(signs), half);
            let steps = _mm256_add_epi8(of_low, _mm256_shuffle_epi8(table(high), high_signs));
            both = _mm256_add_epi16(both, steps);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(steps));
        }
        let even = _mm256_sub_epi16(both, _mm256_slli_epi16::<8>(odd));
        let (low, high) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
        let mut steps = [0; ROWS];
        let (first, second) = steps.split_at_mut(ROWS / 2);
        store(_mm256_permute2x128_si256::<0x20>(low, high), first);
        store(_mm256_permute2x128_si256::<0x31>(low, high), second);
        steps
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load(signs: &[u8; ROWS]) -> __m256i {
        #[expect(unsafe_code, reason = "an unaligned load from an array")]
        // SAFETY: the array is as large as the register.
        unsafe {
            _mm256_loadu_si256(signs.as_ptr().cast::<__m256i>())
        }
    }

    /// A table in both halves of a register.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn table(entries: &[u8; 1 << TOGETHER]) -> __m256i {
        #[expect(unsafe_code, reason = "an unaligned load from an array")]
        // SAFETY: the array is as large as the register.
        let entries = unsafe { _mm_loadu_si128(entries.as_ptr().cast::<__m128i>()) };
        _mm256_broadcastsi128_si256(entries)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn store(steps: __m256i, out: &mut [u16]) {
        let out: &mut [u16; ROWS / 2] = out.first_chunk_mut().expect("half of the rows");
        #[expect(unsafe_code, reason = "an unaligned store to an array")]
        // SAFETY: the array is as large as the register.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>(), steps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(state: &mut u64) -> Vec<f32> {
        let mut next = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        // Near a bell curve, as the numbers of embeddings are.
        let vector: Vec<f32> = (0..DIMENSIONS).map(|_| next() + next() + next()).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.into_iter().map(|x| x / length).collect()
    }

    #[test]
    fn estimates_are_near_the_products_wherever_they_begin() {
        let mut state = 7;
        let query = vector(&mut state);
        let near = |share: f32, other: &[f32]| -> Vec<f32> {
            query.iter().zip(other).map(|(a, b)| share * a + (1.0 - share * share).sqrt() * b).collect()
        };
        let vectors: Vec<Vec<f32>> = (0..100).map(|n| near(n as f32 / 100.0, &vector(&mut state))).collect();
        let mut signs = Signs::with_capacity(vectors.len());
        vectors.iter().for_each(|vector| signs.push(Some(vector)));
        signs.push(None);
        let tables = Tables::new(&query);
        let mut all = vec![0.0; 101];
        signs.estimate(&tables, 0..101, &mut all);
        assert!(all[100].is_nan());
        for (vector, estimate) in vectors.iter().zip(&all) {
            let product: f32 = query.iter().zip(vector).map(|(a, b)| a * b).sum();
            // Five deviations of the error, which is about 0.75 by the root of the dimensions.
            assert!((product - estimate).abs() < 0.2, "{product} {estimate}");
        }
        for rows in [3..5, 0..32, 32..64, 13..42, 95..100, 7..7] {
            let mut some = vec![0.0; rows.len()];
            signs.estimate(&tables, rows.clone(), &mut some);
            assert_eq!(some, all[rows.clone()]);
            let (first, mut plain) = (rows.start / ROWS, vec![0.0; rows.len()]);
            let blocks = &signs.blocks[first..rows.end.div_ceil(ROWS)];
            let factors = &signs.factors[rows.clone()];
            each_block(&tables, blocks, factors, rows.start % ROWS, &mut plain, portable);
            assert_eq!(plain, some, "every kernel says the same");
        }
    }

    #[test]
    fn what_is_estimated_is_the_product_with_the_signs() {
        let mut state = 3;
        let query = vector(&mut state);
        let vectors: Vec<Vec<f32>> = (0..40).map(|_| vector(&mut state)).collect();
        let mut signs = Signs::default();
        vectors.iter().for_each(|vector| signs.push(Some(vector)));
        let mut out = vec![0.0; 40];
        signs.estimate(&Tables::new(&query), 0..40, &mut out);
        for (vector, estimate) in vectors.iter().zip(out) {
            let sizes: f32 = vector.iter().map(|x| x.abs()).sum();
            let product: f32 = query.iter().zip(vector).map(|(a, b)| a * b.signum()).sum::<f32>() / sizes;
            // Half a step for each of 96 look-ups, of which most cancel out.
            assert!((product - estimate).abs() < 0.01, "{product} {estimate}");
        }
    }

    #[test]
    fn a_query_of_equal_numbers_and_a_vector_of_zeros_have_estimates() {
        let mut signs = Signs::default();
        signs.push(Some(&[0.0; DIMENSIONS]));
        signs.push(Some(&[0.5; DIMENSIONS]));
        let mut out = [1.0; 2];
        signs.estimate(&Tables::new(&[0.25; DIMENSIONS]), 0..2, &mut out);
        assert_eq!(out[0], 0.0);
        assert!((out[1] - 0.125 * DIMENSIONS as f32).abs() < 1e-3, "{out:?}");
        signs.estimate(&Tables::new(&[0.0; DIMENSIONS]), 0..2, &mut out);
        assert_eq!(out, [0.0; 2]);
    }
}
