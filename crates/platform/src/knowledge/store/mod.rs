//! The tables of collections, documents, their versions and chunks.

mod chunks;
mod collections;
mod documents;
mod versions;

pub(super) use chunks::*;
pub(super) use collections::*;
pub(super) use documents::*;
pub(super) use versions::*;
