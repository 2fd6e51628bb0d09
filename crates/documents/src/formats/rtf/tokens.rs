//! RTF cut into its tokens (Rich Text Format 1.9.1, "Conventions of an RTF Reader").

/// One token.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word and its number: `\fs24`.
    Word(&'a str, Option<i32>),
    /// A control symbol: `\~`, `\*`.
    Symbol(u8),
    /// A byte of text: `\'e9`.
    Hex(u8),
    /// Bytes of text as they stand.
    Text(&'a [u8]),
}

/// Reads tokens one after the other; whatever makes no sense is text or is passed over.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn control(&mut self) -> Option<Token<'a>> {
        match self.rest.first()? {
            b'\'' => {
                let code = self.rest.get(1..3).and_then(|code| std::str::from_utf8(code).ok());
                let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
                self.take(if byte.is_some() { 3 } else { 1 });
                byte.map_or_else(|| self.next(), |byte| Some(Token::Hex(byte)))
            }
            first if first.is_ascii_alphabetic() => Some(self.word()),
            // A line break behind a backslash ends the paragraph.
            b'\r' | b'\n' => {
                self.take(1);
                Some(Token::Word("par", None))
            }
            symbol => {
                self.take(1);
                Some(Token::Symbol(*symbol))
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let len = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = std::str::from_utf8(self.take(len)).unwrap_or_default();
        let signs = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self.rest.iter().skip(signs).take_while(|byte| byte.is_ascii_digit()).count();
        let number = match digits {
            0 => None,
            _ => std::str::from_utf8(self.take(signs + digits)).ok().and_then(|digits| digits.parse().ok()),
        };
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        // Binary data follows as it is.
        if name == "bin" {
            self.take(usize::try_from(number.unwrap_or(0)).unwrap_or(0));
        }
        Token::Word(name, number)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.rest.first()? {
                b'{' => {
                    self.take(1);
                    return Some(Token::Open);
                }
                b'}' => {
                    self.take(1);
                    return Some(Token::Close);
                }
                b'\\' => {
                    self.take(1);
                    return self.control();
                }
                // Line breaks and zeros mean nothing.
                b'\r' | b'\n' | 0 => {
                    self.take(1);
                }
                _ => {
                    let end = |byte: &u8| matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0);
                    let len = self.rest.iter().position(end).unwrap_or(self.rest.len());
                    return Some(Token::Text(self.take(len)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_symbols_and_bytes_are_told_apart() {
        let tokens: Vec<_> = Tokens::new(b"{\\b0 a\\'e9\\~\\u-10179?\\bin3 {}}x}\n\\").collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word("b", Some(0)),
                Token::Text(b"a"),
                Token::Hex(0xE9),
                Token::Symbol(b'~'),
                Token::Word("u", Some(-10179)),
                Token::Text(b"?"),
                Token::Word("bin", Some(3)),
                Token::Text(b"x"),
                Token::Close,
            ]
        );
    }

    #[test]
    fn broken_codes_lose_only_themselves() {
        let tokens: Vec<_> = Tokens::new(b"a\\'zb\\u99999999999 c").collect();
        assert_eq!(
            tokens,
            [Token::Text(b"a"), Token::Text(b"zb"), Token::Word("u", None), Token::Text(b"c")]
        );
    }
}
