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
mod credits;
mod documents;
mod executions;
mod extractions;
mod forms;
mod identity_secret;
mod industries;
mod invitations;
mod invoices;
mod knowledge;
mod members;
mod open_keys;
mod payment_methods;
mod providers;
mod routes;
mod subscription;
mod system;
mod unanswered;
mod usage;
mod webhooks;
mod workspaces;

pub use routes::routes;
