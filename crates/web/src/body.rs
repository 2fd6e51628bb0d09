//! Bodies, paths and queries, with errors that name what is wrong.

use axum::{
    body::Body,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{PathRejection, QueryRejection},
    },
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{header::CONTENT_TYPE, request::Parts};
use platform::Error;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// Bytes of a JSON body.
const LIMIT: usize = 1024 * 1024;
/// Bytes after which a client that goes on sending is not listened to any more.
const READ_ON: usize = 16 * LIMIT;

/// A JSON body. Fields that nobody asked for are passed over.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().ends_with("json"));
        if !is_json {
            let message = "The body must be JSON, sent with the header Content-Type: application/json.";
            return Err(Error::unsupported_media(message).into());
        }
        let bytes = read(request.into_body()).await?;
        let reader = &mut serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| malformed(&error).into())
    }
}

/// Reads a body. One that is too large is read on for a while without being kept: a client that is still sending
/// would miss the answer.
async fn read(body: Body) -> Result<Bytes, Error> {
    let mut parts = body.into_data_stream();
    let (mut bytes, mut size) = (BytesMut::new(), 0);
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Error::bad_request("The body broke off. Please send it again."))?;
        size += part.len();
        if size <= LIMIT {
            bytes.extend_from_slice(&part);
        } else if size > READ_ON {
            break;
        }
    }
    if size > LIMIT {
        return Err(Error::too_large("The body is larger than 1 MB, the limit for JSON."));
    }
    Ok(bytes.freeze())
}

fn malformed(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        return Error::bad_request(format!("The body is not valid JSON: {inner}."));
    }
    let message = inner.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    let path = error.path().to_string();
    // A field that is missing is named by the message, its parent by the path.
    if let Some(name) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let field = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        return Error::invalid(field.clone(), format!("{field} is missing."));
    }
    match path.as_str() {
        "." => Error::bad_request(format!("The body does not fit: {reason}.")),
        field => Error::invalid(field.to_owned(), format!("{field} does not fit: {reason}.")),
    }
}

/// What stands in the path. An id that is not well formed cannot exist, so it is *not found*.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|_: PathRejection| Error::not_found("There is nothing with this id.").into())
    }
}

/// What stands behind the question mark.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|rejection: QueryRejection| {
            Error::bad_request(format!("The query does not fit: {}.", rejection.body_text())).into()
        })
    }
}
