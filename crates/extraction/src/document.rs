//! A document as extraction sees it: lines, the labels in them, and how it writes numbers and dates.

use std::ops::Range;

use chrono::NaiveDate;

use crate::{
    Locale,
    lexicon::{self, Concept, Hit},
    source::{self, Line, Source},
    values::{
        codes,
        date::{self, Date, Order},
        money::{self, Amount, Mark},
    },
};

/// A document with its lines and labels.
pub(crate) struct Document<'a> {
    pub text: &'a str,
    pub lines: Vec<Line<'a>>,
    /// Labels by line.
    pub hits: Vec<Vec<Hit>>,
    pub mark: Mark,
    pub order: Order,
    /// The locale or another date says which of two small numbers is the day.
    pub order_is_known: bool,
    pub today: Option<NaiveDate>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(source: &Source<'a>, locale: &Locale) -> Self {
        let lines = source::lines(source);
        let hits = lines.iter().map(lexicon::hits).collect();
        let seen = date::order_of(source.text);
        Self {
            text: source.text,
            mark: money::mark_of(source.text, locale.mark()),
            order: seen.or(locale.order()).unwrap_or(Order::DayFirst),
            order_is_known: seen.or(locale.order()).is_some(),
            today: locale.today,
            lines,
            hits,
        }
    }

    pub(crate) fn amounts(&self, line: usize) -> Vec<Amount> {
        money::amounts(self.lines[line].text, self.mark)
    }

    pub(crate) fn dates(&self, line: usize) -> Vec<Date> {
        date::dates(self.lines[line].text, self.order)
    }

    /// The page of a part of the text.
    pub(crate) fn page(&self, range: &Range<usize>) -> Option<u32> {
        let after = self.lines.partition_point(|line| line.start <= range.start);
        self.lines.get(after.checked_sub(1)?)?.page
    }

    /// What stands directly after a label: `:` and the like, after words that say "number".
    pub(crate) fn tail(&self, line: usize, to: usize) -> Tail {
        let line = &self.lines[line];
        let mut at = line.words[to - 1].range.end;
        for word in &line.words[to..] {
            let between = &line.text[at..word.range.start];
            let filler = matches!(
                word.folded.as_str(),
                "no" | "nr" | "num" | "number" | "id" | "rm" | "eur" | "usd" | "s"
            );
            if !filler || between.contains([':', '=']) || !between.chars().all(|c| " .(#/[-".contains(c)) {
                break;
            }
            at = word.range.end;
        }
        let rest = &line.text[at..];
        let body =
            rest.trim_start_matches(|c: char| c.is_whitespace() || ".:#=)(]*-–>|;".contains(c) && c != '(');
        let marks = &rest[..rest.len() - body.len()];
        // A sign belongs to the number that it stands before.
        let body = if marks.ends_with('-') && body.starts_with(|c: char| c.is_ascii_digit()) {
            &rest[marks.len() - 1..]
        } else {
            body
        };
        Tail {
            start: line.text.len() - body.len(),
            is_marked: marks.contains([':', '#', '=']) || line.row.is_some(),
        }
    }

    /// Where the value that begins at a byte of a line ends: before the next label that is marked as one.
    pub(crate) fn value_end(&self, line: usize, start: usize) -> usize {
        let hits = self.hits[line].iter().filter(|hit| self.lines[line].words[hit.from].range.start > start);
        let next = hits.filter(|hit| self.tail(line, hit.to).is_marked).map(|hit| {
            let at = self.lines[line].words[hit.from].range.start;
            self.lines[line].text[..at]
                .trim_end_matches(|c: char| c.is_whitespace() || "|,;(/".contains(c))
                .len()
        });
        let text = self.lines[line].text;
        let gap = text[start..].find("   ").map_or(text.len(), |gap| start + gap);
        next.min().unwrap_or(text.len()).min(gap).max(start)
    }

    /// Whether a line begins with a label that is marked as one, or is nothing but a label.
    pub(crate) fn begins_with_label(&self, line: usize) -> Option<Concept> {
        let hit = self.hits[line].first().filter(|hit| hit.from == 0)?;
        let whole = hit.to == self.lines[line].words.len();
        (whole || self.tail(line, hit.to).is_marked).then_some(hit.concept)
    }

    /// Whether a line holds what never stands in a name or a postal address.
    pub(crate) fn holds_contact(&self, line: usize) -> bool {
        let text = self.lines[line].text;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        !codes::emails(text).is_empty()
            || !codes::urls(text).is_empty()
            || digits >= 7 && letters <= 3 && !codes::phones(text).is_empty()
    }
}

/// The text after a label.
pub(crate) struct Tail {
    /// First byte of the line after the label and its marks.
    pub start: usize,
    /// A colon or the like says that it is a label; cells of tables always have one.
    pub is_marked: bool,
}
