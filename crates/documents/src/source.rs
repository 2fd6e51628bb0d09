//! Where a reader finds its bytes: a file of its own, or a file inside another one.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use crate::ExtractError;

/// The content that is to be read.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    File(&'a Path),
    Bytes(&'a [u8]),
}

/// What a container is read from.
pub(crate) trait ReadSeek: Read + Seek {}
impl<R: Read + Seek> ReadSeek for R {}

impl<'a> Source<'a> {
    pub(crate) fn len(self) -> Result<u64, ExtractError> {
        match self {
            Self::File(path) => Ok(std::fs::metadata(path)?.len()),
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    pub(crate) fn bytes(self) -> Result<Cow<'a, [u8]>, ExtractError> {
        match self {
            Self::File(path) => Ok(Cow::Owned(std::fs::read(path)?)),
            Self::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    pub(crate) fn open(self) -> Result<Box<dyn ReadSeek + 'a>, ExtractError> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::new(File::open(path)?)),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        })
    }
}
