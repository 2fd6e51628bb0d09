//! Rows of numbers in 14 bits (queries, activations), and their products with rows of int8 codes (stored vectors).
//!
//! |code| ≤ 127 and |activation| ≤ 8191, so that 2064 products sum exactly in an i32, and `vpmaddwd` adds them
//! two by two without saturation. The weights of a model, which many rows are multiplied with, are packed
//! otherwise: see [`panels`](super::panels).

/// The largest activation code.
const LARGEST: f32 = 8191.0;
/// Products whose sum is sure to fit: 127 × 8191 × 2064 < 2^31.
const WIDEST: usize = 2064;
/// Widths are multiples of this: one register of i16.
const LANES: usize = 16;

/// Rows of numbers, quantised to 14 bits with a scale for each row.
#[derive(Default)]
pub(crate) struct Activations {
    pub(super) codes: Vec<i16>,
    pub(super) scales: Vec<f32>,
    pub(super) width: usize,
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

/// `out[column] = row · codes[column]` for one row of activations and rows of codes with a scale each.
pub(crate) fn scan(row: &Activations, codes: &[i8], scales: &[f32], out: &mut [f32]) {
    assert_eq!(row.scales.len(), 1, "one row of activations");
    assert!(row.width <= WIDEST, "rows of {}", row.width);
    assert_eq!(codes.len(), scales.len() * row.width, "one scale for each row of codes");
    assert_eq!(out.len(), scales.len(), "one result for each row of codes");
    #[cfg(target_arch = "x86_64")]
    if super::wide() {
        #[expect(unsafe_code, reason = "a function compiled for AVX2 and FMA is called")]
        // SAFETY: `simd::wide` has found both features on this machine.
        unsafe {
            avx2::scan(&row.codes, codes, out);
        }
        return rescale(row.scales[0], scales, out);
    }
    portable(&row.codes, codes, out);
    rescale(row.scales[0], scales, out);
}

fn rescale(scale: f32, scales: &[f32], out: &mut [f32]) {
    for (out, of_row) in out.iter_mut().zip(scales) {
        *out *= of_row * scale;
    }
}

fn portable(row: &[i16], codes: &[i8], out: &mut [f32]) {
    for (codes, out) in codes.chunks_exact(row.len()).zip(out) {
        let products = row.iter().zip(codes).map(|(&a, &b)| i32::from(a) * i32::from(b));
        *out = products.sum::<i32>() as f32;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi32, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi32,
        _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256,
    };

    use super::LANES;

    /// Rows of codes that are worked on side by side, so that their sums do not wait for each other.
    const COLUMNS: usize = 4;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn scan(row: &[i16], codes: &[i8], out: &mut [f32]) {
        let width = row.len();
        let (fours, rest) = out.as_chunks_mut::<COLUMNS>();
        let (of_fours, of_rest) = codes.split_at(fours.len() * COLUMNS * width);
        for (out, codes) in fours.iter_mut().zip(of_fours.chunks_exact(COLUMNS * width)) {
            *out = products::<COLUMNS>(row, codes).map(|total| total as f32);
        }
        for (out, codes) in rest.iter_mut().zip(of_rest.chunks_exact(width)) {
            *out = products::<1>(row, codes)[0] as f32;
        }
    }

    /// The products with some rows of codes; those that there are not are 0.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn products<const ROWS: usize>(row: &[i16], codes: &[i8]) -> [i32; COLUMNS] {
        let width = row.len();
        let mut sums = [_mm256_setzero_si256(); COLUMNS];
        for at in 0..width / LANES {
            let activations = load(row, at * LANES);
            for (column, sum) in sums.iter_mut().take(ROWS).enumerate() {
                let codes = widen(codes, column * width + at * LANES);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(activations, codes));
            }
        }
        totals(&sums)
    }

    /// The sum of each register's eight numbers.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn totals(sums: &[__m256i; COLUMNS]) -> [i32; COLUMNS] {
        let four =
            _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
        let four = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256::<1>(four));
        let mut totals = [0; COLUMNS];
        #[expect(unsafe_code, reason = "an unaligned store to an array")]
        // SAFETY: the array is as large as the register.
        unsafe {
            _mm_storeu_si128(totals.as_mut_ptr().cast::<__m128i>(), four);
        }
        totals
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn widen(codes: &[i8], at: usize) -> __m256i {
        let codes: &[i8; LANES] = codes[at..].first_chunk().expect("rows of codes are whole registers");
        #[expect(unsafe_code, reason = "an unaligned load from an array")]
        // SAFETY: the array is as large as the register.
        let narrow = unsafe { _mm_loadu_si128(codes.as_ptr().cast::<__m128i>()) };
        _mm256_cvtepi8_epi16(narrow)
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load(row: &[i16], at: usize) -> __m256i {
        let row: &[i16; LANES] = row[at..].first_chunk().expect("a row is whole registers");
        #[expect(unsafe_code, reason = "an unaligned load from an array")]
        // SAFETY: the array is as large as the register.
        unsafe {
            _mm256_loadu_si256(row.as_ptr().cast::<__m256i>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_and_portable_scans_say_what_the_formula_says(rows in 0_usize..40, steps in 1_usize..30, seed: u64) {
            let width = steps * LANES;
            let mut state = seed | 1;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as u32
            };
            let values: Vec<f32> = (0..width).map(|_| next() as f32 / 1e9 - 1.0).collect();
            let codes: Vec<i8> = (0..rows * width).map(|_| (next() % 255) as i8).collect();
            let scales: Vec<f32> = (0..rows).map(|_| next() as f32 / 1e12).collect();
            let mut row = Activations::default();
            row.set(&values, width);
            let mut out = vec![0.0; rows];
            scan(&row, &codes, &scales, &mut out);
            let mut plain = vec![0.0; rows];
            portable(&row.codes, &codes, &mut plain);
            rescale(row.scales[0], &scales, &mut plain);
            prop_assert_eq!(&out, &plain);
            for (found, (codes, scale)) in out.iter().zip(codes.chunks_exact(width).zip(&scales)) {
                let products = values.iter().zip(codes).map(|(&a, &b)| f64::from(a) * f64::from(b));
                let exact = products.sum::<f64>() * f64::from(*scale);
                // Half a step of each activation code, times the largest code.
                let tolerance = 2.2e-3 * 127.0 * width as f64 * 1.2 / 8191.0 + 1e-5;
                prop_assert!((f64::from(*found) - exact).abs() <= tolerance, "{} {}", found, exact);
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let mut row = Activations::default();
        let width = WIDEST / LANES * LANES;
        row.set(&vec![3.5; width], width);
        let mut out = [0.0];
        scan(&row, &vec![127; width], &[1.0], &mut out);
        assert!((out[0] / (3.5 * 127.0 * width as f32) - 1.0).abs() < 1e-6);
        row.set(&vec![0.0; width], width);
        scan(&row, &vec![127; width], &[1.0], &mut out);
        assert_eq!(out[0], 0.0);
    }
}
