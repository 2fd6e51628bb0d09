//! Tables whose cells hold several lines. They look like columns of text, but are read row by row and, in a row, cell by
//! cell.
//!
//! What tells them from columns is white space between the rows that goes through all columns at once, again and again
//! after a few lines.

use super::layout::{Line, join_rows};

/// White space is a line's distance from the one above that exceeds the usual one this much.
const ROW_GAP: f32 = 1.15;
/// Lines set without any space between them stand this many font sizes apart.
const SOLID: f32 = 0.95;
/// A table has this many rows of several cells; they hold this many lines on average and twice as many at most.
const MIN_ROWS: usize = 3;
const MAX_LINES: usize = 3;
/// One row in so many holds cells of several lines, or there is nothing to do.
const ROWS_A_TALL_ONE: usize = 4;

/// Whether these lines, sorted from top to bottom, are such a table for the most part.
pub(super) fn is_table(pieces: &[Line]) -> bool {
    let all: Vec<&Line> = pieces.iter().collect();
    let (mut rows, mut tall, mut lines, mut others) = (0, 0, 0, 0);
    for band in bands(&all) {
        match row(&band) {
            Some(_) => {
                let height = height(&band);
                rows += 1;
                lines += height;
                tall += usize::from(height > 1);
            }
            None => others += usize::from(cells(&band).len() > 1),
        }
    }
    rows >= MIN_ROWS && lines <= MAX_LINES * rows && tall * ROWS_A_TALL_ONE >= rows && others * 2 <= rows
}

/// Each row of a table as one line, its cells from left to right. Elsewhere each line is a row.
pub(super) fn rows(pieces: &[Line]) -> Vec<Line> {
    let all: Vec<&Line> = pieces.iter().collect();
    let mut rows = Vec::new();
    for band in bands(&all) {
        match row(&band) {
            Some(row) => rows.push(row),
            None => rows.extend(join_rows(band.into_iter().cloned().collect())),
        }
    }
    rows
}

/// A band as one line if it is a row: several cells that begin on its first line, not all of them with a second one.
fn row(band: &[&Line]) -> Option<Line> {
    let top = band.first()?;
    let mut cells = cells(band);
    let level = cells.iter().all(|cell| on_one_line(top, cell));
    let mut below = band.chunk_by(|a, b| on_one_line(a, b)).skip(1);
    if cells.len() < 2
        || !level
        || height(band) > 2 * MAX_LINES
        || below.any(|line| line.len() >= cells.len())
    {
        return None;
    }
    cells.sort_by(|a, b| a.left.total_cmp(&b.left));
    cells.into_iter().reduce(|mut row, cell| {
        row.text = format!("{} {}", row.text.trim_end(), cell.text.trim_start());
        row.right = row.right.max(cell.right);
        row.bold &= cell.bold;
        row.code &= cell.code;
        row.tabular = true;
        row
    })
}

/// Lines one below the other become one cell.
fn cells(band: &[&Line]) -> Vec<Line> {
    let mut cells: Vec<Line> = Vec::new();
    for line in band {
        match cells.iter_mut().find(|cell| overlap(cell, line)) {
            Some(cell) => {
                cell.text = format!("{} {}", cell.text.trim_end(), line.text.trim_start());
                cell.left = cell.left.min(line.left);
                cell.right = cell.right.max(line.right);
                cell.bold &= line.bold;
                cell.code &= line.code;
            }
            None => cells.push((*line).clone()),
        }
    }
    cells
}

/// Lines between one white space and the next.
fn bands<'a>(lines: &[&'a Line]) -> Vec<Vec<&'a Line>> {
    let Some(usual) = spacing(lines) else { return Vec::from([lines.to_vec()]) };
    lines
        .chunk_by(|above, below| above.y - below.y <= ROW_GAP * usual * below.size)
        .map(|band| band.to_vec())
        .collect()
}

/// How many lines there are one below the other.
fn height(band: &[&Line]) -> usize {
    band.chunk_by(|a, b| on_one_line(a, b)).count()
}

/// How far apart the lines of one cell stand, in font sizes: closer than nearly all others, as few cells have several
/// lines, but not so close as the parts of a formula.
fn spacing(lines: &[&Line]) -> Option<f32> {
    let below = |at: usize| lines[at + 1..].iter().find(|line| overlap(lines[at], line));
    let mut distances: Vec<f32> = (0..lines.len())
        .filter_map(|at| below(at).map(|below| (lines[at].y - below.y) / below.size))
        .filter(|distance| *distance >= SOLID)
        .collect();
    distances.sort_by(f32::total_cmp);
    distances.get(distances.len() / 20).copied()
}

fn overlap(a: &Line, b: &Line) -> bool {
    a.left < b.right && b.left < a.right
}

fn on_one_line(a: &Line, b: &Line) -> bool {
    (a.y - b.y).abs() <= 0.45 * a.size.max(b.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of 200 points width, given by their left edge and height.
    fn lines(places: &[(&str, f32, f32)]) -> Vec<Line> {
        let line = |(text, left, y): &(&str, f32, f32)| Line {
            text: (*text).into(),
            left: *left,
            right: left + 200.0,
            y: *y,
            size: 10.0,
            bold: false,
            code: false,
            tabular: false,
            unplaced: false,
            heading: None,
        };
        places.iter().map(line).collect()
    }

    #[test]
    fn cells_of_several_lines_are_read_row_by_row() {
        let table = lines(&[
            ("No gas", 50.0, 700.0),
            ("Screw it on, or use", 300.0, 700.0),
            ("a new cartridge.", 300.0, 688.0),
            ("No flame", 50.0, 670.0),
            ("Open the valve by", 300.0, 670.0),
            ("a quarter turn.", 300.0, 658.0),
            ("Valve is stiff and", 50.0, 640.0),
            ("Grease it.", 300.0, 640.0),
            ("does not turn", 50.0, 628.0),
        ]);
        assert!(is_table(&table));
        let texts: Vec<String> = rows(&table).into_iter().map(|line| line.text).collect();
        assert_eq!(
            texts,
            [
                "No gas Screw it on, or use a new cartridge.",
                "No flame Open the valve by a quarter turn.",
                "Valve is stiff and does not turn Grease it.",
            ]
        );
    }

    #[test]
    fn rows_without_space_between_them_stay_apart() {
        let table = lines(&[
            ("Part", 50.0, 700.0),
            ("Price", 300.0, 700.0),
            ("Bolt", 50.0, 688.0),
            ("Nut", 50.0, 676.0),
            ("2.50", 300.0, 676.0),
            ("Screw", 50.0, 664.0),
            ("3.50", 300.0, 664.0),
        ]);
        assert!(!is_table(&table));
    }

    #[test]
    fn columns_of_paragraphs_are_no_table() {
        // Twelve lines a column, with a blank one after each fourth on the left and each third on the right.
        let column = |left: f32, paragraph: usize| {
            (0..12).map(move |at| ("text", left, 700.0 - 12.0 * (at + at / paragraph) as f32))
        };
        let mut places: Vec<(&str, f32, f32)> = column(50.0, 4).chain(column(300.0, 3)).collect();
        places.sort_by(|a, b| b.2.total_cmp(&a.2));
        assert!(!is_table(&lines(&places)));
    }
}
