//! A database of a test's own.

use std::path::Path;

use store::DbConfig;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in the test's folder.
    Sqlite,
    /// A schema of its own on the server that TEST_DATABASE_URL names.
    Postgres,
}

impl Database {
    /// The database of one test, whose name keeps it apart from the others.
    pub(crate) fn config(self, folder: &Path, name: &str) -> DbConfig {
        match self {
            Self::Sqlite => DbConfig::Sqlite { file: folder.join("test.db"), readers: 4 },
            Self::Postgres => {
                DbConfig::Postgres { url: Self::url(), schema: Some(format!("test_{name}")), connections: 6 }
            }
        }
    }

    /// The PostgreSQL server for tests.
    ///
    /// # Panics
    /// When TEST_DATABASE_URL is not set; `scripts/with-postgres` sets it.
    pub fn url() -> String {
        std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL names a PostgreSQL server; run tests by make test")
    }
}
