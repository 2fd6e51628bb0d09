//! A whole server for a test, on either database, with a clock that the test holds, a mailbox it can read, a language
//! model that does what it is told, a provider of embeddings, and a stand-in for Stripe.

mod client;
mod database;
mod embeddings;
mod model;
pub mod s3;
mod server;
mod site;
pub mod stripe;
mod tls;

pub use client::{Answer, Call};
pub use database::Database;
pub use embeddings::embeddings;
pub use model::{Behaviour, Model, tool_call};
pub use s3::S3;
pub use server::{Owner, PASSWORD, Server};
pub use site::{Asked, Reply, Site, page};
pub use stripe::Stripe;
pub use tls::{Authority, TlsListener};

/// Makes a test of each function, once on each database.
#[macro_export]
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($database:ident: Database) $body:block)*) => {
        $(async fn $name($database: $crate::Database) $body)*
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] $(#[$attribute])*
            async fn $name() { super::$name($crate::Database::Sqlite).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] $(#[$attribute])*
            async fn $name() { super::$name($crate::Database::Postgres).await })*
        }
    };
}
