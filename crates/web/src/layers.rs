//! What is around every request: an id, where it comes from, one span, metrics, and a net for panics.

use std::{any::Any, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::X_CONTENT_TYPE_OPTIONS};
use platform::{App, Error};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{ApiError, Client};

/// Every answer carries it, and every log line of the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a proxy.
const LONGEST_ID: usize = 64;

/// Puts the layers around all routes.
pub fn layered(routes: Router<App>, app: App) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError(Error::internal("a handler panicked; see the log above")).into_response()
}

/// One layer for all of it: each costs a request allocations of its own.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let client = Client::prove(&app, &parts);
    parts.extensions.insert(client);
    let route = parts.extensions.get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = parts.method.clone();
    let id = request_id(&app, &parts.headers);
    let span = tracing::info_span!("request", id = ?id, %method, path = parts.uri.path());
    let answered = async {
        let response = next.run(Request::from_parts(parts, body)).await;
        measure(route, method, response.status(), started.elapsed().as_secs_f64());
        response
    };
    let mut response = answered.instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The id that a proxy has given, if it is one, else a new one.
fn request_id(app: &App, headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        id.len() <= LONGEST_ID && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    });
    given.cloned().unwrap_or_else(|| {
        let token = app.entropy.token();
        HeaderValue::from_str(&token[..20]).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

fn measure(route: String, method: Method, status: StatusCode, seconds: f64) {
    tracing::debug!(status = status.as_u16(), seconds, "answered");
    let labels =
        [("route", route), ("method", method.as_str().to_owned()), ("status", status.as_str().to_owned())];
    metrics::histogram!("frontdesk_http_seconds", &labels).record(seconds);
}
