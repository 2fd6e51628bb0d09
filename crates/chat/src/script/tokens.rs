//! JavaScript as tokens: just enough of ECMA-262 (clause 12) to tell code from strings, templates, regular expressions
//! and comments in the widget's own source. Comments and white space are not kept.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// A string, a regular expression, or a template's text up to `${` or from `}` on.
    Text,
    /// Anything else.
    Mark,
}

/// A token, and whether white space stood before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub apart: bool,
}

/// Marks of several characters whose parts would mean something else; all others are read character by character.
const LONG: [&str; 3] = ["...", "=>", "?."];
/// Words after which a slash begins a regular expression.
const BEFORE_REGEX: [&str; 6] = ["return", "typeof", "case", "of", "in", "yield"];

/// The tokens of a source without syntax errors.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut reader = Reader { rest: source, tokens: Vec::new(), braces: Vec::new() };
    while reader.next().is_some() {}
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    tokens: Vec<Token<'a>>,
    /// For each open brace, whether a template goes on after it.
    braces: Vec<bool>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<()> {
        let before = self.rest.len();
        self.skip_blank();
        let apart = self.rest.len() < before;
        let (kind, length) = self.measure()?;
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.tokens.push(Token { kind, text, apart });
        Some(())
    }

    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = match self.rest {
                rest if rest.starts_with("//") => rest.find('\n'),
                rest if rest.starts_with("/*") => rest.find("*/").map(|at| at + 2),
                _ => return,
            };
            self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        }
    }

    /// Kind and length of the token that begins here.
    fn measure(&mut self) -> Option<(Kind, usize)> {
        let first = self.rest.chars().next()?;
        Some(match first {
            c if is_word(c) => (Kind::Word, self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len())),
            '"' | '\'' => (Kind::Text, self.quoted(first)),
            '`' => (Kind::Text, self.template()),
            '/' if self.regex_may_stand() => (Kind::Text, self.regex()),
            '}' if self.braces.pop() == Some(true) => (Kind::Text, self.template()),
            '{' => {
                self.braces.push(false);
                (Kind::Mark, 1)
            }
            _ => {
                let long = LONG.iter().find(|mark| self.rest.starts_with(**mark));
                (Kind::Mark, long.map_or(first.len_utf8(), |mark| mark.len()))
            }
        })
    }

    fn quoted(&self, quote: char) -> usize {
        self.until(|c, _| c == quote)
    }

    /// A template's text, up to its end or to the `${` that opens a brace.
    fn template(&mut self) -> usize {
        let length = self.until(|c, before| c == '`' || (c == '{' && before == '$'));
        if self.rest[..length].ends_with('{') {
            self.braces.push(true);
        }
        length
    }

    fn regex(&self) -> usize {
        let mut in_class = false;
        let body = self.until(|c, _| {
            in_class = (in_class || c == '[') && c != ']';
            c == '/' && !in_class
        });
        let flags = &self.rest[body..];
        body + flags.find(|c| !is_word(c)).unwrap_or(flags.len())
    }

    /// Length up to and with the first character, but for the one here, that ends it; what a backslash escapes does not.
    /// The test is given a character and the one before it.
    fn until(&self, mut ends: impl FnMut(char, char) -> bool) -> usize {
        let mut before = ' ';
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            if !escaped && ends(c, before) {
                return at + c.len_utf8();
            }
            escaped = !escaped && c == '\\';
            before = c;
        }
        self.rest.len()
    }

    /// Whether a slash here begins a regular expression: not after a value, which it would divide.
    fn regex_may_stand(&self) -> bool {
        self.tokens.last().is_none_or(|last| match last.kind {
            Kind::Word => BEFORE_REGEX.contains(&last.text),
            Kind::Text => false,
            Kind::Mark => !matches!(last.text, ")" | "]" | "}"),
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_space_are_not_tokens() {
        assert_eq!(texts("a /* b */ = // c\n 'x // \\' y'; /** d\n*/"), ["a", "=", "'x // \\' y'", ";"]);
    }

    #[test]
    fn a_slash_divides_a_value_and_else_begins_a_regular_expression() {
        assert_eq!(texts("a / b / (c) / 2"), ["a", "/", "b", "/", "(", "c", ")", "/", "2"]);
        assert_eq!(
            texts("x = /[/`'\"]\\/{/gi.test(y)"),
            ["x", "=", "/[/`'\"]\\/{/gi", ".", "test", "(", "y", ")"]
        );
        assert_eq!(texts("return /a b/"), ["return", "/a b/"]);
    }

    #[test]
    fn templates_nest() {
        assert_eq!(
            texts("`a ${ { b: `c${d}` }.b } \\` e`"),
            ["`a ${", "{", "b", ":", "`c${", "d", "}`", "}", ".", "b", "} \\` e`"]
        );
        assert_eq!(texts("`{} ${x}{}`"), ["`{} ${", "x", "}{}`"]);
    }
}
