//! Anthropic's messages, streamed: <https://docs.anthropic.com/en/api/messages-streaming>.

use std::collections::VecDeque;

use futures_util::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Answer, Call, Connections, Endpoint, LanguageModel, ModelError, Piece, Request, Role, Usage,
    events::{self, Dialect, Flow},
    request::arguments,
};

/// The version of the protocol that is spoken.
const VERSION: &str = "2023-06-01";

/// A server with Anthropic's messages API.
#[derive(Clone, Debug)]
pub struct Anthropic {
    endpoint: Endpoint,
    connections: Connections,
}

impl Anthropic {
    /// Speaks to an endpoint.
    pub fn new(endpoint: Endpoint, connections: Connections) -> Self {
        Self { endpoint, connections }
    }

    fn post(&self, client: &reqwest::Client, request: &Request) -> reqwest::RequestBuilder {
        let url = format!("{}/messages", self.endpoint.base_url.trim_end_matches('/'));
        let mut body = json!({
            "model": self.endpoint.model,
            "system": request.system(),
            "messages": messages(request),
            "max_tokens": request.max_tokens,
            // Its scale ends at 1.
            "temperature": request.temperature.min(1.0),
            "stream": true,
        });
        if !request.tools.is_empty() {
            body["tools"] = request
                .tools
                .iter()
                .map(|tool| {
                    json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters })
                })
                .collect();
        }
        let post = client.post(url).header("anthropic-version", VERSION).json(&body);
        match &self.endpoint.api_key {
            Some(key) => post.header("x-api-key", key.expose()),
            None => post,
        }
    }
}

impl LanguageModel for Anthropic {
    fn name(&self) -> &str {
        &self.endpoint.model
    }

    fn answer<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, ModelError>> {
        let post = |client: &reqwest::Client| self.post(client, request);
        events::answer(&self.connections, post, (&self.endpoint, Events::default())).boxed()
    }
}

fn messages(request: &Request) -> Vec<Value> {
    let mut messages: Vec<Value> = request
        .history
        .iter()
        // A conversation begins with the user.
        .skip_while(|turn| turn.role == Role::Agent)
        .filter(|turn| !turn.text.trim().is_empty())
        .map(|turn| {
            let role = match turn.role {
                Role::Visitor => "user",
                Role::Agent => "assistant",
            };
            json!({ "role": role, "content": turn.text })
        })
        .collect();
    messages.push(json!({ "role": "user", "content": request.question }));
    for step in &request.steps {
        let mut said: Vec<Value> = Vec::new();
        if !step.text.trim().is_empty() {
            said.push(json!({ "type": "text", "text": step.text }));
        }
        said.extend(step.calls.iter().map(|(call, _)| {
            let input = if call.arguments.is_object() { call.arguments.clone() } else { json!({}) };
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
        }));
        let results: Vec<Value> = step
            .calls
            .iter()
            .map(|(call, result)| json!({ "type": "tool_result", "tool_use_id": call.id, "content": result }))
            .collect();
        messages.push(json!({ "role": "assistant", "content": said }));
        messages.push(json!({ "role": "user", "content": results }));
    }
    messages
}

/// The events that matter; others, such as `ping`, are passed over.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    ContentBlockStop,
    MessageDelta {
        usage: Option<Counted>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    usage: Option<Counted>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Default)]
struct Events {
    /// Id, name and arguments of the call that is being written.
    call: Option<(String, String, String)>,
    usage: Usage,
}

impl Events {
    fn count(&mut self, counted: Option<Counted>, out: &mut VecDeque<Piece>) {
        let Some(counted) = counted else { return };
        self.usage.input = counted.input_tokens.unwrap_or(self.usage.input);
        self.usage.output = counted.output_tokens.unwrap_or(self.usage.output);
        out.push_back(Piece::Usage(self.usage));
    }
}

impl Dialect for Events {
    fn read(&mut self, data: &str, out: &mut VecDeque<Piece>) -> Result<Flow, ModelError> {
        let event: Event = serde_json::from_str(data).map_err(|e| ModelError::Protocol(e.to_string()))?;
        match event {
            // What was counted before the first word is told with the rest.
            Event::MessageStart { message } => {
                let counted = message.usage.and_then(|usage| usage.input_tokens);
                self.usage.input = counted.unwrap_or_default();
            }
            Event::ContentBlockStart { content_block: Block::ToolUse { id, name } } => {
                self.call = Some((id, name, String::new()));
            }
            Event::ContentBlockStart { content_block: Block::Text { text } }
            | Event::ContentBlockDelta { delta: Delta::Text { text } } => {
                if !text.is_empty() {
                    out.push_back(Piece::Text(text));
                }
            }
            Event::ContentBlockDelta { delta: Delta::InputJson { partial_json } } => {
                if let Some((_, _, arguments)) = &mut self.call {
                    events::grow(arguments, &partial_json)?;
                }
            }
            Event::ContentBlockStop => {
                if let Some((id, name, written)) = self.call.take() {
                    out.push_back(Piece::Call(Call { id, name, arguments: arguments(&written) }));
                }
            }
            Event::MessageDelta { usage } => self.count(usage, out),
            Event::MessageStop => return Ok(Flow::End),
            Event::Error { error } => return Err(events::told(&error)),
            Event::ContentBlockStart { .. } | Event::ContentBlockDelta { .. } | Event::Other => {}
        }
        Ok(Flow::More)
    }

    fn may_end(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
