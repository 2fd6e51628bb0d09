//! Which format a file is in. The content decides; the name only breaks ties among kinds of text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ExtractError, decode};

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
    /// Separated values, whatever the separator.
    Csv,
}

impl Format {
    /// The media type to serve the original with.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Csv => "text/csv",
        }
    }

    /// Finds the format from the first bytes of a file (64 KiB are enough) and the name the user gave it.
    pub fn detect(head: &[u8], file_name: &str) -> Result<Self, ExtractError> {
        if head.is_empty() {
            return Err(ExtractError::Empty);
        }
        match binary_kind(head) {
            Some(Kind::Known(format)) => Ok(format),
            // Word names its parts late in some files; the reader opens the container and has the last word.
            Some(Kind::Package) if Self::declared(file_name) == Some(Self::Docx) => Ok(Self::Docx),
            Some(Kind::Package) => Err(Self::foreign(file_name, "an Office document of another kind")),
            Some(Kind::Protected) => Err(ExtractError::Encrypted),
            Some(Kind::Foreign(found)) => Err(Self::foreign(file_name, found)),
            None => Ok(Self::of_text(&decode::sample(head), file_name)),
        }
    }

    /// The format that the name promises.
    fn declared(file_name: &str) -> Option<Self> {
        let (_, extension) = file_name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "txt" | "text" | "log" => Self::Text,
            "md" | "markdown" | "mdown" | "mkd" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            "pdf" => Self::Pdf,
            "docx" | "docm" | "dotx" => Self::Docx,
            "csv" | "tsv" | "tab" => Self::Csv,
            _ => return None,
        })
    }

    /// A warning when the name promises a binary format and the content is something else.
    pub(crate) fn contradicts(self, file_name: &str) -> Option<String> {
        let declared = Self::declared(file_name).filter(|declared| *declared != self)?;
        let binary = |format| matches!(format, Self::Pdf | Self::Docx);
        (binary(declared) || binary(self)).then(|| {
            format!(
                "The name says this is {}, but the content is {}; it was read as that.",
                declared.noun(),
                self.noun()
            )
        })
    }

    /// The error for content that is not read: a broken promise when the name promised a binary format.
    pub(crate) fn foreign(file_name: &str, found: &str) -> ExtractError {
        match Self::declared(file_name) {
            Some(declared @ (Self::Pdf | Self::Docx)) => {
                ExtractError::TypeMismatch { declared: declared.noun().into(), found: found.into() }
            }
            _ => ExtractError::Unsupported { found: found.into() },
        }
    }

    /// The name of the format with its article.
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "a web page (HTML)",
            Self::Pdf => "a PDF",
            Self::Docx => "a Word document (DOCX)",
            Self::Csv => "a table (CSV)",
        }
    }

    /// Tells kinds of text apart, by markup first and by name where both readings are possible.
    fn of_text(text: &str, file_name: &str) -> Self {
        let declared = Self::declared(file_name);
        if looks_like_html(text, declared == Some(Self::Html)) {
            return Self::Html;
        }
        match declared {
            Some(format @ (Self::Text | Self::Markdown | Self::Csv)) => format,
            _ if looks_like_markdown(text) => Self::Markdown,
            _ if crate::formats::csv::looks_tabular(text) => Self::Csv,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Docx => "DOCX",
            Self::Csv => "CSV",
        })
    }
}

enum Kind {
    Known(Format),
    /// An Office Open XML package whose kind the head does not tell.
    Package,
    /// An Office document behind a password ([MS-OFFCRYPTO], 2.3.4).
    Protected,
    Foreign(&'static str),
}

/// First bytes of formats that are told from text at once.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an older Office document (DOC, XLS, PPT or MSG)"),
    (b"{\\rtf", "an RTF document"),
    (b"\xFF\xD8\xFF", "a JPEG picture"),
    (b"\x89PNG\r\n\x1A\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a media file"),
    (b"ID3", "an audio file"),
    (b"OggS", "a media file"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xFD7zXZ\0", "an xz archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"%!PS", "a PostScript file"),
];

/// `None` means text.
fn binary_kind(head: &[u8]) -> Option<Kind> {
    // PDF readers accept the header anywhere in the first 1024 bytes (ISO 32000-1, annex H, note 13).
    if find(&head[..head.len().min(1024 + 5)], b"%PDF-").is_some() {
        return Some(Kind::Known(Format::Pdf));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip_kind(head));
    }
    let protected = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
    if head.starts_with(b"\xD0\xCF\x11\xE0") && find(head, protected).is_some() {
        return Some(Kind::Protected);
    }
    if let Some((_, found)) = SIGNATURES.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(Kind::Foreign(found));
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some(Kind::Foreign("a media file"));
    }
    (!decode::is_text(head)).then_some(Kind::Foreign("binary data of an unknown kind"))
}

/// Tells containers apart by the part names that stand in the local headers.
fn zip_kind(head: &[u8]) -> Kind {
    let holds = |name: &[u8]| find(head, name).is_some();
    if holds(b"word/document.xml") || holds(b"word/_rels") {
        Kind::Known(Format::Docx)
    } else if holds(b"xl/workbook.xml") || holds(b"xl/worksheets") {
        Kind::Foreign("an Excel workbook (XLSX)")
    } else if holds(b"ppt/presentation.xml") || holds(b"ppt/slides") {
        Kind::Foreign("a PowerPoint presentation (PPTX)")
    } else if holds(b"mimetypeapplication/epub+zip") {
        Kind::Foreign("an e-book (EPUB)")
    } else if holds(b"mimetypeapplication/vnd.oasis.opendocument") {
        Kind::Foreign("an OpenDocument file")
    } else if holds(b"[Content_Types].xml") {
        Kind::Package
    } else {
        Kind::Foreign("a ZIP archive")
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn looks_like_html(text: &str, named_html: bool) -> bool {
    let start: String = text.trim_start().chars().take(4096).collect::<String>().to_ascii_lowercase();
    let opens = |tag: &str| start.starts_with(tag) || (start.starts_with('<') && start.contains(tag));
    named_html && start.contains('<')
        || opens("<!doctype html")
        || opens("<html")
        || (start.starts_with('<')
            && ["<head", "<body", "<div", "<article", "<p>", "<h1"].iter().any(|tag| start.contains(tag)))
}

/// An ATX heading followed by more text, or a table's delimiter row.
fn looks_like_markdown(text: &str) -> bool {
    text.lines().any(|line| {
        let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
        (1..=6).contains(&hashes) && line[hashes..].starts_with(' ')
            || line.contains("|--")
            || line.contains("| --")
    })
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
    fn a_broken_promise_is_named() {
        let error = Format::detect(b"PK\x03\x04 nothing of Word", "x.docx").unwrap_err();
        assert_eq!(error.code(), "type_mismatch");
        assert!(error.to_string().contains("a ZIP archive"), "{error}");
        let error = Format::detect(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0xFE, 1], "x.pdf").unwrap_err();
        assert_eq!(error.code(), "type_mismatch");
        assert_eq!(Format::detect(b"\x89PNG\r\n\x1A\n", "x.png").unwrap_err().code(), "unsupported");
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
