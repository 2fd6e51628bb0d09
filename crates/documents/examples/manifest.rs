//! Compares what is read with what a list of files expects: `cargo run --example manifest -- FOLDER`.
//!
//! The folder holds a `manifest.jsonl` with one line a file: its name, how it should end, and strings that its
//! text should contain. Every file that ends otherwise is printed.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use documents::{Limits, extract};
use serde_json::Value;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: manifest FOLDER");
        return ExitCode::FAILURE;
    };
    let folder = Path::new(&folder);
    let list = match std::fs::read_to_string(folder.join("manifest.jsonl")) {
        Ok(list) => list,
        Err(error) => {
            eprintln!("manifest.jsonl: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut others = 0;
    for line in list.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let file = text("file");
        let started = Instant::now();
        let name = file.rsplit('/').next().unwrap_or_default();
        let read = extract(&folder.join(&file), name, &Limits::default(), &mut |_| {});
        let seconds = started.elapsed().as_secs_f64();
        let ended = match &read {
            Ok(found) => {
                let missing: Vec<&str> = line["contains"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .filter(|part| !letters(&found.text).contains(&letters(part)))
                    .collect();
                format!("ok, {} characters, {} missing {missing:?}", found.text.len(), missing.len())
            }
            Err(error) => format!("error:{} {error}", error.code()),
        };
        let expect = text("expect");
        let ok = ended.starts_with("ok") && ended.contains("0 missing");
        let as_expected = match expect.as_str() {
            "ok" => ok,
            "no_text" | "ocr" => ended.starts_with("error:no_") || ended.starts_with("error:empty") || ok,
            expect if expect.starts_with("error:") => ended.starts_with(expect),
            "error" => !ended.starts_with("ok"),
            _ => true,
        };
        others += u32::from(!as_expected);
        let mark = if as_expected { " " } else { "!" };
        println!("{mark} {seconds:6.2} s  {file}: {expect} -> {ended}");
    }
    println!("{others} files ended otherwise than expected");
    if others == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Letters and digits only: tables are laid out otherwise by everyone.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}
