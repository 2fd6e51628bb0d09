//! `/v1/open`: what programs with an open key do with one agent's contacts and their files, forms and documents, in the
//! shapes of the A2V2 document.

mod contacts;
mod description;
mod envelope;
mod extraction;
mod files;
mod forms;
mod health;
mod routes;

pub use description::description;
pub use envelope::{PREFIX, enveloped};
pub use routes::routes;
