//! Pages in Arabic, Hebrew and other scripts that run from right to left.
//!
//! Programs draw such a line from left to right, each word from its end, or from right to left: what counts is where
//! every letter stands. The parser turns some runs around and some not, so the letters are taken one by one.

use pdf_oxide::PdfDocument;
use pdf_oxide::layout::TextChar;

use super::layout::BLANK_GAP;

/// One unknown letter in so many is let pass.
const LETTERS_AN_UNKNOWN_ONE: usize = 50;

/// The lines of a page from top to bottom, each as it is read. `None` when the parser knows too few of the letters one
/// by one, as where the shape of a letter stands for several.
pub(super) fn lines(document: &PdfDocument, index: usize) -> pdf_oxide::Result<Option<String>> {
    let mut letters = document.extract_chars(index)?;
    let unknown = letters.iter().filter(|letter| letter.char == char::REPLACEMENT_CHARACTER).count();
    if unknown * LETTERS_AN_UNKNOWN_ONE > letters.len() {
        return Ok(None);
    }
    letters.retain(|letter| letter.bbox.x.is_finite() && letter.bbox.y.is_finite());
    letters.sort_by(|a, b| b.origin_y.total_cmp(&a.origin_y));
    let mut text = String::new();
    for row in letters.chunk_by(|a, b| a.origin_y - b.origin_y <= 0.3 * a.font_size.max(b.font_size)) {
        text.push_str(&logical(&visual(&row.iter().collect::<Vec<_>>())));
        text.push('\n');
    }
    Ok(Some(text))
}

/// The letters of a row from left to right, with the blanks that are only gaps.
pub(super) fn visual(row: &[&TextChar]) -> Vec<char> {
    let mut letters = row.to_vec();
    letters.sort_by(|a, b| a.bbox.x.total_cmp(&b.bbox.x));
    let mut seen = Vec::new();
    let mut right = f32::MAX;
    for letter in letters {
        let apart = letter.bbox.x - right > BLANK_GAP * letter.font_size;
        if apart && !letter.char.is_whitespace() && seen.last().is_some_and(|last| *last != ' ') {
            seen.push(' ');
        }
        seen.push(if letter.char.is_whitespace() { ' ' } else { letter.char });
        right = letter.bbox.x + letter.bbox.width;
    }
    seen
}

/// A row in the order in which it is read, which undoes the reordering of UAX #9 for a line from right to left with
/// words and numbers from left to right in it. A row without letters from right to left stays as it is.
fn logical(seen: &[char]) -> String {
    if !seen.iter().any(|c| is_right_to_left(*c)) {
        return seen.iter().collect();
    }
    let mut text = String::new();
    let mut end = seen.len();
    while end > 0 {
        if !runs_on(seen[end - 1]) {
            end -= 1;
            text.push(mirrored(seen[end]));
            continue;
        }
        let start = start_of_run(&seen[..end]);
        text.extend(&seen[start..end]);
        end = start;
    }
    text
}

/// Where the run from left to right begins that ends here: it goes on over marks between its words.
fn start_of_run(seen: &[char]) -> usize {
    let mut start = seen.len();
    for (at, c) in seen.iter().enumerate().rev() {
        if runs_on(*c) {
            start = at;
        } else if is_right_to_left(*c) {
            break;
        }
    }
    start
}

/// Letters and numbers that run from left to right, those with Arabic digits among them.
fn runs_on(c: char) -> bool {
    c.is_numeric() || (c.is_alphabetic() && !is_right_to_left(c))
}

/// Brackets are drawn the other way round.
fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        c => c,
    }
}

/// Hebrew, Arabic and the scripts between them, with their presentation forms.
pub(super) fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}') && !c.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_from_right_to_left_and_foreign_words_from_left_to_right() {
        let read = |seen: &str| logical(&seen.chars().collect::<Vec<_>>());
        assert_eq!(read("םויה Acme Corp 12.5 (םולש)"), "(שלום) Acme Corp 12.5 היום");
        assert_eq!(read(".12345 רפסמ"), "מספר 12345.");
        assert_eq!(read("11/23/26, 8:12 AM"), "11/23/26, 8:12 AM");
    }
}
