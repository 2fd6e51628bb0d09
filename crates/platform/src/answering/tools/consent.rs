//! Whether a visitor said yes.

/// What a visitor's words say to a question that can be answered by yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answering) enum Word {
    Yes,
    No,
    /// Something else.
    Other,
}

/// One of these words is there, and none but these and those that go with them: who writes more wants something else.
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
const BESIDE: &[&str] = &[
    "do",
    "it",
    "that",
    "so",
    "go",
    "ahead",
    "thanks",
    "thank",
    "you",
    "of",
    "course",
    "bitte",
    "danke",
    "takk",
    "vær",
    "så",
    "snill",
    "s'il",
    "vous",
    "te",
    "plaît",
    "merci",
    "por",
    "favor",
    "gracias",
    "धन्यवाद",
    "शुक्रिया",
    "شكرا",
    "谢谢",
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
    let plain = words.iter().all(|word| YES.contains(word) || BESIDE.contains(word));
    if plain && words.iter().any(|word| YES.contains(word)) { Word::Yes } else { Word::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for yes in
            ["yes", "Yes, please!", "OK.", "Ja gerne", "oui", "好的。谢谢", "Sure do", "S’il vous plaît, oui"]
        {
            assert_eq!(word(yes), Word::Yes, "{yes}");
        }
        for no in ["no", "No thanks", "yes but not now", "nein", "please don’t"] {
            assert_eq!(word(no), Word::No, "{no}");
        }
        for other in [
            "",
            "What does it cost?",
            "yes and tell me what a tent costs in Norway",
            "Yesterday",
            "y para Noruega?",
            "si je paie?",
            "please cancel",
            "ok forget it",
            "yes but other email",
            "是，不过地址错了",
            "thanks",
        ] {
            assert_eq!(word(other), Word::Other, "{other}");
        }
    }
}
