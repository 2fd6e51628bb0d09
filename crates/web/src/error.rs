//! Errors in the shape of `/api/v1`, which serves both of its documents.

use std::sync::Arc;

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::RETRY_AFTER};
use platform::{Error, Kind};
use serde_json::{Map, Value, json};

/// The result of a handler.
pub type Result<T> = std::result::Result<T, ApiError>;

/// An error on its way out: `{"error": true, "code", "message", "detail", "field"?, "details"?}`.
#[derive(Debug)]
pub struct ApiError(pub Error);

impl<E: Into<Error>> From<E> for ApiError {
    #[track_caller]
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthorized => StatusCode::UNAUTHORIZED,
        Kind::Payment => StatusCode::PAYMENT_REQUIRED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Upstream => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = self.0;
        if let Some(cause) = &error.cause {
            tracing::error!(error = %cause.source, place = %cause.place, "a request failed");
        }
        let mut response = (status(error.kind), Json(body(&error))).into_response();
        if let Some(seconds) = error.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Refusal(Arc::new(error)));
        response
    }
}

fn body(error: &Error) -> Value {
    let Error { code, message, field, violations, .. } = error;
    let mut body = json!({ "error": true, "code": code, "message": message, "detail": message });
    if let Some(field) = field {
        let each = violations.iter().map(|violation| (violation.field.clone(), json!(violation.message)));
        let details: Map<String, Value> = each.collect();
        body["details"] = if details.is_empty() { json!({ &**field: message }) } else { details.into() };
        body["field"] = json!(field);
    }
    body
}

/// The error behind a refusing answer, for a surface that renders errors in a shape of its own.
#[derive(Clone, Debug)]
pub struct Refusal(pub Arc<Error>);

/// For paths that do not exist.
pub async fn not_found(request: Request) -> ApiError {
    ApiError(Error::not_found(format!("There is nothing at {}.", request.uri().path())))
}

/// For paths that exist, but not with this method.
pub async fn method_not_allowed(request: Request) -> Response {
    let message = format!("{} does not take {}.", request.uri().path(), request.method());
    let mut response = ApiError(Error::bad_request(message).with_code("METHOD_NOT_ALLOWED")).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
