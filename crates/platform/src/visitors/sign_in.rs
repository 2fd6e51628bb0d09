//! Contacts who sign in to a restricted agent: a code of six digits is mailed to them, good once, for ten minutes and
//! five tries. Whether somebody is a contact is told to nobody but the owner of the address.

use chrono::TimeDelta;
use subtle::ConstantTimeEq;

use super::{
    session::{self, Granted},
    store,
};
use crate::{
    App, CodeId, Error, Result,
    agents::Published,
    audit::Origin,
    contacts,
    digest::sha256,
    identity::EmailAddress,
    limits::Rate,
    mail::{self, Mail},
    workspaces::Visitor,
};

const GOOD_FOR: TimeDelta = TimeDelta::minutes(10);
const MAX_TRIES: i64 = 5;
/// Codes for an address and from one.
const MAILS: (Rate, Rate) =
    (Rate { limit: 5, window: TimeDelta::minutes(60) }, Rate { limit: 30, window: TimeDelta::minutes(60) });
/// Tries for an address and from one.
const TRIES: (Rate, Rate) =
    (Rate { limit: 10, window: TimeDelta::minutes(15) }, Rate { limit: 50, window: TimeDelta::minutes(15) });

/// Mails a code, if the address is that of an active contact. Nobody else learns whether it is.
///
/// # Errors
/// Limited when there were too many.
pub async fn mail_code(
    app: &App,
    door: &Visitor,
    agent: &Published,
    (email, origin): (&EmailAddress, &Origin),
) -> Result<()> {
    count(app, ("visitor code", MAILS), agent, email, origin)?;
    let contact = contacts::by_email(app, &door.tenant, &agent.id, email).await?;
    let Some(contact) = contact.filter(session::is_active) else { return Ok(()) };
    let now = app.clock.now();
    let digits = format!("{:06}", app.entropy.below(1_000_000));
    let id = CodeId::new(now, app.entropy);
    let mut db = app.db.write().await?;
    let row = store::Code {
        code_hash: hash(&id, &digits),
        id,
        tries: 0,
        expires_at: now + GOOD_FOR,
        used_at: None,
    };
    store::insert_code(&mut db, &door.tenant, &contact.id, &row, now).await?;
    let mail = Mail {
        to: contact.primary_email.clone(),
        subject: format!("Your code for {}", agent.name),
        paragraphs: vec![
            format!("Your code is {digits}. It is good for {} minutes.", GOOD_FOR.num_minutes()),
            "If you did not ask for it, you can ignore this mail.".into(),
        ],
    };
    mail::queue(app, &mut db, mail).await?;
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// Gives the session of a contact for a code.
///
/// # Errors
/// Unauthorized, whatever is wrong with the code; limited when there were too many tries.
pub async fn redeem_code(
    app: &App,
    door: &Visitor,
    agent: &Published,
    (email, code, origin): (&EmailAddress, &str, &Origin),
) -> Result<Granted> {
    count(app, ("visitor try", TRIES), agent, email, origin)?;
    let wrong = || {
        Error::unauthorized("The code is wrong or has ended. Ask for a new one.")
            .with_code("WRONG_CODE")
            .with_field("code")
    };
    let contact = contacts::by_email(app, &door.tenant, &agent.id, email).await?;
    let contact = contact.filter(session::is_active).ok_or_else(wrong)?;
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let found = store::newest_code(&mut db, &door.tenant, &contact.id).await?;
    let found = found.filter(|row| row.used_at.is_none() && row.expires_at > now && row.tries < MAX_TRIES);
    let Some(found) = found else { return Err(wrong()) };
    if !bool::from(hash(&found.id, code.trim()).as_bytes().ct_eq(found.code_hash.as_bytes())) {
        store::count_try(&mut db, &door.tenant, &found.id).await?;
        db.commit().await?;
        return Err(wrong());
    }
    store::use_code(&mut db, &door.tenant, &found.id, now).await?;
    db.commit().await?;
    let who = format!("contact:{}", contact.id);
    session::grant_known(app, door, agent, (who, Some(contact.id)), false).await
}

fn count(
    app: &App,
    (what, (for_email, from_address)): (&'static str, (Rate, Rate)),
    agent: &Published,
    email: &EmailAddress,
    origin: &Origin,
) -> Result<()> {
    let now = app.clock.now();
    let email = app.limiter.take((what, &agent.id, email.key()), for_email, now);
    let address = app.limiter.take((what, origin.bucket()), from_address, now);
    let wait = email.retry_after.max(address.retry_after);
    if email.allowed && address.allowed { Ok(()) } else { Err(Error::limited(wait)) }
}

/// The code's id is its salt.
fn hash(id: &CodeId, digits: &str) -> String {
    sha256(format!("{id}:{digits}"))
}
