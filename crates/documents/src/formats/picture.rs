//! Pictures of text: photographs and scans, read by `tesseract` when the server has it.

use std::time::Duration;

use super::text;
use crate::compose::Composer;
use crate::{ExtractError, Format, Limits, ocr};

/// Reads one picture.
pub(crate) fn read(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    if !ocr::is_available() {
        return Err(ExtractError::NoOcr { found: format.noun().into() });
    }
    let timeout = Duration::from_secs(limits.max_ocr_seconds.into());
    match ocr::read(bytes, timeout)? {
        Some(found) => text::read(&found, out)?,
        None => return Err(ExtractError::damaged(format, "the picture cannot be opened")),
    }
    if !out.is_empty() {
        out.warn("The text was read from a picture. Check it for misread words.");
    }
    Ok(())
}
