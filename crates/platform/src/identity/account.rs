//! What people change of themselves.

use ::store::Write;

use super::{Attempt, Caller, EmailAddress, Password, User, links, links::Purpose, password, store};
use crate::{
    App, Error, Result, UserId,
    audit::{self, Actor, Event, Origin},
    mail::{self, Mail},
};

/// Asks for a link that sets a new password. The answer is the same whether or not the address is known.
///
/// # Errors
/// Limited when mails were asked for too often.
pub async fn forgot_password(app: &App, email: &EmailAddress, origin: &Origin) -> Result<()> {
    Attempt::Mail.count(app, email, origin)?;
    links::request(app, Purpose::Reset, email).await
}

/// Asks for another link that verifies an address. The answer is the same whether or not the address is known.
///
/// # Errors
/// Limited when mails were asked for too often.
pub async fn resend_verification(app: &App, email: &EmailAddress, origin: &Origin) -> Result<()> {
    Attempt::Mail.count(app, email, origin)?;
    links::request(app, Purpose::Verify, email).await
}

/// Proves an address by the link that was mailed to it.
///
/// # Errors
/// Invalid when the link is unknown, used or too old.
pub async fn verify_address(app: &App, token: &str, origin: &Origin) -> Result<()> {
    // Strangers do not get to the one writer.
    links::require(app, &mut app.db.read().await?, Purpose::Verify, token).await?;
    let mut db = app.db.write().await?;
    let user = links::redeem(app, &mut db, Purpose::Verify, token).await?;
    prove_address(app, &mut db, &user.id, &Actor::person(&user, origin.clone())).await?;
    app.callers.commit(db).await
}

/// Takes a person's address as proven, as part of a change.
pub(crate) async fn prove_address(app: &App, db: &mut Write, user: &UserId, by: &Actor) -> Result<()> {
    store::set_verified(db, user, app.clock.now()).await?;
    audit::record_personal(app, db, by, Event::new("email.verified", user.as_str())).await
}

/// Sets a new password by the link that was mailed, and ends every session: whoever knew the old password is out. Who
/// reads the mail has proven the address.
///
/// # Errors
/// Invalid when the link is unknown, used or too old.
pub async fn reset_password(app: &App, token: &str, new: &Password, origin: &Origin) -> Result<()> {
    // Hashing is dear: strangers get it for a good link only.
    links::require(app, &mut app.db.read().await?, Purpose::Reset, token).await?;
    let hash = new.hash().await?;
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let user = links::redeem(app, &mut db, Purpose::Reset, token).await?;
    if !user.email_verified {
        // Whoever registered with this address may not have been its owner, who has just come.
        store::set_totp(&mut db, &user.id, None, false, now).await?;
        store::revoke_keys(&mut db, &user.id, now).await?;
    }
    store::set_verified(&mut db, &user.id, now).await?;
    store::end_sessions(&mut db, &user.id, None, now).await?;
    replace_password(app, &mut db, &user, &hash, origin).await?;
    app.callers.commit(db).await
}

/// Changes the password of a person who knows the old one, and ends their other sessions.
///
/// # Errors
/// Invalid when the old password is wrong.
pub async fn change_password(
    app: &App,
    caller: &Caller,
    old: &str,
    new: &Password,
    origin: &Origin,
) -> Result<()> {
    confirm_password(app, caller, old, "current_password", origin).await?;
    let hash = new.hash().await?;
    let mut db = app.db.write().await?;
    store::end_sessions(&mut db, &caller.user.id, Some(&caller.session), app.clock.now()).await?;
    replace_password(app, &mut db, &caller.user, &hash, origin).await?;
    app.callers.commit(db).await
}

/// Has a person who is logged in prove once more that it is them.
pub(super) async fn confirm_password(
    app: &App,
    caller: &Caller,
    given: &str,
    field: &'static str,
    origin: &Origin,
) -> Result<()> {
    let email: EmailAddress = caller.user.email.parse()?;
    Attempt::Proof.count(app, &email, origin)?;
    if !password::verify(given.to_owned(), Some(caller.user.password_hash.clone())).await? {
        return Err(Error::invalid(field, "The password is wrong."));
    }
    Attempt::Proof.was_right(app, &email, origin);
    Ok(())
}

async fn replace_password(app: &App, db: &mut Write, user: &User, hash: &str, origin: &Origin) -> Result<()> {
    store::set_password(db, &user.id, hash, app.clock.now()).await?;
    let by = Actor::person(user, origin.clone());
    audit::record_personal(app, db, &by, Event::new("password.changed", user.id.as_str())).await?;
    let notice = Mail {
        to: user.email.clone(),
        subject: "Your password was changed".into(),
        paragraphs: vec![
            "The password of your Frontdesk account was just changed, and other sessions were ended.".into(),
            "If this was not you, ask for a new password on the login page at once.".into(),
        ],
    };
    mail::queue(app, db, notice).await?;
    app.bell.ring();
    Ok(())
}

/// Changes how a person is called.
///
/// # Errors
/// What the database says.
pub async fn rename(app: &App, caller: &Caller, full_name: String, origin: &Origin) -> Result<User> {
    let mut db = app.db.write().await?;
    store::set_name(&mut db, &caller.user.id, &full_name, app.clock.now()).await?;
    let event = Event::new("profile.changed", caller.user.id.as_str());
    audit::record_personal(app, &mut db, &caller.actor(origin.clone()), event).await?;
    app.callers.commit(db).await?;
    Ok(User { full_name, ..caller.user.clone() })
}
