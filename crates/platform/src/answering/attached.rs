//! What stands in the files that a visitor attached, as passages among those that were found in the agent's knowledge.

use super::Question;
use crate::{
    App, Result, Tenant,
    knowledge::Loose,
    visitors::{self, AttachedText},
};

/// The files that a question may be about.
#[derive(Default)]
pub(super) struct Files {
    pub texts: Vec<Loose>,
    /// Whether some came with this question: what they hold then goes before all else.
    pub are_new: bool,
}

/// Those that came with the question, or with earlier ones of the conversation.
pub(super) async fn of(app: &App, tenant: &Tenant, question: &Question) -> Result<Files> {
    if !question.agent.settings.visitors.attachments {
        return Ok(Files::default());
    }
    let thread = &question.thread;
    let texts = visitors::texts(app, tenant, &thread.agent, &thread.session).await?;
    let named = |text: &AttachedText| question.visit.files.iter().any(|file| file.id == text.id);
    let are_new = !question.visit.files.is_empty();
    let wanted = texts.into_iter().filter(|text| !are_new || named(text));
    let texts = wanted.map(|text| Loose {
        id: text.id,
        title: text.name,
        text: text.content,
        sections: text.sections,
    });
    Ok(Files { texts: texts.collect(), are_new })
}
