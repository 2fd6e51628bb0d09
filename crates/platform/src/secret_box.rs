//! Small secrets at rest: XChaCha20-Poly1305 under a key of their own, derived from the server's.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Entropy, Error, Result};

/// What a sealed text starts with; another way to seal gets another one.
const VERSION: &str = "v1.";
/// Tells this key from others that may be derived from the server's secret (RFC 5869, 3.2).
const PURPOSE: &[u8] = b"frontdesk secret box v1";
/// Bytes of a nonce: enough that random ones never meet.
const NONCE: usize = 24;

/// Seals and opens secrets. A sealed text is `v1.` and the base64url of nonce, ciphertext and tag.
pub(crate) struct SecretBox(XChaCha20Poly1305);

impl SecretBox {
    /// Derives the key by HKDF-SHA256 from the server's secret, whose own strength is all the key has.
    pub fn new(server_secret: &str) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, server_secret.as_bytes())
            .expand(PURPOSE, key.as_mut())
            .expect("32 bytes are fewer than HKDF can give");
        Self(XChaCha20Poly1305::new((&*key).into()))
    }

    /// Encrypts a secret. The context, such as `users.totp:user_…`, is not kept but bound: the text opens under the
    /// same context only, so that nobody who can write rows can move a secret to another place.
    pub fn seal(&self, context: &str, plain: &[u8], entropy: Entropy) -> String {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is shorter than the cipher's 256 GB");
        format!("{VERSION}{}", BASE64.encode([&nonce, sealed.as_slice()].concat()))
    }

    /// Decrypts a secret.
    ///
    /// # Errors
    /// Internal, for the log, when it was not sealed here under this context, which mostly means that the server's
    /// secret key has changed.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        self.try_open(context, sealed).map(Zeroizing::new).ok_or_else(|| {
            Error::internal(format!(
                "cannot decrypt the stored secret {context}: the secret key has changed since it was stored \
                 (FRONTDESK_SECRET_KEY, or secret.key in the data folder), or the secret was damaged"
            ))
        })
    }

    fn try_open(&self, context: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn opens_what_a_box_of_the_same_secret_sealed() {
        let sealed = SecretBox::new(SERVER).seal("users.totp:user_1", b"a secret", Entropy);
        assert!(sealed.starts_with("v1.") && !sealed.contains("secret"));
        assert_eq!(*SecretBox::new(SERVER).open("users.totp:user_1", &sealed).unwrap(), b"a secret");
    }

    /// What is in databases must open in every later version.
    #[test]
    fn the_format_stays() {
        let sealed = "v1.Jxt6fJr2tD1fRnh9E2PLiaHPVIk7eayvm7lGGl2a1Wqvkbv_x5AH_YbgAhvgEDA9";
        assert_eq!(*SecretBox::new(SERVER).open("users.totp:user_1", sealed).unwrap(), b"a secret");
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let secrets = SecretBox::new(SERVER);
        assert_ne!(secrets.seal("c", b"a secret", Entropy), secrets.seal("c", b"a secret", Entropy));
    }

    #[test]
    fn another_context_or_another_key_does_not_open_it() {
        let sealed = SecretBox::new(SERVER).seal("users.totp:user_1", b"a secret", Entropy);
        assert!(SecretBox::new(SERVER).open("users.totp:user_2", &sealed).is_err());
        let other = SecretBox::new("another secret of the same server").open("users.totp:user_1", &sealed);
        assert!(other.unwrap_err().to_string().contains("the secret key has changed"));
    }

    proptest! {
        #[test]
        fn every_secret_comes_back(context: String, plain: Vec<u8>) {
            let secrets = SecretBox::new(SERVER);
            let sealed = secrets.seal(&context, &plain, Entropy);
            prop_assert_eq!(&*secrets.open(&context, &sealed).unwrap(), &plain);
        }

        #[test]
        fn a_changed_byte_does_not_open(plain: Vec<u8>, place: prop::sample::Index, bit in 0u8..8) {
            let secrets = SecretBox::new(SERVER);
            let sealed = secrets.seal("c", &plain, Entropy);
            let mut bytes = BASE64.decode(&sealed[VERSION.len()..]).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let changed = format!("{VERSION}{}", BASE64.encode(bytes));
            prop_assert!(secrets.open("c", &changed).is_err());
        }

        #[test]
        fn any_text_is_answered(text: String) {
            for sealed in [format!("{VERSION}{text}"), text] {
                prop_assert!(SecretBox::new(SERVER).open("c", &sealed).is_err());
            }
        }
    }
}
