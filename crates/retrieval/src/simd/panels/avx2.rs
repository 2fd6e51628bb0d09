//! The kernel for AVX2: two registers of eight sums for each row.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_madd_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_storeu_ps,
};

use super::{Activations, COLUMNS, HALVES, LANES, PAIRS, Pairs, Panel, Panels, Weights};

/// Activation rows that share a load of weights: their sums fill twelve registers of sixteen.
const TILE: usize = 6;

#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply(activations: &Activations, panels: Panels<'_>, out: &mut [f32]) {
    let (rows, columns) = (activations.scales.len(), panels.bias.len());
    // Tiles as even as can be: seven rows are four and three, not six and a lonely one.
    let tiles = rows.div_ceil(TILE);
    for nth in 0..columns / COLUMNS {
        let panel = panels.panel(nth, activations.width);
        for tile in 0..tiles {
            let row = tile * rows / tiles;
            let out = &mut out[row * columns + nth * COLUMNS..];
            match (tile + 1) * rows / tiles - row {
                1 => multiply_tile::<1>(activations, row, panel, out, columns),
                2 => multiply_tile::<2>(activations, row, panel, out, columns),
                3 => multiply_tile::<3>(activations, row, panel, out, columns),
                4 => multiply_tile::<4>(activations, row, panel, out, columns),
                5 => multiply_tile::<5>(activations, row, panel, out, columns),
                _ => multiply_tile::<TILE>(activations, row, panel, out, columns),
            }
        }
    }
}

/// `ROWS` rows from `row` on by the columns of a panel; the results of a row are `stride` behind the former's.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
#[expect(
    clippy::needless_range_loop,
    reason = "adaptors of iterators stay calls in functions with target features"
)]
fn multiply_tile<const ROWS: usize>(
    activations: &Activations,
    row: usize,
    panel: Panel<'_>,
    out: &mut [f32],
    stride: usize,
) {
    let mut totals = [[_mm256_setzero_ps(); HALVES]; ROWS];
    for group in 0..panel.weights.len() {
        let mut rows = [&[[0; 2]; PAIRS]; ROWS];
        for nth in 0..ROWS {
            rows[nth] = &activations.pairs(row + nth)[group];
        }
        let sums = group_sums(&rows, &panel.weights[group]);
        for half in 0..HALVES {
            let scales = load(&panel.scales[group], half);
            for nth in 0..ROWS {
                let sums = _mm256_cvtepi32_ps(sums[nth][half]);
                totals[nth][half] = _mm256_fmadd_ps(sums, scales, totals[nth][half]);
            }
        }
    }
    for nth in 0..ROWS {
        let scale = _mm256_set1_ps(activations.scales[row + nth]);
        let out = &mut out[nth * stride..][..COLUMNS];
        for half in 0..HALVES {
            let totals = _mm256_fmadd_ps(totals[nth][half], scale, load(panel.bias, half));
            store(totals, &mut out.as_chunks_mut().0[half]);
        }
    }
}

/// The products of one group, summed for each row and column.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn group_sums<const ROWS: usize>(rows: &[&Pairs; ROWS], weights: &Weights) -> [[__m256i; HALVES]; ROWS] {
    let mut sums = [[_mm256_setzero_si256(); HALVES]; ROWS];
    for at in 0..PAIRS {
        let weights = [widen(&weights[at], 0), widen(&weights[at], 1)];
        for nth in 0..ROWS {
            let pair = _mm256_set1_epi32(bytemuck::cast(rows[nth][at]));
            for half in 0..HALVES {
                let products = _mm256_madd_epi16(pair, weights[half]);
                sums[nth][half] = _mm256_add_epi32(sums[nth][half], products);
            }
        }
    }
    sums
}

/// Half of the weights of a pair of inputs, as i16.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn widen(codes: &[[i8; 2 * LANES]; HALVES], half: usize) -> __m256i {
    #[expect(unsafe_code, reason = "an unaligned load from an array")]
    // SAFETY: the array is as large as the register.
    let narrow = unsafe { _mm_loadu_si128(codes[half].as_ptr().cast::<__m128i>()) };
    _mm256_cvtepi8_epi16(narrow)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(values: &[f32; COLUMNS], half: usize) -> __m256 {
    let half = &values.as_chunks::<LANES>().0[half];
    #[expect(unsafe_code, reason = "an unaligned load from an array")]
    // SAFETY: the array is as large as the register.
    unsafe {
        _mm256_loadu_ps(half.as_ptr())
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(values: __m256, out: &mut [f32; LANES]) {
    #[expect(unsafe_code, reason = "an unaligned store to an array")]
    // SAFETY: the array is as large as the register.
    unsafe {
        _mm256_storeu_ps(out.as_mut_ptr(), values);
    }
}
