#![no_main]

use documents::Format;
use libfuzzer_sys::fuzz_target;

const OTHERS: &[(&str, &str)] = &[
    ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r\"/></sheets></workbook>"),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
    ),
];

fuzz_target!(|bytes: &[u8]| documents_fuzz::read_part(
    bytes,
    Format::Xlsx,
    "xl/worksheets/sheet1.xml",
    OTHERS
));
