//! The texts of a segment's rows, for whoever reads what was found, in a mapped, unlinked file whose pages the system may
//! drop. The chunks of a document stand there one after the other with the white space between them, so that a chunk is a
//! piece of the file, and with its neighbours still one piece; whoever holds such a piece copies nothing.
//!
//! Behind a document's texts stand their records, whose places are kept in memory. All numbers are LEB128:
//! - a chunk's: begin and length of its text in the file, place in the document, word pieces, page + 1, row + 1, heading,
//!   sheet; 0 stands for a page or row that there is none of;
//! - a document's: title, address.
//!
//! A string is its length + 1 and its bytes; 0 is none.

use std::io;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use bytestring::ByteString;

use super::spool::Spool;
use crate::chunk::{Neighbour, with_neighbours};
use crate::varint;

/// The text of a chunk and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkText {
    /// What stands in the document from `char_start` on.
    pub content: ByteString,
    /// Where it begins, in characters of the document.
    pub char_start: i64,
    /// About how many word pieces it has; see [`Chunk::tokens`](crate::Chunk::tokens).
    pub tokens: u32,
    /// The heading path that it stands under.
    pub heading: Option<ByteString>,
    /// The page, from 1.
    pub page: Option<i64>,
    /// The table row, from 1.
    pub row: Option<i64>,
    /// The sheet of a workbook.
    pub sheet: Option<ByteString>,
}

/// What is told of a document beside its passages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Its title.
    pub title: ByteString,
    /// Where it came from, when from the web.
    pub source_url: Option<ByteString>,
}

/// A chunk with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InContext {
    /// What stands in the document from `char_start` on.
    pub content: ByteString,
    /// Where it begins, in characters of the document.
    pub char_start: i64,
    /// Bytes of it that stand before the chunk's own text.
    pub before: usize,
}

/// White space between two chunks that is kept, in characters; what stands further apart is not one piece.
const LARGEST_GAP: usize = 64;
/// What stands in the file between chunks that are not one piece.
const APART: [u8; LARGEST_GAP + 1] = [b'\n'; LARGEST_GAP + 1];

/// The texts of a segment's rows and what is told of its documents; empty when they came without.
#[derive(Default)]
pub(super) struct Texts {
    /// Where each row's record begins.
    rows: Vec<u64>,
    /// Where each document's record begins.
    documents: Vec<u64>,
    spool: Bytes,
}

impl Texts {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text of a row.
    pub(super) fn row(&self, row: usize) -> Option<ChunkText> {
        Some(self.record(row)?.text)
    }

    /// What is told of the document at a place.
    pub(super) fn about(&self, document: usize) -> Option<About> {
        let mut reader = Reader { spool: &self.spool, at: *self.documents.get(document)? as usize };
        let title = reader.string()?.unwrap_or_default();
        Some(About { title, source_url: reader.string()? })
    }

    /// A row with as many of those around it, out of `run`, as there is room for, and which these are; `None` when they
    /// are not one piece.
    pub(super) fn in_context(
        &self,
        row: usize,
        run: Range<usize>,
        room: u32,
    ) -> Option<(InContext, Range<usize>)> {
        let own = row.checked_sub(run.start)?;
        let records: Vec<Record> = run.clone().map(|row| self.record(row)).collect::<Option<_>>()?;
        let near: Vec<Neighbour<'_>> = records.iter().map(Record::as_neighbour).collect();
        let served = with_neighbours(&near, own, room);
        let records = &records[served.clone()];
        let is_near =
            |pair: &[Record]| pair[1].begin.checked_sub(pair[0].end()).is_some_and(|gap| gap <= LARGEST_GAP);
        if !records.windows(2).all(is_near) {
            return None;
        }
        let (first, last) = (records.first()?, records.last()?);
        let context = InContext {
            content: Reader { spool: &self.spool, at: first.begin }.take(last.end() - first.begin)?,
            char_start: first.text.char_start,
            before: records.get(own - served.start)?.begin - first.begin,
        };
        Some((context, run.start + served.start..run.start + served.end))
    }

    fn record(&self, row: usize) -> Option<Record> {
        let mut reader = Reader { spool: &self.spool, at: *self.rows.get(row)? as usize };
        let (begin, length) = (reader.number()? as usize, reader.number()? as usize);
        let text = ChunkText {
            content: Reader { spool: &self.spool, at: begin }.take(length)?,
            char_start: reader.number()?.cast_signed(),
            tokens: u32::try_from(reader.number()?).ok()?,
            page: reader.number()?.checked_sub(1).map(u64::cast_signed),
            row: reader.number()?.checked_sub(1).map(u64::cast_signed),
            heading: reader.string()?,
            sheet: reader.string()?,
        };
        Some(Record { begin, text })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.rows.capacity() + self.documents.capacity()) * size_of::<u64>()
    }
}

struct Record {
    begin: usize,
    text: ChunkText,
}

impl Record {
    fn as_neighbour(&self) -> Neighbour<'_> {
        Neighbour { heading: self.text.heading.as_deref(), tokens: self.text.tokens }
    }

    fn end(&self) -> usize {
        self.begin + self.text.content.len()
    }
}

/// Reads a file's numbers and strings.
struct Reader<'a> {
    spool: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        varint::read(self.spool, &mut self.at)
    }

    fn string(&mut self) -> Option<Option<ByteString>> {
        match self.number()?.checked_sub(1) {
            Some(length) => self.take(length as usize).map(Some),
            None => Some(None),
        }
    }

    fn take(&mut self, length: usize) -> Option<ByteString> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.spool.len())?;
        let bytes = self.spool.slice(self.at..end);
        self.at = end;
        ByteString::try_from(bytes).ok()
    }
}

/// Takes the texts of a new segment, document by document, in row order.
pub(super) struct TextsBuilder {
    texts: Texts,
    spool: Spool,
    /// Bytes written.
    at: u64,
    /// Of the document at hand: its first row, its record and then those of its rows, and where its last text ended.
    first_row: usize,
    records: Vec<u8>,
    end: Option<i64>,
}

impl TextsBuilder {
    pub(super) fn new(spool_dir: &Path, rows: usize) -> io::Result<Self> {
        Ok(Self {
            texts: Texts { rows: Vec::with_capacity(rows), ..Texts::default() },
            spool: Spool::new(spool_dir)?,
            at: 0,
            first_row: 0,
            records: Vec::new(),
            end: None,
        })
    }

    /// Begins a document.
    pub(super) fn push_document(&mut self, about: &About) -> io::Result<()> {
        self.end_document()?;
        push_string(&mut self.records, Some(&about.title));
        push_string(&mut self.records, about.source_url.as_ref());
        Ok(())
    }

    /// Takes the next row of the document that was begun.
    pub(super) fn push(&mut self, text: &ChunkText) -> io::Result<()> {
        let gap = self
            .end
            .map_or(0, |end| usize::try_from(text.char_start.saturating_sub(end)).unwrap_or(APART.len()));
        self.write(&APART[..gap.min(APART.len())])?;
        self.texts.rows.push(self.records.len() as u64);
        let begin = self.at;
        self.write(text.content.as_bytes())?;
        self.end = Some(text.char_start.saturating_add(text.content.chars().count() as i64));
        let page_and_row =
            [text.page, text.row].map(|n| n.map_or(0, |n| n.cast_unsigned().saturating_add(1)));
        let numbers =
            [begin, text.content.len() as u64, text.char_start.cast_unsigned(), u64::from(text.tokens)];
        numbers.into_iter().chain(page_and_row).for_each(|number| varint::push(&mut self.records, number));
        push_string(&mut self.records, text.heading.as_ref());
        push_string(&mut self.records, text.sheet.as_ref());
        Ok(())
    }

    /// Puts the records behind the texts, where their places in the file are known.
    fn end_document(&mut self) -> io::Result<()> {
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return Ok(());
        }
        self.texts.documents.push(self.at);
        self.texts.rows[self.first_row..].iter_mut().for_each(|record| *record += self.at);
        self.first_row = self.texts.rows.len();
        self.end = None;
        self.write(&records)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.spool.write(bytes)
    }

    pub(super) fn finish(mut self) -> io::Result<Texts> {
        self.end_document()?;
        self.texts.documents.shrink_to_fit();
        self.texts.spool = Bytes::from_owner(self.spool.finish()?);
        Ok(self.texts)
    }
}

fn push_string(out: &mut Vec<u8>, string: Option<&ByteString>) {
    varint::push(out, string.map_or(0, |string| string.len() as u64 + 1));
    out.extend_from_slice(string.map_or(&[], |string| string.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(content: &str, char_start: i64, heading: Option<&str>) -> ChunkText {
        let heading = heading.map(Into::into);
        ChunkText { content: content.into(), char_start, tokens: 10, heading, ..ChunkText::default() }
    }

    fn about(title: &str) -> About {
        About { title: title.into(), source_url: None }
    }

    fn texts(documents: &[(About, Vec<ChunkText>)]) -> Texts {
        let mut builder = TextsBuilder::new(&std::env::temp_dir(), 8).unwrap();
        for (about, chunks) in documents {
            builder.push_document(about).unwrap();
            chunks.iter().for_each(|chunk| builder.push(chunk).unwrap());
        }
        builder.finish().unwrap()
    }

    #[test]
    fn texts_come_back_as_they_were() {
        let place = ChunkText {
            page: Some(3),
            row: Some(7),
            sheet: Some("Größen".into()),
            ..chunk("Zelte, grün", 900, Some("Preise > Zelte"))
        };
        let shop = About { title: "Shop".into(), source_url: Some("https://shop.example/".into()) };
        let first = (shop.clone(), vec![place.clone(), ChunkText::default()]);
        let texts = texts(&[first, (about(""), Vec::new()), (about("Last"), vec![chunk("x", 0, None)])]);
        assert_eq!(texts.row(0), Some(place));
        assert_eq!(texts.row(1), Some(ChunkText::default()));
        assert_eq!(texts.row(2), Some(chunk("x", 0, None)));
        assert_eq!(texts.row(3), None);
        assert_eq!([0, 1, 2].map(|n| texts.about(n)), [shop, about(""), about("Last")].map(Some));
        assert_eq!(texts.about(3), None);
        assert_eq!(Texts::default().row(0), None);
    }

    #[test]
    fn a_row_with_its_neighbours_is_one_piece() {
        let document = "Öffnungszeiten\n\nMo bis Fr   9 bis 17 Uhr\nSa 9 bis 12 Uhr";
        let piece =
            |text: &str| chunk(text, document[..document.find(text).unwrap()].chars().count() as i64, None);
        let all = ["Öffnungszeiten", "Mo bis Fr", "9 bis 17 Uhr", "Sa 9 bis 12 Uhr"].map(piece);
        let texts = texts(&[(about("a"), all.to_vec()), (about("b"), vec![chunk("other", 0, None)])]);
        let (whole, rows) = texts.in_context(2, 0..4, 100).unwrap();
        assert_eq!((whole.content.replace('\n', " "), rows), (document.replace('\n', " "), 0..4));
        assert_eq!((whole.char_start, &whole.content[whole.before..][..12]), (0, "9 bis 17 Uhr"));
        let (some, rows) = texts.in_context(2, 1..4, 25).unwrap();
        assert_eq!((&*some.content, rows, some.before), ("9 bis 17 Uhr\nSa 9 bis 12 Uhr", 2..4, 0));
        assert_eq!(some.char_start, 28);
        let (one, rows) = texts.in_context(4, 4..5, 100).unwrap();
        assert_eq!((&*one.content, rows), ("other", 4..5));
        assert_eq!(texts.in_context(4, 4..6, 100), None);
    }

    #[test]
    fn what_stands_far_apart_or_in_no_order_is_not_put_together() {
        for second in [chunk("b", 500, None), chunk("b", 0, None), chunk("b", i64::MAX, None)] {
            let texts = texts(&[(about(""), vec![chunk("a", 3, None), second])]);
            assert_eq!(texts.in_context(0, 0..2, 100), None);
            assert_eq!(
                texts.in_context(0, 0..2, 15).unwrap().1,
                0..1,
                "where there is no room for it nothing is lost"
            );
        }
    }
}
