//! The ZIP container of a document. What it unpacks to is counted while reading: the sizes that it declares
//! are not believed.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::{ExtractError, Format, Limits};

/// Text packs to a tenth, tables of zeros to a hundredth; beyond this the file is made to hurt.
const MAX_RATIO: u64 = 200;

/// Small parts may pack as well as they like.
const RATIO_FREE_BYTES: u64 = 16 << 20;

/// An open container.
pub(super) struct Package {
    archive: ZipArchive<BufReader<File>>,
    /// Bytes that may still be unpacked, and how many were allowed at first.
    left: u64,
    allowed: u64,
}

impl Package {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self, ExtractError> {
        let file = File::open(path)?;
        let by_ratio = file.metadata()?.len().saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES);
        let allowed = limits.max_unpacked_bytes.min(by_ratio);
        let archive = ZipArchive::new(BufReader::new(file)).map_err(explain)?;
        Ok(Self { archive, left: allowed, allowed })
    }

    /// The text of a part; `None` when the container does not hold it.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(explain(error)),
        };
        let mut bytes = Vec::new();
        let read = part.take(self.left + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > self.left {
            return Err(ExtractError::TooLarge {
                what: "unpacked content in bytes".into(),
                limit: self.allowed,
            });
        }
        read.map_err(|error| explain(ZipError::Io(error)))?;
        self.left -= bytes.len() as u64;
        let text = String::from_utf8(bytes)
            .or_else(|error| utf16(error.as_bytes()).ok_or(error))
            .map_err(|_| ExtractError::damaged(Format::Docx, "a part is not in UTF-8"))?;
        Ok(Some(text))
    }

    /// Why a container without a body is no Word document.
    pub(super) fn not_word(&self, file_name: &str) -> ExtractError {
        let holds = |prefix: &str| self.archive.file_names().flatten().any(|name| name.starts_with(prefix));
        let found = if holds("xl/") {
            "an Excel workbook (XLSX)"
        } else if holds("ppt/") {
            "a PowerPoint presentation (PPTX)"
        } else {
            "a ZIP archive"
        };
        Format::foreign(file_name, found)
    }
}

/// XML may be in UTF-16, told by its mark.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (encoding, _) = encoding_rs::Encoding::for_bom(bytes)?;
    encoding.decode_without_bom_handling_and_without_replacement(&bytes[2..]).map(|text| text.into_owned())
}

fn explain(error: ZipError) -> ExtractError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Encrypted,
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::OutOfMemory => error.into(),
        error => ExtractError::damaged(Format::Docx, error),
    }
}
