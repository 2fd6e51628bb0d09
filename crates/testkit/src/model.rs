//! A language model's server that does what the test says.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{StreamExt, stream};
use platform::{Endpoint, Secret};
use serde_json::{Value, json};

/// What the model does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Says these pieces, with a pause before each.
    Say(Vec<String>, Duration),
    /// Says these pieces, then the connection breaks.
    Break(Vec<String>),
    /// Never says anything.
    Hang,
    /// Answers with this status.
    Refuse(u16),
    /// Answers each request with the deltas that this makes of it: `{"content": …}` or `{"tool_calls": […]}`.
    Think(fn(&Value) -> Vec<Value>),
}

/// The delta by which a model calls a tool.
pub fn tool_call(name: &str, arguments: &Value) -> Value {
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    json!({ "tool_calls": [{ "index": 0, "id": "call_1", "type": "function", "function": function }] })
}

/// The model and what it was asked.
#[derive(Clone)]
pub struct Model {
    /// To be given to a server as its language model.
    pub endpoint: Endpoint,
    state: Shared,
}

/// What to do, and what was asked.
type Shared = Arc<Mutex<(Behaviour, Vec<Value>)>>;

impl Model {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(behaviour: Behaviour) -> Self {
        let state = Arc::new(Mutex::new((behaviour, Vec::new())));
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("a bound address"));
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = Endpoint {
            base_url,
            api_key: Some(Secret::new("sk-stand-in".into())),
            model: "stand-in".into(),
            first_token: Duration::from_secs(2),
            total: Duration::from_secs(20),
        };
        Self { endpoint, state }
    }

    /// Does something else from now on.
    pub fn turn_to(&self, behaviour: Behaviour) {
        self.state.lock().expect("no test panics while it holds this").0 = behaviour;
    }

    /// What it was asked so far, as request bodies.
    pub fn asked(&self) -> Vec<Value> {
        self.state.lock().map(|state| state.1.clone()).unwrap_or_default()
    }
}

async fn complete(State(state): State<Shared>, Json(body): Json<Value>) -> Response {
    let behaviour = {
        let mut state = state.lock().expect("no test panics while it holds this");
        state.1.push(body.clone());
        state.0.clone()
    };
    match behaviour {
        Behaviour::Say(pieces, pause) => {
            let end = stream::iter([Ok("data: [DONE]\n\n".to_owned())]);
            events(stream::iter(pieces).then(move |piece| said(piece, pause)).chain(end))
        }
        Behaviour::Break(pieces) => {
            // The pieces are on their way before the connection goes.
            let cut = stream::once(async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::other("cut"))
            });
            let pieces = stream::iter(pieces).then(|piece| said(piece, Duration::from_millis(20)));
            events(pieces.map(|piece| piece.map_err(|never| match never {})).chain(cut))
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Think(think) => {
            let frame = |delta: Value| format!("data: {}\n\n", json!({ "choices": [{ "delta": delta }] }));
            let usage = json!({ "choices": [], "usage": { "prompt_tokens": 100, "completion_tokens": 20 } });
            let end = [format!("data: {usage}\n\n"), "data: [DONE]\n\n".to_owned()];
            let frames: Vec<String> = think(&body).into_iter().map(frame).chain(end).collect();
            events(stream::iter(frames.into_iter().map(Ok::<_, Infallible>)))
        }
        Behaviour::Refuse(status) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT), "no").into_response()
        }
    }
}

async fn said(piece: String, pause: Duration) -> Result<String, Infallible> {
    tokio::time::sleep(pause).await;
    Ok(format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": piece } }] })))
}

fn events<E: std::error::Error + Send + Sync + 'static>(
    events: impl futures_util::Stream<Item = Result<String, E>> + Send + 'static,
) -> Response {
    ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
}
