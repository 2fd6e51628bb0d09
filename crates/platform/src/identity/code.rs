//! Six-digit codes that prove an address: mailed, kept as hashes, good once, for ten minutes and five tries.

use ::store::Write;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;

use super::{User, code_end, store};
use crate::{App, CodeId, Result, UserId, digest::sha256, mail, mail::Mail};

/// Wrong tries after which a code is worthless.
const MAX_TRIES: i64 = 5;

/// Makes a code and queues the mail that carries it; earlier codes of the person end. `contested` says that no password
/// was kept.
pub(super) async fn issue(app: &App, db: &mut Write, user: &User, contested: bool) -> Result<()> {
    let now = app.clock.now();
    let digits = format!("{:06}", app.entropy.below(1_000_000));
    let id = CodeId::new(now, app.entropy);
    store::insert_code(db, &id, &user.id, &hash(&id, &digits), code_end(now), now).await?;
    let mut paragraphs = vec![
        format!("Your code is {digits}. It is good for {} minutes.", super::CODE_MINUTES),
        "If you did not sign up, you can ignore this mail.".into(),
    ];
    if contested {
        let told = "Two passwords were given for this address within a few minutes, so neither was kept. The code lets you \
                    in; set a password by \"Forgot password\" then.";
        paragraphs.insert(1, told.into());
    }
    let mail = Mail { to: user.email.clone(), subject: "Your Frontdesk code".into(), paragraphs };
    mail::queue(app, db, mail).await
}

/// Whether a code of the person has neither been used nor ended by itself. One that wrong tries have ended counts: a
/// stranger can make them.
pub(super) async fn is_under_way(db: &mut Write, user: &UserId, now: DateTime<Utc>) -> Result<bool> {
    let newest = store::newest_code(db, user).await?;
    Ok(newest.is_some_and(|code| code.used_at.is_none() && code.expires_at > now))
}

/// The mail to somebody who signs up although they have an account.
pub(super) fn already_known(app: &App, user: &User) -> Mail {
    Mail {
        to: user.email.clone(),
        subject: "You have a Frontdesk account already".into(),
        paragraphs: vec![
            format!(
                "Somebody signed up with this address at {}. You have an account already: log in with your password.",
                app.config.public_url
            ),
            "If this was not you, nothing has changed and you need not do anything.".into(),
        ],
    }
}

/// Uses a code up: the person, whose address is proven by it, or `None` when it is not.
pub(super) async fn redeem(app: &App, db: &mut Write, user: User, given: &str) -> Result<Option<User>> {
    let now = app.clock.now();
    let Some(code) = store::newest_code(db, &user.id).await? else { return Ok(None) };
    if code.used_at.is_some() || code.expires_at <= now || code.tries >= MAX_TRIES {
        return Ok(None);
    }
    let right: bool = hash(&code.id, given).as_bytes().ct_eq(code.code_hash.as_bytes()).into();
    if !right {
        store::count_try(db, &code.id).await?;
        return Ok(None);
    }
    store::use_code(db, &code.id, now).await?;
    Ok(Some(User { email_verified: true, ..user }))
}

/// The code's id is its salt.
fn hash(id: &CodeId, digits: &str) -> String {
    sha256(format!("{id}:{digits}"))
}
