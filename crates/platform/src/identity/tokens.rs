//! Session tokens: JWTs under a key of this server.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt, path::Path};

use crate::{AgentId, Config, Entropy, Error, FormId, Result, SessionId};

/// How long a token is good for. A session that ends takes its tokens with it, so this need not be short.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// A key shorter than this can be guessed.
const MIN_KEY: usize = 32;

/// The server's secret: from the settings, else from `secret.key` in the data folder, which the first start makes.
///
/// # Errors
/// When it is too short, or its file cannot be read or made.
pub(crate) fn server_secret(config: &Config, entropy: Entropy) -> Result<String> {
    let key = match &config.secret_key {
        Some(key) => key.expose().to_owned(),
        None => key_file(&config.data_dir.join("secret.key"), entropy)?,
    };
    if key.len() < MIN_KEY {
        return Err(Error::invalid("FRONTDESK_SECRET_KEY", "needs at least 32 characters"));
    }
    Ok(key)
}

/// Signs and checks session tokens.
pub struct Tokens {
    sign: EncodingKey,
    check: DecodingKey,
}

/// What a token says. What it is for is part of the subject's id, whose prefix tells sessions, agents and forms
/// apart, so a token of one kind is never taken for another.
#[derive(Clone, Deserialize, Serialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Signs with the server's secret.
    pub(crate) fn new(secret: &str) -> Self {
        Self {
            sign: EncodingKey::from_secret(secret.as_bytes()),
            check: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// A token of a session.
    pub(super) fn issue(&self, session: &SessionId, now: DateTime<Utc>) -> Result<String> {
        self.sign(session.as_str(), now)
    }

    /// The session that a token belongs to, and when the token ends; whether the session is still open is not known
    /// here.
    pub(super) fn check(&self, token: &str, now: DateTime<Utc>) -> Result<(SessionId, DateTime<Utc>)> {
        let claims = self.claims(token, now);
        let session = claims
            .and_then(|claims| Some((claims.sub.parse().ok()?, DateTime::from_timestamp(claims.exp, 0)?)));
        session.ok_or_else(|| {
            Error::unauthorized("This session has ended or its token is not valid. Log in again.")
        })
    }

    /// A pass to talk to one agent from the server's own share page.
    pub(crate) fn issue_share(&self, agent: &AgentId, now: DateTime<Utc>) -> Result<String> {
        self.sign(agent.as_str(), now)
    }

    /// The agent that a pass is for.
    pub(crate) fn check_share(&self, token: &str, now: DateTime<Utc>) -> Option<AgentId> {
        self.claims(token, now)?.sub.parse().ok()
    }

    /// A note of when a form was given out.
    pub(crate) fn issue_form(&self, form: &FormId, now: DateTime<Utc>) -> Result<String> {
        self.sign(form.as_str(), now)
    }

    /// When a form was given out, within the last day.
    pub(crate) fn check_form(&self, token: &str, form: &FormId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let claims = self.claims(token, now).filter(|claims| claims.sub == form.as_str())?;
        DateTime::from_timestamp(claims.iat, 0)
    }

    /// Signs other claims than a subject's. They have fields that no other kind of token has, so that none is taken
    /// for another.
    pub(crate) fn seal(&self, claims: &impl Serialize) -> Result<String> {
        encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(Error::internal)
    }

    /// Reads claims that were signed here; when they end is for the caller to see.
    pub(crate) fn unseal<C: DeserializeOwned + Clone>(&self, token: &str) -> Option<C> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false; // by the handle's clock, not by the system's
        Some(decode::<C>(token, &self.check, &validation).ok()?.claims)
    }

    fn sign(&self, subject: &str, now: DateTime<Utc>) -> Result<String> {
        let exp = (now + GOOD_FOR).timestamp();
        self.seal(&Claims { sub: subject.to_owned(), iat: now.timestamp(), exp })
    }

    fn claims(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        self.unseal::<Claims>(token).filter(|claims| claims.exp > now.timestamp())
    }
}

fn key_file(path: &Path, entropy: Entropy) -> Result<String> {
    let cannot = |e: std::io::Error| {
        Error::invalid("FRONTDESK_DATA_DIR", format!("cannot read or make {}: {e}", path.display()))
    };
    match fs::read_to_string(path) {
        Ok(key) => Ok(key.trim().to_owned()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            // Another server may start on the same folder: whoever links the file first wins.
            let key = entropy.token();
            let fresh = path.with_extension(&key[..8]);
            fs::write(&fresh, &key).map_err(cannot)?;
            fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).map_err(cannot)?;
            let linked = fs::hard_link(&fresh, path);
            fs::remove_file(&fresh).map_err(cannot)?;
            match linked {
                Ok(()) => Ok(key),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => fs::read_to_string(path).map_err(cannot),
                Err(e) => Err(cannot(e)),
            }
        }
        Err(e) => Err(cannot(e)),
    }
}
