//! One file a format. Each reads bytes and appends blocks to a `Composer`.

pub(crate) mod csv;
pub(crate) mod docx;
pub(crate) mod email;
pub(crate) mod epub;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod odf;
pub(crate) mod pdf;
pub(crate) mod picture;
pub(crate) mod pptx;
pub(crate) mod rtf;
pub(crate) mod text;
pub(crate) mod workbook;

use crate::compose::Composer;
use crate::source::Source;
use crate::{ExtractError, Format, Limits, Progress, decode};

/// Reads content whose format is known.
pub(crate) fn read(
    source: Source<'_>,
    format: Format,
    file_name: &str,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    out: &mut Composer,
) -> Result<(), ExtractError> {
    match format {
        Format::Pdf => pdf::read(source, limits, progress, out),
        Format::Docx => docx::read(source, file_name, limits, out),
        Format::Pptx => pptx::read(source, file_name, limits, progress, out),
        Format::Xlsx => workbook::read_xlsx(source, file_name, limits, out),
        Format::Xls => workbook::read_xls(source, limits, out),
        Format::Odt | Format::Ods => odf::read(source, format, file_name, limits, out),
        Format::Epub => epub::read(source, file_name, limits, out),
        Format::Html => html::read(&source.bytes()?, limits, out),
        Format::Rtf => rtf::read(&source.bytes()?, limits, out),
        Format::Email => email::read(&source.bytes()?, limits, out),
        Format::Png | Format::Jpeg | Format::Tiff => picture::read(&source.bytes()?, format, limits, out),
        Format::Text | Format::Markdown | Format::Csv | Format::Json | Format::JsonLines => {
            let bytes = source.bytes()?;
            let text = decode::decode(&bytes, out);
            match format {
                Format::Markdown => markdown::read(&text, limits, out),
                Format::Csv => csv::read(&text, limits, out),
                Format::Json | Format::JsonLines => json::read(&text, format, limits, out),
                _ => text::read(&text, out),
            }
        }
    }
}
