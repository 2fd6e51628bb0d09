//! Lines to headings, list items and paragraphs whose sentences are whole again.

use std::collections::{HashMap, HashSet};

use super::Page;
use super::layout::Line;
use crate::ExtractError;
use crate::compose::Composer;
use crate::formats::text::{list_item, without_bullet};

/// A heading is set this much larger than the text.
const HEADING_SIZE: f32 = 1.12;

/// Longer than this is no heading, however it is set.
const MAX_HEADING_CHARS: usize = 160;

/// A line further below the last one than this many usual distances begins a new paragraph.
const PARAGRAPH_GAP: f32 = 1.3;

/// Writes all pages; a paragraph may run on from one page to the next.
pub(super) fn write(pages: &[Page], out: &mut Composer) -> Result<(), ExtractError> {
    let style = Style::of(pages);
    let mut blocks: Vec<Block> = Vec::new();
    for page in pages {
        for line in &page.lines {
            match blocks.last_mut() {
                Some(block) if style.continues(block, line, page.number) => {
                    block.push(line, page.number, &style)
                }
                _ => blocks.push(Block::begin(line, page.number, &style)),
            }
        }
    }
    blocks.iter().try_for_each(|block| block.write(out))
}

/// How this document sets its text.
struct Style {
    body_size: f32,
    body_bold: bool,
    /// Usual distance of baselines in font sizes.
    leading: f32,
    /// Sizes of headings, largest first, in tenths of a point.
    heading_sizes: Vec<i32>,
    /// Words that stand in the document unbroken, to tell `know-` + `ledge` from `well-` + `known`.
    words: HashSet<String>,
}

impl Style {
    fn of(pages: &[Page]) -> Self {
        let lines = || pages.iter().flat_map(|page| &page.lines).filter(|line| !line.unplaced);
        let body = most_common(lines().map(|line| (tenths(line.size), line.text.len())));
        let body_size = body.map_or(10.0, |size| size as f32 / 10.0);
        let in_body = |line: &&Line| tenths(line.size) == tenths(body_size);
        let bold: usize = lines().filter(in_body).filter(|line| line.bold).map(|line| line.text.len()).sum();
        let all: usize = lines().filter(in_body).map(|line| line.text.len()).sum();
        let distances = pages.iter().flat_map(|page| page.lines.windows(2)).filter_map(|pair| {
            let distance = (pair[0].y - pair[1].y) / pair[1].size;
            (in_body(&&pair[1]) && distance > 0.5 && distance < 3.0)
                .then(|| ((distance * 20.0).round() as i32, 1))
        });
        let mut heading_sizes: Vec<i32> = lines()
            .filter(|line| line.size >= HEADING_SIZE * body_size && is_heading_text(&line.text))
            .map(|line| tenths(line.size))
            .collect();
        heading_sizes.sort_unstable_by(|a, b| b.cmp(a));
        heading_sizes.dedup();
        Self {
            body_size,
            body_bold: bold * 2 > all,
            leading: most_common(distances).map_or(1.2, |twentieths| twentieths as f32 / 20.0),
            heading_sizes,
            words: lines().flat_map(|line| inner_words(&line.text)).map(str::to_lowercase).collect(),
        }
    }

    /// The level of a line that is set like a heading.
    fn heading_level(&self, line: &Line) -> Option<u8> {
        if line.unplaced || line.tabular || line.code || !is_heading_text(&line.text) {
            return None;
        }
        if line.heading.is_some() {
            return line.heading;
        }
        let size = tenths(line.size);
        if line.size >= HEADING_SIZE * self.body_size {
            let rank = self.heading_sizes.iter().position(|larger| *larger == size).unwrap_or(0);
            return Some((rank + 1).min(5) as u8);
        }
        let bold_line = line.bold && !self.body_bold && line.size >= 0.95 * self.body_size;
        let ends_open = !line.text.trim_end().ends_with(['.', ',', ';', ':', '!']);
        (bold_line && ends_open).then(|| (self.heading_sizes.len() + 1).min(6) as u8)
    }

    /// Whether a line belongs to the block before it.
    fn continues(&self, block: &Block, line: &Line, page: u32) -> bool {
        let last = &block.last;
        let begins_item = list_item(&line.text).is_some();
        if last.unplaced || line.unplaced {
            return last.unplaced && line.unplaced && page == block.last_page && !begins_item;
        }
        if last.code || line.code {
            return last.code && line.code && page == block.last_page && line.y < last.y;
        }
        if begins_item || last.tabular != line.tabular || !self.is_set_alike(block, line) {
            return false;
        }
        let down = last.y - line.y;
        if page == block.last_page && down > 0.0 && down < 8.0 * last.size {
            let indented =
                line.left - block.left > 0.8 * line.size && block.lines > 1 && !is_open(&block.text);
            return self.is_close(down, line) && !indented && !block.ended(line);
        }
        // In a new column or on a new page only a sentence in its middle runs on.
        block.level.is_none() && !line.tabular && is_open(&block.text) && begins_inside(&line.text)
    }

    /// One heading or one paragraph is set in one size; a bold line of its own above text is apart from it.
    fn is_set_alike(&self, block: &Block, line: &Line) -> bool {
        let last = &block.last;
        let same_size = (last.size - line.size).abs() <= 0.1 * last.size.max(line.size);
        let bold_above = last.bold && !line.bold && block.lines == 1;
        block.level == self.heading_level(line) && same_size && (block.level.is_some() || !bold_above)
    }

    fn is_close(&self, down: f32, line: &Line) -> bool {
        down <= PARAGRAPH_GAP * self.leading.max(1.1) * line.size
    }
}

/// Lines that belong together.
struct Block {
    text: String,
    /// Where the block begins and where its last line stands.
    page: u32,
    last_page: u32,
    level: Option<u8>,
    lines: usize,
    left: f32,
    right: f32,
    last: Line,
}

impl Block {
    fn begin(line: &Line, page: u32, style: &Style) -> Self {
        Self {
            text: line.text.trim().to_owned(),
            page,
            last_page: page,
            level: style.heading_level(line),
            lines: 1,
            left: line.left,
            right: line.right,
            last: line.clone(),
        }
    }

    /// The last line stopped short after a full stop: the next one begins a paragraph.
    fn ended(&self, next: &Line) -> bool {
        let short = self.right.max(next.right) - self.last.right > 4.0 * self.last.size;
        short && !is_open(&self.text) && !self.last.tabular
    }

    fn push(&mut self, line: &Line, page: u32, style: &Style) {
        let keep_break = self.keeps_break(line);
        join(&mut self.text, line.text.trim(), keep_break, &style.words);
        self.lines += 1;
        let same_column = line.left < self.right && self.left < line.right && line.y < self.last.y;
        if same_column {
            self.left = self.left.min(line.left);
            self.right = self.right.max(line.right);
        } else {
            (self.left, self.right) = (line.left, line.right);
        }
        self.last = line.clone();
        self.last_page = page;
    }

    /// A line that stops far from the edge was broken by the writer, as in an address.
    fn keeps_break(&self, next: &Line) -> bool {
        if self.level.is_some() || self.last.unplaced {
            return false;
        }
        let first_word = next.text.split_whitespace().next().map_or(0, |word| word.chars().count());
        let word_width = first_word as f32 * 0.55 * next.size;
        let room = self.right.max(next.right) - self.last.right;
        self.last.tabular
            || self.last.code
            || (next.y < self.last.y && room > word_width + 2.0 * next.size && !begins_inside(&next.text))
    }

    fn write(&self, out: &mut Composer) -> Result<(), ExtractError> {
        out.page(self.page);
        match self.level {
            Some(level) => out.heading(level, &self.text),
            None if self.last.code && self.lines > 1 => out.code(&self.text),
            None if list_item(&self.text).is_some() => out.list_item(without_bullet(&self.text)),
            None => out.paragraph(&self.text),
        }
    }
}

/// Appends a line to a text, mending a word that was broken at its end.
fn join(text: &mut String, line: &str, keep_break: bool, words: &HashSet<String>) {
    let rest = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if let Some(stem) = broken_word(text)
        && (line.starts_with(char::is_lowercase) || is_broken_capitals(&stem, rest, words))
    {
        let spelled_with_hyphen = words.contains(&format!("{stem}-{rest}").to_lowercase());
        let spelled_as_one = words.contains(&format!("{stem}{rest}").to_lowercase());
        if !spelled_with_hyphen || spelled_as_one {
            text.pop();
        }
    } else if keep_break {
        text.push('\n');
    } else if !text.ends_with(is_unspaced) || !line.starts_with(is_unspaced) {
        text.push(' ');
    }
    text.push_str(line);
}

/// Halves of a word in capitals. It has to be known, as a hyphen may stand between two such words as well.
fn is_broken_capitals(stem: &str, rest: &str, words: &HashSet<String>) -> bool {
    let in_capitals = |word: &str| !word.is_empty() && word.chars().all(char::is_uppercase);
    in_capitals(stem) && in_capitals(rest) && words.contains(&format!("{stem}{rest}").to_lowercase())
}

/// The letters before a hyphen at the end of a text.
fn broken_word(text: &str) -> Option<String> {
    let before = text.strip_suffix(['-', '\u{2010}', '\u{AD}'])?;
    let start = before
        .rfind(|c: char| !c.is_alphanumeric())
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let stem = &before[start..];
    stem.chars().next_back().is_some_and(char::is_alphabetic).then(|| stem.to_owned())
}

/// Scripts that put no blanks between words: Han, kana, Thai, Lao, Khmer, Myanmar.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3000}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}

/// A text whose last sentence has not ended.
fn is_open(text: &str) -> bool {
    let end = text.trim_end().trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
    !end.ends_with(['.', '!', '?', ':', '。', '！', '？', '؟', '।'])
}

/// A line that goes on with a sentence, judged by its first letter.
fn begins_inside(line: &str) -> bool {
    line.chars().next().is_some_and(|c| c.is_lowercase() || is_unspaced(c))
}

fn is_heading_text(text: &str) -> bool {
    let chars = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    chars <= MAX_HEADING_CHARS
        && letters >= 2
        && letters * 2 >= text.chars().filter(|c| !c.is_whitespace()).count()
}

/// The words of a line except the last, which may be broken.
fn inner_words(line: &str) -> impl Iterator<Item = &str> {
    let end = line.trim_end().rfind(' ').unwrap_or(0);
    line[..end].split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
}

fn tenths(points: f32) -> i32 {
    (points * 10.0).round() as i32
}

/// The key with the largest sum of weights.
fn most_common(weighted: impl Iterator<Item = (i32, usize)>) -> Option<i32> {
    let mut sums: HashMap<i32, usize> = HashMap::new();
    for (key, weight) in weighted {
        *sums.entry(key).or_default() += weight;
    }
    sums.into_iter().max_by_key(|(key, sum)| (*sum, *key)).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, line: &str, known: &[&str]) -> String {
        let mut text = text.to_owned();
        join(&mut text, line, false, &known.iter().map(|word| (*word).to_owned()).collect());
        text
    }

    #[test]
    fn broken_words_are_mended() {
        assert_eq!(
            joined("excluded from the warran-", "ty, and so", &[]),
            "excluded from the warranty, and so"
        );
        assert_eq!(
            joined("damage from well-", "known causes", &["well-known"]),
            "damage from well-known causes"
        );
        assert_eq!(joined("if it is OP-", "TIONAL, it", &["optional"]), "if it is OPTIONAL, it");
        assert_eq!(joined("under ISO-", "IEC rules", &["iso"]), "under ISO- IEC rules");
        assert_eq!(joined("in the years 2020-", "2024 we", &[]), "in the years 2020- 2024 we");
        assert_eq!(joined("the Franco-", "German border", &[]), "the Franco- German border");
    }

    #[test]
    fn unspaced_scripts_join_without_a_blank() {
        assert_eq!(joined("返品は購入後", "三十日以内", &[]), "返品は購入後三十日以内");
        assert_eq!(joined("one", "two", &[]), "one two");
    }

    #[test]
    fn sentences_are_open_until_they_end() {
        assert!(is_open("because of the"));
        assert!(!is_open("That is all.”"));
        assert!(!is_open("以上です。"));
    }
}
