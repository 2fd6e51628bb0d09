//! Dates as people write them, made ISO 8601.

use std::ops::Range;

use chrono::NaiveDate;
use regex::Captures;

use super::{Pattern, pattern};
use crate::source::fold;

/// A date in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Date {
    /// Bytes of the line.
    pub range: Range<usize>,
    pub date: NaiveDate,
    /// Day and month could be the other way round.
    pub ambiguous: bool,
    /// Written without marks, such as `25032018`: any number may look like that.
    pub bare: bool,
}

/// Which of two small numbers comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

static NUMERIC: Pattern = Pattern::new(|| {
    pattern(r"(?P<a>\d{1,4})\s?(?P<m>[-/.])\s?(?P<b>\d{1,2})\s?(?P<n>[-/.])\s?(?P<c>\d{4}|\d{1,2})")
});
static DAY_NAME: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s/.-]{0,3}(?:de |of )?(?P<m>\p{L}{3,11})\.?[,\s/.-]{0,3}(?:de |of )?(?P<y>\d{4}|'?\d{2})",
    )
});
static NAME_DAY: Pattern = Pattern::new(|| {
    pattern(r"(?i)(?P<m>\p{L}{3,11})\.?[\s/-]{0,3}(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:,\s?|\s|/|-)(?P<y>\d{4})")
});
static BARE: Pattern = Pattern::new(|| pattern(r"\b(?P<n>\d{8})\b"));
static CJK: Pattern =
    Pattern::new(|| pattern(r"(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]"));

/// How names of months begin, folded, in the languages that are read.
const MONTHS: [&[&str]; 12] = [
    &["jan", "gen", "ene", "sty", "led"],
    &["feb", "fev", "lut", "uno"],
    &["mar", "mrz", "maa", "mrt", "mac"],
    &["apr", "avr", "abr", "kwi", "dub"],
    &["may", "mai", "mag", "maj", "mei", "kve"],
    &["jun", "juin", "giu", "cze"],
    &["jul", "juil", "lug", "lip"],
    &["aug", "aou", "ago", "sie", "srp", "ogo"],
    &["sep", "set", "wrz", "zar"],
    &["oct", "okt", "ott", "out", "paz", "rij"],
    &["nov", "lis"],
    &["dec", "dez", "dic", "des", "gru", "pro", "dis"],
];

/// The dates of a line, from left to right. What cannot be a date, such as 31/02/2026, is left out.
pub(crate) fn dates(line: &str, order: Order) -> Vec<Date> {
    let mut found: Vec<Date> = Vec::new();
    let mut take = |date: Option<Date>| {
        if let Some(date) = date
            && found
                .iter()
                .all(|other| date.range.end <= other.range.start || other.range.end <= date.range.start)
        {
            found.push(date);
        }
    };
    CJK.captures_iter(line).for_each(|hit| take(named(line, &hit, number(&hit, "m"))));
    NUMERIC.captures_iter(line).for_each(|hit| take(numeric(line, &hit, order)));
    DAY_NAME.captures_iter(line).for_each(|hit| take(named(line, &hit, month(&hit["m"]))));
    NAME_DAY.captures_iter(line).for_each(|hit| take(named(line, &hit, month(&hit["m"]))));
    BARE.captures_iter(line).for_each(|hit| take(bare(&hit, order)));
    found.sort_by_key(|date| date.range.start);
    found
}

/// Whether the text tells day and month apart: some date has a day beyond 12.
pub(crate) fn order_of(text: &str) -> Option<Order> {
    let (mut day, mut month) = (0, 0);
    for hit in NUMERIC.captures_iter(text).filter(|hit| hit["a"].len() <= 2) {
        match (number(&hit, "a"), number(&hit, "b")) {
            (Some(13..=31), Some(1..=12)) => day += 1,
            (Some(1..=12), Some(13..=31)) => month += 1,
            _ => {}
        }
    }
    match (day, month) {
        (0, 0) => None,
        _ if month > day => Some(Order::MonthFirst),
        _ => Some(Order::DayFirst),
    }
}

fn numeric(line: &str, hit: &Captures<'_>, order: Order) -> Option<Date> {
    if hit["m"] != hit["n"] || !apart(line, hit) {
        return None;
    }
    let (a, b, c) = (number(hit, "a")?, number(hit, "b")?, number(hit, "c")?);
    let range = hit.get(0)?.range();
    let made = |year, month, day, ambiguous| {
        let date = calendar(year, month, day)?;
        Some(Date { range: range.clone(), date, ambiguous, bare: false })
    };
    if hit["a"].len() == 4 {
        return made(a, b, c, false);
    }
    if hit["a"].len() == 3 || hit["a"].len() == 1 && hit["c"].len() == 1 {
        return None;
    }
    let year = if hit["c"].len() == 4 { c } else { century(c) };
    let ambiguous = a <= 12 && b <= 12 && a != b;
    let (first, other) = match order {
        Order::DayFirst => ((b, a), (a, b)),
        Order::MonthFirst => ((a, b), (b, a)),
    };
    made(year, first.0, first.1, ambiguous).or_else(|| made(year, other.0, other.1, false))
}

/// Whether no digit or letter is glued to what was found.
fn apart(line: &str, hit: &Captures<'_>) -> bool {
    let Some(whole) = hit.get(0) else { return false };
    let before = line[..whole.start()].chars().next_back();
    let mut after = line[whole.end()..].chars();
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-');
    let next = after.next();
    // `T` begins the time of an ISO 8601 date.
    let joined = next.is_some_and(|c| c != 'T' && joins(c));
    let goes_on = next == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit());
    let follows = before.is_some_and(joins);
    !(follows || joined || goes_on)
}

fn named(line: &str, hit: &Captures<'_>, month: Option<u32>) -> Option<Date> {
    let whole = hit.get(0)?;
    let glued = |c: char| c.is_ascii_digit();
    if line[..whole.start()].ends_with(glued) || line[whole.end()..].starts_with(glued) {
        return None;
    }
    let year = hit["y"].trim_start_matches('\'');
    let year = if year.len() == 2 { century(year.parse().ok()?) } else { year.parse().ok()? };
    let date = calendar(year, month?, number(hit, "d")?)?;
    Some(Date { range: whole.range(), date, ambiguous: false, bare: false })
}

fn bare(hit: &Captures<'_>, order: Order) -> Option<Date> {
    let digits = &hit["n"];
    let part = |range: Range<usize>| digits[range].parse::<u32>().ok();
    let modern = |date: &NaiveDate| (2000..2100).contains(&chrono::Datelike::year(date));
    let ended = match order {
        Order::DayFirst => calendar(part(4..8)?, part(2..4)?, part(0..2)?),
        Order::MonthFirst => calendar(part(4..8)?, part(0..2)?, part(2..4)?),
    };
    let begun = calendar(part(0..4)?, part(4..6)?, part(6..8)?);
    let date = begun.filter(modern).or(ended.filter(modern))?;
    Some(Date { range: hit.get(0)?.range(), date, ambiguous: false, bare: true })
}

fn number(hit: &Captures<'_>, name: &str) -> Option<u32> {
    hit.name(name)?.as_str().parse().ok()
}

fn month(name: &str) -> Option<u32> {
    let name = fold(name);
    // The longer beginnings of July and June first: `juin` and `juil` share theirs with neither.
    let begins = |known: &&[&str]| known.iter().any(|known| name.starts_with(known));
    let is_word = name.chars().all(char::is_alphabetic);
    let at = MONTHS.iter().position(begins).filter(|_| is_word)?;
    u32::try_from(at + 1).ok()
}

/// Two digits are of this century up to 69, as POSIX has it.
fn century(year: u32) -> u32 {
    year + if year < 69 { 2000 } else { 1900 }
}

fn calendar(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    (1900..2200).contains(&year).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        dates(line, Order::DayFirst).iter().map(|date| date.date.to_string()).collect()
    }

    #[test]
    fn dates_are_read_in_many_forms() {
        for line in [
            "2026-03-14",
            "14.03.2026",
            "14/03/26 18:22",
            "14 MAR 2026",
            "14. März 2026",
            "14 mars 2026",
            "14 de marzo de 2026",
            "March 14, 2026",
            "14-MAR-26",
            "2026年3月14日",
            "2026-03-14T10:00:00Z",
            "20260314",
            "14032026",
        ] {
            assert_eq!(found(line), ["2026-03-14"], "{line}");
        }
    }

    #[test]
    fn what_is_no_date_is_left_alone() {
        for line in [
            "31/02/2026",
            "৮᥇𑽖𖵵4෧𑋶𑛘",
            "1.2.3",
            "03-1234-5678",
            "192.168.10.12",
            "DM 12/01/2019A",
            "18287/102/2019",
        ] {
            assert_eq!(found(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn day_and_month_are_told_apart_by_the_document() {
        assert_eq!(order_of("03/04/2026 and 03/25/2026"), Some(Order::MonthFirst));
        assert_eq!(order_of("03/04/2026"), None);
        assert!(dates("03/04/2026", Order::DayFirst)[0].ambiguous);
        assert_eq!(dates("03/04/2026", Order::MonthFirst)[0].date.to_string(), "2026-03-04");
        assert_eq!(dates("25/04/2026", Order::MonthFirst)[0].date.to_string(), "2026-04-25");
    }
}
