//! Randomness for ids, keys and codes, all of it from the operating system's generator.

use rand::{Rng, RngExt};

use crate::digest::hex;

/// Gives random values that nobody can guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entropy;

impl Entropy {
    /// Fills the bytes.
    pub fn fill(self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        rand::rng().fill_bytes(bytes);
    }

    /// A number below `end`.
    pub fn below(self, end: u32) -> u32 {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        rand::rng().random_range(0..end)
    }

    /// A token of 32 random bytes as 64 hexadecimal digits.
    pub fn token(self) -> String {
        let mut bytes = [0u8; 32];
        self.fill(&mut bytes);
        hex(&bytes)
    }
}
