//! Prints what is read from a file, section by section: `cargo run --example extract -- [--running-lines] FILE`.
//!
//! With `--running-lines` the running headers and footers of a PDF are left in.

use std::path::PathBuf;
use std::process::ExitCode;

use documents::{ExtractError, Limits, extract};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let keep_running_lines = arguments.next_if(|argument| argument == "--running-lines").is_some();
    let Some(path) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: extract [--running-lines] FILE");
        return ExitCode::FAILURE;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let limits = Limits { keep_running_lines, ..Limits::default() };
    match extract(&path, &name, &limits, &mut |_| {}) {
        Ok(extracted) => {
            println!(
                "{} title={:?} pages={:?} language={:?}",
                extracted.format, extracted.title, extracted.pages, extracted.language
            );
            for warning in &extracted.warnings {
                println!("warning: {warning}");
            }
            for section in &extracted.sections {
                let place = section.heading.as_deref().unwrap_or("-");
                println!("\n[{:?} page={:?} row={:?} in {place}]", section.kind, section.page, section.row);
                println!("{}", &extracted.text[section.start..section.end]);
            }
            ExitCode::SUCCESS
        }
        Err(error) => report(&error),
    }
}

fn report(error: &ExtractError) -> ExitCode {
    eprintln!("{}: {error}", error.code());
    ExitCode::FAILURE
}
