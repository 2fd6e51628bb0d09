//! The child's side: limits itself, reads the file, tells the parent.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Line, ORDERS_VARIABLE, Orders};
use crate::{ExtractError, Limits, Progress};

/// What a child started by hand allows itself.
const DEFAULT_MEMORY_BYTES: u64 = 1 << 30;
const DEFAULT_CPU_SECONDS: u64 = 600;

/// How often progress is told at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Parsers of nested formats recurse: a deep stack turns what would abort the process into an error. The PDF reader,
/// which recurses most, works on a deeper one of its own.
const STACK_BYTES: usize = 16 << 20;

/// The body of the program that [`super::Worker`] starts: reads one file and prints JSON lines
/// (`progress`, then `done` or `failed`). `limits` are used when no parent sent any.
pub fn run(path: &Path, file_name: &str, limits: Limits) -> ExitCode {
    let orders = sent_orders().unwrap_or(Orders {
        limits,
        memory_bytes: DEFAULT_MEMORY_BYTES,
        cpu_seconds: DEFAULT_CPU_SECONDS,
    });
    let outcome = confine(&orders).and_then(|()| on_deep_stack(path, file_name, &orders.limits));
    let line = match outcome {
        Ok(extracted) => Line::Done(Box::new(extracted)),
        Err(error) => Line::Failed(error),
    };
    match print(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn sent_orders() -> Option<Orders> {
    serde_json::from_str(&std::env::var(ORDERS_VARIABLE).ok()?).ok()
}

/// Bounds memory and CPU time, and leaves no core dumps with what the file said.
fn confine(orders: &Orders) -> Result<(), ExtractError> {
    let bounds =
        [(Resource::As, orders.memory_bytes), (Resource::Cpu, orders.cpu_seconds), (Resource::Core, 0)];
    for (resource, bound) in bounds {
        setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(bound) })
            .map_err(|error| ExtractError::Io(format!("cannot limit {resource:?}: {error}")))?;
    }
    Ok(())
}

fn on_deep_stack(path: &Path, file_name: &str, limits: &Limits) -> Result<crate::Extracted, ExtractError> {
    let read = || catch_unwind(AssertUnwindSafe(|| crate::extract(path, file_name, limits, &mut reporter())));
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, read)?;
        thread.join().map_err(|_| std::io::Error::other("the reading thread ended without a result"))
    })?;
    outcome.unwrap_or_else(|panic| Err(ExtractError::Crashed { detail: panic_message(&*panic) }))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

/// Tells the first step, the last one, and in between as often as is useful.
fn reporter() -> impl FnMut(Progress) {
    let mut told: Option<Instant> = None;
    move |progress| {
        let last = Some(progress.pages_done) == progress.pages_total;
        if last || told.is_none_or(|told| told.elapsed() >= PROGRESS_INTERVAL) {
            told = Some(Instant::now());
            // A parent that has gone away is noticed when the result is printed.
            let _ = print(&Line::Progress(progress));
        }
    }
}

fn print(line: &Line) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}
