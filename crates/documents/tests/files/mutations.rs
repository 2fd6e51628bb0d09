//! Broken files: every fixture and every file made for the tests, with bits turned, ends cut off and pieces put in
//! other places. Reading them may fail, but not panic, and not without end.

use std::time::{Duration, Instant};

use documents::{Limits, extract};

use crate::common::{book, fixture, open_document, presentation, workbook};

/// The whole test keeps within this; a slow machine does fewer rounds.
const BUDGET: Duration = Duration::from_secs(8);

/// How often each file is broken at most.
const ROUNDS: u64 = 40;

/// Numbers that look random and are the same every time (Vigna, "SplitMix64").
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn mutate(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut broken = bytes.to_vec();
    match numbers.below(4) {
        0 => {
            for _ in 0..=numbers.below(16) {
                let at = numbers.below(broken.len());
                broken[at] ^= 1 << numbers.below(8);
            }
        }
        1 => broken.truncate(numbers.below(bytes.len())),
        2 => {
            let (from, to) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
            let len = numbers.below(64).min(bytes.len() - from).min(bytes.len() - to);
            broken[to..to + len].copy_from_slice(&bytes[from..from + len]);
        }
        _ => {
            let at = numbers.below(bytes.len());
            let extreme = [0x00, 0x7F, 0x80, 0xFF, b'9', b'<', b'{', b'\\'];
            let len = numbers.below(9).min(bytes.len() - at);
            broken[at..at + len].fill(extreme[numbers.below(extreme.len())]);
        }
    }
    broken
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let file = |name: &'static str| (name, std::fs::read(fixture(name)).unwrap());
    let rows = "<sheetData><row r=\"1\"><c r=\"A1\" s=\"1\"><v>29.9</v></c><c r=\"B1\" s=\"2\"><v>45943</v></c></row></sheetData>";
    let cell = "<table:table-cell><text:p>x</text:p></table:table-cell>";
    let table = format!("<table:table><table:table-row>{cell}{cell}</table:table-row></table:table>");
    vec![
        file("columns.pdf"),
        file("mixed.pdf"),
        file("policy.docx"),
        file("prices.xls"),
        ("a.xlsx", workbook(&[("A", false, rows)])),
        (
            "a.pptx",
            presentation(&[("<p:sld><p:sp><a:p><a:r><a:t>x</a:t></a:r></a:p></p:sp></p:sld>", Some("note"))]),
        ),
        ("a.odt", open_document("text", "", &format!("<text:h>x</text:h>{table}"))),
        ("a.ods", open_document("spreadsheet", "", &table)),
        ("a.epub", book(&[("a", "<h1>x</h1><p>y</p>")], &["a"])),
        (
            "a.rtf",
            br"{\rtf1\ansi{\fonttbl{\f0\fcharset204 A;}}{\stylesheet{\s1 heading 1;}}\s1 x\par\trowd\cellx1\cellx2 a\cell b\cell\row \u8364?\'e4{\footnote y}}"
                .to_vec(),
        ),
        (
            "a.eml",
            b"Subject: =?utf-8?q?x?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n\
              Content-Type: text/html\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=a.html\n\nPGgxPng8L2gxPg==\n--b--\n"
                .to_vec(),
        ),
        ("a.json", br#"[{"question":"x?","answer":"y","n":[1,2,{"k":null}]},{"a":{"b":1e9}}]"#.to_vec()),
        ("a.csv", b"sep=;\na;b\n\"x\"\"y\";2\n1;3\n".to_vec()),
        ("a.md", b"---\ntitle: t\n---\n# H\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n  - y\n\n```\nc\n```\n<b>z</b>".to_vec()),
        (
            "a.html",
            b"<!doctype html><title>t</title><base href=/><nav><a href=x>m</a></nav><main><h1>H</h1><table><tr><th colspan=2>a\
              <tr><td rowspan=3>b<td>c</table><ol start=5><li>d<ul><li>e</ol><pre>f\n g</pre></main>"
                .to_vec(),
        ),
    ]
}

#[test]
fn broken_files_end_in_an_error_and_not_in_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken");
    let seeds = seeds();
    let started = Instant::now();
    let mut numbers = Numbers(2026);
    for round in 0..ROUNDS {
        for (name, seed) in &seeds {
            if started.elapsed() > BUDGET {
                return;
            }
            let broken = mutate(seed, &mut numbers);
            std::fs::write(&path, &broken).unwrap();
            let began = Instant::now();
            // A panic ends the test, which then names the file.
            let read = std::panic::catch_unwind(|| extract(&path, name, &Limits::default(), &mut |_| {}));
            assert!(read.is_ok(), "{name} broken for the {round}th time made the reader panic");
            assert!(
                began.elapsed() < BUDGET,
                "{name} broken for the {round}th time took {:?}",
                began.elapsed()
            );
        }
    }
}
