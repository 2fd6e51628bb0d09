//! The kernel for AVX-512 with VNNI: one register holds a row's sums with all columns of a panel, and one
//! instruction multiplies two pairs of numbers for each of them and adds. The sums, and in which order they
//! are scaled and added, are those of the other kernels, so that a vector does not depend on the machine.

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm512_cvtepi8_epi16, _mm512_cvtepi32_ps, _mm512_fmadd_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512,
};

use super::{Activations, COLUMNS, HALVES, LANES, PAIRS, Pairs, Panel, Panels, Weights};
use crate::simd::avx512::{load, store};

/// Panels that share a load of activations.
const SIDE_BY_SIDE: usize = 2;
/// Activation rows that share a load of weights: with two panels their sums are enough to hide how long an
/// addition takes, and with as many totals they fill 24 registers of 32.
const TILE: usize = 6;

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
pub(super) fn multiply(activations: &Activations, panels: Panels<'_>, out: &mut [f32]) {
    let width = activations.width;
    let count = panels.bias.len() / COLUMNS;
    for nth in (0..count).step_by(SIDE_BY_SIDE) {
        if nth + 1 < count {
            multiply_panels(
                [panels.panel(nth, width), panels.panel(nth + 1, width)],
                activations,
                nth,
                count,
                out,
            );
        } else {
            multiply_panels([panels.panel(nth, width)], activations, nth, count, out);
        }
    }
}

/// All rows by some panels, the first of which is the `nth` of `count`.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
#[inline]
fn multiply_panels<const PANELS: usize>(
    panels: [Panel<'_>; PANELS],
    activations: &Activations,
    nth: usize,
    count: usize,
    out: &mut [f32],
) {
    let (rows, columns) = (activations.scales.len(), count * COLUMNS);
    let tiles = rows.div_ceil(TILE);
    for tile in 0..tiles {
        let row = tile * rows / tiles;
        let out = &mut out[row * columns + nth * COLUMNS..];
        match (tile + 1) * rows / tiles - row {
            1 => multiply_tile::<1, PANELS>(activations, row, &panels, out, columns),
            2 => multiply_tile::<2, PANELS>(activations, row, &panels, out, columns),
            3 => multiply_tile::<3, PANELS>(activations, row, &panels, out, columns),
            4 => multiply_tile::<4, PANELS>(activations, row, &panels, out, columns),
            5 => multiply_tile::<5, PANELS>(activations, row, &panels, out, columns),
            _ => multiply_tile::<TILE, PANELS>(activations, row, &panels, out, columns),
        }
    }
}

/// `ROWS` rows from `row` on by the columns of the panels; the results of a row are `stride` behind the former's.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
#[inline(never)]
#[expect(
    clippy::needless_range_loop,
    reason = "adaptors of iterators stay calls in functions with target features"
)]
fn multiply_tile<const ROWS: usize, const PANELS: usize>(
    activations: &Activations,
    row: usize,
    panels: &[Panel<'_>; PANELS],
    out: &mut [f32],
    stride: usize,
) {
    let mut totals = [[_mm512_setzero_ps(); PANELS]; ROWS];
    for group in 0..panels[0].weights.len() {
        let mut rows = [&[[0; 2]; PAIRS]; ROWS];
        for nth in 0..ROWS {
            rows[nth] = &activations.pairs(row + nth)[group];
        }
        let mut weights = [&panels[0].weights[group]; PANELS];
        for panel in 0..PANELS {
            weights[panel] = &panels[panel].weights[group];
        }
        let sums = group_sums(&rows, &weights);
        for panel in 0..PANELS {
            let scales = load(&panels[panel].scales[group]);
            for nth in 0..ROWS {
                let sums = _mm512_cvtepi32_ps(sums[nth][panel]);
                totals[nth][panel] = _mm512_fmadd_ps(sums, scales, totals[nth][panel]);
            }
        }
    }
    for nth in 0..ROWS {
        let scale = _mm512_set1_ps(activations.scales[row + nth]);
        let out = &mut out[nth * stride..][..PANELS * COLUMNS];
        for panel in 0..PANELS {
            let totals = _mm512_fmadd_ps(totals[nth][panel], scale, load(panels[panel].bias));
            store(totals, &mut out.as_chunks_mut().0[panel]);
        }
    }
}

/// The products of one group, summed for each row and column.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
#[inline]
fn group_sums<const ROWS: usize, const PANELS: usize>(
    rows: &[&Pairs; ROWS],
    weights: &[&Weights; PANELS],
) -> [[__m512i; PANELS]; ROWS] {
    let mut sums = [[_mm512_setzero_si512(); PANELS]; ROWS];
    for at in 0..PAIRS {
        let mut wide = [_mm512_setzero_si512(); PANELS];
        for panel in 0..PANELS {
            wide[panel] = widen(&weights[panel][at]);
        }
        for nth in 0..ROWS {
            let pair = _mm512_set1_epi32(bytemuck::cast(rows[nth][at]));
            for panel in 0..PANELS {
                sums[nth][panel] = multiply_add(sums[nth][panel], pair, wide[panel]);
            }
        }
    }
    sums
}

/// `sums + a0 × b0 + a1 × b1` for the pairs of i16 in each i32. Written out, because from the intrinsic the
/// compiler makes two instructions, which pays where few sums wait for each other and costs a third here.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
#[inline]
fn multiply_add(mut sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    #[expect(unsafe_code, reason = "an instruction is written out")]
    // SAFETY: it reads and writes these registers only, and this function is compiled for VNNI.
    unsafe {
        asm!(
            "vpdpwssd {sums}, {a}, {b}",
            sums = inout(zmm_reg) sums,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// The weights of a pair of inputs, as i16.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vnni")]
#[inline]
fn widen(codes: &[[i8; 2 * LANES]; HALVES]) -> __m512i {
    #[expect(unsafe_code, reason = "an unaligned load from an array")]
    // SAFETY: the array is as large as the register.
    let narrow = unsafe { _mm256_loadu_si256(codes.as_ptr().cast::<__m256i>()) };
    _mm512_cvtepi8_epi16(narrow)
}
