//! Speed and memory: `bench [MODEL_DIR]`.
//!
//! Embedding of a question and of passages of 108 words, on one thread and on two at once; then an index of
//! 100,000 synthetic chunks whose words follow Zipf's law and whose vectors are random: build time, memory,
//! search times.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use retrieval::{
    ChunkRow, DIMENSIONS, DocumentRows, Embedder, Index, Mode, Query, analyse_passage, analyse_query,
};

const CHUNKS: usize = 100_000;
const CHUNKS_A_DOCUMENT: usize = 10;
const WORDS: usize = 108;
const VOCABULARY: f64 = 50_000.0;
/// Documents that are given to the index at once.
const BATCH: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(dir) = std::env::args().nth(1) {
        bench_embedding(Path::new(&dir))?;
    }
    bench_index()
}

fn bench_embedding(dir: &Path) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let embedder = Embedder::open(dir)?;
    println!("model opened in {:.1} ms", millis(started));
    let passage = "The customer may return any item within thirty days of delivery, provided that it is unused \
        and in its original packaging. Refunds are made to the original payment method within five business days. "
        .repeat(4);
    let passage: Vec<&str> = passage.split_whitespace().take(WORDS).collect();
    let passage = passage.join(" ");
    let question = "How long do I have to return an item that I bought online?";
    let questions = times(200, |_| drop(embedder.embed(question)));
    println!("question: p50 {:.2} ms, p99 {:.2} ms", at(&questions, 0.5), at(&questions, 0.99));
    let passages = times(100, |_| drop(embedder.embed(&passage)));
    println!("passage of {WORDS} words: p50 {:.2} ms", at(&passages, 0.5));
    for (name, text, runs) in [("question", question, 400), ("passage", &*passage, 100)] {
        let pieces = embedder.word_pieces(text).len();
        for threads in [1, 2] {
            let cpu = cpu_millis(threads, runs, || drop(embedder.embed(text)));
            println!("{name} of {pieces} pieces: {cpu:.2} ms of CPU with {threads} at once");
        }
    }
    println!("resident after embedding: {}", resident());
    Ok(())
}

fn bench_index() -> Result<(), Box<dyn Error>> {
    let mut random = Random(42);
    let spool = std::env::temp_dir();
    let mut index = Index::new(&spool);
    let mut building = 0.0;
    for first in (0..CHUNKS / CHUNKS_A_DOCUMENT).step_by(BATCH) {
        let documents: Vec<DocumentRows> =
            (first..first + BATCH).map(|nth| document(nth, &mut random)).collect();
        let started = Instant::now();
        index = index.with(documents, &[])?;
        building += millis(started);
    }
    println!(
        "{} chunks indexed in {:.2} s, {} bytes a chunk",
        index.len(),
        building / 1e3,
        index.memory_bytes() / index.len()
    );
    println!("resident after indexing: {}", resident());
    let update = times(20, |nth| {
        index = index.with(vec![document(nth * 7, &mut random)], &[]).expect("the spool folder is writable");
    });
    println!("a document changed: p50 {:.2} ms, p99 {:.2} ms", at(&update, 0.5), at(&update, 0.99));
    for mode in [Mode::Lexical, Mode::Dense, Mode::Fused] {
        let mut random = Random(7);
        let searches = times(500, |_| {
            let text: Vec<String> = (0..12).map(|_| random.word()).collect();
            let vector = random.vector();
            let terms = analyse_query(&text.join(" "));
            let hits = index.search(&Query { terms, vector: Some(&vector), collections: None, mode }, 20);
            assert_eq!(hits.len(), 20, "100,000 chunks give 20 hits");
        });
        println!("search {mode:?}: p50 {:.2} ms, p99 {:.2} ms", at(&searches, 0.5), at(&searches, 0.99));
    }
    Ok(())
}

fn document(nth: usize, random: &mut Random) -> DocumentRows {
    let chunk = |ordinal: usize| {
        let text: Vec<String> = (0..WORDS).map(|_| random.word()).collect();
        let terms = analyse_passage("", None, &text.join(" "));
        ChunkRow { ordinal: ordinal as i64, terms, vector: Some(random.vector()) }
    };
    DocumentRows {
        document_id: format!("document-{nth}"),
        collection_id: format!("collection-{}", nth % 10),
        version: 1,
        chunks: (0..CHUNKS_A_DOCUMENT).map(chunk).collect(),
    }
}

/// Milliseconds of each run, sorted.
fn times(runs: usize, mut run: impl FnMut(usize)) -> Vec<f64> {
    let mut times: Vec<f64> = (0..runs)
        .map(|nth| {
            let started = Instant::now();
            run(nth);
            millis(started)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

/// CPU time of a run while so many threads run it side by side; other work on the machine does not count.
fn cpu_millis(threads: usize, runs: usize, run: impl Fn() + Sync) -> f64 {
    let on_one = || {
        let before = thread_cpu_millis();
        (0..runs).for_each(|_| run());
        thread_cpu_millis() - before
    };
    let total: f64 = std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads).map(|_| scope.spawn(on_one)).collect();
        spawned.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).sum()
    });
    total / (threads * runs) as f64
}

/// Time that this thread has been on a CPU.
fn thread_cpu_millis() -> f64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedule.split(' ').next().and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon"));
    wanted.collect::<Vec<_>>().join(", ").replace('\t', " ")
}

/// Knuth's linear congruential generator: the same figures on every run.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A word whose rank follows Zipf's law (the inverse of its continuous distribution); the most frequent
    /// are real stop words, as in English.
    fn word(&mut self) -> String {
        const FREQUENT: [&str; 20] = [
            "the", "of", "and", "to", "a", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by",
            "on", "not", "he", "his", "but",
        ];
        let rank = VOCABULARY.powf(self.unit()) as usize;
        FREQUENT.get(rank - 1).map_or_else(|| format!("w{rank}x"), |word| (*word).to_owned())
    }

    fn vector(&mut self) -> Vec<f32> {
        let mut vector: Vec<f32> =
            (0..DIMENSIONS).map(|_| (self.unit() + self.unit() - 1.0) as f32).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }
}
