//! The parts of a transformer that are not products with weights: normalisation, activation, attention.

#[cfg(target_arch = "x86_64")]
mod avx512;

use super::layout::{HEAD_WIDTH, HEADS};
use crate::DIMENSIONS;
use crate::simd::{mul_add, vectorised};

/// Numbers worked on side by side: two AVX registers.
const LANES: usize = 16;
const NORM_EPSILON: f32 = 1e-12;
/// A row of query, key and value.
pub(super) const ATTENTION_ROW: usize = 3 * DIMENSIONS;

vectorised! {
    /// `rows = layer_norm(rows + added)`.
    pub(super) fn add_and_normalise(rows: &mut [f32], added: &[f32], gain: &[f32], offset: &[f32]) {
        for (row, added) in rows.as_chunks_mut::<DIMENSIONS>().0.iter_mut().zip(added.as_chunks::<DIMENSIONS>().0) {
            let mut sums = [0.0_f32; LANES];
            for (values, added) in row.as_chunks_mut::<LANES>().0.iter_mut().zip(added.as_chunks::<LANES>().0) {
                for lane in 0..LANES {
                    values[lane] += added[lane];
                    sums[lane] += values[lane];
                }
            }
            let mean = sums.iter().sum::<f32>() / DIMENSIONS as f32;
            let mut squares = [0.0_f32; LANES];
            for values in row.as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    let distance = values[lane] - mean;
                    squares[lane] = mul_add::<FUSED>(distance, distance, squares[lane]);
                }
            }
            let variance = squares.iter().sum::<f32>() / DIMENSIONS as f32;
            let factor = 1.0 / (variance + NORM_EPSILON).sqrt();
            for ((value, gain), offset) in row.iter_mut().zip(gain).zip(offset) {
                *value = mul_add::<FUSED>((*value - mean) * factor, *gain, *offset);
            }
        }
    }
}

vectorised! {
    avx512 = avx512::gelu;
    /// The Gaussian error linear unit, x·Φ(x).
    pub(super) fn gelu(values: &mut [f32]) {
        for values in values.as_chunks_mut::<LANES>().0 {
            for value in values {
                let x = *value;
                *value = 0.5 * x * (1.0 + erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2));
            }
        }
    }
}

/// The error function within 2e-7: Abramowitz and Stegun 7.1.26.
#[inline(always)]
fn erf<const FUSED: bool>(x: f32) -> f32 {
    let t = 1.0 / mul_add::<FUSED>(ERF_STEP, x.abs(), 1.0);
    let mut sum = ERF_FIRST;
    for factor in ERF {
        sum = mul_add::<FUSED>(sum, t, factor);
    }
    (1.0 - sum * t * exp::<FUSED>(-x * x)).copysign(x)
}

/// Factors of the polynomial in [`erf`], after the first.
const ERF: [f32; 4] = [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
const ERF_FIRST: f32 = 1.061_405_4;
const ERF_STEP: f32 = 0.327_591_1;

/// Adding 1.5 × 2^23 leaves the rounded integer in the low bits.
const ROUND: f32 = 12_582_912.0;
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Factors of the polynomial in [`exp`], after the first.
const EXP: [f32; 5] = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
const EXP_FIRST: f32 = 1.987_569_1e-4;

/// e^x within 3e-7, for x from -87 to 88: 2^n times a polynomial in the rest, as in the Cephes library.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = mul_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let rest = mul_add::<FUSED>(n, -LN_2_LOW, mul_add::<FUSED>(n, -LN_2_HIGH, x));
    let mut sum = EXP_FIRST;
    for factor in EXP {
        sum = mul_add::<FUSED>(sum, rest, factor);
    }
    let fraction = mul_add::<FUSED>(sum * rest, rest, rest) + 1.0;
    fraction * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// Room that [`attend`] works in.
#[derive(Default)]
pub(super) struct AttentionRoom {
    /// Keys of a head, transposed: a row for each dimension, padded to whole registers.
    keys: Vec<f32>,
    scores: Vec<f32>,
}

/// Queries that are worked on together.
const QUERIES: usize = 4;
/// Of these, how many share a load of values where there are 16 registers.
const WEIGHTED: usize = 2;

/// Self-attention over the rows of one text: for every head the softmax of query · key weighs the values.
pub(super) fn attend(rows: &[f32], room: &mut AttentionRoom, out: &mut [f32]) {
    let rows = rows.as_chunks::<ATTENTION_ROW>().0;
    let padded = rows.len().next_multiple_of(LANES);
    room.keys.clear();
    room.keys.resize(HEAD_WIDTH * padded, 0.0);
    room.scores.resize(QUERIES * padded, 0.0);
    for head in 0..HEADS {
        let from = head * HEAD_WIDTH;
        for (nth, row) in rows.iter().enumerate() {
            let key = &row[DIMENSIONS + from..DIMENSIONS + from + HEAD_WIDTH];
            for (dimension, &x) in key.iter().enumerate() {
                room.keys[dimension * padded + nth] = x;
            }
        }
        for first in (0..rows.len()).step_by(QUERIES) {
            let mut queries: [&[f32]; QUERIES] = [&[]; QUERIES];
            for (nth, query) in queries.iter_mut().enumerate() {
                *query = &rows[(first + nth).min(rows.len() - 1)][from..from + HEAD_WIDTH];
            }
            score(&queries, &room.keys, padded, &mut room.scores);
            softmax(&mut room.scores, padded, rows.len());
            let sums = weigh(rows, 2 * DIMENSIONS + from, &room.scores, padded);
            for (nth, sum) in (first..rows.len()).zip(&sums) {
                out[nth * DIMENSIONS + from..][..HEAD_WIDTH].copy_from_slice(sum);
            }
        }
    }
}

vectorised! {
    avx512 = avx512::score;
    /// Each query times all keys.
    fn score(queries: &[&[f32]; QUERIES], keys: &[f32], padded: usize, scores: &mut [f32]) {
        for at in (0..padded).step_by(LANES) {
            let mut sums = [[0.0_f32; LANES]; QUERIES];
            for dimension in 0..HEAD_WIDTH {
                let keys = &keys[dimension * padded + at..][..LANES];
                for nth in 0..QUERIES {
                    let query = queries[nth][dimension];
                    for lane in 0..LANES {
                        sums[nth][lane] = mul_add::<FUSED>(query, keys[lane], sums[nth][lane]);
                    }
                }
            }
            for (nth, sums) in sums.iter().enumerate() {
                scores[nth * padded + at..][..LANES].copy_from_slice(sums);
            }
        }
    }
}

vectorised! {
    avx512 = avx512::softmax;
    /// The softmax of each row of `padded` scores, of which so many are tokens'.
    fn softmax(scores: &mut [f32], padded: usize, tokens: usize) {
        for scores in scores.chunks_exact_mut(padded) {
            scores[tokens..].fill(f32::NEG_INFINITY);
            let mut largest = [f32::NEG_INFINITY; LANES];
            for scores in scores.as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    largest[lane] = largest[lane].max(scores[lane]);
                }
            }
            let largest = largest.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let mut sums = [0.0_f32; LANES];
            for scores in scores.as_chunks_mut::<LANES>().0 {
                for lane in 0..LANES {
                    scores[lane] = exp::<FUSED>(scores[lane] - largest);
                    sums[lane] += scores[lane];
                }
            }
            let factor = 1.0 / sums.iter().sum::<f32>();
            for scores in scores.as_chunks_mut::<LANES>().0 {
                for score in scores {
                    *score *= factor;
                }
            }
        }
    }
}

vectorised! {
    avx512 = avx512::weigh;
    /// The sums of the values that begin at `from` in each row, as each query's weights count them.
    fn weigh(
        rows: &[[f32; ATTENTION_ROW]],
        from: usize,
        weights: &[f32],
        padded: usize,
    ) -> [[f32; HEAD_WIDTH]; QUERIES] {
        let mut sums = [[0.0_f32; HEAD_WIDTH]; QUERIES];
        for pair in (0..QUERIES).step_by(WEIGHTED) {
            let mut of_pair = [[0.0_f32; HEAD_WIDTH]; WEIGHTED];
            for (at, row) in rows.iter().enumerate() {
                let values = &row[from..from + HEAD_WIDTH];
                for nth in 0..WEIGHTED {
                    let weight = weights[(pair + nth) * padded + at];
                    for lane in 0..HEAD_WIDTH {
                        of_pair[nth][lane] = mul_add::<FUSED>(weight, values[lane], of_pair[nth][lane]);
                    }
                }
            }
            sums[pair..pair + WEIGHTED].copy_from_slice(&of_pair);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_gelu_are_close_enough() {
        for step in -8000..8000 {
            let x = step as f32 / 100.0;
            assert!((exp::<false>(x) / x.exp() - 1.0).abs() < 1e-6, "exp {x}");
        }
        // x·Φ(x) from a table of the normal distribution.
        let mut values =
            [0.0, 1.0, -1.0, 2.0, -3.0, 10.0, -10.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        gelu(&mut values);
        let expected =
            [0.0, 0.841_344_7, -0.158_655_25, 1.954_499_7, -0.004_049_694, 10.0, 0.0, 0.345_731_23];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-5, "{value} {expected}");
        }
    }

    /// What comes of it on the widest kernels of this machine and, where it has FMA, on the others, to the bit.
    fn on_all_kernels(work: impl Fn() -> Vec<f32>) -> Vec<f32> {
        let found = work();
        if crate::simd::wide() {
            crate::simd::WITHOUT_AVX512.set(true);
            let narrow = work();
            crate::simd::WITHOUT_AVX512.set(false);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(&narrow));
        }
        found
    }

    #[test]
    fn gelu_is_the_same_on_all_kernels() {
        on_all_kernels(|| {
            let mut values: Vec<f32> = (-16_000..16_000).map(|at| at as f32 / 1_000.0).collect();
            values.extend([0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 3e4, -3e4].repeat(2));
            gelu(&mut values);
            values
        });
    }

    #[test]
    fn attention_is_the_weighted_mean_that_the_formula_says() {
        for tokens in [1, 3, 4, 17, 33] {
            let rows: Vec<f32> =
                (0..tokens * ATTENTION_ROW).map(|at| ((at * 7919 % 1009) as f32 / 504.5) - 1.0).collect();
            let out = on_all_kernels(|| {
                let mut out = vec![0.0; tokens * DIMENSIONS];
                attend(&rows, &mut AttentionRoom::default(), &mut out);
                out
            });
            for (nth, found) in out.chunks_exact(DIMENSIONS).enumerate() {
                let head = 5 * HEAD_WIDTH..6 * HEAD_WIDTH;
                let row =
                    |at: usize, part: usize| &rows[at * ATTENTION_ROW + part * DIMENSIONS..][head.clone()];
                let weight =
                    |at: usize| row(nth, 0).iter().zip(row(at, 1)).map(|(q, k)| q * k).sum::<f32>().exp();
                let total: f32 = (0..tokens).map(weight).sum();
                let expected: f32 = (0..tokens).map(|at| weight(at) / total * row(at, 2)[3]).sum();
                assert!((found[head.start + 3] - expected).abs() < 1e-4, "{tokens} tokens, row {nth}");
            }
        }
    }
}
