//! Fields of receipts without a language model: how many are right, and whether the confidence says so.

use std::{fmt::Write as _, fs, path::Path};

use ::extraction::{Block, Locale, Schema, Source};
use documents::{Format, Limits};
use serde_json::{Map, Value, json};

use crate::{Result, process};

/// The share of all fields that shall be right.
const GOAL: f64 = 0.85;
/// Fields and the share that a small rule baseline gets right.
const FIELDS: [(&str, f64); 4] = [("company", 0.62), ("date", 0.93), ("address", 0.57), ("total", 0.71)];
const BINS: usize = 10;

/// One field of one receipt.
struct Answer {
    field: usize,
    /// Even or odd in the file: rules were tuned on the even half.
    half: usize,
    confidence: f64,
    right: bool,
}

/// Scores the receipts of a folder, prints the figures and writes them down. Fails when the goal is missed.
pub fn measure(folder: &Path) -> Result<()> {
    let file = folder.join("extraction/receipts.jsonl");
    let text = fs::read_to_string(&file)
        .map_err(|e| format!("{}: {e}; name the folder of sets by RETRIEVAL_SETS", file.display()))?;
    let schema = Schema::parse(&json!({"type": "object", "properties": {
        "company": {"type": "string"}, "date": {"type": "string"},
        "address": {"type": "string"}, "total": {"type": "number"},
    }}))?;
    let mut answers = Vec::new();
    for (number, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        answers.extend(score(&serde_json::from_str(line)?, &schema, number % 2)?);
    }
    let report = report(&answers, &file)?;
    println!("{report}");
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("EXTRACTION.md"), report)?;
    if share(answers.iter()) >= GOAL { Ok(()) } else { Err("not every goal is met".into()) }
}

/// Reads a receipt the way that an uploaded text file is read.
fn score(receipt: &Map<String, Value>, schema: &Schema, half: usize) -> Result<Vec<Answer>> {
    let text = receipt.get("text").and_then(Value::as_str).unwrap_or_default();
    let read = documents::extract_bytes(text.as_bytes(), Format::Text, &Limits::default())?;
    let block = |section: &documents::Section| Block {
        range: section.start..section.end,
        page: section.page,
        row: section.row,
    };
    let blocks: Vec<Block> = read.sections.iter().map(block).collect();
    let found =
        ::extraction::extract(&Source { text: &read.text, blocks: &blocks }, schema, &Locale::default());
    let answer = |(field, (name, _)): (usize, &(&str, f64))| {
        let label = receipt.get("labels").and_then(|labels| labels.get(*name)).and_then(Value::as_str);
        let value = found.fields.get(*name).unwrap_or(&Value::Null);
        let right = is_right(name, label.unwrap_or_default(), value);
        Answer { field, half, confidence: found.details.get(*name).map_or(0.0, |d| d.confidence), right }
    };
    Ok(FIELDS.iter().enumerate().map(answer).collect())
}

/// Equal as a number for the total, else in letters and digits.
fn is_right(name: &str, label: &str, value: &Value) -> bool {
    let plain = |text: &str| text.to_uppercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    if name == "total" {
        let digits: String = label.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        return digits
            .parse()
            .is_ok_and(|label: f64| value.as_f64().is_some_and(|v| (v - label).abs() < 0.005));
    }
    plain(label) == plain(value.as_str().unwrap_or_default())
}

fn share<'a>(answers: impl Iterator<Item = &'a Answer>) -> f64 {
    let (right, all) = answers
        .fold((0.0, 0.0), |(right, all), answer| (right + f64::from(u8::from(answer.right)), all + 1.0));
    right / f64::max(all, 1.0)
}

fn report(answers: &[Answer], file: &Path) -> Result<String> {
    let mut text = format!(
        "# Extraction without a language model, measured\n\nWritten by `make bench-extraction` on {}: {} receipts \
         (`{}`), read as uploaded text files are. Right = equal in letters and digits, the total as a number. \
         Rules were tuned on the even half; of the odd half a handful were looked at while they were written.\n\n\
         | field | right | even half | odd half | rule baseline |\n|---|---|---|---|---|\n",
        process::machine(),
        answers.len() / FIELDS.len(),
        file.file_name().unwrap_or_default().to_string_lossy(),
    );
    let half = |field: Option<usize>, half: usize| {
        share(answers.iter().filter(|a| a.half == half && field.is_none_or(|field| a.field == field)))
    };
    for (field, (name, baseline)) in FIELDS.iter().enumerate() {
        let whole = share(answers.iter().filter(|answer| answer.field == field));
        let (even, odd) = (half(Some(field), 0), half(Some(field), 1));
        writeln!(text, "| {name} | {whole:.3} | {even:.3} | {odd:.3} | {baseline:.2} |")?;
    }
    let (all, even, odd) = (share(answers.iter()), half(None, 0), half(None, 1));
    let verdict = if all >= GOAL { "pass" } else { "FAIL" };
    writeln!(text, "| **all** (goal ≥ {GOAL}: {verdict}) | {all:.3} | {even:.3} | {odd:.3} | 0.705 |")?;
    calibration(answers, &mut text)?;
    Ok(text)
}

fn calibration(answers: &[Answer], text: &mut String) -> Result<()> {
    text.push_str("\n| confidence | values | mean confidence | right |\n|---|---|---|---|\n");
    let mut error = 0.0;
    for bin in 0..BINS {
        let held: Vec<&Answer> =
            answers.iter().filter(|a| ((a.confidence * BINS as f64) as usize).min(BINS - 1) == bin).collect();
        if held.is_empty() {
            continue;
        }
        let mean = held.iter().map(|answer| answer.confidence).sum::<f64>() / held.len() as f64;
        let right = share(held.iter().copied());
        error += (mean - right).abs() * held.len() as f64 / answers.len() as f64;
        let (low, high) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
        writeln!(text, "| {low:.1}–{high:.1} | {} | {mean:.3} | {right:.3} |", held.len())?;
    }
    writeln!(text, "\nExpected calibration error over {BINS} bins: {error:.3}.")?;
    Ok(())
}
