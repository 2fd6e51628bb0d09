//! A PDF of pages with text and lines, as ISO 32000-1 describes it: the objects, where each begins, and the trailer.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::ZlibEncoder};

use super::font::{Embedded, Font};
use crate::{Error, Result};

/// A4, in points.
pub(super) const WIDTH: f32 = 595.0;
pub(super) const HEIGHT: f32 = 842.0;

/// What is written to.
pub(super) struct Document {
    pub font: Font,
    pages: Vec<String>,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Points.
    pub size: f32,
    /// The font has one weight; a bold text is drawn with a thin edge.
    pub bold: bool,
    /// 0 is black, 1 is white.
    pub grey: f32,
}

impl Document {
    pub fn new(font: Font) -> Self {
        Self { font, pages: vec![String::new()] }
    }

    /// Begins another page.
    pub fn turn(&mut self) {
        self.pages.push(String::new());
    }

    fn page(&mut self) -> &mut String {
        if self.pages.is_empty() {
            self.pages.push(String::new());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// A text that begins at a place.
    pub fn text(&mut self, (x, y): (f32, f32), style: Style, text: &str) -> Result<()> {
        let digits = self.font.encode(text)?;
        let Style { size, bold, grey } = style;
        let edge = if bold { format!("2 Tr {:.2} w ", size / 32.0) } else { "0 Tr ".to_owned() };
        let page = self.page();
        writeln!(page, "BT /F1 {size} Tf {grey} g {grey} G {edge}{x:.2} {y:.2} Td <{digits}> Tj ET")
            .map_err(Error::internal)
    }

    /// A text that ends at a place.
    pub fn text_to(&mut self, (x, y): (f32, f32), style: Style, text: &str) -> Result<()> {
        let width = self.font.width(text)? * style.size / 1000.0;
        self.text((x - width, y), style, text)
    }

    /// A line across.
    pub fn rule(&mut self, (from, to): (f32, f32), y: f32, grey: f32) -> Result<()> {
        let page = self.page();
        writeln!(page, "{grey} G 0.7 w {from:.2} {y:.2} m {to:.2} {y:.2} l S").map_err(Error::internal)
    }

    /// A text in lines that are not wider than so many points; a word that is wider is cut.
    pub fn wrap(&self, text: &str, size: f32, most: f32) -> Result<Vec<String>> {
        let fits = |text: &str| Ok::<_, Error>(self.font.width(text)? * size / 1000.0 <= most);
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let mut word = word.to_owned();
            loop {
                let last = lines.last().cloned().unwrap_or_default();
                let joined = if last.is_empty() { word.clone() } else { format!("{last} {word}") };
                if fits(&joined)? {
                    lines.pop();
                    lines.push(joined);
                    break;
                }
                if !last.is_empty() {
                    lines.push(String::new());
                    continue;
                }
                let mut head = String::new();
                let mut rest = word.chars();
                for character in rest.by_ref() {
                    head.push(character);
                    if !fits(&head)? {
                        break;
                    }
                }
                let over = if head.chars().count() > 1 { head.pop() } else { None };
                lines.pop();
                lines.extend([head, String::new()]);
                word = over.into_iter().chain(rest).collect();
                if word.is_empty() {
                    break;
                }
            }
        }
        lines.retain(|line| !line.is_empty());
        Ok(lines)
    }

    /// The file.
    pub fn finish(self, title: &str) -> Result<Vec<u8>> {
        let embedded = self.font.embed()?;
        let mut file = File::default();
        // 1 the catalogue, 2 the pages, 3 to 7 the font, 8 what the file is, then two objects a page.
        let page = |n: usize| 9 + 2 * n;
        let kids: Vec<String> = (0..self.pages.len()).map(|n| format!("{} 0 R", page(n))).collect();
        file.object("<< /Type /Catalog /Pages 2 0 R >>");
        file.object(&format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len()));
        font(&mut file, &embedded)?;
        file.object(&format!("<< /Title <{}> /Producer (Frontdesk) >>", utf16(title)));
        for (n, content) in self.pages.iter().enumerate() {
            file.object(&format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
                page(n) + 1
            ));
            file.stream("", content.as_bytes())?;
        }
        Ok(file.finish())
    }
}

/// A composite font: its glyphs are called by their number, and a table tells readers which character each is, so that
/// text can be found and copied.
fn font(file: &mut File, font: &Embedded) -> Result<()> {
    file.object(
        "<< /Type /Font /Subtype /Type0 /BaseFont /FRONTD+Sans /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 7 0 R >>",
    );
    let widths: Vec<String> = font.widths.iter().map(|width| format!("{width:.0}")).collect();
    file.object(&format!(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /FRONTD+Sans /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 5 0 R /CIDToGIDMap /Identity /W [0 [{}]] >>",
        widths.join(" ")
    ));
    let [left, bottom, right, top] = font.bounds;
    file.object(&format!(
        "<< /Type /FontDescriptor /FontName /FRONTD+Sans /Flags 4 /FontBBox [{left:.0} {bottom:.0} {right:.0} {top:.0}] /ItalicAngle 0 /Ascent {:.0} /Descent {:.0} /CapHeight {:.0} /StemV 80 /FontFile2 6 0 R >>",
        font.ascent, font.descent, font.cap_height
    ));
    file.stream(&format!("/Length1 {} ", font.bytes.len()), &font.bytes)?;
    file.stream("", characters(&font.characters).as_bytes())
}

/// The table of characters, a hundred in a part as the format asks.
fn characters(of: &[(u16, char)]) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Frontdesk def /CMapType 2 def\n\
         1 begincodespacerange <0000> <FFFF> endcodespacerange\n",
    );
    for part in of.chunks(100) {
        map.push_str(&format!("{} beginbfchar\n", part.len()));
        for (number, character) in part {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            let digits: String = units.iter().map(|unit| format!("{unit:04X}")).collect();
            map.push_str(&format!("<{number:04X}> <{digits}>\n"));
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap CMapName currentdict /CMap defineresource pop end end\n");
    map
}

/// A text as PDF keeps it outside of pages.
fn utf16(text: &str) -> String {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.map(|unit| format!("{unit:04X}")).collect()
}

/// The bytes so far, and where each object begins.
struct File {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Default for File {
    fn default() -> Self {
        // The second line holds bytes above 127, so that nobody takes the file for text.
        Self { bytes: b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(), places: Vec::new() }
    }
}

impl File {
    fn begin(&mut self) {
        self.places.push(self.bytes.len());
        self.bytes.extend(format!("{} 0 obj\n", self.places.len()).into_bytes());
    }

    fn object(&mut self, body: &str) {
        self.begin();
        self.bytes.extend(body.as_bytes());
        self.bytes.extend(b"\nendobj\n");
    }

    fn stream(&mut self, entries: &str, body: &[u8]) -> Result<()> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(body).map_err(Error::internal)?;
        let packed = packed.finish().map_err(Error::internal)?;
        self.begin();
        self.bytes.extend(
            format!("<< {entries}/Filter /FlateDecode /Length {} >>\nstream\n", packed.len()).into_bytes(),
        );
        self.bytes.extend(packed);
        self.bytes.extend(b"\nendstream\nendobj\n");
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let count = self.places.len() + 1;
        let mut tail = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for place in &self.places {
            tail.push_str(&format!("{place:010} 00000 n \n"));
        }
        tail.push_str(&format!(
            "trailer\n<< /Size {count} /Root 1 0 R /Info 8 0 R >>\nstartxref\n{start}\n%%EOF\n"
        ));
        self.bytes.extend(tail.into_bytes());
        self.bytes
    }
}
