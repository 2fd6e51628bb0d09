//! Every page with sample data, and the pages on a real app.

mod billing;
mod http;
mod identity;
mod knowledge;
mod knowledge_pages;
mod pages;
mod reports;
pub mod samples;
mod site;
