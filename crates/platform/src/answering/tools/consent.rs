//! Whether a visitor said yes.

/// What a visitor's words say to a question that can be answered by yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answering) enum Word {
    Yes,
    No,
    /// Something else.
    Other,
}

/// The first of these words decides, and there is little beside it: who writes more wants something else.
const YES: &[&str] = &[
    "yes",
    "y",
    "yeah",
    "yep",
    "ok",
    "okay",
    "sure",
    "please",
    "ja",
    "gern",
    "gerne",
    "jawohl",
    "oui",
    "sí",
    "si",
    "claro",
    "हाँ",
    "हां",
    "जी",
    "نعم",
    "أجل",
    "是",
    "是的",
    "好",
    "好的",
    "可以",
];
const NO: &[&str] = &[
    "no",
    "n",
    "nope",
    "not",
    "don't",
    "nein",
    "nicht",
    "non",
    "nei",
    "ikke",
    "नहीं",
    "لا",
    "不",
    "不用",
    "不要",
];

/// Words of an answer that is still a yes or a no.
const MOST: usize = 4;

/// Reads a visitor's answer.
pub(in crate::answering) fn word(text: &str) -> Word {
    let lower = text.trim().to_lowercase().replace('’', "'");
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || (c.is_ascii_punctuation() && c != '\'') || "。，！".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    if words.iter().any(|word| NO.contains(word)) {
        return Word::No;
    }
    match words.first() {
        Some(first) if words.len() <= MOST && YES.contains(first) => Word::Yes,
        _ => Word::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for yes in ["yes", "Yes, please!", "OK.", "Ja gerne", "oui", "好的。", "Sure do"] {
            assert_eq!(word(yes), Word::Yes, "{yes}");
        }
        for no in ["no", "No thanks", "yes but not now", "nein", "please don’t"] {
            assert_eq!(word(no), Word::No, "{no}");
        }
        for other in ["", "What does it cost?", "yes and tell me what a tent costs in Norway", "Yesterday"] {
            assert_eq!(word(other), Word::Other, "{other}");
        }
    }
}
