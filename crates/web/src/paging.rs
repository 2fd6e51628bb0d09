//! `limit` and `offset`.

use platform::{Page, Paged, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// The paging part of a query.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct PageQuery {
    limit: Option<i64>,
    offset: Option<i64>,
}

impl PageQuery {
    /// The page that is asked for.
    ///
    /// # Errors
    /// Invalid when a number is out of range.
    pub fn page(self) -> Result<Page> {
        Page::new(self.limit, self.offset)
    }
}

/// A list as `/api/v1` shows it: the rows under their name, `total`, `limit` and `offset`.
pub fn paged<T>(name: &str, list: Paged<T>, row: impl Fn(T) -> Value) -> Value {
    let rows: Vec<Value> = list.items.into_iter().map(row).collect();
    json!({ name: rows, "total": list.total, "limit": list.page.limit, "offset": list.page.offset })
}
