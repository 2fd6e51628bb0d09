//! The worker end to end: the child is `examples/worker.rs`, or a shell that dies in a certain way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use documents::worker::Worker;
use documents::{ExtractError, Extracted, Limits, Progress, extract};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Examples are built beside the tests, in the folder next to theirs.
fn worker() -> Worker {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/worker");
    assert!(program.exists(), "build the worker first: cargo build -p documents --example worker");
    Worker {
        program,
        args: Vec::new(),
        timeout: Duration::from_secs(60),
        memory_bytes: 512 << 20,
        limits: Limits::default(),
    }
}

fn shell(script: &str) -> Worker {
    Worker { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], ..worker() }
}

async fn run(worker: &Worker, path: &Path) -> Result<Extracted, ExtractError> {
    worker.extract(path, "a.pdf", |_| {}).await
}

#[tokio::test]
async fn the_child_reads_what_the_parent_would() {
    let path = fixture("handbook.pdf");
    let mut steps: Vec<Progress> = Vec::new();
    let found = worker().extract(&path, "a.pdf", |step| steps.push(step)).await.unwrap();
    assert_eq!(found, extract(&path, "a.pdf", &Limits::default(), &mut |_| {}).unwrap());
    assert_eq!(steps.last(), Some(&Progress { pages_done: 3, pages_total: Some(3) }));
}

#[tokio::test]
async fn failures_and_limits_travel() {
    assert_eq!(run(&worker(), &fixture("password.pdf")).await, Err(ExtractError::Encrypted));
    let limits = Limits { max_pages: 1, ..Limits::default() };
    let error = run(&Worker { limits, ..worker() }, &fixture("handbook.pdf")).await.unwrap_err();
    assert_eq!(error, ExtractError::TooLarge { what: "number of pages".into(), limit: 1 });
    assert_eq!(run(&worker(), Path::new("/nonexistent")).await.unwrap_err().code(), "io");
}

#[tokio::test]
async fn a_slow_child_is_killed() {
    let started = Instant::now();
    let slow = Worker { timeout: Duration::from_millis(300), ..shell("exec sleep 60") };
    assert_eq!(run(&slow, Path::new("x")).await, Err(ExtractError::TooSlow));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn what_the_child_started_is_stopped_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; wait", note.display());
    let slow =
        Worker { timeout: Duration::from_millis(500), args: vec!["-c".into(), script.into()], ..shell("") };
    assert_eq!(run(&slow, Path::new("x")).await, Err(ExtractError::TooSlow));
    let pid = std::fs::read_to_string(note).unwrap();
    let status = format!("/proc/{}/stat", pid.trim());
    let is_gone = || std::fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "));
    for _ in 0..100 {
        if is_gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the grandchild lives on");
}

/// The program that reads pictures is found by PATH, and lives within the memory of the child.
#[tokio::test]
async fn pictures_are_read_in_the_child() {
    let read = worker().extract(&fixture("notice.png"), "notice.png", |_| {}).await;
    assert_eq!(read, extract(&fixture("notice.png"), "notice.png", &Limits::default(), &mut |_| {}));
}

#[tokio::test]
async fn deaths_are_explained() {
    let died = |script: &'static str| async move { run(&shell(script), Path::new("x")).await.unwrap_err() };
    assert_eq!(died("echo overflowed >&2; kill -ABRT $$").await.code(), "crashed");
    assert_eq!(died("echo memory allocation of 9 bytes failed >&2; kill -ABRT $$").await.code(), "too_large");
    assert_eq!(died("kill -KILL $$").await.code(), "too_large");
    assert_eq!(died("exit 3").await.code(), "crashed");
    assert_eq!(died("echo '{\"done\":{\"form'").await.code(), "crashed");
    assert_eq!(
        run(&Worker { program: "/nonexistent".into(), ..worker() }, Path::new("x")).await.unwrap_err().code(),
        "io"
    );
}

#[tokio::test]
async fn the_environment_stays_behind() {
    let tells = shell(r#"printf '{"failed":{"io":"%s%s"}}\n' "$HOME" "$CARGO_MANIFEST_DIR""#);
    assert_eq!(run(&tells, Path::new("x")).await, Err(ExtractError::Io(String::new())));
}

#[tokio::test]
async fn memory_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.txt");
    std::fs::write(&path, "A line of text that says nothing new.\n".repeat(2_000_000)).unwrap();
    let small = Worker { memory_bytes: 150 << 20, ..worker() };
    let error = small.extract(&path, "long.txt", |_| {}).await.unwrap_err();
    assert_eq!(error, ExtractError::TooLarge { what: "need of memory in bytes".into(), limit: 150 << 20 });
}

/// Arrays nested this deep overflow the parser's stack, which no handler inside the process can catch.
#[tokio::test]
async fn a_parser_that_aborts_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.pdf");
    let depth = 500_000;
    let nested = format!(
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/X {}{}>>\nendobj\n2 0 obj\n<</Type/Pages/Count 0/Kids[]>>\nendobj\n\
         trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n",
        "[".repeat(depth),
        "]".repeat(depth),
    );
    std::fs::write(&path, nested).unwrap();
    let error = run(&worker(), &path).await.unwrap_err();
    assert!(matches!(error, ExtractError::Crashed { .. } | ExtractError::Damaged { .. }), "{error:?}");
}
