//! People: how they sign up, prove their address, log in and are recognised.

mod code;
mod email;
mod password;
mod store;
mod tokens;

use chrono::{DateTime, Utc};

pub use email::EmailAddress;
pub use password::Password;
pub use store::User;
pub use tokens::Tokens;

use crate::{App, Error, Result, UserId, mail};

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
/// that has an account gets a mail that says so, and one whose account still waits gets a new code.
///
/// # Errors
/// What the database says.
pub async fn sign_up(app: &App, form: SignUp) -> Result<()> {
    let hash = form.password.hash().await?;
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let known = store::by_email(&mut db, &form.email).await?;
    match known {
        Some(user) if user.email_verified => {
            mail::queue(app, &mut db, code::already_known(app, &user)).await?;
        }
        Some(user) => {
            store::replace_credentials(&mut db, &user.id, &hash, &form.full_name, now).await?;
            code::issue(app, &mut db, &user).await?;
        }
        None => {
            let user = new_user(app, &form, hash, false);
            store::insert(&mut db, &user, &form.email).await?;
            code::issue(app, &mut db, &user).await?;
        }
    }
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Makes an account that needs no code; for the operator.
///
/// # Errors
/// Conflict when the address has an account.
pub async fn create_verified(app: &App, form: SignUp) -> Result<User> {
    let user = new_user(app, &form, form.password.hash().await?, true);
    let mut db = app.db.write().await?;
    if store::by_email(&mut db, &form.email).await?.is_some() {
        return Err(Error::conflict("There is an account with this address already."));
    }
    store::insert(&mut db, &user, &form.email).await?;
    db.commit().await?;
    Ok(user)
}

fn new_user(app: &App, form: &SignUp, password_hash: String, email_verified: bool) -> User {
    let now = app.clock.now();
    User {
        id: UserId::new(now, app.entropy),
        email: form.email.as_str().to_owned(),
        password_hash,
        full_name: form.full_name.clone(),
        email_verified,
        created_at: now,
    }
}

/// Proves an address by the code that was mailed to it.
///
/// # Errors
/// Invalid when the code is wrong, used or too old; after five wrong tries it is worthless.
pub async fn verify_code(app: &App, email: &EmailAddress, given: &str) -> Result<User> {
    let mut db = app.db.write().await?;
    let outcome = match store::by_email(&mut db, email).await? {
        Some(user) => code::redeem(app, &mut db, user, given).await?,
        None => None,
    };
    // A wrong try counts, so it is committed as well.
    db.commit().await?;
    outcome.ok_or_else(|| {
        Error::invalid("otp_code", "The code is wrong or no longer valid. Sign up again to get a new one.")
    })
}

/// Checks an address and a password.
///
/// # Errors
/// Unauthorized without saying which of the two was wrong; forbidden until the address is proven.
pub async fn log_in(app: &App, email: &EmailAddress, password: &str) -> Result<User> {
    let user = store::by_email(&mut app.db.read().await?, email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = password::verify(password.to_owned(), hash).await?;
    match user {
        Some(user) if right && user.email_verified => Ok(user),
        Some(_) if right => Err(Error::forbidden(
            "This address is not verified yet. Enter the code that was mailed to you, or sign up again to get a new one.",
        )
        .with_code("EMAIL_NOT_VERIFIED")),
        _ => Err(Error::unauthorized("The address or the password is wrong.")),
    }
}

/// Who a session token belongs to.
///
/// # Errors
/// Unauthorized when it is forged, expired, or the person is gone.
pub async fn authenticate(app: &App, token: &str) -> Result<User> {
    let id = app.tokens.check(token, app.clock.now())?;
    store::by_id(&mut app.db.read().await?, &id)
        .await?
        .ok_or_else(|| Error::unauthorized("This session has ended. Log in again."))
}

/// A session token for a person.
///
/// # Errors
/// Internal when it cannot be signed.
pub fn session(app: &App, user: &User) -> Result<String> {
    app.tokens.issue(&user.id, app.clock.now())
}

/// When a code made now ends.
fn code_end(now: DateTime<Utc>) -> DateTime<Utc> {
    now + chrono::TimeDelta::minutes(CODE_MINUTES)
}
