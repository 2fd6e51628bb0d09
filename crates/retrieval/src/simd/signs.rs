//! Signs of vectors, a bit a number, and what they say of a product: the estimate of RaBitQ (Gao and Long, SIGMOD 2024)
//! without its rotation, which sentence embeddings do well without.
//!
//! The product of a query with the signs of a vector, times the vector's squared length by the sum of its sizes, is near
//! the product with the vector itself. The query has four bits a number here, a plane of bits for each, so that a product
//! is a few counts of bits.

use std::ops::Range;

use crate::DIMENSIONS;

/// Words of 64 signs that a vector has.
const WORDS: usize = DIMENSIONS / 64;
/// Rows that are worked on side by side.
const ROWS: usize = 8;
/// Bits of a number of the query.
const PLANES: usize = 4;
const LARGEST: f32 = ((1 << PLANES) - 1) as f32;

/// Signs of some rows, word by word.
type Block = [[u64; ROWS]; WORDS];

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
            self.blocks.push(Block::default());
        }
        let Some(vector) = vector else { return self.factors.push(f32::NAN) };
        if let Some(block) = self.blocks.last_mut() {
            for (word, numbers) in block.iter_mut().zip(vector.chunks(64)) {
                word[row] = bits(numbers, |number| number >= 0.0);
            }
        }
        let sizes: f32 = vector.iter().map(|number| number.abs()).sum();
        let square: f32 = vector.iter().map(|number| number * number).sum();
        self.factors.push(if sizes > 0.0 { square / sizes } else { 0.0 });
    }

    /// Estimates the product of the query with each of these rows; NaN for rows without a vector.
    pub(crate) fn estimate(&self, query: &Planes, rows: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), rows.len(), "one estimate for each row");
        let blocks = &self.blocks[rows.start / ROWS..rows.end.div_ceil(ROWS)];
        let factors = &self.factors[rows.clone()];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512vpopcntdq") && is_x86_feature_detected!("avx512vl") {
            #[expect(unsafe_code, reason = "a function compiled for AVX-512 is called")]
            // SAFETY: both features have just been found on this machine.
            return unsafe { counted(query, blocks, factors, rows.start % ROWS, out) };
        }
        estimate(query, blocks, factors, rows.start % ROWS, out);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>() + self.factors.capacity() * size_of::<f32>()
    }
}

/// A query in four bits a number: number ≈ `low` + `step` × code.
pub(crate) struct Planes {
    planes: [[u64; WORDS]; PLANES],
    low: f32,
    step: f32,
    sum: f32,
}

impl Planes {
    pub(crate) fn new(query: &[f32]) -> Self {
        let (low, high) =
            query.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let step = ((high - low) / LARGEST).max(f32::MIN_POSITIVE);
        let code = |number: f32| ((number - low) / step).round() as u8;
        let plane = |plane: usize| {
            let mut words = [0; WORDS];
            for (word, numbers) in words.iter_mut().zip(query.chunks(64)) {
                *word = bits(numbers, |number| code(number) >> plane & 1 == 1);
            }
            words
        };
        Self { planes: std::array::from_fn(plane), low, step, sum: query.iter().sum() }
    }

    /// The product with the signs of each row of a block, each sign being 1 or -1.
    #[inline(always)]
    fn product(&self, block: &Block) -> [f32; ROWS] {
        let (mut codes, mut ones) = ([0_u64; ROWS], [0_u64; ROWS]);
        for (at, word) in block.iter().enumerate() {
            for (row, signs) in word.iter().enumerate() {
                ones[row] += u64::from(signs.count_ones());
                for (nth, plane) in self.planes.iter().enumerate() {
                    codes[row] += u64::from((signs & plane[at]).count_ones()) << nth;
                }
            }
        }
        let mut products = [0.0; ROWS];
        for row in 0..ROWS {
            let positive = self.low * ones[row] as u32 as f32 + self.step * codes[row] as u32 as f32;
            products[row] = 2.0 * positive - self.sum;
        }
        products
    }
}

#[inline(always)]
fn each_block(query: &Planes, blocks: &[Block], factors: &[f32], skip: usize, out: &mut [f32]) {
    let (before, whole) = if skip > 0 { blocks.split_at(1) } else { blocks.split_at(0) };
    let (first, out) = out.split_at_mut(((ROWS - skip) % ROWS).min(out.len()));
    let (of_first, factors) = factors.split_at(first.len());
    for block in before {
        scale(&query.product(block)[skip..], of_first, first);
    }
    for ((block, factors), out) in whole.iter().zip(factors.chunks(ROWS)).zip(out.chunks_mut(ROWS)) {
        scale(&query.product(block), factors, out);
    }
}

#[inline(always)]
fn scale(products: &[f32], factors: &[f32], out: &mut [f32]) {
    for ((out, factor), product) in out.iter_mut().zip(factors).zip(products) {
        *out = factor * product;
    }
}

vectorised! {
    /// The first `skip` rows of the first block are left out.
    fn estimate(query: &Planes, blocks: &[Block], factors: &[f32], skip: usize, out: &mut [f32]) {
        each_block(query, blocks, factors, skip, out);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512vpopcntdq")]
fn counted(query: &Planes, blocks: &[Block], factors: &[f32], skip: usize, out: &mut [f32]) {
    each_block(query, blocks, factors, skip, out);
}

/// One bit a number, the first one lowest.
fn bits(numbers: &[f32], is_set: impl Fn(f32) -> bool) -> u64 {
    numbers.iter().enumerate().fold(0, |word, (at, &number)| word | u64::from(is_set(number)) << at)
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
        let planes = Planes::new(&query);
        let mut all = vec![0.0; 101];
        signs.estimate(&planes, 0..101, &mut all);
        assert!(all[100].is_nan());
        for (vector, estimate) in vectors.iter().zip(&all) {
            let product: f32 = query.iter().zip(vector).map(|(a, b)| a * b).sum();
            // Five deviations of the error, which is about 0.75 by the root of the dimensions.
            assert!((product - estimate).abs() < 0.2, "{product} {estimate}");
        }
        for rows in [3..5, 0..8, 8..16, 13..42, 95..100, 7..7] {
            let mut some = vec![0.0; rows.len()];
            signs.estimate(&planes, rows.clone(), &mut some);
            assert_eq!(some, all[rows.clone()]);
            let (first, mut plain) = (rows.start / ROWS, vec![0.0; rows.len()]);
            let blocks = &signs.blocks[first..rows.end.div_ceil(ROWS)];
            each_block(&planes, blocks, &signs.factors[rows.clone()], rows.start % ROWS, &mut plain);
            let close = plain.iter().zip(&some).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close, "every kernel says the same");
        }
    }

    #[test]
    fn a_query_of_equal_numbers_and_a_vector_of_zeros_have_estimates() {
        let mut signs = Signs::default();
        signs.push(Some(&[0.0; DIMENSIONS]));
        signs.push(Some(&[0.5; DIMENSIONS]));
        let mut out = [1.0; 2];
        signs.estimate(&Planes::new(&[0.25; DIMENSIONS]), 0..2, &mut out);
        assert_eq!(out[0], 0.0);
        assert!((out[1] - 0.125 * DIMENSIONS as f32).abs() < 1e-3, "{out:?}");
    }
}
