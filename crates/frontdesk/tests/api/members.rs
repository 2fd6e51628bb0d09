//! Who belongs to a workspace, how they come in by invitation, and how they go.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future;
use http::Method;
use serde_json::{Value, json};
use store::Sql;
use testkit::{Answer, Database, Owner, Server, on_both};

use super::start;

const PAGE: &str = "/console/invitation";

async fn invite(server: &Server, by: &Owner, email: &str, role: &str) -> Answer {
    let form = json!({ "email": email, "role": role });
    server.within(by, Method::POST, "/invitations").json(form).send().await
}

async fn accept(server: &Server, token: &str, invitation: &str) -> Answer {
    let form = json!({ "token": invitation });
    server.post("/api/v1/invitations/accept").bearer(token).json(form).send().await
}

async fn look_up(server: &Server, invitation: &str) -> Answer {
    server.get(&format!("/api/v1/invitations/lookup?token={invitation}")).send().await
}

/// Somebody new who was invited and has joined.
pub(super) async fn join(server: &Server, by: &Owner, email: &str, role: &str) -> Owner {
    let token = server.person(email).await;
    invite(server, by, email, role).await.expect(201);
    let invitation = server.link(email, PAGE).await;
    accept(server, &token, &invitation).await.expect(200);
    Owner { token, workspace: by.workspace.clone() }
}

async fn id(server: &Server, who: &Owner) -> String {
    let me = server.get("/api/v1/auth/me").bearer(&who.token).send().await.expect(200);
    me["id"].as_str().unwrap().to_owned()
}

async fn set_role(server: &Server, by: &Owner, user: &str, role: &str) -> Answer {
    let path = format!("/members/{user}");
    server.within(by, Method::PATCH, &path).json(json!({ "role": role })).send().await
}

async fn remove(server: &Server, by: &Owner, user: &str) -> Answer {
    server.within(by, Method::DELETE, &format!("/members/{user}")).send().await
}

/// The addresses and roles of the members that a query finds.
async fn members(server: &Server, by: &Owner, query: &str) -> Vec<(String, String)> {
    let list = server.within(by, Method::GET, &format!("/members{query}")).send().await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["members"].as_array().unwrap().iter().map(|row| (text(&row["email"]), text(&row["role"]))).collect()
}

/// The details of the audit log's entries about somebody, newest first.
async fn audited(server: &Server, by: &Owner, action: &str, target: &str) -> Vec<Value> {
    let path = format!("/audit-log?action={action}&target={target}");
    let list = server.within(by, Method::GET, &path).send().await.expect(200);
    list["entries"].as_array().unwrap().iter().map(|entry| entry["details"].clone()).collect()
}

fn pair(email: &str, role: &str) -> (String, String) {
    (email.to_owned(), role.to_owned())
}

on_both! {
    async fn somebody_is_invited_and_joins(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let made = invite(&server, &owner, "Bob@example.com", "admin").await.expect(201);
        assert_eq!((&made["email"], &made["role"]), (&json!("Bob@example.com"), &json!("ADMIN")));
        assert_eq!(made["created_at"], json!(server.app.clock.now()));
        assert_eq!(made["expires_at"], json!(server.app.clock.now() + TimeDelta::days(7)));
        let list = server.within(&owner, Method::GET, "/invitations").send().await;
        assert_eq!(list.json["invitations"], json!([made]));

        let invitation = server.link("Bob@example.com", PAGE).await;
        assert!(!list.text.contains(&invitation), "the mail alone holds the token");
        let offer = look_up(&server, &invitation).await.expect(200);
        let told = json!({
            "email": "Bob@example.com",
            "role": "ADMIN",
            "workspace_name": "My Company",
            "inviter": "owner@example.com",
            "expires_at": made["expires_at"],
        });
        assert_eq!(offer, told);

        let stranger = server.person("stranger@example.com").await;
        accept(&server, &stranger, &invitation).await.refused(403);
        server.post("/api/v1/invitations/accept").json(json!({ "token": invitation })).send().await.refused(401);
        // Registered, but the address is not proven; another spelling of it is the same address.
        let session = server.register("bob@EXAMPLE.com").await;
        assert_eq!(session["user"]["email_verified"], false);
        let bob = Owner { token: session["token"].as_str().unwrap().to_owned(), workspace: owner.workspace.clone() };
        server.within(&bob, Method::GET, "").send().await.refused(404);
        let joined = accept(&server, &bob.token, &invitation).await.expect(200);
        assert_eq!(joined, json!({ "workspace_id": owner.workspace, "role": "ADMIN" }));
        server.within(&bob, Method::GET, "").send().await.expect(200);
        let me = server.get("/api/v1/auth/me").bearer(&bob.token).send().await.expect(200);
        assert_eq!(me["email_verified"], true, "who reads the mail has proven the address");

        for token in [&invitation, "", "wrong", &"0".repeat(64)] {
            let refused = accept(&server, &bob.token, token).await.refused(400);
            assert_eq!(refused.1.as_deref(), Some("token"), "{token}");
            assert_eq!(look_up(&server, token).await.refused(400).1.as_deref(), Some("token"));
        }
        let list = server.within(&owner, Method::GET, "/invitations").send().await.expect(200);
        assert_eq!(list["total"], 0);
        let expected = [pair("owner@example.com", "OWNER"), pair("bob@EXAMPLE.com", "ADMIN")];
        assert_eq!(members(&server, &owner, "").await, expected);
        let user = me["id"].as_str().unwrap();
        let joined = audited(&server, &owner, "member.joined", user).await;
        assert_eq!(joined, [json!({ "email": "bob@EXAMPLE.com", "role": "ADMIN" })]);
        let invited = audited(&server, &owner, "invitation.created", made["id"].as_str().unwrap()).await;
        assert_eq!(invited, [json!({ "email": "Bob@example.com", "role": "ADMIN" })]);
        let verified = audited(&server, &owner, "email.verified", user).await;
        assert_eq!(verified.len(), 1);
        server.stop().await;
    }

    async fn an_invitation_ends(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let bob = server.person("bob@example.com").await;
        invite(&server, &owner, "bob@example.com", "OWNER").await.expect(201);
        let first = server.link("bob@example.com", PAGE).await;

        // Another replaces it, whatever the spelling.
        server.app.clock.advance(TimeDelta::seconds(1));
        let second = invite(&server, &owner, "BOB@example.com", "VIEWER").await.expect(201);
        let link = server.link("BOB@example.com", PAGE).await;
        accept(&server, &bob, &first).await.refused(400);
        assert_eq!(look_up(&server, &link).await.expect(200)["role"], "VIEWER");
        let list = server.within(&owner, Method::GET, "/invitations").send().await.expect(200);
        assert_eq!(list["invitations"], json!([second]));

        // It is withdrawn, by its own workspace only.
        let path = format!("/invitations/{}", second["id"].as_str().unwrap());
        let other = server.owner("other@example.com").await;
        server.within(&other, Method::DELETE, &path).send().await.refused(404);
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        server.within(&owner, Method::DELETE, &path).send().await.refused(404);
        accept(&server, &bob, &link).await.refused(400);
        let withdrawn = audited(&server, &owner, "invitation.withdrawn", second["id"].as_str().unwrap()).await;
        assert_eq!(withdrawn, [json!({ "email": "BOB@example.com" })]);

        // It grows old.
        server.app.clock.advance(TimeDelta::seconds(1));
        invite(&server, &owner, "bob@example.com", "VIEWER").await.expect(201);
        let link = server.link("bob@example.com", PAGE).await;
        server.app.clock.advance(TimeDelta::days(7));
        look_up(&server, &link).await.refused(400);
        let log_in = server.log_in("bob@example.com").await;
        accept(&server, log_in["token"].as_str().unwrap(), &link).await.refused(400);
        let owner = Owner { token: server.log_in("owner@example.com").await["token"].as_str().unwrap().into(), ..owner };
        let list = server.within(&owner, Method::GET, "/invitations").send().await.expect(200);
        assert_eq!(list["total"], 0);

        // Its workspace goes.
        invite(&server, &owner, "bob@example.com", "VIEWER").await.expect(201);
        let link = server.link("bob@example.com", PAGE).await;
        look_up(&server, &link).await.expect(200);
        server.within(&owner, Method::DELETE, "").send().await.expect(200);
        look_up(&server, &link).await.refused(400);
        server.stop().await;
    }

    async fn nobody_gives_or_takes_a_role_above_their_own(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let admin = join(&server, &owner, "admin@example.com", "ADMIN").await;
        let member = join(&server, &admin, "member@example.com", "MEMBER").await;
        let (owner_id, admin_id, member_id) =
            (id(&server, &owner).await, id(&server, &admin).await, id(&server, &member).await);

        let refused = invite(&server, &admin, "new@example.com", "OWNER").await.refused(403);
        assert_eq!(refused.1.as_deref(), Some("role"));
        for user in [&admin_id, &member_id] {
            assert_eq!(set_role(&server, &admin, user, "OWNER").await.refused(403).1.as_deref(), Some("role"));
        }
        set_role(&server, &admin, &owner_id, "MEMBER").await.refused(403);
        remove(&server, &admin, &owner_id).await.refused(403);

        invite(&server, &member, "new@example.com", "VIEWER").await.refused(403);
        server.within(&member, Method::GET, "/invitations").send().await.refused(403);
        set_role(&server, &member, &member_id, "ADMIN").await.refused(403);
        remove(&server, &member, &admin_id).await.refused(403);
        assert_eq!(members(&server, &member, "").await.len(), 3, "a member sees the others");

        let changed = set_role(&server, &admin, &member_id, "viewer").await.expect(200);
        assert_eq!((&changed["user_id"], &changed["role"]), (&json!(member_id), &json!("VIEWER")));
        set_role(&server, &admin, &member_id, "VIEWER").await.expect(200);
        server.within(&member, Method::POST, "/collections").json(json!({ "name": "x" })).send().await.refused(403);
        let details = json!({ "email": "member@example.com", "from": "MEMBER", "to": "VIEWER" });
        assert_eq!(audited(&server, &owner, "member.role_changed", &member_id).await, [details]);
        set_role(&server, &owner, &member_id, "OWNER").await.expect(200);

        let (_, field) = set_role(&server, &owner, &admin_id, "KING").await.refused(400);
        assert_eq!(field.as_deref(), Some("role"));
        let other = server.owner("other@example.com").await;
        let stranger = id(&server, &other).await;
        for user in [&*stranger, "user_wrong"] {
            set_role(&server, &owner, user, "VIEWER").await.refused(404);
            remove(&server, &owner, user).await.refused(404);
        }
        set_role(&server, &Owner { workspace: owner.workspace.clone(), ..other }, &admin_id, "VIEWER").await.refused(404);
        server.stop().await;
    }

    async fn a_workspace_keeps_an_owner(database: Database) {
        let server = start(database).await;
        let first = server.owner("first@example.com").await;
        let second = join(&server, &first, "second@example.com", "ADMIN").await;
        let (first_id, second_id) = (id(&server, &first).await, id(&server, &second).await);
        set_role(&server, &first, &first_id, "ADMIN").await.refused(409);
        remove(&server, &first, &first_id).await.refused(409);

        set_role(&server, &first, &second_id, "OWNER").await.expect(200);
        let owner_id = |by| {
            let call = server.within(by, Method::GET, "");
            async { call.send().await.expect(200)["owner_id"].clone() }
        };
        assert_eq!(owner_id(&first).await, json!(first_id));
        set_role(&server, &second, &first_id, "MEMBER").await.expect(200);
        assert_eq!(owner_id(&first).await, json!(second_id), "the workspace names an owner it has");
        set_role(&server, &second, &first_id, "OWNER").await.expect(200);
        assert_eq!(owner_id(&first).await, json!(second_id));
        remove(&server, &second, &second_id).await.expect(200);
        assert_eq!(owner_id(&first).await, json!(first_id));
        let left = audited(&server, &first, "member.left", &second_id).await;
        assert_eq!(left, [json!({ "email": "second@example.com", "role": "OWNER" })]);
        server.stop().await;
    }

    async fn of_owners_who_leave_at_once_one_stays(database: Database) {
        let server = start(database).await;
        let first = server.owner("first@example.com").await;
        let second = join(&server, &first, "second@example.com", "OWNER").await;
        let (first_id, second_id) = (id(&server, &first).await, id(&server, &second).await);
        // The first has looked that there is another owner, and is kept from going on while the second looks.
        let mut db = server.app.db.write().await.unwrap();
        let held = Sql::new("UPDATE members SET role = role WHERE user_id = $1").bind(first_id.as_str());
        assert_eq!(db.execute(held).await.unwrap(), 1);
        let leave = async |who, id, delay| {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            remove(&server, who, id).await
        };
        let let_go = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            db.commit().await.unwrap();
        };
        let (one, other, ()) =
            future::join3(leave(&first, &first_id, 0), leave(&second, &second_id, 200), let_go).await;
        one.expect(200);
        other.refused(409);
        assert_eq!(members(&server, &second, "").await, [pair("second@example.com", "OWNER")]);
        server.stop().await;
    }

    async fn who_is_removed_is_out_at_once(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let admin = join(&server, &owner, "admin@example.com", "ADMIN").await;
        let viewer = join(&server, &owner, "viewer@example.com", "VIEWER").await;
        let (admin_id, viewer_id) = (id(&server, &admin).await, id(&server, &viewer).await);
        invite(&server, &admin, "back.door@example.com", "ADMIN").await.expect(201);
        let link = server.link("back.door@example.com", PAGE).await;
        let current = |who: &Owner| {
            server.get("/api/v1/account/api-keys").bearer(&who.token).header("x-workspace-id", &who.workspace).send()
        };
        current(&admin).await.expect(200);

        remove(&server, &owner, &admin_id).await.expect(200);
        for path in ["", "/members", "/agents", "/audit-log"] {
            server.within(&admin, Method::GET, path).send().await.refused(404);
        }
        server.get(&format!("/api/v1/companies/{}", admin.workspace)).bearer(&admin.token).send().await.refused(404);
        current(&admin).await.refused(404);
        remove(&server, &owner, &admin_id).await.refused(404);
        look_up(&server, &link).await.refused(400);
        let details = json!({ "email": "admin@example.com", "role": "ADMIN" });
        assert_eq!(audited(&server, &owner, "member.removed", &admin_id).await, [details]);

        // Who is lowered has no door of their own either.
        let admin = Owner { workspace: owner.workspace.clone(), ..admin };
        invite(&server, &owner, "admin@example.com", "ADMIN").await.expect(201);
        accept(&server, &admin.token, &server.link("admin@example.com", PAGE).await).await.expect(200);
        server.app.clock.advance(TimeDelta::seconds(1));
        invite(&server, &admin, "back.door@example.com", "ADMIN").await.expect(201);
        let link = server.link("back.door@example.com", PAGE).await;
        look_up(&server, &link).await.expect(200);
        set_role(&server, &owner, &admin_id, "MEMBER").await.expect(200);
        look_up(&server, &link).await.refused(400);

        // Anybody may leave.
        remove(&server, &viewer, &viewer_id).await.expect(200);
        server.within(&viewer, Method::GET, "").send().await.refused(404);
        current(&viewer).await.refused(404);
        server.stop().await;
    }

    async fn keys_do_not_manage_people(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let viewer = join(&server, &owner, "viewer@example.com", "VIEWER").await;
        let viewer_id = id(&server, &viewer).await;
        let form = json!({ "name": "Key", "permissions": ["write"] });
        let key = server.post("/api/v1/account/api-keys").bearer(&owner.token).json(form).send().await.expect(201);
        let key = Owner {
            token: key["api_key"]["key"].as_str().unwrap().to_owned(),
            workspace: owner.workspace.clone(),
        };
        assert_eq!(members(&server, &key, "").await.len(), 2);
        remove(&server, &key, &viewer_id).await.refused(403);
        set_role(&server, &key, &viewer_id, "ADMIN").await.refused(403);
        invite(&server, &key, "new@example.com", "VIEWER").await.refused(403);
        assert_eq!(members(&server, &owner, "").await.len(), 2);
        server.stop().await;
    }

    async fn members_are_found_by_name_and_address(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let asa = join(&server, &owner, "asa@shop.example", "VIEWER").await;
        join(&server, &owner, "bo_b@example.com", "MEMBER").await;
        let name = json!({ "full_name": "Åsa 100% Öberg" });
        let profile = server.call(Method::PATCH, "/api/v1/account/profile").bearer(&asa.token).json(name);
        profile.send().await.expect(200);

        let (first, second, third) =
            (pair("owner@example.com", "OWNER"), pair("asa@shop.example", "VIEWER"), pair("bo_b@example.com", "MEMBER"));
        for (query, expected) in [
            ("?q=", vec![&first, &second, &third]),
            ("?q=LOVELACE", vec![&first, &third]),
            ("?q=SHOP.example", vec![&second]),
            ("?q=%C3%A5SA", vec![&second]), // å
            ("?q=%25", vec![&second]),
            ("?q=_", vec![&third]),
            ("?q=%5C", vec![]),
            ("?q=nobody", vec![]),
            ("?limit=1&offset=1", vec![&second]),
            ("?q=example&limit=1&offset=2", vec![&third]),
        ] {
            let found = members(&server, &owner, query).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
        }
        let list = server.within(&owner, Method::GET, "/members?q=lovelace&limit=1").send().await.expect(200);
        assert_eq!((&list["total"], &list["limit"], &list["offset"]), (&json!(2), &json!(1), &json!(0)));
        let refused = server.within(&owner, Method::GET, "/members?limit=1000").send().await.refused(400);
        assert_eq!(refused.1.as_deref(), Some("limit"));
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_invitation_is_named() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    for (body, status, field) in [
        (json!({ "role": "MEMBER" }), 400, "email"),
        (json!({ "email": "new@example.com" }), 400, "role"),
        (json!({ "email": "not an address", "role": "MEMBER" }), 400, "email"),
        (json!({ "email": "a@example.com\r\nBcc: b@example.com", "role": "MEMBER" }), 400, "email"),
        (json!({ "email": "new@example.com", "role": "BOSS" }), 400, "role"),
        (json!({ "email": "OWNER@example.com", "role": "MEMBER" }), 409, "email"),
    ] {
        let refused =
            server.within(&owner, Method::POST, "/invitations").json(body).send().await.refused(status);
        assert_eq!(refused.1.as_deref(), Some(field));
    }
    let missing = server.get("/api/v1/invitations/lookup").send().await.refused(400);
    assert_eq!(missing.1.as_deref(), Some("token"));
    server.stop().await;
}

#[tokio::test]
async fn invitations_are_limited() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    for _ in 0..5 {
        invite(&server, &owner, "same@example.com", "VIEWER").await.expect(201);
    }
    let refused = invite(&server, &owner, "same@example.com", "VIEWER").await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.refused(429).0, "RATE_LIMIT_EXCEEDED");
    for n in 0..44 {
        invite(&server, &owner, &format!("{n}@example.com"), "VIEWER").await.expect(201);
    }
    invite(&server, &owner, "one.more@example.com", "VIEWER").await.refused(429);

    server.app.clock.advance(TimeDelta::hours(2));
    let many = Sql::new(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 55)
         INSERT INTO invitations (id, workspace_id, email, email_key, role, token_hash, invited_by, expires_at, created_at)
         SELECT 'invite_' || i, workspace_id, i || '@x.example', i || '@x.example', role, i, invited_by, expires_at, created_at
         FROM invitations JOIN n ON email = '0@example.com'",
    );
    let mut db = server.app.db.write().await.unwrap();
    assert_eq!(db.execute(many).await.unwrap(), 55, "to the 45 that are open");
    db.commit().await.unwrap();
    invite(&server, &owner, "one.more@example.com", "VIEWER").await.refused(422);
    // In the place of an earlier one there may be another.
    invite(&server, &owner, "0@example.com", "VIEWER").await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn a_workspaces_name_is_only_a_name_in_mails() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    for name in ["Shop\r\nBcc: everyone@example.com", "Shop\nBcc: everyone@example.com"] {
        let form = json!({ "name": name });
        let refused = server.within(&owner, Method::PATCH, "").json(form).send().await.refused(400);
        assert_eq!(refused.1.as_deref(), Some("name"));
    }
    // However it came there.
    let name = "Shop\r\nBcc: everyone@example.com\n\n<a href=\"https://evil.test\">Log in</a>";
    let mut db = server.app.db.write().await.unwrap();
    db.execute(Sql::new("UPDATE workspaces SET name = $1").bind(name)).await.unwrap();
    db.commit().await.unwrap();
    invite(&server, &owner, "new@example.com", "VIEWER").await.expect(201);
    server.quiet().await;

    let mail = server.mails("new@example.com").pop().unwrap();
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    let unfolded = headers.replace("\r\n ", " ");
    assert!(unfolded.lines().all(|line| !line.starts_with("Bcc")), "{unfolded}");
    assert!(unfolded.contains("Subject: Invitation to Shop Bcc: everyone@example.com"), "{unfolded}");
    let html = body.split_once("text/html").unwrap().1;
    assert!(html.contains("&lt;a href") && !html.contains("<a "), "{html}");
    let text = body.split_once("text/html").unwrap().0;
    let line = text.lines().find(|line| line.contains("invites you")).unwrap();
    assert!(line.contains("Bcc: everyone@example.com <a href") && line.ends_with("on Frontdesk."), "{line}");
    server.stop().await;
}
