//! Sheets of workbooks: cells that are filled here and there, in blocks with blank rows between them.

use crate::compose::Composer;
use crate::table::{self, RowWriter};
use crate::{ExtractError, Limits};

/// How many rows of a block its header is judged by.
const SAMPLE_ROWS: usize = 200;

/// The filled cells of one row by their column, in ascending order.
type Row = Vec<(u32, String)>;

/// Collects the cells of one sheet. Only what is filled is kept, wherever it says that it stands.
pub(crate) struct Sheet<'a> {
    limits: &'a Limits,
    rows: Vec<(u32, Row)>,
    cells: u32,
    bytes: usize,
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, rows: Vec::new(), cells: 0, bytes: 0 }
    }

    /// Adds a cell; rows are expected one after the other, and a row that comes again is another row.
    pub(crate) fn add(&mut self, row: u32, column: u32, text: String) -> Result<(), ExtractError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.cells += 1;
        self.bytes += text.len();
        ExtractError::check("number of cells", u64::from(self.cells), u64::from(self.limits.max_cells))?;
        ExtractError::check("text in bytes", self.bytes as u64, self.limits.max_text_bytes as u64)?;
        match self.rows.last_mut() {
            Some((last, cells)) if *last == row => {
                let at = cells.partition_point(|(other, _)| *other <= column);
                cells.insert(at, (column, text));
            }
            _ => {
                let rows = self.rows.len() as u64;
                ExtractError::check("number of table rows", rows, u64::from(self.limits.max_rows))?;
                self.rows.push((row, vec![(column, text)]));
            }
        }
        Ok(())
    }

    /// Appends the sheet below its name, or nothing when it is empty.
    pub(crate) fn write(self, name: &str, out: &mut Composer) -> Result<(), ExtractError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        out.sheet(name);
        out.heading(1, name)?;
        let mut above = None;
        for block in self.rows.chunk_by(|a, b| b.0.saturating_sub(a.0) == 1) {
            let rows: Vec<&Row> = block.iter().map(|(_, row)| row).collect();
            above = write_block(&rows, above, self.limits, out)?;
        }
        Ok(())
    }
}

/// A table that is open: its columns, and what writes its rows.
struct Table {
    columns: Vec<u32>,
    has_header: bool,
    writer: RowWriter,
}

/// Writes rows without a blank one between them, and gives the table that they end in.
fn write_block(
    rows: &[&Row],
    above: Option<Table>,
    limits: &Limits,
    out: &mut Composer,
) -> Result<Option<Table>, ExtractError> {
    // Rows of one cell above wider ones are titles and notes, not part of the table.
    let titles = rows.iter().take_while(|row| row.len() == 1).count();
    if titles == rows.len() && titles < 3 {
        rows.iter().try_for_each(|row| out.paragraph(&row[0].1))?;
        return Ok(above);
    }
    let (titles, rows) = if titles == rows.len() { rows.split_at(0) } else { rows.split_at(titles) };
    titles.iter().try_for_each(|row| out.paragraph(&row[0].1))?;
    let mut columns: Vec<u32> = rows.iter().flat_map(|row| row.iter().map(|(column, _)| *column)).collect();
    columns.sort_unstable();
    columns.dedup();
    let sample: Vec<Vec<String>> = rows.iter().take(SAMPLE_ROWS).map(|row| dense(row, &columns)).collect();
    let has_header = table::has_header(&sample);
    // A blank row inside a table is no end of it.
    let goes_on = |table: &Table| {
        titles.is_empty()
            && !has_header
            && table.has_header
            && columns.iter().all(|column| table.columns.contains(column))
    };
    let (mut table, rows) = match above.filter(goes_on) {
        Some(table) => (table, rows),
        None => {
            let header = if has_header { sample[0].as_slice() } else { &[] };
            let writer = RowWriter::new(header, limits.max_rows);
            (Table { columns, has_header, writer }, &rows[usize::from(has_header)..])
        }
    };
    for row in rows {
        table.writer.write(&dense(row, &table.columns), out)?;
    }
    Ok(Some(table))
}

/// A row with a cell for every column.
fn dense(row: &Row, columns: &[u32]) -> Vec<String> {
    let mut line = vec![String::new(); columns.len()];
    for (column, text) in row {
        if let Ok(at) = columns.binary_search(column) {
            line[at].clone_from(text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    fn text(cells: &[(u32, u32, &str)]) -> String {
        let limits = Limits::default();
        let mut sheet = Sheet::new(&limits);
        for (row, column, cell) in cells {
            sheet.add(*row, *column, (*cell).to_owned()).unwrap();
        }
        let mut out = Composer::new(Format::Xlsx, &limits);
        sheet.write("Prices", &mut out).unwrap();
        out.finish().unwrap().text
    }

    #[test]
    fn titles_stand_above_the_table_and_a_blank_row_does_not_end_it() {
        let cells = [
            (0, 1, "Price list"),
            (1, 1, "All without tax"),
            (2, 1, "Plan"),
            (2, 2, "Price"),
            (3, 1, "Starter"),
            (3, 2, "29"),
            (5, 1, "Team"),
            (5, 2, "99"),
            (8, 0, "Written by hand"),
        ];
        let expected = "Prices\n\nPrice list\n\nAll without tax\n\nPlan: Starter; Price: 29\n\
                        Plan: Team; Price: 99\n\nWritten by hand";
        assert_eq!(text(&cells), expected);
    }

    #[test]
    fn a_second_table_has_its_own_header() {
        let cells = [
            (0, 0, "Plan"),
            (0, 1, "Price"),
            (1, 0, "Starter"),
            (1, 1, "29"),
            (3, 0, "Country"),
            (3, 1, "Days"),
            (4, 0, "Norway"),
            (4, 1, "5"),
        ];
        assert_eq!(text(&cells), "Prices\n\nPlan: Starter; Price: 29\nCountry: Norway; Days: 5");
    }

    #[test]
    fn far_away_cells_cost_nothing() {
        assert_eq!(text(&[(0, 0, "a"), (1_000_000, 16_000, "b")]), "Prices\n\na\n\nb");
    }

    #[test]
    fn the_number_of_cells_is_bounded() {
        let limits = Limits { max_cells: 2, ..Limits::default() };
        let mut sheet = Sheet::new(&limits);
        assert!(sheet.add(0, 0, "a".into()).is_ok());
        assert!(sheet.add(0, 1, " ".into()).is_ok(), "blank cells do not count");
        assert!(sheet.add(0, 2, "b".into()).is_ok());
        assert_eq!(sheet.add(0, 3, "c".into()).unwrap_err().code(), "too_large");
    }
}
