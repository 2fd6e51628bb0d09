//! Knowledge as people work with it: versions and their return, pasted texts, moves, collections, the understood text,
//! and the search by which they look into it.

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, Owner, Server, on_both};

use super::start;

async fn post(server: &Server, owner: &Owner, path: &str, body: Value, status: u16) -> Value {
    server.within(owner, Method::POST, path).json(body).send().await.expect(status)
}

async fn get(server: &Server, owner: &Owner, path: &str) -> Value {
    server.within(owner, Method::GET, path).send().await.expect(200)
}

async fn found(server: &Server, owner: &Owner, query: &str) -> Vec<Value> {
    let answer =
        post(server, owner, "/knowledge/search", json!({ "query": query, "explain": true }), 200).await;
    answer["results"].as_array().unwrap().clone()
}

fn files(server: &Server) -> usize {
    let folder = server.app.config.data_dir.join("files");
    let tenants = std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir());
    tenants.map(|tenant| std::fs::read_dir(tenant.path()).unwrap().count()).sum()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field}: {value}"))
}

on_both! {
    async fn the_same_source_again_is_another_version(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let old = "Parcels to Norway cost 14 euro.";
        let first = server.upload(&owner, &collection, "prices.txt", old).await;
        let same = server.upload(&owner, &collection, "prices.txt", old).await;
        assert_eq!((&same["id"], same["versions"].as_array().unwrap().len()), (&first["id"], 1), "unchanged: {same}");
        let changed = server.upload(&owner, &collection, "prices.txt", "Parcels to Norway cost 19 euro.").await;
        assert_eq!((&changed["id"], &changed["version"]), (&first["id"], &json!(2)), "{changed}");
        assert_eq!(server.documents(&owner).await.len(), 1);
        assert_eq!(files(&server), 2, "an original for each version, and none for the unchanged upload");
        let results = found(&server, &owner, "What do parcels to Norway cost?").await;
        assert_eq!(results.len(), 1, "the former version is found no longer: {results:?}");
        assert!(text(&results[0], "content").contains("19 euro"));
        assert_eq!(results[0]["version"], 2);

        // What was cited stays readable as it was.
        let path = format!("/documents/{}", text(&first, "id"));
        let content = get(&server, &owner, &format!("{path}/content?version=1")).await;
        assert_eq!((text(&content, "text"), &content["version"]), (old, &json!(1)));
        assert_eq!(text(&get(&server, &owner, &format!("{path}/content")).await, "text"), "Parcels to Norway cost 19 euro.");

        post(&server, &owner, &format!("{path}/versions/1/restore"), Value::Null, 202).await;
        server.quiet().await;
        let document = get(&server, &owner, &path).await;
        assert_eq!((&document["version"], &document["status"]), (&json!(1), &json!("COMPLETED")), "{document}");
        assert_eq!(document["versions"][0]["answers"], true);
        assert!(text(&found(&server, &owner, "What do parcels to Norway cost?").await[0], "content").contains("14 euro"));
        let call = server.within(&owner, Method::POST, &format!("{path}/versions/1/restore")).json(Value::Null);
        assert_eq!(call.send().await.refused(409).0, "CONFLICT", "it answers already");
        for wrong in ["9", "x", "-1", "99999999999999999999"] {
            let call = server.within(&owner, Method::POST, &format!("{path}/versions/{wrong}/restore")).json(Value::Null);
            call.send().await.refused(404);
        }
        server.within(&owner, Method::GET, &format!("{path}/content?version=9")).send().await.refused(404);
        // The present original is that of the version that answers, so the other one is a change again.
        let again = server.upload(&owner, &collection, "prices.txt", "Parcels to Norway cost 19 euro.").await;
        assert_eq!(again["version"], 3, "{again}");
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        assert_eq!(files(&server), 0, "the originals of all versions go with the document");
        server.stop().await;
    }

    async fn what_was_there_answers_until_the_new_version_is_whole(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let first = server.upload(&owner, &collection, "hours.txt", "The shop opens at nine.").await;
        let broken = server.upload(&owner, &collection, "hours.txt", "   \n \t  \n").await;
        assert_eq!((&broken["id"], &broken["status"]), (&first["id"], &json!("FAILED")), "{broken}");
        assert_eq!((&broken["version"], &broken["error"]["code"]), (&json!(1), &json!("empty")));
        assert!(text(&found(&server, &owner, "When does the shop open?").await[0], "content").contains("nine"));
        let mended = server.upload(&owner, &collection, "hours.txt", "The shop opens at ten.").await;
        assert_eq!((&mended["status"], &mended["version"]), (&json!("COMPLETED"), &json!(2)), "{mended}");
        assert_eq!(files(&server), 2, "the upload that could not be read is gone");
        server.stop().await;
    }

    async fn pasted_knowledge_is_found(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let faq = "Q: Do you ship to Iceland?\nA: Yes, on Fridays.\n\nQ: May I pay by invoice?\nA: From 200 euro on.";
        let made = post(&server, &owner, "/documents/text", json!({ "title": "FAQ", "content": faq, "collection_id": collection, "content_type": "faq" }), 202).await;
        assert_eq!(made["status"], "PROCESSING", "{made}");
        let markdown = "# Opening hours\n\nWe open at nine.\n\n| Day | Until |\n|---|---|\n| Saturday | 14:00 |\n";
        post(&server, &owner, "/documents/text", json!({ "title": "Hours", "content": markdown, "collection_id": collection, "content_type": "markdown" }), 202).await;
        let qa = json!({ "question": "Can I bring my dog?", "answer": "Dogs are welcome on a lead.", "collection_id": collection });
        let pair = post(&server, &owner, "/documents/qa", qa.clone(), 202).await;
        server.quiet().await;
        let documents = server.documents(&owner).await;
        let mut types: Vec<&str> = documents.iter().map(|d| text(d, "source_type")).collect();
        types.sort_unstable();
        assert_eq!(types, ["QA", "TEXT", "TEXT"]);
        assert!(documents.iter().all(|d| d["status"] == "COMPLETED"), "{documents:?}");
        assert!(text(&found(&server, &owner, "Do you deliver to Iceland?").await[0], "content").contains("Fridays"));
        assert!(text(&found(&server, &owner, "Are dogs allowed?").await[0], "content").contains("on a lead"));
        assert!(text(&found(&server, &owner, "Until when on Saturday?").await[0], "content").contains("14:00"));
        assert_eq!(post(&server, &owner, "/documents/qa", qa.clone(), 202).await["id"], pair["id"], "the same question");
        let other = json!({ "question": qa["question"], "answer": "No dogs, please.", "collection_id": collection });
        assert_eq!(post(&server, &owner, "/documents/qa", other, 202).await["id"], pair["id"]);
        server.quiet().await;
        assert!(text(&found(&server, &owner, "Are dogs allowed?").await[0], "content").contains("No dogs"));
        server.stop().await;
    }

    async fn documents_move_and_are_renamed(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let (here, there) = (server.collection(&owner).await, server.collection(&owner).await);
        let agent = server.agent(&owner, &there).await;
        let one = server.upload(&owner, &here, "one.txt", "The kettle holds two litres of water.").await;
        let two = server.upload(&owner, &here, "two.txt", "The lamp burns for nine hours.").await;
        let ask = |question: &str| {
            let call = server.within(&owner, Method::POST, &format!("/agents/{agent}/test"));
            call.json(json!({ "message": question })).send()
        };
        let before = ask("How much does the kettle hold?").await.expect(200);
        assert_eq!(before["answered"], false, "the agent sees its own collections alone: {before}");
        let moved = post(&server, &owner, "/documents/move", json!({ "document_ids": [one["id"], two["id"]], "collection_id": there }), 200).await;
        assert_eq!(moved["moved"], 2);
        let after = ask("How much does the kettle hold?").await.expect(200);
        assert!(text(&after, "response").contains("two litres"), "{after}");

        let path = format!("/documents/{}", text(&one, "id"));
        let renamed = server.within(&owner, Method::PATCH, &path).json(json!({ "title": "Zanzibar" })).send().await.expect(200);
        assert_eq!(renamed["title"], "Zanzibar");
        server.quiet().await;
        let document = get(&server, &owner, &path).await;
        assert_eq!((&document["status"], &document["version"]), (&json!("COMPLETED"), &json!(1)), "{document}");
        assert_eq!(found(&server, &owner, "Zanzibar").await[0]["document_id"], one["id"], "found by its new title");

        server.upload(&owner, &here, "two.txt", "Another lamp.").await;
        let three = server.upload(&owner, &here, "three.txt", "A candle.").await;
        let back = json!({ "document_ids": [two["id"]], "collection_id": here });
        let call = server.within(&owner, Method::POST, "/documents/move").json(back);
        assert_eq!(call.send().await.refused(409).0, "CONFLICT");
        let missing = json!({ "document_ids": [three["id"], "doc_00000000000000000000zzzz"], "collection_id": there });
        server.within(&owner, Method::POST, "/documents/move").json(missing).send().await.refused(404);
        assert_eq!(get(&server, &owner, &format!("/documents/{}", text(&three, "id"))).await["collection_id"], here, "all or none");
        let nothing = json!({ "document_ids": [], "collection_id": there });
        server.within(&owner, Method::POST, "/documents/move").json(nothing).send().await.refused(400);
        server.stop().await;
    }

    async fn collections_are_changed_and_deleted(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let stranger = server.owner("stranger@example.com").await;
        let id = server.collection(&owner).await;
        let path = format!("/collections/{id}");
        let change = json!({ "name": "Manuals", "description": "What comes in the box" });
        let changed = server.within(&owner, Method::PATCH, &path).json(change).send().await.expect(200);
        assert_eq!((&changed["name"], &changed["description"]), (&json!("Manuals"), &json!("What comes in the box")));
        let cleared = server.within(&owner, Method::PATCH, &path).json(json!({ "description": null })).send().await.expect(200);
        assert_eq!((&cleared["name"], &cleared["description"]), (&json!("Manuals"), &Value::Null));
        server.within(&stranger, Method::GET, &path).send().await.refused(404);
        server.within(&stranger, Method::DELETE, &path).send().await.refused(404);

        server.upload(&owner, &id, "a.txt", "The kettle whistles.").await;
        assert_eq!(get(&server, &owner, &path).await["document_count"], 1);
        assert_eq!(server.within(&owner, Method::DELETE, &path).send().await.refused(409).0, "CONFLICT");
        let gone = server.within(&owner, Method::DELETE, &format!("{path}?documents=true")).send().await.expect(200);
        assert_eq!(gone["documents_deleted"], 1);
        assert!(server.documents(&owner).await.is_empty());
        assert_eq!(files(&server), 0);
        assert!(found(&server, &owner, "kettle").await.is_empty());
        server.within(&owner, Method::GET, &path).send().await.refused(404);
        server.stop().await;
    }

    async fn the_understood_text_has_its_places(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let text_of = "# Größen\n\nDie Öffnung misst 5 cm.\n\n## Preise\n\n| Plan | Preis |\n|---|---|\n| Klein | 29 € |\n";
        let document = server.upload(&owner, &collection, "a.md", text_of).await;
        let content = get(&server, &owner, &format!("/documents/{}/content", text(&document, "id"))).await;
        let whole: Vec<char> = text(&content, "text").chars().collect();
        let anchors = content["anchors"].as_array().unwrap();
        let of = |anchor: &Value| -> String {
            let place = |field: &str| usize::try_from(anchor[field].as_u64().unwrap()).unwrap();
            whole[place("start")..place("end")].iter().collect()
        };
        let row = anchors.iter().find(|anchor| anchor["row"] == 1).expect("the table's row");
        assert_eq!((of(row), text(row, "heading")), ("Plan: Klein; Preis: 29 €".to_owned(), "Größen > Preise"));
        assert!(anchors.iter().any(|anchor| of(anchor) == "Die Öffnung misst 5 cm."));

        let hit = &found(&server, &owner, "Was kostet der Plan Klein?").await[0];
        assert!(text(&hit["anchor"], "heading").starts_with("Größen"), "{hit}");
        let start = usize::try_from(hit["anchor"]["start"].as_u64().unwrap()).unwrap();
        let passage: Vec<char> = text(hit, "content").chars().collect();
        assert_eq!(whole[start..start + passage.len()], passage[..]);
        assert!(hit["scores"]["coverage"].is_number(), "{hit}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_keeps_to_the_collections_it_names() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let (one, two) = (server.collection(&owner).await, server.collection(&owner).await);
    server.upload(&owner, &one, "a.txt", "The kettle holds two litres.").await;
    server.upload(&owner, &two, "b.txt", "The kettle is red.").await;
    let search = |body: Value| server.within(&owner, Method::POST, "/knowledge/search").json(body).send();
    let all = search(json!({ "query": "kettle" })).await.expect(200);
    assert_eq!((&all["total"], &all["results"][0]["scores"]), (&json!(2), &Value::Null));
    let some = search(json!({ "query": "kettle", "collection_ids": [two] })).await.expect(200);
    assert_eq!((&some["total"], &some["results"][0]["title"]), (&json!(1), &json!("b.txt")));
    assert_eq!(search(json!({ "query": "kettle", "limit": 1 })).await.expect(200)["total"], 1);
    for (body, field) in [
        (json!({ "query": "  " }), "query"),
        (json!({ "query": "x".repeat(2_001) }), "query"),
        (json!({ "query": "kettle", "limit": 0 }), "limit"),
        (json!({ "query": "kettle", "limit": 51 }), "limit"),
        (json!({ "query": "kettle", "collection_ids": ["col_00000000000000000000zzzz"] }), "collection_ids"),
        (json!({ "query": "kettle", "collection_ids": ["nonsense"] }), "collection_ids"),
    ] {
        assert_eq!(search(body).await.refused(400).1.as_deref(), Some(field));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_that_is_refused_names_its_field() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let paste = |body: Value| server.within(&owner, Method::POST, "/documents/text").json(body).send();
    for (body, field) in [
        (json!({ "title": "", "content": "x", "collection_id": collection }), "title"),
        (json!({ "title": "a", "content": " \n ", "collection_id": collection }), "content"),
        (json!({ "title": "a", "content": "x", "collection_id": "" }), "collection_id"),
        (
            json!({ "title": "a", "content": "x", "collection_id": "col_00000000000000000000zzzz" }),
            "collection_id",
        ),
        (
            json!({ "title": "a", "content": "x", "collection_id": collection, "content_type": "pdf" }),
            "content_type",
        ),
        (
            json!({ "title": "a", "content": "No pairs.", "collection_id": collection, "content_type": "faq" }),
            "content",
        ),
    ] {
        assert_eq!(paste(body.clone()).await.refused(400).1.as_deref(), Some(field), "{body}");
    }
    let long = json!({ "title": "a", "content": "x".repeat(1_100_000), "collection_id": collection });
    paste(long).await.refused(413);
    let pair = json!({ "question": "Why?", "answer": "", "collection_id": collection });
    let call = server.within(&owner, Method::POST, "/documents/qa").json(pair);
    assert_eq!(call.send().await.refused(400).1.as_deref(), Some("answer"));
    assert!(server.documents(&owner).await.is_empty());
    assert_eq!(files(&server), 0);
    server.stop().await;
}
