//! A provider of embeddings that finds texts alike when they share words.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    time::Duration,
};

use axum::{Json, Router, routing::post};
use platform::Endpoint;
use serde_json::{Value, json};

/// Numbers of a vector.
const DIMENSIONS: usize = 384;

/// Starts one; what a configuration names it by.
///
/// # Panics
/// When it cannot start.
pub async fn embeddings() -> Endpoint {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("a bound address");
    let router = Router::new().route("/embeddings", post(embed));
    #[expect(clippy::disallowed_methods, reason = "a stand-in ends with its test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    Endpoint {
        base_url: format!("http://{address}"),
        api_key: None,
        model: "words".into(),
        first_token: Duration::from_secs(5),
        total: Duration::from_secs(20),
    }
}

async fn embed(Json(body): Json<Value>) -> Json<Value> {
    let texts = body["input"].as_array().cloned().unwrap_or_default();
    let data = texts.iter().enumerate().map(|(index, text)| {
        json!({ "object": "embedding", "index": index, "embedding": vector(text.as_str().unwrap_or_default()) })
    });
    Json(json!({ "object": "list", "model": "words", "data": data.collect::<Vec<_>>() }))
}

/// The unit vector of a text: each of its words points somewhere, short ones hardly count.
fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0f32; DIMENSIONS];
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % DIMENSIONS as u64).unwrap_or(0);
        vector[place] += if word.len() > 3 { 1.0 } else { 0.2 };
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    vector.iter().map(|x| x / length).collect()
}
