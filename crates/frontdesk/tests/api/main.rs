//! The API over real HTTP, on both databases. A module a part of the URL tree.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod agents;
mod analytics;
mod answering;
mod api_keys;
mod audit;
mod auth;
mod billing;
mod billing_credits;
mod billing_limits;
mod billing_stripe;
mod blobs;
mod companies;
mod contacts;
mod crawl;
mod crawl_runs;
mod documents;
mod events;
mod extractions;
mod forms;
mod jobs;
mod keys;
mod knowledge;
mod limits;
mod members;
mod open_description;
mod program;
mod sessions;
mod statements;
mod system;
mod tenancy;
mod two_factor;
mod visibility;
mod visitors;
mod webhooks;
mod widget;
mod workspaces;

use testkit::{Database, Server};

/// The program, which reads documents in a process of its own.
const PROGRAM: &str = env!("CARGO_BIN_EXE_frontdesk");

async fn start(database: Database) -> Server {
    Server::start(database, PROGRAM).await
}
