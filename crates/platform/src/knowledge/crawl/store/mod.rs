//! The tables of crawls, their pages, and the turns at sites.

mod crawls;
mod pages;
mod turns;

pub(super) use crawls::*;
pub(super) use pages::*;
pub use pages::{Failed, Tally};
pub(super) use turns::*;
