//! The Porter stemmer for English (M. F. Porter, "An algorithm for suffix stripping", 1980).

/// Stems one lower-case ASCII word; anything else comes back as it is.
pub(crate) fn stem(word: &str) -> String {
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = Stem(word.as_bytes().to_vec());
    stem.plurals();
    stem.past_and_progressive();
    stem.final_y();
    stem.replace(&DOUBLE_SUFFIXES, 0);
    stem.replace(&ADJECTIVE_SUFFIXES, 0);
    stem.residual_suffixes();
    stem.final_e_and_l();
    String::from_utf8(stem.0).expect("only ASCII letters were put in")
}

/// Step 2.
const DOUBLE_SUFFIXES: [(&str, &str); 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("logi", "log"),
];

/// Step 3.
const ADJECTIVE_SUFFIXES: [(&str, &str); 7] = [
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

/// Step 4; `ion` has a condition of its own.
const RESIDUAL_SUFFIXES: [&str; 18] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
];

struct Stem(Vec<u8>);

impl Stem {
    fn is_consonant(&self, at: usize) -> bool {
        match self.0[at] {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => at == 0 || !self.is_consonant(at - 1),
            _ => true,
        }
    }

    /// How often a consonant follows a vowel in the first `end` letters: Porter's *m*.
    fn measure(&self, end: usize) -> usize {
        (1..end).filter(|&at| self.is_consonant(at) && !self.is_consonant(at - 1)).count()
    }

    fn has_vowel(&self, end: usize) -> bool {
        (0..end).any(|at| !self.is_consonant(at))
    }

    fn ends_double(&self) -> bool {
        let n = self.0.len();
        n >= 2 && self.0[n - 1] == self.0[n - 2] && self.is_consonant(n - 1)
    }

    /// Consonant, vowel, consonant other than w, x, y: the shape that takes an *e* (`hop` + e).
    fn ends_short(&self, end: usize) -> bool {
        end >= 3
            && self.is_consonant(end - 3)
            && !self.is_consonant(end - 2)
            && self.is_consonant(end - 1)
            && !matches!(self.0[end - 1], b'w' | b'x' | b'y')
    }

    /// Where `suffix` begins, if the word ends in it. Most words do not, and their last letter tells.
    #[inline]
    fn suffix(&self, suffix: &str) -> Option<usize> {
        let suffix = suffix.as_bytes();
        let ends = self.0.last() == suffix.last() && self.0.ends_with(suffix);
        ends.then(|| self.0.len() - suffix.len())
    }

    fn set_end(&mut self, at: usize, ending: &str) {
        self.0.truncate(at);
        self.0.extend_from_slice(ending.as_bytes());
    }

    fn plurals(&mut self) {
        if let Some(at) = self.suffix("sses").or_else(|| self.suffix("ies")) {
            let keep = if self.0.ends_with(b"sses") { at + 2 } else { at + 1 };
            self.0.truncate(keep);
        } else if self.0.ends_with(b"s") && !self.0.ends_with(b"ss") {
            self.0.pop();
        }
    }

    fn past_and_progressive(&mut self) {
        if let Some(at) = self.suffix("eed") {
            if self.measure(at) > 0 {
                self.0.pop();
            }
            return;
        }
        let Some(at) = self.suffix("ed").or_else(|| self.suffix("ing")).filter(|&at| self.has_vowel(at))
        else {
            return;
        };
        self.0.truncate(at);
        if ["at", "bl", "iz"].iter().any(|end| self.suffix(end).is_some()) {
            self.0.push(b'e');
        } else if self.ends_double() && !matches!(self.0[at - 1], b'l' | b's' | b'z') {
            self.0.pop();
        } else if self.measure(at) == 1 && self.ends_short(at) {
            self.0.push(b'e');
        }
    }

    fn final_y(&mut self) {
        if let Some(at) = self.suffix("y").filter(|&at| self.has_vowel(at)) {
            self.0[at] = b'i';
        }
    }

    fn replace(&mut self, rules: &[(&str, &str)], least_measure: usize) {
        let rule = rules.iter().find_map(|(from, to)| self.suffix(from).map(|at| (at, *to)));
        if let Some((at, to)) = rule.filter(|&(at, _)| self.measure(at) > least_measure) {
            self.set_end(at, to);
        }
    }

    fn residual_suffixes(&mut self) {
        let ion = self.suffix("ion").filter(|&at| at > 0 && matches!(self.0[at - 1], b's' | b't'));
        let longest = RESIDUAL_SUFFIXES.iter().filter_map(|suffix| self.suffix(suffix)).min();
        if let Some(at) = longest.or(ion).filter(|&at| self.measure(at) > 1) {
            self.0.truncate(at);
        }
    }

    fn final_e_and_l(&mut self) {
        if let Some(at) = self.suffix("e") {
            let measure = self.measure(at);
            if measure > 1 || (measure == 1 && !self.ends_short(at)) {
                self.0.pop();
            }
        }
        if self.0.ends_with(b"ll") && self.measure(self.0.len()) > 1 {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    /// Pairs from the paper and from Porter's own vocabulary list.
    #[test]
    fn stems_as_in_the_paper() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("motoring", "motor"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("troubled", "troubl"),
            ("sized", "size"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("sky", "sky"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("digitizer", "digit"),
            ("vietnamization", "vietnam"),
            ("operator", "oper"),
            ("hopefulness", "hope"),
            ("triplicate", "triplic"),
            ("electrical", "electr"),
            ("goodness", "good"),
            ("revival", "reviv"),
            ("allowance", "allow"),
            ("replacement", "replac"),
            ("adoption", "adopt"),
            ("effective", "effect"),
            ("probate", "probat"),
            ("rate", "rate"),
            ("controll", "control"),
            ("roll", "roll"),
            ("generalizations", "gener"),
            ("connecting", "connect"),
            ("connection", "connect"),
            ("ion", "ion"),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
