//! Sites that say who their visitors are: HMAC-SHA256 of the site's id of a visitor, under a secret that only the
//! site's server and this one know. RFC 2104 and FIPS 198-1; in hexadecimal digits, as sites write it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::store;
use crate::{
    Actor, App, Error, Result, Tenant,
    audit::{self, Event},
};

/// Longest id of a visitor, in characters.
const MAX_USER: usize = 200;

fn context(tenant: &Tenant) -> String {
    format!("workspaces.identity:{}", tenant.id())
}

/// Makes the workspace's secret, or another one, which ends the former. It is shown this once.
///
/// # Errors
/// What the database says.
pub async fn renew_secret(app: &App, tenant: &Tenant, by: &Actor) -> Result<String> {
    let secret = format!("ids_{}", app.entropy.token());
    let sealed = app.secrets.seal(&context(tenant), secret.as_bytes(), app.entropy);
    let mut db = app.db.write().await?;
    store::set_secret(&mut db, tenant, &sealed).await?;
    let event = Event::new("workspace.identity_secret_renewed", tenant.id().as_str());
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(secret)
}

/// Whether the workspace has a secret.
///
/// # Errors
/// What the database says.
pub async fn has_secret(app: &App, tenant: &Tenant) -> Result<bool> {
    Ok(store::secret(&mut app.db.read().await?, tenant).await?.is_some())
}

/// Holds a site's word on who a visitor is against the secret.
pub(super) async fn verify(app: &App, tenant: &Tenant, user: &str, hash: &str) -> Result<()> {
    if user.is_empty() || user.chars().count() > MAX_USER {
        return Err(Error::invalid("user_id", format!("user_id has 1 to {MAX_USER} characters.")));
    }
    let wrong = || {
        let message = "user_hash is not the HMAC-SHA256 of user_id under the workspace's identity secret, in hexadecimal digits.";
        Error::unauthorized(message).with_code("IDENTITY_NOT_VERIFIED").with_field("user_hash")
    };
    let sealed = store::secret(&mut app.db.read().await?, tenant).await?.ok_or_else(wrong)?;
    let secret = app.secrets.open(&context(tenant), &sealed)?;
    let given = bytes(hash).ok_or_else(wrong)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).map_err(Error::internal)?;
    mac.update(user.as_bytes());
    mac.verify_slice(&given).map_err(|_| wrong())
}

/// The bytes that hexadecimal digits stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
