//! What the business is: identity, workspaces, agents, knowledge, answering, conversations, contacts, forms,
//! webhooks, analytics, billing, and the jobs and mails beneath them. There is no HTTP server in here; the surfaces
//! call these verbs.

pub mod agents;
pub mod analytics;
pub mod answering;
mod app;
pub mod audit;
pub mod billing;
mod cache;
pub mod callers;
mod cells;
mod clock;
mod config;
pub mod contacts;
pub mod conversations;
mod digest;
mod entropy;
mod error;
pub mod events;
pub mod executions;
pub mod extraction;
pub mod fields;
mod files;
pub mod forms;
mod housekeeping;
pub mod http;
pub mod idempotency;
pub mod identity;
mod ids;
pub mod jobs;
pub mod knowledge;
pub mod limits;
pub mod mail;
mod page;
mod patch;
pub mod providers;
mod secret_box;
mod together;
pub mod visitors;
pub mod webhooks;
pub mod workspaces;

pub use app::{App, Parts};
pub use audit::{Actor, Origin};
pub use cells::harmless;
pub use clock::Clock;
pub use config::Config;
pub use entropy::Entropy;
pub use error::{Cause, Error, Kind, Result, Violation};
pub use ids::*;
pub use models::{Endpoint, Secret};
pub use page::{Page, Paged};
pub use patch::Patch;
pub use workspaces::{Permission, Role, Standing, Tenant};
