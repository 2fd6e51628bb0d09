//! Products of a model's int8 weights with 14-bit activations, the weights packed in panels of 16 columns.
//!
//! In a panel the weights of 16 outputs lie side by side, pair by pair of inputs. One `vpmaddwd` of a pair of
//! activations, repeated over a register, with eight pairs of weights makes a step of eight sums that never
//! have to be added across lanes, and a group's scales are applied to eight outputs at once.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::int8::Activations;

/// Weights of one output that share a scale, and whose products sum exactly in an i32. A scale for a whole row
/// lets single outliers coarsen 1,536 weights, and the cosine to the f32 model falls to 0.9964 on the shortest
/// texts.
pub(crate) const GROUP: usize = 128;
/// Sums of a register of i32.
const LANES: usize = 8;
/// Registers that a row's sums with a panel fill.
const HALVES: usize = 2;
/// Outputs of a panel.
const COLUMNS: usize = HALVES * LANES;
const PAIRS: usize = GROUP / 2;

/// Activations of one row and one group.
type Pairs = [[i16; 2]; PAIRS];
/// Weights of one panel and one group.
type Weights = [[[i8; 2 * LANES]; HALVES]; PAIRS];

/// A matrix of weights as [`pack`] arranges it, with a bias for each column.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub(crate) codes: &'a [i8],
    pub(crate) scales: &'a [f32],
    pub(crate) bias: &'a [f32],
}

/// One panel: for each group the weights and a scale for each column.
#[derive(Clone, Copy)]
struct Panel<'a> {
    weights: &'a [Weights],
    scales: &'a [[f32; COLUMNS]],
    bias: &'a [f32; COLUMNS],
}

impl<'a> Panels<'a> {
    #[inline(always)]
    fn panel(self, nth: usize, width: usize) -> Panel<'a> {
        let groups = width / GROUP;
        let weights = &self.codes[nth * COLUMNS * width..(nth + 1) * COLUMNS * width];
        let scales = &self.scales[nth * COLUMNS * groups..(nth + 1) * COLUMNS * groups];
        Panel {
            weights: weights.as_chunks().0.as_chunks().0.as_chunks().0,
            scales: scales.as_chunks().0,
            bias: &self.bias.as_chunks().0[nth],
        }
    }
}

/// Puts rows of `width` numbers, one for each column of the product, into the order of the panels, `run`
/// numbers of a row at a time: codes in pairs, scales one by one.
pub(crate) fn pack<T: Copy>(rows: &[T], width: usize, run: usize) -> Vec<T> {
    let mut packed = Vec::with_capacity(rows.len());
    for panel in rows.chunks_exact(COLUMNS * width) {
        for at in (0..width).step_by(run) {
            for row in panel.chunks_exact(width) {
                packed.extend_from_slice(&row[at..at + run]);
            }
        }
    }
    packed
}

/// `out[row][column] = activations[row] · weights[column] + bias[column]`.
pub(crate) fn multiply(activations: &Activations, panels: Panels<'_>, out: &mut [f32]) {
    let (width, rows, columns) = (activations.width, activations.scales.len(), panels.bias.len());
    assert!(width.is_multiple_of(GROUP) && columns.is_multiple_of(COLUMNS), "{columns} columns of {width}");
    assert_eq!(panels.codes.len(), columns * width, "a code for each input and column");
    assert_eq!(panels.scales.len(), columns * width / GROUP, "a scale for each group of codes");
    assert_eq!(out.len(), rows * columns, "one result for each row and column");
    #[cfg(target_arch = "x86_64")]
    if super::widest() {
        #[expect(unsafe_code, reason = "a function compiled for AVX-512 and its VNNI is called")]
        // SAFETY: `simd::widest` has found these features on this machine.
        return unsafe { avx512::multiply(activations, panels, out) };
    }
    #[cfg(target_arch = "x86_64")]
    if super::wide() {
        #[expect(unsafe_code, reason = "a function compiled for AVX2 and FMA is called")]
        // SAFETY: `simd::wide` has found both features on this machine.
        return unsafe { avx2::multiply(activations, panels, out) };
    }
    portable(activations, panels, out);
}

fn portable(activations: &Activations, panels: Panels<'_>, out: &mut [f32]) {
    let columns = panels.bias.len();
    for nth in 0..columns / COLUMNS {
        let panel = panels.panel(nth, activations.width);
        for row in 0..activations.scales.len() {
            let mut totals = [0.0; COLUMNS];
            let groups = activations.pairs(row).iter().zip(panel.weights).zip(panel.scales);
            for ((pairs, weights), scales) in groups {
                let mut sums = [0; COLUMNS];
                for (pair, weights) in pairs.iter().zip(weights) {
                    for (sum, weights) in sums.iter_mut().zip(weights.as_flattened().as_chunks::<2>().0) {
                        *sum += i32::from(pair[0]) * i32::from(weights[0])
                            + i32::from(pair[1]) * i32::from(weights[1]);
                    }
                }
                for column in 0..COLUMNS {
                    totals[column] += sums[column] as f32 * scales[column];
                }
            }
            let out = &mut out[row * columns + nth * COLUMNS..][..COLUMNS];
            for column in 0..COLUMNS {
                out[column] = totals[column] * activations.scales[row] + panel.bias[column];
            }
        }
    }
}

impl Activations {
    #[inline(always)]
    fn pairs(&self, row: usize) -> &[Pairs] {
        self.codes[row * self.width..(row + 1) * self.width].as_chunks().0.as_chunks().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_and_portable_kernels_say_what_the_formula_says(
            rows in 1_usize..15, panels in 1_usize..4, groups in 1_usize..4, seed: u64,
        ) {
            let (columns, width) = (panels * COLUMNS, groups * GROUP);
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
            let packed = (pack(&codes, width, 2), pack(&scales, groups, 1));
            let panels = Panels { codes: &packed.0, scales: &packed.1, bias: &bias };
            let mut out = vec![0.0; rows * columns];
            multiply(&activations, panels, &mut out);
            let mut plain = vec![0.0; rows * columns];
            portable(&activations, panels, &mut plain);
            #[cfg(target_arch = "x86_64")]
            if crate::simd::wide() {
                let mut wide = vec![0.0; rows * columns];
                #[expect(unsafe_code, reason = "a function compiled for AVX2 and FMA is called")]
                // SAFETY: `simd::wide` has found both features on this machine.
                unsafe { avx2::multiply(&activations, panels, &mut wide) };
                prop_assert_eq!(&out, &wide, "all kernels with FMA agree to the bit");
            }
            for row in 0..rows {
                for column in 0..columns {
                    let exact: f64 = (0..width).map(|at| {
                        let scale = f64::from(scales[column * groups + at / GROUP]);
                        f64::from(values[row * width + at]) * f64::from(codes[column * width + at]) * scale
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
    fn a_row_has_the_same_results_in_every_company() {
        let (rows, width) = (13, 2 * GROUP);
        let number = |at: usize| (at * 7919 % 1009) as f32 / 504.5 - 1.0;
        let values: Vec<f32> = (0..rows * width).map(number).collect();
        let codes: Vec<i8> = (0..COLUMNS * width).map(|at| (at * 31 % 255) as i8).collect();
        let scales: Vec<f32> = (0..2 * COLUMNS).map(number).collect();
        let panels = Panels { codes: &codes, scales: &scales, bias: &[0.25; COLUMNS] };
        let mut activations = Activations::default();
        activations.set(&values, width);
        let mut together = vec![0.0; rows * COLUMNS];
        multiply(&activations, panels, &mut together);
        for (values, together) in values.chunks_exact(width).zip(together.chunks_exact(COLUMNS)) {
            activations.set(values, width);
            let mut alone = [0.0; COLUMNS];
            multiply(&activations, panels, &mut alone);
            assert_eq!(alone, together);
        }
    }
}
