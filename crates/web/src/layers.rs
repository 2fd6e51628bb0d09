//! What is around every request: an id, where it comes from, one span, metrics, and a net for panics.

use std::{any::Any, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header::X_CONTENT_TYPE_OPTIONS};
use platform::{App, Error};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{ApiError, Client};

/// Every answer carries it, and every log line of the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a JSON body.
const BODY_LIMIT: usize = 1024 * 1024;
/// Longest request id that is taken over from a proxy.
const LONGEST_ID: usize = 64;

/// Puts the layers around all routes.
pub fn layered(routes: Router<App>, app: App) -> Router {
    routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(measure))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), identify))
        .with_state(app)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError(Error::internal("a handler panicked; see the log above")).into_response()
}

async fn identify(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let client = Client::prove(&app, &parts);
    parts.extensions.insert(client);
    let request = Request::from_parts(parts, body);
    let given = request.headers().get(REQUEST_ID).filter(|id| {
        id.len() <= LONGEST_ID && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    });
    let id = given.cloned().unwrap_or_else(|| {
        let token = app.entropy.token();
        HeaderValue::from_str(&token[..20]).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    });
    let span =
        tracing::info_span!("request", id = ?id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    tracing::debug!(status, seconds, "answered");
    let labels = [("route", route), ("method", method), ("status", status.to_string())];
    metrics::histogram!("frontdesk_http_seconds", &labels).record(seconds);
    response
}
