//! Proof of work for new sessions when strangers come faster than people do, after Back's Hashcash (2002): a visitor's
//! browser looks for a number that makes the SHA-256 of `challenge:number` begin with so many zero bits. A person
//! waits for a fraction of a second, once; a program that wants a thousand sessions works for minutes.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{App, Error, Result, limits::Rate, workspaces::Visitor};

/// New sessions of a door in a minute that are nothing unusual, and so many that work gets harder.
const USUAL: Rate = Rate { limit: 30, window: TimeDelta::minutes(1) };
const MANY: Rate = Rate { limit: 300, window: TimeDelta::minutes(1) };
/// Zero bits: 32 thousand hashes on average, then 260 thousand.
const BITS: u32 = 15;
const HARD_BITS: u32 = 18;
/// How long a challenge is good for.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(3);

/// When work is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProofOfWork {
    /// Never.
    #[default]
    Off,
    /// While new sessions come faster than usual.
    Auto,
    /// For every new session.
    Always,
}

impl std::str::FromStr for ProofOfWork {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            _ => Err(Error::invalid("proof_of_work", "proof_of_work is off, auto or always.")),
        }
    }
}

/// Work to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Challenge {
    /// What the number is put behind, with a colon between.
    pub challenge: String,
    /// Zero bits at the beginning.
    pub difficulty: u32,
}

/// Work that was done.
#[derive(Clone, Debug, Deserialize)]
pub struct Proof {
    challenge: String,
    number: u64,
}

#[derive(Clone, Deserialize, Serialize)]
struct Claims {
    work_for: String,
    origin: String,
    bits: u32,
    salt: String,
    exp: i64,
}

/// The work that must be done before a new session; none when it was done, or is not asked for.
pub(super) fn asked(app: &App, door: &Visitor, proof: Option<&Proof>) -> Result<Option<Challenge>> {
    let Some(bits) = bits(app, door) else { return Ok(None) };
    if proof.is_some_and(|proof| is_done(app, door, proof)) {
        return Ok(None);
    }
    let claims = Claims {
        work_for: door.counted_as.clone(),
        origin: door.origin.clone(),
        bits,
        salt: app.entropy.token(),
        exp: (app.clock.now() + GOOD_FOR).timestamp(),
    };
    Ok(Some(Challenge { challenge: app.tokens.seal(&claims)?, difficulty: bits }))
}

/// Counts somebody new at a door, and tells whether their word alone is too little.
pub(super) fn is_pressing(app: &App, door: &Visitor) -> bool {
    bits(app, door).is_some()
}

fn bits(app: &App, door: &Visitor) -> Option<u32> {
    let now = app.clock.now();
    match app.config.proof_of_work {
        ProofOfWork::Off => None,
        ProofOfWork::Always => Some(BITS),
        ProofOfWork::Auto => {
            let usual = app.limiter.take(("new sessions", &door.counted_as), USUAL, now).allowed;
            let many = !app.limiter.take(("many new sessions", &door.counted_as), MANY, now).allowed;
            (!usual).then_some(if many { HARD_BITS } else { BITS })
        }
    }
}

/// A proof is good once.
fn is_done(app: &App, door: &Visitor, proof: &Proof) -> bool {
    let now = app.clock.now();
    let once = Rate { limit: 1, window: GOOD_FOR };
    app.tokens.unseal::<Claims>(&proof.challenge).is_some_and(|claims| {
        claims.exp > now.timestamp()
            && claims.work_for == door.counted_as
            && claims.origin == door.origin
            && zero_bits(&proof.challenge, proof.number) >= claims.bits
            && app.limiter.take(("proof", &claims.salt), once, now).allowed
    })
}

fn zero_bits(challenge: &str, number: u64) -> u32 {
    let hash = Sha256::digest(format!("{challenge}:{number}"));
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    8 * zeros as u32 + hash.get(zeros).map_or(0, |byte| byte.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bits_are_counted_from_the_left() {
        // SHA-256 of "x:2" and "x:36" as sha256sum gives it.
        let bits: Vec<u32> = (0..400).map(|n| zero_bits("x", n)).collect();
        let mean = bits.iter().sum::<u32>() as f32 / bits.len() as f32;
        assert!((0.7..1.3).contains(&mean), "one in two begins with a zero, one in four with two: {mean}");
        let hash = Sha256::digest("x:7");
        assert_eq!(zero_bits("x", 7), u32::from_be_bytes(hash[..4].try_into().unwrap()).leading_zeros());
    }
}
