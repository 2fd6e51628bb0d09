//! Providers of our own for the tests, that behave as badly as real ones do.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{Call, Connections, Endpoint, Passage, Request, Role, Secret, Step, Tool, Turn};

pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub fn endpoint(base_url: String) -> Endpoint {
    Endpoint {
        base_url,
        api_key: Some(Secret::new("sk-test".into())),
        model: "test-model".into(),
        first_token: Duration::from_millis(400),
        total: Duration::from_millis(800),
    }
}

pub fn connections() -> Connections {
    rustls::crypto::ring::default_provider().install_default().ok();
    Connections::new(|| reqwest::Client::builder().build()).unwrap()
}

pub fn request() -> Request {
    Request {
        instructions: "Be brief.".into(),
        question: "When are you open?".into(),
        passages: vec![Passage { label: "Hours".into(), text: "Nine to five.".into(), quotes: Vec::new() }],
        max_tokens: 100,
        temperature: 1.5,
        ..Request::default()
    }
}

/// One with everything: earlier turns, a tool, and a round of it.
pub fn long_request() -> Request {
    let turn = |role, text: &str| Turn { role, text: text.into() };
    let call = Call { id: "call_1".into(), name: "now".into(), arguments: json!({ "zone": "UTC" }) };
    Request {
        history: vec![turn(Role::Visitor, "Hello"), turn(Role::Agent, "Hi.")],
        tools: vec![Tool {
            name: "now".into(),
            description: "The time.".into(),
            parameters: json!({ "type": "object", "properties": { "zone": { "type": "string" } } }),
        }],
        steps: vec![Step { text: "Let me see.".into(), calls: vec![(call, "12:00".into())] }],
        ..request()
    }
}

/// A stream of these parts, which then ends or stands still.
pub fn stream_of(parts: Vec<String>, hang: bool) -> Response {
    let parts = stream::iter(parts.into_iter().map(Ok::<_, Infallible>));
    let tail = if hang { stream::pending().left_stream() } else { stream::empty().right_stream() };
    ([("content-type", "text/event-stream")], Body::from_stream(parts.chain(tail))).into_response()
}
