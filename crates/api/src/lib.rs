//! `/api/v1`: what a business's own software calls. One file a resource.

mod agents;
mod api_keys;
mod auth;
mod collections;
mod documents;
mod routes;
mod system;
mod workspaces;

pub use routes::routes;
