//! What a model may do besides writing: a registry of tools, of which an agent has those that its makers named.
//!
//! A tool that changes something is never run because a model asks for it: models do what documents and visitors tell
//! them. What it would do becomes a question to the visitor, in words of this program, and waits for a yes, which is
//! understood by this program too.

mod consent;
mod current_time;
mod hand_over;
mod save_contact;
mod search_knowledge;

use std::sync::LazyLock;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use consent::{Word, word};

use super::Question;
use crate::{App, Tenant, knowledge::Found};

/// What a tool works with.
pub(super) struct Context<'a> {
    pub app: &'a App,
    pub tenant: &'a Tenant,
    pub question: &'a Question,
    /// The passages that the answer may cite; number n is cited as `[n]`.
    pub found: &'a mut Vec<Found>,
}

/// Something that a model may call.
pub(super) trait Tool: Send + Sync {
    /// How a model is told of it.
    fn spec(&self) -> models::Tool;

    /// For tools that change something: what the visitor is asked, for these arguments.
    ///
    /// # Errors
    /// What the model is told when the arguments will not do.
    fn asks(&self, _arguments: &Value) -> Option<Result<String, String>> {
        None
    }

    /// Does it; what comes out is told to the model, or to the visitor when they were asked.
    ///
    /// # Errors
    /// What the model is told when it cannot be done.
    fn call<'a>(
        &'a self,
        context: Context<'a>,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<String, String>>;
}

static REGISTRY: LazyLock<Vec<Box<dyn Tool>>> = LazyLock::new(|| {
    vec![
        Box::new(search_knowledge::SearchKnowledge),
        Box::new(current_time::CurrentTime),
        Box::new(hand_over::HandOver),
        Box::new(save_contact::SaveContact),
    ]
});

/// The tool of a name.
pub(super) fn find(name: &str) -> Option<&'static dyn Tool> {
    REGISTRY.iter().map(AsRef::as_ref).find(|tool| tool.spec().name == name)
}

/// The tools that an agent has, as a model is told of them.
pub(super) fn specs(names: &[String]) -> Vec<models::Tool> {
    names.iter().filter_map(|name| find(name)).map(Tool::spec).collect()
}

/// An action that waits for the visitor's word.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Pending {
    pub tool: String,
    pub arguments: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::TOOLS;

    #[test]
    fn agents_may_be_given_what_there_is() {
        let names: Vec<String> = REGISTRY.iter().map(|tool| tool.spec().name).collect();
        assert_eq!(names, TOOLS);
        for tool in REGISTRY.iter() {
            assert_eq!(tool.spec().parameters["type"], "object");
        }
    }
}
