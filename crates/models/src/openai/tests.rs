//! Against a provider of our own that behaves as badly as real ones do.

use std::convert::Infallible;

use axum::{
    Json, Router,
    body::Body,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};

use super::*;
use crate::{Passage, Secret};

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn model(base_url: String) -> OpenAi {
    let endpoint = Endpoint {
        base_url,
        api_key: Some(Secret::new("sk-test".into())),
        model: "test-model".into(),
        first_token: Duration::from_millis(400),
        total: Duration::from_millis(800),
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    OpenAi::new(endpoint, reqwest::Client::builder().build().unwrap())
}

fn request() -> Request {
    Request {
        instructions: "Be brief.".into(),
        history: Vec::new(),
        question: "When are you open?".into(),
        passages: vec![Passage { label: "Hours".into(), text: "Nine to five.".into(), quotes: Vec::new() }],
        max_tokens: 100,
        temperature: 0.2,
    }
}

fn piece(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }))
}

fn stream_of(parts: Vec<String>, hang: bool) -> Response {
    let parts = stream::iter(parts.into_iter().map(Ok::<_, Infallible>));
    let tail = if hang { stream::pending().left_stream() } else { stream::empty().right_stream() };
    ([("content-type", "text/event-stream")], Body::from_stream(parts.chain(tail))).into_response()
}

async fn collect(model: &OpenAi) -> Result<String, ModelError> {
    use futures_util::TryStreamExt;
    Ok(model.answer(&request()).await?.try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test]
async fn a_stream_cut_anywhere_is_put_together() {
    async fn chat(headers: HeaderMap, Json(body): Json<serde_json::Value>) -> Response {
        assert_eq!(headers["authorization"], "Bearer sk-test");
        assert_eq!(body["stream"], true);
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("[1] Hours"));
        let whole = format!(
            ": comment\n\n{}{}data: {{\"choices\":[]}}\n\ndata: [DONE]\n\n",
            piece("Nine to "),
            piece("fünf. [1]")
        );
        let bytes: Vec<_> =
            whole.into_bytes().chunks(7).map(|part| Ok::<_, Infallible>(part.to_vec())).collect();
        Body::from_stream(stream::iter(bytes)).into_response()
    }
    let url = serve(Router::new().route("/v1/chat/completions", post(chat))).await;
    assert_eq!(collect(&model(url)).await.unwrap(), "Nine to fünf. [1]");
}

#[tokio::test]
async fn a_provider_that_fails_says_why() {
    let refuse = || async { (StatusCode::TOO_MANY_REQUESTS, "slow down") };
    let url = serve(Router::new().route("/v1/chat/completions", post(refuse))).await;
    let error = collect(&model(url)).await.unwrap_err();
    assert!(matches!(error, ModelError::Status { status: 429, .. }), "{error}");

    let error = collect(&model("http://127.0.0.1:1/v1".into())).await.unwrap_err();
    assert!(matches!(error, ModelError::Connection(_)), "{error}");
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up() {
    let silent = || async { stream_of(Vec::new(), true) };
    let url = serve(Router::new().route("/v1/chat/completions", post(silent))).await;
    assert!(
        matches!(collect(&model(url)).await.unwrap_err(), ModelError::TooSlow(t) if t.as_millis() == 400)
    );

    let stalls = || async { stream_of(vec![piece("Nine")], true) };
    let url = serve(Router::new().route("/v1/chat/completions", post(stalls))).await;
    assert!(
        matches!(collect(&model(url)).await.unwrap_err(), ModelError::TooSlow(t) if t.as_millis() == 800)
    );
}

#[tokio::test]
async fn a_cut_stream_and_broken_json_are_errors() {
    let cut = || async { stream_of(vec![piece("Nine")], false) };
    let url = serve(Router::new().route("/v1/chat/completions", post(cut))).await;
    assert!(matches!(collect(&model(url)).await.unwrap_err(), ModelError::Connection(_)));

    let broken = || async { stream_of(vec!["data: {oops\n\n".into()], false) };
    let url = serve(Router::new().route("/v1/chat/completions", post(broken))).await;
    assert!(matches!(collect(&model(url)).await.unwrap_err(), ModelError::Protocol(_)));
}
