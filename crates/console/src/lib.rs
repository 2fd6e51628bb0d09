//! The console: pages for the people of a business, one file an area. Plain HTML forms do all the work; a small
//! script only saves people from reloading.

mod agents;
mod assets;
mod csrf;
mod documents;
mod form;
mod keys;
mod login;
mod overview;
mod page;
mod routes;
mod session;
#[cfg(test)]
mod tests;
mod tryout;
mod workspaces;

pub use routes::routes;
