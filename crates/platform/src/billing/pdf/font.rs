//! The font of a PDF, cut down to the glyphs that are used.
//!
//! The fonts that every reader has can write Latin-1 only, and people's names need more: so the font is embedded.
//! DejaVu Sans has Latin, Greek, Cyrillic, Armenian, Georgian and more, 5,900 characters in all; for other scripts the
//! operator names a font. Text is set from left to right, a glyph a character: scripts that are written from right to
//! left or join their letters are not set as they should be.

use std::{borrow::Cow, collections::BTreeMap};

use subsetter::{GlyphRemapper, subset};
use ttf_parser::Face;

use crate::{Error, Result};

/// DejaVu Sans 2.37; see NOTICE.
const EMBEDDED: &[u8] = include_bytes!("DejaVuSans.ttf");
/// What stands for a character that the font does not have.
const MISSING: char = '\u{fffd}';

/// A font, and what was written with it.
pub(super) struct Font {
    bytes: Cow<'static, [u8]>,
    used: GlyphRemapper,
    /// By the number of a glyph in the part that is embedded: its width, and the character it stands for.
    glyphs: BTreeMap<u16, (f32, char)>,
}

/// A font as it stands in a PDF; lengths are thousandths of its size.
pub(super) struct Embedded {
    pub bytes: Vec<u8>,
    pub widths: Vec<f32>,
    pub characters: Vec<(u16, char)>,
    pub bounds: [f32; 4],
    pub ascent: f32,
    pub descent: f32,
    pub cap_height: f32,
}

impl Font {
    /// The embedded font, or that of a file.
    ///
    /// # Errors
    /// Internal when the file is no TrueType font.
    pub fn open(file: Option<&str>) -> Result<Self> {
        let bytes = match file {
            Some(file) => Cow::Owned(std::fs::read(file).map_err(Error::internal)?),
            None => Cow::Borrowed(EMBEDDED),
        };
        let face = Face::parse(&bytes, 0).map_err(Error::internal)?;
        if face.tables().glyf.is_none() {
            return Err(Error::internal("the font of invoices has no TrueType outlines"));
        }
        Ok(Self { bytes, used: GlyphRemapper::new(), glyphs: BTreeMap::new() })
    }

    fn face(&self) -> Result<Face<'_>> {
        Face::parse(&self.bytes, 0).map_err(Error::internal)
    }

    /// A text as its glyphs' numbers, in hexadecimal digits.
    pub fn encode(&mut self, text: &str) -> Result<String> {
        let face = Face::parse(&self.bytes, 0).map_err(Error::internal)?;
        let mut digits = String::new();
        for character in text.chars() {
            let known = face.glyph_index(character).or_else(|| face.glyph_index(MISSING));
            let glyph = known.unwrap_or_default();
            let width = thousandths(&face, face.glyph_hor_advance(glyph).unwrap_or_default().into());
            let number = self.used.remap(glyph.0);
            self.glyphs.entry(number).or_insert((width, character));
            digits.push_str(&format!("{number:04X}"));
        }
        Ok(digits)
    }

    /// How wide a text is, in thousandths of the font's size.
    pub fn width(&self, text: &str) -> Result<f32> {
        let face = self.face()?;
        let advance = |character| {
            let glyph = face.glyph_index(character).or_else(|| face.glyph_index(MISSING)).unwrap_or_default();
            f32::from(face.glyph_hor_advance(glyph).unwrap_or_default())
        };
        Ok(thousandths(&face, text.chars().map(advance).sum()))
    }

    /// The font with the glyphs that were used, and nothing else.
    pub fn embed(&self) -> Result<Embedded> {
        let face = self.face()?;
        let each = |number: i16| thousandths(&face, number.into());
        let bounds = face.global_bounding_box();
        let last = self.glyphs.keys().next_back().copied().unwrap_or_default();
        let width = |number| self.glyphs.get(&number).map_or(0.0, |(width, _)| *width);
        Ok(Embedded {
            bytes: subset(&self.bytes, 0, &self.used).map_err(|error| Error::internal(error.to_string()))?,
            widths: (0..=last).map(width).collect(),
            characters: self.glyphs.iter().map(|(number, (_, character))| (*number, *character)).collect(),
            bounds: [each(bounds.x_min), each(bounds.y_min), each(bounds.x_max), each(bounds.y_max)],
            ascent: each(face.ascender()),
            descent: each(face.descender()),
            cap_height: each(face.capital_height().unwrap_or_else(|| face.ascender())),
        })
    }
}

fn thousandths(face: &Face<'_>, length: f32) -> f32 {
    length * 1000.0 / f32::from(face.units_per_em().max(1))
}
