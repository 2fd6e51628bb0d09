//! Titles that say something by themselves: a FAQ's question, a headline.
//!
//! A question of a user is close to the question that an FAQ's entry answers and not to its answer; a title
//! of a word or two names a subject and would only pull all of its passages together.

/// A title of this many words says something; so does any question.
const TELLING_WORDS: usize = 6;
const QUESTION_MARKS: [char; 3] = ['?', '？', '؟'];

/// Whether what stands closest above a passage is a question.
pub(crate) fn answers(title: &str, heading: Option<&str>) -> bool {
    closest(title, heading).contains(QUESTION_MARKS)
}

fn closest<'a>(title: &'a str, heading: Option<&'a str>) -> &'a str {
    let heading = heading.unwrap_or_default().trim();
    if heading.is_empty() { title.trim() } else { heading }
}

/// What stands closest above a passage, the heading before the title, if it says something by itself.
pub(crate) fn telling_title<'a>(title: &'a str, heading: Option<&'a str>) -> Option<&'a str> {
    let closest = closest(title, heading);
    let telling = closest.contains(QUESTION_MARKS) || closest.split_whitespace().count() >= TELLING_WORDS;
    telling.then_some(closest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_headlines_say_something() {
        assert_eq!(telling_title("Normans", None), None);
        assert_eq!(telling_title("Refund?", None), Some("Refund?"));
        assert_eq!(
            telling_title("Shop", Some(" How do I return what I bought ")),
            Some("How do I return what I bought")
        );
        assert_eq!(telling_title("How do I return what I bought", Some("Returns")), None);
    }
}
