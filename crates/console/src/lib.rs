//! The console: pages for the people of a business, one file an area. Plain HTML forms do all the work; a small
//! script only saves people from reloading.

mod account;
mod adding;
mod agents;
mod analytics;
mod assets;
mod audit_log;
mod billing;
mod collections;
mod crawl;
mod crawls;
mod csrf;
mod document;
mod documents;
mod form;
mod invitation;
mod keys;
mod links;
mod login;
mod overview;
mod page;
mod people;
mod routes;
mod search;
mod session;
mod sign_up;
#[cfg(test)]
mod tests;
mod tryout;
mod two_factor;
mod unanswered;
mod understood;
mod visit;
mod webhooks;
mod workspaces;

pub use routes::routes;
