//! Every statement of the program is understood by both databases, and both schemas are one.

use platform::{App, Clock};
use testkit::{Database, Server};

use super::{PROGRAM, start};

#[tokio::test]
async fn both_databases_understand_every_statement() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = start(database).await;
        assert!(store::STATEMENTS.len() > 40, "the statements are registered");
        for statement in store::STATEMENTS {
            if let Err(error) = server.app.db.prepare(statement).await {
                panic!("{database:?} refuses {statement}: {error}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (start(Database::Sqlite).await, start(Database::Postgres).await);
    let columns = sqlite.app.db.columns().await.unwrap();
    assert!(columns.contains(&"documents.indexed_generation".to_owned()));
    assert_eq!(columns, postgres.app.db.columns().await.unwrap());
    sqlite.stop().await;
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_migrate_once() {
    for database in [Database::Sqlite, Database::Postgres] {
        let mut shared = None;
        let server = Server::start_with(database, PROGRAM, |config| shared = Some(config.clone())).await;
        let config = shared.unwrap();
        let opened = (0..4).map(|_| App::open(config.clone(), Clock::system()));
        for app in futures_util::future::join_all(opened).await {
            app.expect("a second server opens the same database").db.close().await;
        }
        server.stop().await;
    }
}
