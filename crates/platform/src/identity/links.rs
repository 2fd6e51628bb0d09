//! Links that are mailed to a person and prove that they read their mail: to verify an address, to set a new
//! password. Kept as hashes, good once.

use ::store::{Read, Write};
use chrono::TimeDelta;

use super::{EmailAddress, User, store};
use crate::{
    App, Error, Result,
    digest::sha256,
    jobs::{self, Job, Task},
    mail::{self, Mail},
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To prove an address.
    Verify,
    /// To set a new password.
    Reset,
}

impl Purpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }

    fn lasts(self) -> TimeDelta {
        match self {
            Self::Verify => TimeDelta::hours(24),
            Self::Reset => TimeDelta::hours(1),
        }
    }

    fn mail(self, app: &App, user: &User, token: &str) -> Mail {
        let base = app.config.public_url.as_str().trim_end_matches('/');
        let (subject, paragraphs) = match self {
            Self::Verify => (
                "Verify your address",
                vec![
                    format!("Open this link to verify your address: {base}/console/verify?token={token}"),
                    "It is good for 24 hours. If you did not sign up, you can ignore this mail.".into(),
                ],
            ),
            Self::Reset => (
                "Set a new password",
                vec![
                    format!("Open this link to set a new password: {base}/console/reset?token={token}"),
                    "It is good for one hour. If you did not ask for it, you can ignore this mail: nothing has changed.".into(),
                ],
            ),
        };
        Mail { to: user.email.clone(), subject: subject.into(), paragraphs }
    }
}

/// Asks for a link. Whether anybody has the address is found out later, by a job, so that neither the answer nor
/// its time tells.
pub(super) async fn request(app: &App, purpose: Purpose, email: &EmailAddress) -> Result<()> {
    let mut db = app.db.write().await?;
    let task = Task::MailLink { purpose, email: email.as_str().to_owned() };
    jobs::enqueue(app, &mut db, None, &task).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// The job: makes the link and queues its mail, if somebody has the address and needs it.
pub(crate) async fn make(app: &App, job: &Job, purpose: Purpose, email: &str) -> Result<()> {
    let email: EmailAddress = email.parse()?;
    let mut db = app.db.write().await?;
    if let Some(user) = store::by_email(&mut db, &email).await?
        && !(purpose == Purpose::Verify && user.email_verified)
    {
        issue(app, &mut db, purpose, &user).await?;
    }
    jobs::finish(&mut db, job).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Makes a link and queues the mail that carries it.
pub(super) async fn issue(app: &App, db: &mut Write, purpose: Purpose, user: &User) -> Result<()> {
    let now = app.clock.now();
    let token = app.entropy.token();
    store::insert_link(db, &sha256(&token), purpose, &user.id, now + purpose.lasts(), now).await?;
    mail::queue(app, db, purpose.mail(app, user, &token)).await
}

/// Looks whether a link is good, without using it up.
///
/// # Errors
/// Invalid when it is unknown, used or too old.
pub(super) async fn require(app: &App, db: &mut Read, purpose: Purpose, token: &str) -> Result<()> {
    let good = store::is_good_link(db, &sha256(token), purpose, app.clock.now()).await?;
    if good { Ok(()) } else { Err(not_valid()) }
}

/// Uses a link up: the person it was mailed to.
///
/// # Errors
/// Invalid when it is unknown, used or too old.
pub(super) async fn redeem(app: &App, db: &mut Write, purpose: Purpose, token: &str) -> Result<User> {
    let now = app.clock.now();
    let user = store::use_link(db, &sha256(token), purpose, now).await?.ok_or_else(not_valid)?;
    store::by_id(db, &user).await?.ok_or_else(not_valid)
}

fn not_valid() -> Error {
    Error::invalid("token", "This link is not valid any more. Ask for a new one.")
}
