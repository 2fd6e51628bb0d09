//! The tables of people, their codes and links, and their sessions.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Write, sql};

use super::{EmailAddress, Membership, Purpose};
use crate::{CodeId, Result, SessionId, UserId, WorkspaceId, audit::Origin};

/// A person with an account.
#[derive(Clone, Debug, FromRow)]
pub struct User {
    /// The person.
    pub id: UserId,
    /// As it was given.
    pub email: String,
    pub(super) password_hash: String,
    /// How the person is called.
    pub full_name: String,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// Whether the account may be used before the address is proven.
    pub(super) registered: bool,
    /// The sealed secret of the authenticator app.
    pub(super) totp_secret: Option<String>,
    /// Whether logins need a second factor.
    pub totp_confirmed: bool,
    /// The last step a code was taken for.
    pub(super) totp_step: Option<i64>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl User {
    /// Whether the account may be used.
    pub(super) fn may_log_in(&self) -> bool {
        self.email_verified || self.registered
    }
}

#[derive(FromRow)]
pub(super) struct Code {
    pub id: CodeId,
    pub code_hash: String,
    pub tries: i64,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

pub(super) async fn by_email(db: &mut Read, email: &EmailAddress) -> Result<Option<User>> {
    Ok(db
        .optional(sql!(
            "SELECT id, email, password_hash, full_name, email_verified, registered, totp_secret, totp_confirmed, totp_step,
                    created_at
             FROM users WHERE email_key = $1",
            email.key()
        ))
        .await?)
}

pub(super) async fn by_id(db: &mut Read, id: &UserId) -> Result<Option<User>> {
    Ok(db
        .optional(sql!(
            "SELECT id, email, password_hash, full_name, email_verified, registered, totp_secret, totp_confirmed, totp_step,
                    created_at
             FROM users WHERE id = $1",
            id
        ))
        .await?)
}

pub(super) async fn insert(db: &mut Write, user: &User, email: &EmailAddress) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO users (id, email, email_key, password_hash, full_name, email_verified, registered, totp_confirmed,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, FALSE, $8, $9)",
        &user.id,
        email.as_str(),
        email.key(),
        user.password_hash.as_str(),
        user.full_name.as_str(),
        user.email_verified,
        user.registered,
        user.created_at,
        user.created_at,
    ))
    .await?;
    Ok(())
}

/// Somebody signs up again with an address that nobody has proven: what they give counts, the spelling of the
/// address too, because whoever came first may have chosen one that does not reach them.
pub(super) async fn replace_credentials(
    db: &mut Write,
    id: &UserId,
    email: &EmailAddress,
    password_hash: &str,
    full_name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE users SET email = $2, password_hash = $3, full_name = $4, updated_at = $5 WHERE id = $1",
        id,
        email.as_str(),
        password_hash,
        full_name,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn insert_code(
    db: &mut Write,
    id: &CodeId,
    user: &UserId,
    code_hash: &str,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO email_codes (id, user_id, code_hash, tries, expires_at, created_at) VALUES ($1, $2, $3, 0, $4, $5)",
        id,
        user,
        code_hash,
        expires_at,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn newest_code(db: &mut Read, user: &UserId) -> Result<Option<Code>> {
    Ok(db
        .optional(sql!(
            "SELECT id, code_hash, tries, expires_at, used_at FROM email_codes WHERE user_id = $1
             ORDER BY created_at DESC, id DESC LIMIT 1",
            user
        ))
        .await?)
}

pub(super) async fn count_try(db: &mut Write, id: &CodeId) -> Result<()> {
    db.execute(sql!("UPDATE email_codes SET tries = tries + 1 WHERE id = $1", id)).await?;
    Ok(())
}

pub(super) async fn use_code(db: &mut Write, id: &CodeId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE email_codes SET used_at = $2 WHERE id = $1", id, now)).await?;
    Ok(())
}

pub(super) async fn set_verified(db: &mut Write, id: &UserId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE users SET email_verified = TRUE, updated_at = $2 WHERE id = $1", id, now))
        .await?;
    Ok(())
}

pub(super) async fn set_password(db: &mut Write, id: &UserId, hash: &str, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1", id, hash, now))
        .await?;
    Ok(())
}

/// Revokes every key that a person has made.
pub(super) async fn revoke_keys(db: &mut Write, user: &UserId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!(
        "UPDATE api_keys SET revoked_at = $2 WHERE created_by = $1 AND revoked_at IS NULL",
        user,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn set_name(db: &mut Write, id: &UserId, name: &str, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE users SET full_name = $2, updated_at = $3 WHERE id = $1", id, name, now)).await?;
    Ok(())
}

/// Sets or clears the second factor; recovery codes of an earlier one go.
pub(super) async fn set_totp(
    db: &mut Write,
    id: &UserId,
    sealed: Option<&str>,
    confirmed: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE users SET totp_secret = $2, totp_confirmed = $3, totp_step = NULL, updated_at = $4 WHERE id = $1",
        id,
        sealed.map(str::to_owned),
        confirmed,
        now
    ))
    .await?;
    db.execute(sql!("DELETE FROM recovery_codes WHERE user_id = $1", id)).await?;
    Ok(())
}

pub(super) async fn confirm_totp(
    db: &mut Write,
    id: &UserId,
    recovery_hashes: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!("UPDATE users SET totp_confirmed = TRUE, updated_at = $2 WHERE id = $1", id, now))
        .await?;
    for hash in recovery_hashes {
        db.execute(sql!(
            "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)",
            id,
            hash.as_str()
        ))
        .await?;
    }
    Ok(())
}

/// Whether the step is later than the last; of two logins with one code, one gets in.
pub(super) async fn use_totp_step(db: &mut Write, id: &UserId, step: i64) -> Result<bool> {
    let used = db
        .execute(sql!(
            "UPDATE users SET totp_step = $2 WHERE id = $1 AND (totp_step IS NULL OR totp_step < $2)",
            id,
            step
        ))
        .await?;
    Ok(used == 1)
}

pub(super) async fn use_recovery_code(
    db: &mut Write,
    id: &UserId,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = db
        .execute(sql!(
            "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
            id,
            hash,
            now
        ))
        .await?;
    Ok(used == 1)
}

pub(super) async fn insert_link(
    db: &mut Write,
    token_hash: &str,
    purpose: Purpose,
    user: &UserId,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO mail_links (token_hash, purpose, user_id, expires_at, created_at) VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        purpose.as_str(),
        user,
        expires_at,
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn is_good_link(
    db: &mut Read,
    token_hash: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<bool> {
    let found = db
        .count(sql!(
            "SELECT count(*) FROM mail_links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3",
            token_hash,
            purpose.as_str(),
            now
        ))
        .await?;
    Ok(found > 0)
}

/// Whose link it was; `None` when it is not good any more. Other links of the same purpose go with it.
pub(super) async fn use_link(
    db: &mut Write,
    token_hash: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<UserId>> {
    let row: Option<(UserId,)> = db
        .optional(sql!(
            "DELETE FROM mail_links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING user_id",
            token_hash,
            purpose.as_str(),
            now
        ))
        .await?;
    let Some((user,)) = row else { return Ok(None) };
    db.execute(sql!("DELETE FROM mail_links WHERE user_id = $1 AND purpose = $2", &user, purpose.as_str()))
        .await?;
    Ok(Some(user))
}

/// A session that is open.
#[derive(Clone, Debug, FromRow)]
pub struct OpenSession {
    /// The session.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// The client's address when it was opened.
    pub address: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
}

pub(super) async fn insert_session(
    db: &mut Write,
    id: &SessionId,
    user: &UserId,
    origin: &Origin,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO sessions (id, user_id, address, user_agent, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        user,
        origin.address.map(|address| address.to_string()),
        origin.user_agent.clone(),
        now,
        now,
        expires_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn prolong_session(
    db: &mut Write,
    id: &SessionId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1",
        id,
        now,
        expires_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn note_session(db: &mut Write, id: &SessionId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE sessions SET last_seen_at = $2 WHERE id = $1", id, now)).await?;
    Ok(())
}

pub(super) async fn end_session(db: &mut Write, id: &SessionId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, now)).await?;
    Ok(())
}

/// Ends all of a person's sessions, or all but one.
pub(super) async fn end_sessions(
    db: &mut Write,
    user: &UserId,
    but: Option<&SessionId>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL",
        user,
        but.map_or("", SessionId::as_str),
        now
    ))
    .await?;
    Ok(())
}

pub(super) async fn open_sessions(
    db: &mut Read,
    user: &UserId,
    now: DateTime<Utc>,
) -> Result<Vec<OpenSession>> {
    Ok(db
        .all(sql!(
            "SELECT id, created_at, last_seen_at, expires_at, address, user_agent FROM sessions
             WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC",
            user,
            now
        ))
        .await?)
}

/// The person of an open session, and when it was last seen.
pub(super) async fn session_user(
    db: &mut Read,
    id: &SessionId,
    now: DateTime<Utc>,
) -> Result<Option<(User, DateTime<Utc>)>> {
    #[derive(FromRow)]
    struct Row {
        #[sqlx(flatten)]
        user: User,
        last_seen_at: DateTime<Utc>,
    }
    let row: Option<Row> = db
        .optional(sql!(
            "SELECT u.id, u.email, u.password_hash, u.full_name, u.email_verified, u.registered, u.totp_secret,
                    u.totp_confirmed, u.totp_step, u.created_at, s.last_seen_at
             FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2",
            id,
            now
        ))
        .await?;
    Ok(row.map(|row| (row.user, row.last_seen_at)))
}

pub(super) async fn memberships(db: &mut Read, user: &UserId) -> Result<Vec<Membership>> {
    let rows: Vec<(WorkspaceId, String, String)> = db
        .all(sql!(
            "SELECT w.id, m.role, w.plan FROM members m JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.user_id = $1 AND w.erased_at IS NULL ORDER BY w.id",
            user
        ))
        .await?;
    rows.into_iter()
        .map(|(workspace, role, plan)| Ok(Membership { workspace, role: role.parse()?, plan: plan.parse()? }))
        .collect()
}

/// A refresh token with the state of its session.
#[derive(FromRow)]
pub(super) struct RefreshToken {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub used_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

pub(super) async fn refresh_token(db: &mut Read, hash: &str) -> Result<Option<RefreshToken>> {
    Ok(db
        .optional(sql!(
            "SELECT r.session_id, s.user_id, r.used_at, s.ended_at, s.expires_at FROM refresh_tokens r
             JOIN sessions s ON s.id = r.session_id WHERE r.token_hash = $1",
            hash
        ))
        .await?)
}

pub(super) async fn insert_refresh_token(
    db: &mut Write,
    hash: &str,
    session: &SessionId,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, $3)",
        hash,
        session,
        now
    ))
    .await?;
    Ok(())
}

/// Whether it was not used before; of two that come at once, one is exchanged.
pub(super) async fn use_refresh_token(db: &mut Write, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let used = db
        .execute(sql!(
            "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL",
            hash,
            now
        ))
        .await?;
    Ok(used == 1)
}
