//! Where Frontdesk keeps things: one database handle over SQLite and PostgreSQL, and uploaded files.
//!
//! Statements are text that both databases understand, written once with [`sql!`]. A [`Read`] may run on
//! any connection; a [`Write`] is always a transaction, so a change outside one does not compile.

mod blobs;
mod checkpoints;
mod db;
mod migrate;
mod objects;
mod sql;

pub use blobs::{BlobError, Blobs, Stored};
pub use db::{Db, DbConfig, Dialect, Read, Row, Write};
pub use objects::{Arrived, Objects};
pub use sql::{ROWS, STATEMENTS, Sql};

#[doc(hidden)]
pub use linkme;
pub use sea_query::Value;
pub use sqlx::Error;
