//! PDF, page by page, by pdf_oxide.
//!
//! The parser gives runs of text with their place and font. What a reader sees in them is found here:
//! lines and columns (`layout`), running headers and footers (`furniture`), headings and paragraphs (`flow`).

mod flow;
mod furniture;
mod layout;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pdf_oxide::PdfDocument;
use pdf_oxide::object::Object;

use crate::compose::Composer;
use crate::{ExtractError, Format, Limits, Progress};
use layout::Line;

/// One page as lines in reading order.
struct Page {
    number: u32,
    /// Lower and upper edge of what is shown, in points.
    bottom: f32,
    top: f32,
    lines: Vec<Line>,
}

/// Reads the file at `path`.
pub(crate) fn read(
    path: &Path,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let damaged = |error: pdf_oxide::Error| ExtractError::damaged(Format::Pdf, error);
    let document = PdfDocument::open(path).map_err(damaged)?;
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
    let mut pages = read_pages(&document, count, limits, progress)?;
    tell_unread(&pages, count, out)?;
    if let Some(title) = title(&document) {
        out.title(&title);
    }
    out.pages(count);
    furniture::remove(&mut pages.read);
    flow::write(&pages.read, out)
}

#[derive(Default)]
struct Pages {
    read: Vec<Page>,
    /// Numbers of pages on which there is no text.
    blank: Vec<u32>,
    /// Numbers of pages that the parser refused, and what it said last.
    failed: Vec<u32>,
    failure: Option<String>,
}

fn read_pages(
    document: &PdfDocument,
    count: u32,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pages, ExtractError> {
    let mut pages = Pages::default();
    let mut bytes = 0;
    for number in 1..=count {
        // A page that makes the parser panic costs that page, not the document.
        let read = catch_unwind(AssertUnwindSafe(|| layout::read_page(document, number as usize - 1)));
        match read.unwrap_or_else(|_| Err(pdf_oxide::Error::InvalidPdf("the page makes no sense".into()))) {
            Ok(lines) if lines.is_empty() => pages.blank.push(number),
            Ok(lines) => {
                bytes += lines.iter().map(|line| line.text.len()).sum::<usize>();
                ExtractError::check("text in bytes", bytes as u64, limits.max_text_bytes as u64)?;
                let (_, bottom, _, top) =
                    document.get_page_visible_box(number as usize - 1).unwrap_or((0.0, 0.0, 612.0, 792.0));
                pages.read.push(Page { number, bottom, top, lines });
            }
            Err(error) => {
                pages.failed.push(number);
                pages.failure = Some(error.to_string());
            }
        }
        progress(Progress { pages_done: number, pages_total: Some(count) });
    }
    Ok(pages)
}

/// Fails when nothing was read, and names the pages that are missing when some of it was.
fn tell_unread(pages: &Pages, count: u32, out: &mut Composer) -> Result<(), ExtractError> {
    match &pages.failure {
        Some(error) if pages.read.is_empty() => return Err(ExtractError::damaged(Format::Pdf, error)),
        None if pages.read.is_empty() => return Err(ExtractError::NoText { pages: count }),
        _ => {}
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
    let is_file_name =
        [".doc", ".docx", ".indd", ".pdf", ".qxd", ".tex", ".dvi", ".ps", ".xls", ".xlsx", ".ppt", ".pptx"]
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
