//! OpenAI's chat completions, streamed: <https://platform.openai.com/docs/api-reference/chat/create>.
//! Azure, Ollama, vLLM, llama.cpp and many others speak it too.

use std::collections::VecDeque;

use futures_util::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Answer, Call, Connections, Endpoint, LanguageModel, ModelError, Piece, Request, Role, Usage,
    events::{self, Dialect, Flow},
    request::arguments,
};

/// A server with OpenAI's chat API.
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
    connections: Connections,
}

impl OpenAi {
    /// Speaks to an endpoint.
    pub fn new(endpoint: Endpoint, connections: Connections) -> Self {
        Self { endpoint, connections }
    }

    fn post(&self, client: &reqwest::Client, request: &Request) -> reqwest::RequestBuilder {
        let url = format!("{}/chat/completions", self.endpoint.base_url.trim_end_matches('/'));
        let mut body = json!({
            "model": self.endpoint.model,
            "messages": messages(request),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if !request.tools.is_empty() {
            body["tools"] = request
                .tools
                .iter()
                .map(|tool| {
                    json!({ "type": "function", "function": {
                        "name": tool.name, "description": tool.description, "parameters": tool.parameters,
                    } })
                })
                .collect();
        }
        let post = client.post(url).json(&body);
        match &self.endpoint.api_key {
            Some(key) => post.bearer_auth(key.expose()),
            None => post,
        }
    }
}

impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.endpoint.model
    }

    fn answer<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, ModelError>> {
        let post = |client: &reqwest::Client| self.post(client, request);
        events::answer(&self.connections, post, (&self.endpoint, Chunks::default())).boxed()
    }
}

fn messages(request: &Request) -> Vec<Value> {
    let mut messages = vec![json!({ "role": "system", "content": request.system() })];
    messages.extend(request.history.iter().map(|turn| {
        let role = match turn.role {
            Role::Visitor => "user",
            Role::Agent => "assistant",
        };
        json!({ "role": role, "content": turn.text })
    }));
    messages.push(json!({ "role": "user", "content": request.question }));
    for step in &request.steps {
        let calls: Vec<Value> = step
            .calls
            .iter()
            .map(|(call, _)| {
                json!({ "id": call.id, "type": "function",
                        "function": { "name": call.name, "arguments": call.arguments.to_string() } })
            })
            .collect();
        messages.push(json!({ "role": "assistant", "content": step.text, "tool_calls": calls }));
        messages.extend(
            step.calls
                .iter()
                .map(|(call, result)| json!({ "role": "tool", "tool_call_id": call.id, "content": result })),
        );
    }
    messages
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: usize,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// A call that comes in parts.
#[derive(Default)]
struct Growing {
    id: String,
    name: String,
    arguments: String,
}

/// Most calls that one answer may ask for.
const MAX_CALLS: usize = 16;

#[derive(Default)]
struct Chunks {
    calls: Vec<Growing>,
    finished: bool,
}

impl Chunks {
    fn grow(&mut self, delta: CallDelta) -> Result<(), ModelError> {
        if delta.index >= MAX_CALLS {
            return Err(ModelError::Endless);
        }
        if delta.index >= self.calls.len() {
            self.calls.resize_with(delta.index + 1, Growing::default);
        }
        let call = &mut self.calls[delta.index];
        if let Some(id) = delta.id {
            call.id = id;
        }
        if let Some(function) = delta.function {
            events::grow(&mut call.name, &function.name.unwrap_or_default())?;
            events::grow(&mut call.arguments, &function.arguments.unwrap_or_default())?;
        }
        Ok(())
    }

    /// The calls are whole once the provider says why it stopped, or that it did.
    fn finish(&mut self, out: &mut VecDeque<Piece>) {
        self.finished = true;
        let calls = std::mem::take(&mut self.calls).into_iter().filter(|call| !call.name.is_empty());
        out.extend(calls.map(|call| {
            Piece::Call(Call { arguments: arguments(&call.arguments), id: call.id, name: call.name })
        }));
    }
}

impl Dialect for Chunks {
    fn read(&mut self, data: &str, out: &mut VecDeque<Piece>) -> Result<Flow, ModelError> {
        if data == "[DONE]" {
            self.finish(out);
            return Ok(Flow::End);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|e| ModelError::Protocol(e.to_string()))?;
        if let Some(error) = chunk.error {
            return Err(events::told(&error));
        }
        if let Some(choice) = chunk.choices.into_iter().next() {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                out.push_back(Piece::Text(text));
            }
            for delta in choice.delta.tool_calls.into_iter().flatten() {
                self.grow(delta)?;
            }
            if choice.finish_reason.is_some() {
                self.finish(out);
            }
        }
        if let Some(counted) = chunk.usage {
            let usage = Usage { input: counted.prompt_tokens, output: counted.completion_tokens };
            out.push_back(Piece::Usage(usage));
        }
        Ok(Flow::More)
    }

    /// Some servers close the stream without `[DONE]`.
    fn may_end(&self) -> bool {
        self.finished
    }
}

#[cfg(test)]
mod tests;
