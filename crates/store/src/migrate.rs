//! Brings a database's schema up to date, safely when several servers start at once.

use std::{fs::File, path::Path};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, migrate::Migrator, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Migrates a SQLite file. SQLite has no advisory locks, so a lock on a file beside it makes a second server
/// wait. The connection is closed before the pools open: one that is older than a change of the schema can
/// hold stale statements.
pub(crate) async fn sqlite(file: &Path, options: &SqliteConnectOptions) -> sqlx::Result<()> {
    let lock_file = file.with_extension("lock");
    let lock = tokio::task::spawn_blocking(move || {
        let lock = File::create(lock_file)?;
        lock.lock()?;
        Ok::<_, std::io::Error>(lock)
    })
    .await
    .map_err(|e| sqlx::Error::Io(std::io::Error::other(e)))??;
    let mut connection = options.connect().await?;
    SQLITE.run(&mut connection).await?;
    connection.close().await?;
    drop(lock);
    Ok(())
}

/// Migrates a PostgreSQL database; sqlx holds an advisory lock meanwhile.
pub(crate) async fn postgres(options: &PgConnectOptions, schema: Option<&str>) -> sqlx::Result<()> {
    let mut connection = options.connect().await?;
    if let Some(schema) = schema {
        let quoted = schema.replace('"', "\"\"");
        connection.execute(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS \"{quoted}\""))).await?;
    }
    POSTGRES.run(&mut connection).await?;
    connection.close().await
}
