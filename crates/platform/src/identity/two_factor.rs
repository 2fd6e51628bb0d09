//! The second factor of a login, which people switch on for themselves.

use ::store::Write;

use super::{
    Caller, User,
    account::confirm_password,
    store,
    totp::{TotpSecret, recovery_codes, recovery_hash},
};
use crate::{
    App, Error, Result,
    audit::{self, Event, Origin},
};

/// What a person needs to set up their authenticator app; shown once.
pub struct Setup {
    /// For people who type.
    pub secret: String,
    /// What a QR code holds.
    pub url: String,
}

/// Begins the set-up: makes a secret, which counts for nothing until it is confirmed by a first code.
///
/// # Errors
/// Invalid when the password is wrong, conflict when there is a second factor already.
pub async fn begin(app: &App, caller: &Caller, password: &str, origin: &Origin) -> Result<Setup> {
    confirm_password(app, caller, password, "password", origin).await?;
    if caller.user.totp_confirmed {
        return Err(Error::conflict("Two-factor login is on already. Switch it off first."));
    }
    let secret = TotpSecret::new(app.entropy);
    let sealed = app.secrets.seal(&context(&caller.user), secret.as_bytes(), app.entropy);
    let mut db = app.db.write().await?;
    store::set_totp(&mut db, &caller.user.id, Some(&sealed), false, app.clock.now()).await?;
    app.callers.commit(db).await?;
    Ok(Setup { secret: secret.base32(), url: secret.url(&caller.user.email)? })
}

/// Switches it on with a first code; gives the recovery codes, which are shown once.
///
/// # Errors
/// Invalid when the code is wrong or the set-up was not begun.
pub async fn confirm(app: &App, caller: &Caller, code: &str, origin: &Origin) -> Result<Vec<String>> {
    let mut db = app.db.write().await?;
    let user = store::by_id(&mut db, &caller.user.id).await?;
    let Some(user) = user.filter(|user| user.totp_secret.is_some() && !user.totp_confirmed) else {
        return Err(Error::invalid("code", "Begin the set-up of two-factor login first."));
    };
    if !check_code(app, &mut db, &user, code).await? {
        return Err(Error::invalid(
            "code",
            "The code is wrong. Check the time of your device, and enter the current code.",
        ));
    }
    let codes = recovery_codes(app.entropy);
    let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(code)).collect();
    store::confirm_totp(&mut db, &user.id, &hashes, app.clock.now()).await?;
    let event = Event::new("two_factor.enabled", user.id.as_str());
    audit::record_personal(app, &mut db, &caller.actor(origin.clone()), event).await?;
    app.callers.commit(db).await?;
    Ok(codes)
}

/// Switches it off.
///
/// # Errors
/// Invalid when the password is wrong.
pub async fn end(app: &App, caller: &Caller, password: &str, origin: &Origin) -> Result<()> {
    confirm_password(app, caller, password, "password", origin).await?;
    let mut db = app.db.write().await?;
    store::set_totp(&mut db, &caller.user.id, None, false, app.clock.now()).await?;
    let event = Event::new("two_factor.disabled", caller.user.id.as_str());
    audit::record_personal(app, &mut db, &caller.actor(origin.clone()), event).await?;
    app.callers.commit(db).await
}

/// Whether what a person typed proves the second factor: a code of their app, or a recovery code, which is used up.
pub(super) async fn check(app: &App, db: &mut Write, user: &User, given: &str) -> Result<bool> {
    Ok(check_code(app, db, user, given).await?
        || store::use_recovery_code(db, &user.id, &recovery_hash(given), app.clock.now()).await?)
}

async fn check_code(app: &App, db: &mut Write, user: &User, code: &str) -> Result<bool> {
    let Some(sealed) = &user.totp_secret else { return Ok(false) };
    let secret = match app.secrets.open(&context(user), sealed) {
        Ok(bytes) => TotpSecret::from_bytes(&bytes)?,
        Err(error) => {
            // The server's secret has changed: recovery codes still let people in.
            tracing::error!(%error, user = %user.id, "a second factor cannot be checked");
            return Ok(false);
        }
    };
    let now = app.clock.now();
    match secret.check(code, now, user.totp_step) {
        Some(step) => store::use_totp_step(db, &user.id, step).await,
        None => Ok(false),
    }
}

fn context(user: &User) -> String {
    format!("users.totp:{}", user.id)
}
