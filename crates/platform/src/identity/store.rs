//! The tables of people and their codes.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Write, sql};

use super::EmailAddress;
use crate::{CodeId, Result, UserId};

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
    /// When the account was made.
    pub created_at: DateTime<Utc>,
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
            "SELECT id, email, password_hash, full_name, email_verified, created_at FROM users WHERE email_key = $1",
            email.key()
        ))
        .await?)
}

pub(super) async fn by_id(db: &mut Read, id: &UserId) -> Result<Option<User>> {
    Ok(db
        .optional(sql!(
            "SELECT id, email, password_hash, full_name, email_verified, created_at FROM users WHERE id = $1",
            id
        ))
        .await?)
}

pub(super) async fn insert(db: &mut Write, user: &User, email: &EmailAddress) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO users (id, email, email_key, password_hash, full_name, email_verified, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &user.id,
        email.as_str(),
        email.key(),
        user.password_hash.as_str(),
        user.full_name.as_str(),
        user.email_verified,
        user.created_at,
        user.created_at,
    ))
    .await?;
    Ok(())
}

pub(super) async fn replace_credentials(
    db: &mut Write,
    id: &UserId,
    password_hash: &str,
    full_name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE users SET password_hash = $2, full_name = $3, updated_at = $4 WHERE id = $1",
        id,
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

pub(super) async fn use_code(db: &mut Write, id: &CodeId, user: &UserId, now: DateTime<Utc>) -> Result<()> {
    db.execute(sql!("UPDATE email_codes SET used_at = $2 WHERE id = $1", id, now)).await?;
    db.execute(sql!("UPDATE users SET email_verified = TRUE, updated_at = $2 WHERE id = $1", user, now))
        .await?;
    Ok(())
}
