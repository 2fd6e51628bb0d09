//! A part of a list.

use crate::{Error, Result};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many, 1 to 100.
    pub limit: i64,
    /// How many to pass over.
    pub offset: i64,
}

impl Page {
    /// The default is the first twenty.
    ///
    /// # Errors
    /// Invalid when a number is out of range.
    pub fn new(limit: Option<i64>, offset: Option<i64>) -> Result<Self> {
        let page = Self { limit: limit.unwrap_or(20), offset: offset.unwrap_or(0) };
        if !(1..=100).contains(&page.limit) {
            return Err(Error::invalid("limit", "limit is a number from 1 to 100."));
        }
        if page.offset < 0 {
            return Err(Error::invalid("offset", "offset is 0 or more."));
        }
        Ok(page)
    }
}

/// A part of a list, and how long the whole is.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The rows of this part.
    pub items: Vec<T>,
    /// Rows in all.
    pub total: i64,
    /// The part that was asked for.
    pub page: Page,
}
