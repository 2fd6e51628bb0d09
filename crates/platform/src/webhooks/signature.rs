//! Signatures as Standard Webhooks says (<https://www.standardwebhooks.com>): HMAC-SHA256 over id, timestamp and body,
//! under a secret that is `whsec_` and base64.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Entropy, Error, Result};

/// What a secret starts with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret; the specification asks for 24 to 64.
const BYTES: usize = 32;

/// A new secret, as its receiver gets it.
pub(super) fn new_secret(entropy: Entropy) -> String {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    format!("{PREFIX}{}", BASE64.encode(bytes))
}

/// The header `webhook-signature`: one signature for each secret that is good at the time.
///
/// # Errors
/// Internal when a secret is not one that was made here.
pub(super) fn sign(secrets: &[String], id: &str, timestamp: i64, body: &str) -> Result<String> {
    let one = |secret: &String| {
        let key = secret.strip_prefix(PREFIX).and_then(|key| BASE64.decode(key).ok());
        let key = key.ok_or_else(|| Error::internal("a webhook's secret is not whsec_ and base64"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::internal)?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
    };
    Ok(secrets.iter().map(one).collect::<Result<Vec<_>>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of Standard Webhooks test themselves by.
    #[test]
    fn it_signs_as_the_specification_does() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let body = r#"{"test": 2432232314}"#;
        let sign = |secrets: &[String]| sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(std::slice::from_ref(&secret)).unwrap(), expected);
        let both = sign(&[new_secret(Entropy), secret]).unwrap();
        assert!(both.ends_with(&format!(" {expected}")) && both.starts_with("v1,"), "{both}");
        assert!(sign(&["whsec_?".to_owned()]).is_err());
    }

    #[test]
    fn a_secret_has_32_bytes_of_its_own() {
        let secret = new_secret(Entropy);
        assert_eq!(BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), BYTES);
        assert_ne!(secret, new_secret(Entropy));
    }
}
