//! The event log: what happened is written once, where it becomes true, and read in order by whoever wants it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use platform::{
    Tenant, conversations,
    events::{self, Event, Fact, Kind},
    identity,
};
use serde_json::{Value, json};
use testkit::{Database, Owner, Server, on_both};

use super::start;

const SHOP: &str = "https://shop.example.com";
const HELP: &str = "Pricing plans\n\nThe Starter plan costs 29 dollars per month and includes five agents.\n";

/// Everything that a reader has not read.
async fn read(server: &Server, reader: &'static str) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some((db, events)) = events::read_on(&server.app, reader).await.unwrap() {
        db.commit().await.unwrap();
        all.extend(events);
    }
    all
}

fn kinds(events: &[Event]) -> Vec<Kind> {
    events.iter().map(|event| event.fact.kind()).collect()
}

async fn tenant(server: &Server, owner: &Owner) -> Tenant {
    let caller = identity::authenticate(&server.app, &owner.token).await.unwrap();
    caller.enter(&owner.workspace.parse().unwrap()).unwrap().0
}

fn submission(n: usize) -> Fact {
    let agent = "agent_000000000000000000000000".parse().unwrap();
    let form = "form_000000000000000000000000".parse().unwrap();
    let submission = format!("sub_{n:024}").parse().unwrap();
    Fact::FormSubmitted { submission, form, agent, contact: None }
}

fn number(event: &Event) -> usize {
    match &event.fact {
        Fact::FormSubmitted { submission, .. } => submission.as_str()["sub_".len()..].parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

on_both! {
    async fn what_happens_is_written_where_it_becomes_true(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        server.upload(&owner, &collection, "help.txt", HELP).await;
        server.upload(&owner, &collection, "broken.pdf", "%PDF-1.7 nothing").await;
        let agent = server.agent(&owner, &collection).await;
        let set_up = read(&server, "test").await;
        assert_eq!(kinds(&set_up), [Kind::DocumentProcessed, Kind::DocumentProcessed, Kind::AgentPublished]);
        let facts: Vec<Value> = set_up.iter().map(|event| serde_json::to_value(&event.fact).unwrap()).collect();
        assert_eq!((&facts[0]["data"]["status"], &facts[0]["data"]["chunk_count"]), (&json!("COMPLETED"), &json!(1)));
        assert_eq!(facts[1]["data"]["status"], "FAILED");
        assert!(facts[1]["data"]["error_code"].is_string(), "{}", facts[1]);
        assert_eq!(facts[2]["data"], json!({ "agent_id": agent, "name": "Support Bot", "version": "1.1" }));

        let key = server.key(&owner).await;
        let ask = |text: &str| {
            let body = json!({ "agent_id": agent, "session_id": "sess_xyz", "message": text });
            server.post("/api/v1/widget/chat").page(&key, SHOP).json(body)
        };
        let frames = ask("How much does the Starter plan cost?").send().await.frames();
        assert_eq!(kinds(&read(&server, "test").await), [Kind::ConversationStarted, Kind::MessageReceived]);
        ask("Do you fly to the moon base?").send().await;
        assert_eq!(kinds(&read(&server, "test").await), [Kind::MessageReceived, Kind::AnswerNotFound]);

        let opinion = json!({ "message_id": frames[0]["message_id"], "feedback_type": "THUMBS_UP", "comment": "Thanks" });
        server.post("/api/v1/widget/feedback").page(&key, SHOP).json(opinion).send().await.expect(200);
        let wish = json!({ "session_id": "sess_xyz", "agent_id": agent, "email": "user@example.com", "message": "Call me" });
        server.post("/api/v1/widget/escalate").page(&key, SHOP).json(wish).send().await.expect(200);
        let told = read(&server, "test").await;
        assert_eq!(kinds(&told), [
            Kind::FeedbackSubmitted,
            Kind::ContactCreated,
            Kind::LeadCaptured,
            Kind::EscalationRequested
        ]);
        assert!(matches!(&told[0].fact, Fact::FeedbackSubmitted { feedback, comment: Some(comment), .. }
            if feedback == "THUMBS_UP" && comment == "Thanks"));

        let run = json!({ "input": "How much does the Starter plan cost?" });
        let execute = |path: &str| server.post(&format!("/api/v1/agents/{agent}/{path}")).bearer(&owner.token).json(run.clone()).send();
        execute("preview/test").await.expect(200);
        assert!(read(&server, "test").await.is_empty(), "an agent that is tried out has no visitors");
        execute("execute").await.expect(200);
        assert_eq!(kinds(&read(&server, "test").await), [Kind::ConversationStarted, Kind::MessageReceived, Kind::Executed]);

        server.app.clock.advance(TimeDelta::minutes(31));
        assert_eq!(conversations::end_silent(&server.app).await.unwrap(), 2, "the one that was tried out is not told of");
        assert_eq!(conversations::end_silent(&server.app).await.unwrap(), 0);
        assert_eq!(kinds(&read(&server, "test").await), [Kind::ConversationEnded, Kind::ConversationEnded]);
        ask("And the moon?").send().await;
        assert_eq!(kinds(&read(&server, "test").await)[0], Kind::MessageReceived, "it goes on, and does not start again");
        server.app.clock.advance(TimeDelta::minutes(31));
        assert_eq!(conversations::end_silent(&server.app).await.unwrap(), 1);
        server.stop().await;
    }

    async fn each_fact_is_read_once_and_in_order_while_many_are_written(database: Database) {
        const WRITERS: usize = 16;
        const EACH: usize = 40;
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let tenant = tenant(&server, &owner).await;
        let writing = (0..WRITERS).map(|writer| {
            let (app, tenant) = (server.app.clone(), tenant.clone());
            server.app.tasks.spawn(async move {
                for n in 0..EACH {
                    let mut db = app.db.write().await.unwrap();
                    events::record(&app, &mut db, &tenant, &submission(writer * EACH + n)).await.unwrap();
                    // On PostgreSQL others commit meanwhile what they wrote later.
                    tokio::time::sleep(Duration::from_micros(u64::from(app.entropy.below(2_000)))).await;
                    db.commit().await.unwrap();
                }
            })
        });
        let writing: Vec<_> = writing.collect();
        // Two servers read under one name: they share the work.
        let taken = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..2 {
            let (app, taken) = (server.app.clone(), taken.clone());
            server.app.tasks.spawn(async move {
                let mut reader = events::Reader::new(&app, "test");
                while let Some((db, events)) = reader.next(&app).await {
                    db.commit().await.unwrap();
                    taken.lock().unwrap().push(events);
                }
            });
        }
        for writer in writing {
            writer.await.unwrap();
        }
        // A reader of another name, who comes late, sees the same.
        let late = read(&server, "late").await;
        let count = || taken.lock().unwrap().iter().map(Vec::len).sum::<usize>();
        for _ in 0..400 {
            if count() >= WRITERS * EACH {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        server.stop().await;
        let taken = taken.lock().unwrap();
        let inside = |batch: &Vec<Event>| batch.windows(2).all(|pair| pair[0].position < pair[1].position);
        assert!(taken.iter().all(inside));
        let taken: Vec<usize> = taken.iter().flatten().map(number).collect();
        let unlike: BTreeSet<usize> = taken.iter().copied().collect();
        assert_eq!((taken.len(), unlike.len()), (WRITERS * EACH, WRITERS * EACH));

        let late_numbers: BTreeSet<usize> = late.iter().map(number).collect();
        assert_eq!((late.len(), late_numbers.len()), (WRITERS * EACH, WRITERS * EACH));
        let positions: Vec<i64> = late.iter().map(|event| event.position).collect();
        assert_eq!(positions, (1..=late.len() as i64).collect::<Vec<_>>(), "no gaps");
        for writer in 0..WRITERS {
            let own: Vec<usize> = late.iter().map(number).filter(|n| n / EACH == writer).collect();
            assert!(own.is_sorted(), "what one writes one after the other is read so");
        }
    }

    async fn what_a_reader_did_not_commit_is_read_again(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let tenant = tenant(&server, &owner).await;
        let mut db = server.app.db.write().await.unwrap();
        events::record(&server.app, &mut db, &tenant, &submission(7)).await.unwrap();
        db.commit().await.unwrap();
        let (db, first) = events::read_on(&server.app, "test").await.unwrap().unwrap();
        drop(db);
        assert_eq!(first.iter().map(number).collect::<Vec<_>>(), [7]);
        assert_eq!(read(&server, "test").await[0].id, first[0].id);
        assert!(read(&server, "test").await.is_empty());
        server.stop().await;
    }

    async fn events_are_kept_as_long_as_is_set(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let tenant = tenant(&server, &owner).await;
        for n in 0..2 {
            let mut db = server.app.db.write().await.unwrap();
            events::record(&server.app, &mut db, &tenant, &submission(n)).await.unwrap();
            db.commit().await.unwrap();
            assert_eq!(read(&server, "early").await.len(), 1);
            server.app.clock.advance(TimeDelta::days(300));
        }
        assert_eq!(events::sweep(&server.app).await.unwrap(), 1);
        assert_eq!(read(&server, "late").await.iter().map(number).collect::<Vec<_>>(), [1]);
        server.stop().await;
    }
}

/// The trap of every log that is numbered while it is written: the smaller number may be committed later.
#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_is_committed_late_is_not_skipped() {
    let server = start(Database::Postgres).await;
    let owner = server.owner("owner@example.com").await;
    let tenant = tenant(&server, &owner).await;
    let mut slow = server.app.db.write().await.unwrap();
    events::record(&server.app, &mut slow, &tenant, &submission(1)).await.unwrap();
    let mut quick = server.app.db.write().await.unwrap();
    events::record(&server.app, &mut quick, &tenant, &submission(2)).await.unwrap();
    quick.commit().await.unwrap();
    assert_eq!(read(&server, "test").await.iter().map(number).collect::<Vec<_>>(), [2]);
    slow.commit().await.unwrap();
    assert_eq!(read(&server, "test").await.iter().map(number).collect::<Vec<_>>(), [1]);
    assert_eq!(read(&server, "late").await.iter().map(number).collect::<Vec<_>>(), [2, 1]);
    server.stop().await;
}
