//! Files made to hurt: each ends in a clear error, or costs no more than what is in it.

use std::time::{Duration, Instant};

use crate::common::{book, open_document, package, presentation, read_bytes, relations, workbook};
use documents::{ExtractError, Extracted};

/// How long reading may take in the slow dev profile. A server gives it minutes.
const PATIENCE: Duration = Duration::from_secs(30);

fn bounded(bytes: &[u8], name: &str) -> Result<Extracted, ExtractError> {
    let started = Instant::now();
    let read = read_bytes(bytes, name);
    assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
    read
}

fn code(bytes: &[u8], name: &str) -> &'static str {
    bounded(bytes, name).unwrap_err().code()
}

#[test]
fn bombs_in_every_container_are_refused() {
    let zeros = "0".repeat(18 << 20);
    let slide = format!("<p:sld><p:sp><a:p><a:t>{zeros}</a:t></a:p></p:sp></p:sld>");
    let sheet = format!("<sheetData><row><c t=\"str\"><v>{zeros}</v></c></row></sheetData>");
    let bombs = [
        (presentation(&[(&slide, None)]), "a.pptx"),
        (workbook(&[("A", false, &sheet)]), "a.xlsx"),
        (open_document("text", "", &format!("<text:p>{zeros}</text:p>")), "a.odt"),
        (open_document("spreadsheet", "", &zeros), "a.ods"),
        (book(&[("a", &zeros)], &["a"]), "a.epub"),
    ];
    for (bomb, name) in bombs {
        assert!(bomb.len() < 200_000, "{name} is small before it is opened");
        assert_eq!(code(&bomb, name), "too_large", "{name}");
    }
}

#[test]
fn containers_in_containers_are_not_opened() {
    let inner = "PK\u{3}\u{4} pretends to be another one";
    let file = package(&[("[Content_Types].xml", "<Types/>"), ("word/inner.zip", inner), ("a.docx", inner)]);
    assert_eq!(code(&file, "a.docx"), "type_mismatch");
    assert_eq!(code(&package(&[("inner.zip", inner)]), "a.zip"), "unsupported");
}

#[test]
fn entities_are_not_expanded() {
    let laughs =
        "<!DOCTYPE d [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let slide = format!("{laughs}<p:sld><p:sp><a:p><a:t>Safe&b;&f;</a:t></a:p></p:sp></p:sld>");
    assert_eq!(bounded(&presentation(&[(&slide, None)]), "a.pptx").unwrap().text, "Safe");
    let page = format!("{laughs}<html><body><p>Safe&b;&f;</p></body></html>");
    assert!(!bounded(&book(&[("a", &page)], &["a"]), "a.epub").unwrap().text.contains("root:"));
    let cell = "<sheetData><row><c t=\"inlineStr\"><is><t>Safe&b;&f;</t></is></c></row></sheetData>";
    let mut sheets = workbook(&[("A", false, cell)]);
    let read = bounded(&std::mem::take(&mut sheets), "a.xlsx");
    assert!(read.is_err() || !read.unwrap().text.contains("root:"));
}

#[test]
fn sheets_cost_what_is_in_them() {
    let far = "<dimension ref=\"A1:XFD4000000000\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>a</v></c></row>\
               <row r=\"1048576\"><c r=\"XFD1048576\" t=\"str\"><v>b</v></c></row></sheetData>";
    assert_eq!(bounded(&workbook(&[("A", false, far)]), "a.xlsx").unwrap().text, "A\n\na\n\nb");
    let wide: String = (0..100_000).map(|_| "<c t=\"str\"><v>x</v></c>").collect();
    let wide = format!("<sheetData><row r=\"1\">{wide}</row></sheetData>");
    let read = bounded(&workbook(&[("A", false, &wide)]), "a.xlsx");
    assert!(read.is_ok_and(|found| found.text.len() < 400_000), "100,000 columns are one long row");
    let beyond =
        "<sheetData><row r=\"99999999999\"><c r=\"ZZZZZZZ99999999999\"><v>1</v></c></row></sheetData>";
    assert_eq!(code(&workbook(&[("A", false, beyond)]), "a.xlsx"), "damaged");
}

#[test]
fn repeated_cells_and_rows_are_bounded() {
    let row = |rows: &str, columns: &str| {
        format!(
            "<table:table><table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell \
             table:number-columns-repeated=\"{columns}\"><text:p>x</text:p></table:table-cell></table:table-row></table:table>"
        )
    };
    for kind in ["spreadsheet", "text"] {
        for (rows, columns) in [("4000000000", "1"), ("1", "4000000000"), ("100000", "16000")] {
            let file = open_document(kind, "", &row(rows, columns));
            let read = bounded(&file, "a.ods");
            let is_bounded = read
                .as_ref()
                .map_or_else(|error| error.code() == "too_large", |found| found.text.len() < 100_000);
            assert!(is_bounded, "{kind} {rows} {columns}: {:?}", read.err());
        }
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = |open: &str, close: &str| open.repeat(300_000) + "x" + &close.repeat(300_000);
    let slide = format!("<p:sld>{}</p:sld>", deep("<p:grpSp>", "</p:grpSp>"));
    assert_eq!(bounded(&presentation(&[(&slide, None)]), "a.pptx"), Err(ExtractError::Empty));
    let lists = deep("<text:list>", "</text:list>");
    assert_eq!(bounded(&open_document("text", "", &lists), "a.odt"), Err(ExtractError::Empty));
    let tables = deep("<table:table><table:table-cell>", "</table:table-cell></table:table>");
    assert!(bounded(&open_document("text", "", &tables), "a.odt").is_err());
    assert_eq!(code("[".repeat(1_000_000).as_bytes(), "a.json"), "too_large");
    assert_eq!(code("{\"a\":".repeat(1_000_000).as_bytes(), "a.json"), "too_large");
    assert_eq!(code(("{\\rtf1".to_owned() + &"{".repeat(1_000_000)).as_bytes(), "a.rtf"), "too_large");
    assert_eq!(code("<b>".repeat(100_000).as_bytes(), "a.html"), "too_large");
}

#[test]
fn messages_in_messages_end_somewhere() {
    let mut mail = "Subject: innermost\n\nText".to_owned();
    for depth in 0..200 {
        mail = format!("Subject: level {depth}\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n{mail}");
    }
    let read = bounded(mail.as_bytes(), "a.eml");
    assert!(read.is_ok_and(|found| found.text.contains("level 199")));
    let mut parts =
        String::from("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n");
    for depth in 0..5_000 {
        parts += &format!("--b\nContent-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n");
    }
    assert!(bounded((parts + "\nText").as_bytes(), "a.eml").is_ok());
}

#[test]
fn lists_that_lead_nowhere_or_in_circles_end() {
    let page = "<html><body><p>Once.</p></body></html>";
    let spine = vec!["a"; 50_000];
    assert_eq!(bounded(&book(&[("a", page)], &spine), "a.epub").unwrap().text, "Once.");
    let links = relations(&[("r", "officeDocument", "_rels/.rels")]);
    let circle = package(&[("ppt/slides/x", ""), ("_rels/.rels", &links)]);
    assert_eq!(code(&circle, "a.pptx"), "empty");
    let missing = relations(&[("r", "officeDocument", "../../../../etc/passwd")]);
    assert_eq!(code(&package(&[("ppt/slides/x", ""), ("_rels/.rels", &missing)]), "a.pptx"), "type_mismatch");
}

#[test]
fn files_that_lie_about_lengths_are_damaged() {
    let slide = "<p:sld><p:sp><a:p><a:t>Text</a:t></a:p></p:sp></p:sld>";
    for (file, name) in [
        (presentation(&[(slide, None)]), "a.pptx"),
        (workbook(&[("A", false, "<sheetData/>")]), "a.xlsx"),
        (open_document("text", "", "<text:p>x</text:p>"), "a.odt"),
        (book(&[("a", "<p>x</p>")], &["a"]), "a.epub"),
    ] {
        assert_eq!(code(&file[..file.len() / 2], name), "damaged", "{name} cut in two");
        // Sizes in the central directory that nobody can have.
        let mut lying = file.clone();
        let directory = lying.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
        lying[directory + 20..directory + 28].fill(0xF0);
        // Some readers never look at them; that reading ends is what counts.
        let _ = bounded(&lying, name);
    }
    assert_eq!(code(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 nothing more", "a.xls"), "damaged");
    assert!(bounded(b"{\\rtf1 x\\bin2147483647 y}", "a.rtf").is_ok_and(|found| found.text == "x"));
}
