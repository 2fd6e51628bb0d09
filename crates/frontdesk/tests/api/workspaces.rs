//! Workspaces and who may enter them.

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, on_both};

use super::start;

on_both! {
    async fn a_workspace_from_its_making_to_its_end(database: Database) {
        let server = start(database).await;
        let token = server.person("owner@example.com").await;
        let form = json!({ "name": "My Company", "timezone": "Asia/Kolkata", "settings": { "notifications_enabled": true } });
        let made = server.post("/api/v1/workspaces").bearer(&token).json(form.clone()).send().await.expect(201);
        assert_eq!((&made["slug"], &made["subscription_tier"]), (&json!("my-company"), &json!("ENTERPRISE")));
        let again = server.post("/api/v1/workspaces").bearer(&token).json(form).send().await.expect(201);
        assert_ne!(made["slug"], again["slug"]);

        let path = format!("/api/v1/workspaces/{}", made["id"].as_str().unwrap());
        let change = json!({ "name": "Updated Name", "logo_url": "https://example.com/l.png", "settings": { "theme": "dark" } });
        server.call(Method::PATCH, &path).bearer(&token).json(change).send().await.expect(200);
        let got = server.get(&path).bearer(&token).send().await.expect(200);
        assert_eq!(got["name"], "Updated Name");
        assert_eq!(got["settings"], json!({ "notifications_enabled": true, "theme": "dark" }));
        assert_eq!(got["stats"]["total_agents"], 0);
        let cleared = server.call(Method::PATCH, &path).bearer(&token).json(json!({ "logo_url": null })).send().await;
        assert_eq!(cleared.expect(200)["logo_url"], Value::Null);

        let list = server.get("/api/v1/workspaces").bearer(&token).send().await.expect(200);
        assert_eq!((&list["total"], &list["workspaces"][0]["role"]), (&json!(2), &json!("OWNER")));

        server.call(Method::DELETE, &path).bearer(&token).send().await.expect(200);
        server.get(&path).bearer(&token).send().await.refused(404);
        server.quiet().await;
        let list = server.get("/api/v1/workspaces").bearer(&token).send().await.expect(200);
        assert_eq!(list["total"], 1);
        server.stop().await;
    }

    async fn another_tenants_workspace_does_not_exist(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let other = server.owner("other@example.com").await;
        let collection = server.collection(&owner).await;
        let agent = server.agent(&owner, &collection).await;
        let key = server.within(&owner, Method::POST, "/api-keys").json(json!({ "name": "k" })).send().await.expect(201);
        let document = server.upload(&owner, &collection, "a.txt", "The spare key is under the mat.").await;

        // The other's token in this workspace, and this workspace's ids in the other's.
        for path in ["", "/agents", "/documents", "/api-keys", "/collections"] {
            let at = format!("/api/v1/workspaces/{}{path}", owner.workspace);
            server.get(&at).bearer(&other.token).send().await.refused(404);
            server.get(&at).send().await.refused(401);
        }
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let paths = [
            (Method::GET, format!("/agents/{agent}")),
            (Method::POST, format!("/agents/{agent}/publish")),
            (Method::GET, format!("/documents/{}", id(&document))),
            (Method::DELETE, format!("/documents/{}", id(&document))),
            (Method::POST, format!("/documents/{}/reprocess", id(&document))),
            (Method::DELETE, format!("/api-keys/{}", id(&key))),
        ];
        for (method, path) in paths {
            server.within(&other, method, &path).send().await.refused(404);
        }
        let theirs = json!({ "name": "Thief", "collection_ids": [collection] });
        let (_, field) = server.within(&other, Method::POST, "/agents").json(theirs).send().await.refused(400);
        assert_eq!(field.as_deref(), Some("collection_ids"));
        let call = server.within(&other, Method::POST, "/documents").file("b.txt", "x y z", &[("collection_id", &collection)]);
        assert_eq!(call.send().await.refused(400).1.as_deref(), Some("collection_id"));
        assert_eq!(server.documents(&owner).await.len(), 1);
        server.stop().await;
    }

    async fn a_deleted_workspace_leaves_nothing(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        server.upload(&owner, &collection, "a.txt", "The office opens at nine.").await;
        let agent = server.agent(&owner, &collection).await;
        let key = server.key(&owner).await;
        let files = server.app.config.data_dir.join("files").join(&owner.workspace);
        assert!(files.exists());
        server.within(&owner, Method::DELETE, "").send().await.expect(200);
        let config = format!("/api/v1/widget/config/{agent}");
        server.get(&config).page(&key, "https://shop.example.com").send().await.refused(401);
        server.quiet().await;
        assert!(!files.exists());
        let mut db = server.app.db.read().await.unwrap();
        for table in ["workspaces", "documents", "chunks", "document_versions", "agents", "api_keys", "members"] {
            let sql: &'static str = Box::leak(format!("SELECT count(*) FROM {table}").into_boxed_str());
            assert_eq!(db.count(store::Sql::new(sql)).await.unwrap(), 0, "{table}");
        }
        drop(db);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_workspace_is_named() {
    let server = start(Database::Sqlite).await;
    let token = server.person("owner@example.com").await;
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "x", "timezone": "Mars/Olympus" }), "timezone"),
        (json!({}), "name"),
        (json!({ "name": "x", "settings": [] }), "settings"),
    ] {
        let refused = server.post("/api/v1/workspaces").bearer(&token).json(body).send().await.refused(400);
        assert_eq!(refused.1.as_deref(), Some(field));
    }
    server.stop().await;
}
