//! Postings of one segment: for each term the rows that hold it, in compressed sparse rows.
//!
//! A list is its length, then for each row the gap to the one before with the count in the lowest bit (a
//! count above one follows in a byte of its own), all as variable-length integers: near 1.3 bytes a word. A term that many
//! rows hold has a byte with its count for each row of the segment instead, which is added up many rows at once.

use std::io;

use crate::lexical::TermVector;
use crate::varint;

/// Term hash to the rows that hold it.
#[derive(Default)]
pub(super) struct Postings {
    hashes: Vec<u32>,
    /// Where each list begins in `bytes`; one more than there are hashes.
    starts: Vec<u32>,
    bytes: Vec<u8>,
    /// Rows of the segment.
    rows: usize,
}

/// A term that one row in so many holds has a count for each row.
const ROWS_A_HOLDER: usize = 4;
/// Terms are sorted in this many shares of the hash space, so that building takes a sixteenth of the room.
const BUILD_SHARES: u32 = 16;
/// A row and a count share the low half of a sort key.
const COUNT_BITS: u32 = 6;
const MOST_ROWS: usize = 1 << (32 - COUNT_BITS);

impl Postings {
    /// The postings of passages, whose place in `rows` is their row.
    pub(super) fn build(rows: &[TermVector]) -> io::Result<Self> {
        if rows.len() > MOST_ROWS {
            return Err(too_large());
        }
        let mut postings = Builder::of(rows.len());
        let mut keys: Vec<u64> = Vec::new();
        let share = u32::MAX / BUILD_SHARES + 1;
        for low in (0..BUILD_SHARES).map(|nth| nth * share) {
            keys.clear();
            for (row, terms) in rows.iter().enumerate() {
                let terms = terms.terms_between(low, low + (share - 1));
                let row = (row as u64) << COUNT_BITS;
                keys.extend(
                    terms.iter().map(|&(hash, count)| u64::from(hash) << 32 | row | u64::from(count)),
                );
            }
            keys.sort_unstable();
            for list in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
                let entry = |key: &u64| (*key as u32 >> COUNT_BITS, (*key & ((1 << COUNT_BITS) - 1)) as u8);
                postings.push((list[0] >> 32) as u32, list.len(), list.iter().map(entry))?;
            }
        }
        Ok(postings.finish())
    }

    /// One set of postings out of several, each with its map from old rows to new of `rows` (`None`: dropped).
    pub(super) fn merge(parts: &[(&Self, Vec<Option<u32>>)], rows: usize) -> io::Result<Self> {
        let mut hashes: Vec<u32> = parts.iter().flat_map(|(part, _)| part.hashes.iter().copied()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let mut cursors = vec![0_usize; parts.len()];
        let mut postings = Builder::of(rows);
        let mut list: Vec<(u32, u8)> = Vec::new();
        for hash in hashes {
            list.clear();
            for ((part, rows), cursor) in parts.iter().zip(&mut cursors) {
                if part.hashes.get(*cursor) == Some(&hash) {
                    part.list(*cursor).for_each(|row, count| {
                        list.extend(rows[row].map(|row| (row, count)));
                    });
                    *cursor += 1;
                }
            }
            if !list.is_empty() {
                list.sort_unstable();
                postings.push(hash, list.len(), list.iter().copied())?;
            }
        }
        Ok(postings.finish())
    }

    /// The rows that hold a term.
    pub(super) fn get(&self, hash: u32) -> Option<List<'_>> {
        self.hashes.binary_search(&hash).ok().map(|at| self.list(at))
    }

    fn list(&self, at: usize) -> List<'_> {
        let bytes = &self.bytes[self.starts[at] as usize..self.starts[at + 1] as usize];
        let mut start = 0;
        let len = varint::read(bytes, &mut start).unwrap_or(0) as usize;
        let bytes = &bytes[start..];
        let rows = if is_held_by_many(len, self.rows) {
            Rows::Counts(bytes)
        } else {
            Rows::Gaps(Gaps { bytes, at: 0, next: 0 })
        };
        List { len: len as u32, rows }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.hashes.capacity() + self.starts.capacity()) * size_of::<u32>() + self.bytes.capacity()
    }
}

fn is_held_by_many(len: usize, rows: usize) -> bool {
    len * ROWS_A_HOLDER >= rows
}

/// The rows of one term.
pub(super) struct List<'a> {
    len: u32,
    rows: Rows<'a>,
}

/// Which rows hold a term.
pub(super) enum Rows<'a> {
    /// How often each row holds it.
    Counts(&'a [u8]),
    /// Its rows alone, as the gaps between them.
    Gaps(Gaps<'a>),
}

/// The rows that hold a term, rising.
pub(super) struct Gaps<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What the next gap begins at.
    next: usize,
}

impl<'a> List<'a> {
    /// How many rows hold the term, dead ones included.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Which rows they are.
    pub(super) fn rows(self) -> Rows<'a> {
        self.rows
    }

    /// Calls `visit` with each row, rising, and the term's count in it.
    pub(super) fn for_each(self, mut visit: impl FnMut(usize, u8)) {
        match self.rows {
            Rows::Counts(counts) => {
                let holders = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                holders.for_each(|(row, count)| visit(row, *count));
            }
            Rows::Gaps(mut gaps) => gaps.until(usize::MAX, visit),
        }
    }
}

impl Gaps<'_> {
    /// Calls `visit` with each further row below `end` and the term's count in it.
    #[inline]
    pub(super) fn until(&mut self, end: usize, mut visit: impl FnMut(usize, u8)) {
        let (mut at, mut next) = (self.at, self.next);
        let mut after = at;
        while let Some(coded) = varint::read(self.bytes, &mut after) {
            let row = next + (coded >> 1) as usize;
            if row >= end {
                break;
            }
            let mut count = 1;
            if coded & 1 == 1 {
                count = self.bytes.get(after).copied().unwrap_or(1);
                after += 1;
            }
            visit(row, count);
            (at, next) = (after, row + 1);
        }
        (self.at, self.next) = (at, next);
    }
}

struct Builder(Postings);

impl Builder {
    fn of(rows: usize) -> Self {
        Self(Postings { rows, ..Postings::default() })
    }

    /// Adds the list of a hash above all before it.
    fn push(&mut self, hash: u32, len: usize, rows: impl Iterator<Item = (u32, u8)>) -> io::Result<()> {
        let Postings { hashes, starts, bytes, rows: all } = &mut self.0;
        hashes.push(hash);
        starts.push(u32::try_from(bytes.len()).map_err(|_| too_large())?);
        varint::push(bytes, len as u64);
        if is_held_by_many(len, *all) {
            let first = bytes.len();
            bytes.resize(first + *all, 0);
            rows.for_each(|(row, count)| bytes[first + row as usize] = count);
        } else {
            push_gaps(bytes, rows);
        }
        u32::try_from(bytes.len()).map(|_| ()).map_err(|_| too_large())
    }

    fn finish(mut self) -> Postings {
        self.0.starts.push(self.0.bytes.len() as u32);
        self.0.hashes.shrink_to_fit();
        self.0.starts.shrink_to_fit();
        self.0.bytes.shrink_to_fit();
        self.0
    }
}

fn push_gaps(bytes: &mut Vec<u8>, rows: impl Iterator<Item = (u32, u8)>) {
    let mut next = 0;
    for (row, count) in rows {
        varint::push(bytes, u64::from(row - next) << 1 | u64::from(count > 1));
        if count > 1 {
            bytes.push(count);
        }
        next = row + 1;
    }
}

fn too_large() -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        "one index holds at most 67 million chunks and 4 GiB of postings",
    )
}
