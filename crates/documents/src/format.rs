//! Which format a file is in. The content decides; the name only breaks ties among kinds of text.

mod sniff;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ExtractError, decode};
use sniff::Kind;

/// How much of a file [`Format::detect`] wants to see.
pub(crate) const HEAD_BYTES: u64 = 64 << 10;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown (CommonMark with tables).
    Markdown,
    /// A web page.
    Html,
    /// Portable Document Format.
    Pdf,
    /// Word (Office Open XML).
    Docx,
    /// PowerPoint (Office Open XML).
    Pptx,
    /// Excel (Office Open XML).
    Xlsx,
    /// Excel before 2007 (BIFF).
    Xls,
    /// A text of OpenDocument.
    Odt,
    /// A spreadsheet of OpenDocument.
    Ods,
    /// Separated values, whatever the separator.
    Csv,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    JsonLines,
    /// One message of e-mail (RFC 5322, MIME).
    Email,
    /// An e-book.
    Epub,
    /// Rich Text Format.
    Rtf,
    /// A picture, read when the program `tesseract` is there.
    Png,
    /// A picture, read when the program `tesseract` is there.
    Jpeg,
    /// A picture, read when the program `tesseract` is there.
    Tiff,
}

/// What there is to say about a format.
struct Facts {
    name: &'static str,
    /// The name with its article.
    noun: &'static str,
    media_type: &'static str,
    /// Endings of file names that promise it, in small letters.
    extensions: &'static [&'static str],
    /// Content is told from text at once, so that a name that promises something else is worth a word.
    binary: bool,
}

impl Format {
    /// All that can be read, the most usual first.
    pub const ALL: [Self; 19] = [
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Xlsx,
        Self::Xls,
        Self::Odt,
        Self::Ods,
        Self::Html,
        Self::Markdown,
        Self::Text,
        Self::Csv,
        Self::Json,
        Self::JsonLines,
        Self::Email,
        Self::Epub,
        Self::Rtf,
        Self::Png,
        Self::Jpeg,
        Self::Tiff,
    ];

    /// The media type to serve the original with.
    pub fn media_type(self) -> &'static str {
        self.facts().media_type
    }

    /// Endings of file names that promise this format, in small letters without the dot, the usual one first.
    pub fn extensions(self) -> &'static [&'static str] {
        self.facts().extensions
    }

    /// Finds the format from the first bytes of a file (64 KiB are enough) and the name the user gave it.
    pub fn detect(head: &[u8], file_name: &str) -> Result<Self, ExtractError> {
        if head.is_empty() {
            return Err(ExtractError::Empty);
        }
        let declared = Self::declared(file_name);
        match sniff::binary_kind(head) {
            Some(Kind::Known(format)) => Ok(format),
            // Some containers name their telling parts late; the reader opens them and has the last word.
            Some(Kind::OneOf(formats, found)) => match declared.filter(|format| formats.contains(format)) {
                Some(format) => Ok(format),
                None => Err(Self::foreign(file_name, found)),
            },
            Some(Kind::Protected) => Err(ExtractError::Encrypted),
            Some(Kind::Foreign(found)) => Err(Self::foreign(file_name, found)),
            None => Ok(sniff::kind_of_text(&decode::sample(head), declared)),
        }
    }

    /// The format that the name promises.
    fn declared(file_name: &str) -> Option<Self> {
        let (_, extension) = file_name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.extensions().contains(&extension.as_str()))
    }

    /// A warning when the name promises a binary format and the content is something else.
    pub(crate) fn contradicts(self, file_name: &str) -> Option<String> {
        let declared = Self::declared(file_name).filter(|declared| *declared != self)?;
        (declared.facts().binary || self.facts().binary).then(|| {
            format!(
                "The name says this is {}, but the content is {}; it was read as that.",
                declared.noun(),
                self.noun()
            )
        })
    }

    /// The error for content that is not read: a broken promise when the name promised a binary format.
    pub(crate) fn foreign(file_name: &str, found: &str) -> ExtractError {
        match Self::declared(file_name).filter(|declared| declared.facts().binary) {
            Some(declared) => {
                ExtractError::TypeMismatch { declared: declared.noun().into(), found: found.into() }
            }
            None => ExtractError::Unsupported { found: found.into() },
        }
    }

    /// The name of the format with its article.
    pub(crate) fn noun(self) -> &'static str {
        self.facts().noun
    }

    fn facts(self) -> Facts {
        let facts =
            |name, noun, media_type, extensions, binary| Facts { name, noun, media_type, extensions, binary };
        match self {
            Self::Text => facts("text", "plain text", "text/plain", &["txt", "text", "log"], false),
            Self::Markdown => {
                facts("Markdown", "Markdown", "text/markdown", &["md", "markdown", "mdown", "mkd"], false)
            }
            Self::Html => facts("HTML", "a web page (HTML)", "text/html", &["html", "htm", "xhtml"], false),
            Self::Pdf => facts("PDF", "a PDF", "application/pdf", &["pdf"], true),
            Self::Docx => facts(
                "DOCX",
                "a Word document (DOCX)",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                &["docx", "docm", "dotx"],
                true,
            ),
            Self::Pptx => facts(
                "PPTX",
                "a PowerPoint presentation (PPTX)",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                &["pptx", "pptm", "ppsx", "potx"],
                true,
            ),
            Self::Xlsx => facts(
                "XLSX",
                "an Excel workbook (XLSX)",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                &["xlsx", "xlsm", "xltx"],
                true,
            ),
            Self::Xls => facts(
                "XLS",
                "an older Excel workbook (XLS)",
                "application/vnd.ms-excel",
                &["xls", "xlt"],
                true,
            ),
            Self::Odt => facts(
                "ODT",
                "an OpenDocument text (ODT)",
                "application/vnd.oasis.opendocument.text",
                &["odt", "ott"],
                true,
            ),
            Self::Ods => facts(
                "ODS",
                "an OpenDocument spreadsheet (ODS)",
                "application/vnd.oasis.opendocument.spreadsheet",
                &["ods", "ots"],
                true,
            ),
            Self::Csv => facts("CSV", "a table (CSV)", "text/csv", &["csv", "tsv", "tab"], false),
            Self::Json => facts("JSON", "JSON", "application/json", &["json"], false),
            Self::JsonLines => {
                facts("JSONL", "JSON lines", "application/x-ndjson", &["jsonl", "ndjson"], false)
            }
            Self::Email => facts("EML", "an e-mail (EML)", "message/rfc822", &["eml"], false),
            Self::Epub => facts("EPUB", "an e-book (EPUB)", "application/epub+zip", &["epub"], true),
            Self::Rtf => facts("RTF", "an RTF document", "application/rtf", &["rtf"], true),
            Self::Png => facts("PNG", "a PNG picture", "image/png", &["png"], true),
            Self::Jpeg => facts("JPEG", "a JPEG picture", "image/jpeg", &["jpg", "jpeg"], true),
            Self::Tiff => facts("TIFF", "a TIFF picture", "image/tiff", &["tif", "tiff"], true),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_and_the_name_breaks_ties() {
        let detect = |head: &str, name: &str| Format::detect(head.as_bytes(), name).unwrap();
        assert_eq!(detect("%PDF-1.7", "x.docx"), Format::Pdf);
        assert_eq!(detect("garbage\n%PDF-1.7", "x"), Format::Pdf);
        assert_eq!(detect("<!DOCTYPE html><p>x", "x.txt"), Format::Html);
        assert_eq!(detect("\n <html lang=en>", "x"), Format::Html);
        assert_eq!(detect("# A\n\ntext", "x.txt"), Format::Text);
        assert_eq!(detect("# A\n\ntext", "x"), Format::Markdown);
        assert_eq!(detect("a,b\n1,2\n3,4\n", "x"), Format::Csv);
        assert_eq!(detect("a,b\n1,2\n3,4\n", "x.MD"), Format::Markdown);
        assert_eq!(detect("Dear Sir,\nwe write, today, to you.\nBye\n", "letter"), Format::Text);
    }

    #[test]
    fn containers_and_structured_texts_are_told_apart() {
        let detect = |head: &[u8], name: &str| Format::detect(head, name);
        let text = |head: &str, name: &str| Format::detect(head.as_bytes(), name).unwrap();
        assert_eq!(detect(b"PK\x03\x04..xl/workbook.xml", "x"), Ok(Format::Xlsx));
        assert_eq!(detect(b"PK\x03\x04..ppt/slides/s.xml", "x.docx"), Ok(Format::Pptx));
        assert_eq!(detect(b"PK\x03\x04..[Content_Types].xml", "x.pptx"), Ok(Format::Pptx));
        assert_eq!(detect(b"PK\x03\x04..mimetypeapplication/epub+zip", "x"), Ok(Format::Epub));
        assert_eq!(
            detect(b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "x"),
            Ok(Format::Ods)
        );
        assert_eq!(text("{\\rtf1 x}", "x.doc"), Format::Rtf);
        assert_eq!(text("[{\"a\": 1}, {\"a\"", "x"), Format::Json);
        assert_eq!(text("{\"a\": 1}\n{\"a\": 2}\n", "x"), Format::JsonLines);
        assert_eq!(text("[1] Smith, J.: A book.\n", "x"), Format::Text);
        assert_eq!(text("{\"a\": 1}", "x.txt"), Format::Text, "the name breaks the tie");
        assert_eq!(text("MIME-Version: 1.0\nSubject: Hi\n\nx", "x"), Format::Email);
        assert_eq!(detect(b"\x89PNG\r\n\x1A\n", "x"), Ok(Format::Png));
    }

    #[test]
    fn old_office_documents_are_named() {
        let file = |stream: &str| {
            let mut file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
            file.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
            file
        };
        let found =
            |stream: &str, name: &str| Format::detect(&file(stream), name).map_err(|error| error.to_string());
        assert!(found("WordDocument", "x.doc").unwrap_err().contains("an older Word document (DOC)"));
        assert!(found("PowerPoint Document", "x.ppt").unwrap_err().contains("Save it as PDF, DOCX"));
        assert!(found("__substg1.0_", "x.msg").unwrap_err().contains("Outlook"));
        assert_eq!(found("Workbook\0", "x"), Ok(Format::Xls));
        assert_eq!(found("", "x.xls"), Ok(Format::Xls), "the directory may stand further down");
    }

    #[test]
    fn a_broken_promise_is_named() {
        let error = Format::detect(b"PK\x03\x04 nothing of Word", "x.docx").unwrap_err();
        assert_eq!(error.code(), "type_mismatch");
        assert!(error.to_string().contains("a ZIP archive"), "{error}");
        let error = Format::detect(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0xFE, 1], "x.pdf").unwrap_err();
        assert_eq!(error.code(), "type_mismatch");
        assert_eq!(Format::detect(b"GIF89a", "x.gif").unwrap_err().code(), "unsupported");
        assert_eq!(Format::detect(b"", "x.pdf").unwrap_err(), ExtractError::Empty);
    }

    #[test]
    fn reading_another_format_than_named_is_told() {
        assert!(Format::Pdf.contradicts("x.docx").is_some_and(|warning| warning.contains("a PDF")));
        assert!(Format::Html.contradicts("x.pdf").is_some());
        assert_eq!(Format::Text.contradicts("x.md"), None);
        assert_eq!(Format::Pdf.contradicts("download"), None);
    }

    #[test]
    fn a_protected_office_file_is_encrypted() {
        let mut file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        file.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(Format::detect(&file, "x.docx").unwrap_err(), ExtractError::Encrypted);
    }
}
