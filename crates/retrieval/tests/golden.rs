//! The embedder against vectors of the reference implementation, when the model is at hand.
//!
//! `FRONTDESK_MODEL_DIR` names the folder that the model is installed in; `FRONTDESK_GOLDEN` another file of
//! golden lines than the small one that stands here.

#![expect(clippy::unwrap_used, reason = "a test: helpers outside of its function panic as well")]

use std::path::PathBuf;

use retrieval::{DIMENSIONS, Embedder};
use serde_json::Value;

struct Golden {
    text: String,
    pieces: Vec<u64>,
    vector: Vec<f32>,
}

fn golden() -> Vec<Golden> {
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_minilm.jsonl");
    let path = std::env::var_os("FRONTDESK_GOLDEN").map_or_else(own, PathBuf::from);
    let lines = std::fs::read_to_string(path).unwrap();
    let parse = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let numbers = line["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32);
        Golden {
            text: line["text"].as_str().unwrap().to_owned(),
            pieces: line["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect(),
            vector: numbers.collect(),
        }
    };
    lines.lines().map(parse).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn vectors_agree_with_the_reference() {
    let Some(dir) = std::env::var_os("FRONTDESK_MODEL_DIR") else {
        println!("skipped: FRONTDESK_MODEL_DIR does not name the folder of an installed model");
        return;
    };
    let embedder = Embedder::open(&PathBuf::from(dir)).unwrap();
    let golden = golden();
    let texts: Vec<&str> = golden.iter().map(|golden| golden.text.as_str()).collect();
    let together = embedder.embed_batch(&texts);
    let mut worst = 1.0_f32;
    for (golden, together) in golden.iter().zip(&together) {
        let pieces: Vec<u64> = embedder.word_pieces(&golden.text).into_iter().map(u64::from).collect();
        assert_eq!(pieces, golden.pieces, "pieces of {:?}", golden.text);
        let alone = embedder.embed(&golden.text);
        assert_eq!(alone.len(), DIMENSIONS);
        assert_eq!(&alone, together, "a batch changes nothing");
        let cosine = cosine(&alone, &golden.vector);
        worst = worst.min(cosine);
        assert!(cosine >= 0.999, "{cosine} for {:?}", golden.text);
    }
    println!("{} texts, lowest cosine {worst}", golden.len());
}
