//! The thread in which the parser works. It cannot be stopped, but it can be left: damaged files keep the parser
//! busy for minutes, and the process in which it works ends with the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use pdf_oxide::PdfDocument;

use super::{Page, layout, scan, title};
use crate::source::Source;
use crate::{ExtractError, Format, Limits};

/// Parsers of nested formats recurse: a deep stack turns what would abort the process into an error.
const STACK_BYTES: usize = 64 << 20;

/// How many pages the parser may be ahead.
const PAGES_AHEAD: usize = 8;

/// What the thread tells: first that the document is open, then every page in order.
pub(super) enum Step {
    Opened { count: u32, title: Option<String> },
    Page(Outcome),
}

/// What became of a page.
pub(super) enum Outcome {
    Text(Page),
    /// Read from pictures.
    Scanned(Page),
    Blank,
    /// What the parser said.
    Failed(String),
}

/// Bytes or a place that the thread can take with it.
enum Owned {
    File(PathBuf),
    Bytes(Vec<u8>),
}

type Sender = SyncSender<Result<Step, ExtractError>>;

/// Begins to read. The thread ends when its steps are dropped.
pub(super) fn start(
    source: Source<'_>,
    limits: &Limits,
) -> Result<Receiver<Result<Step, ExtractError>>, ExtractError> {
    let (sender, steps) = sync_channel(PAGES_AHEAD);
    let limits = limits.clone();
    let source = match source {
        Source::File(path) => Owned::File(path.to_owned()),
        Source::Bytes(bytes) => Owned::Bytes(bytes.to_vec()),
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let work = || work(source, &limits, &sender);
        let outcome = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(ExtractError::damaged(Format::Pdf, "the document makes no sense")));
        if let Err(error) = outcome {
            // Nobody listens any more when the limits were reached.
            let _ = sender.send(Err(error));
        }
    })?;
    Ok(steps)
}

fn work(source: Owned, limits: &Limits, steps: &Sender) -> Result<(), ExtractError> {
    let damaged = |error: pdf_oxide::Error| ExtractError::damaged(Format::Pdf, error);
    let document = match source {
        Owned::File(path) => PdfDocument::open(path),
        Owned::Bytes(bytes) => PdfDocument::from_bytes(bytes),
    }
    .map_err(damaged)?;
    // An encrypted file opens without an error and yields empty pages, so this has to be asked.
    if document.is_encrypted() && !document.is_authenticated() {
        return Err(ExtractError::Encrypted);
    }
    let count = document.page_count().map_err(damaged)?;
    ExtractError::check("number of pages", count as u64, u64::from(limits.max_pages))?;
    let count = u32::try_from(count).map_err(|_| ExtractError::damaged(Format::Pdf, "too many pages"))?;
    if count == 0 {
        return Err(ExtractError::damaged(Format::Pdf, "it has no pages"));
    }
    let mut listened = steps.send(Ok(Step::Opened { count, title: title(&document) })).is_ok();
    for number in 1..=count {
        if !listened {
            break;
        }
        let outcome = read_page(&document, number, limits)?;
        listened = steps.send(Ok(Step::Page(outcome))).is_ok();
    }
    Ok(())
}

fn read_page(document: &PdfDocument, number: u32, limits: &Limits) -> Result<Outcome, ExtractError> {
    let index = number as usize - 1;
    // A page that makes the parser panic costs that page, not the document.
    let read = || layout::read_page(document, index, limits.keep_running_lines);
    let lines = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => return Ok(Outcome::Failed(error.to_string())),
        Err(_) => return Ok(Outcome::Failed("the page makes no sense".into())),
    };
    let page = |lines| {
        let (_, bottom, _, top) = document.get_page_visible_box(index).unwrap_or((0.0, 0.0, 612.0, 792.0));
        Page { number, bottom, top, lines }
    };
    if !lines.is_empty() {
        return Ok(Outcome::Text(page(lines)));
    }
    let scanned = catch_unwind(AssertUnwindSafe(|| scan::read_page(document, index, limits)));
    let lines = layout::unplaced_lines(&scanned.unwrap_or_else(|_| Ok(String::new()))?);
    Ok(if lines.is_empty() { Outcome::Blank } else { Outcome::Scanned(page(lines)) })
}
