//! Extraction in a child process: what the child does ([`run`]) and how its parent drives it ([`Worker`]).
//!
//! The child gets the path, the name and, in one environment variable, its limits; the rest of the parent's
//! environment, with the secrets in it, stays behind. It answers in JSON lines on standard output.

mod child;
mod parent;

use serde::{Deserialize, Serialize};

use crate::{ExtractError, Extracted, Limits, Progress};

pub use child::run;
pub use parent::Worker;

/// The variable that carries [`Orders`] from parent to child.
const ORDERS_VARIABLE: &str = "FRONTDESK_EXTRACT_ORDERS";

/// What the parent allows the child.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Orders {
    limits: Limits,
    memory_bytes: u64,
    cpu_seconds: u64,
}

/// One line from child to parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress(Progress),
    Done(Box<Extracted>),
    Failed(ExtractError),
}
