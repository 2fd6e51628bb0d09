//! What the first bytes of a file say about its format.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::Format;
use crate::decode;
use crate::formats::{csv, email};

/// What content is that is not text.
pub(super) enum Kind {
    Known(Format),
    /// One of these by its name; without such a name it stays what the words say.
    OneOf(&'static [Format], &'static str),
    /// An Office document behind a password ([MS-OFFCRYPTO], 2.3.4).
    Protected,
    Foreign(&'static str),
}

/// First bytes of formats that are read.
const KNOWN: &[(&[u8], Format)] = &[
    (b"{\\rtf", Format::Rtf),
    (b"\xFF\xD8\xFF", Format::Jpeg),
    (b"\x89PNG\r\n\x1A\n", Format::Png),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
];

/// First bytes of formats that are told from text at once.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"GIF8", "a GIF picture"),
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

/// The start of a compound file ([MS-CFB], 2.2), in which Office kept its documents before 2007.
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// `None` means text.
pub(super) fn binary_kind(head: &[u8]) -> Option<Kind> {
    // PDF readers accept the header anywhere in the first 1024 bytes (ISO 32000-1, annex H, note 13).
    if find(&head[..head.len().min(1024 + 5)], b"%PDF-").is_some() {
        return Some(Kind::Known(Format::Pdf));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip_kind(head));
    }
    if head.starts_with(COMPOUND_FILE) {
        return Some(compound_kind(head));
    }
    if let Some((_, format)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(Kind::Known(*format));
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
    if holds(b"mimetypeapplication/epub+zip") {
        Kind::Known(Format::Epub)
    } else if holds(b"mimetypeapplication/vnd.oasis.opendocument.text") {
        Kind::Known(Format::Odt)
    } else if holds(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") {
        Kind::Known(Format::Ods)
    } else if holds(b"mimetypeapplication/vnd.oasis.opendocument") {
        Kind::Foreign("an OpenDocument file that is neither a text nor a spreadsheet")
    } else if holds(b"word/document.xml") || holds(b"word/_rels") {
        Kind::Known(Format::Docx)
    } else if holds(b"xl/workbook.bin") {
        Kind::Foreign("a binary Excel workbook (XLSB)")
    } else if holds(b"xl/workbook.xml") || holds(b"xl/worksheets") {
        Kind::Known(Format::Xlsx)
    } else if holds(b"ppt/presentation.xml") || holds(b"ppt/slides") {
        Kind::Known(Format::Pptx)
    } else if holds(b"[Content_Types].xml") {
        Kind::OneOf(&[Format::Docx, Format::Pptx, Format::Xlsx], "an Office document of another kind")
    } else if holds(b"META-INF/") {
        Kind::OneOf(&[Format::Epub, Format::Odt, Format::Ods], "a ZIP archive")
    } else {
        Kind::Foreign("a ZIP archive")
    }
}

/// Tells old Office documents apart by the names of their streams, which stand in UTF-16.
fn compound_kind(head: &[u8]) -> Kind {
    let holds = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        find(head, &name).is_some()
    };
    if holds("EncryptedPackage") {
        Kind::Protected
    } else if holds("WordDocument") {
        Kind::Foreign("an older Word document (DOC)")
    } else if holds("PowerPoint Document") {
        Kind::Foreign("an older PowerPoint presentation (PPT)")
    } else if holds("__substg1.0_") {
        Kind::Foreign("an Outlook message (MSG)")
    } else if holds("Workbook\0") || holds("Book\0") {
        Kind::Known(Format::Xls)
    } else {
        Kind::OneOf(&[Format::Xls], "an older Office document (DOC, PPT or MSG)")
    }
}

/// Tells kinds of text apart, by markup first and by name where both readings are possible.
pub(super) fn kind_of_text(text: &str, declared: Option<Format>) -> Format {
    if looks_like_html(text, declared == Some(Format::Html)) {
        return Format::Html;
    }
    match declared {
        Some(
            format @ (Format::Text
            | Format::Markdown
            | Format::Csv
            | Format::Json
            | Format::JsonLines
            | Format::Email),
        ) => format,
        _ => kind_of_nameless(text),
    }
}

fn kind_of_nameless(text: &str) -> Format {
    if let Some(format) = kind_of_json(text) {
        format
    } else if email::looks_like_email(text) {
        Format::Email
    } else if looks_like_markdown(text) {
        Format::Markdown
    } else if csv::looks_tabular(text) {
        Format::Csv
    } else {
        Format::Text
    }
}

/// JSON as far as the sample goes: arrays and objects only, since a number or a word is text as well.
fn kind_of_json(text: &str) -> Option<Format> {
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next()? {
        Ok(_) => {
            let rest = text[values.byte_offset()..].trim_start();
            let more = rest.starts_with(['{', '[']);
            (more || rest.is_empty()).then_some(if more { Format::JsonLines } else { Format::Json })
        }
        Err(error) => error.is_eof().then_some(Format::Json),
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
