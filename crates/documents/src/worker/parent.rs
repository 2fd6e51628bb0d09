//! The parent's side: starts the child, listens, stops it in time and explains how it ended.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::{Line, ORDERS_VARIABLE, Orders};
use crate::{ExtractError, Extracted, Limits, Progress};

/// The child's memory is bounded by its addresses (RLIMIT_AS), of which mimalloc, which the program allocates from,
/// takes a gigabyte at once unless it is told otherwise.
const ARENA_VARIABLE: &str = "MIMALLOC_ARENA_RESERVE";
const ARENA_KIB: &str = "32768";

/// How much of the child's last words is kept.
const STDERR_TAIL_BYTES: usize = 4 << 10;

/// Signal numbers that are the same on every Unix (POSIX.1, `signal.h`, and Linux for `SIGXCPU`).
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Reads files in child processes.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The program to start, normally `std::env::current_exe()`.
    pub program: PathBuf,
    /// Arguments before the path and the file name, normally `["extract-worker"]`.
    pub args: Vec<OsString>,
    /// How long one file may take.
    pub timeout: Duration,
    /// How much address space the child may have.
    pub memory_bytes: u64,
    /// How much one file may cost otherwise.
    pub limits: Limits,
}

impl Worker {
    /// Reads `path` in a child process. Dropping the future kills the child.
    pub async fn extract(
        &self,
        path: &Path,
        file_name: &str,
        on_progress: impl FnMut(Progress),
    ) -> Result<Extracted, ExtractError> {
        let mut child = self.start(path, file_name)?;
        match tokio::time::timeout(self.timeout, self.listen(&mut child, on_progress)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                kill_group(&child);
                child.kill().await?;
                Err(ExtractError::TooSlow)
            }
        }
    }

    fn start(&self, path: &Path, file_name: &str) -> Result<Child, ExtractError> {
        let orders = Orders {
            limits: self.limits.clone(),
            memory_bytes: self.memory_bytes,
            // Only a child whose parent died reaches this.
            cpu_seconds: self.timeout.as_secs() + 5,
        };
        let orders = serde_json::to_string(&orders).map_err(|error| ExtractError::Io(error.to_string()))?;
        let child = Command::new(&self.program)
            .args(&self.args)
            .arg(path)
            .arg(file_name)
            .env_clear()
            .env(ORDERS_VARIABLE, orders)
            // Where the child looks for the program that reads pictures.
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env(ARENA_VARIABLE, ARENA_KIB)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The child may have started a program that reads pictures.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(child)
    }

    async fn listen(
        &self,
        child: &mut Child,
        on_progress: impl FnMut(Progress),
    ) -> Result<Extracted, ExtractError> {
        let stdout = child.stdout.take().expect("stdout was piped at the start");
        let stderr = child.stderr.take().expect("stderr was piped at the start");
        let (answer, last_words) = tokio::join!(self.answer(stdout, on_progress), tail(stderr));
        let status = child.wait().await?;
        match answer? {
            Some(outcome) => outcome,
            None => Err(self.explain(status, &last_words)),
        }
    }

    /// Follows the child's lines to the result; `None` when it ended without one.
    async fn answer(
        &self,
        stdout: ChildStdout,
        mut on_progress: impl FnMut(Progress),
    ) -> Result<Option<Result<Extracted, ExtractError>>, ExtractError> {
        // JSON escapes and the sections make the result larger than its text, but not without bound.
        let most = (self.limits.max_text_bytes as u64).saturating_mul(8).saturating_add(1 << 20);
        let mut lines = BufReader::new(stdout.take(most));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).await? > 0 {
            match serde_json::from_slice(&line) {
                Ok(Line::Progress(progress)) => on_progress(progress),
                Ok(Line::Done(extracted)) => return Ok(Some(Ok(*extracted))),
                Ok(Line::Failed(error)) => return Ok(Some(Err(error))),
                // Cut off in the middle of a line: the exit status tells why.
                Err(_) => return Ok(None),
            }
            line.clear();
        }
        Ok(None)
    }

    fn explain(&self, status: ExitStatus, last_words: &str) -> ExtractError {
        let out_of_memory = last_words.contains("memory allocation of");
        match status.signal() {
            Some(SIGXCPU) => ExtractError::TooSlow,
            Some(SIGKILL) => ExtractError::out_of_memory(self.memory_bytes),
            Some(SIGABRT) if out_of_memory => ExtractError::out_of_memory(self.memory_bytes),
            _ => ExtractError::Crashed { detail: format!("{status}: {}", last_words.trim()) },
        }
    }
}

/// Stops a child and what it has started. One that is gone already needs no stopping.
fn kill_group(child: &Child) {
    if let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Drains a stream and keeps its end.
async fn tail(mut stream: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(STDERR_TAIL_BYTES);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
