//! Requests that a client may send again: the second does nothing and gets what the first made.

use chrono::TimeDelta;
use store::{Write, sql};

use crate::{App, Error, KeyId, Result, Tenant, digest::sha256};

/// How long a request is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// Longest name of a request, in characters.
const LONGEST: usize = 200;

/// A request with a name that its client gave it.
#[derive(Clone, Debug)]
pub struct Once {
    caller: String,
    name: String,
    request: String,
}

impl Once {
    /// `key` is who calls, `name` what they call the request, `request` what it asks for.
    ///
    /// # Errors
    /// Invalid when the name is empty or too long.
    pub fn new(key: &KeyId, name: &str, request: &str) -> Result<Self> {
        Self::by(key.as_str(), name, request)
    }

    /// [`Once::new`] for a caller that may be a person.
    ///
    /// # Errors
    /// Invalid when the name is empty or too long.
    pub(crate) fn by(caller: &str, name: &str, request: &str) -> Result<Self> {
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(|b| matches!(b, b' '..=b'~')) {
            let message = format!("Idempotency-Key has 1 to {LONGEST} printable characters of ASCII.");
            return Err(Error::invalid("Idempotency-Key", message));
        }
        Ok(Self { caller: caller.to_owned(), name: name.to_owned(), request: sha256(request) })
    }
}

/// Notes a request in the transaction of its effect. When it was there before, gives the id of what it made: the
/// caller makes nothing then.
///
/// # Errors
/// Conflict when another request had this name.
pub(crate) async fn begin(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    once: Option<&Once>,
    outcome: &str,
) -> Result<Option<String>> {
    let Some(once) = once else { return Ok(None) };
    let now = app.clock.now();
    let old = now - KEPT;
    db.execute(sql!(
        "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND created_at <= $2",
        tenant,
        old
    ))
    .await?;
    // A request that is under way on PostgreSQL is waited for here.
    let fresh = db
        .execute(sql!(
            "INSERT INTO idempotency_keys (workspace_id, key_id, name, request, outcome, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, key_id, name) DO NOTHING",
            tenant,
            once.caller.as_str(),
            once.name.as_str(),
            once.request.as_str(),
            outcome,
            now
        ))
        .await?;
    if fresh > 0 {
        return Ok(None);
    }
    let (request, outcome): (String, String) = db
        .one(sql!(
            "SELECT request, outcome FROM idempotency_keys WHERE workspace_id = $1 AND key_id = $2 AND name = $3",
            tenant,
            once.caller.as_str(),
            once.name.as_str()
        ))
        .await?;
    if request == once.request {
        return Ok(Some(outcome));
    }
    let message = "Another request was sent with this Idempotency-Key. Give each request a key of its own.";
    Err(Error::conflict(message).with_code("IDEMPOTENCY_KEY_REUSED"))
}
