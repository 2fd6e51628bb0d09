//! Citations in a model's words: those of passages that do not exist are taken out as the words stream by.

use std::collections::BTreeSet;

use models::marks::numbers;

/// A mark is at most this long: `[12, 13, 14]`, or all passages in a row.
const LONGEST: usize = 200;

/// Lets text through, holding back what may be the beginning of a citation.
pub(super) struct Filter {
    passages: usize,
    held: String,
}

impl Filter {
    /// For answers from so many passages.
    pub(super) fn new(passages: usize) -> Self {
        Self { passages, held: String::new() }
    }

    /// What can be shown after this piece.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.take(c, &mut out);
        }
        out
    }

    fn take(&mut self, c: char, out: &mut String) {
        match c {
            '[' => {
                out.push_str(&std::mem::take(&mut self.held));
                self.held.push(c);
            }
            _ if self.held.is_empty() => out.push(c),
            ']' => {
                self.held.push(c);
                out.push_str(&self.real(&self.held));
                self.held.clear();
            }
            _ => {
                self.held.push(c);
                let part_of_mark = c.is_ascii_digit() || c == ',' || c == ' ';
                if !part_of_mark || self.held.len() > LONGEST {
                    out.push_str(&std::mem::take(&mut self.held));
                }
            }
        }
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The mark without numbers of passages that do not exist; each number gets brackets of its own.
    fn real(&self, mark: &str) -> String {
        match numbers(mark) {
            Some(numbers) => {
                let exist = numbers.into_iter().filter(|n| (1..=self.passages).contains(n));
                exist.map(|n| format!("[{n}]")).collect()
            }
            None => mark.to_owned(),
        }
    }
}

/// The passages that a text cites, and for each the words before its first mark, back to the mark or line
/// before: the statement that it stands for.
pub(super) fn cited(text: &str) -> Vec<(usize, &str)> {
    let mut seen = BTreeSet::new();
    let mut cited = Vec::new();
    let (mut at, mut from, mut statement) = (0, 0, "");
    while let Some(open) = text[at..].find('[').map(|n| at + n) {
        let Some(close) = text[open..].find(']').map(|n| open + n + 1) else { break };
        at = open + 1;
        let Some(numbers) = numbers(&text[open..close]) else { continue };
        // A mark right behind another stands for the same words.
        if let Some(line) = text[from..open].lines().rev().map(str::trim).find(|line| !line.is_empty()) {
            statement = line;
        }
        cited.extend(numbers.into_iter().filter(|n| seen.insert(*n)).map(|n| (n, statement)));
        (at, from) = (close, close);
    }
    cited
}

/// How many bytes of marks, with the space between them, a text begins with.
pub(super) fn leading(text: &str) -> usize {
    let (mut end, mut at) = (0, 0);
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let Some(close) = text[at..].find(']').map(|n| at + n + 1) else { return end };
        if !text[at..].starts_with('[') || numbers(&text[at..close]).is_none() {
            return end;
        }
        (end, at) = (close, close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(passages: usize, pieces: &[&str]) -> String {
        let mut filter = Filter::new(passages);
        let mut out: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        out.push_str(&filter.finish());
        out
    }

    #[test]
    fn invented_citations_do_not_get_out() {
        assert_eq!(through(2, &["Yes. [1] No. [3]"]), "Yes. [1] No. ");
        assert_eq!(through(2, &["Yes. [", "1", "] and [2", ", 9]."]), "Yes. [1] and [2].");
        assert_eq!(through(2, &["a [link](https://x.io) and [ ] b["]), "a [link](https://x.io) and [ ] b[");
        assert_eq!(through(0, &["[1][2]"]), "");
        assert_eq!(through(2, &["All [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]."]), "All [1][2].");
    }

    #[test]
    fn a_citation_stands_for_the_words_before_it() {
        let text = "Tents cost 900 NOK. [2] They ship free [1][3].\nSee [2] and [x].";
        assert_eq!(cited(text), [(2, "Tents cost 900 NOK."), (1, "They ship free"), (3, "They ship free")]);
        assert!(cited("none").is_empty());
    }

    #[test]
    fn marks_that_lead_are_measured_with_the_space_between_them() {
        assert_eq!(["[1] [2]. It", " [1]", "It [1]", "[x] [1]", ""].map(leading), [7, 4, 0, 0, 0]);
    }
}
