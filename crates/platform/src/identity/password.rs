//! Passwords, kept as Argon2id hashes.

use std::{num::NonZero, sync::LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::common::is_common;
use crate::{Entropy, Error, Result};

/// Hashing takes 19 MB and tens of milliseconds of a core each, so half of the cores do it at most: a crowd at the
/// login holds nobody else back.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Semaphore::new((cores / 2).max(1))
});

/// What a password is held against when the account does not exist, so that the time does not tell.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// A password that may be used: 10 to 256 characters.
pub struct Password(String);

impl Password {
    /// Checks a wanted password.
    ///
    /// # Errors
    /// Invalid when it is too short, too long, or among those that are guessed first.
    pub fn new(text: String) -> Result<Self> {
        match text.chars().count() {
            0..10 => Err(Error::invalid("password", "password needs at least 10 characters.")),
            10..=256 if is_common(&text) => Err(Error::invalid(
                "password",
                "password is one that many people use, so it is guessed first. Choose another.",
            )),
            10..=256 => Ok(Self(text)),
            _ => Err(Error::invalid("password", "password has at most 256 characters.")),
        }
    }

    /// The hash to keep, in PHC form.
    ///
    /// # Errors
    /// Internal when hashing fails.
    pub async fn hash(&self) -> Result<String> {
        let text = self.0.clone();
        blocking(move || hash_now(&text)).await
    }

    /// Whether this is the password of a hash; without one it takes as long and is false.
    pub(super) async fn fits(&self, hash: Option<String>) -> Result<bool> {
        verify(self.0.clone(), hash).await
    }
}

/// A hash like another one, of a password that nobody knows.
pub(super) fn nobodys(like: &str, entropy: Entropy) -> String {
    let settings = like.rsplit_once('$').map_or(like, |(settings, _)| settings);
    // Its letters are ones of Base64, so it is a hash by its form.
    format!("{settings}${}", entropy.token())
}

/// Whether a password fits a hash; without a hash it takes as long and is false.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&hash).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
}

fn hash_now(text: &str) -> Result<String> {
    let hash =
        Argon2::default().hash_password(text.as_bytes()).map_err(|e| Error::internal(e.to_string()))?;
    Ok(hash.to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
