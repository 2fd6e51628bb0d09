//! Text in pictures, by the program `tesseract` when the server has it.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::ExtractError;

/// The program, and how often it is looked at whether it is done.
const PROGRAM: &str = "tesseract";
const POLL: Duration = Duration::from_millis(20);

/// Languages in one run: each one more makes it slower.
const MAX_LANGUAGES: usize = 6;

/// Where the program is, and the languages that it has been given.
struct Tesseract {
    program: PathBuf,
    languages: String,
}

/// Whether pictures can be read here.
pub(crate) fn is_available() -> bool {
    tesseract().is_some()
}

/// The text in a picture (PNG, JPEG or TIFF); `None` when `tesseract` is not there or cannot open the picture.
pub(crate) fn read(picture: &[u8], timeout: Duration) -> Result<Option<String>, ExtractError> {
    let Some(tesseract) = tesseract() else { return Ok(None) };
    let mut child = command(&tesseract.program)
        .args(["stdin", "stdout", "-l", &tesseract.languages])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let text = converse(&mut child, picture, timeout);
    if text.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    Ok(text?.filter(|_| status.success()))
}

/// One thread writes and one reads, so that neither pipe fills up while the other is waited for.
fn converse(child: &mut Child, picture: &[u8], timeout: Duration) -> Result<Option<String>, ExtractError> {
    let started = Instant::now();
    let mut stdin = child.stdin.take().expect("stdin was piped at the start");
    let mut stdout = child.stdout.take().expect("stdout was piped at the start");
    std::thread::scope(|scope| {
        // The program may end before it has read everything; its status tells.
        scope.spawn(move || stdin.write_all(picture));
        let reader = scope.spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).map(|_| bytes)
        });
        while child.try_wait()?.is_none() {
            if started.elapsed() >= timeout {
                child.kill()?;
                return Err(ExtractError::TooSlow);
            }
            std::thread::sleep(POLL);
        }
        let bytes = reader.join().unwrap_or_else(|_| Ok(Vec::new()))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    })
}

/// Its threads need room for stacks, of which a bounded child has little, and cores that others wait for.
fn command(program: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env("OMP_THREAD_LIMIT", "1");
    command
}

fn tesseract() -> Option<&'static Tesseract> {
    static FOUND: OnceLock<Option<Tesseract>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let path = std::env::var_os("PATH")?;
            let program = std::env::split_paths(&path)
                .map(|folder| folder.join(PROGRAM))
                .find(|file| file.is_file())?;
            let languages = languages(&program)?;
            Some(Tesseract { program, languages })
        })
        .as_ref()
}

/// All languages that were installed beside the program, English first.
fn languages(program: &PathBuf) -> Option<String> {
    let told = command(program).arg("--list-langs").stdin(Stdio::null()).output().ok()?;
    let list = String::from_utf8_lossy(&told.stdout).into_owned();
    let mut names: Vec<&str> = list
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|name| !name.is_empty() && !matches!(*name, "osd" | "equ" | "snum"))
        .collect();
    names.sort_by_key(|name| *name != "eng");
    names.truncate(MAX_LANGUAGES);
    (!names.is_empty()).then(|| names.join("+"))
}
