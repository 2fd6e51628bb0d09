//! The second factor: six digits of an authenticator app (TOTP, RFC 6238, with SHA-1 and steps of thirty seconds,
//! which every app can), and recovery codes for whoever lost the app.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

use crate::{Entropy, Error, Result, digest::sha256};

/// What apps show beside the account.
const ISSUER: &str = "Frontdesk";
/// Bytes of a secret: 160 bits, as RFC 4226 recommends.
const SECRET: usize = 20;
/// Recovery codes that a person gets at once.
const RECOVERY_CODES: usize = 10;
/// Characters on each side of a recovery code's dash; five bits each.
const HALF: usize = 8;
/// Crockford's base 32: no letter that is taken for a digit, and no `u`.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The secret that a person's app shares with the server; wiped from memory when dropped.
pub(super) struct TotpSecret(Secret);

impl TotpSecret {
    /// A new one.
    pub fn new(entropy: Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET]);
        entropy.fill(bytes.as_mut());
        Self(Secret::new_stack(*bytes))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// Internal when it has not 20 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; SECRET] =
            bytes.try_into().map_err(|_| Error::internal("a TOTP secret has 20 bytes"))?;
        Ok(Self(Secret::new_stack(bytes)))
    }

    /// What is to be kept, sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// In base 32, for people who type it into their app.
    pub fn base32(&self) -> String {
        self.0.to_base32()
    }

    /// The `otpauth://` URL that apps read from a QR code. It holds the secret.
    ///
    /// # Errors
    /// Internal when the account's address is empty or has a colon, which this kind of URL cannot carry.
    pub fn url(&self, account: &str) -> Result<String> {
        let totp = self.builder().with_issuer(Some(ISSUER)).with_account_name(account).build();
        totp.and_then(|totp| totp.to_url()).map_err(|e| Error::internal(e.to_string()))
    }

    /// Checks a code: the step it is good for, to be kept as the last one used, or `None`. A code is good in its
    /// own step and the ones beside it, but each step is good once: one at or before the last used is refused, so
    /// that nobody who saw a code can use it again. Spaces are ignored, as apps show `123 456`.
    pub fn check(&self, code: &str, now: DateTime<Utc>, last_step_used: Option<i64>) -> Option<i64> {
        let code: String = code.split_whitespace().collect();
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let step = self.builder().build().ok()?.check(&code, seconds)?;
        let step = i64::try_from(step).ok()?;
        last_step_used.is_none_or(|last| step > last).then_some(step)
    }

    /// SHA-1, six digits, steps of thirty seconds and one step of tolerance are the builder's own values, which
    /// the RFC's vectors in the tests hold.
    fn builder(&self) -> Builder {
        Builder::new().with_secret(self.as_bytes())
    }
}

/// Ten new recovery codes of the form `xxxxxxxx-xxxxxxxx`, 80 random bits each.
pub(super) fn recovery_codes(entropy: Entropy) -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| recovery_code(entropy)).collect()
}

fn recovery_code(entropy: Entropy) -> String {
    let mut bytes = [0; 2 * HALF];
    entropy.fill(&mut bytes);
    let mut code: String = bytes.iter().map(|byte| char::from(CROCKFORD[usize::from(byte % 32)])).collect();
    code.insert(HALF, '-');
    code
}

/// What is kept of a recovery code, and what a typed one is looked up by: the SHA-256 of what people mean, whatever
/// the case, spaces and dashes, and whether they read a nought as an O or a one as an I or L.
pub(super) fn recovery_hash(typed: &str) -> String {
    sha256(normalise(typed))
}

fn normalise(typed: &str) -> String {
    let meant = typed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    meant
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rfc_secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B, the last six of the eight digits.
    #[test]
    fn the_vectors_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc_secret().check(code, at(seconds), None), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_around_its_own() {
        let secret = rfc_secret();
        let good = |seconds: i64| secret.check("279037", at(2_000_000_000 + seconds), None).is_some();
        // The step is from 1,999,999,980 to 2,000,000,010.
        assert!(good(-50) && good(39));
        assert!(!good(-51) && !good(40));
    }

    #[test]
    fn a_step_is_used_once() {
        let (secret, step) = (rfc_secret(), 2_000_000_000 / 30);
        let check = |last| secret.check(" 279 037", at(2_000_000_000), last);
        assert_eq!(check(Some(step - 1)), Some(step));
        assert_eq!(check(Some(step)), None);
        assert_eq!(check(Some(step + 1)), None);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for code in ["", "27903", "2790377", "+79037", "２７９０３７", "279037\0"] {
            assert_eq!(rfc_secret().check(code, at(2_000_000_000), None), None, "{code:?}");
        }
        assert_eq!(rfc_secret().check("279037", at(-1), None), None);
    }

    #[test]
    fn apps_can_read_the_url() {
        assert_eq!(
            rfc_secret().url("ada+x@example.com").unwrap(),
            "otpauth://totp/Frontdesk:ada%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Frontdesk"
        );
        assert_eq!(rfc_secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(rfc_secret().url("").is_err());
        assert!(rfc_secret().url("a:b").is_err());
    }

    #[test]
    fn secrets_are_random_and_kept_whole() {
        let (one, two) = (TotpSecret::new(Entropy), TotpSecret::new(Entropy));
        assert_ne!(one.as_bytes(), two.as_bytes());
        assert_eq!(TotpSecret::from_bytes(one.as_bytes()).unwrap().as_bytes(), one.as_bytes());
        assert!(TotpSecret::from_bytes(&[0; 19]).is_err());
    }

    #[test]
    fn recovery_codes_are_ten_and_differ() {
        let mut codes = recovery_codes(Entropy);
        for code in &codes {
            let (a, b) = code.split_once('-').unwrap();
            assert_eq!((a.len(), b.len()), (HALF, HALF), "{code}");
            assert!(format!("{a}{b}").bytes().all(|c| CROCKFORD.contains(&c)), "{code}");
        }
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 10);
    }

    #[test]
    fn recovery_codes_are_read_as_they_are_meant() {
        for typed in ["01abc-10xyz", "O1ABC-1OXYZ", " oi abc lo xyz ", "0Labc–I0xyz", "01abc10xyz"] {
            assert_eq!(recovery_hash(typed), sha256("01abc10xyz"), "{typed}");
        }
        assert_ne!(recovery_hash("01abc-10xyy"), sha256("01abc10xyz"));
    }

    proptest! {
        #[test]
        fn a_recovery_code_survives_capitals_and_spaces(gaps in prop::collection::vec(0usize..11, 0..4)) {
            let code = recovery_code(Entropy);
            let mut typed = code.to_uppercase();
            for gap in gaps {
                typed.insert(gap, ' ');
            }
            prop_assert_eq!(recovery_hash(&typed), recovery_hash(&code));
        }
    }
}
