//! PDF, page by page, by pdf_oxide.
//!
//! The parser gives runs of text with their place and font. What a reader sees in them is found here:
//! lines and columns (`layout`), running headers and footers (`furniture`), headings and paragraphs (`flow`). The
//! parser works in a thread of its own (`reader`), so that a page on which it hangs costs that page and the rest.

mod bidi;
mod flow;
mod furniture;
mod grid;
mod layout;
mod placed;
mod reader;
mod runs;
mod scan;
#[cfg(test)]
mod testing;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use pdf_oxide::PdfDocument;
use pdf_oxide::object::Object;

use crate::compose::Composer;
use crate::source::Source;
use crate::{ExtractError, Format, Limits, Progress, ocr};
use layout::Line;
use reader::{Outcome, Step};

/// One page as lines in reading order.
struct Page {
    number: u32,
    /// Lower and upper edge of what is shown, in points.
    bottom: f32,
    top: f32,
    lines: Vec<Line>,
}

/// Reads a whole document.
pub(crate) fn read(
    source: Source<'_>,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let steps = Steps { steps: reader::start(source, limits)?, patience: patience(limits) };
    write(&steps, limits, progress, out)
}

/// Writes what the reader tells.
fn write(
    steps: &Steps,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let (count, title) = match steps.next()? {
        Some(Step::Opened { count, title }) => (count, title),
        Some(Step::Page(..)) | None => return Err(ExtractError::TooSlow),
    };
    let mut pages = read_pages(steps, count, limits, progress)?;
    tell_unread(&pages, count, out)?;
    if let Some(title) = title {
        out.title(&title);
    }
    out.pages(count);
    if !limits.keep_running_lines {
        furniture::remove(&mut pages.read);
    }
    flow::write(&pages.read, out)
}

/// How long one step of the reader may take.
fn patience(limits: &Limits) -> Duration {
    let ocr_seconds = if ocr::is_available() { limits.max_ocr_seconds } else { 0 };
    Duration::from_secs(u64::from(limits.max_page_seconds) + u64::from(ocr_seconds))
}

/// What the reader tells, and how long is waited for each of it.
struct Steps {
    steps: Receiver<Result<Step, ExtractError>>,
    patience: Duration,
}

impl Steps {
    /// The next step of the reader; `None` when it takes too long for it.
    fn next(&self) -> Result<Option<Step>, ExtractError> {
        match self.steps.recv_timeout(self.patience) {
            Ok(step) => step.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(ExtractError::damaged(Format::Pdf, "the reader ended before the last page"))
            }
        }
    }
}

#[derive(Default)]
struct Pages {
    read: Vec<Page>,
    /// Numbers of pages on which there is no text.
    blank: Vec<u32>,
    /// Numbers of pages whose text was read from pictures.
    scanned: Vec<u32>,
    /// Numbers of pages that the parser refused, and what it said last.
    failed: Vec<u32>,
    failure: Option<String>,
    /// The page that took too long; it and what comes after it was not read.
    stuck: Option<u32>,
}

fn read_pages(
    steps: &Steps,
    count: u32,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pages, ExtractError> {
    let mut pages = Pages::default();
    let mut bytes = 0;
    for number in 1..=count {
        let Some(step) = steps.next()? else {
            pages.stuck = Some(number);
            return Ok(pages);
        };
        if let Step::Page(outcome) = step {
            bytes += pages.take(number, outcome);
        }
        ExtractError::check("text in bytes", bytes as u64, limits.max_text_bytes as u64)?;
        progress(Progress { pages_done: number, pages_total: Some(count) });
    }
    Ok(pages)
}

impl Pages {
    /// Takes the next page and says how much text it holds.
    fn take(&mut self, number: u32, outcome: Outcome) -> usize {
        let page = match outcome {
            Outcome::Blank => {
                self.blank.push(number);
                return 0;
            }
            Outcome::Failed(error) => {
                self.failed.push(number);
                self.failure = Some(error);
                return 0;
            }
            Outcome::Scanned(page) => {
                self.scanned.push(number);
                page
            }
            Outcome::Text(page) => page,
        };
        let bytes = page.lines.iter().map(|line| line.text.len()).sum();
        self.read.push(page);
        bytes
    }
}

/// Fails when nothing was read, and names the pages that are missing when some of it was.
fn tell_unread(pages: &Pages, count: u32, out: &mut Composer) -> Result<(), ExtractError> {
    match &pages.failure {
        _ if pages.read.is_empty() && pages.stuck.is_some() => return Err(ExtractError::TooSlow),
        Some(error) if pages.read.is_empty() => return Err(ExtractError::damaged(Format::Pdf, error)),
        None if pages.read.is_empty() => return Err(ExtractError::NoText { pages: count }),
        _ => {}
    }
    if !pages.scanned.is_empty() {
        let numbers = ranges(&pages.scanned);
        out.warn(format!("The text on {numbers} was read from pictures. Check it for misread words."));
    }
    if !pages.blank.is_empty() {
        let numbers = ranges(&pages.blank);
        out.warn(format!(
            "No text was found on {numbers}. If there are pictures of text, run the PDF through OCR."
        ));
    }
    if !pages.failed.is_empty() {
        out.warn(format!("Damaged and left out: {}.", ranges(&pages.failed)));
    }
    if let Some(stuck) = pages.stuck {
        let left: Vec<u32> = (stuck..=count).collect();
        out.warn(format!("Reading page {stuck} took too long. Left out: {}.", ranges(&left)));
    }
    Ok(())
}

/// `page 3`, `pages 3, 5-7`.
fn ranges(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let named: Vec<String> = runs
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    format!("{} {}", if numbers.len() == 1 { "page" } else { "pages" }, named.join(", "))
}

/// The title in the document information (ISO 32000-1, 14.3.3), unless a program made it up.
fn title(document: &PdfDocument) -> Option<String> {
    let info = document.resolve_object(document.trailer().as_dict()?.get("Info")?).ok()?;
    let value = document.resolve_object(info.as_dict()?.get("Title")?).ok()?;
    let Object::String(bytes) = value else { return None };
    let title = text_string(&bytes);
    let title = title.trim();
    let lower = title.to_lowercase();
    let is_file_name = [
        ".doc", ".docx", ".dvi", ".indd", ".jpeg", ".jpg", ".pdf", ".png", ".ppt", ".pptx", ".ps", ".qxd",
        ".tex", ".tif", ".tiff", ".xls", ".xlsx",
    ]
    .iter()
    .any(|extension| lower.ends_with(extension));
    let is_made_up = ["untitled", "(anonymous)", "anonymous", "document", "slide 1", "title"]
        .contains(&lower.as_str())
        || lower.starts_with("microsoft word - ")
        || lower.starts_with("microsoft powerpoint - ");
    (title.chars().count() > 2 && !is_file_name && !is_made_up).then(|| title.to_owned())
}

/// Text strings are UTF-16BE or UTF-8 with a mark, else nearly Latin-1 (ISO 32000-2, 7.9.2.2).
fn text_string(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0xEF, 0xBB, 0xBF, ..] => {
            match encoding_rs::Encoding::for_bom(bytes) {
                Some((encoding, _)) => encoding.decode(bytes).0.into_owned(),
                None => String::new(),
            }
        }
        _ => encoding_rs::mem::decode_latin1(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Instant;

    use super::*;

    /// Reads what `told` sends, from a reader that then hangs and has not gone away.
    fn read(
        told: impl FnOnce(&Sender<Result<Step, ExtractError>>),
    ) -> Result<(String, String), ExtractError> {
        let (sender, steps) = channel();
        told(&sender);
        let steps = Steps { steps, patience: Duration::from_millis(30) };
        let limits = Limits::default();
        let mut out = Composer::new(Format::Pdf, &limits);
        let started = Instant::now();
        let done = write(&steps, &limits, &mut |_| {}, &mut out);
        assert!(started.elapsed() >= steps.patience, "the page that hangs is waited for");
        assert!(started.elapsed() < Duration::from_secs(10), "and left in the end");
        done?;
        let found = out.finish()?;
        Ok((found.text, found.warnings.join(" ")))
    }

    fn page(number: u32, text: &str) -> Result<Step, ExtractError> {
        let lines = layout::unplaced_lines(text);
        Ok(Step::Page(Outcome::Text(Page { number, bottom: 0.0, top: 800.0, lines })))
    }

    #[test]
    fn a_page_that_takes_too_long_costs_itself_and_what_comes_after_it() {
        let (text, warnings) = read(|reader| {
            reader.send(Ok(Step::Opened { count: 4, title: None })).unwrap();
            reader.send(page(1, "The first page.")).unwrap();
        })
        .unwrap();
        assert_eq!(text, "The first page.");
        assert_eq!(warnings, "Reading page 2 took too long. Left out: pages 2-4.");
    }

    #[test]
    fn a_document_that_takes_too_long_from_the_start_is_refused() {
        assert_eq!(read(|_| {}).unwrap_err(), ExtractError::TooSlow);
        let opened = |reader: &Sender<_>| reader.send(Ok(Step::Opened { count: 2, title: None })).unwrap();
        assert_eq!(read(opened).unwrap_err(), ExtractError::TooSlow);
    }
}
