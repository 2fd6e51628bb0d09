//! How well questions of one meaning are put together: sets of frequent questions (`…_faq`), in which those that share
//! what answers them mean the same, asked one after the other, against putting together what is spelt alike.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    fs,
    path::Path,
};

use retrieval::{Embedder, Groups, Middle, SAME_MEANING};

use crate::{
    Result, process,
    quality::{Question, read, sets, vectors},
};

/// What B-cubed F1 shall reach with the value that is used.
const GOAL: f64 = 0.7;
/// Other values, to see how much hangs on it.
const COSINES: [f32; 7] = [0.60, 0.64, 0.68, 0.72, 0.76, 0.80, 0.84];

/// Groups every set's questions, prints how well, and writes it down.
pub fn measure(folder: &Path, model_dir: Option<&Path>) -> Result<()> {
    let embedder = Embedder::open(model_dir.ok_or("name the folder of the embedding model by --model-dir")?)?;
    let mut text = format!(
        "# Questions grouped by meaning, measured\n\nWritten by `cargo run --release -p bench -- grouping` on {}. Of each \
         set the questions that share their relevant passages with another one; B-cubed precision, recall and F1 \
         (Bagga and Baldwin, 1998). The value in use is {SAME_MEANING}; goal: F1 ≥ {GOAL} with it.\n\n\
         | set | grouped by | groups | precision | recall | F1 | |\n|---|---|---|---|---|---|---|\n",
        process::machine()
    );
    let mut fine = true;
    // Elsewhere a passage answers many questions that have nothing else in common.
    let faqs = sets(folder)?.into_iter().filter(|set| set.to_string_lossy().ends_with("_faq"));
    for set in faqs {
        let questions: Vec<Question> = read(&set.join("queries.jsonl"))?;
        let (asked, meant) = shared(&questions);
        let name = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let vectors = vectors(&embedder, &asked)?;
        let mut row = |by: String, found: &[usize], goal: bool| -> Result<bool> {
            let (precision, recall) = bcubed(found, &meant);
            let f1 = 2.0 * precision * recall / (precision + recall);
            let verdict = if !goal {
                ""
            } else if f1 >= GOAL {
                "pass"
            } else {
                "FAIL"
            };
            let groups = found.iter().collect::<BTreeSet<_>>().len();
            writeln!(
                text,
                "| {name} | {by} | {groups} | {precision:.3} | {recall:.3} | {f1:.3} | {verdict} |"
            )?;
            Ok(!goal || f1 >= GOAL)
        };
        row("spelling".into(), &by_spelling(&asked), false)?;
        for cosine in COSINES {
            let used = cosine == SAME_MEANING;
            fine &= row(format!("cosine ≥ {cosine:.2}"), &by_meaning(&vectors, cosine), used)?;
        }
    }
    println!("{text}");
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("GROUPING.md"), text)?;
    if fine { Ok(()) } else { Err("not every goal is met".into()) }
}

/// The questions that share what is relevant to them with another one, and which those are.
fn shared(questions: &[Question]) -> (Vec<String>, Vec<usize>) {
    let meaning = |question: &Question| question.relevant.iter().cloned().collect::<BTreeSet<_>>();
    let mut members: HashMap<BTreeSet<String>, Vec<usize>> = HashMap::new();
    for (n, question) in questions.iter().enumerate() {
        members.entry(meaning(question)).or_default().push(n);
    }
    let mut of = vec![usize::MAX; questions.len()];
    for (group, places) in members.values().filter(|places| places.len() > 1).enumerate() {
        places.iter().for_each(|&n| of[n] = group);
    }
    let kept: Vec<usize> = (0..questions.len()).filter(|&n| of[n] != usize::MAX).collect();
    let text = |&n: &usize| questions[n].text.clone();
    (kept.iter().map(text).collect(), kept.iter().map(|&n| of[n]).collect())
}

fn by_spelling(questions: &[String]) -> Vec<usize> {
    let mut known = HashMap::new();
    let fold = |text: &String| {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    };
    questions
        .iter()
        .map(|text| {
            let next = known.len();
            *known.entry(fold(text)).or_insert(next)
        })
        .collect()
}

fn by_meaning(vectors: &[Vec<f32>], cosine: f32) -> Vec<usize> {
    let mut groups: Groups<usize> = Groups::with_cosine(cosine);
    let mut middles: Vec<Middle> = Vec::new();
    let mut join = |vector: &Vec<f32>| {
        let at = match groups.nearest(vector) {
            Some((&at, _)) => {
                middles[at].add(vector);
                at
            }
            None => {
                middles.push(Middle::of(vector));
                middles.len() - 1
            }
        };
        groups.set(at, &middles[at]);
        at
    };
    vectors.iter().map(&mut join).collect()
}

/// Of each question's group, how much means the same; and of what means the same, how much is in its group.
fn bcubed(found: &[usize], meant: &[usize]) -> (f64, f64) {
    let (mut both, mut by_found, mut by_meant) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (&f, &m) in found.iter().zip(meant) {
        *both.entry((f, m)).or_insert(0.0) += 1.0;
        *by_found.entry(f).or_insert(0.0) += 1.0;
        *by_meant.entry(m).or_insert(0.0) += 1.0;
    }
    let n = found.len() as f64;
    let share = |of: &dyn Fn(usize, usize) -> f64| {
        found.iter().zip(meant).map(|(&f, &m)| both[&(f, m)] / of(f, m)).sum::<f64>() / n
    };
    (share(&|f, _| by_found[&f]), share(&|_, m| by_meant[&m]))
}
