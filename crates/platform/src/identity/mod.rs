//! People: how they sign up, prove their address, log in, are recognised, and look after their account.

mod account;
mod code;
mod common;
mod email;
mod guard;
mod links;
mod password;
pub mod sessions;
mod store;
mod tokens;
mod totp;
pub mod two_factor;

use chrono::{DateTime, Utc};

pub(crate) use account::prove_address;
pub use account::{
    change_password, forgot_password, rename, resend_verification, reset_password, verify_address,
};
pub use email::EmailAddress;
pub use links::Purpose;
pub(crate) use links::make as make_link;
pub use password::Password;
pub use sessions::{Caller, Membership, OpenSession, Session, authenticate, log_out, refresh};
pub use store::User;
pub use tokens::Tokens;
pub(crate) use tokens::server_secret;

use crate::{
    App, Error, Result, UserId,
    audit::{self, Actor, Event, Origin},
    mail,
    workspaces::{self, NewWorkspace},
};
use guard::Attempt;

/// Minutes that a mailed code is good for.
pub const CODE_MINUTES: i64 = 10;

/// A checked sign-up.
pub struct SignUp {
    /// Where the code goes.
    pub email: EmailAddress,
    /// The wanted password.
    pub password: Password,
    /// How the person is called.
    pub full_name: String,
}

/// Makes an account that waits for its code. The answer is the same whether or not the address is known: one
/// that has an account gets a mail that says so, and one whose account still waits gets a new code. Of two passwords that
/// come for an address while a code is under way neither is kept: the code would prove the address for a stranger's.
///
/// # Errors
/// Limited when mails were asked for too often.
pub async fn sign_up(app: &App, form: SignUp, origin: &Origin) -> Result<()> {
    Attempt::Mail.count(app, &form.email, origin)?;
    let hash = form.password.hash().await?;
    let waiting = store::by_email(&mut app.db.read().await?, &form.email).await?;
    let is_same = form.password.fits(waiting.map(|user| user.password_hash)).await?;
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let known = store::by_email(&mut db, &form.email).await?;
    match known {
        Some(user) if user.may_log_in() => {
            mail::queue(app, &mut db, code::already_known(app, &user)).await?;
        }
        Some(user) => {
            let (name, email) = (form.full_name.clone(), form.email.as_str().to_owned());
            let contested = !is_same && code::is_under_way(&mut db, &user.id, now).await?;
            let hash = if contested { password::nobodys(&hash, app.entropy) } else { hash };
            store::replace_credentials(&mut db, &user.id, &form.email, &hash, &name, now).await?;
            code::issue(app, &mut db, &User { email, full_name: name, ..user }, contested).await?;
        }
        None => {
            let user = new_user(app, &form, hash, false, false);
            insert(app, &mut db, &user, &form.email, origin).await?;
            code::issue(app, &mut db, &user, false).await?;
        }
    }
    app.callers.commit(db).await?;
    app.bell.ring();
    Ok(())
}

/// Makes an account that may be used at once, with a workspace of its own; a link to prove the address is mailed.
///
/// # Errors
/// Conflict when the address has an account: unlike [`sign_up`] this hands out a session, so it cannot hide that.
pub async fn register(app: &App, form: SignUp, company: NewWorkspace, origin: &Origin) -> Result<Session> {
    Attempt::Mail.count(app, &form.email, origin)?;
    let hash = form.password.hash().await?;
    let mut db = app.db.write().await?;
    if store::by_email(&mut db, &form.email).await?.is_some() {
        return Err(Error::conflict("There is an account with this address already. Log in instead."));
    }
    let user = new_user(app, &form, hash, false, true);
    insert(app, &mut db, &user, &form.email, origin).await?;
    links::issue(app, &mut db, Purpose::Verify, &user).await?;
    workspaces::found(app, &mut db, &user, company, &Actor::person(&user, origin.clone())).await?;
    let session = sessions::open(app, &mut db, user, origin).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(session)
}

/// Makes an account that needs no code; for the operator.
///
/// # Errors
/// Conflict when the address has an account.
pub async fn create_verified(app: &App, form: SignUp) -> Result<User> {
    let user = new_user(app, &form, form.password.hash().await?, true, false);
    let mut db = app.db.write().await?;
    if store::by_email(&mut db, &form.email).await?.is_some() {
        return Err(Error::conflict("There is an account with this address already."));
    }
    insert(app, &mut db, &user, &form.email, &Origin::default()).await?;
    db.commit().await?;
    Ok(user)
}

fn new_user(app: &App, form: &SignUp, password_hash: String, verified: bool, registered: bool) -> User {
    let now = app.clock.now();
    User {
        id: UserId::new(now, app.entropy),
        email: form.email.as_str().to_owned(),
        password_hash,
        full_name: form.full_name.clone(),
        email_verified: verified,
        registered,
        totp_secret: None,
        totp_confirmed: false,
        totp_step: None,
        created_at: now,
    }
}

async fn insert(
    app: &App,
    db: &mut ::store::Write,
    user: &User,
    email: &EmailAddress,
    origin: &Origin,
) -> Result<()> {
    store::insert(db, user, email).await?;
    let by = Actor::person(user, origin.clone());
    audit::record_personal(app, db, &by, Event::new("account.created", user.id.as_str())).await
}

/// Mails a new code to an account that waits for one. The answer is the same whether or not there is one.
///
/// # Errors
/// Limited when mails were asked for too often.
pub async fn resend_code(app: &App, email: &EmailAddress, origin: &Origin) -> Result<()> {
    Attempt::Mail.count(app, email, origin)?;
    let mut db = app.db.write().await?;
    if let Some(user) = store::by_email(&mut db, email).await?
        && !user.may_log_in()
    {
        code::issue(app, &mut db, &user, false).await?;
    }
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Proves an address by the code that was mailed to it, and opens a session.
///
/// # Errors
/// Invalid when the code is wrong, used or too old; after five wrong tries it is worthless.
pub async fn verify_code(app: &App, email: &EmailAddress, given: &str, origin: &Origin) -> Result<Session> {
    Attempt::Proof.count(app, email, origin)?;
    let mut db = app.db.write().await?;
    let outcome = match store::by_email(&mut db, email).await? {
        Some(user) => code::redeem(app, &mut db, user, given).await?,
        None => None,
    };
    let Some(user) = outcome else {
        // A wrong try counts, so it is committed as well.
        db.commit().await?;
        let message = "The code is wrong or no longer valid. Sign up again to get a new one.";
        return Err(Error::invalid("otp_code", message));
    };
    let by = Actor::person(&user, origin.clone());
    prove_address(app, &mut db, &user.id, &by).await?;
    let session = log_in_as(app, &mut db, user, origin).await?;
    app.callers.commit(db).await?;
    Attempt::Proof.was_right(app, email, origin);
    Ok(session)
}

/// What a person gives to log in.
pub struct LogIn<'a> {
    /// Their address.
    pub email: &'a EmailAddress,
    /// Their password.
    pub password: &'a str,
    /// A code of their authenticator app or a recovery code, when they use two factors.
    pub code: Option<&'a str>,
}

/// Checks an address and a password, and the second factor of those who use one, and opens a session.
///
/// # Errors
/// Unauthorized without saying whether address or password was wrong; unauthorized with the code
/// `TWO_FACTOR_REQUIRED` when the second factor is missing or wrong; forbidden until the address is proven; limited
/// after too many wrong tries.
pub async fn log_in(app: &App, form: LogIn<'_>, origin: &Origin) -> Result<Session> {
    Attempt::Proof.count(app, form.email, origin)?;
    let user = store::by_email(&mut app.db.read().await?, form.email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = password::verify(form.password.to_owned(), hash).await?;
    let Some(user) = user else { return Err(wrong_credentials()) };
    if !right {
        note_failure(app, &user, origin);
        return Err(wrong_credentials());
    }
    if !user.may_log_in() {
        return Err(Error::forbidden(
            "This address is not verified yet. Enter the code that was mailed to you, or sign up again to get a new one.",
        )
        .with_code("EMAIL_NOT_VERIFIED"));
    }
    let mut db = app.db.write().await?;
    if user.totp_confirmed {
        let given = form.code.map(str::trim).filter(|code| !code.is_empty());
        let required = |message: &'static str| {
            Error::unauthorized(message).with_code("TWO_FACTOR_REQUIRED").with_field("totp_code")
        };
        let Some(given) = given else {
            Attempt::Proof.was_right(app, form.email, origin);
            return Err(required(
                "Send the code of your authenticator app, or a recovery code, as totp_code.",
            ));
        };
        if !two_factor::check(app, &mut db, &user, given).await? {
            note_failure(app, &user, origin);
            return Err(required("The code of the authenticator app is wrong or was used already."));
        }
    }
    let session = log_in_as(app, &mut db, user, origin).await?;
    db.commit().await?;
    Attempt::Proof.was_right(app, form.email, origin);
    Ok(session)
}

fn wrong_credentials() -> Error {
    Error::unauthorized("The address or the password is wrong.")
}

/// Keeps a failed login, beside the answer: its time must not tell that there is such an account.
fn note_failure(app: &App, user: &User, origin: &Origin) {
    let (app, by, id) = (app.clone(), Actor::person(user, origin.clone()), user.id.clone());
    app.clone().tasks.spawn(async move {
        let note: Result<()> = async {
            let mut db = app.db.write().await?;
            audit::record_personal(&app, &mut db, &by, Event::new("login.failed", id.as_str())).await?;
            Ok(db.commit().await?)
        }
        .await;
        if let Err(error) = note {
            tracing::error!(%error, "a failed login could not be kept in the audit log");
        }
    });
}

async fn log_in_as(app: &App, db: &mut ::store::Write, user: User, origin: &Origin) -> Result<Session> {
    let by = Actor::person(&user, origin.clone());
    audit::record_personal(app, db, &by, Event::new("login.succeeded", user.id.as_str())).await?;
    sessions::open(app, db, user, origin).await
}

/// When a code made now ends.
fn code_end(now: DateTime<Utc>) -> DateTime<Utc> {
    now + chrono::TimeDelta::minutes(CODE_MINUTES)
}
