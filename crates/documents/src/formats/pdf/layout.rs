//! Runs of text on a page to lines in reading order.
//!
//! Runs on one baseline make a row; a row falls into pieces where a gap is too wide for a blank. When the
//! pieces leave a vertical corridor with full lines on either side, the page has columns, and each is read
//! to its end. Otherwise the pieces of a row belong together, as in a table.

use pdf_oxide::PdfDocument;
use pdf_oxide::extractors::text::{ArtifactType, PaginationSubtype};
use pdf_oxide::layout::{FontWeight, TextSpan};

use super::bidi::{self, is_right_to_left};
use super::{grid, placed, runs};

/// A gap of this many font sizes parts two columns or two cells.
const WIDE_GAP: f32 = 1.5;

/// A gap of this many font sizes is a blank.
pub(super) const BLANK_GAP: f32 = 0.12;

/// Columns inside columns are not looked for beyond this.
const MAX_COLUMN_DEPTH: u8 = 3;

/// A line of text and where it stands, in points from the lower left corner.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    /// The baseline, or nearly so.
    pub(super) y: f32,
    /// Font size of most of the line.
    pub(super) size: f32,
    pub(super) bold: bool,
    /// Set in a typewriter font, as code is.
    pub(super) code: bool,
    /// A row of cells rather than running text.
    pub(super) tabular: bool,
    /// Read by the parser's own order, so that places on the page mean nothing.
    pub(super) unplaced: bool,
    /// The level of a heading that the document marks as one.
    pub(super) heading: Option<u8>,
}

/// The lines of the page with this index, without what the document marks as watermark and, unless they are to be kept,
/// as header or footer.
pub(super) fn read_page(
    document: &PdfDocument,
    index: usize,
    keep_running_lines: bool,
) -> pdf_oxide::Result<Vec<Line>> {
    let mut spans = document.extract_spans(index)?;
    spans.extend(placed::spans(document, index, &spans)?);
    keep_shown(document, index, &mut spans)?;
    spans.retain(|span| match span.artifact_type {
        Some(ArtifactType::Pagination(PaginationSubtype::Watermark)) => false,
        Some(ArtifactType::Pagination(_)) => keep_running_lines,
        _ => true,
    });
    if !is_upright(document, index, &spans) {
        // The parser's own assembly knows rotated and vertical text, ours does not.
        return Ok(unplaced_lines(&document.extract_text(index)?));
    }
    if is_notable(&spans, |span| span.text.chars().any(is_right_to_left)) {
        let read = bidi::lines(document, index)?;
        return Ok(unplaced_lines(&read.map_or_else(|| document.extract_text(index), Ok)?));
    }
    spans.retain(|span| !span.text.is_empty() && span.bbox.x.is_finite() && span.bbox.y.is_finite());
    runs::set_blanks(document, index, &mut spans)?;
    for span in &mut spans {
        undo_reversal(span);
        // Codes that WinAnsiEncoding leaves free stand for a bullet (ISO 32000-1, annex D.2, note 3).
        span.text = span.text.replace('\u{7F}', "•");
    }
    Ok(in_reading_order(pieces(spans), 0))
}

/// Takes out what stands beside the page, as notes for the printer and hidden text do. A run that begins on the page stays
/// whole, so that no words are cut.
fn keep_shown(document: &PdfDocument, index: usize, spans: &mut Vec<TextSpan>) -> pdf_oxide::Result<()> {
    // The parser turns rotated pages in its spans and not in the box.
    if document.get_page_rotation(index)? != 0 {
        return Ok(());
    }
    let (left, bottom, right, top) = document.get_page_visible_box(index)?;
    let is_shown = |span: &TextSpan| {
        span.bbox.x < right && span.bbox.x + span.bbox.width > left && (bottom..=top).contains(&span.bbox.y)
    };
    // A box without any text in it is taken for wrong.
    if spans.iter().any(is_shown) {
        spans.retain(is_shown);
    }
    Ok(())
}

fn is_upright(document: &PdfDocument, index: usize, spans: &[TextSpan]) -> bool {
    let upright_page = document.get_page_rotation(index).unwrap_or(0) == 0;
    !is_notable(spans, |span| span.wmode == 1 || upright_page && span.rotation_degrees != 0.0)
}

/// Whether more than a quarter of the text is so.
fn is_notable(spans: &[TextSpan], is_so: impl Fn(&TextSpan) -> bool) -> bool {
    let bytes = |span: &TextSpan| span.text.trim().len();
    let all: usize = spans.iter().map(bytes).sum();
    let so: usize = spans.iter().filter(|span| is_so(span)).map(bytes).sum();
    so * 4 > all
}

/// The parser takes a byte order mark for an Arabic letter and turns the run around it, numbers excepted.
fn undo_reversal(span: &mut TextSpan) {
    if !span.text.contains('\u{FEFF}') || span.text.chars().any(is_right_to_left) {
        return;
    }
    let mut text = String::with_capacity(span.text.len());
    let mut number = String::new();
    for c in span.text.chars().rev() {
        if c.is_ascii_digit() {
            number.insert(0, c);
        } else {
            text.push_str(&std::mem::take(&mut number));
            text.push(c);
        }
    }
    text.push_str(&number);
    span.text = text;
}

/// Text whose lines are known and whose places are not.
pub(super) fn unplaced_lines(text: &str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|text| Line {
            text: text.trim().to_owned(),
            left: 0.0,
            right: 0.0,
            y: 0.0,
            size: 0.0,
            bold: false,
            code: false,
            tabular: false,
            unplaced: true,
            heading: None,
        })
        .collect()
}

/// Rows cut where their gaps are wide.
fn pieces(mut spans: Vec<TextSpan>) -> Vec<Line> {
    spans.sort_by(|a, b| b.bbox.y.total_cmp(&a.bbox.y));
    let mut rows: Vec<Vec<TextSpan>> = Vec::new();
    for span in spans {
        match rows.last_mut() {
            Some(row) if on_one_line(&row[0], &span) => row.push(span),
            _ => rows.push(vec![span]),
        }
    }
    let mut pieces = Vec::new();
    for mut row in rows {
        row.sort_by(|a, b| a.bbox.x.total_cmp(&b.bbox.x));
        runs::part(&mut row);
        cut_row(&row, &mut pieces);
    }
    pieces
}

fn on_one_line(first: &TextSpan, span: &TextSpan) -> bool {
    first.bbox.y - span.bbox.y <= 0.45 * first.font_size.max(span.font_size)
}

fn cut_row(row: &[TextSpan], pieces: &mut Vec<Line>) {
    let mut open: Option<Piece> = None;
    for span in row {
        match open.as_mut() {
            Some(piece) if piece.repeats(span) => {}
            Some(piece) if piece.takes(span) => piece.push(span),
            _ => pieces.extend(open.replace(Piece::begin(span)).and_then(Piece::end)),
        }
    }
    pieces.extend(open.and_then(Piece::end));
}

/// A line that is being put together from left to right.
struct Piece {
    line: Line,
    last: (String, f32),
    chars: usize,
    bold_chars: usize,
    code_chars: usize,
    largest_share: usize,
}

impl Piece {
    fn begin(span: &TextSpan) -> Self {
        let mut piece = Self {
            line: Line {
                text: String::new(),
                left: span.bbox.x,
                right: span.bbox.x,
                y: span.bbox.y,
                size: span.font_size,
                bold: false,
                code: false,
                tabular: false,
                unplaced: false,
                heading: None,
            },
            last: (String::new(), f32::MIN),
            chars: 0,
            bold_chars: 0,
            code_chars: 0,
            largest_share: 0,
        };
        piece.push(span);
        piece
    }

    /// Bold is sometimes made by drawing a run twice, a little apart.
    fn repeats(&self, span: &TextSpan) -> bool {
        self.last.0 == span.text && (span.bbox.x - self.last.1).abs() < 0.3 * span.font_size
    }

    fn takes(&self, span: &TextSpan) -> bool {
        span.bbox.x - self.line.right <= WIDE_GAP * self.line.size.max(span.font_size)
    }

    fn push(&mut self, span: &TextSpan) {
        let gap = span.bbox.x - self.line.right;
        let apart = gap > BLANK_GAP * span.font_size && !self.line.text.is_empty();
        let has_blank = self.line.text.ends_with(' ') || span.text.starts_with(' ');
        if apart && !has_blank {
            self.line.text.push(' ');
        }
        self.line.text.push_str(&span.text);
        let chars = span.text.trim().chars().count();
        self.chars += chars;
        if matches!(
            span.font_weight,
            FontWeight::SemiBold | FontWeight::Bold | FontWeight::ExtraBold | FontWeight::Black
        ) {
            self.bold_chars += chars;
        }
        self.code_chars += if span.is_monospace { chars } else { 0 };
        if chars > self.largest_share {
            self.largest_share = chars;
            self.line.size = span.font_size;
            self.line.y = span.bbox.y;
        }
        // Blanks at the end of a run are not part of what a reader sees.
        if chars > 0 {
            self.line.right = self.line.right.max(span.bbox.x + span.bbox.width);
            self.line.heading = self.line.heading.or(span.heading_level);
            self.last = (span.text.clone(), span.bbox.x);
        }
    }

    /// `None` when there are only blanks.
    fn end(mut self) -> Option<Line> {
        self.line.bold = self.bold_chars * 10 >= self.chars * 9;
        self.line.code = self.code_chars == self.chars;
        (self.chars > 0).then_some(self.line)
    }
}

/// Column by column where there are columns, row by row elsewhere.
fn in_reading_order(pieces: Vec<Line>, depth: u8) -> Vec<Line> {
    let gutter = if depth < MAX_COLUMN_DEPTH { find_gutter(&pieces) } else { None };
    if grid::is_table(&pieces) {
        return grid::rows(&pieces);
    }
    let Some(gutter) = gutter else { return join_rows(pieces) };
    let mut ordered = Vec::new();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for piece in pieces {
        if piece.right <= gutter {
            left.push(piece);
        } else if piece.left >= gutter {
            right.push(piece);
        } else {
            // A line over both columns ends what stands above it.
            ordered.extend(in_reading_order(std::mem::take(&mut left), depth + 1));
            ordered.extend(in_reading_order(std::mem::take(&mut right), depth + 1));
            ordered.push(piece);
        }
    }
    ordered.extend(in_reading_order(left, depth + 1));
    ordered.extend(in_reading_order(right, depth + 1));
    ordered
}

/// The left edge of a column that has another beside it, a little to its left.
fn find_gutter(pieces: &[Line]) -> Option<f32> {
    let leftmost = pieces.iter().map(|piece| piece.left).min_by(f32::total_cmp)?;
    let mut edges: Vec<f32> =
        pieces.iter().map(|piece| piece.left).filter(|left| *left > leftmost + 36.0).collect();
    edges.sort_by(f32::total_cmp);
    edges.dedup_by(|a, b| (*a - *b).abs() < 3.0);
    edges
        .into_iter()
        .map(|edge| edge - 4.0)
        .filter_map(|gutter| Some((gutter, columns_at(pieces, gutter)?)))
        .max_by_key(|(_, lines)| *lines)
        .map(|(gutter, _)| gutter)
}

/// How many lines stand in the smaller of two columns parted at `gutter`; `None` when these are no columns.
fn columns_at(pieces: &[Line], gutter: f32) -> Option<usize> {
    let left: Vec<&Line> = pieces.iter().filter(|piece| piece.right <= gutter).collect();
    let right: Vec<&Line> = pieces.iter().filter(|piece| piece.left >= gutter).collect();
    let smaller = left.len().min(right.len());
    let crossing = pieces.len() - left.len() - right.len();
    let flush = right.iter().filter(|piece| piece.left - gutter < 10.0).count();
    let side_by_side = left
        .iter()
        .filter(|line| right.iter().any(|other| (other.y - line.y).abs() < 2.0 * line.size))
        .count();
    let are_columns = smaller >= 3
        && crossing <= left.len() + right.len()
        && flush * 3 >= right.len()
        && side_by_side * 3 >= left.len()
        && is_prose(&left)
        && is_prose(&right);
    are_columns.then_some(smaller)
}

/// Lines that mostly run the whole width of their column, unlike the cells of a table.
fn is_prose(lines: &[&Line]) -> bool {
    let mut widths: Vec<f32> = lines.iter().map(|line| line.right - line.left).collect();
    widths.sort_by(f32::total_cmp);
    let (middle, wide) = (widths[widths.len() / 2], widths[widths.len() * 9 / 10]);
    let chars: usize = lines.iter().map(|line| line.text.chars().count()).sum();
    middle >= 0.6 * wide && chars >= 16 * lines.len()
}

/// Rows from top to bottom, each with all its pieces.
pub(super) fn join_rows(pieces: Vec<Line>) -> Vec<Line> {
    let mut rows: Vec<Line> = Vec::new();
    for piece in pieces {
        match rows.last_mut() {
            Some(row)
                if (row.y - piece.y).abs() <= 0.45 * row.size.max(piece.size) && piece.left >= row.right =>
            {
                row.text.push(' ');
                row.text.push_str(&piece.text);
                row.right = piece.right;
                row.bold &= piece.bold;
                row.code &= piece.code;
                row.tabular = true;
            }
            _ => rows.push(piece),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::testing::page;

    #[test]
    fn text_beside_the_page_is_left_out_and_words_are_not_cut() {
        let text = page(
            "BT /F 10 Tf 20 250 Td (Shown on the page and going on far beyond its right edge, to the end) Tj ET
             BT /F 10 Tf 20 -5 Td (below the page) Tj ET BT /F 10 Tf 310 200 Td (beside it) Tj ET",
        );
        assert_eq!(text, "Shown on the page and going on far beyond its right edge, to the end");
    }
}
