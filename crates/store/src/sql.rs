//! SQL as text, with values that are always bound.

use std::{borrow::Cow, fmt::Write as _};

use sea_query::{Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::AssertSqlSafe;

use crate::Dialect;

/// Every static statement of the program. The parity test prepares each of them on both databases.
#[linkme::distributed_slice]
pub static STATEMENTS: [&'static str];

/// A static statement, written once for both databases: `sql!("SELECT … WHERE id = $1", id)`.
#[macro_export]
macro_rules! sql {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[$crate::linkme::distributed_slice($crate::STATEMENTS)]
        #[linkme(crate = $crate::linkme)]
        static TEXT: &str = $text;
        $crate::Sql::new(TEXT)$(.bind($value))*
    }};
}

/// Rows that are inserted by one statement where many come one after the other: more make it no faster, and each number of
/// rows is a statement of its own to prepare.
pub const ROWS: usize = 16;

/// A statement and its bound values. Text comes from the program only; what users give is bound.
#[derive(Debug)]
pub struct Sql {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

impl Sql {
    /// Starts a statement; [`sql!`] is the usual way, because it also registers the text for the parity test.
    pub fn new(text: &'static str) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Binds the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds text, such as an `ORDER BY`.
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds text that ends in a value: `.push_bind(" LIMIT ", 20)`.
    pub fn push_bind(self, text: &'static str, value: impl Into<Value>) -> Self {
        let mut sql = self.push(text).bind(value);
        sql.push_placeholder();
        sql
    }

    /// Adds a condition when there is a value for it: `.and("status = ", filter.status)`.
    pub fn and(self, condition: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.push(" AND ").push_bind(condition, value),
            None => self,
        }
    }

    /// Adds ` AND column IN ($n, …)`; an empty list matches nothing.
    pub fn and_in(
        mut self,
        column: &'static str,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        self = self.push(" AND ").push(column).push(" IN (NULL");
        for value in values {
            self = self.push_bind(", ", value);
        }
        self.push(")")
    }

    /// Adds one parenthesised row of values to an `INSERT … VALUES` list, with its comma when it is not the first after `VALUES`.
    pub fn push_row(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        let opening = if self.text.ends_with("VALUES") { " (" } else { ", (" };
        self = self.push(opening);
        for (n, value) in values.into_iter().enumerate() {
            self = self.push_bind(if n == 0 { "" } else { ", " }, value);
        }
        self.push(")")
    }

    /// Puts the statement, with a limit, into another: `.wrap("SELECT count(*) FROM (", 100, ") counted")`.
    pub fn wrap(mut self, before: &'static str, limit: i64, after: &'static str) -> Self {
        self.text.to_mut().insert_str(0, before);
        self.push_bind(" LIMIT ", limit).push(after)
    }

    fn push_placeholder(&mut self) {
        let n = self.values.len();
        write!(self.text.to_mut(), "${n}").expect("writing to a string cannot fail");
    }

    pub(crate) fn into_parts(self, dialect: Dialect) -> (AssertSqlSafe<String>, SqlxValues) {
        let unnamed = if dialect == Dialect::Sqlite { unnamed(&self.text) } else { None };
        let text = unnamed.unwrap_or_else(|| self.text.into_owned());
        (AssertSqlSafe(text), SqlxValues(Values(self.values)))
    }
}

/// The statement with `?` for each `$n`, when these come in their order and each once. To SQLite `$n` is a name, and
/// the driver has it look each name up in the list of all: to bind a thousand rows takes longer than to insert them.
fn unnamed(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('$');
    out.push_str(parts.next()?);
    let mut n = 0;
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        if number.is_empty() {
            out.push('$');
        } else {
            n += 1;
            if number.parse() != Ok(n) {
                return None;
            }
            out.push('?');
        }
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_left_out_where_they_come_in_their_order() {
        assert_eq!(unnamed("SELECT 1").as_deref(), Some("SELECT 1"));
        assert_eq!(unnamed("a = $1 AND b IN ($2, $3)").as_deref(), Some("a = ? AND b IN (?, ?)"));
        assert_eq!(unnamed("json_extract(a, '$.b') = $1").as_deref(), Some("json_extract(a, '$.b') = ?"));
        assert_eq!(unnamed("a = $1 OR b = $1"), None);
        assert_eq!(unnamed("a = $2 OR b = $1"), None);
        let ten: String = (1..=11).map(|n| format!("${n},")).collect();
        assert_eq!(unnamed(&ten), Some("?,".repeat(11)));
    }

    #[test]
    fn pieces_number_their_placeholders() {
        let sql = Sql::new("SELECT * FROM t WHERE a = $1")
            .bind("x")
            .and("b = ", Some(2i64))
            .and("c = ", None::<i64>)
            .and_in("d", ["p", "q"])
            .push_bind(" LIMIT ", 5i64);
        assert_eq!(sql.text, "SELECT * FROM t WHERE a = $1 AND b = $2 AND d IN (NULL, $3, $4) LIMIT $5");
        assert_eq!(sql.values.len(), 5);
    }

    #[test]
    fn rows_are_separated_by_commas() {
        let row = |a: i64| [Value::from(a), Value::from("x")];
        let sql = Sql::new("INSERT INTO t (a, b) VALUES").push_row(row(1)).push_row(row(2));
        assert_eq!(sql.text, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}
