//! Bytes in, text with anchors out.
//!
//! [`extract`] reads one file and returns its text in reading order, cut into [`Section`]s that know
//! their heading, page and table row. Parsers of foreign formats can be made to abort or to eat memory,
//! so a server never calls it directly: it runs [`worker::Worker`], which does the same in a child process
//! with limits on memory and time.
//!
//! A format is one file in `formats`; it appends blocks to a [`compose::Composer`], which alone decides
//! how text is normalised and where sections begin and end.

mod compose;
mod decode;
mod error;
mod format;
mod formats;
mod language;
mod ocr;
mod package;
mod relations;
mod sheet;
mod source;
mod table;
pub mod worker;
mod xml;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::ExtractError;
pub use format::Format;

use compose::Composer;
use source::Source;

/// What was read from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// The format found in the content, whatever the name said.
    pub format: Format,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// The whole text in reading order, in NFC, blocks apart by a blank line. Empty only for a web page
    /// that holds nothing to read, since its links count all the same.
    pub text: String,
    /// The blocks of `text`: ordered, disjoint, covering all that is not blank.
    pub sections: Vec<Section>,
    /// Number of pages, for formats that have pages.
    pub pages: Option<u32>,
    /// ISO 639-1 code of the language, when it is clear.
    pub language: Option<String>,
    /// What was left out or guessed, in sentences for the person who uploaded the file.
    pub warnings: Vec<String>,
    /// What a web page says of itself; `None` for every other format.
    #[serde(default)]
    pub web: Option<WebPage>,
}

/// What a web page says of itself and where it leads, for a crawler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WebPage {
    /// The `href` of `<base>`.
    pub base: Option<String>,
    /// The `href` of `<link rel=canonical>`, as written.
    pub canonical: Option<String>,
    /// The `href`s of `<a>` and `<area>` as written, in order, without those of `rel=nofollow`; at most 5,000.
    pub links: Vec<String>,
    /// The page asks not to be found: `noindex` or `none` in a `<meta>` named `robots` or `frontdesk`.
    pub noindex: bool,
    /// The page asks that its links be left alone: `nofollow` or `none` in the same place.
    pub nofollow: bool,
}

/// One block of the text and where it stands in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// First byte in [`Extracted::text`], on a character boundary.
    pub start: usize,
    /// One past the last byte in [`Extracted::text`], on a character boundary.
    pub end: usize,
    /// What the block is.
    pub kind: SectionKind,
    /// Headings above the block, outermost first: `Shipping > Norway`. A heading is part of its own path.
    pub heading: Option<String>,
    /// Page, counted from 1.
    pub page: Option<u32>,
    /// Data row of a table, counted from 1 after the header.
    pub row: Option<u32>,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
}

/// What a block of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// A heading, 1 being the outermost level.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// One row of a table as a line that carries its header: `Plan: Starter; Price: 29 USD`.
    TableRow,
    /// Text whose line breaks and indentation matter.
    Code,
}

/// How much a file may cost, and what of it is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Size of the file itself.
    pub max_file_bytes: u64,
    /// Size of the text that comes out.
    pub max_text_bytes: usize,
    /// Pages of a document.
    pub max_pages: u32,
    /// Bytes that a compressed container may unpack to, counted while reading.
    pub max_unpacked_bytes: u64,
    /// Rows of one table.
    pub max_rows: u32,
    /// Cells of one sheet of a workbook that hold anything.
    pub max_cells: u32,
    /// Groups, arrays and elements inside one another.
    pub max_depth: u32,
    /// Seconds that opening a PDF, or reading one page of it, may take.
    pub max_page_seconds: u32,
    /// Seconds that reading the pictures of one page may take; with 0 pages that are pictures stay unread.
    pub max_ocr_seconds: u32,
    /// Leave the running headers, footers and page numbers of a PDF in its text: what stands on every page, for those who
    /// want all words of a page rather than what it says.
    pub keep_running_lines: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 256 << 20,
            max_text_bytes: 32 << 20,
            max_pages: 5_000,
            max_unpacked_bytes: 256 << 20,
            max_rows: 200_000,
            max_cells: 2_000_000,
            max_depth: 4_000,
            max_page_seconds: 30,
            max_ocr_seconds: 60,
            keep_running_lines: false,
        }
    }
}

/// How far the reading of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Pages read so far.
    pub pages_done: u32,
    /// Pages in all, when the format tells.
    pub pages_total: Option<u32>,
}

/// Reads `path` in this process. `file_name` is the name that the user gave the file.
///
/// A hostile file can abort the process: use [`worker::Worker`] for files that others made.
pub fn extract(
    path: &Path,
    file_name: &str,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Extracted, ExtractError> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    ExtractError::check("file size in bytes", size, limits.max_file_bytes)?;
    let mut head = Vec::new();
    file.by_ref().take(format::HEAD_BYTES).read_to_end(&mut head)?;
    let format = Format::detect(&head, file_name)?;
    drop(file);
    let mut out = Composer::new(format, limits);
    if let Some(warning) = format.contradicts(file_name) {
        out.warn(warning);
    }
    formats::read(Source::File(path), format, file_name, limits, progress, &mut out)?;
    out.finish()
}

/// Reads bytes in this process whose format is known already, as fuzzing does; `extract` tells it by itself.
///
/// A hostile file can abort the process: use [`worker::Worker`] for files that others made.
pub fn extract_bytes(bytes: &[u8], format: Format, limits: &Limits) -> Result<Extracted, ExtractError> {
    ExtractError::check("file size in bytes", bytes.len() as u64, limits.max_file_bytes)?;
    let mut out = Composer::new(format, limits);
    formats::read(Source::Bytes(bytes), format, "", limits, &mut |_| {}, &mut out)?;
    out.finish()
}
