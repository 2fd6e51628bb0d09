//! A stand-in for a provider of language models and embeddings: it does no thinking, so that what is left to
//! measure is the server. It speaks OpenAI's chat completions (streamed) and embeddings.

use std::{convert::Infallible, io::Write, sync::LazyLock, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use retrieval::DIMENSIONS;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use crate::{Result, corpus::Random};

/// How long it thinks.
const FIRST_TOKEN: Duration = Duration::from_millis(20);
/// How much it says.
const TOKENS: usize = 50;

/// The events of an answer: the last words cite a passage, as a model is asked to.
static EVENTS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let word = |n| if n + 1 == TOKENS { " [1].".to_owned() } else { format!(" word{n}") };
    let event = |n| {
        let choice = json!({ "index": 0, "delta": { "content": word(n) }, "finish_reason": null });
        let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice] });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    (0..TOKENS).map(event).chain([Bytes::from_static(b"data: [DONE]\n\n")]).collect()
});

/// Serves until the process is killed or its standard input ends, which it does with the bench.
pub async fn serve() -> Result<()> {
    let routes = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .layer(DefaultBodyLimit::max(16 << 20));
    serve_routes(routes).await
}

/// Serves routes on a free port of the loopback, and prints the address.
pub async fn serve_routes(routes: Router) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    std::thread::spawn(|| {
        // The bench never writes: the input ends when the bench does, however that was.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        std::process::exit(0);
    });
    Ok(axum::serve(listener, routes).await?)
}

async fn chat(_: Bytes) -> Response {
    let thinking = stream::once(sleep(FIRST_TOKEN)).flat_map(|()| stream::iter(EVENTS.iter().cloned()));
    let body = Body::from_stream(thinking.map(Ok::<_, Infallible>));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[derive(Deserialize)]
struct Texts {
    input: Vec<String>,
}

async fn embeddings(Json(texts): Json<Texts>) -> Json<Value> {
    let data = texts
        .input
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": vector(text) }));
    Json(json!({ "object": "list", "model": "stand-in", "data": data.collect::<Vec<_>>() }))
}

/// A text's vector: always the same for the same text, of length 1, and without meaning.
fn vector(text: &str) -> Vec<f32> {
    let seed = text.bytes().fold(0_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    Random(seed).vector(DIMENSIONS)
}
