//! What the tests of whole files share: fixtures, containers made here, and what holds for every text.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use documents::{ExtractError, Extracted, Limits, Section, extract};
use zip::write::{SimpleFileOptions, ZipWriter};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn read(path: &Path, name: &str) -> Result<Extracted, ExtractError> {
    extract(path, name, &Limits::default(), &mut |_| {})
}

pub fn read_bytes(bytes: &[u8], name: &str) -> Result<Extracted, ExtractError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload");
    std::fs::write(&path, bytes).unwrap();
    let read = read(&path, name);
    if let Ok(found) = &read {
        assert_sections(found);
    }
    read
}

/// Sections are ordered and disjoint, and nothing visible is left between them.
pub fn assert_sections(found: &Extracted) {
    let mut end = 0;
    for section in &found.sections {
        assert!(section.start >= end && section.end > section.start, "{section:?} after {end}");
        assert!(found.text[end..section.start].trim().is_empty(), "text between sections before {section:?}");
        end = section.end;
    }
    assert!(found.text[end..].trim().is_empty());
}

pub fn section<'a>(found: &'a Extracted, text: &str) -> &'a Section {
    let at = found.text.find(text).unwrap_or_else(|| panic!("no {text:?} in {}", found.text));
    found.sections.iter().find(|section| section.start <= at && at < section.end).unwrap()
}

/// A container with these parts in this order.
pub fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A relationship list with one entry an id.
pub fn relations(entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(id, kind, target)| {
            format!("<Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>")
        })
        .collect();
    format!("<Relationships>{entries}</Relationships>")
}

/// A workbook with these sheets: name, whether it is hidden, and the rows in SpreadsheetML. Style 1 shows a price,
/// style 2 a date.
pub fn workbook(sheets: &[(&str, bool, &str)]) -> Vec<u8> {
    let mut list = String::new();
    let mut links = vec![("s".to_owned(), "styles", "styles.xml".to_owned())];
    let mut parts = Vec::new();
    for (at, (name, hidden, rows)) in sheets.iter().enumerate() {
        let state = if *hidden { "hidden" } else { "visible" };
        list += &format!("<sheet name=\"{name}\" sheetId=\"{0}\" state=\"{state}\" r:id=\"r{at}\"/>", at + 1);
        links.push((format!("r{at}"), "worksheet", format!("worksheets/sheet{at}.xml")));
        let sheet = format!("<worksheet>{rows}</worksheet>");
        parts.push((format!("xl/worksheets/sheet{at}.xml"), sheet));
    }
    let links: Vec<_> = links.iter().map(|(id, kind, to)| (id.as_str(), *kind, to.as_str())).collect();
    let main = relations(&[("r", "officeDocument", "xl/workbook.xml")]);
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"#,##0.00\\ &quot;€&quot;\"/></numFmts>\
                  <fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>\
                  <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let workbook = format!("<workbook xmlns:r=\"x\"><sheets>{list}</sheets></workbook>");
    let links = relations(&links);
    let mut all: Vec<(&str, &str)> = vec![
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &main),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", &links),
        ("xl/styles.xml", styles),
    ];
    all.extend(parts.iter().map(|(name, part)| (name.as_str(), part.as_str())));
    package(&all)
}

/// A presentation with these slides, each with the text of its notes if it has any.
pub fn presentation(slides: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut ids = String::new();
    let mut links = Vec::new();
    let mut parts = Vec::new();
    for (at, (slide, notes)) in slides.iter().enumerate() {
        // The order of the show is not the order of the files.
        let file = slides.len() - at;
        ids += &format!("<p:sldId id=\"{}\" r:id=\"r{at}\"/>", 256 + at);
        links.push((format!("r{at}"), "slide", format!("slides/slide{file}.xml")));
        parts.push((format!("ppt/slides/slide{file}.xml"), (*slide).to_owned()));
        if let Some(notes) = notes {
            let list = relations(&[("n", "notesSlide", &format!("../notesSlides/notes{file}.xml"))]);
            parts.push((format!("ppt/slides/_rels/slide{file}.xml.rels"), list));
            let page = format!(
                "<p:notes><p:sp><p:nvPr><p:ph type=\"sldNum\"/></p:nvPr><a:p><a:r><a:t>7</a:t></a:r></a:p></p:sp>\
                 <p:sp><p:nvPr><p:ph type=\"body\"/></p:nvPr><a:p><a:r><a:t>{notes}</a:t></a:r></a:p></p:sp></p:notes>"
            );
            parts.push((format!("ppt/notesSlides/notes{file}.xml"), page));
        }
    }
    let links: Vec<_> = links.iter().map(|(id, kind, to)| (id.as_str(), *kind, to.as_str())).collect();
    let (main, links) = (relations(&[("r", "officeDocument", "ppt/presentation.xml")]), relations(&links));
    let show = format!("<p:presentation><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>");
    let mut all: Vec<(&str, &str)> = vec![
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", &main),
        ("ppt/presentation.xml", &show),
        ("ppt/_rels/presentation.xml.rels", &links),
    ];
    all.extend(parts.iter().map(|(name, part)| (name.as_str(), part.as_str())));
    package(&all)
}

/// An OpenDocument file of this kind (`text`, `spreadsheet`) with this body.
pub fn open_document(kind: &str, styles: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    );
    stored_first(
        &format!("application/vnd.oasis.opendocument.{kind}"),
        &[("content.xml", &content), ("meta.xml", "<m><dc:title>Price list</dc:title></m>")],
    )
}

/// A book with these chapters and this reading order.
pub fn book(chapters: &[(&str, &str)], spine: &[&str]) -> Vec<u8> {
    let items: String = chapters
        .iter()
        .map(|(id, _)| {
            format!("<item id=\"{id}\" href=\"text/{id}%201.xhtml\" media-type=\"application/xhtml+xml\"/>")
        })
        .collect();
    let order: String = spine.iter().map(|id| format!("<itemref idref=\"{id}\"/>")).collect();
    let document = format!(
        "<package><metadata><dc:title>Handbook</dc:title></metadata><manifest>{items}</manifest><spine>{order}</spine></package>"
    );
    let files: Vec<(String, &str)> =
        chapters.iter().map(|(id, page)| (format!("OEBPS/text/{id} 1.xhtml"), *page)).collect();
    let container = "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>";
    let mut parts = vec![("META-INF/container.xml", container), ("OEBPS/book.opf", document.as_str())];
    parts.extend(files.iter().map(|(name, page)| (name.as_str(), *page)));
    stored_first("application/epub+zip", &parts)
}

/// A container that begins with its media type, as it stands.
fn stored_first(media_type: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(media_type.as_bytes()).unwrap();
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
