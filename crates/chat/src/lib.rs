//! What visitors reach: the widget's calls and their streams, the widget's script, and the share page.

mod calls;
mod forms;
mod routes;
mod script;
mod share;

pub use routes::routes;
pub use script::tag;
