//! Where sentences begin and end, by rules: for chunks that cut none, and for answers that quote whole ones.

use std::ops::Range;

/// Words that end in a period and do not end a sentence; lower case, without the last period. Sorted.
const ABBREVIATIONS: [&str; 86] = [
    "abb", "abs", "al", "approx", "apr", "art", "aug", "ave", "bd", "bzw", "ca", "cap", "capt", "cf", "chap",
    "cm", "co", "col", "corp", "dec", "dept", "dr", "ed", "eds", "eq", "esp", "est", "etc", "evtl", "excl",
    "feb", "fig", "figs", "fri", "ft", "gen", "ggf", "gov", "hon", "hr", "inc", "incl", "inkl", "jan", "jr",
    "jul", "jun", "lt", "ltd", "max", "mfg", "min", "mon", "mr", "mrs", "ms", "mt", "no", "nos", "nov", "nr",
    "oct", "op", "pp", "prof", "pt", "ref", "rep", "rev", "sec", "sen", "sep", "sept", "sgt", "sr", "sra",
    "st", "str", "tab", "tel", "univ", "usw", "vgl", "vol", "vs", "zzgl",
];

/// Abbreviations that never close a sentence: something must follow them.
const TITLES: [&str; 16] = [
    "capt", "cf", "col", "dr", "fig", "gen", "hon", "lt", "mr", "mrs", "ms", "mt", "prof", "rev", "sen", "vs",
];

/// Words that open a sentence when they are capitalised; after `U.S.` or `etc.` they decide.
const OPENERS: [&str; 40] = [
    "A", "After", "All", "Also", "An", "And", "As", "At", "Because", "But", "By", "Each", "For", "From",
    "He", "His", "How", "However", "I", "If", "In", "It", "Its", "On", "Please", "See", "She", "Some",
    "That", "The", "Their", "There", "These", "They", "This", "We", "What", "When", "With", "You",
];

/// A wrapped line of prose is at least this long; a shorter one ended because its writer wanted it to.
const WRAPPED_LINE: usize = 50;

/// The byte ranges of the sentences of a text, without the space around them. Nothing but space lies
/// between them.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let after = at + c.len_utf8();
        let end = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => ends_line(text, start, at).then_some(at),
            '.' => end_of_terminator(text, after).filter(|&end| ends_at_period(text, start, at, end)),
            '!' => end_of_terminator(text, after)
                .filter(|&end| !next_word(text, end).starts_with(char::is_lowercase)),
            '?' | '…' | '؟' | '۔' | '।' | '॥' | '։' | '።' => end_of_terminator(text, after),
            '。' | '！' | '？' | '｡' => Some(skip_closers(text, after)),
            _ => None,
        };
        if let Some(end) = end {
            push_trimmed(text, start..end, &mut found);
            start = end;
        }
        at = after.max(end.unwrap_or(0));
    }
    push_trimmed(text, start..text.len(), &mut found);
    found
}

fn push_trimmed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let range = trimmed(text, range);
    if !range.is_empty() {
        found.push(range);
    }
}

/// The range without the white space at its ends.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + piece.len() - piece.trim_start().len();
    start..start + piece.trim().len()
}

/// Whether the line break at `at` ends the sentence that began at `start`, or only wraps it.
fn ends_line(text: &str, start: usize, at: usize) -> bool {
    let rest = text[at..].trim_start_matches('\r');
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    let next = rest.lines().next().unwrap_or_default().trim();
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1).max(start.min(at));
    let line = text[line_start..at].trim();
    if next.is_empty() || line.is_empty() || opens_item(next) {
        return true;
    }
    let continues = next.starts_with(char::is_lowercase) || line.ends_with([',', ';', '-', '–']);
    let open = !line.ends_with(['.', '!', '?', ':', '。', '！', '？', '।', '|', '#']);
    !(open && (continues || line.chars().count() >= WRAPPED_LINE) && !line.starts_with(['#', '|']))
}

/// Whether a line begins as an item of a list, a heading, a quotation or a table row does.
fn opens_item(line: &str) -> bool {
    if line.starts_with(['#', '|', '>', '•', '·', '▪', '◦', '‣', '–', '—', '☐', '✓']) {
        return true;
    }
    let after_mark = line.strip_prefix(['-', '*', '+']).or_else(|| {
        let marker = line.trim_start_matches('(').trim_start_matches(|c: char| c.is_ascii_digit());
        let marker = if marker.len() == line.len() {
            marker.trim_start_matches(|c: char| c.is_ascii_alphabetic())
        } else {
            marker
        };
        (line.len() - marker.len() <= 4).then(|| marker.strip_prefix(['.', ')'])).flatten()
    });
    after_mark.is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Past further terminators, closing quotes and references such as `[3]`, if the text ends or a space
/// follows there.
fn end_of_terminator(text: &str, after: usize) -> Option<usize> {
    let more = text[after..].len() - text[after..].trim_start_matches(['.', '!', '?', '…']).len();
    let end = skip_closers(text, after + more);
    text[end..].chars().next().is_none_or(char::is_whitespace).then_some(end)
}

fn skip_closers(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        if let Some(reference) = rest.strip_prefix('[') {
            let digits = reference.len() - reference.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits > 0 && reference[digits..].starts_with(']') {
                at += digits + 2;
                continue;
            }
        }
        match rest.chars().next() {
            Some(c)
                if matches!(
                    c,
                    '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '」' | '』' | '）' | '】' | '》'
                ) =>
            {
                at += c.len_utf8();
            }
            _ => return at,
        }
    }
}

fn next_word(text: &str, at: usize) -> &str {
    let rest =
        text[at..].trim_start().trim_start_matches(['"', '\'', '“', '‘', '(', '[', '«', '„', '*', '_']);
    &rest[..rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())]
}

/// Whether the period at `at` ends the sentence that began at `start`; a space or nothing follows at `end`.
fn ends_at_period(text: &str, start: usize, at: usize, end: usize) -> bool {
    let next = next_word(text, end);
    if text[end..].trim_start().is_empty() || text[end..].trim_start_matches([' ', '\t']).starts_with("\n\n")
    {
        return true;
    }
    let closed = text[..end].ends_with([')', ']', '"', '”', '’', '»']);
    if closed && next.starts_with(char::is_lowercase) {
        return false;
    }
    let before = &text[start..at];
    let word_start =
        before.rfind(|c: char| c.is_whitespace()).map_or(0, |space| space + space_len(before, space));
    let word = before[word_start..].trim_start_matches(|c: char| !c.is_alphanumeric());
    if text[at + 1..].starts_with('.') {
        return !next.starts_with(char::is_lowercase);
    }
    let opens = OPENERS.binary_search(&next).is_ok();
    if is_item_number(before, word_start, word) {
        return false;
    }
    let initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
    if initial || word.contains('.') && word.split('.').all(|part| part.chars().count() <= 2) {
        return opens && !(initial && next == "A");
    }
    let lower = word.to_lowercase();
    if ABBREVIATIONS.binary_search(&lower.as_str()).is_ok() {
        let may_close = TITLES.binary_search(&lower.as_str()).is_err();
        // "No." and "Min." are words as well: before a number they are abbreviations.
        let is_word =
            matches!(lower.as_str(), "no" | "min" | "max" | "sec" | "art" | "mon" | "est" | "al" | "co");
        let before_number = next.starts_with(|c: char| c.is_ascii_digit());
        return may_close && (opens || is_word && !before_number && next.starts_with(char::is_uppercase));
    }
    let address = word.contains(['.', '/', '@', '=']);
    !(next.starts_with(char::is_lowercase) && (address || word.chars().count() <= 3))
}

fn space_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// `3.` or `b.` where a sentence would begin: the number of a list item.
fn is_item_number(before: &str, word_start: usize, word: &str) -> bool {
    let number = !word.is_empty() && word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
    let letter = word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    (number || letter) && before[..word_start].trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[track_caller]
    fn check(parts: &[&str]) {
        assert_eq!(split(&parts.join(" ")), parts);
    }

    #[test]
    fn the_lists_can_be_searched() {
        assert!(ABBREVIATIONS.is_sorted() && TITLES.is_sorted() && OPENERS.is_sorted());
    }

    #[test]
    fn periods_that_do_not_end() {
        check(&["Dr. Smith paid $3.50 to Acme Inc. in the U.S. on Jan. 5.", "He left at 5 p.m. on foot."]);
        check(&["See e.g. section 3.2 of www.example.com/a.b?c=d. for details.", "Done."]);
        check(&["J. R. R. Tolkien wrote it.", "It was long."]);
        check(&["Wait... what is it?", "It is No. 5 of vol. 2.", "No."]);
        check(&["The cat (a tabby.) slept.", "It lives in the U.S.", "The dog does not."]);
        check(&["Version 2.0.1 fixes it.", "Update now!", "Really?", "yes."]);
        check(&["Das kostet ca. 5 EUR zzgl. Versand.", "Siehe Nr. 7."]);
    }

    #[test]
    fn closers_belong_to_the_sentence() {
        check(&["He said \"stop.\"", "Then (he left.)", "It is known.[12]", "So be it."]);
    }

    #[test]
    fn other_scripts() {
        assert_eq!(
            split("黑豹队赢了。他说：“很好！”然后呢？"),
            ["黑豹队赢了。", "他说：“很好！”", "然后呢？"]
        );
        check(&["यह पहला वाक्य है।", "यह दूसरा है।"]);
        check(&["هل هذا سؤال؟", "نعم."]);
    }

    #[test]
    fn lines_and_items() {
        assert_eq!(
            split("# Title\nFirst line\nSecond line\n\n- one\n- two\n1. three\n2. four. Five."),
            ["# Title", "First line", "Second line", "- one", "- two", "1. three", "2. four.", "Five."]
        );
        let wrapped =
            "This sentence was wrapped by its writer at a width of sixty\nColumns and goes on here. Next.";
        assert_eq!(split(wrapped).len(), 2);
        assert_eq!(split("short\nlower goes on").len(), 1);
    }

    proptest! {
        #[test]
        fn only_space_is_left_out(text in "[a-zA-Z0-9 .!?\n\r。\"')\\[\\]#|*é…-]{0,80}") {
            let mut at = 0;
            for range in sentences(&text) {
                prop_assert!(text[at..range.start].trim().is_empty() && !range.is_empty());
                prop_assert_eq!(text[range.clone()].trim(), &text[range.clone()]);
                at = range.end;
            }
            prop_assert!(text[at..].trim().is_empty());
        }
    }
}
