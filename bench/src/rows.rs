//! Rows put straight into a server's database, where the calls that would lead to them would take hours.

use std::path::Path;

use store::{Db, DbConfig, Sql, Value};

use crate::Result;

/// Rows of one statement: few enough for SQLite's limit of values.
const AT_ONCE: usize = 500;
/// Rows of one transaction.
const COMMIT: usize = 50_000;

/// The database of a stopped server's data folder.
pub async fn open(data: &Path) -> Result<Db> {
    Ok(Db::open(&DbConfig::Sqlite { file: data.join("frontdesk.db"), readers: 1 }).await?)
}

/// Puts rows into a table; `insert` ends in `VALUES`.
pub async fn insert(
    db: &Db,
    insert: &'static str,
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<u64> {
    let (mut rows, mut count) = (rows.into_iter().peekable(), 0);
    while rows.peek().is_some() {
        let mut write = db.write().await?;
        for _ in 0..COMMIT / AT_ONCE {
            if rows.peek().is_none() {
                break;
            }
            let some = rows.by_ref().take(AT_ONCE);
            count += write.execute(some.fold(Sql::new(insert), Sql::push_row)).await?;
        }
        write.commit().await?;
    }
    Ok(count)
}
