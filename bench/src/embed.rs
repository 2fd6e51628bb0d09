//! Embedding against sentence-transformers on torch, one thread each, in turns in one run.

use std::{path::Path, process::Command, time::Duration};

use retrieval::Embedder;
use serde::Deserialize;

use crate::{
    Bench, Result, process,
    report::{Section, at},
};

const WORDS: usize = 108;
const QUESTION: &str = "How long do I have to return an item that I bought online?";
/// Rounds of both sides: what else the machine does meets both.
const ROUNDS: usize = 5;

/// Milliseconds of processor time a text.
#[derive(Deserialize)]
struct Times {
    passage: f64,
    question: f64,
}

/// Measures passages of 108 words and single questions.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Embedding against sentence-transformers");
    let embedder = bench.embedder()?;
    let passage = passage();
    let mut rounds = Vec::new();
    for _ in 0..bench.pick(ROUNDS, 1) {
        let ours = our_times(bench, &embedder, &passage);
        rounds.push((ours, their_times(&passage)?));
    }
    let median = |of: &dyn Fn(&(Times, Times)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        at(&values, 0.5)
    };
    section.at_least(
        "passages a CPU second, of theirs",
        1.5,
        median(&|(ours, theirs)| theirs.passage / ours.passage),
        " ×",
    );
    section.plain("passages a CPU second", 1e3 / median(&|(ours, _)| ours.passage), "");
    section.plain("passages a CPU second, theirs", 1e3 / median(&|(_, theirs)| theirs.passage), "");
    section.at_most("one question", 6.0, median(&|(ours, _)| ours.question), " ms of CPU");
    section.plain("one question, theirs", median(&|(_, theirs)| theirs.question), " ms of CPU");
    section.note(format!(
        "passages of {WORDS} words, given 32 at once; {} rounds in turns, medians; load average {} after",
        rounds.len(),
        process::load_average()
    ));
    Ok(section)
}

fn our_times(bench: &Bench, embedder: &Embedder, passage: &str) -> Times {
    let (passages, questions) = (bench.pick(64, 8), bench.pick(60, 8));
    let batch = vec![passage; 32];
    let passage =
        cpu(|| (0..passages / 8).for_each(|_| drop(embedder.embed_batch(&batch[..8])))) / f64::from(passages);
    let question = cpu(|| (0..questions).for_each(|_| drop(embedder.embed(QUESTION)))) / f64::from(questions);
    Times { passage, question }
}

/// Milliseconds of processor time of this thread.
fn cpu(work: impl FnOnce()) -> f64 {
    let before = process::thread_time();
    work();
    let spent: Duration = process::thread_time() - before;
    spent.as_secs_f64() * 1e3
}

fn their_times(passage: &str) -> Result<Times> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/bench-torch");
    let output = Command::new(script).args([passage, QUESTION]).output()?;
    if !output.status.success() {
        return Err(format!("scripts/bench-torch failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn passage() -> String {
    let text = "The customer may return any item within thirty days of delivery, provided that it is unused and in \
        its original packaging. Refunds are made to the original payment method within five business days. ";
    text.repeat(4).split_whitespace().take(WORDS).collect::<Vec<_>>().join(" ")
}
