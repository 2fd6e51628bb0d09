//! What the compiler makes poor code of for AVX-512, written out. Each number comes of the same operations in the same
//! order as in the other kernels, so that a vector does not depend on the machine.

use std::arch::x86_64::{
    __m512, _mm512_abs_ps, _mm512_add_epi32, _mm512_add_ps, _mm512_and_epi32, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_div_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_or_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_sub_ps,
};

use super::{
    ATTENTION_ROW, ERF, ERF_FIRST, ERF_STEP, EXP, EXP_FIRST, HEAD_WIDTH, LANES, LN_2_HIGH, LN_2_LOW, QUERIES,
    ROUND,
};
use crate::simd::avx512::{load, store};

/// Registers of a head's values.
const PARTS: usize = HEAD_WIDTH / LANES;

#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) fn gelu(values: &mut [f32]) {
    let (half, one) = (_mm512_set1_ps(0.5), _mm512_set1_ps(1.0));
    let factor = _mm512_set1_ps(std::f32::consts::FRAC_1_SQRT_2);
    for values in values.as_chunks_mut().0 {
        let x = load(values);
        let erf = erf(_mm512_mul_ps(x, factor));
        store(_mm512_mul_ps(_mm512_mul_ps(half, x), _mm512_add_ps(one, erf)), values);
    }
}

#[target_feature(enable = "avx2,fma,avx512f")]
#[inline]
fn erf(x: __m512) -> __m512 {
    let one = _mm512_set1_ps(1.0);
    let t = _mm512_div_ps(one, _mm512_fmadd_ps(_mm512_set1_ps(ERF_STEP), _mm512_abs_ps(x), one));
    let mut sum = _mm512_set1_ps(ERF_FIRST);
    for factor in ERF {
        sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(factor));
    }
    let negative = _mm512_sub_ps(_mm512_set1_ps(-0.0), x);
    let rest = _mm512_mul_ps(_mm512_mul_ps(sum, t), exp(_mm512_mul_ps(negative, x)));
    let sign = _mm512_and_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(i32::MIN));
    let size = _mm512_castps_si512(_mm512_abs_ps(_mm512_sub_ps(one, rest)));
    _mm512_castsi512_ps(_mm512_or_epi32(size, sign))
}

#[target_feature(enable = "avx2,fma,avx512f")]
#[inline]
fn exp(x: __m512) -> __m512 {
    let x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0)), _mm512_set1_ps(88.0));
    let round = _mm512_set1_ps(ROUND);
    let shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E), round);
    let n = _mm512_sub_ps(shifted, round);
    let rest = _mm512_fmadd_ps(n, _mm512_set1_ps(-LN_2_HIGH), x);
    let rest = _mm512_fmadd_ps(n, _mm512_set1_ps(-LN_2_LOW), rest);
    let mut sum = _mm512_set1_ps(EXP_FIRST);
    for factor in EXP {
        sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(factor));
    }
    let fraction = _mm512_add_ps(_mm512_fmadd_ps(_mm512_mul_ps(sum, rest), rest, rest), _mm512_set1_ps(1.0));
    let exponent = _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
    _mm512_mul_ps(fraction, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
}

#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) fn score(queries: &[&[f32]; QUERIES], keys: &[f32], padded: usize, scores: &mut [f32]) {
    let mut at = 0;
    while at + 2 * LANES <= padded {
        score_keys::<2>(queries, keys, padded, at, scores);
        at += 2 * LANES;
    }
    if at < padded {
        score_keys::<1>(queries, keys, padded, at, scores);
    }
}

/// The queries times some registers of keys from `at` on.
#[target_feature(enable = "avx2,fma,avx512f")]
#[inline]
fn score_keys<const REGISTERS: usize>(
    queries: &[&[f32]; QUERIES],
    keys: &[f32],
    padded: usize,
    at: usize,
    scores: &mut [f32],
) {
    let mut sums = [[_mm512_setzero_ps(); REGISTERS]; QUERIES];
    for dimension in 0..HEAD_WIDTH {
        let keys = keys[dimension * padded + at..][..REGISTERS * LANES].as_chunks().0;
        let mut loaded = [_mm512_setzero_ps(); REGISTERS];
        for register in 0..REGISTERS {
            loaded[register] = load(&keys[register]);
        }
        for nth in 0..QUERIES {
            let query = _mm512_set1_ps(queries[nth][dimension]);
            for register in 0..REGISTERS {
                sums[nth][register] = _mm512_fmadd_ps(query, loaded[register], sums[nth][register]);
            }
        }
    }
    for nth in 0..QUERIES {
        let scores = scores[nth * padded + at..][..REGISTERS * LANES].as_chunks_mut().0;
        for register in 0..REGISTERS {
            store(sums[nth][register], &mut scores[register]);
        }
    }
}

#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) fn softmax(scores: &mut [f32], padded: usize, tokens: usize) {
    for scores in scores.chunks_exact_mut(padded) {
        scores[tokens..].fill(f32::NEG_INFINITY);
        let scores = scores.as_chunks_mut().0;
        let mut largest = _mm512_set1_ps(f32::NEG_INFINITY);
        for scores in &*scores {
            largest = _mm512_max_ps(largest, load(scores));
        }
        let largest = lanes(largest).iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let mut sums = _mm512_setzero_ps();
        for scores in &mut *scores {
            let value = exp(_mm512_sub_ps(load(scores), _mm512_set1_ps(largest)));
            sums = _mm512_add_ps(sums, value);
            store(value, scores);
        }
        let factor = _mm512_set1_ps(1.0 / lanes(sums).iter().sum::<f32>());
        for scores in scores {
            store(_mm512_mul_ps(load(scores), factor), scores);
        }
    }
}

#[target_feature(enable = "avx2,fma,avx512f")]
#[expect(
    clippy::needless_range_loop,
    reason = "adaptors of iterators stay calls in functions with target features"
)]
pub(super) fn weigh(
    rows: &[[f32; ATTENTION_ROW]],
    from: usize,
    weights: &[f32],
    padded: usize,
) -> [[f32; HEAD_WIDTH]; QUERIES] {
    let mut of_query: [&[f32]; QUERIES] = [&[]; QUERIES];
    for nth in 0..QUERIES {
        of_query[nth] = &weights[nth * padded..][..rows.len()];
    }
    let mut sums = [[_mm512_setzero_ps(); PARTS]; QUERIES];
    for at in 0..rows.len() {
        let values = rows[at][from..from + HEAD_WIDTH].as_chunks().0;
        let mut loaded = [_mm512_setzero_ps(); PARTS];
        for part in 0..PARTS {
            loaded[part] = load(&values[part]);
        }
        for nth in 0..QUERIES {
            let weight = _mm512_set1_ps(of_query[nth][at]);
            for part in 0..PARTS {
                sums[nth][part] = _mm512_fmadd_ps(weight, loaded[part], sums[nth][part]);
            }
        }
    }
    let mut out = [[0.0; HEAD_WIDTH]; QUERIES];
    for nth in 0..QUERIES {
        for part in 0..PARTS {
            store(sums[nth][part], &mut out[nth].as_chunks_mut().0[part]);
        }
    }
    out
}

#[target_feature(enable = "avx2,fma,avx512f")]
#[inline]
fn lanes(values: __m512) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    store(values, &mut lanes);
    lanes
}
