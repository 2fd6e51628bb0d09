//! The index: an immutable snapshot of all chunks in memory, cheap to clone, searched without locks.
//!
//! It is built like a log-structured merge tree (O'Neil et al. 1996): a few immutable segments, shared
//! between snapshots; a change adds a small segment and marks the old rows dead, and small segments are
//! merged when they get many. Statistics are taken over the living rows at query time, so an index answers
//! the same whatever path led to its contents.

mod best;
mod bm25;
mod fusion;
mod postings;
mod search;
mod segment;
mod spool;
#[cfg(test)]
mod tests;
mod texts;
mod vectors;
mod weights;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lexical::{QueryTerms, TermVector};
pub use fusion::Explained;
use search::ScratchPool;
use segment::{Dead, Segment, Totals};
pub use texts::{About, ChunkText, InContext};
pub use weights::{Held, Terms, Weights};

/// A document with all of its chunks, as it enters an [`Index`].
#[derive(Debug, Clone)]
pub struct DocumentRows {
    /// Unique in the index; a document of the same id is replaced.
    pub document_id: String,
    /// What a [`Query`] can be confined to.
    pub collection_id: String,
    /// Handed back in [`Hit`]s.
    pub version: i64,
    /// What is told of it; see [`Index::about`].
    pub about: About,
    /// The chunks, in order.
    pub chunks: Vec<ChunkRow>,
}

/// One chunk of a document.
#[derive(Debug, Clone)]
pub struct ChunkRow {
    /// Place of the chunk in its document, handed back in [`Hit`]s.
    pub ordinal: i64,
    /// See [`crate::analyse_passage`].
    pub terms: TermVector,
    /// [`crate::DIMENSIONS`] numbers, or `None` without a model.
    pub vector: Option<Vec<f32>>,
    /// What [`Index::text`] gives; `None` where nobody asks for it.
    pub text: Option<ChunkText>,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// See [`crate::analyse_query`].
    pub terms: QueryTerms,
    /// The question's embedding, or `None` without a model.
    pub vector: Option<&'a [f32]>,
    /// Ids of the collections to search; `None` for all.
    pub collections: Option<&'a HashSet<String>>,
    /// Which evidence orders the hits.
    pub mode: Mode,
}

/// Which evidence orders the hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Terms and vectors together.
    #[default]
    Fused,
    /// Terms alone (BM25).
    Lexical,
    /// Vectors alone (cosine).
    Dense,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The chunk's document.
    pub document_id: Arc<str>,
    /// The document's version that was indexed.
    pub version: i64,
    /// The chunk's place in its document.
    pub ordinal: i64,
    /// What the hits are ordered by, from 0 to 1 and comparable between queries of one mode.
    pub score: f32,
    /// The raw lexical score (BM25 over words, pairs and grams), 0 and up.
    pub lexical: f32,
    /// Cosine of question and chunk; `None` when either has no vector.
    pub dense: Option<f32>,
    /// The share of the question's terms that the chunk holds, weighted by rarity, 0 to 1.
    pub coverage: f32,
    /// What each side added to the score: with `x` for both together, `score` is (1 + x) / (2 + x).
    pub explained: Explained,
}

/// More segments than this are merged.
const MOST_SEGMENTS: usize = 8;
/// A merge takes in the next larger segment if it has at most this many times the rows gathered so far.
const MERGE_GROWTH: usize = 2;

/// A snapshot of all chunks; a clone shares everything with its original.
#[derive(Clone)]
pub struct Index {
    spool_dir: PathBuf,
    parts: Vec<Part>,
    scratch: Arc<ScratchPool>,
}

#[derive(Clone)]
struct Part {
    segment: Arc<Segment>,
    dead: Arc<Dead>,
}

impl Part {
    fn new(segment: Segment) -> Self {
        Self { dead: Arc::new(Dead::none_of(&segment)), segment: Arc::new(segment) }
    }

    fn living(&self) -> Totals {
        self.segment.totals.without(self.dead.totals())
    }

    fn living_rows(&self) -> usize {
        self.living().rows as usize
    }
}

impl Index {
    /// An empty index that keeps full vectors and texts in unlinked files in `spool_dir`.
    pub fn new(spool_dir: &Path) -> Self {
        Self { spool_dir: spool_dir.to_owned(), parts: Vec::new(), scratch: Arc::default() }
    }

    /// A snapshot in which `changed` documents replace those of the same id (the last one given, if several)
    /// and `removed` ids are gone. A document in both is in the new snapshot.
    ///
    /// Load a large store in batches of some thousand chunks: memory stays bounded by the batch, and the
    /// segments are merged as they come.
    pub fn with(&self, changed: Vec<DocumentRows>, removed: &[String]) -> io::Result<Self> {
        let mut parts = self.parts.clone();
        let changed = last_of_each(changed);
        let gone = changed.iter().map(|document| &document.document_id).chain(removed);
        bury(&mut parts, gone);
        if changed.iter().any(|document| !document.chunks.is_empty()) {
            parts.push(Part::new(Segment::build(changed, &self.spool_dir)?));
        }
        let mut next = Self { spool_dir: self.spool_dir.clone(), parts, scratch: self.scratch.clone() };
        next.compact()?;
        Ok(next)
    }

    /// Chunks that can be found.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Part::living_rows).sum()
    }

    /// Whether nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a chunk; `None` when the chunk is not in the snapshot, or came without.
    pub fn text(&self, document_id: &str, ordinal: i64) -> Option<ChunkText> {
        let (segment, _, row) = self.place(document_id, ordinal)?;
        segment.texts.row(row)
    }

    /// What is told of a document; `None` when it is not in the snapshot, or came without texts.
    pub fn about(&self, document_id: &str) -> Option<About> {
        let (segment, at) = self.find(document_id)?;
        segment.texts.about(at)
    }

    /// A chunk with what stands around it under the same heading, as [`crate::with_neighbours`] has it: up to `reach`
    /// chunks to each side, as far as all of them are `free`, and `room` word pieces in all. `None` as for its text.
    /// Gives the ordinals of the chunks as well.
    pub fn in_context(
        &self,
        (document_id, ordinal): (&str, i64),
        (reach, room): (usize, u32),
        free: impl Fn(i64) -> bool,
    ) -> Option<(InContext, Vec<i64>)> {
        let (segment, at, row) = self.place(document_id, ordinal)?;
        let rows = segment.documents[at].rows();
        let free = |row: &usize| free(segment.ordinals[*row]);
        let before = (rows.start..row).rev().take(reach).take_while(free).count();
        let after = (row + 1..rows.end).take(reach).take_while(free).count();
        let (context, rows) = segment.texts.in_context(row, row - before..row + after + 1, room)?;
        Some((context, segment.ordinals[rows].to_vec()))
    }

    /// Where a living document stands: its segment and its place there.
    fn find(&self, id: &str) -> Option<(&Segment, usize)> {
        self.parts.iter().find_map(|part| {
            let at = part.segment.find(id).filter(|at| !part.dead.has_document(*at))?;
            Some((&*part.segment, at))
        })
    }

    /// Where a chunk of a living document stands: the document's place and the row.
    fn place(&self, document_id: &str, ordinal: i64) -> Option<(&Segment, usize, usize)> {
        let (segment, at) = self.find(document_id)?;
        let rows = segment.documents[at].rows();
        let nth = segment.ordinals[rows.clone()].binary_search(&ordinal).ok()?;
        Some((segment, at, rows.start + nth))
    }

    /// Resident memory of the snapshot, what it shares with others included.
    pub fn memory_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.segment.memory_bytes() + part.dead.memory_bytes()).sum()
    }

    /// Resident memory of the vectors alone; the full ones are in a file.
    pub fn vector_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.segment.vectors.memory_bytes()).sum()
    }

    /// Rewrites segments that are half dead, then merges the small ones if there are too many.
    fn compact(&mut self) -> io::Result<()> {
        self.parts.retain(|part| part.living_rows() > 0);
        for at in 0..self.parts.len() {
            if self.parts[at].dead.totals().rows > self.parts[at].living().rows {
                self.parts[at] = self.merged(&self.parts[at..=at])?;
            }
        }
        if self.parts.len() > MOST_SEGMENTS {
            self.parts.sort_by_key(|part| std::cmp::Reverse(part.living_rows()));
            let from = self.smallest_worth_merging();
            let merged = self.merged(&self.parts[from..])?;
            self.parts.truncate(from);
            self.parts.push(merged);
        }
        Ok(())
    }

    /// From where on the parts, sorted from large to small, are merged into one.
    fn smallest_worth_merging(&self) -> usize {
        let mut from = self.parts.len() - 1;
        let mut rows = self.parts[from].living_rows();
        while from > 0 {
            let next = self.parts[from - 1].living_rows();
            if from < MOST_SEGMENTS - 1 && next > MERGE_GROWTH * rows {
                break;
            }
            rows += next;
            from -= 1;
        }
        from
    }

    fn merged(&self, parts: &[Part]) -> io::Result<Part> {
        let parts: Vec<_> = parts.iter().map(|part| (&*part.segment, &*part.dead)).collect();
        Segment::merge(&parts, &self.spool_dir).map(Part::new)
    }
}

/// Marks documents dead wherever they are alive.
fn bury<'a>(parts: &mut [Part], ids: impl Iterator<Item = &'a String> + Clone) {
    for part in parts {
        let found = ids.clone().filter_map(|id| part.segment.find(id));
        let dying: Vec<usize> = found.filter(|&at| !part.dead.has_document(at)).collect();
        if !dying.is_empty() {
            let dead = Arc::make_mut(&mut part.dead);
            dying.into_iter().for_each(|at| dead.mark(&part.segment, at));
        }
    }
}

fn last_of_each(documents: Vec<DocumentRows>) -> Vec<DocumentRows> {
    let mut seen = HashSet::new();
    let mut kept: Vec<DocumentRows> = Vec::with_capacity(documents.len());
    for document in documents.into_iter().rev() {
        if seen.insert(document.document_id.clone()) {
            kept.push(document);
        }
    }
    kept
}
