//! Cutting folded text into words, and into runs of scripts that write no spaces.

use unicode_normalization::char::is_combining_mark;

/// A piece of text that carries meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Written between spaces or punctuation.
    Word(&'a str),
    /// A stretch of Chinese, Japanese, Thai, … in which words are not set apart.
    Run(&'a str),
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Class {
    Word,
    Run,
    Gap,
}

/// The tokens of folded text, in order. `1,000` and `3.14` are one word each, `don't` is two.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let class = class(first);
            let end = end_of(rest, class);
            let (piece, after) = rest.split_at(end);
            rest = after;
            match class {
                Class::Word => return Some(Token::Word(piece)),
                Class::Run => return Some(Token::Run(piece)),
                Class::Gap => {}
            }
        }
    })
}

fn end_of(text: &str, wanted: Class) -> usize {
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        let between_digits = matches!(c, '.' | ',')
            && previous.is_ascii_digit()
            && chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        if class(c) != wanted && !(wanted == Class::Word && between_digits) {
            return at;
        }
        previous = c;
    }
    text.len()
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Gap };
    }
    if is_unspaced(c) {
        Class::Run
    } else if c.is_alphanumeric() || is_combining_mark(c) {
        Class::Word
    } else {
        Class::Gap
    }
}

/// Letters of scripts that are written without spaces: Thai, Lao, Myanmar, Khmer, Han and kana.
/// Hangul has spaces, but its words take endings of a syllable each, so it is cut the same way.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECD}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17D3}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_runs() {
        let found: Vec<_> = tokens("foo_bar v1.2.3, 1,000. don't 黑豹队的 308分 हिन्दी").collect();
        let expected = [
            Token::Word("foo"),
            Token::Word("bar"),
            Token::Word("v1.2.3"),
            Token::Word("1,000"),
            Token::Word("don"),
            Token::Word("t"),
            Token::Run("黑豹队的"),
            Token::Word("308"),
            Token::Run("分"),
            Token::Word("हिन्दी"),
        ];
        assert_eq!(found, expected);
    }
}
