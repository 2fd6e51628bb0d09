//! `/api/v1`: what a business's own software calls. One file a resource.

mod account;
mod account_keys;
mod agents;
mod analytics;
mod analytics_export;
mod api_keys;
mod audit;
mod auth;
mod collections;
mod companies;
mod company_agents;
mod contact_transfers;
mod contacts;
mod crawls;
mod documents;
mod executions;
mod extractions;
mod forms;
mod industries;
mod invitations;
mod knowledge;
mod members;
mod open_keys;
mod providers;
mod routes;
mod system;
mod unanswered;
mod webhooks;
mod workspaces;

pub use routes::routes;
