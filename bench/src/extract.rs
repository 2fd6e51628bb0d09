//! The text of PDFs, against `pdftotext` of poppler on the same files: processor time a page, and whether the
//! same words come in the same order.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use documents::{Extracted, Limits, extract, worker::Worker};
use unicode_normalization::UnicodeNormalization;

use crate::{
    Bench, Result, process,
    report::{Section, at},
};

/// Both sides read a file again and again until they had this much processor time, whose clock is coarse.
const LEAST: Duration = Duration::from_millis(150);
/// Files with fewer words have no order to compare.
const FEWEST_WORDS: usize = 20;
/// What the product allows its worker.
const WORKER_MEMORY: u64 = 512 << 20;
const WORKER_PATIENCE: Duration = Duration::from_secs(120);

/// Measures every PDF that both sides can read.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Text of PDFs against pdftotext");
    let (mut ratios, mut worker_ratios, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    let (mut overlaps, mut shorter_overlaps) = (Vec::new(), Vec::new());
    for file in pdfs(&bench.pdfs)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(Texts { theirs, whole, ours }) = read_by_both(&file)? else {
            left_out.push(name);
            continue;
        };
        let (overlap, shorter) =
            (trigram_overlap(&theirs, &whole.text), trigram_overlap(&theirs, &ours.text));
        let pages = f64::from(ours.pages.unwrap_or(1).max(1));
        let (theirs, ours) = (their_time(&file)?, our_time(&file)?);
        let worker = worker_time(bench, &file).await?;
        let ms = |time: Duration| time.as_secs_f64() * 1e3 / pages;
        section.note(format!(
            "{name}: {pages} pages, {:.2} ms a page, pdftotext {:.2}, worker {:.2}; overlap {overlap:.3}, \
             without running lines {shorter:.3}",
            ms(ours),
            ms(theirs),
            ms(worker)
        ));
        ratios.push(ours.as_secs_f64() / theirs.as_secs_f64());
        worker_ratios.push(worker.as_secs_f64() / theirs.as_secs_f64());
        overlaps.push(overlap);
        shorter_overlaps.push(shorter);
    }
    for sorted in [&mut ratios, &mut worker_ratios, &mut overlaps, &mut shorter_overlaps] {
        sorted.sort_by(f64::total_cmp);
    }
    section.plain("files", ratios.len() as f64, "");
    section.at_most("time of pdftotext, median", 3.0, at(&ratios, 0.5), " ×");
    section.plain("time of pdftotext, worst", at(&ratios, 1.0), " ×");
    section.plain("the same through the worker, median", at(&worker_ratios, 0.5), " ×");
    section.at_least("overlap of word trigrams, running lines left in, median", 0.97, at(&overlaps, 0.5), "");
    section.plain("overlap of word trigrams, running lines left in, lowest", at(&overlaps, 0.0), "");
    section.plain("overlap of word trigrams, without running lines, median", at(&shorter_overlaps, 0.5), "");
    section.note(format!("left out, as one of both finds no text worth comparing: {}", left_out.join(", ")));
    Ok(section)
}

fn pdfs(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pdf") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What both sides read of a file.
struct Texts {
    theirs: String,
    /// Ours with running headers and footers, which `pdftotext` leaves in: to take them out is no fault of order.
    whole: Extracted,
    /// Ours as the product has it.
    ours: Extracted,
}

/// What both sides read, if both find enough.
fn read_by_both(file: &Path) -> Result<Option<Texts>> {
    let output = pdftotext(file).output().map_err(|e| format!("pdftotext: {e}; install poppler-utils"))?;
    let theirs = String::from_utf8_lossy(&output.stdout).into_owned();
    let enough = |text: &str| text.split_whitespace().count() >= FEWEST_WORDS;
    if !output.status.success() || !enough(&theirs) {
        return Ok(None);
    }
    let with_running_lines = Limits { keep_running_lines: true, ..Limits::default() };
    let whole = extract(file, "file.pdf", &with_running_lines, &mut |_| {});
    let ours = extract(file, "file.pdf", &Limits::default(), &mut |_| {});
    Ok(whole.ok().zip(ours.ok()).map(|(whole, ours)| Texts { theirs, whole, ours }))
}

fn pdftotext(file: &Path) -> Command {
    let mut command = Command::new("pdftotext");
    command.args(["-enc", "UTF-8"]).arg(file).arg("-");
    command
}

/// Processor time of one run.
fn their_time(file: &Path) -> Result<Duration> {
    let (mut runs, before) = (0, process::children(std::process::id())?);
    loop {
        pdftotext(file).output()?;
        runs += 1;
        let spent = process::children(std::process::id())? - before;
        if spent >= LEAST {
            return Ok(spent / runs);
        }
    }
}

fn our_time(file: &Path) -> Result<Duration> {
    let (mut runs, before) = (0, process::own_time());
    loop {
        extract(file, "file.pdf", &Limits::default(), &mut |_| {})?;
        runs += 1;
        let spent = process::own_time() - before;
        if spent >= LEAST {
            return Ok(spent / runs);
        }
    }
}

/// The way a server goes: through a process of its own, its start included.
async fn worker_time(bench: &Bench, file: &Path) -> Result<Duration> {
    let worker = Worker {
        program: bench.server.clone(),
        args: vec!["extract-worker".into()],
        timeout: WORKER_PATIENCE,
        memory_bytes: WORKER_MEMORY,
        limits: Limits::default(),
    };
    let (mut runs, before) = (0, process::children(std::process::id())?);
    loop {
        worker.extract(file, "file.pdf", |_| {}).await?;
        runs += 1;
        let spent = process::children(std::process::id())? - before;
        if spent >= LEAST {
            return Ok(spent / runs);
        }
    }
}

/// Dice's coefficient of the runs of three words in two texts: 1 for the same words in the same order.
fn trigram_overlap(a: &str, b: &str) -> f64 {
    let (a, b) = (words(a), words(b));
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    a.windows(3).for_each(|trigram| *counts.entry(trigram).or_default() += 1);
    let shared = b
        .windows(3)
        .filter(|trigram| counts.get_mut(trigram).filter(|left| **left > 0).map(|left| *left -= 1).is_some());
    let both = a.len().saturating_sub(2) + b.len().saturating_sub(2);
    2.0 * shared.count() as f64 / both.max(1) as f64
}

/// Words without case and without the marks around them, as readers of PDFs set blanks differently there; ligatures and
/// raised letters as the letters they stand for (NFKC).
fn words(text: &str) -> Vec<String> {
    let text: String = text.nfkc().collect();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_counts_runs_of_words() {
        assert_eq!(trigram_overlap("a b c, d", "A b c d."), 1.0);
        assert_eq!(trigram_overlap("a b c d", "d c b a"), 0.0);
        assert_eq!(trigram_overlap("a b c d e", "a b c x e"), 1.0 / 3.0);
        assert_eq!(trigram_overlap("", ""), 0.0);
    }
}
