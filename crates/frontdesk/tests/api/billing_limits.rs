//! What plans allow, where it bites, and the mails that tell of it before.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::Method;
use platform::billing::{Plan, Tariff};
use serde_json::{Value, json};
use testkit::{Answer, Database, Owner, Server, on_both};

use super::{
    PROGRAM,
    billing::{Company, text},
};

const SMALL: &str = "[plans.FREE]\nmessages_per_month = 10\nagents = 5\ndocuments = 2\nstorage_mb = 1\nseats = 2\ncredits_per_month = 100\nrequests_per_minute = 0";

async fn small(database: Database, tariff: &str) -> Company {
    let tariff = Tariff::read(tariff).unwrap();
    let server = Server::start_with(database, PROGRAM, |config| {
        config.default_plan = Plan::Free;
        config.tariff = tariff;
    });
    Company::new(server.await).await
}

/// A refusal by the plan, which names the limit and the plan.
fn full(answer: Answer, named: &str) {
    let message = text(&answer.json["message"]);
    assert!(message.contains(named) && message.contains("FREE"), "{message}");
    assert_eq!(answer.refused(422).0, "PLAN_LIMIT_REACHED");
}

/// What the owner was told, by subject, once there are so many mails: some are written beside the answer.
async fn told_by(server: &Server, count: usize) -> Vec<String> {
    for _ in 0..200 {
        let subjects = told(server).await;
        if subjects.len() >= count {
            return subjects;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    told(server).await
}

async fn told(server: &Server) -> Vec<String> {
    server.quiet().await;
    let mails = server.mails("owner@example.com");
    let subject =
        |mail: &String| mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
    let mut subjects: Vec<String> =
        mails.iter().map(subject).filter(|subject| subject.contains("has used")).collect();
    // Those of one moment come in any order.
    subjects.sort();
    subjects
}

async fn levels(company: &Company) -> Vec<(String, i64, Value, Value)> {
    let usage = company.get("billing/usage").await["usage"].clone();
    let level = |one: &Value| {
        (text(&one["limit"]), one["used"].as_i64().unwrap(), one["max"].clone(), one["warning"].clone())
    };
    usage["limits"].as_array().unwrap().iter().map(level).collect()
}

on_both! {
    async fn agents_are_as_many_as_the_plan_has(database: Database) {
        let company = small(database, SMALL).await;
        let make = || company.call(Method::POST, "agents", json!({ "name": "Bot", "type": "sales" }));
        for n in 0..3 {
            make().await.expect(201);
            assert_eq!(told(&company.server).await.len(), 0, "after {n}");
        }
        make().await.expect(201);
        assert_eq!(told(&company.server).await, ["My Company has used 80 % of its agents"]);
        // Two at once cannot both be the last.
        let answers = join_all((0..8).map(|_| make())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        full(answers.into_iter().find(|answer| answer.status != 201).unwrap(), "5 agents");
        let owner = Owner { token: company.token.clone(), workspace: company.id.clone() };
        full(company.server.within(&owner, Method::POST, "/agents").json(json!({ "name": "Bot" })).send().await, "5 agents");
        // The owner is told once in a period, whatever comes and goes.
        let agents = company.get("agents").await["agents"].clone();
        let at = format!("agents/{}", text(&agents[0]["agent_id"]));
        company.call(Method::DELETE, &at, json!({})).await.expect(200);
        make().await.expect(201);
        let subjects = told(&company.server).await;
        assert_eq!(subjects, ["My Company has used 80 % of its agents", "My Company has used all of its agents"]);
        assert_eq!(levels(&company).await[2], ("agents".into(), 5, json!(5), json!(100)));
        company.server.stop().await;
    }

    async fn documents_and_their_bytes_are_limited(database: Database) {
        let company = small(database, SMALL).await;
        let owner = Owner { token: company.token.clone(), workspace: company.id.clone() };
        let collection = company.server.collection(&owner).await;
        let upload = |name: &'static str, bytes: Vec<u8>| {
            let call = company.server.within(&owner, Method::POST, "/documents");
            call.file(name, bytes, &[("collection_id", &collection)]).send()
        };
        let words = |bytes: usize| "word ".repeat(bytes / 5).into_bytes();
        upload("a.txt", words(700_000)).await.expect(202);
        full(upload("b.txt", words(700_000)).await, "1 MB of storage");
        upload("b.txt", words(100_000)).await.expect(202);
        // Another version counts by what it adds.
        full(upload("b.txt", words(600_000)).await, "1 MB of storage");
        upload("a.txt", words(600_000)).await.expect(202);
        full(upload("c.txt", words(1_000)).await, "2 documents");
        let pasted = json!({ "title": "T", "content": "Text.", "collection_id": collection });
        full(company.server.within(&owner, Method::POST, "/documents/text").json(pasted).send().await, "2 documents");
        company.server.quiet().await;
        assert_eq!(company.server.documents(&owner).await.len(), 2, "what was refused is gone");
        assert_eq!(told(&company.server).await, ["My Company has used all of its documents"]);
        company.server.stop().await;
    }

    async fn seats_are_those_of_members_and_of_who_is_invited(database: Database) {
        let company = small(database, SMALL).await;
        let owner = Owner { token: company.token.clone(), workspace: company.id.clone() };
        let invite = |email: &'static str| {
            let call = company.server.within(&owner, Method::POST, "/invitations");
            call.json(json!({ "email": email, "role": "MEMBER" })).send()
        };
        invite("ada@example.com").await.expect(201);
        // The same address again is the same seat, and its newer link counts.
        company.server.app.clock.advance(TimeDelta::seconds(1));
        invite("ada@example.com").await.expect(201);
        full(invite("grace@example.com").await, "2 seats");
        let token = company.server.link("ada@example.com", "/console/invitation").await;
        let ada = text(&company.server.register("ada@example.com").await["access_token"]);
        company.server.post("/api/v1/invitations/accept").bearer(&ada).json(json!({ "token": token })).send().await.expect(200);
        full(invite("grace@example.com").await, "2 seats");
        assert_eq!(levels(&company).await[5], ("seats".into(), 2, json!(2), json!(100)));
        company.server.stop().await;
    }

    async fn a_month_has_so_many_messages(database: Database) {
        let company = small(database, SMALL).await;
        let agent = company.agent().await;
        let answers = join_all((0..16).map(|_| company.execute(&agent))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
        let refused = answers.into_iter().find(|answer| answer.status != 200).unwrap();
        let seconds: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        let message = text(&refused.json["message"]);
        assert!(message.contains("FREE") && message.contains("10 messages a month"), "{message}");
        assert_eq!(refused.refused(429).0, "RATE_LIMIT_EXCEEDED");
        // A preview is none of them, and a visitor is told nothing of plans.
        company.call(Method::POST, &format!("agents/{agent}/preview/test"), json!({ "input": "Where?" })).await.expect(200);
        let key = json!({ "name": "Page", "allowed_domains": ["*.example.com"] });
        let key = company.call(Method::POST, &format!("workspaces/{}/api-keys", company.id), key).await.expect(201);
        let body = json!({ "agent_id": agent, "session_id": "s1", "message": "Where?" });
        let visitor = company.server.post("/api/v1/widget/chat").page(key["key"].as_str().unwrap(), "https://shop.example.com");
        let visitor = visitor.json(body).send().await;
        assert!(!visitor.text.contains("plan") && !visitor.text.contains("FREE"), "{}", visitor.text);
        visitor.refused(429);
        assert_eq!(levels(&company).await[0], ("messages".into(), 10, json!(10), json!(100)));
        let subjects = told_by(&company.server, 2).await;
        let expected = ["My Company has used 80 % of its messages", "My Company has used all of its messages"];
        assert_eq!(subjects, expected);
        company.server.app.clock.advance(TimeDelta::seconds(seconds));
        let token = text(&company.server.log_in("owner@example.com").await["access_token"]);
        let company = Company { token, ..company };
        company.execute(&agent).await.expect(200);
        assert_eq!(levels(&company).await[0], ("messages".into(), 1, json!(10), Value::Null));
        company.sound().await;
        company.server.stop().await;
    }

    async fn the_owner_is_told_when_credits_run_out(database: Database) {
        let company = small(database, "[plans.FREE]\nmessages_per_month = 0\ncredits_per_month = 10\nrequests_per_minute = 0").await;
        let agent = company.agent().await;
        for _ in 0..10 {
            company.execute(&agent).await.expect(200);
        }
        company.execute(&agent).await.refused(402);
        let subjects = told(&company.server).await;
        let expected = ["My Company has used 80 % of its credits", "My Company has used all of its credits"];
        assert_eq!(subjects, expected);
        assert_eq!(levels(&company).await[1], ("credits".into(), 10, json!(10), json!(100)));
        // Whoever does not want to choose another plan can buy some.
        company.top_up(json!(90)).await.expect(200);
        assert_eq!(levels(&company).await[1], ("credits".into(), 10, json!(100), Value::Null));
        company.server.stop().await;
    }

    async fn a_larger_plan_has_room_at_once(database: Database) {
        let company = small(database, SMALL).await;
        let make = || company.call(Method::POST, "agents", json!({ "name": "Bot", "type": "sales" }));
        for _ in 0..5 {
            make().await.expect(201);
        }
        full(make().await, "5 agents");
        company.call(Method::PUT, "billing/subscription", json!({ "plan": "professional" })).await.expect(200);
        make().await.expect(201);
        let answer = company.server.get("/api/v1/billing/subscription").bearer(&company.token).send().await;
        assert_eq!(answer.headers["x-ratelimit-limit"], "300");
        company.server.stop().await;
    }
}
