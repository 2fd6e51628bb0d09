//! The document's envelope around every answer under the prefix.

use axum::{
    Json,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use platform::{Error, Page, Paged};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use web::{Refusal, Result};

/// Where this surface begins.
pub const PREFIX: &str = "/v1/open";
/// Longest page, in rows, and the usual one.
const MOST: i64 = 100;
/// Last page that may be asked for.
const LAST: i64 = 1_000_000;
const USUAL: i64 = 20;

/// Gives refusals under the prefix their shape here, whoever refuses: a handler, a limit, or the router itself.
pub async fn enveloped(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let response = next.run(request).await;
    let refusal = response.extensions().get::<Refusal>().filter(|_| ours).cloned();
    match refusal {
        Some(Refusal(error)) => {
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            (parts.status, parts.headers, Json(failure(&error))).into_response()
        }
        None => response,
    }
}

fn failure(error: &Error) -> Value {
    let violations = if error.violations.is_empty() {
        let of_field = error.field.as_deref();
        of_field.map(|field| json!([{ "field": field, "message": error.message, "value": null, "type": "any.invalid" }]))
    } else {
        serde_json::to_value(&error.violations).ok()
    };
    json!({
        "success": false,
        "message": error.message,
        "code": error.code,
        "validationErrors": violations.unwrap_or_else(|| json!([])),
    })
}

/// An answer that holds something.
pub(crate) fn success(message: &str, data: Value) -> Json<Value> {
    let mut answer = json!({ "success": true, "message": message });
    // Moved, not copied.
    answer["data"] = data;
    Json(answer)
}

/// The same for something that is new.
pub(crate) fn created(message: &str, data: Value) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, success(message, data))
}

#[derive(Serialize)]
struct Listing<'a, T> {
    success: bool,
    message: &'a str,
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    current_page: i64,
    total_pages: i64,
    total_items: i64,
    items_per_page: i64,
    has_next_page: bool,
    has_previous_page: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_total_exact: Option<bool>,
}

impl Pagination {
    fn of<T>(list: &Paged<T>) -> Self {
        let Page { limit, offset } = list.page;
        let (current, pages) = (offset / limit + 1, (list.total + limit - 1) / limit);
        Self {
            current_page: current,
            total_pages: pages,
            total_items: list.total,
            items_per_page: limit,
            has_next_page: current < pages,
            has_previous_page: current > 1,
            is_total_exact: None,
        }
    }
}

/// A part of a list.
pub(crate) fn listed<T, R: Serialize>(message: &str, list: Paged<T>, row: impl Fn(T) -> R) -> Response {
    let pagination = Pagination::of(&list);
    let data = list.items.into_iter().map(row).collect();
    Json(Listing { success: true, message, data, pagination }).into_response()
}

/// A part of a list whose total may be more than was counted.
pub(crate) fn found<T: Serialize>(message: &str, list: Paged<T>, is_exact: bool) -> Response {
    let pagination = Pagination { is_total_exact: Some(is_exact), ..Pagination::of(&list) };
    Json(Listing { success: true, message, data: list.items, pagination }).into_response()
}

/// The paging part of a query.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Paging {
    page: Option<i64>,
    limit: Option<i64>,
}

impl Paging {
    /// The part that is asked for.
    ///
    /// # Errors
    /// Invalid when a number is out of range.
    pub fn part(self) -> Result<Page> {
        let (page, limit) = (self.page.unwrap_or(1), self.limit.unwrap_or(USUAL));
        if !(1..=MOST).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit is a number from 1 to {MOST}.")).into());
        }
        if !(1..=LAST).contains(&page) {
            return Err(Error::invalid("page", format!("page is a number from 1 to {LAST}.")).into());
        }
        Ok(Page { limit, offset: (page - 1) * limit })
    }
}

/// A body that is an object, whatever is in it: what is wrong with its fields is found all at once, later.
pub(crate) fn object(body: Value) -> Result<Map<String, Value>> {
    match body {
        Value::Object(body) => Ok(body),
        _ => Err(Error::bad_request("The body must be a JSON object.").into()),
    }
}
