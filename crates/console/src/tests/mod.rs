//! Every page with sample data, and the pages on a real app.

mod http;
mod identity;
mod pages;
pub mod samples;
mod site;
