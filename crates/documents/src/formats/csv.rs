//! CSV and its relatives (RFC 4180 with any of four separators). Every record becomes one line with the
//! names of its columns.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::compose::Composer;
use crate::table;
use crate::{ExtractError, Format, Limits};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How many records the separator and the header are judged by.
const SAMPLE_RECORDS: usize = 200;

/// Reads `text` record by record.
pub(crate) fn read(text: &str, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let (text, separator) = match declared_separator(text) {
        Some((rest, separator)) => (rest, separator),
        None => (text, sniff(text).map_or(b',', |(separator, _)| separator)),
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for record in records(text, separator) {
        let record = record.map_err(|error| ExtractError::damaged(Format::Csv, error))?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        ExtractError::check("number of table rows", rows.len() as u64, u64::from(limits.max_rows))?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    table::write(&rows, None, limits.max_rows, out)
}

/// Whether a text without a telling name is a table: one separator cuts its first records evenly.
pub(crate) fn looks_tabular(text: &str) -> bool {
    // The sample may end inside a record.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().count() >= 3 && sniff(whole).is_some_and(|(_, evenness)| evenness == 1.0)
}

/// Excel's own hint in the first line: `sep=;`.
fn declared_separator(text: &str) -> Option<(&str, u8)> {
    let (line, rest) = text.split_once('\n')?;
    let separator = line.trim_start_matches('\u{FEFF}').trim_end_matches('\r').strip_prefix("sep=")?;
    match separator.as_bytes() {
        [separator] => Some((rest, *separator)),
        _ => None,
    }
}

/// The separator that cuts the records most evenly into more than one cell, and the share of records that
/// have the usual number of cells.
fn sniff(text: &str) -> Option<(u8, f64)> {
    let scored = SEPARATORS.into_iter().filter_map(|separator| {
        let widths: Vec<usize> = records(text, separator)
            .take(SAMPLE_RECORDS)
            .filter_map(Result::ok)
            .map(|record| record.len())
            .collect();
        let usual = most_common(&widths)?;
        let even = widths.iter().filter(|width| **width == usual).count() as f64 / widths.len() as f64;
        (usual > 1).then_some((separator, even, usual))
    });
    let best = scored.max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.cmp(&b.2)))?;
    Some((best.0, best.1))
}

fn most_common(widths: &[usize]) -> Option<usize> {
    let count = |width: usize| widths.iter().filter(|other| **other == width).count();
    widths.iter().copied().max_by_key(|width| (count(*width), *width))
}

fn records(text: &str, separator: u8) -> impl Iterator<Item = csv::Result<StringRecord>> {
    ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::None)
        .from_reader(text.as_bytes())
        .into_records()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(csv: &str) -> String {
        let limits = Limits::default();
        let mut out = Composer::new(Format::Csv, &limits);
        read(csv, &limits, &mut out).unwrap();
        out.finish().unwrap().text
    }

    #[test]
    fn separators_are_sniffed() {
        let expected = "Plan: Starter; Price: 29,5; Note: a b\nPlan: Team; Price: 99; Note: c";
        assert_eq!(text("Plan,Price,Note\nStarter,\"29,5\",\"a\nb\"\nTeam,99,c\n"), expected);
        assert_eq!(text("Plan;Price;Note\r\nStarter;29,5;a b\r\nTeam;99;c"), expected);
        assert_eq!(text("Plan\tPrice\tNote\nStarter\t29,5\ta b\nTeam\t99\tc\n"), expected);
        assert_eq!(text("Plan|Price|Note\nStarter|29,5|a b\nTeam|99|c\n"), expected);
        assert_eq!(text("sep=;\nPlan;Price;Note\nStarter;29,5;a b\nTeam;99;c"), expected);
    }

    #[test]
    fn a_caption_stands_above_the_header() {
        assert_eq!(
            text("Stanley Cups,,\nTeam,City,Cups\nBlues,STL,1\n"),
            "Stanley Cups\n\nTeam: Blues; City: STL; Cups: 1"
        );
    }

    #[test]
    fn ragged_rows_keep_all_their_cells() {
        assert_eq!(text("a,b\n1x,2,3\n4\n"), "a: 1x; b: 2; 3\na: 4");
    }

    #[test]
    fn prose_is_not_tabular() {
        assert!(!looks_tabular("One, two.\nThree.\nFour, five, six.\n"));
        assert!(looks_tabular("a;b\n1;2\n3;4\n"));
    }
}
