#![no_main]

use documents::Format;
use libfuzzer_sys::fuzz_target;

const OTHERS: &[(&str, &str)] =
    &[("META-INF/container.xml", "<rootfile full-path=\"book.opf\"/>"), ("a.xhtml", "<p>x</p>")];

fuzz_target!(|bytes: &[u8]| documents_fuzz::read_part(bytes, Format::Epub, "book.opf", OTHERS));
