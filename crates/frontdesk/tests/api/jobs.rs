//! The queue: nothing is lost and nothing happens twice, whatever becomes of the workers.

use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use platform::{Clock, jobs};
use serde_json::json;
use testkit::{Database, Server, on_both};

use super::{PROGRAM, start};

async fn counts(server: &Server) -> (i64, i64, i64) {
    let counts = jobs::counts(&server.app).await.unwrap();
    (counts.queued, counts.running, counts.dead)
}

on_both! {
    async fn a_job_that_fails_is_tried_again_and_then_dead(database: Database) {
        let server = Server::start_with(database, PROGRAM, |config| {
            config.smtp_url = Some("smtp://127.0.0.1:1".into()); // nobody listens there
        }).await;
        let form = json!({ "email": "user@example.com", "password": "SecurePass123!", "full_name": "John Doe" });
        server.post("/api/v1/auth/signup").json(form).send().await.expect(201);
        for _ in 0..600 {
            server.app.clock.advance(TimeDelta::minutes(30));
            server.app.bell.ring();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if counts(&server).await == (0, 0, 1) {
                break;
            }
        }
        assert_eq!(counts(&server).await, (0, 0, 1), "the mail is kept among the dead");
        let mut db = server.app.db.read().await.unwrap();
        let (attempts, error): (i64, String) = db.one(store::Sql::new("SELECT attempts, last_error FROM jobs")).await.unwrap();
        assert_eq!(attempts, 6);
        assert!(!error.is_empty());
    }

    async fn a_worker_that_vanished_loses_no_job(database: Database) {
        // A server whose reader of documents never ends stands for one that hangs or is cut off.
        let server = Server::start_with(database, "/bin/sleep-forever-does-not-exist", |_| {}).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let call = server.within(&owner, Method::POST, "/documents").file("a.txt", "The door is red.", &[("collection_id", &collection)]);
        call.send().await.expect(202);
        // Take the job as a worker would that is killed right after: its lease stands in the database.
        server.app.stopping.cancel();
        server.app.tasks.close();
        server.app.tasks.wait().await;
        let mut db = server.app.db.write().await.unwrap();
        let taken = "UPDATE jobs SET status = 'RUNNING', lease_owner = 'killed', attempts = 1, lease_until = $1";
        let until = server.app.clock.now() + TimeDelta::seconds(60);
        db.execute(store::Sql::new(taken).bind(until)).await.unwrap();
        db.commit().await.unwrap();

        let mut config = server.app.config.clone();
        config.extractor = PROGRAM.into();
        let clock = Clock::standing_at(server.app.clock.now());
        let second = platform::App::open(config, clock.clone()).await.unwrap();
        second.start();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(counts(&server).await, (0, 1, 0), "a lease is respected while it lasts");
        clock.advance(TimeDelta::seconds(61));
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if counts(&server).await == (0, 0, 0) {
                break;
            }
        }
        let mut db = second.db.read().await.unwrap();
        let done: (String, i64) = db.one(store::Sql::new("SELECT status, chunk_count FROM documents")).await.unwrap();
        assert_eq!(done, ("COMPLETED".to_owned(), 1));
        drop(db);
        second.stop(Duration::from_secs(5)).await;
    }

    async fn many_workers_do_each_job_once(database: Database) {
        let server = Server::start_with(database, PROGRAM, |config| config.job_workers = 8).await;
        for n in 0..40 {
            let form = json!({ "email": format!("user{n}@example.com"), "password": "SecurePass123!", "full_name": "John Doe" });
            server.post("/api/v1/auth/signup").json(form).send().await.expect(201);
        }
        server.quiet().await;
        for n in 0..40 {
            assert_eq!(server.mails(&format!("user{n}@example.com")).len(), 1);
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_jobs_back() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let text = "The door is red and the floor is made of oak. ".repeat(20_000);
    let call = server.within(&owner, Method::POST, "/documents").file(
        "a.txt",
        text,
        &[("collection_id", &collection)],
    );
    call.send().await.expect(202);
    while counts(&server).await.1 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.app.stopping.cancel();
    server.app.tasks.close();
    server.app.tasks.wait().await;
    assert_eq!(counts(&server).await, (1, 0, 0), "the job waits for the next start");
    let mut db = server.app.db.read().await.unwrap();
    let (attempts,): (i64,) = db.one(store::Sql::new("SELECT attempts FROM jobs")).await.unwrap();
    assert_eq!(attempts, 0, "a try that was broken off does not count");
}
