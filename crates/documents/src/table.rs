//! Tables as lines that stand alone: each data row carries the names of its columns.

use crate::ExtractError;
use crate::compose::{Composer, one_line};

/// A header longer than this is a sentence, not the name of a column.
const MAX_HEADER_CHARS: usize = 80;

/// Writes a table whose header is already known; rows are counted from 1.
pub(crate) struct RowWriter {
    header: Vec<String>,
    rows: u32,
    max_rows: u32,
}

impl RowWriter {
    pub(crate) fn new(header: &[String], max_rows: u32) -> Self {
        Self { header: header.iter().map(|name| column_name(name)).collect(), rows: 0, max_rows }
    }

    pub(crate) fn write(&mut self, cells: &[String], out: &mut Composer) -> Result<(), ExtractError> {
        self.rows += 1;
        ExtractError::check("number of table rows", u64::from(self.rows), u64::from(self.max_rows))?;
        out.table_row(self.rows, &self.line(cells))
    }

    /// `Plan: Starter; Price: 29 USD`; cells without a value are left out, cells without a name stand bare.
    fn line(&self, cells: &[String]) -> String {
        let named = cells.iter().enumerate().filter_map(|(column, cell)| {
            let cell = one_line(cell);
            let name = self.header.get(column).map_or("", String::as_str);
            match (name.is_empty(), cell.is_empty()) {
                (_, true) => None,
                (true, false) => Some(cell),
                (false, false) => Some(format!("{name}: {cell}")),
            }
        });
        named.collect::<Vec<_>>().join("; ")
    }
}

/// Writes a whole table. `headers` is how many of its first rows name the columns; when nothing in the
/// document says, pass `None` and the cells decide.
pub(crate) fn write(
    rows: &[Vec<String>],
    headers: Option<usize>,
    max_rows: u32,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let (rows, header_rows) = match headers {
        Some(headers) => (rows, headers.min(rows.len())),
        None => {
            let rows = write_caption(rows, out)?;
            (rows, usize::from(has_header(rows)))
        }
    };
    let (header, data) = rows.split_at(header_rows);
    if data.is_empty() {
        return header.iter().try_for_each(|row| out.paragraph(&RowWriter::new(&[], max_rows).line(row)));
    }
    let mut writer = RowWriter::new(&merge_headers(header), max_rows);
    data.iter().try_for_each(|row| writer.write(row, out))
}

/// A first row with one cell above a table of several columns names the table.
fn write_caption<'a>(rows: &'a [Vec<String>], out: &mut Composer) -> Result<&'a [Vec<String>], ExtractError> {
    let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    match rows {
        [caption, rest @ ..]
            if filled(caption) == 1 && rest.len() > 1 && rest.iter().take(2).all(|row| filled(row) > 1) =>
        {
            out.paragraph(&caption.join(" "))?;
            Ok(rest)
        }
        _ => Ok(rows),
    }
}

/// Joins several header rows into one, column by column, without repeating a name.
fn merge_headers(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns)
        .map(|column| {
            let mut names: Vec<&str> = Vec::new();
            for name in rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.trim()) {
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
            names.join(" ")
        })
        .collect()
}

/// Whether the first row names the columns: filled, distinct, short, no figures, and not a value that
/// comes again further down.
pub(crate) fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if rest.is_empty() || first.len() < 2 && rest.len() < 2 {
        return false;
    }
    let names: Vec<&str> = first.iter().map(|cell| cell.trim()).collect();
    let filled: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    let distinct = (1..filled.len()).all(|i| !filled[..i].contains(&filled[i]));
    // The corner of a table may be blank; a row with more gaps is data.
    let complete = !filled.is_empty() && names.len() - filled.len() <= 1;
    let nameable = names.iter().enumerate().all(|(column, name)| {
        let year = column > 0 && is_year(name);
        name.chars().count() <= MAX_HEADER_CHARS && (year || !is_figure(name))
    });
    let recurs = names.iter().enumerate().any(|(column, name)| {
        !name.is_empty()
            && rest.iter().take(200).any(|row| row.get(column).is_some_and(|cell| cell.trim() == *name))
    });
    complete && distinct && nameable && !recurs
}

fn is_year(cell: &str) -> bool {
    cell.len() == 4
        && (cell.starts_with("19") || cell.starts_with("20"))
        && cell.bytes().all(|b| b.is_ascii_digit())
}

/// A number, an amount or a date: begins with a digit and holds at most a unit in letters.
fn is_figure(cell: &str) -> bool {
    let amount = cell.trim_start_matches(|c: char| !c.is_alphanumeric());
    amount.starts_with(|c: char| c.is_ascii_digit())
        && amount.chars().filter(|c| c.is_alphabetic()).count() <= 4
}

/// A column's name without the colon it may end in.
fn column_name(name: &str) -> String {
    one_line(name).trim_end_matches(':').trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Limits, SectionKind};

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn rows_carry_their_header() {
        let mut out = Composer::new(Format::Csv, &Limits::default());
        let table = rows(&[&["Plan", "Price:", ""], &["Starter", "29 USD", "new"], &["Team", "", ""]]);
        write(&table, None, 100, &mut out).unwrap();
        let found = out.finish().unwrap();
        assert_eq!(found.text, "Plan: Starter; Price: 29 USD; new\nPlan: Team");
        let last = found.sections.last().unwrap();
        assert_eq!((last.kind, last.row), (SectionKind::TableRow, Some(2)));
    }

    #[test]
    fn header_rows_merge_column_by_column() {
        let merged = merge_headers(&rows(&[&["Region", "2025", "2025"], &["Region", "Q1", "Q2"]]));
        assert_eq!(merged, ["Region", "2025 Q1", "2025 Q2"]);
    }

    #[test]
    fn headers_are_told_from_data() {
        assert!(has_header(&rows(&[&["question", "answer"], &["How long?", "30 days"]])));
        assert!(
            has_header(&rows(&[&["Region", "2024", "2025"], &["North", "1", "2"]])),
            "years may be names"
        );
        assert!(has_header(&rows(&[&["", "Price"], &["Starter", "29"]])), "the corner may be blank");
        assert!(has_header(&rows(&[&["Region", "Q1"], &["North", "1"]])), "a digit may end a name");
        assert!(!has_header(&rows(&[&["Starter", "29 USD"], &["Team", "99 USD"]])), "figures are data");
        assert!(!has_header(&rows(&[&["a", "a"], &["b", "c"]])), "names differ");
        assert!(!has_header(&rows(&[&["yes", "x"], &["yes", "y"]])), "a value comes again");
    }

    #[test]
    fn rows_over_the_limit_are_refused() {
        let mut out = Composer::new(Format::Csv, &Limits::default());
        let table = rows(&[&["a", "b"], &["1", "2"], &["3", "4"]]);
        assert_eq!(write(&table, None, 1, &mut out).unwrap_err().code(), "too_large");
    }
}
