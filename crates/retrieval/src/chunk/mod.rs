//! Chunking: a document's text, with what is known of its structure, to pieces that fit the model.

mod context;
mod pieces;
mod sentences;

use std::ops::Range;

pub use context::{Neighbour, with_neighbours};
pub use sentences::sentences;

use pieces::count_pieces;
use sentences::trimmed;

/// A part of a document as its reader saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// Bytes of the text; ends are moved to character boundaries if they are not on one.
    pub range: Range<usize>,
    /// What it is.
    pub kind: SectionKind,
    /// The heading that it stands under.
    pub heading: Option<&'a str>,
    /// Its page, from 1.
    pub page: Option<u32>,
    /// Its row in a table.
    pub row: Option<u32>,
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// A title in the text; chunks begin with it.
    Heading {
        /// 1 for the highest.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// An item of a list.
    ListItem,
    /// A row of a table, kept whole.
    TableRow,
    /// Program text, cut between lines.
    Code,
}

/// A piece of a document that is indexed and quoted as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of the text; the content is exactly what stands there.
    pub range: Range<usize>,
    /// The heading that the chunk stands under.
    pub heading: Option<String>,
    /// Page where it begins.
    pub page: Option<u32>,
    /// Row where it begins.
    pub row: Option<u32>,
    /// About how many word pieces it has.
    pub tokens: u32,
}

/// How large chunks become, in word pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// A chunk has no more than this, unless a single table row has.
    pub most: u32,
    /// A chunk with less than this does not end at a heading.
    pub least: u32,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { most: 210, least: 24 }
    }
}

/// A table row is cut only when it has this many times the pieces of a chunk.
const LARGEST_ROW: u32 = 4;

/// Cuts a text into chunks. Together they hold everything but white space, in order and without overlap.
/// What no section covers belongs to the section before it; without sections all is one paragraph.
pub fn chunk(text: &str, sections: &[Section<'_>], options: &ChunkOptions) -> Vec<Chunk> {
    let units = units(text, sections, options);
    let mut chunks = Vec::new();
    for run in units.chunk_by(|a, b| !(b.opens && a.run_is_large)) {
        fill(text, run, options, &mut chunks);
    }
    chunks
}

/// What is never cut: a sentence, a table row, a line of code, a heading.
struct Unit<'a> {
    range: Range<usize>,
    tokens: u32,
    section: Option<&'a Section<'a>>,
    /// First of its section.
    leads: bool,
    /// A heading that follows something else than a heading.
    opens: bool,
    /// Whether enough has gathered since the last cut for a heading to cut again.
    run_is_large: bool,
}

fn units<'a>(text: &str, sections: &'a [Section<'a>], options: &ChunkOptions) -> Vec<Unit<'a>> {
    let mut units: Vec<Unit<'a>> = Vec::new();
    let mut gathered = 0;
    let mut after_heading = false;
    for (section, range) in covering(text, sections) {
        let is_heading = section.is_some_and(|section| matches!(section.kind, SectionKind::Heading { .. }));
        let opens = is_heading && !after_heading;
        if opens && gathered >= options.least {
            gathered = 0;
        }
        let kind = section.map_or(SectionKind::Paragraph, |section| section.kind);
        for (nth, range) in cut(text, range, kind, options).into_iter().enumerate() {
            let tokens = count_pieces(&text[range.clone()]);
            gathered += tokens;
            let (leads, run_is_large) = (nth == 0, gathered >= options.least);
            units.push(Unit { range, tokens, section, leads, opens: opens && leads, run_is_large });
        }
        after_heading = is_heading;
    }
    units
}

/// The sections in order, each stretched to the beginning of the next, so that they cover the text.
fn covering<'a>(text: &str, sections: &'a [Section<'a>]) -> Vec<(Option<&'a Section<'a>>, Range<usize>)> {
    let mut sorted: Vec<_> = sections.iter().collect();
    sorted.sort_by_key(|section| section.range.start);
    let start = |section: &Section<'_>| text.floor_char_boundary(section.range.start);
    let first = sorted.first().map_or(text.len(), |section| start(section));
    let mut parts = vec![(None, 0..first)];
    for (nth, section) in sorted.iter().enumerate() {
        let end = sorted.get(nth + 1).map_or(text.len(), |next| start(next));
        parts.push((Some(*section), start(section)..end));
    }
    parts.retain(|(_, range)| !text[range.clone()].trim().is_empty());
    parts
}

fn cut(text: &str, range: Range<usize>, kind: SectionKind, options: &ChunkOptions) -> Vec<Range<usize>> {
    let whole = trimmed(text, range);
    let piece = &text[whole.clone()];
    let shift = |inner: Range<usize>| whole.start + inner.start..whole.start + inner.end;
    let (parts, most): (Vec<Range<usize>>, u32) = match kind {
        SectionKind::Heading { .. } => (vec![whole], options.most),
        SectionKind::TableRow => (vec![whole], options.most * LARGEST_ROW),
        SectionKind::Paragraph | SectionKind::ListItem => {
            (sentences(piece).into_iter().map(shift).collect(), options.most)
        }
        SectionKind::Code => (lines(piece).map(shift).collect(), options.most),
    };
    parts.into_iter().flat_map(|part| cut_long(text, part, most, options.most)).collect()
}

fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let end = line.trim_end().len();
        let range = at..at + end;
        at += line.len();
        (end > 0).then_some(range)
    })
}

/// Cuts what has more than `limit` pieces into parts of at most `most`, between words if there are any.
fn cut_long(text: &str, range: Range<usize>, limit: u32, most: u32) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut rest = range;
    let mut limit = limit;
    while count_pieces(&text[rest.clone()]) > limit {
        limit = most;
        let end = rest.start + pieces::end_of(&text[rest.clone()], most);
        let space = text[rest.start..end].rfind(char::is_whitespace).filter(|&at| at > 0);
        let end = space.map_or(end, |at| rest.start + at);
        parts.push(rest.start..end);
        rest = trimmed(text, end..rest.end);
    }
    parts.push(rest);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Shares the units of a run out to chunks of about the same size.
fn fill(text: &str, run: &[Unit<'_>], options: &ChunkOptions, chunks: &mut Vec<Chunk>) {
    let mut rest = run;
    while !rest.is_empty() {
        let total: u32 = rest.iter().map(|unit| unit.tokens).sum();
        let goal = total.div_ceil(total.div_ceil(options.most).max(1));
        let mut taken = 1;
        let mut tokens = rest[0].tokens;
        while let Some(unit) = rest.get(taken) {
            let fits = tokens + unit.tokens <= options.most;
            let wanted = tokens + unit.tokens / 2 <= goal || is_heading(&rest[taken - 1]);
            let paragraph_ends =
                unit.leads && tokens * 10 >= goal * 7 && tokens + following(&rest[taken..]) > goal;
            if !fits || !wanted || paragraph_ends && !is_heading(&rest[taken - 1]) {
                break;
            }
            tokens += unit.tokens;
            taken += 1;
        }
        let (units, after) = rest.split_at(taken);
        chunks.push(finish(text, units));
        rest = after;
    }
}

/// Pieces of the section that the first unit leads.
fn following(units: &[Unit<'_>]) -> u32 {
    let more = units.iter().skip(1).take_while(|unit| !unit.leads);
    units[0].tokens + more.map(|unit| unit.tokens).sum::<u32>()
}

fn is_heading(unit: &Unit<'_>) -> bool {
    unit.section.is_some_and(|section| matches!(section.kind, SectionKind::Heading { .. }))
}

fn finish(text: &str, units: &[Unit<'_>]) -> Chunk {
    let range = units[0].range.start..units[units.len() - 1].range.end;
    // A chunk that begins with headings stands under the last of them.
    let headings = units.iter().take_while(|unit| is_heading(unit)).count();
    let heading = match headings {
        0 => units[0].section.and_then(|section| section.heading).map(str::to_owned),
        _ => {
            let unit = &units[headings - 1];
            let own = || text[unit.range.clone()].trim_start_matches('#').trim().to_owned();
            Some(unit.section.and_then(|section| section.heading).map_or_else(own, str::to_owned))
        }
    };
    let section = units[0].section;
    Chunk {
        heading: heading.filter(|heading| !heading.is_empty()),
        page: section.and_then(|section| section.page),
        row: section.and_then(|section| section.row),
        tokens: units.iter().map(|unit| unit.tokens).sum(),
        range,
    }
}

#[cfg(test)]
mod tests;
