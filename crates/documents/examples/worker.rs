//! The smallest program that [`documents::worker::Worker`] can start: `worker PATH FILE_NAME`.

use std::path::PathBuf;
use std::process::ExitCode;

use documents::{Limits, worker};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(path), Some(name)) = (args.next(), args.next()) else { return ExitCode::FAILURE };
    worker::run(&PathBuf::from(path), &name.to_string_lossy(), Limits::default())
}
