//! Who reaches an agent by its id alone: everybody while it is public, nobody otherwise.

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Server, on_both};

use super::start;

/// A site that no key names.
const ANYWHERE: &str = "https://anywhere.test";

/// Asks for an agent's configuration with a key.
async fn config(server: &Server, agent: &str, key: &str) -> Answer {
    server.get(&format!("/api/v1/widget/config/{agent}")).page(key, ANYWHERE).send().await
}

on_both! {
    async fn a_public_agents_id_lets_visitors_in_on_any_site(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let agent = server.agent(&owner, &collection).await;
        let private = server.agent(&owner, &collection).await;
        let path = format!("/agents/{agent}");
        let change = |form: Value| server.within(&owner, Method::PATCH, &path).json(form).send();

        assert_eq!(server.within(&owner, Method::GET, &path).send().await.expect(200)["visibility"], "private");
        config(&server, &agent, &agent).await.refused(401);
        assert_eq!(change(json!({ "visibility": "public" })).await.expect(200)["visibility"], "public");
        let answer = config(&server, &agent, &agent).await;
        assert_eq!(answer.headers["access-control-allow-origin"], ANYWHERE);
        assert_eq!(answer.headers["x-ratelimit-limit"], "60", "limited by address on every plan");
        assert_eq!(answer.expect(200)["agent_id"], json!(agent));
        let question = |agent: &str| json!({ "agent_id": agent, "session_id": "sess_xyz", "message": "Where are you?" });
        let ask = |about: &str| server.post("/api/v1/widget/chat").page(&agent, ANYWHERE).json(question(about)).send();
        assert_eq!(ask(&agent).await.frames().last().unwrap()["type"], "done");

        // The id of one agent is no way to another.
        ask(&private).await.refused(404);
        config(&server, &private, &agent).await.refused(404);
        let wish = json!({ "agent_id": private, "session_id": "sess_xyz", "email": "ann@example.com", "message": "Hi" });
        server.post("/api/v1/widget/escalate").page(&agent, ANYWHERE).json(wish).send().await.refused(404);

        // Nor is the key of its share page.
        let page = server.get(&format!("/chat/{agent}")).send().await;
        let key = page.text.split("data-api-key=\"").nth(1).unwrap().split('"').next().unwrap();
        let share = |agent: &str| server.get(&format!("/api/v1/widget/config/{agent}")).page(key, &server.url).send();
        share(&agent).await.expect(200);
        share(&private).await.refused(404);

        // A private agent, a draft and none at all look the same.
        let form = json!({ "name": "Draft", "visibility": "public" });
        let draft = server.within(&owner, Method::POST, "/agents").json(form).send().await.expect(201);
        let draft = draft["id"].as_str().unwrap();
        let mut told = Vec::new();
        for id in ["agent_000000000000000000000000", private.as_str(), draft] {
            let answer = config(&server, id, id).await;
            told.push(answer.json["message"].clone());
            answer.refused(401);
        }
        assert!(told.iter().all(|message| *message == told[0]), "{told:?}");

        // It counts at once, and a version of the public days does not bring them back.
        server.within(&owner, Method::POST, &format!("{path}/publish")).send().await.expect(200);
        change(json!({ "visibility": "private" })).await.expect(200);
        config(&server, &agent, &agent).await.refused(401);
        server.within(&owner, Method::POST, &format!("{path}/versions/1.2/restore")).send().await.expect(200);
        config(&server, &agent, &agent).await.refused(401);
        change(json!({ "visibility": "everybody" })).await.refused(400);
        server.stop().await;
    }

    async fn the_companys_dialect_opens_and_closes_an_agent_as_well(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let form = json!({ "name": "Outlet help", "visibility": "public" });
        let made = server.post("/api/v1/agents").bearer(&owner.token).json(form).send().await.expect(201);
        let agent = made["agent"]["agent_id"].as_str().unwrap();
        assert_eq!(made["agent"]["configuration"]["visibility"], "public");
        config(&server, agent, agent).await.expect(200);
        let call = server.call(Method::PUT, &format!("/api/v1/agents/{agent}")).bearer(&owner.token);
        let changed = call.json(json!({ "config": { "visibility": "private" } })).send().await.expect(200);
        assert_eq!(changed["agent"]["configuration"]["visibility"], "private");
        config(&server, agent, agent).await.refused(401);
        server.stop().await;
    }
}
