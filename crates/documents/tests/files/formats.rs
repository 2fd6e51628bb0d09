//! Whole files through [`documents::extract`]: the ones in `fixtures`, and hostile ones made here.

use crate::common::{assert_sections, fixture, package, read, read_bytes, section};
use documents::{ExtractError, Extracted, Format, Limits, SectionKind, extract};
use zip::write::{SimpleFileOptions, ZipWriter};

fn read_fixture(name: &str) -> Extracted {
    let found = read(&fixture(name), name).unwrap();
    assert_sections(&found);
    found
}

/// A Word document with this body and a plain main relationship.
fn docx(body: &str) -> Vec<u8> {
    package(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", body)])
}

#[test]
fn pdf_pages_become_headings_and_whole_sentences() {
    let found = read_fixture("handbook.pdf");
    assert_eq!((found.format, found.pages, found.language.as_deref()), (Format::Pdf, Some(3), Some("en")));
    assert_eq!(found.title.as_deref(), Some("Acme Support Handbook 2026"));
    assert!(found.text.contains(
        "The refund for case 7 is sent to the card that was used for the order within a fortnight, and"
    ));
    let norway = section(&found, "Rule 3 says");
    assert_eq!((norway.heading.as_deref(), norway.page), (Some("Shipping > Norway"), Some(1)));
    let case = section(&found, "Case 16 covers");
    assert_eq!((case.heading.as_deref(), case.page), (Some("Returns"), Some(3)));
    assert_eq!(section(&found, "Keep the receipt.").kind, SectionKind::ListItem);
    assert_eq!(section(&found, "Use the original box.").kind, SectionKind::ListItem);
    assert!(!found.text.contains("Acme Support Handbook"), "the running header is left out");
    assert!(!found.text.contains("Page 2 of 3"), "the page number is left out");
}

#[test]
fn pdf_running_lines_can_be_kept() {
    let limits = Limits { keep_running_lines: true, ..Limits::default() };
    let kept = extract(&fixture("handbook.pdf"), "a.pdf", &limits, &mut |_| {}).unwrap().text;
    assert_eq!(kept.matches("Acme Support Handbook").count(), 3);
    assert!(kept.contains("Page 2 of 3"));
}

#[test]
fn pdf_columns_are_read_one_after_the_other() {
    let found = read_fixture("columns.pdf");
    let paragraphs: Vec<&str> = found.text.split("\n\n").collect();
    assert_eq!(paragraphs[0], "Warranty and repairs of machines at a glance for everybody");
    assert!(
        paragraphs[1]
            .ends_with("excluded from the warranty, and so is damage from well-known causes such as water.")
    );
    assert!(paragraphs[2].contains("Write to us before you send anything in, so that we can prepare"));
}

#[test]
fn pdf_passwords_and_pictures_are_told() {
    assert_eq!(read(&fixture("password.pdf"), "a.pdf"), Err(ExtractError::Encrypted));
    assert_eq!(read(&fixture("owner_only.pdf"), "a.pdf").unwrap().text, read_fixture("columns.pdf").text);
    assert_eq!(read(&fixture("pictures.pdf"), "a.pdf"), Err(ExtractError::NoText { pages: 2 }));
    let mixed = read_fixture("mixed.pdf");
    assert!(mixed.warnings[0].contains("pages 2, 4-5"), "{:?}", mixed.warnings);
    assert_eq!(section(&mixed, "Only page 3").page, Some(3));
}

#[test]
fn pdf_damage_is_an_error() {
    assert_eq!(read(&fixture("truncated.pdf"), "a.pdf").unwrap_err().code(), "damaged");
    assert_eq!(read_bytes(b"%PDF-1.4 nothing more", "a.pdf").unwrap_err().code(), "damaged");
}

#[test]
fn pdf_progress_names_every_page() {
    let mut seen = Vec::new();
    extract(&fixture("handbook.pdf"), "a.pdf", &Limits::default(), &mut |step| seen.push(step)).unwrap();
    let steps: Vec<_> = seen.iter().map(|step| (step.pages_done, step.pages_total)).collect();
    assert_eq!(steps, [(1, Some(3)), (2, Some(3)), (3, Some(3))]);
}

#[test]
fn limits_are_kept() {
    let pages = Limits { max_pages: 2, ..Limits::default() };
    let error = extract(&fixture("handbook.pdf"), "a.pdf", &pages, &mut |_| {}).unwrap_err();
    assert_eq!(error, ExtractError::TooLarge { what: "number of pages".into(), limit: 2 });
    let bytes = Limits { max_file_bytes: 100, ..Limits::default() };
    let error = extract(&fixture("handbook.pdf"), "a.pdf", &bytes, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "too_large");
}

#[test]
fn word_documents_keep_their_structure() {
    let found = read_fixture("policy.docx");
    assert_eq!((found.format, found.title.as_deref()), (Format::Docx, Some("Returns policy")));
    assert_eq!(
        found.text,
        "Returns\n\nOur return window is 30 days.\n\nExceptions\n\nOpened software\nGift cards\n\n\
         Plan: Starter; Price: 29 USD; Agents: 5\nPlan: Team; Price: 99 USD; Agents: 20\n\n\
         The fee is five euros.\n\nVisible."
    );
    let row = section(&found, "Plan: Team");
    assert_eq!(
        (row.kind, row.row, row.heading.as_deref()),
        (SectionKind::TableRow, Some(2), Some("Returns > Exceptions"))
    );
    assert_eq!(section(&found, "Gift cards").kind, SectionKind::ListItem);
}

#[test]
fn word_merged_cells_text_boxes_and_entities_are_read() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>")
    };
    let body = format!(
        "<w:document><w:body><w:p><w:r><w:t>A &amp; B&#33; &unknown;</w:t><mc:AlternateContent><mc:Choice>\
         <w:p><w:r><w:t>In a box</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>Twice</w:t></w:r></w:p>\
         </mc:Fallback></mc:AlternateContent></w:r></w:p>\
         <w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{}{}</w:tr><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl></w:body></w:document>",
        cell("", "Plan"),
        cell("", "Price"),
        cell("<w:vMerge w:val=\"restart\"/>", "Starter"),
        cell("", "27"),
        cell("<w:vMerge/>", ""),
        cell("", "29"),
    );
    let found = read_bytes(&docx(&body), "a.docx").unwrap();
    assert_eq!(found.text, "In a box\n\nA & B!\n\nPlan: Starter; Price: 27\nPlan: Starter; Price: 29");
}

#[test]
fn word_bombs_are_refused_or_harmless() {
    let bomb =
        docx(&format!("<w:document><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:document>", "0".repeat(18 << 20)));
    assert!(bomb.len() < 100_000, "the bomb is small before it is opened");
    assert_eq!(read_bytes(&bomb, "a.docx").unwrap_err().code(), "too_large");
    let laughs = "<!DOCTYPE d [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
                  <w:document><w:p><w:r><w:t>Safe&b;&f;</w:t></w:r></w:p></w:document>";
    assert_eq!(read_bytes(&docx(laughs), "a.docx").unwrap().text, "Safe");
    let deep = format!("<w:document>{}{}</w:document>", "<w:p>".repeat(50_000), "</w:p>".repeat(50_000));
    assert_eq!(read_bytes(&docx(&deep), "a.docx").unwrap_err(), ExtractError::Empty);
}

#[test]
fn word_damage_is_an_error() {
    let whole = std::fs::read(fixture("policy.docx")).unwrap();
    assert_eq!(read_bytes(&whole[..20_000], "a.docx").unwrap_err().code(), "damaged");
    assert_eq!(read_bytes(&docx("<w:document><w:p><w:r><w:t>cut"), "a.docx").unwrap_err().code(), "damaged");
}

#[test]
fn names_that_lie_are_told() {
    let found = read(&fixture("columns.pdf"), "a.docx").unwrap();
    assert_eq!(found.format, Format::Pdf);
    assert!(found.warnings[0].contains("read as that"), "{:?}", found.warnings);
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("photo.raw", SimpleFileOptions::default()).unwrap();
    let plain = zip.finish().unwrap().into_inner();
    assert_eq!(read_bytes(&plain, "a.docx").unwrap_err().code(), "type_mismatch");
    assert_eq!(read_bytes(&plain, "a.zip").unwrap_err().code(), "unsupported");
    assert_eq!(read_bytes(b"", "a.docx").unwrap_err(), ExtractError::Empty);
    assert_eq!(read_bytes(b" \n\t ", "a.txt").unwrap_err(), ExtractError::Empty);
}
