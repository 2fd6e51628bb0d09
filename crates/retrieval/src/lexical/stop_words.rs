//! English words that say nothing about the subject.

/// Sorted, folded; the halves that an apostrophe leaves (`don't`, `we'll`) are words here too.
const ENGLISH: [&str; 149] = [
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "aren", "as", "at", "be",
    "because", "been", "before", "being", "between", "both", "but", "by", "can", "could", "couldn", "d",
    "did", "didn", "do", "does", "doesn", "doing", "don", "during", "each", "either", "else", "every", "few",
    "for", "from", "further", "had", "hadn", "has", "hasn", "have", "haven", "having", "he", "her", "here",
    "hers", "him", "his", "how", "i", "if", "in", "into", "is", "isn", "it", "its", "just", "ll", "m", "me",
    "might", "more", "most", "much", "must", "my", "no", "nor", "not", "of", "off", "on", "once", "only",
    "or", "other", "our", "ours", "out", "over", "own", "please", "re", "s", "same", "shall", "she",
    "should", "shouldn", "so", "some", "such", "t", "than", "that", "the", "their", "theirs", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "upon", "us",
    "ve", "very", "was", "wasn", "we", "were", "weren", "what", "when", "where", "which", "while", "who",
    "whom", "whose", "why", "will", "with", "within", "without", "won", "would", "wouldn", "you", "your",
    "yours", "yourself",
];

/// Letters of the longest of them: as many as a number has bytes.
const LONGEST: usize = 8;

/// Each as a number, in the same order: numbers are compared faster than texts, and every word of every passage is
/// looked up.
static NUMBERS: [u64; ENGLISH.len()] = {
    let mut numbers = [0; ENGLISH.len()];
    let mut at = 0;
    while at < ENGLISH.len() {
        numbers[at] = number(ENGLISH[at]);
        at += 1;
    }
    numbers
};

/// A word of at most [`LONGEST`] bytes, its first byte highest.
const fn number(word: &str) -> u64 {
    let (word, mut number, mut at) = (word.as_bytes(), 0, 0);
    while at < LONGEST {
        let byte = if at < word.len() { word[at] } else { 0 };
        number = number << 8 | byte as u64;
        at += 1;
    }
    number
}

/// Whether a folded word is one of them.
pub(crate) fn is_stop_word(word: &str) -> bool {
    word.len() <= LONGEST && NUMBERS.binary_search(&number(word)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(ENGLISH.is_sorted());
        assert!(ENGLISH.iter().all(|word| word.len() <= LONGEST));
        assert!(ENGLISH.iter().all(|word| is_stop_word(word)));
        assert!(
            !is_stop_word("password")
                && !is_stop_word("")
                && !is_stop_word("abouts")
                && !is_stop_word("yourselves")
        );
    }
}
