//! Search by itself: 100,000 chunks in an index, questions one after the other on one core. Words follow Zipf's
//! law and vectors are random, which is the hardest case for pruning.

use std::{fs, time::Instant};

use retrieval::{ChunkRow, DIMENSIONS, DocumentRows, Index, Mode, Query, analyse_passage, analyse_query};

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

/// Measures a fused search, as the server does it, and its two halves.
pub fn measure(bench: &Bench) -> Result<Section> {
    let documents = bench.pick(10_000, 1_000);
    let mut section = Section::new("Search on one core");
    let started = Instant::now();
    let index = index(bench, documents)?;
    section.plain("chunks", index.len() as f64, "");
    section.plain("making them and the index", started.elapsed().as_secs_f64(), " s");
    section.plain("index, a chunk", index.memory_bytes() as f64 / index.len() as f64, " bytes");
    for (mode, name) in
        [(Mode::Fused, "fused"), (Mode::Lexical, "words alone"), (Mode::Dense, "vectors alone")]
    {
        let times = search(&index, mode, bench.pick(500, 50))?;
        match mode {
            Mode::Fused => section.at_most(&format!("p50, {name}"), 15.0, at(&times, 0.5), " ms"),
            _ => section.plain(&format!("p50, {name}"), at(&times, 0.5), " ms"),
        }
        section.plain(&format!("p99, {name}"), at(&times, 0.99), " ms");
    }
    let resident = process::resident(std::process::id()) >> 20;
    section
        .note(format!("{HITS} hits for questions of 8 words; the bench with the index holds {resident} MB"));
    Ok(section)
}

fn index(bench: &Bench, documents: usize) -> Result<Index> {
    let spool = bench.folder.join("spool");
    fs::create_dir_all(&spool)?;
    let mut random = Random(42);
    let mut index = Index::new(&spool);
    for first in (0..documents).step_by(BATCH) {
        let batch = (first..first + BATCH).map(|nth| document(nth, &mut random)).collect();
        index = index.with(batch, &[])?;
    }
    Ok(index)
}

fn document(nth: usize, random: &mut Random) -> DocumentRows {
    let chunk = |ordinal: usize| {
        let terms = analyse_passage("", None, &words(random, WORDS));
        ChunkRow { ordinal: ordinal as i64, terms, vector: Some(random.vector(DIMENSIONS)) }
    };
    DocumentRows {
        document_id: format!("document-{nth}"),
        collection_id: format!("collection-{}", nth % 10),
        version: 1,
        chunks: (0..CHUNKS_A_DOCUMENT).map(chunk).collect(),
    }
}

/// Words whose rank follows Zipf's law: the inverse of its continuous distribution.
fn words(random: &mut Random, count: usize) -> String {
    let word = |_| format!("w{}x", VOCABULARY.powf(random.unit()) as u64);
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

/// Milliseconds of each search, sorted.
fn search(index: &Index, mode: Mode, searches: usize) -> Result<Vec<f64>> {
    let mut random = Random(7);
    let mut times = Vec::new();
    for _ in 0..searches {
        let (text, vector) = (words(&mut random, 8), random.vector(DIMENSIONS));
        let started = Instant::now();
        let query = Query { terms: analyse_query(&text), vector: Some(&vector), collections: None, mode };
        let hits = index.search(&query, HITS);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        if hits.len() != HITS {
            return Err(format!("a search found {} of {HITS}", hits.len()).into());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
