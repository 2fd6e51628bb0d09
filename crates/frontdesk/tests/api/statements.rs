//! Every statement of the program is understood by both databases and names its tenant, and both schemas are one.

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

/// What finds out which workspace is meant: a person's memberships, a key, an invitation's link, the share page's
/// agent, a public agent, a form's public page; and what serves all of them alike: the keys of a person whose account
/// was another's, a key's last use, the operator's look for old vectors, the event log's readers, conversations that
/// have fallen silent, the senders to webhooks, credits that lapsed and periods that ended, what visitors left a day ago;
/// and what a payment provider names: a customer, a purchase, a card.
const OPENINGS: [&str; 22] = [
    "m.user_id = $1",
    "k.key_hash = $1",
    "i.token_hash = $1",
    "WHERE a.id = $1 AND w.erased_at IS NULL",
    "WHERE a.id = $1 AND a.status = 'PUBLISHED' AND a.settings ->> 'visibility' IN ('public', 'restricted')",
    "WHERE f.id = $1 AND w.erased_at IS NULL",
    "WHERE created_by = $1 AND revoked_at IS NULL",
    "UPDATE api_keys SET last_used_at = $2 WHERE id = $1",
    "coalesce(embedding, '') <> $1",
    "FROM events WHERE position IS NULL",
    "FROM events WHERE position > $1",
    "DELETE FROM events WHERE created_at < $1",
    "UPDATE conversations SET ended_at",
    "FROM webhooks h JOIN workspaces w ON w.id = h.workspace_id",
    "DELETE FROM webhook_deliveries WHERE created_at < $1",
    "FROM credit_holds WHERE expires_at <= $1",
    "WHERE s.period_end <= $1",
    "WHERE s.customer = $1",
    "WHERE p.id = $1",
    "WHERE m.provider_id = $1",
    "DELETE FROM visitor_files WHERE created_at <= $1",
    "DELETE FROM visitor_codes WHERE created_at <= $1",
];

#[tokio::test]
async fn every_statement_on_a_tenants_table_names_the_tenant() {
    let server = start(Database::Sqlite).await;
    let columns = server.app.db.columns().await.unwrap();
    let tables: Vec<&str> = columns.iter().filter_map(|name| name.strip_suffix(".workspace_id")).collect();
    assert!(tables.contains(&"documents") && tables.contains(&"audit_log"));
    for statement in store::STATEMENTS {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let touches = |word: &[&str]| {
            matches!(word[0], "FROM" | "JOIN" | "INTO" | "UPDATE")
                && tables.contains(&word[1])
                && word[1] != "jobs"
        };
        let text = words.join(" ");
        let names = text.contains("workspace_id = $")
            || text
                .split("VALUES")
                .next()
                .is_some_and(|head| head.starts_with("INSERT") && head.contains("workspace_id"));
        let opens = OPENINGS.iter().any(|opening| text.contains(opening));
        assert!(names || opens || !words.windows(2).any(touches), "{text}");
    }
    server.stop().await;
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
