//! Retrieval quality over a folder of sets: `eval DIR [MODEL_DIR [CACHE_DIR]]`.
//!
//! A set is a folder with `corpus.jsonl` {id, title, text} and `queries.jsonl` {id, text, relevant}. Prints
//! nDCG@10 (binary relevance), recall@10, MRR@10 and hit@1 of the lexical, the dense and the fused ranking.
//! With a cache folder, vectors are kept there between runs.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use retrieval::{
    ChunkRow, DIMENSIONS, DocumentRows, Embedder, Index, Mode, Query, analyse_passage, analyse_query,
    combine, passages_to_embed,
};
use serde_json::Value;

struct Passage {
    id: String,
    title: String,
    text: String,
}

struct Question {
    text: String,
    relevant: HashSet<String>,
    language: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let dir = arguments.next().ok_or("usage: eval DIR [MODEL_DIR [CACHE_DIR]]")?;
    let embedder = arguments.next().map(|dir| Embedder::open(&dir)).transpose()?;
    let cache = arguments.next();
    let mut sets: Vec<PathBuf> =
        fs::read_dir(&dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    sets.retain(|set| set.join("queries.jsonl").exists());
    sets.sort();
    println!("{:<24}{:<9}{:>9}{:>11}{:>8}{:>8}", "set", "ranking", "nDCG@10", "recall@10", "MRR@10", "hit@1");
    for set in sets {
        let vectors = Vectors { embedder: embedder.as_ref(), cache: cache.as_deref(), set: &set };
        evaluate(&set, &vectors)?;
    }
    Ok(())
}

fn evaluate(set: &Path, vectors: &Vectors<'_>) -> Result<(), Box<dyn Error>> {
    let passages: Vec<Passage> = read(&set.join("corpus.jsonl"), passage)?;
    let questions: Vec<Question> = read(&set.join("queries.jsonl"), question)?;
    let texts: Vec<Vec<String>> =
        passages.iter().map(|passage| passages_to_embed(&passage.title, None, &passage.text)).collect();
    let parts = vectors.of("passages", &texts.concat())?;
    let mut parts = parts.map(Vec::into_iter);
    let document = |(passage, texts): (&Passage, &Vec<String>)| {
        let vector = parts.as_mut().map(|parts| combine(&parts.take(texts.len()).collect::<Vec<_>>()));
        let terms = analyse_passage(&passage.title, None, &passage.text);
        DocumentRows {
            document_id: passage.id.clone(),
            collection_id: String::new(),
            version: 1,
            chunks: vec![ChunkRow { ordinal: 0, terms, vector }],
        }
    };
    let rows = passages.iter().zip(&texts).map(document).collect();
    let index = Index::new(&std::env::temp_dir()).with(rows, &[])?;
    let asked: Vec<String> = questions.iter().map(|question| question.text.clone()).collect();
    let asked = vectors.of("questions", &asked)?;

    let name = set.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for (mode, label) in [(Mode::Lexical, "lexical"), (Mode::Dense, "dense"), (Mode::Fused, "fused")] {
        let mut scores = Scores::default();
        let mut by_language: BTreeMap<&str, Scores> = BTreeMap::new();
        for (nth, question) in questions.iter().enumerate() {
            let vector = asked.as_ref().map(|vectors| &vectors[nth][..]);
            let query = Query { terms: analyse_query(&question.text), vector, collections: None, mode };
            let found = index.search(&query, 10);
            let ranked: Vec<bool> =
                found.iter().map(|hit| question.relevant.contains(&*hit.document_id)).collect();
            scores.add(&ranked, question.relevant.len());
            if let Some(language) = &question.language {
                by_language.entry(language).or_default().add(&ranked, question.relevant.len());
            }
        }
        scores.print(&name, label);
        let languages = by_language
            .iter()
            .map(|(language, scores)| format!("{language} {:.3}", scores.ndcg / scores.questions));
        let languages: Vec<String> = languages.collect();
        if !languages.is_empty() {
            println!("    {}", languages.join("  "));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Scores {
    questions: f64,
    ndcg: f64,
    recall: f64,
    reciprocal_rank: f64,
    first: f64,
}

impl Scores {
    fn add(&mut self, ranked: &[bool], relevant: usize) {
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let ideal: f64 = (0..relevant.min(10)).map(gain).sum();
        let hits = || ranked.iter().enumerate().filter(|(_, hit)| **hit).map(|(rank, _)| rank);
        self.questions += 1.0;
        self.ndcg += hits().map(gain).sum::<f64>() / ideal.max(f64::MIN_POSITIVE);
        self.recall += hits().count() as f64 / relevant.max(1) as f64;
        self.reciprocal_rank += hits().next().map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0));
        self.first += f64::from(u8::from(ranked.first() == Some(&true)));
    }

    fn print(&self, set: &str, ranking: &str) {
        let [ndcg, recall, reciprocal_rank, first] =
            [self.ndcg, self.recall, self.reciprocal_rank, self.first]
                .map(|sum| sum / self.questions.max(1.0));
        println!("{set:<24}{ranking:<9}{ndcg:>9.4}{recall:>11.4}{reciprocal_rank:>8.4}{first:>8.4}");
    }
}

/// Vectors of a set's texts, from the cache or the model; none without a model.
struct Vectors<'a> {
    embedder: Option<&'a Embedder>,
    cache: Option<&'a Path>,
    set: &'a Path,
}

impl Vectors<'_> {
    fn of(&self, kind: &str, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, Box<dyn Error>> {
        let Some(embedder) = self.embedder else { return Ok(None) };
        let set = self.set.file_name().unwrap_or_default().to_string_lossy();
        let file = self.cache.map(|cache| cache.join(format!("{set}.{kind}.{}", texts.len())));
        if let Some(bytes) = file.as_ref().and_then(|file| fs::read(file).ok()) {
            let numbers = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let numbers: Vec<f32> = numbers.collect();
            return Ok(Some(numbers.chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect()));
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed_batch(&texts);
        if let Some(file) = file {
            fs::create_dir_all(self.cache.unwrap_or(Path::new(".")))?;
            fs::write(file, vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        Ok(Some(vectors))
    }
}

fn read<T>(path: &Path, parse: fn(&Value) -> Option<T>) -> Result<Vec<T>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            parse(&serde_json::from_str(line)?).ok_or_else(|| format!("{}: {line}", path.display()).into())
        })
        .collect()
}

fn string(value: &Value) -> Option<String> {
    Some(value.as_str()?.to_owned())
}

fn passage(line: &Value) -> Option<Passage> {
    let title = string(&line["title"]).unwrap_or_default();
    Some(Passage { id: string(&line["id"])?, title, text: string(&line["text"])? })
}

fn question(line: &Value) -> Option<Question> {
    let relevant = line["relevant"].as_array()?.iter().map(string).collect::<Option<_>>()?;
    Some(Question { text: string(&line["text"])?, relevant, language: string(&line["lang"]) })
}
