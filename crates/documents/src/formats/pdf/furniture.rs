//! Running headers, footers and page numbers: lines that come again at the same place on several pages.

use std::collections::{HashMap, HashSet};

use super::Page;
use super::layout::Line;

/// A line has to come again on this many pages to be furniture.
const MIN_PAGES: usize = 3;

/// Furniture stands in this share of the page at its top or bottom.
const MARGIN: f32 = 0.16;

/// What a line says and where, so that the lines of different pages can be compared.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    text: String,
    /// Height on the page in steps of four points.
    place: i32,
}

/// Takes lines out that repeat.
pub(super) fn remove(pages: &mut [Page]) {
    if pages.len() < MIN_PAGES {
        return;
    }
    let mut seen: HashMap<Key, usize> = HashMap::new();
    for page in pages.iter() {
        let keys: HashSet<Key> = page.lines.iter().flat_map(|line| keys(page, line)).collect();
        for key in keys {
            *seen.entry(key).or_default() += 1;
        }
    }
    for page in pages.iter_mut() {
        let lines = std::mem::take(&mut page.lines);
        let repeats = |line: &Line| {
            keys(page, line).iter().any(|key| seen.get(key).is_some_and(|count| *count >= MIN_PAGES))
        };
        let kept: Vec<Line> = lines.into_iter().filter(|line| !repeats(line)).collect();
        page.lines = kept;
    }
}

/// The line as it stands, and with its first or last number told as a distance from the page's number.
fn keys(page: &Page, line: &Line) -> Vec<Key> {
    let height = page.top - page.bottom;
    let from_bottom = line.y - page.bottom;
    if line.unplaced || (from_bottom > MARGIN * height && from_bottom < (1.0 - MARGIN) * height) {
        return Vec::new();
    }
    let place = (from_bottom / 4.0).round() as i32;
    let words: Vec<&str> = line.text.split_whitespace().collect();
    let numbers: Vec<usize> = (0..words.len()).filter(|at| page_number(words[*at]).is_some()).collect();
    let mut texts = vec![words.join(" ")];
    for at in numbers.first().into_iter().chain(numbers.last()) {
        let distance = page_number(words[*at]).unwrap_or(0) - i64::from(page.number);
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        words[*at] = format!("page{distance:+}");
        texts.push(words.join(" "));
    }
    texts.into_iter().map(|text| Key { text, place }).collect()
}

/// A bare number without leading zeros, perhaps in brackets or between dashes.
fn page_number(word: &str) -> Option<i64> {
    let digits = word.trim_matches(|c: char| !c.is_alphanumeric());
    (digits.len() <= 5 && !digits.starts_with('0')).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, y: f32) -> Line {
        Line {
            text: text.into(),
            left: 50.0,
            right: 300.0,
            y,
            size: 10.0,
            bold: false,
            code: false,
            tabular: false,
            unplaced: false,
            heading: None,
        }
    }

    fn kept(lines: impl Fn(u32) -> Vec<Line>) -> Vec<String> {
        let page = |number| Page { number, bottom: 0.0, top: 800.0, lines: lines(number) };
        let mut pages: Vec<Page> = (1..=4).map(page).collect();
        remove(&mut pages);
        pages.into_iter().flat_map(|page| page.lines).map(|line| line.text).collect()
    }

    #[test]
    fn repeated_lines_in_the_margins_go() {
        let left = kept(|page| {
            vec![
                line("Acme Handbook", 780.0),
                line("The same in the body", 400.0),
                line(&format!("Page {page} of 4"), 20.0),
            ]
        });
        assert_eq!(left, ["The same in the body"; 4]);
    }

    #[test]
    fn lines_that_differ_stay() {
        let left = kept(|page| vec![line(&format!("Invoice 10{}", page * page), 780.0)]);
        assert_eq!(left, ["Invoice 101", "Invoice 104", "Invoice 109", "Invoice 1016"]);
    }
}
