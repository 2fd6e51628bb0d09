//! The ZIP container of a document. What it unpacks to is counted while reading: the sizes that it declares
//! are not believed.

use std::io::{Read, copy, sink};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::source::{ReadSeek, Source};
use crate::{ExtractError, Format, Limits};

/// Text packs to a tenth, tables of zeros to a hundredth; beyond this the file is made to hurt.
const MAX_RATIO: u64 = 200;

/// Small parts may pack as well as they like.
const RATIO_FREE_BYTES: u64 = 16 << 20;

/// An open container.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Box<dyn ReadSeek + 'a>>,
    format: Format,
    /// Bytes that may still be unpacked, and how many were allowed at first.
    left: u64,
    allowed: u64,
}

impl<'a> Package<'a> {
    pub(crate) fn open(source: Source<'a>, format: Format, limits: &Limits) -> Result<Self, ExtractError> {
        let by_ratio = source.len()?.saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES);
        let allowed = limits.max_unpacked_bytes.min(by_ratio);
        let archive = ZipArchive::new(source.open()?).map_err(|error| explain(format, error))?;
        Ok(Self { archive, format, left: allowed, allowed })
    }

    /// The text of a part; `None` when the container does not hold it.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        let text = String::from_utf8(bytes)
            .or_else(|error| utf16(error.as_bytes()).ok_or(error))
            .map_err(|_| ExtractError::damaged(self.format, "a part is not in UTF-8"))?;
        Ok(Some(text))
    }

    /// The content of a part; `None` when the container does not hold it.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(explain(self.format, error)),
        };
        let mut bytes = Vec::new();
        let read = part.take(self.left + 1).read_to_end(&mut bytes);
        self.count(bytes.len() as u64)?;
        read.map_err(|error| explain(self.format, ZipError::Io(error)))?;
        Ok(Some(bytes))
    }

    /// Unpacks everything once without keeping it, for a container that a reader with no limits of its own
    /// opens next.
    pub(crate) fn check_unpacked(&mut self) -> Result<(), ExtractError> {
        for index in 0..self.archive.len() {
            let part = match self.archive.by_index(index) {
                Ok(part) => part,
                Err(error) => return Err(explain(self.format, error)),
            };
            // What is broken here may be a part that nobody reads; the reader will say.
            let unpacked = copy(&mut part.take(self.left + 1), &mut sink()).unwrap_or(0);
            self.count(unpacked)?;
        }
        Ok(())
    }

    fn count(&mut self, unpacked: u64) -> Result<(), ExtractError> {
        match self.left.checked_sub(unpacked) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                Err(ExtractError::TooLarge { what: "unpacked content in bytes".into(), limit: self.allowed })
            }
        }
    }

    /// Why a container without its main part is not what it was taken for.
    pub(crate) fn foreign(&self, file_name: &str) -> ExtractError {
        let holds = |prefix: &str| self.archive.file_names().flatten().any(|name| name.starts_with(prefix));
        let found = if holds("word/") {
            "a Word document (DOCX)"
        } else if holds("xl/") {
            "an Excel workbook (XLSX)"
        } else if holds("ppt/") {
            "a PowerPoint presentation (PPTX)"
        } else {
            "a ZIP archive"
        };
        Format::foreign(file_name, found)
    }

    /// The error for a container that lacks a part it cannot do without.
    pub(crate) fn lacks(&self, name: &str) -> ExtractError {
        ExtractError::damaged(self.format, format!("it lacks the part {name}"))
    }
}

/// Where `target`, written in the part `from`, points to in the container: relative to that part's folder, or to
/// the root when it begins with a slash. Steps above the root are ignored.
pub(crate) fn resolve(from: &str, target: &str) -> String {
    let folder =
        if target.starts_with('/') { "" } else { from.rsplit_once('/').map_or("", |(path, _)| path) };
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// XML may be in UTF-16, told by its mark.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (encoding, _) = encoding_rs::Encoding::for_bom(bytes)?;
    encoding.decode_without_bom_handling_and_without_replacement(&bytes[2..]).map(|text| text.into_owned())
}

fn explain(format: Format, error: ZipError) -> ExtractError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Encrypted,
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::OutOfMemory => error.into(),
        error => ExtractError::damaged(format, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_in_the_container() {
        assert_eq!(resolve("ppt/presentation.xml", "slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolve("ppt/slides/slide1.xml", "../notes/n1.xml"), "ppt/notes/n1.xml");
        assert_eq!(resolve("ppt/presentation.xml", "/ppt/slides/s.xml"), "ppt/slides/s.xml");
        assert_eq!(resolve("a.opf", "../../etc/passwd"), "etc/passwd");
    }
}
