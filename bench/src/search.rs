//! Search by itself: many chunks in an index, questions one after the other on one core. Words follow Zipf's law,
//! and vectors lie around some thousand subjects, as those of a business's documents do.

use std::{fs, time::Duration};

use retrieval::{
    About, ChunkRow, DIMENSIONS, DocumentRows, Index, Mode, Query, analyse_passage, analyse_query,
};

use crate::{
    Bench, Result,
    corpus::Random,
    process,
    report::{Section, at},
};

const CHUNKS_A_DOCUMENT: usize = 10;
const WORDS: usize = 108;
const VOCABULARY: f64 = 50_000.0;
/// Documents that are given to the index at once.
const BATCH: usize = 500;
const HITS: usize = 20;
const SUBJECTS: usize = 2_000;
/// How far vectors lie from their subject: their cosines with it are near 0.7.
const SPREAD: f32 = 1.0;

/// Measures a fused search, as the server does it, and its two halves: in a large workspace and a huge one.
pub fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Search on one core");
    let mut corpus = Corpus::new();
    let mut index = corpus.index(bench)?;
    for (documents, median, slowest) in
        [(bench.pick(10_000, 1_000), Some(15.0), 40.0), (bench.pick(100_000, 2_000), None, 120.0)]
    {
        corpus.grow(&mut index, documents)?;
        describe(bench, &mut section, &index, &corpus, (median, slowest))?;
    }
    section.note(format!(
        "{HITS} hits for questions of 8 words; processor time of the one thread; load average {} after",
        process::load_average()
    ));
    Ok(section)
}

fn describe(
    bench: &Bench,
    section: &mut Section,
    index: &Index,
    corpus: &Corpus,
    (median, slowest): (Option<f64>, f64),
) -> Result<()> {
    let chunks = index.len();
    let each = |bytes: usize| bytes as f64 / chunks as f64;
    section.plain(&format!("{chunks} chunks: the index, a chunk"), each(index.memory_bytes()), " bytes");
    section.at_most(
        &format!("{chunks} chunks: vectors, a chunk"),
        500.0,
        each(index.vector_bytes()),
        " bytes",
    );
    let resident = (process::resident(std::process::id()) >> 20) as f64;
    section.plain(&format!("{chunks} chunks: resident, mapped vectors included"), resident, " MB");
    for (mode, name) in
        [(Mode::Fused, "fused"), (Mode::Lexical, "words alone"), (Mode::Dense, "vectors alone")]
    {
        let times = corpus.search(index, mode, bench.pick(500, 50))?;
        let name = |share| format!("{chunks} chunks: {share}, {name}");
        match (mode, median) {
            (Mode::Fused, Some(median)) => section.at_most(&name("p50"), median, at(&times, 0.5), " ms"),
            _ => section.plain(&name("p50"), at(&times, 0.5), " ms"),
        }
        match mode {
            Mode::Fused => section.at_most(&name("p99"), slowest, at(&times, 0.99), " ms"),
            _ => section.plain(&name("p99"), at(&times, 0.99), " ms"),
        }
    }
    Ok(())
}

/// Where documents and questions come from.
struct Corpus {
    random: Random,
    subjects: Vec<Vec<f32>>,
    documents: usize,
}

impl Corpus {
    fn new() -> Self {
        let mut random = Random(42);
        let subjects = (0..SUBJECTS).map(|_| random.vector(DIMENSIONS)).collect();
        Self { random, subjects, documents: 0 }
    }

    fn index(&self, bench: &Bench) -> Result<Index> {
        let spool = bench.folder.join("spool");
        fs::create_dir_all(&spool)?;
        Ok(Index::new(&spool))
    }

    /// Adds documents until there are so many.
    fn grow(&mut self, index: &mut Index, documents: usize) -> Result<()> {
        while self.documents < documents {
            let batch = (self.documents..self.documents + BATCH).map(|nth| self.document(nth)).collect();
            self.documents += BATCH;
            *index = index.with(batch, &[])?;
        }
        Ok(())
    }

    fn document(&mut self, nth: usize) -> DocumentRows {
        let chunk = |ordinal: usize| {
            let terms = analyse_passage("", None, &words(&mut self.random, WORDS));
            let vector = vector(&mut self.random, &self.subjects);
            ChunkRow { ordinal: ordinal as i64, terms, vector: Some(vector), text: None }
        };
        DocumentRows {
            document_id: format!("document-{nth}"),
            collection_id: format!("collection-{}", nth % 10),
            version: 1,
            about: About::default(),
            chunks: (0..CHUNKS_A_DOCUMENT).map(chunk).collect(),
        }
    }

    /// Milliseconds of each search, sorted.
    fn search(&self, index: &Index, mode: Mode, searches: usize) -> Result<Vec<f64>> {
        let mut random = Random(7);
        let mut times = Vec::new();
        for _ in 0..searches {
            let (text, vector) = (words(&mut random, 8), vector(&mut random, &self.subjects));
            let before = process::thread_time();
            let query = Query { terms: analyse_query(&text), vector: Some(&vector), collections: None, mode };
            let hits = index.search(&query, HITS);
            let spent: Duration = process::thread_time() - before;
            times.push(spent.as_secs_f64() * 1e3);
            if hits.len() != HITS {
                return Err(format!("a search found {} of {HITS}", hits.len()).into());
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }
}

/// A vector of length 1 near one of the subjects.
fn vector(random: &mut Random, subjects: &[Vec<f32>]) -> Vec<f32> {
    let subject = &subjects[random.below(subjects.len())];
    let mut vector = random.vector(DIMENSIONS);
    vector.iter_mut().zip(subject).for_each(|(x, subject)| *x = *x * SPREAD + subject);
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

/// Words whose rank follows Zipf's law: the inverse of its continuous distribution.
fn words(random: &mut Random, count: usize) -> String {
    let word = |_| format!("w{}x", VOCABULARY.powf(random.unit()) as u64);
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}
