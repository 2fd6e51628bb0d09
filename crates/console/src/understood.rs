//! What was understood of a document: its text, block by block, with the place of each.

use platform::knowledge::{Content, Section, SectionKind};

/// Blocks on one page.
const BLOCKS: usize = 200;

/// A part of a version's text.
pub(crate) struct Understood {
    /// The version's number.
    pub version: i64,
    /// The blocks of this part.
    pub blocks: Vec<Block>,
    /// Which part it is, from 1.
    pub number: i64,
    /// How many parts there are.
    pub count: i64,
    /// Blocks in all.
    pub total: usize,
    /// What was left out or guessed.
    pub warnings: Vec<String>,
    /// ISO 639-1.
    pub language: Option<String>,
}

/// A block of text and the anchors that are new with it: a place is told where it begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The block's text.
    pub text: String,
    /// What it is, as the style knows it.
    pub kind: &'static str,
    /// The headings above it.
    pub heading: Option<String>,
    /// Its page, sheet and row.
    pub places: Vec<String>,
    /// Whether it is the one that was asked for.
    pub wanted: bool,
}

/// Which part of a text is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    /// Its number, from 1.
    pub number: Option<usize>,
    /// Else the part with this character of the text.
    pub at: Option<usize>,
}

impl Understood {
    /// One part of a version's text; the nearest there is.
    pub fn of(content: Content, part: Part) -> Self {
        let Content { version, text, sections, warnings, language, .. } = content;
        let wanted = part.at.and_then(|at| block_at(&text, &sections, at));
        let count = sections.len().div_ceil(BLOCKS).max(1);
        let number =
            part.number.unwrap_or_else(|| wanted.map_or(1, |block| block / BLOCKS + 1)).clamp(1, count);
        let first = (number - 1) * BLOCKS;
        let shown = sections.iter().enumerate().skip(first).take(BLOCKS);
        let mut before = None;
        let blocks = shown
            .map(|(index, section)| Block {
                wanted: wanted == Some(index),
                ..block(&text, section, before.replace(section))
            })
            .collect();
        let (number, count) = (number as i64, count as i64);
        Self { version, blocks, number, count, total: sections.len(), warnings, language }
    }
}

/// The block that a character of the text stands in.
fn block_at(text: &str, sections: &[Section], at: usize) -> Option<usize> {
    let byte = text.char_indices().nth(at)?.0;
    sections.iter().rposition(|section| section.start <= byte)
}

fn block(text: &str, section: &Section, before: Option<&Section>) -> Block {
    let text = text.get(section.start..section.end).unwrap_or_default().to_owned();
    let is_new = |place: fn(&Section) -> Option<String>| {
        place(section).filter(|new| before.and_then(place).as_ref() != Some(new))
    };
    let heading = is_new(|section| section.heading.clone()).filter(|path| *path != text);
    let places = [
        is_new(|section| section.page.map(|page| format!("page {page}"))),
        is_new(|section| section.sheet.clone()),
        section.row.map(|row| format!("row {row}")),
    ];
    let kind = match section.kind {
        SectionKind::Heading { .. } => "heading",
        SectionKind::Paragraph => "paragraph",
        SectionKind::ListItem => "item",
        SectionKind::TableRow => "record",
        SectionKind::Code => "code",
    };
    Block { text, kind, heading, places: places.into_iter().flatten().collect(), wanted: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::samples::content;

    #[test]
    fn a_place_is_told_where_it_begins() {
        let text = Understood::of(content(3), Part::default());
        let told: Vec<_> = text
            .blocks
            .iter()
            .map(|block| (block.kind, block.heading.as_deref(), block.places.join(", ")))
            .collect();
        assert_eq!(
            told,
            [
                ("heading", None, "page 7".into()),
                ("paragraph", Some("Prices > Norway"), String::new()),
                ("record", None, "page 8, 2026, row 1".into()),
            ]
        );
    }

    #[test]
    fn a_long_text_has_parts_and_a_character_finds_its_own() {
        let whole = Understood::of(content(450), Part { at: None, number: Some(3) });
        assert_eq!((whole.number, whole.count, whole.total, whole.blocks.len()), (3, 3, 450, 50));
        let beyond = Understood::of(content(450), Part { at: None, number: Some(9) });
        assert_eq!(beyond.number, 3);
        let long = content(450);
        let at = long.text[..long.sections[250].start].chars().count() + 1;
        assert_ne!(at, long.sections[250].start + 1, "the text has characters of several bytes");
        let found = Understood::of(long, Part { at: Some(at), number: None });
        assert_eq!(found.number, 2);
        assert_eq!(found.blocks.iter().position(|block| block.wanted), Some(50));
        let nowhere = Understood::of(content(3), Part { at: Some(1_000_000), number: None });
        assert!(nowhere.blocks.iter().all(|block| !block.wanted));
    }
}
