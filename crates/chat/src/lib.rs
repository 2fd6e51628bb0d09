//! What visitors reach: the widget's calls and their streams, the widget's script, and the share page.

mod attachments;
mod calls;
mod forms;
mod language;
mod routes;
mod script;
mod sessions;
mod share;

pub use routes::routes;
pub use script::tag;
