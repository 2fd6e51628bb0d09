//! Retrieval quality: words alone, vectors alone and both fused over sets of questions, with the index's one
//! configuration, and the embedder against vectors of the reference implementation.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
};

use retrieval::{
    About, ChunkRow, DIMENSIONS, DocumentRows, Embedder, Index, Mode, Query, analyse_passage, analyse_query,
    combine, passages_to_embed,
};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{Result, process};

/// What a set's fused nDCG@10 shall reach, by the set's name.
const GOALS: [(&str, f64); 5] = [
    ("squad", 0.92),
    ("support_faq", 0.895),
    ("xquad_multi", 0.93),
    ("science", 0.735),
    ("long_documents", 0.785),
];
const GOLDEN: &str = "golden_minilm.jsonl";
const LEAST_COSINE: f32 = 0.999;
const MODES: [(Mode, &str); 3] =
    [(Mode::Lexical, "BM25 alone"), (Mode::Dense, "dense alone"), (Mode::Fused, "fused")];
const DEPTH: usize = 10;

#[derive(Deserialize)]
struct Passage {
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

#[derive(Deserialize)]
pub(crate) struct Question {
    pub text: String,
    pub relevant: HashSet<String>,
    lang: Option<String>,
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

/// Scores every set of a folder, prints it and writes it down. Fails when a goal is missed.
pub fn measure(folder: &Path, model_dir: Option<&Path>) -> Result<()> {
    let embedder = Embedder::open(model_dir.ok_or("name the folder of the embedding model by --model-dir")?)?;
    let mut text = format!(
        "# Retrieval quality, measured\n\nWritten by `make bench-retrieval` on {}. One configuration for all sets; a \
         set is a folder with `corpus.jsonl` and `queries.jsonl`. Relevance is binary.\n\n\
         | set | ranking | nDCG@10 | goal | recall@10 | MRR@10 | hit@1 | |\n|---|---|---|---|---|---|---|---|\n",
        process::machine()
    );
    let (mut fine, mut notes) = (true, String::new());
    for set in sets(folder)? {
        eprintln!("bench: {} …", set.display());
        fine &= Scored::new(&set, &embedder)?.describe(&mut text, &mut notes)?;
    }
    text.push_str(&format!("\n{notes}"));
    let golden = folder.join(GOLDEN);
    if golden.exists() {
        fine &= agrees(&embedder, &read(&golden)?, &mut text)?;
    }
    println!("{text}");
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("RETRIEVAL.md"), text)?;
    if fine { Ok(()) } else { Err("not every goal is met".into()) }
}

pub(crate) fn sets(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}; name the folder of sets by RETRIEVAL_SETS", folder.display()))?;
    let mut sets = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    sets.retain(|set| set.join("queries.jsonl").exists() && set.join("corpus.jsonl").exists());
    sets.sort();
    Ok(sets)
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).map_err(|e| format!("{}: {e}: {line}", path.display()).into()))
        .collect()
}

/// A set's scores, one for each ranking.
struct Scored {
    name: String,
    size: (usize, usize),
    rankings: [Scores; MODES.len()],
    fused_by_language: BTreeMap<String, Scores>,
}

impl Scored {
    fn new(set: &Path, embedder: &Embedder) -> Result<Self> {
        let passages: Vec<Passage> = read(&set.join("corpus.jsonl"))?;
        let questions: Vec<Question> = read(&set.join("queries.jsonl"))?;
        let index = index(embedder, &passages)?;
        let asked =
            vectors(embedder, &questions.iter().map(|question| question.text.clone()).collect::<Vec<_>>())?;
        let mut fused_by_language: BTreeMap<String, Scores> = BTreeMap::new();
        let rankings = MODES.map(|(mode, _)| {
            let mut scores = Scores::default();
            for (question, vector) in questions.iter().zip(&asked) {
                let terms = analyse_query(&question.text);
                let hits =
                    index.search(&Query { terms, vector: Some(vector), collections: None, mode }, DEPTH);
                let ranked: Vec<bool> =
                    hits.iter().map(|hit| question.relevant.contains(&*hit.document_id)).collect();
                scores.add(&ranked, question.relevant.len());
                if let (Mode::Fused, Some(language)) = (mode, &question.lang) {
                    fused_by_language
                        .entry(language.clone())
                        .or_default()
                        .add(&ranked, question.relevant.len());
                }
            }
            scores
        });
        let name = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, size: (passages.len(), questions.len()), rankings, fused_by_language })
    }

    /// Writes a row for each ranking; gives whether the fused one reaches its goal and both of the others.
    fn describe(&self, text: &mut String, notes: &mut String) -> Result<bool> {
        let goal = GOALS.iter().find(|(name, _)| *name == self.name).map(|(_, goal)| *goal);
        let [lexical, dense, fused] = &self.rankings;
        let better = lexical.ndcg().max(dense.ndcg());
        let fine = fused.ndcg() >= better && goal.is_none_or(|goal| fused.ndcg() >= goal);
        for ((_, ranking), scores) in MODES.iter().zip(&self.rankings) {
            let is_fused = *ranking == "fused";
            let goal = goal.filter(|_| is_fused).map_or_else(String::new, |goal| format!("≥ {goal}"));
            let verdict = match (is_fused, fine) {
                (false, _) => String::new(),
                (true, fine) => {
                    let word = if fine { "pass" } else { "FAIL" };
                    format!("{word}, {:+.4} to the better of both", fused.ndcg() - better)
                }
            };
            let [ndcg, recall, reciprocal, first] = scores.means();
            writeln!(
                text,
                "| {} | {ranking} | {ndcg:.4} | {goal} | {recall:.4} | {reciprocal:.4} | {first:.4} | {verdict} |",
                self.name
            )?;
        }
        writeln!(notes, "- {}: {} passages, {} questions", self.name, self.size.0, self.size.1)?;
        if !self.fused_by_language.is_empty() {
            let each = self.fused_by_language.iter();
            let each: Vec<_> = each.map(|(name, scores)| format!("{name} {:.3}", scores.ndcg())).collect();
            writeln!(notes, "- {}, fused, nDCG@10 by language: {}", self.name, each.join(", "))?;
        }
        Ok(fine)
    }
}

#[derive(Default)]
struct Scores {
    questions: f64,
    /// Sums of nDCG@10, recall@10, MRR@10 and hit@1.
    sums: [f64; 4],
}

impl Scores {
    fn add(&mut self, ranked: &[bool], relevant: usize) {
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let ideal: f64 = (0..relevant.min(DEPTH)).map(gain).sum();
        let hits = || ranked.iter().enumerate().filter(|(_, hit)| **hit).map(|(rank, _)| rank);
        let scores = [
            hits().map(gain).sum::<f64>() / ideal.max(f64::MIN_POSITIVE),
            hits().count() as f64 / relevant.max(1) as f64,
            hits().next().map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0)),
            f64::from(u8::from(ranked.first() == Some(&true))),
        ];
        self.questions += 1.0;
        self.sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
    }

    fn means(&self) -> [f64; 4] {
        self.sums.map(|sum| sum / self.questions.max(1.0))
    }

    fn ndcg(&self) -> f64 {
        self.means()[0]
    }
}

fn index(embedder: &Embedder, passages: &[Passage]) -> Result<Index> {
    let texts: Vec<Vec<String>> =
        passages.iter().map(|passage| passages_to_embed(&passage.title, None, &passage.text)).collect();
    let mut parts = vectors(embedder, &texts.concat())?.into_iter();
    let document = |(passage, texts): (&Passage, &Vec<String>)| DocumentRows {
        document_id: passage.id.clone(),
        collection_id: String::new(),
        version: 1,
        about: About::default(),
        chunks: vec![ChunkRow {
            ordinal: 0,
            terms: analyse_passage(&passage.title, None, &passage.text),
            vector: Some(combine(&parts.by_ref().take(texts.len()).collect::<Vec<_>>())),
            text: None,
        }],
    };
    let rows = passages.iter().zip(&texts).map(document).collect();
    Ok(Index::new(&std::env::temp_dir()).with(rows, &[])?)
}

/// The vectors of texts, kept in a file whose name changes with the texts and with the embedder's numbers.
pub(crate) fn vectors(embedder: &Embedder, texts: &[String]) -> Result<Vec<Vec<f32>>> {
    let mut sum = Sha256::new();
    sum.update(bytes(&[embedder.embed("a text whose vector tells one embedder from another")]));
    texts.iter().for_each(|text| sum.update(format!("{text}\0")));
    let name: String = sum.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let program = std::env::current_exe()?;
    let folder =
        program.ancestors().nth(2).ok_or("this program lies in no target folder")?.join("bench-data/vectors");
    fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    if let Ok(kept) = fs::read(&file) {
        let numbers = kept.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        return Ok(numbers.collect::<Vec<_>>().chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect());
    }
    let vectors = embed(embedder, texts);
    fs::write(file, bytes(&vectors))?;
    Ok(vectors)
}

fn bytes(vectors: &[Vec<f32>]) -> Vec<u8> {
    vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect()
}

/// On all cores: only the quality is measured here.
fn embed(embedder: &Embedder, texts: &[String]) -> Vec<Vec<f32>> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let shares = texts.chunks(texts.len().div_ceil(cores).max(1));
        let running: Vec<_> = shares.map(|share| scope.spawn(|| embedder.embed_batch(share))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("embedding does not panic")).collect()
    })
}

/// Whether word pieces and vectors are those of the reference.
fn agrees(embedder: &Embedder, golden: &[Golden], text: &mut String) -> Result<bool> {
    let same = golden.iter().filter(|golden| embedder.word_pieces(&golden.text) == golden.ids).count();
    let cosine = |golden: &Golden| {
        let own = embedder.embed(&golden.text);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(&own, &golden.embedding) / (dot(&own, &own) * dot(&golden.embedding, &golden.embedding)).sqrt()
    };
    let lowest = golden.iter().map(cosine).fold(1.0, f32::min);
    let fine = same == golden.len() && lowest >= LEAST_COSINE;
    writeln!(
        text,
        "\nEmbedder against the reference: word pieces equal in {same} of {} texts, lowest cosine {lowest:.5} (goal ≥ \
         {LEAST_COSINE}): {}.",
        golden.len(),
        if fine { "pass" } else { "FAIL" }
    )?;
    Ok(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_what_their_formulas_say() {
        let mut scores = Scores::default();
        scores.add(&[false, true, false, true], 3);
        let ideal = 1.0 + 1.0 / 3_f64.log2() + 0.5;
        let [ndcg, recall, reciprocal, first] = scores.means();
        assert!((ndcg - (1.0 / 3_f64.log2() + 1.0 / 5_f64.log2()) / ideal).abs() < 1e-12);
        assert_eq!((recall, reciprocal, first), (2.0 / 3.0, 0.5, 0.0));
        scores.add(&[true], 1);
        assert_eq!(scores.means()[3], 0.5);
    }
}
