//! The audit log: who did what to what, from where; who may read it; and that nobody changes it.

use chrono::TimeDelta;
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use testkit::{Answer, Database, Owner, PASSWORD, Server, on_both};

use super::start;

const AGENT: &str = "Tests/1.0 (audit)";

async fn call(server: &Server, owner: &Owner, method: Method, path: &str, body: Value) -> Answer {
    let path = path.replace("{w}", &format!("/api/v1/workspaces/{}", owner.workspace));
    let call = server.call(method, &path).bearer(&owner.token).header("user-agent", AGENT);
    call.header("x-workspace-id", &owner.workspace).json(body).send().await
}

async fn log(server: &Server, owner: &Owner, query: &str) -> Value {
    server.within(owner, Method::GET, &format!("/audit-log{query}")).send().await.expect(200)
}

fn entries(log: &Value) -> &[Value] {
    log["entries"].as_array().unwrap()
}

fn actions(log: &Value) -> Vec<&str> {
    entries(log).iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

async fn registered(server: &Server, email: &str) -> (Owner, String) {
    let session = server.register(email).await;
    let user = &session["user"];
    (Owner { token: text(&session["access_token"]), workspace: text(&user["company_id"]) }, text(&user["id"]))
}

/// Waits until a failed login is in the log: it is written beside its answer.
async fn until_logged(server: &Server, owner: &Owner, query: &str, count: i64) -> Value {
    for _ in 0..200 {
        let log = log(server, owner, query).await;
        if log["total"] == count {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{query} never had {count} entries")
}

on_both! {
    async fn every_change_is_there_with_who_what_and_where(database: Database) {
        let server = start(database).await;
        let (owner, user) = registered(&server, "owner@example.com").await;
        let (_, colleague) = registered(&server, "colleague@example.com").await;
        let mut db = server.app.db.write().await.unwrap();
        let insert = store::Sql::new("INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, 'VIEWER', $3)");
        db.execute(insert.bind(&*owner.workspace).bind(&*colleague).bind(server.app.clock.now())).await.unwrap();
        db.commit().await.unwrap();
        let open = json!({ "name": "Open", "permissions": { "forms": ["read"] } });
        let account = json!({ "name": "Account", "permissions": ["read"] });
        let outlets = format!("/api/v1/companies/{}/outlets", owner.workspace);
        let invited = json!({ "email": "new@example.com", "role": "MEMBER" });
        let role = json!({ "role": "MEMBER" });
        let hook = json!({ "url": "https://93.184.215.14/hook", "event_types": ["LEAD_CAPTURED"] });
        // Each call with the action that it leaves; {1} is the id that the first one answered with.
        let calls = [
            (Method::POST, "{w}/collections", json!({ "name": "Docs" }), "collection.created"),
            (Method::POST, "{w}/agents", json!({ "name": "Bot" }), "agent.created"),
            (Method::PATCH, "{w}/agents/{2}", json!({ "name": "Bot 2" }), "agent.changed"),
            (Method::POST, "{w}/agents/{2}/publish", json!({}), "agent.published"),
            (Method::POST, "{w}/agents/{2}/open-keys", open, "key.created"),
            (Method::PATCH, "{w}/agents/{2}/open-keys/{5}", json!({ "name": "O" }), "key.changed"),
            (Method::DELETE, "{w}/agents/{2}/open-keys/{5}", json!({}), "key.revoked"),
            (Method::POST, "{w}/api-keys", json!({ "name": "Page" }), "key.created"),
            (Method::DELETE, "{w}/api-keys/{8}", json!({}), "key.revoked"),
            (Method::POST, "/api/v1/account/api-keys", account, "key.created"),
            (Method::DELETE, "/api/v1/account/api-keys/{10}", json!({}), "key.revoked"),
            (Method::PATCH, "{w}", json!({ "name": "New name" }), "workspace.changed"),
            (Method::POST, &outlets, json!({ "name": "Shop" }), "outlet.created"),
            (Method::PATCH, &format!("{outlets}/{{13}}"), json!({ "name": "Shop 2" }), "outlet.changed"),
            (Method::DELETE, &format!("{outlets}/{{13}}"), json!({}), "outlet.deleted"),
            (Method::POST, "{w}/invitations", invited, "invitation.created"),
            (Method::DELETE, "{w}/invitations/{16}", json!({}), "invitation.withdrawn"),
            (Method::PATCH, &format!("{{w}}/members/{colleague}"), role, "member.role_changed"),
            (Method::DELETE, &format!("{{w}}/members/{colleague}"), json!({}), "member.removed"),
            (Method::POST, "{w}/webhooks", hook, "webhook.created"),
            (Method::PATCH, "{w}/webhooks/{20}", json!({ "name": "Hook" }), "webhook.changed"),
            (Method::POST, "{w}/webhooks/{20}/rotate-secret", json!({}), "webhook.secret_rotated"),
            (Method::DELETE, "{w}/webhooks/{20}", json!({}), "webhook.deleted"),
        ];
        let mut ids = vec![String::new()];
        let mut expected = Vec::new();
        for (method, path, body, action) in calls {
            server.app.clock.advance(TimeDelta::seconds(1));
            let mut target = None;
            let mut filled = path.to_owned();
            for (n, id) in ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
                if filled.contains(&format!("{{{n}}}")) {
                    filled = filled.replace(&format!("{{{n}}}"), id);
                    target = Some(id.clone());
                }
            }
            let answer = call(&server, &owner, method.clone(), &filled, body).await;
            assert!(answer.status.is_success(), "{method} {filled}: {}", answer.text);
            let json = answer.json;
            let ids_in_it = [&json["id"], &json["api_key"]["id"], &json["outlet"]["outlet_id"]];
            let id = ids_in_it.into_iter().find_map(Value::as_str).unwrap_or_default();
            ids.push(if method == Method::POST { id.to_owned() } else { String::new() });
            let made = action.ends_with(".created").then(|| id.to_owned());
            let own = path.contains(&*colleague).then(|| colleague.clone());
            expected.push((action, made.or(own).or(target).unwrap_or_else(|| owner.workspace.clone()), server.app.clock.now()));
        }
        let log = log(&server, &owner, "?limit=100").await;
        for (action, target, at) in expected {
            let found: Vec<_> = entries(&log).iter().filter(|entry| entry["action"] == action && entry["target"] == *target).collect();
            assert_eq!(found.len(), 1, "{action} of {target}: {log}");
            let entry = found[0];
            assert_eq!((&entry["actor"], &entry["user_id"], &entry["key_id"]), (&json!("owner@example.com"), &json!(user), &Value::Null));
            assert_eq!((&entry["ip_address"], &entry["user_agent"]), (&json!("127.0.0.1"), &json!(AGENT)), "{action}");
            assert_eq!(entry["created_at"], json!(at), "{action}");
        }
        assert_eq!(log["total"].as_u64().unwrap(), entries(&log).len() as u64);
        let secrets = entries(&log).iter().any(|entry| entry["details"].to_string().contains("_live_") || entry["details"].to_string().contains("whsec_"));
        assert!(!secrets, "a key stands in the log");
        server.stop().await;
    }

    async fn documents_and_what_keys_do_are_there(database: Database) {
        let server = start(database).await;
        let (owner, _) = registered(&server, "owner@example.com").await;
        let form = json!({ "name": "Importer", "permissions": ["write"] });
        let made = call(&server, &owner, Method::POST, "/api/v1/account/api-keys", form).await.expect(201);
        let (key, id) = (text(&made["api_key"]["key"]), text(&made["api_key"]["id"]));
        let by_key = Owner { token: key, workspace: owner.workspace.clone() };
        let collection = server.collection(&by_key).await;
        let document = text(&server.upload(&by_key, &collection, "a.txt", "The key is under the mat.").await["id"]);
        call(&server, &by_key, Method::POST, &format!("{{w}}/documents/{document}/reprocess"), json!({})).await.expect(202);
        server.quiet().await;
        call(&server, &by_key, Method::DELETE, &format!("{{w}}/documents/{document}"), json!({})).await.expect(200);
        let of_document = log(&server, &owner, &format!("?target={document}")).await;
        assert_eq!(actions(&of_document), ["document.deleted", "document.reprocessed", "document.created"]);
        for entry in entries(&of_document) {
            assert_eq!((&entry["actor"], &entry["key_id"], &entry["user_id"]), (&json!("Importer"), &json!(id), &Value::Null));
            assert_eq!(entry["ip_address"], "127.0.0.1");
        }
        assert_eq!(log(&server, &owner, &format!("?actor={id}")).await["total"], 4);
        server.stop().await;
    }

    async fn extractions_are_there(database: Database) {
        let server = start(database).await;
        let (owner, _) = registered(&server, "owner@example.com").await;
        let agent = call(&server, &owner, Method::POST, "{w}/agents", json!({ "name": "Bot" })).await.expect(201);
        let all = format!("/agents/{}/extractions", text(&agent["id"]));
        let schema = r#"{"properties": {"total": {"type": "number"}}}"#;
        let sent = server.within(&owner, Method::POST, &all).file("a.txt", "Total: 5.00", &[("schema", schema)]);
        let id = text(&sent.send().await.expect(202)["id"]);
        server.quiet().await;
        server.app.clock.advance(TimeDelta::seconds(1));
        let review = json!({ "corrections": { "total": 6 } });
        call(&server, &owner, Method::POST, &format!("{{w}}{all}/{id}/review"), review).await.expect(200);
        server.app.clock.advance(TimeDelta::seconds(1));
        call(&server, &owner, Method::DELETE, &format!("{{w}}{all}/{id}"), json!({})).await.expect(200);
        let log = log(&server, &owner, &format!("?target={id}")).await;
        assert_eq!(actions(&log), ["extraction.deleted", "extraction.reviewed", "extraction.created"]);
        assert_eq!(entries(&log)[1]["details"], json!({ "corrected": ["total"] }));
        assert!(entries(&log).iter().all(|entry| entry["actor"] == "owner@example.com"));
        server.stop().await;
    }

    async fn what_people_do_with_their_account_is_there(database: Database) {
        let server = start(database).await;
        let (owner, user) = registered(&server, "owner@example.com").await;
        let log_in = |password: &'static str| {
            let form = json!({ "email": "OWNER@example.com", "password": password });
            server.post("/api/v1/auth/login").header("user-agent", AGENT).json(form).send()
        };
        log_in("wrong password").await.refused(401);
        log_in("wrong password").await.refused(401);
        let failed = until_logged(&server, &owner, "?action=login.failed", 2).await;
        let session = log_in(PASSWORD).await.expect(200);
        let succeeded = log(&server, &owner, "?action=login.succeeded").await;
        for entry in entries(&failed).iter().chain(entries(&succeeded)) {
            assert_eq!((&entry["actor"], &entry["target"]), (&json!("owner@example.com"), &json!(user)));
            assert_eq!((&entry["ip_address"], &entry["user_agent"]), (&json!("127.0.0.1"), &json!(AGENT)));
        }
        let account = async |method, path: &str, body| {
            call(&server, &owner, method, &format!("/api/v1/account/{path}"), body).await
        };
        account(Method::PATCH, "profile", json!({ "full_name": "Ada King" })).await.expect(200);
        account(Method::DELETE, "sessions", json!({})).await.expect(200);
        let change = json!({ "current_password": PASSWORD, "new_password": "staple battery horse" });
        account(Method::POST, "password", change).await.expect(200);
        let refreshed = || server.post("/api/v1/auth/refresh").json(json!({ "refresh_token": session["refresh_token"] })).send();
        refreshed().await.refused(401);
        let token = server.link("owner@example.com", "/console/verify").await;
        server.post("/api/v1/auth/verify-email").json(json!({ "token": token })).send().await.expect(200);
        let log = log(&server, &owner, "?limit=100").await;
        let mut actions = actions(&log);
        actions.sort_unstable();
        assert_eq!(actions, [
            "account.created", "email.verified", "login.failed", "login.failed", "login.succeeded", "password.changed",
            "profile.changed", "session.ended", "workspace.created",
        ]);
        assert!(!log.to_string().contains("staple"), "a password stands in the log");
        server.stop().await;
    }

    async fn it_is_filtered_and_paged(database: Database) {
        let server = start(database).await;
        let (owner, user) = registered(&server, "owner@example.com").await;
        let began = server.app.clock.now();
        for n in 0..5 {
            server.app.clock.advance(TimeDelta::minutes(1));
            call(&server, &owner, Method::POST, "{w}/collections", json!({ "name": format!("C{n}") })).await.expect(201);
        }
        let all = log(&server, &owner, "?action=collection.created").await;
        assert_eq!((&all["total"], &all["limit"], &all["offset"]), (&json!(5), &json!(20), &json!(0)));
        let times: Vec<_> = entries(&all).iter().map(|entry| text(&entry["created_at"])).collect();
        assert!(times.is_sorted_by(|a, b| a > b), "latest first: {times:?}");
        let page = log(&server, &owner, "?action=collection.created&limit=2&offset=1").await;
        assert_eq!((&page["total"], entries(&page)), (&json!(5), &entries(&all)[1..3]));

        let total = |query: String| {
            let (server, owner) = (&server, &owner);
            async move { log(server, owner, &query).await["total"].as_i64().unwrap() }
        };
        let moment = |minutes| (began + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ");
        assert_eq!(total(format!("?from={}", moment(2))).await, 4, "from is inclusive");
        assert_eq!(total(format!("?from={}&to={}", moment(2), moment(4))).await, 2, "to is exclusive");
        assert_eq!(total(format!("?to={}&action=collection.created", moment(1))).await, 0);
        assert_eq!(total(format!("?target={}", text(&entries(&all)[3]["target"]))).await, 1);
        for (actor, expected) in [("owner@example.com", 7), (&*user, 7), ("nobody@example.com", 0), ("%25", 0)] {
            assert_eq!(total(format!("?actor={actor}")).await, expected, "{actor}");
        }
        assert_eq!(total("?action=collection.created%27%20OR%201%3D1--".into()).await, 0);
        for wrong in ["?limit=0", "?limit=101", "?offset=-1", "?from=yesterday", "?format=xml"] {
            server.within(&owner, Method::GET, &format!("/audit-log{wrong}")).send().await.refused(400);
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn it_is_exported_as_a_table_without_formulas() {
    let server = start(Database::Sqlite).await;
    let (owner, _) = registered(&server, "owner@example.com").await;
    for agent in ["=HYPERLINK(\"https://evil.test\")", "+1", "-1", "@SUM(A1)", "plain, \"quoted\""] {
        let call = server.within(&owner, Method::POST, "/collections").header("user-agent", agent);
        call.json(json!({ "name": "Docs" })).send().await.expect(201);
    }
    // A key's name stands for who did it.
    let form = json!({ "name": "=cmd|' /C calc'!A0", "permissions": ["write"] });
    let made = call(&server, &owner, Method::POST, "/api/v1/account/api-keys", form).await.expect(201);
    let by_key = Owner { token: text(&made["api_key"]["key"]), workspace: owner.workspace.clone() };
    server.collection(&by_key).await;

    let answer =
        server.within(&owner, Method::GET, "/audit-log?format=csv&action=collection.created").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let mut lines = answer.text.lines();
    assert_eq!(
        lines.next(),
        Some("id,created_at,action,target,actor,user_id,key_id,ip_address,user_agent,details")
    );
    assert_eq!(lines.count(), 6);
    for cell in [
        ",\"'=HYPERLINK(\"\"https://evil.test\"\")\",",
        ",'+1,",
        ",'-1,",
        ",'@SUM(A1),",
        ",\"plain, \"\"quoted\"\"\",",
        ",'=cmd|' /C calc'!A0,",
    ] {
        assert!(answer.text.contains(cell), "{cell} in {}", answer.text);
    }
    for start in [",=", ",+", ",-", ",@", ",\"=", "\n=", "\n\"="] {
        assert!(!answer.text.contains(start), "{start:?} in {}", answer.text);
    }
    let all = server.within(&owner, Method::GET, "/audit-log?format=csv").send().await;
    let total = log(&server, &owner, "").await["total"].as_u64().unwrap();
    assert_eq!(all.text.lines().count() as u64, total + 1);
    server.stop().await;
}

#[tokio::test]
async fn only_those_who_run_a_workspace_read_it() {
    let server = start(Database::Sqlite).await;
    let (owner, _) = registered(&server, "owner@example.com").await;
    let (other, _) = registered(&server, "other@example.com").await;
    call(&server, &owner, Method::POST, "{w}/collections", json!({ "name": "Secret plan" }))
        .await
        .expect(201);
    let read = |token: &str| {
        let path = format!("/api/v1/workspaces/{}/audit-log", owner.workspace);
        server.get(&path).bearer(token).send()
    };
    for (role, status) in [("VIEWER", 403), ("MEMBER", 403), ("ADMIN", 200), ("OWNER", 200)] {
        let (person, user) = registered(&server, &format!("{role}@staff.example.com")).await;
        read(&person.token).await.refused(404);
        let mut db = server.app.db.write().await.unwrap();
        let insert = "INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)";
        let insert = store::Sql::new(insert).bind(&*owner.workspace).bind(&*user).bind(role);
        db.execute(insert.bind(server.app.clock.now())).await.unwrap();
        db.commit().await.unwrap();
        server.app.clock.advance(TimeDelta::seconds(11));
        let answer = read(&person.token).await;
        assert_eq!(answer.status, status, "{role}: {}", answer.text);
    }
    for permissions in [["read"], ["write"]] {
        let form = json!({ "name": "Key", "permissions": permissions });
        let made = call(&server, &owner, Method::POST, "/api/v1/account/api-keys", form).await.expect(201);
        read(made["api_key"]["key"].as_str().unwrap()).await.refused(403);
    }
    read(&other.token).await.refused(404);
    let theirs = log(&server, &other, "?limit=100").await;
    let mut made = actions(&theirs);
    made.sort_unstable(); // in one transaction, so at one moment
    assert_eq!(made, ["account.created", "workspace.created"]);
    assert!(entries(&theirs).iter().all(|entry| entry["actor"] == "other@example.com"), "{theirs}");
    let csv = server.within(&other, Method::GET, "/audit-log?format=csv").send().await;
    assert!(!csv.text.contains("owner@example.com") && !csv.text.contains(&owner.workspace));
    assert_eq!(log(&server, &other, "?actor=owner@example.com").await["total"], 0);
    server.stop().await;
}

#[tokio::test]
async fn nothing_changes_it() {
    let server = start(Database::Sqlite).await;
    let table = frontdesk::table(&server.app, PrometheusBuilder::new().build_recorder().handle());
    let routes: Vec<_> = table.iter().filter(|route| route.path.contains("audit")).collect();
    assert!(!routes.is_empty() && routes.iter().all(|route| route.method == Method::GET), "{routes:?}");
    let touching: Vec<_> = store::STATEMENTS
        .iter()
        .map(|statement| statement.to_uppercase())
        .filter(|text| text.contains("AUDIT_LOG") && !text.starts_with("SELECT"))
        .collect();
    assert!(touching.iter().all(|text| text.starts_with("INSERT")) && touching.len() == 1, "{touching:?}");
    let (owner, _) = registered(&server, "owner@example.com").await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = call(&server, &owner, method, "{w}/audit-log", json!({})).await;
        assert_eq!(answer.refused(405).0, "METHOD_NOT_ALLOWED");
    }
    server.stop().await;
}
