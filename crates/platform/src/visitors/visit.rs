//! What is known of a visitor who asks.

use super::{Attached, Means};
use crate::ContactId;

/// What is known of a visitor who asks.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// What the page calls this question: the same again is the same answer, and not another one.
    pub request: Option<String>,
    /// The contact that the visitor is.
    pub contact: Option<ContactId>,
    /// The files that came with the question; what came before with others of the conversation counts as well.
    pub files: Vec<Attached>,
    /// What the answer may be made with.
    pub means: Means,
    /// What it is counted by, where there is a budget.
    pub counted_as: Option<String>,
}
