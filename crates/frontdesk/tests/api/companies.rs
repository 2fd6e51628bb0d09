//! Companies, their users and outlets, and the list of industries.

use http::Method;
use serde_json::{Value, json};
use store::Sql;
use testkit::{Call, Database, Owner, Server, on_both};

use super::{members::join, start};

/// A call to the caller's company: `path` is what follows its id.
fn at(server: &Server, who: &Owner, method: Method, path: &str) -> Call {
    server.call(method, &format!("/api/v1/companies/{}{path}", who.workspace)).bearer(&who.token)
}

async fn outlet(server: &Server, who: &Owner, form: Value) -> Value {
    at(server, who, Method::POST, "/outlets").json(form).send().await.expect(201)["outlet"].clone()
}

on_both! {
    async fn a_company_is_a_workspace(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let viewer = join(&server, &owner, "viewer@example.com", "VIEWER").await;
        let workspace = server.within(&owner, Method::GET, "").send().await.expect(200);
        let company = at(&server, &viewer, Method::GET, "").send().await.expect(200);
        let expected = json!({
            "id": owner.workspace,
            "name": "My Company",
            "slug": "my-company",
            "logo_url": null,
            "timezone": "UTC",
            "created_at": workspace["created_at"],
        });
        assert_eq!(company, json!({ "company": expected }));

        let users = at(&server, &viewer, Method::GET, "/users").send().await.expect(200);
        assert_eq!((&users["total"], &users["limit"], &users["offset"]), (&json!(2), &json!(20), &json!(0)));
        let me = server.get("/api/v1/auth/me").bearer(&owner.token).send().await.expect(200);
        let expected = json!({
            "id": me["id"],
            "email": "owner@example.com",
            "full_name": "Ada Lovelace",
            "role": "owner",
            "joined_at": workspace["created_at"],
        });
        assert_eq!(users["users"][0], expected);
        assert_eq!(users["users"][1]["role"], "viewer");
        let found = at(&server, &viewer, Method::GET, "/users?q=VIEWER@").send().await.expect(200);
        assert_eq!((&found["total"], &found["users"][0]["email"]), (&json!(1), &json!("viewer@example.com")));

        let other = server.owner("other@example.com").await;
        for path in ["", "/users", "/outlets"] {
            let elsewhere = Owner { token: other.token.clone(), workspace: owner.workspace.clone() };
            at(&server, &elsewhere, Method::GET, path).send().await.refused(404);
            server.get(&format!("/api/v1/companies/{}{path}", owner.workspace)).send().await.refused(401);
        }
        server.stop().await;
    }

    async fn an_outlet_from_its_making_to_its_end(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let form = json!({
            "name": " Harbour ",
            "address": "Quay 1\nOslo",
            "phone": "+47 22 33 44 55",
            "email": "harbour@example.com",
        });
        let made = outlet(&server, &owner, form).await;
        assert_eq!((&made["name"], &made["address"]), (&json!("Harbour"), &json!("Quay 1\nOslo")));
        assert_eq!(made["created_at"], made["updated_at"]);
        server.app.clock.advance(chrono::TimeDelta::seconds(1));
        let bare = outlet(&server, &owner, json!({ "name": "Station", "phone": " " })).await;
        assert_eq!((&bare["address"], &bare["phone"], &bare["email"]), (&Value::Null, &Value::Null, &Value::Null));
        let list = at(&server, &owner, Method::GET, "/outlets?limit=1&offset=1").send().await.expect(200);
        assert_eq!(list, json!({ "outlets": [bare], "total": 2, "limit": 1, "offset": 1 }));

        let path = format!("/outlets/{}", made["outlet_id"].as_str().unwrap());
        let change = json!({ "name": "Pier", "address": null, "email": "" });
        let changed = at(&server, &owner, Method::PATCH, &path).json(change).send().await.expect(200);
        let mut expected = made.clone();
        expected["name"] = json!("Pier");
        expected["address"] = Value::Null;
        expected["email"] = Value::Null;
        expected["updated_at"] = json!(server.app.clock.now());
        assert_eq!(changed["outlet"], expected);
        assert_ne!(changed["outlet"]["updated_at"], made["updated_at"]);
        let list = at(&server, &owner, Method::GET, "/outlets").send().await.expect(200);
        assert_eq!(list["outlets"], json!([expected, bare]));

        at(&server, &owner, Method::DELETE, &path).send().await.expect(200);
        at(&server, &owner, Method::DELETE, &path).send().await.refused(404);
        at(&server, &owner, Method::PATCH, &path).json(json!({})).send().await.refused(404);
        let list = at(&server, &owner, Method::GET, "/outlets").send().await.expect(200);
        assert_eq!(list["outlets"], json!([bare]));

        let log = format!("/audit-log?target={}", made["outlet_id"].as_str().unwrap());
        let log = server.within(&owner, Method::GET, &log).send().await.expect(200);
        let mut told: Vec<_> =
            log["entries"].as_array().unwrap().iter().map(|e| (e["action"].clone(), e["details"].clone())).collect();
        told.sort_by_key(|(action, _)| action.to_string());
        let event = |action: &str, name: &str| (json!(action), json!({ "name": name }));
        let expected =
            [event("outlet.changed", "Pier"), event("outlet.created", "Harbour"), event("outlet.deleted", "Pier")];
        assert_eq!(told, expected);
        server.stop().await;
    }

    async fn outlets_belong_to_their_company(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let other = server.owner("other@example.com").await;
        let member = join(&server, &owner, "member@example.com", "MEMBER").await;
        let made = outlet(&server, &owner, json!({ "name": "Harbour" })).await;
        let path = format!("/outlets/{}", made["outlet_id"].as_str().unwrap());

        // Another's outlet in one's own company, and in theirs.
        for who in [&other, &Owner { token: other.token.clone(), workspace: owner.workspace.clone() }] {
            at(&server, who, Method::PATCH, &path).json(json!({ "name": "Mine" })).send().await.refused(404);
            at(&server, who, Method::DELETE, &path).send().await.refused(404);
        }
        let list = at(&server, &other, Method::GET, "/outlets").send().await.expect(200);
        assert_eq!(list["total"], 0);

        // Members see outlets, and a key that may write changes them.
        let form = json!({ "name": "Corner" });
        at(&server, &member, Method::POST, "/outlets").json(form.clone()).send().await.refused(403);
        at(&server, &member, Method::PATCH, &path).json(form.clone()).send().await.refused(403);
        at(&server, &member, Method::DELETE, &path).send().await.refused(403);
        let list = at(&server, &member, Method::GET, "/outlets").send().await.expect(200);
        assert_eq!(list["outlets"], json!([made]));
        for (permission, status) in [("read", 403), ("write", 201)] {
            let key = json!({ "name": "Key", "permissions": [permission] });
            let key = server.post("/api/v1/account/api-keys").bearer(&owner.token).json(key).send().await.expect(201);
            let token = key["api_key"]["key"].as_str().unwrap().to_owned();
            let key = Owner { token, workspace: owner.workspace.clone() };
            at(&server, &key, Method::POST, "/outlets").json(form.clone()).send().await.expect(status);
        }
        server.stop().await;
    }

    async fn a_company_has_at_most_a_thousand_outlets(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let first = outlet(&server, &owner, json!({ "name": "First" })).await;
        let many = Sql::new(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
             INSERT INTO outlets (id, workspace_id, name, created_at, updated_at)
             SELECT 'outlet_' || i, workspace_id, name, created_at, updated_at FROM outlets CROSS JOIN n",
        );
        let mut db = server.app.db.write().await.unwrap();
        assert_eq!(db.execute(many).await.unwrap(), 999);
        db.commit().await.unwrap();
        let more = || at(&server, &owner, Method::POST, "/outlets").json(json!({ "name": "More" })).send();
        more().await.refused(422);
        let path = format!("/outlets/{}", first["outlet_id"].as_str().unwrap());
        at(&server, &owner, Method::DELETE, &path).send().await.expect(200);
        more().await.expect(201);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_outlet_is_named() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let made = outlet(&server, &owner, json!({ "name": "Harbour" })).await;
    let path = format!("/outlets/{}", made["outlet_id"].as_str().unwrap());
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!("Har\nbour")),
        ("name", json!(7)),
        ("address", json!("x".repeat(501))),
        ("phone", json!("1".repeat(41))),
        ("phone", json!("1\r2")),
        ("email", json!("not an address")),
        ("email", json!(["a@example.com"])),
    ] {
        let mut form = json!({ "name": "Station" });
        form[field] = value;
        let created =
            at(&server, &owner, Method::POST, "/outlets").json(form.clone()).send().await.refused(400);
        assert_eq!(created.1.as_deref(), Some(field), "{form}");
        let changed = at(&server, &owner, Method::PATCH, &path).json(form.clone()).send().await.refused(400);
        assert_eq!(changed.1.as_deref(), Some(field), "{form}");
    }
    let (_, field) = at(&server, &owner, Method::POST, "/outlets").json(json!({})).send().await.refused(400);
    assert_eq!(field.as_deref(), Some("name"));
    at(&server, &owner, Method::DELETE, "/outlets/outlet_wrong").send().await.refused(404);
    let list = at(&server, &owner, Method::GET, "/outlets").send().await.expect(200);
    assert_eq!(list["outlets"], json!([made]));
    server.stop().await;
}

#[tokio::test]
async fn industries_are_there_for_anybody() {
    let server = start(Database::Sqlite).await;
    let answer = server.get("/api/v1/utils/industries").send().await.expect(200);
    let list = answer["industries"].as_array().unwrap();
    assert_eq!(list[0], "Technology");
    let mut names: Vec<&str> = list.iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), list.len(), "none stands there twice");
    server.stop().await;
}
