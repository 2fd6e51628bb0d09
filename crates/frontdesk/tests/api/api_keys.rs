//! Publishable keys.

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, on_both};

use super::start;

const SHOP: &str = "https://shop.example.com";

on_both! {
    async fn a_key_is_shown_once_and_revoked_at_once(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let agent = server.agent(&owner, &collection).await;
        let form = json!({ "name": "Production Key", "allowed_domains": ["example.com", "*.Example.com"] });
        let made = server.within(&owner, Method::POST, "/api-keys").json(form).send().await.expect(201);
        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with("pk_live_"));
        assert_eq!(made["allowed_domains"], json!(["example.com", "*.example.com"]));

        let config = format!("/api/v1/widget/config/{agent}");
        server.get(&config).page(key, SHOP).send().await.expect(200);
        let list = server.within(&owner, Method::GET, "/api-keys").send().await;
        assert!(!list.text.contains(key));
        let row = &list.json["api_keys"][0];
        assert_eq!(row["is_active"], true);
        assert_ne!(row["last_used_at"], Value::Null);

        let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        server.get(&config).page(key, SHOP).send().await.refused(401);
        server.within(&owner, Method::DELETE, &path).send().await.refused(404);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_key_opens_only_the_pages_it_names() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let agent = server.agent(&owner, &collection).await;
    let key = server.key(&owner).await;
    let config =
        |origin: &str| server.get(&format!("/api/v1/widget/config/{agent}")).page(&key, origin).send();
    config(SHOP).await.expect(200);
    for origin in ["https://evil.test", "https://example.com", "null", "https://shop.example.com.evil.test"] {
        assert_eq!(config(origin).await.refused(403).0, "ORIGIN_NOT_ALLOWED");
    }
    config(&server.url).await.expect(200); // the server's own pages
    let bare = server.get(&format!("/api/v1/widget/config/{agent}")).header("x-api-key", &key).send().await;
    assert_eq!(bare.refused(403).0, "ORIGIN_NOT_ALLOWED");
    server.get(&format!("/api/v1/widget/config/{agent}")).send().await.refused(401);
    server
        .get(&format!("/api/v1/widget/config/{agent}"))
        .page("pk_live_wrong", SHOP)
        .send()
        .await
        .refused(401);
    let wrong = json!({ "name": "k", "allowed_domains": ["https://example.com/"] });
    let refused = server.within(&owner, Method::POST, "/api-keys").json(wrong).send().await.refused(400);
    assert_eq!(refused.1.as_deref(), Some("allowed_domains"));
    server.stop().await;
}
