//! What the surfaces share: who calls, what they may and how often, errors as JSON, bodies and paths with errors that say
//! what is wrong, paging, event streams, and the layers around every request.

mod body;
mod callers;
mod client_address;
mod cors;
mod error;
mod extraction_form;
mod fields;
mod files;
mod layers;
mod limits;
mod paging;
mod routes;
mod sse;

pub use body::{Json, Path, Query};
pub use callers::{Client, MaybePerson, Member, Person, Program, Visitor};
pub use cors::{any_origin, preflight};
pub use error::{ApiError, Refusal, Result, method_not_allowed, not_found};
pub use extraction_form::extraction_form;
pub use fields::{full_name, line, optional_text, patched_text, text};
pub use files::{arriving, attachment, broken_form, read_on};
pub use layers::{REQUEST_ID, layered};
pub use paging::{PageQuery, paged};
pub use routes::{Access, Route, Routes};
pub use sse::{poll, stream};
