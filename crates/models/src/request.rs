//! What a model is asked.

use std::ops::Range;

use bytestring::ByteString;
use serde_json::Value;

/// A passage of the workspace's knowledge, as the model sees it.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The document's title and the heading path of the place.
    pub label: String,
    /// The passage's text; whoever found it has it, too.
    pub text: ByteString,
    /// Sentences that answer the question, best first, for models that quote; byte ranges of `text`.
    pub quotes: Vec<Quote>,
}

/// A sentence of a passage, with how well it answers the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Byte range in the passage's text.
    pub span: Range<usize>,
    /// Higher is better; comparable within one request.
    pub score: f32,
}

/// Who said something earlier in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The visitor.
    Visitor,
    /// The agent.
    Agent,
}

/// One earlier message.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

/// A tool that a model may have called.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Lower case, digits and `_`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The arguments, as a JSON Schema of an object.
    pub parameters: Value,
}

/// A call that a model asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The provider's id, by which the result is given back.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments; null when what the model wrote is no JSON.
    pub arguments: Value,
}

/// One round of tools: what the model said and asked for, and what came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it said before it asked.
    pub text: String,
    /// What it asked for, with the results.
    pub calls: Vec<(Call, String)>,
}

/// A question to answer from passages.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// How the agent should behave, and by which rules.
    pub instructions: String,
    /// Earlier messages, oldest first.
    pub history: Vec<Turn>,
    /// The question.
    pub question: String,
    /// What may be used; number n is cited as `[n]`, counted from 1.
    pub passages: Vec<Passage>,
    /// What may be called.
    pub tools: Vec<Tool>,
    /// The rounds of tools since the question.
    pub steps: Vec<Step>,
    /// Tokens the answer may have.
    pub max_tokens: u32,
    /// 0 to 2.
    pub temperature: f32,
}

impl Request {
    /// The instructions with the passages behind them, numbered and fenced. A passage cannot end its own fence.
    pub(crate) fn system(&self) -> String {
        let mut system = self.instructions.clone();
        for (n, passage) in self.passages.iter().enumerate() {
            let text = passage.text.replace("</passage", "<\\/passage");
            let label = passage.label.replace(['\n', '<'], " ");
            system.push_str(&format!("\n\n[{}] {label}\n<passage>\n{text}\n</passage>", n + 1));
        }
        system
    }
}

/// The arguments that a model wrote; an empty text stands for none.
pub(crate) fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_str(text).unwrap_or_default()
    }
}
