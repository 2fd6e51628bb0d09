//! What the fuzz targets share: limits that keep a run quick, and containers around a part.

use std::io::{Cursor, Write};
use std::panic;
use std::sync::Once;

use documents::{Extracted, Format, Limits, extract_bytes};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Reads `bytes` as this format and checks what holds for every text.
pub fn read(bytes: &[u8], format: Format) {
    let limits = Limits {
        max_text_bytes: 1 << 20,
        max_unpacked_bytes: 4 << 20,
        max_pages: 20,
        max_rows: 10_000,
        max_cells: 100_000,
        max_ocr_seconds: 0,
        ..Limits::default()
    };
    let_libraries_panic();
    if let Ok(found) = extract_bytes(bytes, format, &limits) {
        check(&found);
    }
}

/// The readers catch what their parsers panic on, which the engine would stop at. Panics of the readers still end a run.
fn let_libraries_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let stop = panic::take_hook();
        panic::set_hook(Box::new(move |found| {
            let is_ours = found.location().is_none_or(|place| !place.file().contains("/registry/src/"));
            if is_ours {
                stop(found);
            }
        }));
    });
}

/// Sections are ordered, disjoint, on character boundaries, and cover all that is not blank.
fn check(found: &Extracted) {
    let mut end = 0;
    for section in &found.sections {
        assert!(section.start >= end && section.end > section.start);
        assert!(found.text[end..section.start].trim().is_empty());
        assert!(!found.text[section.start..section.end].trim().is_empty());
        end = section.end;
    }
    assert!(found.text[end..].trim().is_empty());
}

/// Reads a container as it is, and anything else as the part `name` of one. Other parts may stand beside it.
pub fn read_part(bytes: &[u8], format: Format, name: &str, others: &[(&str, &str)]) {
    if bytes.starts_with(b"PK") {
        return read(bytes, format);
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let parts = others.iter().map(|(name, part)| (*name, part.as_bytes())).chain([(name, bytes)]);
    for (name, part) in parts {
        zip.start_file(name, stored).expect("the names differ");
        zip.write_all(part).expect("memory takes it");
    }
    read(zip.finish().expect("memory takes it").get_ref(), format);
}
