//! A writer of plain PDF files: pages of dense text in Helvetica, compressed as usual (ISO 32000-1, 7.5).

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use crate::{Result, corpus};

const LINES: usize = 54;
const CHARACTERS: usize = 96;
/// Objects before the pages: the catalogue, the page tree and the font.
const FIRST_PAGE: usize = 4;

/// A file of so many pages.
pub fn write(pages: usize) -> Result<Vec<u8>> {
    let mut random = corpus::Random(0x9DF);
    let mut file = File::default();
    file.bytes.extend_from_slice(b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n");
    let kids: Vec<String> = (0..pages).map(|n| format!("{} 0 R", FIRST_PAGE + 2 * n)).collect();
    file.object("<< /Type /Catalog /Pages 2 0 R >>");
    file.object(&format!("<< /Type /Pages /Count {pages} /Kids [{}] >>", kids.join(" ")));
    file.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    let mut text = Lines::default();
    for page in 0..pages {
        let lines: Vec<String> = (0..LINES).map(|_| text.next(&mut random)).collect();
        let contents = FIRST_PAGE + 2 * page + 1;
        file.object(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        file.stream(&operators(page + 1, &lines))?;
    }
    Ok(file.finish())
}

/// What draws a page: a running head, the lines, the page's number.
fn operators(number: usize, lines: &[String]) -> String {
    let mut drawn = format!(
        "BT /F1 8 Tf 50 810 Td (Service manual) Tj ET\nBT /F1 8 Tf 290 30 Td ({number}) Tj ET\nBT /F1 10 Tf 13.5 TL 50 785 Td\n"
    );
    for line in lines {
        // The corpus holds neither parentheses nor backslashes, which would need escaping.
        drawn.push_str(&format!("({line}) Tj T*\n"));
    }
    drawn + "ET\n"
}

/// Text that flows from line to line and page to page.
#[derive(Default)]
struct Lines {
    rest: String,
}

impl Lines {
    fn next(&mut self, random: &mut corpus::Random) -> String {
        if self.rest.is_empty() {
            self.rest = corpus::paragraph(random);
        }
        let end = if self.rest.len() <= CHARACTERS {
            self.rest.len()
        } else {
            self.rest[..CHARACTERS].rfind(' ').unwrap_or(CHARACTERS)
        };
        let line = self.rest[..end].to_owned();
        self.rest = self.rest[end..].trim_start().to_owned();
        line
    }
}

/// A file that is being written, with the offset of each object.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl File {
    fn object(&mut self, content: &str) {
        self.offsets.push(self.bytes.len());
        let number = self.offsets.len();
        self.bytes.extend_from_slice(format!("{number} 0 obj\n{content}\nendobj\n").as_bytes());
    }

    fn stream(&mut self, content: &str) -> Result<()> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_bytes())?;
        let packed = encoder.finish()?;
        self.offsets.push(self.bytes.len());
        let number = self.offsets.len();
        let head = format!("{number} 0 obj\n<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len());
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(&packed);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        let (start, size) = (self.bytes.len(), self.offsets.len() + 1);
        self.bytes.extend_from_slice(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
        for offset in &self.offsets {
            self.bytes.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
        }
        let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
        self.bytes.extend_from_slice(trailer.as_bytes());
        self.bytes
    }
}
