//! Webhooks: both documents' views on one table, signed deliveries that arrive at least once, and their log.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{Asked, Database, Owner, Reply, Server, Site, on_both};

use super::{crawl::start, program};

async fn call(server: &Server, owner: &Owner, method: Method, path: &str, body: Value) -> testkit::Answer {
    server.within(owner, method, &format!("/webhooks{path}")).json(body).send().await
}

/// A webhook for published agents; its id and secret.
async fn webhook(server: &Server, owner: &Owner, url: &str) -> (String, String) {
    let body = json!({ "name": "Hook", "url": url, "event_types": ["AGENT_PUBLISHED"], "headers": { "X-Custom-Header": "value" } });
    let made = call(server, owner, Method::POST, "", body).await.expect(201);
    (text(&made["id"]), text(&made["secret"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// Makes something happen that webhooks are told of: an agent is published.
async fn publish(server: &Server, owner: &Owner) -> String {
    let collection = server.collection(owner).await;
    server.agent(owner, &collection).await
}

/// Waits until a webhook's deliveries are as they should be; gives them.
async fn until(server: &Server, owner: &Owner, id: &str, good: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut last = Value::Null;
    for _ in 0..400 {
        server.app.deliveries.ring();
        last = call(server, owner, Method::GET, &format!("/{id}/deliveries?limit=100"), json!({}))
            .await
            .expect(200);
        if good(last["deliveries"].as_array().unwrap()) {
            return last["deliveries"].as_array().unwrap().clone();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the deliveries never were as they should be: {last}")
}

fn header(asked: &Asked, name: &str) -> String {
    asked.headers[name].to_str().unwrap().to_owned()
}

/// The signature as a receiver computes it.
fn signature(secret: &str, asked: &Asked) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header(asked, "webhook-id"), header(asked, "webhook-timestamp")).as_bytes());
    mac.update(&asked.body);
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

on_both! {
    async fn both_documents_show_one_table(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let (id, secret) = webhook(&server, &owner, "https://93.184.215.14/hook").await;
        assert!(secret.starts_with("whsec_"));
        let company = |method, path: &str, body: Value| {
            server.call(method, &format!("/api/v1/webhooks{path}")).bearer(&owner.token).json(body).send()
        };
        let seen = company(Method::GET, &format!("/{id}"), json!({})).await.expect(200);
        assert_eq!(seen["webhook"]["events"], json!(["agent.published"]));
        assert_eq!(seen["webhook"]["status"], "active");
        assert!(!seen.to_string().contains("whsec_"), "the secret is shown once");
        server.app.clock.advance(TimeDelta::seconds(1));
        let form = json!({ "url": "https://93.184.215.14/second", "events": ["agent.execute"] });
        let second = company(Method::POST, "", form).await.expect(201);
        let second = text(&second["webhook"]["webhook_id"]);
        let seen = call(&server, &owner, Method::GET, &format!("/{second}"), json!({})).await.expect(200);
        assert_eq!((&seen["event_types"], &seen["name"]), (&json!(["AGENT_EXECUTE"]), &json!("93.184.215.14")));
        let changed = json!({ "status": "inactive", "events": ["lead.captured"] });
        company(Method::PUT, &format!("/{second}"), changed).await.expect(200);
        let list = call(&server, &owner, Method::GET, "", json!({})).await.expect(200);
        assert_eq!((&list["total"], &list["webhooks"][1]["is_active"]), (&json!(2), &json!(false)));
        assert_eq!(list["webhooks"][1]["event_types"], json!(["LEAD_CAPTURED"]));
        let moved = json!({ "url": "https://93.184.215.14/elsewhere" });
        let refused = call(&server, &owner, Method::PATCH, &format!("/{id}"), moved).await.refused(400);
        assert_eq!(refused.1.as_deref(), Some("headers"), "headers do not follow to another address");
        company(Method::DELETE, &format!("/{id}"), json!({})).await.expect(200);
        call(&server, &owner, Method::GET, &format!("/{id}"), json!({})).await.refused(404);
        server.stop().await;
    }

    async fn bad_input_is_refused(database: Database) {
        let server = super::start(database).await; // without private networks
        let owner = server.owner("owner@example.com").await;
        for url in ["ftp://example.com", "nonsense", "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://inside.test/", "http://a:b@example.com/"] {
            let body = json!({ "name": "Hook", "url": url, "event_types": ["LEAD_CAPTURED"] });
            let (code, field) = call(&server, &owner, Method::POST, "", body).await.refused(400);
            assert_eq!((&*code, field.as_deref()), ("INVALID_REQUEST", Some("url")), "{url}");
        }
        for (field, value) in [("event_types", json!([])), ("event_types", json!(["NOTHING"])), ("headers", json!({ "Host": "x" })), ("name", json!(""))] {
            let mut body = json!({ "name": "Hook", "url": "https://93.184.215.14/", "event_types": ["LEAD_CAPTURED"] });
            body[field] = value;
            assert_eq!(call(&server, &owner, Method::POST, "", body).await.refused(400).1.as_deref(), Some(field));
        }
        server.stop().await;
    }

    async fn an_event_arrives_signed_and_stands_in_the_log(database: Database) {
        let (server, site) = (start(database).await, Site::start().await);
        site.set("/hook", Reply::of("text/plain", "thanks"));
        let owner = server.owner("owner@example.com").await;
        publish(&server, &owner).await; // before there is a webhook: nothing is told of it
        server.app.clock.advance(TimeDelta::seconds(1));
        let (id, secret) = webhook(&server, &owner, &format!("{}/hook", site.url)).await;
        let agent = publish(&server, &owner).await;
        let done = until(&server, &owner, &id, |list| list.iter().any(|d| d["status"] == "SUCCEEDED")).await;
        assert_eq!((done.len(), site.asked().len()), (1, 1));
        let asked = &site.asked()[0];
        assert_eq!(header(asked, "webhook-signature"), signature(&secret, asked));
        assert_eq!((header(asked, "x-custom-header"), header(asked, "content-type")), ("value".into(), "application/json".into()));
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["agent_id"]), (&json!("AGENT_PUBLISHED"), &json!(agent)));

        let path = format!("/{id}/deliveries/{}", text(&done[0]["id"]));
        let seen = call(&server, &owner, Method::GET, &path, json!({})).await.expect(200);
        let attempt = &seen["attempts"][0];
        assert_eq!((&attempt["status_code"], &attempt["response_body"]), (&json!(200), &json!("thanks")));
        assert_eq!(attempt["request_headers"]["webhook-id"], header(asked, "webhook-id"));
        assert!(attempt["duration_ms"].is_u64());

        // The secret before this one signs for a day more.
        let fresh = call(&server, &owner, Method::POST, &format!("/{id}/rotate-secret"), json!({})).await.expect(200);
        let fresh = text(&fresh["secret"]);
        call(&server, &owner, Method::POST, &format!("{path}/replay"), json!({})).await.expect(202);
        until(&server, &owner, &id, |list| list.len() == 2 && list.iter().all(|d| d["status"] == "SUCCEEDED")).await;
        let again = &site.asked()[1];
        assert_eq!((header(again, "webhook-id"), &again.body), (header(asked, "webhook-id"), &asked.body));
        assert_eq!(header(again, "webhook-signature"), format!("{} {}", signature(&fresh, again), signature(&secret, again)));
        server.app.clock.advance(TimeDelta::hours(25));
        let owner = Owner { token: text(&server.log_in("owner@example.com").await["access_token"]), ..owner };
        let tested = call(&server, &owner, Method::POST, &format!("/{id}/test"), json!({})).await.expect(200);
        assert_eq!(tested["delivery"]["event_type"], "WEBHOOK_TEST");
        let third = &site.asked()[2];
        assert_eq!(header(third, "webhook-signature"), signature(&fresh, third));
        server.stop().await;
    }

    async fn what_fails_is_tried_again_and_again(database: Database) {
        let (server, site) = (start(database).await, Site::start().await);
        site.set("/hook", Reply::status(500));
        let owner = server.owner("owner@example.com").await;
        let (id, secret) = webhook(&server, &owner, &format!("{}/hook", site.url)).await;
        publish(&server, &owner).await;
        let mut token = owner.token.clone();
        for (tries, pause) in (1..).zip([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]) {
            let owner = Owner { token: token.clone(), workspace: owner.workspace.clone() };
            until(&server, &owner, &id, |list| list.first().is_some_and(|d| d["tries"] == tries)).await;
            server.app.clock.advance(TimeDelta::seconds(pause - 1));
            server.app.deliveries.ring();
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert_eq!(site.asked().len(), usize::try_from(tries).unwrap(), "not before its time");
            server.app.clock.advance(TimeDelta::seconds(2 + pause / 10));
            token = text(&server.log_in("owner@example.com").await["access_token"]);
        }
        let owner = Owner { token, ..owner };
        let ended = until(&server, &owner, &id, |list| list[0]["status"] == "FAILED").await;
        assert_eq!((&ended[0]["tries"], site.asked().len()), (&json!(8), 8));
        let stamps: std::collections::BTreeSet<_> = site.asked().iter().map(|asked| header(asked, "webhook-timestamp")).collect();
        assert_eq!(stamps.len(), 8, "each try has a timestamp of its own");
        assert!(site.asked().iter().all(|asked| header(asked, "webhook-signature") == signature(&secret, asked)));
        server.stop().await;
    }

    async fn a_dead_webhook_is_switched_off_and_its_owner_told(database: Database) {
        let (server, site) = (start(database).await, Site::start().await);
        site.set("/gone", Reply::status(410)).set("/dead", Reply::status(503));
        let owner = server.owner("owner@example.com").await;
        let (gone, _) = webhook(&server, &owner, &format!("{}/gone", site.url)).await;
        let (dead, _) = webhook(&server, &owner, &format!("{}/dead", site.url)).await;
        publish(&server, &owner).await;
        until(&server, &owner, &gone, |list| list.first().is_some_and(|d| d["status"] == "FAILED" && d["tries"] == 1)).await;
        let seen = call(&server, &owner, Method::GET, &format!("/{gone}"), json!({})).await.expect(200);
        assert_eq!((&seen["is_active"], &seen["disabled_reason"]), (&json!(false), &json!("Its receiver answered 410 Gone.")));
        until(&server, &owner, &dead, |list| list.first().is_some_and(|d| d["tries"] == 1)).await;
        server.app.clock.advance(TimeDelta::days(5));
        let owner = Owner { token: text(&server.log_in("owner@example.com").await["access_token"]), ..owner };
        until(&server, &owner, &dead, |list| list[0]["tries"] == 2).await;
        let seen = call(&server, &owner, Method::GET, &format!("/{dead}"), json!({})).await.expect(200);
        assert_eq!(seen["is_active"], false);
        server.quiet().await;
        let told = server.mails("owner@example.com").into_iter().filter(|mail| mail.contains("switched off")).count();
        assert_eq!(told, 2);
        // Switched on again, it gets what has waited.
        site.set("/dead", Reply::status(204));
        server.app.clock.advance(TimeDelta::hours(1));
        call(&server, &owner, Method::PATCH, &format!("/{dead}"), json!({ "is_active": true })).await.expect(200);
        until(&server, &owner, &dead, |list| list[0]["status"] == "SUCCEEDED").await;
        server.stop().await;
    }

    async fn what_a_killed_server_had_claimed_is_sent(database: Database) {
        let (server, site) = (start(database).await, Site::start().await);
        site.set("/hook", Reply::status(204));
        let owner = server.owner("owner@example.com").await;
        let (id, _) = webhook(&server, &owner, &format!("{}/hook", site.url)).await;
        publish(&server, &owner).await;
        let first = until(&server, &owner, &id, |list| list.first().is_some_and(|d| d["status"] == "SUCCEEDED")).await;
        // As it is when the server is killed after the receiver has answered, and before that is written down.
        let mut db = server.app.db.write().await.unwrap();
        let claimed = store::Sql::new("UPDATE webhook_deliveries SET status = 'PENDING', tries = 0, next_at = $1");
        db.execute(claimed.bind(server.app.clock.now() + TimeDelta::seconds(60))).await.unwrap();
        db.commit().await.unwrap();
        server.app.deliveries.ring();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(site.asked().len(), 1, "a claim is respected while it lasts");
        server.app.clock.advance(TimeDelta::seconds(61));
        until(&server, &owner, &id, |list| list[0]["status"] == "SUCCEEDED").await;
        let ids: Vec<_> = site.asked().iter().map(|asked| header(asked, "webhook-id")).collect();
        assert_eq!(ids, [text(&first[0]["event_id"]), text(&first[0]["event_id"])], "a repetition is known by its id");
        server.stop().await;
    }

    async fn one_that_does_not_answer_keeps_no_other_waiting(database: Database) {
        let (server, site) = (start(database).await, Site::start().await);
        site.set("/slow", Reply::status(204).after(Duration::from_secs(4))).set("/quick", Reply::status(204));
        let owner = server.owner("owner@example.com").await;
        let (slow, _) = webhook(&server, &owner, &format!("{}/slow", site.url)).await;
        let (quick, _) = webhook(&server, &owner, &format!("{}/quick", site.url)).await;
        for _ in 0..15 {
            publish(&server, &owner).await; // more than are sent at once
        }
        until(&server, &owner, &quick, |list| list.iter().filter(|d| d["status"] == "SUCCEEDED").count() == 15).await;
        let waiting = call(&server, &owner, Method::GET, &format!("/{slow}/deliveries?status=PENDING"), json!({})).await.expect(200);
        assert!(waiting["total"].as_i64().unwrap() > 0, "{waiting}");
        server.app.stop(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_a_test_says_so() {
    let (server, site) = (start(Database::Sqlite).await, Site::start().await);
    site.set("/hook", Reply::redirect("/inside")).set("/inside", Reply::status(204));
    let owner = server.owner("owner@example.com").await;
    let (id, _) = webhook(&server, &owner, &format!("{}/hook", site.url)).await;
    let answer = call(&server, &owner, Method::POST, &format!("/{id}/test"), json!({})).await;
    assert!(answer.text.contains("redirects to"), "{}", answer.text);
    assert_eq!(answer.refused(502).0, "UPSTREAM_FAILED");
    assert_eq!(site.paths(), ["/hook"]);
    server.stop().await;
}

/// Contacts are made while the server is killed again and again; each that was answered for arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_event() {
    let site = Site::start().await;
    site.set("/hook", Reply::status(204).after(Duration::from_millis(30)));
    let folder = tempfile::tempdir().unwrap();
    let workspace = program::create_user(folder.path());
    let settings = [("FRONTDESK_ALLOW_PRIVATE_NETWORKS", "true")];
    let at = format!("/api/v1/workspaces/{workspace}");
    let mut process = program::Process::start(folder.path(), &settings).await;
    let token = process.log_in().await;
    let hook = json!({ "url": format!("{}/hook", site.url), "event_types": ["CONTACT_CREATED"] });
    process.post(&format!("{at}/webhooks"), &token, hook).await;
    let agent = text(&process.post(&format!("{at}/agents"), &token, json!({ "name": "Bot" })).await["id"]);
    let mut made = Vec::new();
    for round in 0..3u64 {
        for n in 0..12 {
            let contact = json!({ "primaryEmail": format!("a{round}.{n}@example.com") });
            let answer = process.post(&format!("{at}/agents/{agent}/contacts"), &token, contact).await;
            made.push(text(&answer["contactId"]));
        }
        tokio::time::sleep(Duration::from_millis(13 * round)).await;
        drop(process); // SIGKILL
        // The claims of the dead server would hold for a minute; a test need not wait for that.
        let file = folder.path().join("frontdesk.db");
        let db = store::Db::open(&store::DbConfig::Sqlite { file, readers: 1 }).await.unwrap();
        let mut write = db.write().await.unwrap();
        let expire =
            "UPDATE webhook_deliveries SET next_at = '2000-01-01T00:00:00+00:00' WHERE status = 'PENDING'";
        write.execute(store::Sql::new(expire)).await.unwrap();
        write.commit().await.unwrap();
        db.close().await;
        process = program::Process::start(folder.path(), &settings).await;
    }
    for _ in 0..600 {
        let told: String =
            site.asked().iter().map(|asked| String::from_utf8_lossy(&asked.body).into_owned()).collect();
        made.retain(|contact| !told.contains(contact.as_str()));
        if made.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("these were never told of: {made:?}");
}
