//! A file without a name that is written once and then mapped: its pages need not stay in memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use memmap2::Mmap;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 16;

/// A file that is being written.
pub(super) struct Spool(BufWriter<File>);

impl Spool {
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        Ok(Self(BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(dir)?)))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// What was written.
    pub(super) fn finish(self) -> io::Result<Mmap> {
        let file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        #[expect(unsafe_code, reason = "a file is mapped")]
        // SAFETY: the file has no name, so nobody else can open it, and it is not written any more.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(map)
    }
}
