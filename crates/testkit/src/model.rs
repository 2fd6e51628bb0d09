//! A language model's server that does what the test says.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract,
    http::{StatusCode, Version},
    response::{IntoResponse, Response},
    routing::post,
    serve::Listener,
};
use futures_util::{StreamExt, stream};
use platform::{Endpoint, Secret};
use serde_json::{Value, json};

use crate::{Authority, TlsListener};

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

struct State {
    behaviour: Behaviour,
    asked: Vec<Value>,
    version: Option<Version>,
}

type Shared = Arc<Mutex<State>>;

impl Model {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        Self::serve(behaviour, listener, &url)
    }

    /// Starts it on a free port, over HTTPS; gives what its certificate is known by as well.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start_with_tls(behaviour: Behaviour) -> (Self, Authority) {
        let (listener, authority) = TlsListener::bind().await;
        let url = listener.url();
        (Self::serve(behaviour, listener, &url), authority)
    }

    fn serve<L: Listener<Addr: std::fmt::Debug>>(behaviour: Behaviour, listener: L, url: &str) -> Self {
        let state = Arc::new(Mutex::new(State { behaviour, asked: Vec::new(), version: None }));
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(state.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = Endpoint {
            base_url: format!("{url}/v1"),
            api_key: Some(Secret::new("sk-stand-in".into())),
            model: "stand-in".into(),
            first_token: Duration::from_secs(2),
            total: Duration::from_secs(20),
        };
        Self { endpoint, state }
    }

    /// Does something else from now on.
    pub fn turn_to(&self, behaviour: Behaviour) {
        self.state.lock().expect("no test panics while it holds this").behaviour = behaviour;
    }

    /// What it was asked so far, as request bodies.
    pub fn asked(&self) -> Vec<Value> {
        self.state.lock().map(|state| state.asked.clone()).unwrap_or_default()
    }

    /// The version of HTTP over which it was asked last.
    pub fn version(&self) -> Option<Version> {
        self.state.lock().ok()?.version
    }
}

async fn complete(
    extract::State(state): extract::State<Shared>,
    version: Version,
    Json(body): Json<Value>,
) -> Response {
    let behaviour = {
        let mut state = state.lock().expect("no test panics while it holds this");
        state.asked.push(body.clone());
        state.version = Some(version);
        state.behaviour.clone()
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
