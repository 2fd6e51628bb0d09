//! Folding: one spelling for the many ways of writing a word.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Compatibility-normalised, lower-case text without the accents of Latin, Greek and Cyrillic letters.
///
/// Only marks of the block "Combining Diacritical Marks" are dropped: Devanagari, Thai or Arabic signs
/// lie elsewhere and carry the word.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let lower = text.nfkd().filter(|c| !is_accent(*c)).nfc().flat_map(char::to_lowercase);
    Cow::Owned(lower.filter(|c| !is_ornament(*c)).map(fold_letter).collect())
}

fn is_accent(c: char) -> bool {
    ('\u{0300}'..='\u{036F}').contains(&c)
}

/// Arabic vowel signs and the stretching stroke, which writers add or leave out at will; joiners.
fn is_ornament(c: char) -> bool {
    matches!(c, '\u{064B}'..='\u{0652}' | '\u{0670}' | '\u{0640}' | '\u{200B}'..='\u{200F}' | '\u{FEFF}' | '\u{00AD}')
        || is_accent(c)
}

/// Letters that no decomposition reaches and that are typed in several ways.
fn fold_letter(c: char) -> char {
    match c {
        'ı' => 'i',
        'đ' | 'ð' => 'd',
        'ø' => 'o',
        'ł' => 'l',
        'ς' => 'σ',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        'ة' => 'ه',
        '’' | '‘' | 'ʼ' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_go_and_signs_that_carry_the_word_stay() {
        assert_eq!(fold("Café NAÏVE"), "cafe naive");
        assert_eq!(fold("Đội THỦ"), "doi thu");
        assert_eq!(fold("Ελλάδας"), "ελλαδασ");
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_eq!(fold("ﬁne ＡＢＣ ①"), "fine abc 1");
        assert_eq!(fold("ガ 한국"), "ガ 한국");
        assert_eq!(fold("İstanbul"), "istanbul");
    }
}
