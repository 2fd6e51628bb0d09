//! Embedding: all-MiniLM-L6-v2 (Wang et al. 2020, Reimers and Gurevych 2019) in plain Rust on the CPU.
//!
//! Weights are int8 with a scale for each 128 and stay in a mapped file; activations are 14-bit integers in
//! the products with weights and f32 elsewhere. Against the f32 reference the cosine is above 0.999.

mod install;
mod kernels;
mod layout;
mod passages;
mod wordpiece;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memmap2::Mmap;
use sha2::{Digest, Sha256};

pub use install::install_model;
pub use passages::{combine, passages_to_embed};

use crate::simd::int8::Activations;
use crate::simd::panels::{Panels, multiply};
use kernels::{ATTENTION_ROW, AttentionRoom, add_and_normalise, attend, gelu};
use layout::{FILE_NAME, HEADER_BYTES, Header, INNER, LONGEST_TEXT, Layer, Layout, Linear, Norm, Span};
use wordpiece::Vocabulary;

/// Numbers in a vector.
pub const DIMENSIONS: usize = 384;

/// Word pieces that pass through the layers together: enough to share the weights, few enough for the cache.
const BATCH_PIECES: usize = 256;

/// Why a model cannot be installed or opened.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error(
        "cannot read or write {path}: {source}; check that the model was fetched and the folder is writable"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not the one it should be.
    #[error("{path} is damaged or not the expected file (its checksum differs); fetch the model again")]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// The published model has another shape than the one this is made for.
    #[error("this is not all-MiniLM-L6-v2: {0}")]
    Malformed(String),
}

/// The model, mapped. Share it by `Arc`; calls from several threads run side by side.
pub struct Embedder {
    map: Mmap,
    layout: Layout,
    vocabulary: Vocabulary,
    rooms: Mutex<Vec<Room>>,
}

/// Buffers of one forward pass, kept between calls.
#[derive(Default)]
struct Room {
    rows: Vec<f32>,
    attention_rows: Vec<f32>,
    inner: Vec<f32>,
    added: Vec<f32>,
    activations: Activations,
    attention: AttentionRoom,
}

impl Embedder {
    /// Maps the model that [`install_model`] wrote into `dir`, after checking that it is whole.
    pub fn open(dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join(FILE_NAME);
        let failed = |source: io::Error| ModelError::Io { path: path.clone(), source };
        let damaged = || ModelError::Checksum { path: path.clone() };
        let mut file = File::open(&path).map_err(failed)?;
        let header = check(&mut file).map_err(failed)?.ok_or_else(damaged)?;
        #[expect(unsafe_code, reason = "a file is mapped")]
        // SAFETY: the file is written once and replaced by rename, never changed in place, so that the
        // mapped bytes stay as they are.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        let layout = Layout::new(header.pieces as usize, header.vocabulary_bytes as usize);
        if layout.body_bytes + HEADER_BYTES != map.len() {
            return Err(damaged());
        }
        let text =
            std::str::from_utf8(&map[HEADER_BYTES..][layout.vocabulary.clone()]).map_err(|_| damaged())?;
        let vocabulary =
            Vocabulary::read(text).filter(|v| v.len() == header.pieces as usize).ok_or_else(damaged)?;
        Ok(Self { map, layout, vocabulary, rooms: Mutex::default() })
    }

    /// Name of the model, to be stored beside its vectors.
    pub fn name(&self) -> &str {
        "all-MiniLM-L6-v2"
    }

    /// The vector of a text, of length one. Only the first 256 word pieces are read.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        self.embed_batch(&[text]).pop().expect("one text gives one vector")
    }

    /// The vectors of several texts; faster than one by one when they are short.
    pub fn embed_batch(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut pieces = 0;
        for text in texts {
            let ids = self.word_pieces(text);
            if pieces + ids.len() > BATCH_PIECES {
                self.run(&batch, &mut vectors);
                batch.clear();
                pieces = 0;
            }
            pieces += ids.len();
            batch.push(ids);
        }
        self.run(&batch, &mut vectors);
        vectors
    }

    /// The ids of a text's word pieces as the model reads them: at most 256, its start and end included.
    pub fn word_pieces(&self, text: &str) -> Vec<u32> {
        let vocabulary = std::str::from_utf8(self.bytes(&self.layout.vocabulary)).unwrap_or_default();
        self.vocabulary.encode(vocabulary, text, LONGEST_TEXT)
    }

    fn run(&self, batch: &[Vec<u32>], vectors: &mut Vec<Vec<f32>>) {
        if batch.is_empty() {
            return;
        }
        let mut room = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        self.look_up(batch, &mut room);
        for layer in &self.layout.layers {
            self.attention(layer, batch, &mut room);
            self.feed_forward(layer, &mut room);
        }
        let mut rest = &room.rows[..];
        for ids in batch {
            let (rows, after) = rest.split_at(ids.len() * DIMENSIONS);
            vectors.push(mean(rows));
            rest = after;
        }
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
    }

    /// Word and position embeddings of all pieces.
    fn look_up(&self, batch: &[Vec<u32>], room: &mut Room) {
        let codes: &[i8] = bytemuck::cast_slice(self.bytes(&self.layout.words.codes));
        let scales = self.floats(&self.layout.words.scales);
        let positions = self.floats(&self.layout.positions);
        room.rows.clear();
        room.added.clear();
        for ids in batch {
            for &id in ids {
                let (id, scale) = (id as usize, scales[id as usize]);
                let codes = &codes[id * DIMENSIONS..(id + 1) * DIMENSIONS];
                room.rows.extend(codes.iter().map(|&code| f32::from(code) * scale));
            }
            room.added.extend_from_slice(&positions[..ids.len() * DIMENSIONS]);
        }
        self.normalise(&self.layout.norm, room);
    }

    fn attention(&self, layer: &Layer, batch: &[Vec<u32>], room: &mut Room) {
        let pieces = room.rows.len() / DIMENSIONS;
        room.activations.set(&room.rows, DIMENSIONS);
        room.attention_rows.resize(pieces * ATTENTION_ROW, 0.0);
        self.linear(&layer.attention_in, &room.activations, &mut room.attention_rows);
        room.added.resize(pieces * DIMENSIONS, 0.0);
        let mut from = 0;
        for ids in batch {
            let to = from + ids.len();
            let rows = &room.attention_rows[from * ATTENTION_ROW..to * ATTENTION_ROW];
            attend(rows, &mut room.attention, &mut room.added[from * DIMENSIONS..to * DIMENSIONS]);
            from = to;
        }
        room.activations.set(&room.added, DIMENSIONS);
        self.linear(&layer.attention_out, &room.activations, &mut room.added);
        self.normalise(&layer.attention_norm, room);
    }

    fn feed_forward(&self, layer: &Layer, room: &mut Room) {
        room.activations.set(&room.rows, DIMENSIONS);
        room.inner.resize(room.rows.len() / DIMENSIONS * INNER, 0.0);
        self.linear(&layer.inner, &room.activations, &mut room.inner);
        gelu(&mut room.inner);
        room.activations.set(&room.inner, INNER);
        self.linear(&layer.outer, &room.activations, &mut room.added);
        self.normalise(&layer.outer_norm, room);
    }

    fn linear(&self, linear: &Linear, activations: &Activations, out: &mut [f32]) {
        let codes = bytemuck::cast_slice(self.bytes(&linear.weights.codes));
        let scales = self.floats(&linear.weights.scales);
        let bias = self.floats(&linear.bias);
        multiply(activations, Panels { codes, scales, bias }, out);
    }

    fn normalise(&self, norm: &Norm, room: &mut Room) {
        add_and_normalise(&mut room.rows, &room.added, self.floats(&norm.gain), self.floats(&norm.offset));
    }

    fn bytes(&self, span: &Span) -> &[u8] {
        &self.map[HEADER_BYTES..][span.clone()]
    }

    fn floats(&self, span: &Span) -> &[f32] {
        bytemuck::cast_slice(self.bytes(span))
    }
}

/// The header, if it and the body have the checksums they claim. Read through a small buffer, not through
/// the map, so that checking does not make the whole file resident.
fn check(file: &mut File) -> io::Result<Option<Header>> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header)?;
    let Some(header) = Header::from_bytes(&header) else { return Ok(None) };
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => sum.update(&buffer[..read]),
        }
    }
    Ok((sum.finalize()[..] == header.body_sum).then_some(header))
}

/// The mean of the rows, brought to length one.
fn mean(rows: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; DIMENSIONS];
    for row in rows.chunks_exact(DIMENSIONS) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    passages::normalise(&mut sum);
    sum
}
