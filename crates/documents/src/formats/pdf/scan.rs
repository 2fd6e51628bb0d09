//! Pages that are pictures: the pictures are taken out and read by `tesseract`, when it is there.

use std::time::{Duration, Instant};

use pdf_oxide::PdfDocument;
use pdf_oxide::extractors::images::{PdfFilter, PdfImageHandle};

use crate::{ExtractError, Limits, ocr};

/// Smaller pictures are logos and lines.
const MIN_SIDE: u32 = 100;

/// A page of A3 at 600 dots an inch; what claims to be larger is made to hurt.
const MAX_PIXELS: u64 = 100_000_000;

/// Scans come as one picture a page, or as a few strips.
const MAX_PICTURES: usize = 8;

/// The text in the pictures of the page with this index; blank when there is none, or when it takes too long.
pub(super) fn read_page(
    document: &PdfDocument,
    index: usize,
    limits: &Limits,
) -> Result<String, ExtractError> {
    let mut text = String::new();
    if limits.max_ocr_seconds == 0 || !ocr::is_available() {
        return Ok(text);
    }
    let until = Instant::now() + Duration::from_secs(limits.max_ocr_seconds.into());
    let pictures = document.page_image_handles(index).unwrap_or_default();
    for picture in pictures.iter().filter(|picture| is_of_text(picture)).take(MAX_PICTURES) {
        let Some(bytes) = file_of(picture) else { continue };
        match ocr::read(&bytes, until.saturating_duration_since(Instant::now())) {
            Ok(found) => {
                text.push_str(&found.unwrap_or_default());
                text.push('\n');
            }
            Err(ExtractError::TooSlow) => return Ok(text),
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

fn is_of_text(picture: &PdfImageHandle<'_>) -> bool {
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    picture.width >= MIN_SIDE && picture.height >= MIN_SIDE && pixels <= MAX_PIXELS
}

/// A picture as a file: JPEG as it stands in the document, everything else as PNG.
fn file_of(picture: &PdfImageHandle<'_>) -> Option<Vec<u8>> {
    if picture.filter_chain == [PdfFilter::DCTDecode] {
        // Encrypted documents keep their pictures encrypted as well; such bytes begin with something else.
        let bytes = picture.raw_compressed_bytes().ok()?;
        if bytes.starts_with(b"\xFF\xD8\xFF") {
            return Some(bytes);
        }
    }
    picture.decode().and_then(|picture| picture.to_png_bytes()).ok()
}
