//! Keys of programs: account keys, which open a workspace, and open keys, which work with one agent.

use chrono::TimeDelta;
use http::Method;
use platform::{
    Kind, Origin,
    workspaces::keys::{Action, OpenCaller, Resource, open_key},
};
use serde_json::{Value, json};
use testkit::{Answer, Database, Owner, Server, on_both};

use super::start;

const HOME: &str = "203.0.113.7";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A new account key, as it is shown once.
async fn account_key(server: &Server, owner: &Owner, permissions: Value) -> Value {
    let form = json!({ "name": "Integration", "permissions": permissions });
    let made =
        server.post("/api/v1/account/api-keys").bearer(&owner.token).json(form).send().await.expect(201);
    made["api_key"].clone()
}

async fn list_account_keys(server: &Server, token: &str) -> Answer {
    server.get("/api/v1/account/api-keys").bearer(token).send().await
}

on_both! {
    async fn an_account_key_opens_its_own_workspace(database: Database) {
        let server = start(database).await;
        let (owner, other) = (server.owner("owner@example.com").await, server.owner("other@example.com").await);
        let (read, write) = (account_key(&server, &owner, json!(["read"])).await, account_key(&server, &owner, json!(["write"])).await);
        assert!(text(&read["key"]).starts_with("cv_live_") && text(&read["key"]).starts_with(text(&read["key_prefix"])));
        assert_eq!((&read["permissions"], &write["permissions"]), (&json!(["read"]), &json!(["read", "write"])));
        let listed = list_account_keys(&server, &owner.token).await;
        assert!(!listed.text.contains(text(&read["key"])) && !listed.text.contains(text(&write["key"])), "keys are shown once");
        assert_eq!(listed.json["api_keys"].as_array().unwrap().len(), 2);
        assert_eq!(list_account_keys(&server, &other.token).await.expect(200)["api_keys"], json!([]));

        for key in [&read, &write] {
            let get = |path: String| server.get(&path).bearer(text(&key["key"])).send();
            get(format!("/api/v1/workspaces/{}", owner.workspace)).await.expect(200);
            get(format!("/api/v1/workspaces/{}", other.workspace)).await.refused(404);
            get("/api/v1/account/api-keys".into()).await.expect(200);
            for of_a_person in ["/auth/me", "/workspaces", "/account/profile", "/account/sessions"] {
                get(format!("/api/v1{of_a_person}")).await.refused(401);
            }
            let elsewhere = server.get("/api/v1/account/api-keys").header("x-workspace-id", &other.workspace);
            elsewhere.bearer(text(&key["key"])).send().await.refused(404);
            let form = json!({ "name": "More", "permissions": ["read"] });
            server.post("/api/v1/account/api-keys").bearer(text(&key["key"])).json(form).send().await.refused(403);
            let path = format!("/api/v1/account/api-keys/{}", text(&key["id"]));
            server.call(Method::DELETE, &path).bearer(text(&key["key"])).send().await.refused(403);
        }
        let make = |key: Value| {
            let call = server.post(&format!("/api/v1/workspaces/{}/collections", owner.workspace));
            async move { call.bearer(text(&key["key"])).json(json!({ "name": "Docs" })).send().await }
        };
        make(read.clone()).await.refused(403);
        make(write.clone()).await.expect(201);
        server.stop().await;
    }

    async fn an_account_key_is_revoked_at_once(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let (key, kept) = (account_key(&server, &owner, json!(["read"])).await, account_key(&server, &owner, json!(["read"])).await);
        list_account_keys(&server, text(&key["key"])).await.expect(200);
        let page = server.within(&owner, Method::POST, "/api-keys").json(json!({ "name": "Page" })).send().await.expect(201);
        let revoke = |path: String| server.call(Method::DELETE, &path).bearer(&owner.token).send();
        // A key is revoked among its kind only.
        revoke(format!("/api/v1/workspaces/{}/api-keys/{}", owner.workspace, text(&key["id"]))).await.refused(404);
        revoke(format!("/api/v1/account/api-keys/{}", text(&page["id"]))).await.refused(404);
        let path = format!("/api/v1/account/api-keys/{}", text(&key["id"]));
        list_account_keys(&server, text(&key["key"])).await.expect(200);
        revoke(path.clone()).await.expect(200);
        list_account_keys(&server, text(&key["key"])).await.refused(401);
        revoke(path).await.refused(404);
        let listed = list_account_keys(&server, text(&kept["key"])).await.expect(200);
        assert_eq!(listed["api_keys"].as_array().unwrap().len(), 1);
        // What a workspace's end takes with it.
        server.within(&owner, Method::DELETE, "").send().await.expect(200);
        list_account_keys(&server, text(&kept["key"])).await.refused(401);
        server.stop().await;
    }

    async fn open_keys_are_made_changed_and_revoked(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let at = open_keys(&server, &owner).await;
        let form = json!({ "name": "CRM", "permissions": { "contacts": ["read", "create"], "document-extraction": ["read"] } });
        let made = server.within(&owner, Method::POST, &at).json(form).send().await.expect(201);
        assert_eq!((&made["rate_limit_per_minute"], &made["rate_limit_per_hour"]), (&json!(60), &json!(1000)));
        assert_eq!((&made["allowed_ips"], &made["expires_at"], &made["is_active"]), (&json!([]), &Value::Null, &json!(true)));
        let listed = server.within(&owner, Method::GET, &at).send().await;
        assert!(!listed.text.contains(text(&made["api_key"])) && !listed.text.contains(text(&made["api_secret"])));
        assert_eq!((&listed.json["total"], &listed.json["open_keys"][0]["id"]), (&json!(1), &made["id"]));

        let path = format!("{at}/{}", text(&made["id"]));
        let change = json!({
            "name": "CRM 2", "description": "For the CRM", "permissions": { "forms": ["delete"] }, "rate_limit_per_minute": 1000,
            "rate_limit_per_hour": 10000, "allowed_ips": ["203.0.113.9/24", "2001:db8::1"], "expires_at": "2027-01-01T00:00:00Z",
        });
        let changed = server.within(&owner, Method::PATCH, &path).json(change.clone()).send().await.expect(200);
        for (field, value) in change.as_object().unwrap() {
            let value = if field == "allowed_ips" { json!(["203.0.113.0/24", "2001:db8::1"]) } else { value.clone() };
            assert_eq!(changed[field], value, "{field}");
        }
        let cleared = json!({ "description": null, "expires_at": null, "allowed_ips": [] });
        let cleared = server.within(&owner, Method::PATCH, &path).json(cleared).send().await.expect(200);
        assert_eq!((&cleared["description"], &cleared["expires_at"], &cleared["allowed_ips"]), (&Value::Null, &Value::Null, &json!([])));
        assert_eq!((&cleared["name"], &cleared["permissions"]), (&json!("CRM 2"), &json!({ "forms": ["delete"] })));

        // Another agent of the same workspace has no such key.
        let elsewhere = format!("{}/{}", open_keys(&server, &owner).await, text(&made["id"]));
        server.within(&owner, Method::PATCH, &elsewhere).json(json!({ "name": "x" })).send().await.refused(404);
        server.within(&owner, Method::DELETE, &elsewhere).send().await.refused(404);
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        server.within(&owner, Method::DELETE, &path).send().await.refused(404);
        server.within(&owner, Method::PATCH, &path).json(json!({ "name": "x" })).send().await.refused(404);
        let listed = server.within(&owner, Method::GET, &at).send().await.expect(200);
        assert_eq!(listed["open_keys"][0]["is_active"], false);
        server.stop().await;
    }

    async fn an_open_key_is_met_by_its_own_terms(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let at = open_keys(&server, &owner).await;
        let made = open(&server, &owner, &at, json!({ "allowed_ips": [HOME, "2001:db8::/32"] })).await;
        let caller = enter(&server, &made, HOME).await.unwrap();
        assert_eq!(caller.tenant.id().as_str(), owner.workspace);
        assert!(at.contains(caller.agent.as_str()));
        assert_eq!((caller.limit.limit, caller.limit.remaining), (60, 59));
        enter(&server, &made, "2001:db8:7::1").await.unwrap();

        caller.require(Resource::Contacts, Action::Read).unwrap();
        for (resource, action, what) in [
            (Resource::Contacts, Action::Update, "update contacts"),
            (Resource::Forms, Action::Read, "read forms"),
            (Resource::DocumentExtraction, Action::Create, "create document-extraction"),
        ] {
            let error = caller.require(resource, action).unwrap_err();
            assert_eq!((error.kind, error.code), (Kind::Forbidden, "INSUFFICIENT_PERMISSIONS"));
            assert!(error.message.contains(what), "{}", error.message);
        }
        for address in ["203.0.113.8", "2001:db9::1", "127.0.0.1"] {
            let error = enter(&server, &made, address).await.unwrap_err();
            assert_eq!((error.kind, error.code), (Kind::Forbidden, "IP_NOT_ALLOWED"));
        }
        let error = open_key(&server.app, text(&made["api_key"]), text(&made["api_secret"]), Origin::default()).await.unwrap_err();
        assert_eq!(error.code, "IP_NOT_ALLOWED", "who knows no address has none of the key's");

        let path = format!("{at}/{}", text(&made["id"]));
        let change = json!({ "permissions": { "forms": ["read"] }, "allowed_ips": [], "expires_at": "2026-09-21T15:00:00Z" });
        server.within(&owner, Method::PATCH, &path).json(change).send().await.expect(200);
        let caller = enter(&server, &made, "127.0.0.1").await.unwrap();
        caller.require(Resource::Forms, Action::Read).unwrap();
        caller.require(Resource::Contacts, Action::Read).unwrap_err();
        server.app.clock.advance(TimeDelta::hours(1));
        let error = enter(&server, &made, HOME).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Unauthorized, "KEY_EXPIRED"));
        server.stop().await;
    }

    async fn a_wrong_secret_and_an_unknown_key_look_the_same(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let at = open_keys(&server, &owner).await;
        let (made, other) = (open(&server, &owner, &at, json!({})).await, open(&server, &owner, &at, json!({})).await);
        let account = account_key(&server, &owner, json!(["write"])).await;
        let (key, secret) = (text(&made["api_key"]), text(&made["api_secret"]));
        enter(&server, &made, HOME).await.unwrap();
        let revoked = open(&server, &owner, &at, json!({})).await;
        server.within(&owner, Method::DELETE, &format!("{at}/{}", text(&revoked["id"]))).send().await.expect(200);
        let mut messages = Vec::new();
        for (key, secret) in [
            (key, text(&other["api_secret"])),
            (key, ""),
            (key, key),
            ("ok_live_unknown", secret),
            (secret, key),
            (text(&revoked["api_key"]), text(&revoked["api_secret"])),
            (text(&account["key"]), secret),
        ] {
            let error = open_key(&server.app, key, secret, Origin::default()).await.unwrap_err();
            messages.push((error.kind, error.code, error.message.into_owned(), error.field, error.retry_after));
        }
        messages.dedup();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0].0, Kind::Unauthorized);
        // An open key is none for the API, with its secret or without.
        for proof in [key, secret] {
            server.get(&format!("/api/v1/workspaces/{}", owner.workspace)).bearer(proof).send().await.refused(401);
        }
        server.within(&owner, Method::DELETE, "").send().await.expect(200);
        assert_eq!(enter(&server, &made, HOME).await.unwrap_err().kind, Kind::Unauthorized);
        server.stop().await;
    }
}

/// The path of a new agent's open keys.
async fn open_keys(server: &Server, owner: &Owner) -> String {
    let collection = server.collection(owner).await;
    format!("/agents/{}/open-keys", server.agent(owner, &collection).await)
}

async fn open(server: &Server, owner: &Owner, at: &str, mut form: Value) -> Value {
    form["name"] = json!("CRM");
    form["permissions"] = json!({ "contacts": ["read", "create"] });
    server.within(owner, Method::POST, at).json(form).send().await.expect(201)
}

async fn enter(server: &Server, made: &Value, address: &str) -> platform::Result<OpenCaller> {
    let origin = Origin::new(address.parse().unwrap(), None);
    open_key(&server.app, text(&made["api_key"]), text(&made["api_secret"]), origin).await
}

#[tokio::test]
async fn a_keys_last_use_is_noted_to_the_minute() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let at = open_keys(&server, &owner).await;
    let account = account_key(&server, &owner, json!(["read"])).await;
    let made = open(&server, &owner, &at, json!({})).await;
    let noted = async || {
        let account =
            list_account_keys(&server, &owner.token).await.expect(200)["api_keys"][0]["last_used"].clone();
        let open = server.within(&owner, Method::GET, &at).send().await.expect(200);
        (account, open["open_keys"][0]["last_used_at"].clone())
    };
    let used = async || {
        list_account_keys(&server, text(&account["key"])).await.expect(200);
        enter(&server, &made, HOME).await.unwrap();
    };
    assert_eq!(noted().await, (Value::Null, Value::Null));
    used().await;
    let first = noted().await;
    assert_eq!(first.0, json!(server.app.clock.now()));
    assert_eq!(first.1, first.0);
    server.app.clock.advance(TimeDelta::seconds(30));
    used().await;
    assert_eq!(noted().await, first);
    server.app.clock.advance(TimeDelta::seconds(31));
    used().await;
    assert_eq!(noted().await, (json!(server.app.clock.now()), json!(server.app.clock.now())));
    server.stop().await;
}

#[tokio::test]
async fn an_open_key_has_rates_of_its_own() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let at = open_keys(&server, &owner).await;
    for (rates, limit) in [
        (json!({ "rate_limit_per_minute": 3 }), 3),
        (json!({ "rate_limit_per_minute": 1000, "rate_limit_per_hour": 5 }), 5),
    ] {
        let (made, other) =
            (open(&server, &owner, &at, rates.clone()).await, open(&server, &owner, &at, rates).await);
        for remaining in (0..limit).rev() {
            let caller = enter(&server, &made, HOME).await.unwrap();
            assert_eq!((caller.limit.limit, caller.limit.remaining), (limit, remaining));
        }
        let error = enter(&server, &made, HOME).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Limited, "RATE_LIMIT_EXCEEDED"));
        let wait = error.retry_after.unwrap();
        assert!(wait >= 1);
        enter(&server, &other, HOME).await.unwrap();
        server.app.clock.advance(TimeDelta::seconds(i64::try_from(wait).unwrap()));
        enter(&server, &made, HOME).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_named() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let at = open_keys(&server, &owner).await;
    let key = open(&server, &owner, &at, json!({})).await;
    let path = format!("{at}/{}", text(&key["id"]));
    let many = vec!["203.0.113.7"; 101];
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!(7)),
        ("description", json!("x".repeat(501))),
        ("permissions", json!({})),
        ("permissions", json!({ "contacts": [] })),
        ("permissions", json!({ "contacts": ["fly"] })),
        ("permissions", json!({ "secrets": ["read"] })),
        ("permissions", json!(["read"])),
        ("rate_limit_per_minute", json!(0)),
        ("rate_limit_per_minute", json!(1001)),
        ("rate_limit_per_minute", json!(-1)),
        ("rate_limit_per_minute", json!("many")),
        ("rate_limit_per_hour", json!(0)),
        ("rate_limit_per_hour", json!(10001)),
        ("allowed_ips", json!(["localhost"])),
        ("allowed_ips", json!(["203.0.113.0/33"])),
        ("allowed_ips", json!(many)),
        ("allowed_ips", json!("203.0.113.7")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("tomorrow")),
    ] {
        let mut form = json!({ "name": "CRM", "permissions": { "contacts": ["read"] } });
        form[field] = value.clone();
        let made = server.within(&owner, Method::POST, &at).json(form).send().await;
        let changed = server.within(&owner, Method::PATCH, &path).json(json!({ field: value })).send().await;
        for answer in [made, changed] {
            let (_, named) = answer.refused(400);
            assert!(
                named.as_deref().is_some_and(|named| named.starts_with(field)),
                "{named:?} for {field} {value}"
            );
        }
    }
    for (field, value) in [
        ("name", json!("  ")),
        ("permissions", json!([])),
        ("permissions", json!(["admin"])),
        ("permissions", json!(["read", "delete"])),
        ("permissions", json!("read")),
    ] {
        let mut form = json!({ "name": "Integration", "permissions": ["read"] });
        form[field] = value;
        let made = server.post("/api/v1/account/api-keys").bearer(&owner.token).json(form).send().await;
        assert_eq!(made.refused(400).1.as_deref(), Some(field));
    }
    assert_eq!(list_account_keys(&server, &owner.token).await.expect(200)["api_keys"], json!([]));
    assert_eq!(server.within(&owner, Method::GET, &at).send().await.expect(200)["total"], 1);
    server.stop().await;
}
