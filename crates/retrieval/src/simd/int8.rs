//! Products of int8 rows (weights, stored vectors) with 14-bit rows (activations, queries).
//!
//! |weight| ≤ 127 and |activation| ≤ 8191, so that 1536 products sum exactly in an i32, and `vpmaddwd`
//! adds them two by two without saturation. A row of codes has a scale for each group of so many codes: one
//! for a whole stored vector, one for each 128 weights of a model, which have outliers.

/// The largest activation code.
const LARGEST: f32 = 8191.0;
/// Products whose sum is sure to fit: 127 × 8191 × 2064 < 2^31.
const WIDEST_GROUP: usize = 2064;
/// Widths are multiples of this: one register of i16.
const LANES: usize = 16;
/// Weight rows that stay in the first-level cache while all activations pass by.
const BLOCK_BYTES: usize = 16 * 1024;
/// Activation rows that share a load of weights; with two weight rows their sums fill twelve registers.
const TILE: usize = 6;

/// Rows of numbers, quantised to 14 bits with a scale for each row.
#[derive(Default)]
pub(crate) struct Activations {
    codes: Vec<i16>,
    scales: Vec<f32>,
    width: usize,
}

impl Activations {
    /// Takes over rows of `width` numbers; the former contents go, their room is kept.
    pub(crate) fn set(&mut self, values: &[f32], width: usize) {
        assert!(width.is_multiple_of(LANES), "a row of {width} is not made for these kernels");
        let rows = values.len() / width;
        self.width = width;
        self.codes.resize(rows * width, 0);
        self.scales.resize(rows, 0.0);
        quantise(values, &mut self.codes, &mut self.scales, width);
    }

    fn rows(&self) -> usize {
        self.scales.len()
    }
}

vectorised! {
    fn quantise(values: &[f32], codes: &mut [i16], scales: &mut [f32], width: usize) {
        /// Adding 1.5 × 2^23 leaves the rounded integer in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let rows = values.chunks_exact(width).zip(codes.chunks_exact_mut(width)).zip(scales);
        for ((values, codes), scale) in rows {
            let mut largest = [0.0_f32; LANES];
            for values in values.as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    largest[lane] = largest[lane].max(values[lane].abs());
                }
            }
            let largest = largest.iter().fold(f32::MIN_POSITIVE, |a, &b| a.max(b));
            let inverse = (LARGEST / largest).min(f32::MAX);
            *scale = largest / LARGEST;
            for (code, value) in codes.iter_mut().zip(values) {
                *code = (value * inverse + ROUND).to_bits() as u16 as i16;
            }
        }
    }
}

/// Rows of int8 codes; `scales` has a number for each group of each row.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub(crate) codes: &'a [i8],
    pub(crate) scales: &'a [f32],
    pub(crate) group: usize,
}

/// `out[row][column] = activations[row] · codes[column] + bias[column]`.
pub(crate) fn multiply(activations: &Activations, codes: Codes<'_>, bias: Option<&[f32]>, out: &mut [f32]) {
    let width = activations.width;
    let columns = codes.codes.len() / width;
    let Codes { group, .. } = codes;
    assert!(
        group.is_multiple_of(LANES) && width.is_multiple_of(group) && group <= WIDEST_GROUP,
        "groups of {group}"
    );
    assert_eq!(codes.codes.len(), columns * width, "whole rows of codes");
    assert_eq!(codes.scales.len(), codes.codes.len() / group, "one scale for each group of codes");
    assert_eq!(out.len(), activations.rows() * columns, "one result for each pair of rows");
    assert!(bias.is_none_or(|bias| bias.len() == columns), "one bias for each row of codes");
    let product = Product { activations, codes, bias, width, columns };
    #[cfg(target_arch = "x86_64")]
    if super::wide() {
        #[expect(unsafe_code, reason = "a function compiled for AVX2 and FMA is called")]
        // SAFETY: `simd::wide` has found both features on this machine.
        return unsafe { avx2::multiply(&product, out) };
    }
    portable(&product, out);
}

struct Product<'a> {
    activations: &'a Activations,
    codes: Codes<'a>,
    bias: Option<&'a [f32]>,
    width: usize,
    columns: usize,
}

impl Product<'_> {
    #[inline(always)]
    fn bias(&self, column: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[column])
    }

    #[inline(always)]
    fn codes(&self, column: usize) -> &[i8] {
        &self.codes.codes[column * self.width..(column + 1) * self.width]
    }

    #[inline(always)]
    fn scales(&self, column: usize) -> &[f32] {
        let groups = self.width / self.codes.group;
        &self.codes.scales[column * groups..(column + 1) * groups]
    }

    #[inline(always)]
    fn activation(&self, row: usize) -> &[i16] {
        &self.activations.codes[row * self.width..(row + 1) * self.width]
    }
}

fn portable(product: &Product<'_>, out: &mut [f32]) {
    let group = product.codes.group;
    for (row, out) in out.chunks_exact_mut(product.columns.max(1)).enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            let groups =
                product.activation(row).chunks_exact(group).zip(product.codes(column).chunks_exact(group));
            let sums = groups.map(|(activations, codes)| {
                activations.iter().zip(codes).map(|(&a, &w)| i32::from(a) * i32::from(w)).sum::<i32>()
            });
            let sum: f32 = sums.zip(product.scales(column)).map(|(sum, scale)| sum as f32 * scale).sum();
            *out = sum * product.activations.scales[row] + product.bias(column);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256, __m256i, _mm_add_ps, _mm_loadu_si128, _mm_storeu_ps, _mm256_add_epi32,
        _mm256_castps256_ps128, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_extractf128_ps,
        _mm256_fmadd_ps, _mm256_hadd_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_setzero_si256,
    };

    use super::{BLOCK_BYTES, LANES, Product, TILE};

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn multiply(product: &Product<'_>, out: &mut [f32]) {
        let columns = product.columns;
        let rows = product.activations.rows();
        if rows == 1 {
            return block::<4, 1>(product, 0, 0, columns, out);
        }
        let block_columns = (BLOCK_BYTES / product.width).max(4);
        // Tiles as even as can be: seven rows are four and three, not six and a lonely one.
        let tiles = rows.div_ceil(TILE);
        for from in (0..columns).step_by(block_columns) {
            let to = (from + block_columns).min(columns);
            for nth in 0..tiles {
                let row = nth * rows / tiles;
                match (nth + 1) * rows / tiles - row {
                    1 => block::<2, 1>(product, row, from, to, out),
                    2 => block::<2, 2>(product, row, from, to, out),
                    3 => block::<2, 3>(product, row, from, to, out),
                    4 => block::<2, 4>(product, row, from, to, out),
                    5 => block::<2, 5>(product, row, from, to, out),
                    _ => block::<2, TILE>(product, row, from, to, out),
                }
            }
        }
    }

    /// `ROWS` activations by the columns `from..to`, `COLUMNS` at a time.
    #[target_feature(enable = "avx2,fma")]
    fn block<const COLUMNS: usize, const ROWS: usize>(
        product: &Product<'_>,
        row: usize,
        from: usize,
        to: usize,
        out: &mut [f32],
    ) {
        let mut column = from;
        while column + COLUMNS <= to {
            tile::<COLUMNS, ROWS>(product, row, column, out);
            column += COLUMNS;
        }
        for column in column..to {
            tile::<1, ROWS>(product, row, column, out);
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn tile<const COLUMNS: usize, const ROWS: usize>(
        product: &Product<'_>,
        row: usize,
        column: usize,
        out: &mut [f32],
    ) {
        let mut weights: [&[i8]; COLUMNS] = [&[]; COLUMNS];
        for (nth, weights) in weights.iter_mut().enumerate() {
            *weights = product.codes(column + nth);
        }
        let mut activations: [&[i16]; ROWS] = [&[]; ROWS];
        for (nth, activations) in activations.iter_mut().enumerate() {
            *activations = product.activation(row + nth);
        }
        let group = product.codes.group;
        let mut sums = [[_mm256_setzero_ps(); COLUMNS]; ROWS];
        for (nth_group, from) in (0..product.width).step_by(group).enumerate() {
            let products = group_products(&weights, &activations, from, from + group);
            for other in 0..COLUMNS {
                let scale = _mm256_set1_ps(product.scales(column + other)[nth_group]);
                for nth in 0..ROWS {
                    let products = _mm256_cvtepi32_ps(products[nth][other]);
                    sums[nth][other] = _mm256_fmadd_ps(products, scale, sums[nth][other]);
                }
            }
        }
        for (nth, sums) in sums.iter().enumerate() {
            let totals = totals(sums);
            let scale = product.activations.scales[row + nth];
            let from = (row + nth) * product.columns + column;
            for (other, out) in out[from..from + COLUMNS].iter_mut().enumerate() {
                *out = totals[other] * scale + product.bias(column + other);
            }
        }
    }

    /// The products of one group, in eight partial sums each.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn group_products<const COLUMNS: usize, const ROWS: usize>(
        weights: &[&[i8]; COLUMNS],
        activations: &[&[i16]; ROWS],
        from: usize,
        to: usize,
    ) -> [[__m256i; COLUMNS]; ROWS] {
        let mut sums = [[_mm256_setzero_si256(); COLUMNS]; ROWS];
        for at in (from..to).step_by(LANES) {
            let mut wide = [_mm256_setzero_si256(); COLUMNS];
            for nth in 0..COLUMNS {
                wide[nth] = load_codes(weights[nth], at);
            }
            for nth in 0..ROWS {
                let activation = load_activations(activations[nth], at);
                for other in 0..COLUMNS {
                    let products = _mm256_madd_epi16(activation, wide[other]);
                    sums[nth][other] = _mm256_add_epi32(sums[nth][other], products);
                }
            }
        }
        sums
    }

    /// The sum of each register's eight numbers, for up to four registers.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn totals<const COLUMNS: usize>(sums: &[__m256; COLUMNS]) -> [f32; 4] {
        let zero = _mm256_setzero_ps();
        let nth = |nth: usize| sums.get(nth).copied().unwrap_or(zero);
        let low = _mm256_hadd_ps(nth(0), nth(1));
        let four = _mm256_hadd_ps(low, if COLUMNS > 2 { _mm256_hadd_ps(nth(2), nth(3)) } else { zero });
        let four = _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps::<1>(four));
        let mut totals = [0.0; 4];
        #[expect(unsafe_code, reason = "an unaligned store to an array")]
        // SAFETY: the array is as large as the register.
        unsafe {
            _mm_storeu_ps(totals.as_mut_ptr(), four);
        }
        totals
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load_codes(codes: &[i8], at: usize) -> __m256i {
        debug_assert!(at + LANES <= codes.len());
        #[expect(unsafe_code, reason = "an unaligned load from a slice")]
        // SAFETY: rows are `width` long, a multiple of 16, and `at` steps through it by 16.
        let narrow = unsafe { _mm_loadu_si128(codes.as_ptr().add(at).cast::<__m128i>()) };
        _mm256_cvtepi8_epi16(narrow)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load_activations(codes: &[i16], at: usize) -> __m256i {
        debug_assert!(at + LANES <= codes.len());
        #[expect(unsafe_code, reason = "an unaligned load from a slice")]
        // SAFETY: rows are `width` long, a multiple of 16, and `at` steps through it by 16.
        unsafe {
            _mm256_loadu_si256(codes.as_ptr().add(at).cast::<__m256i>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_and_portable_kernels_say_what_the_formula_says(
            rows in 1_usize..15, columns in 1_usize..40, groups in 1_usize..4, steps in 1_usize..4, seed: u64,
        ) {
            let group = steps * LANES;
            let width = groups * group;
            let mut state = seed | 1;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as u32
            };
            let values: Vec<f32> = (0..rows * width).map(|_| next() as f32 / 1e9 - 1.0).collect();
            let codes: Vec<i8> = (0..columns * width).map(|_| (next() % 255) as i8).collect();
            let scales: Vec<f32> = (0..columns * groups).map(|_| next() as f32 / 1e12).collect();
            let bias: Vec<f32> = (0..columns).map(|_| next() as f32 / 1e9).collect();
            let mut activations = Activations::default();
            activations.set(&values, width);
            let codes = Codes { codes: &codes, scales: &scales, group };
            let mut out = vec![0.0; rows * columns];
            multiply(&activations, codes, Some(&bias), &mut out);
            let mut plain = vec![0.0; rows * columns];
            portable(&Product { activations: &activations, codes, bias: Some(&bias), width, columns }, &mut plain);
            for row in 0..rows {
                for column in 0..columns {
                    let exact: f64 = (0..width).map(|at| {
                        let scale = f64::from(scales[column * groups + at / group]);
                        f64::from(values[row * width + at]) * f64::from(codes.codes[column * width + at]) * scale
                    }).sum::<f64>() + f64::from(bias[column]);
                    // Half a step of each activation code, times the largest weight.
                    let tolerance = 2.2e-3 * 127.0 * width as f64 * 1.2 / 8191.0 + 1e-5;
                    for found in [out[row * columns + column], plain[row * columns + column]] {
                        prop_assert!((f64::from(found) - exact).abs() <= tolerance, "{} {}", found, exact);
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let width = 1536;
        let mut activations = Activations::default();
        activations.set(&vec![3.5; width], width);
        let codes = vec![127; width];
        let codes = Codes { codes: &codes, scales: &[1.0], group: width };
        let mut out = [0.0];
        multiply(&activations, codes, None, &mut out);
        assert!((out[0] / (3.5 * 127.0 * 1536.0) - 1.0).abs() < 1e-6);
        activations.set(&vec![0.0; width], width);
        multiply(&activations, codes, None, &mut out);
        assert_eq!(out[0], 0.0);
    }
}
