#![no_main]

use documents::Format;
use libfuzzer_sys::fuzz_target;

const OTHERS: &[(&str, &str)] = &[
    ("ppt/presentation.xml", "<p:presentation><p:sldId r:id=\"r\"/></p:presentation>"),
    ("ppt/_rels/presentation.xml.rels", "<R><R Id=\"r\" Type=\"x/slide\" Target=\"slides/slide1.xml\"/></R>"),
];

fuzz_target!(|bytes: &[u8]| documents_fuzz::read_part(bytes, Format::Pptx, "ppt/slides/slide1.xml", OTHERS));
