//! Whole files through [`documents::extract`]: the ones in `fixtures`, ones made here, hostile ones, and all of
//! them with something broken.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod common;
mod formats;
mod hostile;
mod mutations;
mod office;
