//! Vectors of one segment: signs and int8 codes in memory, f32 in a mapped, unlinked file whose pages the system may drop.
//! Where there are many, the signs tell which are worth a look at their codes, and both which are rescored.

use std::io;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::spool::Spool;
use crate::DIMENSIONS;
use crate::simd::int8::{self, Activations};
use crate::simd::prefetch;
use crate::simd::signs::{Signs, Tables};

/// Marks a row without a vector; real scales are not negative.
const ABSENT: f32 = -1.0;
/// Rows that are fetched from memory before they are looked at.
const AHEAD: usize = 4;
const VECTOR_BYTES: usize = DIMENSIONS * size_of::<f32>();

/// The vectors of a segment's rows; empty if none has one.
#[derive(Default)]
pub(super) struct Vectors {
    signs: Signs,
    codes: Vec<i8>,
    scales: Vec<f32>,
    spool: Option<Mmap>,
}

impl Vectors {
    /// The approximate product of the query with every row in `rows`; NaN for rows without a vector.
    pub(super) fn scan(&self, query: &QueryCodes, rows: Range<usize>, out: &mut [f32]) {
        if self.scales.is_empty() {
            return out.fill(f32::NAN);
        }
        let codes = &self.codes[rows.start * DIMENSIONS..rows.end * DIMENSIONS];
        let scales = &self.scales[rows];
        int8::scan(&query.0, codes, scales, out);
        for (product, &scale) in out.iter_mut().zip(scales) {
            if scale == ABSENT {
                *product = f32::NAN;
            }
        }
    }

    /// A rough estimate of the product of the query with every row in `rows`; NaN for rows without a vector.
    pub(super) fn estimate(&self, query: &Tables, rows: Range<usize>, out: &mut [f32]) {
        if self.scales.is_empty() {
            return out.fill(f32::NAN);
        }
        self.signs.estimate(query, rows, out);
    }

    /// Tells the approximate product of the query with each of some rows that stand here and there.
    pub(super) fn look_at(
        &self,
        query: &QueryCodes,
        rows: impl Iterator<Item = usize> + Clone,
        mut tell: impl FnMut(usize, f32),
    ) {
        let codes = |row: usize| &self.codes[row * DIMENSIONS..(row + 1) * DIMENSIONS];
        rows.clone().take(AHEAD).for_each(|row| prefetch(codes(row)));
        let mut ahead = rows.clone().skip(AHEAD);
        for row in rows {
            ahead.next().into_iter().for_each(|row| prefetch(codes(row)));
            let mut product = [f32::NAN];
            int8::scan(&query.0, codes(row), &self.scales[row..=row], &mut product);
            tell(row, product[0]);
        }
    }

    /// The stored vector of a row; `None` for rows without a vector.
    pub(super) fn exact(&self, row: usize) -> Option<&[f32]> {
        let spool =
            self.spool.as_ref().filter(|_| self.scales.get(row).is_some_and(|&scale| scale != ABSENT))?;
        Some(bytemuck::cast_slice(&spool[row * VECTOR_BYTES..(row + 1) * VECTOR_BYTES]))
    }

    /// Has the processor fetch the stored vector of a row that will be asked for soon.
    pub(super) fn expect(&self, row: usize) {
        self.exact(row).into_iter().for_each(prefetch);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.signs.memory_bytes() + self.codes.capacity() + self.scales.capacity() * size_of::<f32>()
    }
}

/// A query vector in 14-bit codes.
pub(super) struct QueryCodes(Activations);

impl QueryCodes {
    pub(super) fn new(vector: &[f32]) -> Self {
        let mut codes = Activations::default();
        codes.set(vector, DIMENSIONS);
        Self(codes)
    }
}

/// Takes the vectors of a new segment in row order.
pub(super) struct VectorsBuilder {
    vectors: Vectors,
    spool: Spool,
}

impl VectorsBuilder {
    pub(super) fn new(spool_dir: &Path, rows: usize) -> io::Result<Self> {
        let vectors = Vectors {
            signs: Signs::with_capacity(rows),
            codes: Vec::with_capacity(rows * DIMENSIONS),
            scales: Vec::with_capacity(rows),
            spool: None,
        };
        Ok(Self { vectors, spool: Spool::new(spool_dir)? })
    }

    pub(super) fn push(&mut self, vector: Option<&[f32]>) -> io::Result<()> {
        let Some(vector) = vector else {
            self.vectors.signs.push(None);
            self.vectors.scales.push(ABSENT);
            self.vectors.codes.extend([0; DIMENSIONS]);
            return self.spool.write(&[0; VECTOR_BYTES]);
        };
        if vector.len() != DIMENSIONS || !vector.iter().all(|x| x.is_finite()) {
            let message = format!("a vector must have {DIMENSIONS} finite numbers; embed the chunk again");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let scale = largest / 127.0;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        self.vectors.codes.extend(vector.iter().map(|x| (x * inverse).round() as i8));
        self.vectors.scales.push(scale);
        self.vectors.signs.push(Some(vector));
        self.spool.write(bytemuck::cast_slice(vector))
    }

    pub(super) fn finish(mut self) -> io::Result<Vectors> {
        self.vectors.spool = Some(self.spool.finish()?);
        Ok(self.vectors)
    }
}
