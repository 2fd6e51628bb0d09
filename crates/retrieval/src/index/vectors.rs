//! Vectors of one segment: int8 codes in memory for the scan, f32 in an unlinked file for the rescoring.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::DIMENSIONS;
use crate::simd::int8::{Activations, Codes, multiply};

/// Marks a row without a vector; real scales are not negative.
const ABSENT: f32 = -1.0;
const VECTOR_BYTES: usize = DIMENSIONS * size_of::<f32>();

/// The vectors of a segment's rows; empty if none has one.
#[derive(Default)]
pub(super) struct Vectors {
    codes: Vec<i8>,
    scales: Vec<f32>,
    spool: Option<File>,
}

impl Vectors {
    /// The approximate product of the query with every row in `rows`; NaN for rows without a vector.
    pub(super) fn scan(&self, query: &QueryCodes, rows: Range<usize>, out: &mut [f32]) {
        if self.scales.is_empty() {
            return out.fill(f32::NAN);
        }
        let codes = &self.codes[rows.start * DIMENSIONS..rows.end * DIMENSIONS];
        let scales = &self.scales[rows];
        multiply(&query.0, Codes { codes, scales, group: DIMENSIONS }, None, out);
        for (product, &scale) in out.iter_mut().zip(scales) {
            if scale == ABSENT {
                *product = f32::NAN;
            }
        }
    }

    /// The stored vector of a row.
    pub(super) fn read(&self, row: usize, vector: &mut [f32; DIMENSIONS]) -> io::Result<bool> {
        match (&self.spool, self.scales.get(row)) {
            (Some(spool), Some(&scale)) if scale != ABSENT => {
                let at = (row * VECTOR_BYTES) as u64;
                spool.read_exact_at(bytemuck::cast_slice_mut(vector), at).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.codes.capacity() + self.scales.capacity() * size_of::<f32>()
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
    spool: BufWriter<File>,
}

impl VectorsBuilder {
    pub(super) fn new(spool_dir: &Path, rows: usize) -> io::Result<Self> {
        let vectors = Vectors {
            codes: Vec::with_capacity(rows * DIMENSIONS),
            scales: Vec::with_capacity(rows),
            spool: None,
        };
        Ok(Self { vectors, spool: BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(spool_dir)?) })
    }

    pub(super) fn push(&mut self, vector: Option<&[f32]>) -> io::Result<()> {
        let Some(vector) = vector else {
            self.vectors.scales.push(ABSENT);
            self.vectors.codes.extend([0; DIMENSIONS]);
            return self.spool.write_all(&[0; VECTOR_BYTES]);
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
        self.spool.write_all(bytemuck::cast_slice(vector))
    }

    pub(super) fn finish(mut self) -> io::Result<Vectors> {
        self.vectors.spool = Some(self.spool.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(self.vectors)
    }
}
