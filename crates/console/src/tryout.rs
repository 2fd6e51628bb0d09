//! Trying an agent out: its draft answers one question, and the page shows what it rests on.

use axum::extract::State;
use http::StatusCode;
use platform::{
    App, Permission, agents,
    answering::{self, Question, Reply, Source},
};
use web::Path;

use crate::{
    agents::{Shown, show},
    form::Form,
    page::{Result, mistake},
    session::Member,
};

/// An answer, with what makers want to know of it.
pub(crate) struct Tried {
    pub answer: Vec<Piece>,
    pub reply: Reply,
}

impl Tried {
    /// The confidence in hundredths, as people read it.
    pub fn percent(&self) -> i64 {
        (self.reply.confidence * 100.0).round() as i64
    }
}

impl From<Reply> for Tried {
    fn from(reply: Reply) -> Self {
        Self { answer: pieces(&reply.text, &reply.sources), reply }
    }
}

/// A part of an answer's text.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    /// Words.
    Text(String),
    /// A citation, `[1]`.
    Cited(usize),
}

/// `POST …/agents/{agent_id}/try`
pub async fn ask(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditAgents)?;
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    let question = fields.get("question").to_owned();
    let mut shown = Shown { question: question.clone(), ..Shown::default() };
    let status =
        match answering::reply(&app, &member.tenant, Question::to_draft(&app, &agent, question)).await {
            Ok(reply) => {
                shown.tried = Some(reply.into());
                StatusCode::OK
            }
            Err(error) => {
                let (status, notice) = mistake(error)?;
                shown.notice = Some(notice);
                status
            }
        };
    show(&app, &member, &agent, status, shown).await
}

/// Cuts an answer at its citations of sources that are there.
fn pieces(text: &str, sources: &[Source]) -> Vec<Piece> {
    let (mut pieces, mut words) = (Vec::new(), String::new());
    let mut rest = text.trim();
    while let Some(open) = rest.find('[') {
        let cited = rest[open + 1..].split_once(']').and_then(|(number, after)| {
            let number: usize = number.parse().ok()?;
            sources.iter().any(|source| source.citation == number).then_some((number, after))
        });
        match cited {
            Some((number, after)) => {
                words.push_str(&rest[..open]);
                pieces.push(Piece::Text(std::mem::take(&mut words)));
                pieces.push(Piece::Cited(number));
                rest = after;
            }
            None => {
                words.push_str(&rest[..=open]);
                rest = &rest[open + 1..];
            }
        }
    }
    words.push_str(rest);
    pieces.push(Piece::Text(words));
    pieces.retain(|piece| !matches!(piece, Piece::Text(words) if words.is_empty()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::samples::source;

    #[test]
    fn an_answer_is_cut_at_the_citations_that_have_a_source() {
        let text = |words: &str| Piece::Text(words.into());
        let sources = [source(1), source(2)];
        assert_eq!(
            pieces("Yes [1][2], but [9] and [x] stay.", &sources),
            [text("Yes "), Piece::Cited(1), Piece::Cited(2), text(", but [9] and [x] stay.")]
        );
        assert_eq!(pieces("", &sources), []);
    }
}
