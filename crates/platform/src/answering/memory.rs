//! What a model is told of the conversation so far: the latest turns word for word as far as they fit, the older ones
//! in a few words.

use models::{Role, Turn};

/// Tokens that the latest turns may have, at four characters a token.
const RECENT: usize = 1_500;
/// Tokens that the older ones may have together.
const OLDER: usize = 300;
/// Characters of an older turn that are kept.
const GIST: usize = 160;

/// The earlier turns as they are told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// The older exchanges, a line each.
    pub summary: Option<String>,
    /// The latest turns, oldest first.
    pub recent: Vec<Turn>,
}

/// Cuts a conversation. A turn that alone is too long is shortened: what was said last matters most.
pub(super) fn of(turns: Vec<Turn>) -> Memory {
    let mut room = RECENT * 4;
    let mut recent: Vec<Turn> = Vec::new();
    let mut older = turns;
    while let Some(turn) = older.pop() {
        let length = turn.text.chars().count();
        // A question stays with its answer.
        if length > room && recent.len() >= 2 && recent.len().is_multiple_of(2) {
            older.push(turn);
            break;
        }
        let text = if length > room { shorten(&turn.text, room.max(GIST)) } else { turn.text };
        room = room.saturating_sub(text.chars().count());
        recent.push(Turn { role: turn.role, text });
    }
    recent.reverse();
    Memory { summary: summary(&older), recent }
}

/// What was asked and the first words of what was answered, the latest that fit.
fn summary(turns: &[Turn]) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = OLDER * 4;
    for turn in turns.iter().rev() {
        let who = match turn.role {
            Role::Visitor => "Visitor",
            Role::Agent => "You",
        };
        let line = format!("{who}: {}", shorten(&gist(&turn.text), GIST));
        let Some(left) = room.checked_sub(line.chars().count()) else { break };
        room = left;
        lines.push(line);
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The first sentence, on one line.
fn gist(text: &str) -> String {
    let first = retrieval::sentences(text).into_iter().next().unwrap_or(0..0);
    text[first].split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(exchanges: usize, words: usize) -> Vec<Turn> {
        (0..exchanges)
            .flat_map(|n| {
                let answer = format!("Answer {n} is this. And {}", "word ".repeat(words));
                [
                    Turn { role: Role::Visitor, text: format!("Question {n}?") },
                    Turn { role: Role::Agent, text: answer },
                ]
            })
            .collect()
    }

    #[test]
    fn a_short_talk_is_told_whole() {
        let turns = talk(3, 5);
        assert_eq!(of(turns.clone()), Memory { summary: None, recent: turns });
        assert_eq!(of(Vec::new()), Memory::default());
    }

    #[test]
    fn of_a_long_talk_the_beginning_is_told_in_short() {
        let memory = of(talk(20, 200));
        assert_eq!(memory.recent.len() % 2, 0);
        assert_eq!(memory.recent[0].role, Role::Visitor, "it begins with a question");
        assert!(memory.recent.last().unwrap().text.starts_with("Answer 19 is"));
        let tokens: usize = memory.recent.iter().map(|turn| turn.text.chars().count() / 4).sum();
        assert!((500..=RECENT).contains(&tokens), "{tokens}");
        let summary = memory.summary.unwrap();
        assert!(summary.contains("Visitor: Question 1") && summary.contains("You: Answer 1"), "{summary}");
        assert!(!summary.contains("word"), "a first sentence each: {summary}");
        assert!(summary.chars().count() <= OLDER * 4 + 40);
    }

    #[test]
    fn one_huge_turn_is_shortened() {
        let memory = of(vec![
            Turn { role: Role::Visitor, text: "x".repeat(100_000) },
            Turn { role: Role::Agent, text: "y".repeat(100_000) },
        ]);
        assert_eq!(memory.recent.len(), 2);
        let length: usize = memory.recent.iter().map(|turn| turn.text.chars().count()).sum();
        assert!(length <= RECENT * 4 + GIST, "{length}");
    }
}
