//! The baseline: the least that a server in front of a model's server does. It passes a stream on, by the same
//! libraries as the server's.

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;

use crate::{Result, api, stand_in};

#[derive(Clone)]
struct Upstream {
    url: String,
    client: reqwest::Client,
}

/// Serves on a free port, and prints its address.
pub async fn serve(upstream: &str) -> Result<()> {
    let upstream = Upstream { url: format!("http://{upstream}/v1/chat/completions"), client: api::client()? };
    stand_in::serve_routes(Router::new().route("/v1/chat/completions", post(pass_on)).with_state(upstream))
        .await
}

async fn pass_on(State(upstream): State<Upstream>, body: Bytes) -> Response {
    let sent = upstream.client.post(upstream.url).header("content-type", "application/json").body(body);
    match sent.send().await {
        Ok(answer) => {
            let stream = Body::from_stream(answer.bytes_stream());
            ([("content-type", "text/event-stream")], stream).into_response()
        }
        Err(_) => axum::http::StatusCode::BAD_GATEWAY.into_response(),
    }
}
