//! Runs that the parser puts together wrongly: over other text between their parts, or with blanks where there are none.

use pdf_oxide::PdfDocument;
use pdf_oxide::layout::{TextChar, TextSpan};

use super::bidi;

/// How far, in font sizes, an index may stick out of the gap in which it stands, and the E of TeX does.
const OVERHANG: f32 = 0.2;
/// How many font sizes the parser may be off with places.
const TOLERANCE: f32 = 0.1;
/// How far, in font sizes, the letters of a run may be wider than the run before its blanks are doubted.
const EXCESS: f32 = 0.05;
/// More runs than this that overlap one are not looked at: no formula has them.
const MAX_OVERLAPS: usize = 32;

/// Sets the blanks anew in runs whose letters are wider than they are. The parser comes to such runs where letters are
/// drawn twice to look bold.
pub(super) fn set_blanks(
    document: &PdfDocument,
    index: usize,
    runs: &mut [TextSpan],
) -> pdf_oxide::Result<()> {
    if !runs.iter().any(is_doubtful) {
        return Ok(());
    }
    let mut letters = document.extract_chars(index)?;
    letters.retain(|letter| letter.bbox.x.is_finite() && letter.origin_y.is_finite());
    letters.sort_by(|a, b| a.origin_y.total_cmp(&b.origin_y));
    for run in runs.iter_mut().filter(|run| is_doubtful(run)) {
        let text: String = bidi::visual(&letters_of(run, &letters)).into_iter().collect();
        if without_blanks(&text).eq(without_blanks(&run.text)) {
            run.text = text;
        }
    }
    Ok(())
}

fn is_doubtful(run: &TextSpan) -> bool {
    let letters: f32 = run.char_widths.iter().sum();
    run.char_x_offsets.is_empty()
        && run.text.contains(' ')
        && letters - run.bbox.width > EXCESS * run.font_size
}

/// The letters that a run draws, found by its place among letters sorted by height.
fn letters_of<'a>(run: &TextSpan, letters: &'a [TextChar]) -> Vec<&'a TextChar> {
    let room = TOLERANCE * run.font_size;
    let from = letters.partition_point(|letter| letter.origin_y < run.bbox.y - room);
    let row = letters[from..].iter().take_while(|letter| letter.origin_y <= run.bbox.y + room);
    let mut found: Vec<&TextChar> = row.filter(|letter| letter.bbox.x >= run.bbox.x - room).collect();
    found.sort_by(|a, b| a.bbox.x.total_cmp(&b.bbox.x));
    let mut left = without_blanks(&run.text).count();
    found.retain(|letter| {
        let is_first = left > 0;
        left -= usize::from(is_first && !letter.char.is_whitespace());
        is_first
    });
    found
}

fn without_blanks(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_whitespace())
}

/// Takes the runs of a row apart, sorted from left to right, in whose blanks other ones stand, as an index does.
pub(super) fn part(row: &mut Vec<TextSpan>) {
    let mut parts = Vec::new();
    for (at, run) in row.iter().enumerate() {
        let right = run.bbox.x + run.bbox.width;
        let over = row[at + 1..].iter().take_while(|other| other.bbox.x < right).take(MAX_OVERLAPS);
        let over: Vec<&TextSpan> = over.filter(|other| !other.text.trim().is_empty()).collect();
        if let Some(edges) = (!over.is_empty()).then(|| edges(run)).flatten() {
            parts.push((at, parts_of(run, &edges, &over)));
        }
    }
    if parts.is_empty() {
        return;
    }
    for (at, parts) in parts.into_iter().rev() {
        row.splice(at..=at, parts);
    }
    row.sort_by(|a, b| a.bbox.x.total_cmp(&b.bbox.x));
}

/// Where each letter begins and the last one ends; `None` when the parser contradicts itself.
fn edges(run: &TextSpan) -> Option<Vec<f32>> {
    let (left, right) = (run.bbox.x, run.bbox.x + run.bbox.width);
    let room = TOLERANCE * run.font_size;
    let letters = run.text.chars().count();
    let is_whole = |edges: &Vec<f32>| edges.len() == letters + 1 && edges.is_sorted();
    let mut told = run.char_x_offsets.clone();
    told.push(right);
    let widths = run.char_widths.iter().scan(left, |edge, width| {
        *edge += width;
        Some(*edge)
    });
    let summed: Vec<f32> = std::iter::once(left).chain(widths).collect();
    let ends_well = |edges: &Vec<f32>| edges.last().is_some_and(|end| (end - right).abs() <= room);
    Some(told).filter(is_whole).or_else(|| Some(summed).filter(is_whole).filter(ends_well))
}

/// The run without the blanks in which other runs stand.
fn parts_of(run: &TextSpan, edges: &[f32], over: &[&TextSpan]) -> Vec<TextSpan> {
    let room = OVERHANG * run.font_size;
    let holds_one = |blank: usize| {
        let (left, right) = (edges[blank] - room, edges[blank + 1] + room);
        over.iter().any(|other| other.bbox.x >= left && other.bbox.x + other.bbox.width <= right)
    };
    let blanks = run.text.chars().enumerate().filter(|(at, c)| *c == ' ' && holds_one(*at));
    let mut from = 0;
    let mut parts = Vec::new();
    for (blank, _) in blanks {
        parts.push(slice(run, edges, from, blank));
        from = blank + 1;
    }
    parts.push(slice(run, edges, from, edges.len() - 1));
    parts.retain(|part| !part.text.is_empty());
    parts
}

/// The letters of a run from one to the next.
fn slice(run: &TextSpan, edges: &[f32], from: usize, to: usize) -> TextSpan {
    let mut part = run.clone();
    part.text = run.text.chars().skip(from).take(to - from).collect();
    part.bbox.x = edges[from];
    part.bbox.width = edges[to] - edges[from];
    part
}

#[cfg(test)]
mod tests {
    use super::super::testing::page;

    #[test]
    fn letters_drawn_twice_make_whole_words() {
        let letter = |(at, letter): (u32, char)| {
            let left = 20 + 8 * at;
            format!(
                "BT /F 12 Tf {left} 250 Td ({letter}) Tj ET BT /F 12 Tf {left}.5 250 Td ({letter}) Tj ET\n"
            )
        };
        let content: String = (0..).zip("BOLD TEXT SAMPLE".chars()).map(letter).collect();
        assert_eq!(page(&content), "BOLD TEXT SAMPLE");
    }

    #[test]
    fn an_index_stands_behind_its_letter() {
        let text = page(
            "BT /F 10 Tf 20 250 Td [(Let D) -330 (, E) -330 ( be the dimensions of it)] TJ ET
             BT /F 7 Tf 44.7 248.5 Td (i) Tj ET BT /F 7 Tf 59.5 248.5 Td (k) Tj ET",
        );
        assert_eq!(text, "Let Di, Ek be the dimensions of it");
        let text = page(
            "BT /F 10 Tf 20 250 Td [(Set in T) -330 (X, of course)] TJ ET
             BT /F 10 Tf 52.8 248 Td (E) Tj ET",
        );
        assert_eq!(text, "Set in TEX, of course");
    }
}
