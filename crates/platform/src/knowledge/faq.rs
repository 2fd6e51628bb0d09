//! Finds the pairs of a pasted FAQ.

/// A question and its answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub question: String,
    pub answer: String,
}

/// What a question's line begins with, in the languages of the interface.
const QUESTIONS: [&str; 9] = ["q", "question", "f", "frage", "p", "pregunta", "spørsmål", "s", "问"];
/// What an answer's first line begins with.
const ANSWERS: [&str; 9] = ["a", "answer", "antwort", "r", "réponse", "respuesta", "svar", "reponse", "答"];
/// How a question ends.
const MARKS: [char; 3] = ['?', '？', '؟'];

/// The pairs of a text, in order. Where lines are marked (`Q:` and `A:`), the marks alone decide; else a line that ends
/// in a question mark asks, and what follows up to the next one answers. A question without an answer is left out.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    let marked = text.lines().any(|line| after_mark(line, &QUESTIONS).is_some());
    let mut pairs: Vec<Pair> = Vec::new();
    for line in text.lines() {
        match question(line, marked) {
            Some(question) => pairs.push(Pair { question: question.to_owned(), answer: String::new() }),
            None => {
                let Some(pair) = pairs.last_mut() else { continue };
                let line = after_mark(line, &ANSWERS).unwrap_or(line.trim_end());
                if !(pair.answer.is_empty() && line.trim().is_empty()) {
                    pair.answer.push_str(line);
                    pair.answer.push('\n');
                }
            }
        }
    }
    for pair in &mut pairs {
        pair.answer.truncate(pair.answer.trim_end().len());
    }
    pairs.retain(|pair| !pair.answer.is_empty());
    pairs
}

fn question(line: &str, marked: bool) -> Option<&str> {
    if marked {
        return after_mark(line, &QUESTIONS).filter(|question| !question.is_empty());
    }
    let bare = line.trim().trim_start_matches(['#', '*', '-', ' ']).trim_end_matches(['*', ' ']);
    bare.ends_with(MARKS).then_some(bare)
}

/// What follows `Q:`, `**Question:**`, `Q1.` or the like.
fn after_mark<'a>(line: &'a str, marks: &[&str]) -> Option<&'a str> {
    let line = line.trim().trim_start_matches(['#', '*', '-', ' ']);
    let (mark, rest) = line.split_once([':', '：', '.'])?;
    let word = mark.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_lowercase();
    marks.contains(&word.as_str()).then(|| rest.trim_matches(['*', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        pairs(text).into_iter().map(|pair| (pair.question, pair.answer)).collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(q, a)| ((*q).to_owned(), (*a).to_owned())).collect()
    }

    #[test]
    fn marked_lines_decide_alone() {
        let text = "Q: Do you ship abroad?\nA: Yes.\nWhere to? All of Europe.\n\nQ2. Opening hours\nA2. Nine to five.";
        let pairs =
            [("Do you ship abroad?", "Yes.\nWhere to? All of Europe."), ("Opening hours", "Nine to five.")];
        assert_eq!(of(text), expected(&pairs));
        assert_eq!(
            of("**Frage:** Wie lange?\n**Antwort:** Zwei Tage."),
            expected(&[("Wie lange?", "Zwei Tage.")])
        );
    }

    #[test]
    fn a_line_that_asks_begins_a_pair() {
        let text = "Intro.\n\n## May I return it?\n\nWithin 45 days.\n\nUnused only.\n\n**And abroad?**\nYes.\nNo answer?\n";
        let pairs = [("May I return it?", "Within 45 days.\n\nUnused only."), ("And abroad?", "Yes.")];
        assert_eq!(of(text), expected(&pairs));
    }

    #[test]
    fn a_text_without_questions_has_none() {
        assert!(of("We are open from nine.\nAnd closed on Sundays.").is_empty());
        assert!(of("").is_empty());
    }
}
