//! Analytics: reports that are right, questions put together by meaning, and answers to what could not be answered.

use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use platform::{Tenant, analytics, conversations, identity};
use serde_json::{Value, json};
use testkit::{Database, Owner, Server, on_both};

use super::{PROGRAM, start};

const SHOP: &str = "https://shop.example.com";
const HELP: &str = "Pricing plans\n\nThe Starter plan costs 29 dollars per month and includes five agents.\n";
const PRICE: &str = "How much does the Starter plan cost?";

/// A server whose embeddings find texts alike that share words.
async fn start_with_meaning(database: Database) -> Server {
    let words = testkit::embeddings().await;
    Server::start_with(database, PROGRAM, |config| config.embedding = Some(words)).await
}

/// An owner with an agent that knows something, and a key of theirs.
struct Shop {
    owner: Owner,
    agent: String,
    key: String,
}

async fn shop(server: &Server) -> Shop {
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    server.upload(&owner, &collection, "help.txt", HELP).await;
    let agent = server.agent(&owner, &collection).await;
    let key = server.key(&owner).await;
    Shop { owner, agent, key }
}

impl Shop {
    /// Asks as a visitor; the message's id.
    async fn ask(&self, server: &Server, session: &str, text: &str) -> String {
        let body = json!({ "agent_id": self.agent, "session_id": session, "message": text });
        let frames =
            server.post("/api/v1/widget/chat").page(&self.key, SHOP).json(body).send().await.frames();
        assert_eq!(frames.last().unwrap()["type"], "done", "{frames:?}");
        frames[0]["message_id"].as_str().unwrap().to_owned()
    }

    async fn think(&self, server: &Server, message: &str, opinion: &str) {
        let body = json!({ "message_id": message, "feedback_type": opinion, "comment": "Because" });
        server.post("/api/v1/widget/feedback").page(&self.key, SHOP).json(body).send().await.expect(200);
    }

    async fn escalate(&self, server: &Server, session: &str, email: &str) {
        let body =
            json!({ "session_id": session, "agent_id": self.agent, "email": email, "message": "Call me" });
        server.post("/api/v1/widget/escalate").page(&self.key, SHOP).json(body).send().await.expect(200);
    }

    async fn get(&self, server: &Server, path: &str) -> Value {
        self.call(server, Method::GET, path, Value::Null).await.expect(200)
    }

    async fn call(&self, server: &Server, method: Method, path: &str, body: Value) -> testkit::Answer {
        let call = server.within(&self.owner, method, &format!("/analytics/{path}"));
        if body.is_null() { call.send().await } else { call.json(body).send().await }
    }

    /// The one unanswered question that holds some words.
    async fn unanswered(&self, server: &Server, words: &str) -> Value {
        let list = self.get(server, "unanswered?status=ALL&limit=100").await;
        let holds = |one: &&Value| one["question"].as_str().unwrap().contains(words);
        let found: Vec<_> = list["unanswered"].as_array().unwrap().iter().filter(holds).collect();
        assert_eq!(found.len(), 1, "{list}");
        found[0].clone()
    }

    async fn tenant(&self, server: &Server) -> Tenant {
        let caller = identity::authenticate(&server.app, &self.owner.token).await.unwrap();
        caller.enter(&self.owner.workspace.parse().unwrap()).unwrap().0
    }
}

/// Waits until questions have been put together: a report only waits a moment for that.
async fn until(server: &Server, shop: &Shop, path: &str, good: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..400 {
        last = shop.get(server, path).await;
        if good(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never was as it should be: {last}")
}

/// A report on questions without the ids of its topics.
fn without_ids(mut report: Value) -> Value {
    for list in ["top_questions", "trending"] {
        for asking in report[list].as_array_mut().unwrap() {
            asking.as_object_mut().unwrap().remove("topic_id");
        }
    }
    report
}

on_both! {
    async fn reports_hold_what_has_just_happened(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let first = shop.ask(&server, "sess_a", PRICE).await;
        server.app.clock.advance(TimeDelta::seconds(90));
        shop.ask(&server, "sess_a", "Do you fly to the moon base?").await;
        shop.ask(&server, "sess_b", PRICE).await;
        shop.think(&server, &first, "THUMBS_DOWN").await;
        shop.think(&server, &first, "THUMBS_UP").await;
        shop.escalate(&server, "sess_b", "visitor@example.com").await;
        let overview = shop.get(&server, "overview?days=7").await;
        assert_eq!(overview["period"], json!({ "start": "2026-09-15", "end": "2026-09-21" }));
        let stats = &overview["stats"];
        for (name, value) in [
            ("total_conversations", json!(2)),
            ("total_messages", json!(6)),
            ("active_agents", json!(1)),
            ("knowledge_documents", json!(1)),
            ("answered", json!(2)),
            ("unanswered", json!(1)),
            ("thumbs_up", json!(1)),
            ("thumbs_down", json!(0)),
            ("satisfaction_score", json!(5.0)),
            ("escalations", json!(1)),
            ("leads", json!(1)),
        ] {
            assert_eq!(stats[name], value, "{name} of {stats}");
        }
        assert_eq!(overview["trends"]["conversations_change"], 100.0);
        // What was only tried out counts for nothing.
        let run = json!({ "input": PRICE });
        server.post(&format!("/api/v1/agents/{}/preview/test", shop.agent)).bearer(&shop.owner.token).json(run).send().await.expect(200);
        assert_eq!(shop.get(&server, "overview?days=7").await["stats"]["total_conversations"], 2);

        server.app.clock.advance(TimeDelta::minutes(31));
        conversations::end_silent(&server.app).await.unwrap();
        let report = shop.get(&server, "conversations?days=7").await;
        let days = report["daily_data"].as_array().unwrap();
        assert_eq!(days.len(), 7, "days without conversations are there, too");
        assert_eq!((&days[6]["date"], &days[6]["conversations"], &days[6]["messages"]), (&json!("2026-09-21"), &json!(2), &json!(6)));
        assert_eq!(days[6]["avg_duration_seconds"], 45, "one of 90 seconds and one of none");
        assert_eq!(report["peak_hours"], json!([{ "hour": 14, "count": 2 }]));
        assert_eq!((&report["by_agent"][0]["agent_name"], &report["by_agent"][0]["percentage"]), (&json!("Support Bot"), &json!(100.0)));

        let opinions = shop.get(&server, "feedback?days=7").await;
        assert_eq!((&opinions["total"], &opinions["feedback"][0]["question"]), (&json!(1), &json!(PRICE)));
        assert_eq!(shop.get(&server, "feedback?days=7&feedback=THUMBS_DOWN").await["total"], 0);

        // The week after, all of it is the week before.
        server.app.clock.advance(TimeDelta::days(7));
        let session = server.log_in("owner@example.com").await;
        let token = session["access_token"].as_str().unwrap().to_owned();
        let shop = Shop { owner: Owner { token, ..shop.owner }, ..shop };
        let later = shop.get(&server, "overview?days=7").await;
        assert_eq!((&later["stats"]["total_conversations"], &later["trends"]["conversations_change"]), (&json!(0), &json!(-100.0)));
        server.stop().await;
    }

    async fn a_conversation_that_goes_on_sits_again(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        for _ in 0..2 {
            shop.ask(&server, "sess_a", PRICE).await;
            server.app.clock.advance(TimeDelta::seconds(60));
            shop.ask(&server, "sess_a", PRICE).await;
            server.app.clock.advance(TimeDelta::minutes(45));
            conversations::end_silent(&server.app).await.unwrap();
        }
        let day = &shop.get(&server, "conversations?days=7").await["daily_data"][6];
        assert_eq!((&day["conversations"], &day["avg_duration_seconds"]), (&json!(1), &json!(60)));
        server.stop().await;
    }

    async fn days_are_those_of_the_workspace(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        server.app.clock.advance(TimeDelta::hours(9)); // 23:13 in UTC
        shop.ask(&server, "sess_a", PRICE).await;
        let days = |report: &Value| {
            let days = report["daily_data"].as_array().unwrap();
            let busy = days.iter().filter(|day| day["conversations"] == 1);
            busy.map(|day| day["date"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let report = shop.get(&server, "conversations?days=7").await;
        assert_eq!((days(&report), &report["peak_hours"][0]["hour"]), (vec!["2026-09-21".to_owned()], &json!(23)));
        let zone = json!({ "timezone": "Asia/Kolkata" });
        server.within(&shop.owner, Method::PATCH, "").json(zone).send().await.expect(200);
        server.quiet().await;
        let report = shop.get(&server, "conversations?days=7").await;
        assert_eq!((days(&report), &report["peak_hours"][0]["hour"]), (vec!["2026-09-22".to_owned()], &json!(4)));
        server.stop().await;
    }

    async fn numbers_made_anew_are_the_same(database: Database) {
        let server = start_with_meaning(database).await;
        let shop = shop(&server).await;
        for n in 0..12 {
            let message = shop.ask(&server, &format!("sess_{}", n % 5), ["How much does the Starter plan cost please?", PRICE, "Which galaxies host your telescope warehouses?"][n % 3]).await;
            if n % 4 == 0 {
                shop.think(&server, &message, ["THUMBS_UP", "THUMBS_DOWN"][n % 2]).await;
            }
            server.app.clock.advance(TimeDelta::hours(1));
        }
        conversations::end_silent(&server.app).await.unwrap();
        let reports = ["overview?days=7", "conversations?days=7", "questions?days=7"];
        until(&server, &shop, "questions?days=7", |report| report["top_questions"].as_array().unwrap().iter().map(|one| one["count"].as_i64().unwrap()).sum::<i64>() == 12).await;
        let mut before = Vec::new();
        for report in reports {
            before.push(shop.get(&server, report).await);
        }
        assert_eq!(before[0]["stats"]["total_messages"], 24);
        assert_eq!(before[2]["top_questions"].as_array().unwrap().len(), 2, "{}", before[2]);
        let tenant = shop.tenant(&server).await;
        let mut db = server.app.db.write().await.unwrap();
        // Made anew whatever stands there.
        db.execute(store::Sql::new("UPDATE analytics_days SET conversations = conversations + 7")).await.unwrap();
        db.execute(store::Sql::new("UPDATE topic_days SET asked = asked + 7")).await.unwrap();
        db.execute(store::Sql::new("UPDATE topic_weeks SET asked = asked + 7")).await.unwrap();
        db.commit().await.unwrap();
        assert_ne!(shop.get(&server, reports[0]).await, before[0]);
        analytics::rebuild(&server.app, &tenant).await.unwrap();
        analytics::rebuild_topics(&server.app, &tenant).await.unwrap();
        assert_eq!(shop.get(&server, reports[0]).await, before[0]);
        assert_eq!(shop.get(&server, reports[1]).await, before[1]);
        let after = shop.get(&server, reports[2]).await;
        assert_eq!(without_ids(after), without_ids(before[2].clone()));
        // And they go on from there.
        shop.ask(&server, "sess_new", PRICE).await;
        let report = until(&server, &shop, "questions?days=7", |report| report["top_questions"][0]["count"] == 9).await;
        assert_eq!(report["top_questions"].as_array().unwrap().len(), 2, "the topics are the same: {report}");
        server.stop().await;
    }

    async fn questions_of_one_meaning_are_one(database: Database) {
        let server = start_with_meaning(database).await;
        let shop = shop(&server).await;
        let asked = [
            "Does your warehouse deliver lamps towards Norway?",
            "Does your warehouse deliver lamps towards Norway",
            "Does the warehouse deliver lamps towards Norway?!",
            "warehouse deliver lamps towards Norway",
            "Which colours have those curtains?",
        ];
        for (n, text) in asked.iter().enumerate() {
            shop.ask(&server, &format!("sess_{n}"), text).await;
            server.app.clock.advance(TimeDelta::seconds(1));
        }
        // What subjects are called is known a moment after their questions are.
        let report = until(&server, &shop, "questions?days=7", |report| {
            let counts = [0, 1].map(|n| &report["top_questions"][n]["count"]);
            counts == [4, 1] && report["categories"][0]["category"] != "Other"
        })
        .await;
        let top = &report["top_questions"];
        assert_eq!(top[0]["question"], asked[0], "named by the wording that was used most");
        assert_eq!((&top[0]["trend"], &top[1]["count"]), (&json!("up"), &json!(1)));
        assert_eq!(report["trending"].as_array().unwrap().len(), 1);
        let categories = report["categories"].as_array().unwrap();
        assert_eq!(categories.iter().map(|one| one["count"].as_i64().unwrap()).sum::<i64>(), 5, "{report}");
        assert_ne!(categories[0]["category"], "Other");

        let list = until(&server, &shop, "unanswered", |list| list["total"] == 2).await;
        let first = &list["unanswered"][0];
        assert_eq!((&first["occurrences"], &first["status"], &first["first_seen"]), (&json!(4), &json!("OPEN"), &json!("2026-09-21")));
        let id = first["id"].as_str().unwrap();
        let one = shop.get(&server, &format!("unanswered/{id}")).await;
        assert_eq!(one["wordings"].as_array().unwrap().len(), 3, "{one}");

        shop.call(&server, Method::POST, &format!("unanswered/{id}/resolve"), Value::Null).await.expect(200);
        let list = shop.get(&server, "unanswered").await;
        assert_eq!((&list["total"], &list["resolved_this_week"]), (&json!(1), &json!(1)));
        assert_eq!(shop.get(&server, "unanswered?status=RESOLVED").await["total"], 1);
        shop.call(&server, Method::POST, &format!("unanswered/{id}/reopen"), Value::Null).await.expect(200);
        assert_eq!(shop.get(&server, "unanswered").await["total"], 2);
        shop.call(&server, Method::POST, &format!("unanswered/{id}/resolve"), Value::Null).await.expect(200);
        // Asked again in yet other words, it is open again.
        shop.ask(&server, "sess_9", "Can your warehouse deliver lamps towards Norway?").await;
        let list = until(&server, &shop, "unanswered", |list| list["unanswered"][0]["occurrences"] == 5).await;
        assert_eq!((&list["total"], &list["unanswered"][0]["id"]), (&json!(2), &json!(id)));
        server.stop().await;
    }

    async fn an_answer_becomes_knowledge_is_tried_and_sent(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let question = "Which voltage do your garden lanterns need?";
        for (session, email) in [("sess_a", "ada@example.com"), ("sess_b", "bob@example.com")] {
            shop.ask(&server, session, question).await;
            shop.escalate(&server, session, email).await;
        }
        shop.ask(&server, "sess_c", question).await; // who leaves no address
        let id = shop.unanswered(&server, "lanterns").await["id"].as_str().unwrap().to_owned();
        let one = shop.get(&server, &format!("unanswered/{id}")).await;
        assert_eq!(one["askers"], json!({ "with_address": 2, "told": 0 }));
        shop.call(&server, Method::POST, &format!("unanswered/{id}/notify"), Value::Null).await.refused(422);
        let body = json!({ "answer": "Our garden lanterns need 12 volts.", "notify": true });
        let taken = shop.call(&server, Method::POST, &format!("unanswered/{id}/answer"), body).await.expect(202);
        assert!(taken["answer"]["test"].is_null(), "{taken}");
        for _ in 0..20 {
            server.quiet().await;
            server.app.clock.advance(TimeDelta::seconds(2));
        }
        server.quiet().await;
        let one = shop.get(&server, &format!("unanswered/{id}")).await;
        assert_eq!((&one["status"], &one["answer"]["test"]["passed"], &one["answer"]["notified"]), (&json!("RESOLVED"), &json!(true), &json!(2)), "{one}");
        assert!(one["answer"]["test"]["reply"].as_str().unwrap().contains("12 volts"));
        for email in ["ada@example.com", "bob@example.com"] {
            let mails = server.mails(email);
            assert_eq!(mails.len(), 1, "{email}");
            assert!(mails[0].contains("12 volts") && mails[0].contains("garden lanterns"), "{}", mails[0]);
        }
        let again = shop.call(&server, Method::POST, &format!("unanswered/{id}/notify"), Value::Null).await.expect(200);
        assert_eq!(again["answer"]["notified"], 2, "nobody is sent it twice");
        // Visitors get it from now on.
        shop.ask(&server, "sess_d", question).await;
        assert_eq!(shop.get(&server, &format!("unanswered/{id}")).await["status"], "RESOLVED");
        server.stop().await;
    }

    async fn bad_input_is_refused(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        for (path, field) in [
            ("overview?days=8", "days"),
            ("overview?days=-7", "days"),
            ("conversations?start_date=2026-09-20&end_date=2026-09-19", "start_date"),
            ("questions?start_date=yesterday", "start_date"),
            ("questions?end_date=2026-09-19", "start_date"),
            ("feedback?feedback=LOVE", "feedback"),
            ("unanswered?status=LOST", "status"),
            ("export?report=secrets", "report"),
            ("export?format=xls", "format"),
            ("questions?limit=0", "limit"),
        ] {
            let (code, named) = shop.call(&server, Method::GET, path, Value::Null).await.refused(400);
            assert_eq!((&*code, named.as_deref()), ("INVALID_REQUEST", Some(field)), "{path}");
        }
        shop.call(&server, Method::GET, "overview?days=week", Value::Null).await.refused(400);
        shop.call(&server, Method::GET, "overview?agent_id=agent_000000000000000000000000", Value::Null).await.refused(404);
        shop.call(&server, Method::GET, "unanswered/uq_000000000000000000000000", Value::Null).await.refused(404);
        shop.ask(&server, "sess_a", "What is beyond the edge?").await;
        let id = shop.unanswered(&server, "edge").await["id"].as_str().unwrap().to_owned();
        for (body, field) in [
            (json!({ "answer": "  " }), "answer"),
            (json!({}), "answer"),
            (json!({ "answer": "Nothing.", "collection_id": "col_000000000000000000000000" }), "collection_id"),
        ] {
            let refused = shop.call(&server, Method::POST, &format!("unanswered/{id}/answer"), body.clone()).await.refused(400);
            assert_eq!(refused.1.as_deref(), Some(field), "{body}");
        }
        // A question as long as they may be can be kept on either database.
        let long: String = (0..560).map(|n| format!("w{:05} ", n * 7919 % 99_991)).collect();
        shop.ask(&server, "sess_a", &long[..3_900]).await;
        assert_eq!(shop.get(&server, "unanswered").await["total"], 2);
        server.stop().await;
    }

    async fn reports_go_out_as_files(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        shop.ask(&server, "sess_a", "=SUM(A1) on the moon?").await;
        for report in ["conversations", "questions", "unanswered", "feedback"] {
            for format in ["csv", "json"] {
                let path = format!("/analytics/export?days=7&report={report}&format={format}");
                let response = server.within(&shop.owner, Method::GET, &path).open().await;
                assert_eq!(response.status(), 200);
                let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
                assert_eq!(name, format!("attachment; filename=\"{report}.{format}\""));
                let body = response.text().await.unwrap();
                if report == "unanswered" && format == "csv" {
                    assert!(body.contains("'=SUM(A1) on the moon?"), "a formula is defused: {body}");
                }
                if report == "conversations" && format == "csv" {
                    assert!(body.lines().last().unwrap().starts_with("2026-09-21,1,2,1,0,1,"), "{body}");
                }
            }
        }
        server.stop().await;
    }
}
