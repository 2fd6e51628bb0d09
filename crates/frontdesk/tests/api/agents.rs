//! Agents: drafts, versions, and what visitors get of them.

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, on_both};

use super::start;

on_both! {
    async fn an_agent_is_drafted_published_and_changed(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let form = json!({
            "name": "Support Bot", "description": "Customer support assistant", "agent_type": "SUPPORT",
            "behavior_settings": { "tone": "formal" },
            "response_config": { "max_response_length": 300, "confidence_threshold": 0.7 },
            "greeting_message": "Hello!", "fallback_message": "No idea.",
        });
        let made = server.within(&owner, Method::POST, "/agents").json(form).send().await.expect(201);
        assert_eq!((&made["status"], &made["version"]), (&json!("DRAFT"), &json!("1.0")));
        let id = made["id"].as_str().unwrap();
        let at = format!("/agents/{id}");
        let key = server.key(&owner).await;
        let config = format!("/api/v1/widget/config/{id}");
        let page = || server.get(&config).page(&key, "https://shop.example.com").send();
        page().await.refused(404); // a draft

        let published = server.within(&owner, Method::POST, &format!("{at}/publish")).send().await.expect(200);
        assert_eq!(published["version"], "1.1");
        assert_eq!(page().await.expect(200)["behavior"]["greeting_message"], "Hello!");

        let change = json!({ "greeting_message": "Welcome!", "appearance": { "theme": "dark" } });
        let changed = server.within(&owner, Method::PATCH, &at).json(change).send().await.expect(200);
        assert_eq!(changed["behavior_settings"], json!({ "tone": "formal", "response_style": "conversational", "language_mode": "auto" }));
        assert_eq!(changed["appearance"]["primary_color"], "#2563eb");
        assert_eq!(page().await.expect(200)["behavior"]["greeting_message"], "Hello!", "visitors get what was published");
        let published = server.within(&owner, Method::POST, &format!("{at}/publish")).send().await.expect(200);
        assert_eq!(published["version"], "1.2");
        let seen = page().await.expect(200);
        assert_eq!((&seen["behavior"]["greeting_message"], &seen["appearance"]["theme"]), (&json!("Welcome!"), &json!("dark")));

        let got = server.within(&owner, Method::GET, &at).send().await.expect(200);
        assert_eq!(got["stats"], json!({ "total_conversations": 0, "total_messages": 0, "avg_satisfaction": null }));
        let archived = server.within(&owner, Method::PATCH, &at).json(json!({ "status": "ARCHIVED" })).send().await;
        assert_eq!(archived.expect(200)["status"], "ARCHIVED");
        page().await.refused(404);
        server.stop().await;
    }

    async fn agents_are_listed_by_status_and_type(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        for (name, kind) in [("A", "SUPPORT"), ("B", "SALES"), ("C", "SALES")] {
            server.app.clock.advance(chrono::TimeDelta::seconds(1));
            let form = json!({ "name": name, "agent_type": kind });
            server.within(&owner, Method::POST, "/agents").json(form).send().await.expect(201);
        }
        let list = |query: &str| server.within(&owner, Method::GET, &format!("/agents{query}")).send();
        assert_eq!(list("?status=DRAFT&type=SALES").await.expect(200)["total"], 2);
        assert_eq!(list("?status=PUBLISHED").await.expect(200)["total"], 0);
        let second = list("?limit=1&offset=1").await.expect(200);
        assert_eq!((&second["total"], &second["agents"][0]["name"]), (&json!(3), &json!("B")));
        list("?status=ASLEEP").await.refused(400);
        list("?limit=101").await.refused(400);
        list("?limit=x").await.refused(400);
        server.stop().await;
    }
}

#[tokio::test]
async fn settings_out_of_range_are_named() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let cases: [(Value, &str); 7] = [
        (
            json!({ "response_config": { "confidence_threshold": 1.5 } }),
            "response_config.confidence_threshold",
        ),
        (json!({ "response_config": { "max_response_length": "long" } }), "max_response_length"),
        (json!({ "appearance": { "primary_color": "red;}" } }), "appearance.primary_color"),
        (json!({ "appearance": { "position": "middle" } }), "appearance.position"),
        (json!({ "fallback_message": " " }), "fallback_message"),
        (json!({ "collection_ids": ["col_00000000000000000000zzzz"] }), "collection_ids"),
        (json!({ "agent_type": "WIZARD" }), "agent_type"),
    ];
    for (mut body, field) in cases {
        body["name"] = json!("Bot");
        let (_, named) = server.within(&owner, Method::POST, "/agents").json(body).send().await.refused(400);
        if let Some(named) = named {
            assert!(named.ends_with(field), "{named} for {field}");
        }
    }
    assert_eq!(server.within(&owner, Method::GET, "/agents").send().await.expect(200)["total"], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_draft_is_tested_without_being_counted() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    server
        .upload(&owner, &collection, "prices.txt", "Prices\n\nThe Starter plan costs 29 dollars per month.\n")
        .await;
    let form = json!({ "name": "Bot", "collection_ids": [collection] });
    let made = server.within(&owner, Method::POST, "/agents").json(form).send().await.expect(201);
    let at = format!("/agents/{}", made["id"].as_str().unwrap());
    let question = json!({ "message": "How much does the Starter plan cost?" });
    let answer =
        server.within(&owner, Method::POST, &format!("{at}/test")).json(question).send().await.expect(200);
    assert!(answer["response"].as_str().unwrap().contains("29 dollars"), "{answer}");
    assert_eq!(answer["sources"][0]["title"], "prices.txt");
    assert!(answer["confidence"].as_f64().unwrap() > 0.5);
    let got = server.within(&owner, Method::GET, &at).send().await.expect(200);
    assert_eq!(got["stats"]["total_conversations"], 0);
    let empty = server
        .within(&owner, Method::POST, &format!("{at}/test"))
        .json(json!({ "message": " " }))
        .send()
        .await;
    assert_eq!(empty.refused(400).1.as_deref(), Some("message"));
    server.stop().await;
}
