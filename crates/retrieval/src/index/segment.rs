//! A segment: the rows of some documents, never changed once built. What dies in it is marked outside.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::postings::Postings;
use super::texts::{Texts, TextsBuilder};
use super::vectors::{Vectors, VectorsBuilder};
use super::{ChunkRow, ChunkText, DocumentRows};
use crate::lexical::{Gist, TermVector};

/// Rows by document, documents by id.
pub(super) struct Segment {
    pub(super) documents: Vec<Document>,
    pub(super) collections: Vec<Arc<str>>,
    pub(super) ordinals: Vec<i64>,
    pub(super) lengths: Lengths,
    pub(super) gists: Vec<Gist>,
    pub(super) totals: Totals,
    pub(super) postings: Postings,
    pub(super) vectors: Vectors,
    pub(super) texts: Texts,
}

pub(super) struct Document {
    pub(super) id: Arc<str>,
    pub(super) version: i64,
    /// Place in the segment's `collections`.
    pub(super) collection: u32,
    pub(super) first_row: u32,
    pub(super) rows: u32,
}

impl Document {
    pub(super) fn rows(&self) -> Range<usize> {
        self.first_row as usize..(self.first_row + self.rows) as usize
    }
}

/// How many words and grams each row holds.
#[derive(Default)]
pub(super) struct Lengths {
    pub(super) words: Vec<u32>,
    pub(super) grams: Vec<u32>,
}

impl Lengths {
    fn of_row(&self, row: usize) -> (u32, u32) {
        (self.words[row], self.grams[row])
    }

    fn push(&mut self, (words, grams): (u32, u32)) {
        self.words.push(words);
        self.grams.push(grams);
    }

    fn shrink_to_fit(&mut self) {
        self.words.shrink_to_fit();
        self.grams.shrink_to_fit();
    }

    fn memory_bytes(&self) -> usize {
        (self.words.capacity() + self.grams.capacity()) * size_of::<u32>()
    }
}

/// Sums over rows.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) rows: u64,
    pub(super) words: u64,
    pub(super) grams: u64,
}

impl Totals {
    fn add(&mut self, (words, grams): (u32, u32)) {
        self.rows += 1;
        self.words += u64::from(words);
        self.grams += u64::from(grams);
    }

    pub(super) fn without(self, gone: Self) -> Self {
        Self { rows: self.rows - gone.rows, words: self.words - gone.words, grams: self.grams - gone.grams }
    }
}

impl Segment {
    /// A segment of documents whose ids differ.
    pub(super) fn build(mut documents: Vec<DocumentRows>, spool_dir: &Path) -> io::Result<Self> {
        documents.sort_unstable_by(|a, b| a.document_id.cmp(&b.document_id));
        let chunks = || documents.iter().flat_map(|document| &document.chunks);
        let vectors = spool_vectors(spool_dir, chunks())?;
        let texts = spool_texts(spool_dir, &documents)?;
        let mut head = Head::default();
        let mut terms: Vec<TermVector> = Vec::new();
        for document in documents {
            head.push(
                document.document_id.into(),
                &document.collection_id,
                document.version,
                document.chunks.len(),
            );
            for chunk in document.chunks {
                head.push_row(chunk.ordinal, chunk.terms.lengths(), chunk.terms.gist());
                terms.push(chunk.terms);
            }
        }
        Ok(head.into_segment(Postings::build(&terms)?, vectors, texts))
    }

    /// One segment of the living documents of several.
    pub(super) fn merge(parts: &[(&Self, &Dead)], spool_dir: &Path) -> io::Result<Self> {
        let mut living: Vec<Survivor<'_>> = Vec::new();
        for (nth, (part, dead)) in parts.iter().enumerate() {
            let alive = part.documents.iter().enumerate().filter(|&(at, _)| !dead.has_document(at));
            living.extend(alive.map(|(at, document)| Survivor { nth, part, at, document }));
        }
        living.sort_unstable_by(|a, b| a.document.id.cmp(&b.document.id));

        let mut head = Head::default();
        let mut maps: Vec<Vec<Option<u32>>> =
            parts.iter().map(|(part, _)| vec![None; part.ordinals.len()]).collect();
        for &Survivor { nth, part, document, .. } in &living {
            let collection = &part.collections[document.collection as usize];
            head.push(document.id.clone(), collection, document.version, document.rows as usize);
            for row in document.rows() {
                maps[nth][row] = Some(head.ordinals.len() as u32);
                head.push_row(part.ordinals[row], part.lengths.of_row(row), part.gists[row]);
            }
        }
        let vectors = copy_vectors(&living, head.ordinals.len(), spool_dir)?;
        let texts = copy_texts(&living, head.ordinals.len(), spool_dir)?;
        let parts: Vec<_> = parts.iter().map(|(part, _)| &part.postings).zip(maps).collect();
        let rows = head.ordinals.len();
        Ok(head.into_segment(Postings::merge(&parts, rows)?, vectors, texts))
    }

    /// Where a document stands in `documents`.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.documents.binary_search_by(|document| (*document.id).cmp(id)).ok()
    }

    pub(super) fn rows(&self) -> usize {
        self.ordinals.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        // An id is behind an `Arc`: two counters and the text.
        let ids: usize = self.documents.iter().map(|document| document.id.len() + 16).sum();
        ids + self.documents.capacity() * size_of::<Document>()
            + self.ordinals.capacity() * size_of::<i64>()
            + self.lengths.memory_bytes()
            + self.gists.capacity() * size_of::<Gist>()
            + self.postings.memory_bytes()
            + self.vectors.memory_bytes()
            + self.texts.memory_bytes()
    }
}

fn spool_vectors<'a>(
    spool_dir: &Path,
    chunks: impl Iterator<Item = &'a ChunkRow> + Clone,
) -> io::Result<Vectors> {
    if chunks.clone().all(|chunk| chunk.vector.is_none()) {
        return Ok(Vectors::default());
    }
    let mut vectors = VectorsBuilder::new(spool_dir, chunks.clone().count())?;
    for chunk in chunks {
        vectors.push(chunk.vector.as_deref())?;
    }
    vectors.finish()
}

/// A document that is taken over into another segment: the place of its own segment, this, and its place in it.
struct Survivor<'a> {
    nth: usize,
    part: &'a Segment,
    at: usize,
    document: &'a Document,
}

fn copy_vectors(living: &[Survivor<'_>], rows: usize, spool_dir: &Path) -> io::Result<Vectors> {
    if living.iter().all(|one| one.part.vectors.is_empty()) {
        return Ok(Vectors::default());
    }
    let mut vectors = VectorsBuilder::new(spool_dir, rows)?;
    for one in living {
        for row in one.document.rows() {
            vectors.push(one.part.vectors.exact(row))?;
        }
    }
    vectors.finish()
}

fn spool_texts(spool_dir: &Path, documents: &[DocumentRows]) -> io::Result<Texts> {
    let chunks = || documents.iter().flat_map(|document| &document.chunks);
    if chunks().all(|chunk| chunk.text.is_none()) {
        return Ok(Texts::default());
    }
    let (mut texts, none) = (TextsBuilder::new(spool_dir, chunks().count())?, ChunkText::default());
    for document in documents {
        texts.push_document(&document.about)?;
        for chunk in &document.chunks {
            texts.push(chunk.text.as_ref().unwrap_or(&none))?;
        }
    }
    texts.finish()
}

fn copy_texts(living: &[Survivor<'_>], rows: usize, spool_dir: &Path) -> io::Result<Texts> {
    if living.iter().all(|one| one.part.texts.is_empty()) {
        return Ok(Texts::default());
    }
    let mut texts = TextsBuilder::new(spool_dir, rows)?;
    for one in living {
        texts.push_document(&one.part.texts.about(one.at).unwrap_or_default())?;
        for row in one.document.rows() {
            texts.push(&one.part.texts.row(row).unwrap_or_default())?;
        }
    }
    texts.finish()
}

/// The part of a segment that is filled document by document.
#[derive(Default)]
struct Head {
    documents: Vec<Document>,
    collections: Vec<Arc<str>>,
    collection_of: HashMap<String, u32>,
    ordinals: Vec<i64>,
    lengths: Lengths,
    gists: Vec<Gist>,
    totals: Totals,
}

impl Head {
    fn push(&mut self, id: Arc<str>, collection: &str, version: i64, rows: usize) {
        let next = self.collections.len() as u32;
        let collection = *self.collection_of.entry(collection.to_owned()).or_insert_with_key(|name| {
            self.collections.push(name.as_str().into());
            next
        });
        let first_row = self.ordinals.len() as u32;
        self.documents.push(Document { id, version, collection, first_row, rows: rows as u32 });
    }

    fn push_row(&mut self, ordinal: i64, lengths: (u32, u32), gist: Gist) {
        self.ordinals.push(ordinal);
        self.gists.push(gist);
        self.lengths.push(lengths);
        self.totals.add(lengths);
    }

    fn into_segment(mut self, postings: Postings, vectors: Vectors, texts: Texts) -> Segment {
        self.documents.shrink_to_fit();
        self.ordinals.shrink_to_fit();
        self.lengths.shrink_to_fit();
        self.gists.shrink_to_fit();
        let Self { documents, collections, ordinals, lengths, gists, totals, .. } = self;
        Segment { documents, collections, ordinals, lengths, gists, totals, postings, vectors, texts }
    }
}

/// What has died in a segment: a bit for each document and, for counting, one for each row.
#[derive(Clone, Default)]
pub(super) struct Dead {
    documents: Vec<u64>,
    rows: Vec<u64>,
    totals: Totals,
}

impl Dead {
    pub(super) fn none_of(segment: &Segment) -> Self {
        let words = |bits: usize| vec![0; bits.div_ceil(64)];
        Self {
            documents: words(segment.documents.len()),
            rows: words(segment.rows()),
            totals: Totals::default(),
        }
    }

    /// Marks a document and its rows.
    pub(super) fn mark(&mut self, segment: &Segment, at: usize) {
        if self.has_document(at) {
            return;
        }
        self.documents[at / 64] |= 1 << (at % 64);
        for row in segment.documents[at].rows() {
            self.rows[row / 64] |= 1 << (row % 64);
            self.totals.add(segment.lengths.of_row(row));
        }
    }

    pub(super) fn has_document(&self, at: usize) -> bool {
        self.documents[at / 64] >> (at % 64) & 1 == 1
    }

    pub(super) fn has_row(&self, row: usize) -> bool {
        self.rows[row / 64] >> (row % 64) & 1 == 1
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn is_empty(&self) -> bool {
        self.totals.rows == 0
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.documents.capacity() + self.rows.capacity()) * size_of::<u64>()
    }
}
