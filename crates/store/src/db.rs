//! One handle over two databases.

use std::{
    ops::{Deref, DerefMut},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, Executor, FromRow, PgConnection, PgPool, Postgres, SqlSafeStr, Sqlite,
    SqliteConnection, SqlitePool, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::{Sql, checkpoints::Checkpoints, migrate};

/// How long a statement waits for another writer before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a lost connection that listens is made again.
const RECONNECT: Duration = Duration::from_secs(1);
/// Statements that a connection keeps prepared.
const STATEMENT_CACHE: usize = 256;

/// Which database, and where.
#[derive(Clone, Debug)]
pub enum DbConfig {
    /// A file, made when it is missing; its folder must exist.
    Sqlite {
        /// The database file.
        file: PathBuf,
        /// Connections that read at once.
        readers: u32,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host/database`; never logged.
        url: String,
        /// A schema of its own instead of the connection's default; used by tests.
        schema: Option<String>,
        /// Connections at once.
        connections: u32,
    },
}

/// The databases differ in little, but where they do the caller asks which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite in WAL mode.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// A struct that `#[derive(sqlx::FromRow)]` reads from either database.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// The database: gives out [`Read`]s and [`Write`]s. Cheap to clone.
#[derive(Clone)]
pub struct Db(Pools);

#[derive(Clone)]
enum Pools {
    Sqlite { readers: SqlitePool, writer: SqlitePool, checkpoints: Arc<Checkpoints> },
    Postgres(PgPool),
}

/// Pages that the writer keeps, as SQLite has it: 32 MB, which it takes as it needs them.
const WRITER_CACHE: &str = "-32768";
/// Pages of 4 KB after which the writer itself brings what is left of the log into the file, to begin it anew; a log that
/// became so long by writing without a pause is cut to so many bytes then.
const CHECKPOINT_PAGES: &str = "64000";
const LOG_BYTES: &str = "67108864";

impl Db {
    /// Brings the schema up to date, then opens the pools. Two servers may do this at once.
    ///
    /// # Errors
    /// When the database cannot be reached, or holds migrations this program does not know.
    pub async fn open(config: &DbConfig) -> sqlx::Result<Self> {
        Ok(Self(match config {
            DbConfig::Sqlite { file, readers } => {
                let options = sqlite_options(file);
                migrate::sqlite(file, &options).await?;
                // A connection to a file does not go stale, so the pool need not ask it before each use.
                let pool = |connections| {
                    SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
                };
                let writer = options
                    .clone()
                    .pragma("cache_size", WRITER_CACHE)
                    .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                    .pragma("journal_size_limit", LOG_BYTES);
                let writer = pool(1).connect_with(writer).await?;
                let checkpoints = Arc::new(Checkpoints::begin(pool(1).connect_lazy_with(options.clone())));
                let readers = pool(*readers).connect_with(options.pragma("query_only", "on")).await?;
                Pools::Sqlite { readers, writer, checkpoints }
            }
            DbConfig::Postgres { url, schema, connections } => {
                let options = postgres_options(url, schema.as_deref())?;
                migrate::postgres(&options, schema.as_deref()).await?;
                Pools::Postgres(
                    PgPoolOptions::new().max_connections(*connections).connect_with(options).await?,
                )
            }
        }))
    }

    /// A connection to read with. Waiting for one takes up to 14 KB, which stay in a box: otherwise the task of every
    /// call that reads would have room for them as long as it lives.
    ///
    /// # Errors
    /// When no connection can be had in time.
    pub async fn read(&self) -> sqlx::Result<Read> {
        Ok(Read(match &self.0 {
            Pools::Sqlite { readers, .. } => Inner::Sqlite(match readers.try_acquire() {
                Some(connection) => connection,
                None => Box::pin(readers.acquire()).await?,
            }),
            Pools::Postgres(pool) => Inner::Postgres(Box::pin(pool.acquire()).await?),
        }))
    }

    /// A transaction. On SQLite it holds the write lock from its start, so that two writers wait for each
    /// other instead of failing; dropping it rolls back.
    ///
    /// # Errors
    /// When no connection can be had in time.
    pub async fn write(&self) -> sqlx::Result<Write> {
        Ok(Write(Read(match &self.0 {
            Pools::Sqlite { writer, .. } => {
                Inner::SqliteTx(Box::pin(writer.begin_with("BEGIN IMMEDIATE")).await?)
            }
            Pools::Postgres(pool) => Inner::PostgresTx(Box::pin(pool.begin()).await?),
        })))
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match self.0 {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Waits until every connection is returned, then closes them; SQLite folds its log into the file.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { readers, writer, checkpoints } => {
                checkpoints.end().await;
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Calls `heard` with the channel whenever a server announces something on one, and with each of them whenever
    /// something may have been missed because the connection was lost. Never returns; on SQLite there is nothing to
    /// hear.
    pub async fn listen(&self, channels: &[&'static str], heard: impl Fn(&str)) {
        let Pools::Postgres(pool) = &self.0 else { return std::future::pending().await };
        loop {
            if let Ok(mut listener) = PgListener::connect_with(pool).await
                && listener.listen_all(channels.iter().copied()).await.is_ok()
            {
                channels.iter().for_each(|channel| heard(channel));
                // `None` says that the connection was lost; the listener makes a new one.
                while let Ok(message) = listener.try_recv().await {
                    match message {
                        Some(message) => heard(message.channel()),
                        None => channels.iter().for_each(|channel| heard(channel)),
                    }
                }
            }
            channels.iter().for_each(|channel| heard(channel));
            tokio::time::sleep(RECONNECT).await;
        }
    }

    /// Prepares a statement without running it; the parity test's tool.
    ///
    /// # Errors
    /// What the database says of the statement.
    pub async fn prepare(&self, text: &'static str) -> sqlx::Result<()> {
        match &self.0 {
            Pools::Sqlite { writer, .. } => {
                writer.acquire().await?.prepare(text.into_sql_str()).await.map(drop)
            }
            Pools::Postgres(pool) => pool.acquire().await?.prepare(text.into_sql_str()).await.map(drop),
        }
    }

    /// The tables and columns there are, as `table.column`, sorted; the parity test's tool.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn columns(&self) -> sqlx::Result<Vec<String>> {
        let text = match self.dialect() {
            Dialect::Sqlite => {
                "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_%' ESCAPE '\\'"
            }
            Dialect::Postgres => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%'"
            }
        };
        let mut columns: Vec<(String,)> = self.read().await?.all(Sql::new(text)).await?;
        columns.sort();
        Ok(columns.into_iter().map(|(name,)| name).collect())
    }
}

fn sqlite_options(file: &std::path::Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8192")
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging()
}

fn postgres_options(url: &str, schema: Option<&str>) -> sqlx::Result<PgConnectOptions> {
    let mut options = PgConnectOptions::from_str(url)?
        .application_name("frontdesk")
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    if let Some(schema) = schema {
        options = options.options([("search_path", schema)]);
    }
    Ok(options)
}

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

enum Raw<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A connection that reads. Inside a [`Write`] it reads what that transaction has written.
pub struct Read(Inner);

impl Read {
    fn raw(&mut self) -> Raw<'_> {
        match &mut self.0 {
            Inner::Sqlite(c) => Raw::Sqlite(c),
            Inner::SqliteTx(c) => Raw::Sqlite(c),
            Inner::Postgres(c) => Raw::Postgres(c),
            Inner::PostgresTx(c) => Raw::Postgres(c),
        }
    }

    /// Which database this connection speaks to.
    pub fn dialect(&self) -> Dialect {
        match self.0 {
            Inner::Sqlite(_) | Inner::SqliteTx(_) => Dialect::Sqlite,
            Inner::Postgres(_) | Inner::PostgresTx(_) => Dialect::Postgres,
        }
    }

    /// All rows.
    ///
    /// # Errors
    /// What the database says.
    pub async fn all<T: Row>(&mut self, sql: Sql) -> sqlx::Result<Vec<T>> {
        let (text, values) = sql.into_parts(self.dialect());
        match self.raw() {
            Raw::Sqlite(c) => sqlx::query_as_with(text, values).fetch_all(c).await,
            Raw::Postgres(c) => sqlx::query_as_with(text, values).fetch_all(c).await,
        }
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn optional<T: Row>(&mut self, sql: Sql) -> sqlx::Result<Option<T>> {
        let (text, values) = sql.into_parts(self.dialect());
        match self.raw() {
            Raw::Sqlite(c) => sqlx::query_as_with(text, values).fetch_optional(c).await,
            Raw::Postgres(c) => sqlx::query_as_with(text, values).fetch_optional(c).await,
        }
    }

    /// The first row, which must be there.
    ///
    /// # Errors
    /// What the database says, or [`sqlx::Error::RowNotFound`].
    pub async fn one<T: Row>(&mut self, sql: Sql) -> sqlx::Result<T> {
        self.optional(sql).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The one number that a `SELECT count(*)` or `sum` gives.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count(&mut self, sql: Sql) -> sqlx::Result<i64> {
        Ok(self.one::<(i64,)>(sql).await?.0)
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&mut self) -> sqlx::Result<()> {
        match self.raw() {
            Raw::Sqlite(c) => c.ping().await,
            Raw::Postgres(c) => c.ping().await,
        }
    }
}

/// A transaction: everything a [`Read`] can, and change.
pub struct Write(Read);

impl Write {
    /// Runs a statement; gives the number of rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&mut self, sql: Sql) -> sqlx::Result<u64> {
        let (text, values) = sql.into_parts(self.dialect());
        match self.raw() {
            Raw::Sqlite(c) => Ok(sqlx::query_with(text, values).execute(c).await?.rows_affected()),
            Raw::Postgres(c) => Ok(sqlx::query_with(text, values).execute(c).await?.rows_affected()),
        }
    }

    /// Tells every server that listens on a channel, once this is committed. SQLite has one server, which needs
    /// not be told.
    ///
    /// # Errors
    /// What the database says.
    pub async fn announce(&mut self, channel: &'static str) -> sqlx::Result<()> {
        match self.raw() {
            Raw::Sqlite(_) => Ok(()),
            Raw::Postgres(c) => {
                sqlx::query("SELECT pg_notify($1, '')").bind(channel).execute(c).await.map(drop)
            }
        }
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// What the database says; then nothing has changed.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.0.0 {
            Inner::SqliteTx(tx) => tx.commit().await,
            Inner::PostgresTx(tx) => tx.commit().await,
            Inner::Sqlite(_) | Inner::Postgres(_) => unreachable!("Db::write makes transactions only"),
        }
    }
}

impl Deref for Write {
    type Target = Read;
    fn deref(&self) -> &Read {
        &self.0
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.0
    }
}
