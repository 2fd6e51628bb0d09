//! Brings SQLite's log into its file beside the writer. Left to itself the writer does so in the middle of its work, and
//! while it waits for the disk nobody writes.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio::{task::JoinHandle, time::sleep};

/// Pages of the log that are worth the two times that the disk is waited for.
const WORTH_IT: i64 = 4_000;
/// How often a log that grows is looked at, and one that does not.
const BUSY: Duration = Duration::from_millis(50);
const QUIET: Duration = Duration::from_secs(1);

/// The work, which ends with this.
pub(crate) struct Checkpoints {
    connections: SqlitePool,
    work: JoinHandle<()>,
}

impl Checkpoints {
    /// Begins; `connections` are of its own.
    pub(crate) fn begin(connections: SqlitePool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "it ends with the database, on which a stop waits")]
        let work = tokio::spawn(work(connections.clone()));
        Self { connections, work }
    }

    pub(crate) async fn end(&self) {
        self.work.abort();
        self.connections.close().await;
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn work(connections: SqlitePool) {
    loop {
        let pause = match waiting(&connections).await {
            Ok(pages) if pages >= WORTH_IT => {
                // Readers may keep it from the end of the log; then there is more to do the next time.
                let done = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&connections).await;
                if done.is_ok() { BUSY } else { QUIET }
            }
            Ok(pages) if pages > WORTH_IT / 4 => BUSY,
            Ok(_) | Err(_) => QUIET,
        };
        sleep(pause).await;
    }
}

/// Pages of the log that are not in the file yet.
async fn waiting(connections: &SqlitePool) -> sqlx::Result<i64> {
    let (_busy, pages, done): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(NOOP)").fetch_one(connections).await?;
    Ok(pages - done)
}

#[cfg(test)]
mod tests {
    use sqlx::{
        Executor,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
    };

    use super::*;

    #[tokio::test]
    async fn a_long_log_is_brought_into_the_file_beside_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", "0");
        let pool = || SqlitePoolOptions::new().max_connections(1).connect_with(options.clone());
        let (writer, other) = (pool().await.unwrap(), pool().await.unwrap());
        writer.execute("CREATE TABLE t (x BLOB)").await.unwrap();
        assert!(waiting(&other).await.unwrap() > 0);
        writer.execute("INSERT INTO t VALUES (zeroblob(20000000))").await.unwrap();
        let before = waiting(&other).await.unwrap();
        assert!(before >= WORTH_IT, "{before} pages");
        let checkpoints = Checkpoints::begin(other.clone());
        let brought = async {
            while waiting(&writer).await.unwrap() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), brought).await.unwrap();
        checkpoints.end().await;
        assert!(other.is_closed());
    }
}
