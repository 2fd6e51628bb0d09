//! Registering, staying logged in, being let out, getting back in.

use chrono::TimeDelta;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use platform::Secret;
use serde_json::{Value, json};
use testkit::{Answer, Database, PASSWORD, Server, on_both};

use super::{PROGRAM, start};

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "staple battery horse";

async fn post(server: &Server, path: &str, body: Value) -> Answer {
    server.post(&format!("/api/v1/auth/{path}")).json(body).send().await
}

async fn me(server: &Server, token: &str) -> Answer {
    server.get("/api/v1/auth/me").bearer(token).send().await
}

async fn refresh(server: &Server, session: &Value) -> Answer {
    post(server, "refresh", json!({ "refresh_token": session["refresh_token"] })).await
}

async fn log_in(server: &Server, email: &str, password: &str) -> Answer {
    post(server, "login", json!({ "email": email, "password": password })).await
}

fn access(session: &Value) -> &str {
    session["access_token"].as_str().unwrap()
}

fn registration(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "full_name": "Ada Lovelace", "company_name": "Engines" })
}

on_both! {
    async fn a_person_registers_and_proves_the_address_later(database: Database) {
        let server = start(database).await;
        let session = post(&server, "register", registration(ADA)).await.expect(201);
        assert_eq!((&session["token"], &session["token_type"]), (&session["access_token"], &json!("bearer")));
        let user = &session["user"];
        assert_eq!((&user["email"], &user["full_name"], &user["role"]), (&json!(ADA), &json!("Ada Lovelace"), &json!("owner")));
        assert_eq!((&user["is_verified"], &user["email_verified"]), (&json!(false), &json!(false)));
        let list = server.get("/api/v1/workspaces").bearer(access(&session)).send().await.expect(200);
        assert_eq!((&list["total"], &list["workspaces"][0]["name"]), (&json!(1), &json!("Engines")));
        assert_eq!(list["workspaces"][0]["id"], user["company_id"]);
        log_in(&server, ADA, PASSWORD).await.expect(200);

        let first = server.link(ADA, "/console/verify").await;
        post(&server, "verify-email/resend", json!({ "email": ADA })).await.expect(200);
        let second = server.link(ADA, "/console/verify").await;
        assert_ne!(first, second);
        assert_eq!(post(&server, "password/reset", json!({ "token": second, "password": NEW_PASSWORD })).await.refused(400).1.as_deref(), Some("token"), "a link is for one thing");
        post(&server, "verify-email", json!({ "token": second })).await.expect(200);
        let proven = me(&server, access(&session)).await.expect(200);
        assert_eq!((&proven["is_verified"], &proven["user"]["email_verified"]), (&json!(true), &json!(true)));
        for used in [first, second, "made up".into()] {
            assert_eq!(post(&server, "verify-email", json!({ "token": used })).await.refused(400).1.as_deref(), Some("token"));
        }
        let mails = server.mails(ADA).len();
        post(&server, "verify-email/resend", json!({ "email": ADA })).await.expect(200);
        server.quiet().await;
        assert_eq!(server.mails(ADA).len(), mails, "what is proven needs no link");
        server.stop().await;
    }

    async fn a_login_holds_the_fields_of_both_documents(database: Database) {
        let server = start(database).await;
        server.register(ADA).await;
        let session = log_in(&server, ADA, PASSWORD).await.expect(200);
        for field in ["access_token", "token", "refresh_token"] {
            assert!(session[field].as_str().unwrap().len() > 20, "{field}");
        }
        let user = session["user"].as_object().unwrap();
        let mut fields: Vec<_> = user.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, [
            "company_id", "created_at", "email", "email_verified", "full_name", "id", "is_verified", "role", "two_factor_enabled",
        ]);
        let me = me(&server, access(&session)).await;
        assert_eq!(me.json["user"], session["user"]);
        assert!(!me.text.contains("argon2") && !me.text.contains("password"), "{}", me.text);
        server.stop().await;
    }

    async fn a_refresh_token_is_good_once_and_a_second_use_ends_the_session(database: Database) {
        let server = start(database).await;
        let first = server.register(ADA).await;
        let bystander = server.log_in(ADA).await;
        let second = refresh(&server, &first).await.expect(200);
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        assert_eq!(second["user"]["email"], ADA);
        let third = refresh(&server, &second).await.expect(200);
        me(&server, access(&third)).await.expect(200);

        refresh(&server, &first).await.refused(401);
        for session in [&first, &second, &third] {
            me(&server, access(session)).await.refused(401);
            refresh(&server, session).await.refused(401);
        }
        me(&server, access(&bystander)).await.expect(200);
        refresh(&server, &bystander).await.expect(200);
        post(&server, "refresh", json!({ "refresh_token": "made up" })).await.refused(401);
        post(&server, "refresh", json!({ "refresh_token": access(&bystander) })).await.refused(401);
        me(&server, bystander["refresh_token"].as_str().unwrap()).await.refused(401);
        server.stop().await;
    }

    async fn of_many_refreshes_at_once_no_two_are_exchanged(database: Database) {
        let server = start(database).await;
        let session = server.register(ADA).await;
        let answers = futures_util::future::join_all((0..8).map(|_| refresh(&server, &session))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert!(won.len() <= 1, "{} won", won.len());
        for answer in lost {
            answer.refused(401);
        }
        for answer in won {
            me(&server, access(&answer.json)).await.refused(401);
            refresh(&server, &answer.json).await.refused(401);
        }
        me(&server, access(&session)).await.refused(401);
        server.stop().await;
    }

    async fn logging_out_ends_the_session_at_once(database: Database) {
        let server = start(database).await;
        let (by_refresh, by_access, other) = (server.register(ADA).await, server.log_in(ADA).await, server.log_in(ADA).await);
        for session in [&by_refresh, &by_access, &other] {
            me(&server, access(session)).await.expect(200);
        }
        let out = json!({ "refresh_token": by_refresh["refresh_token"] });
        let answer = post(&server, "logout", out.clone()).await.expect(200);
        assert_eq!(answer, json!({ "success": true, "message": "Logged out successfully" }));
        server.post("/api/v1/auth/logout").bearer(access(&by_access)).json(json!({})).send().await.expect(200);
        for session in [&by_refresh, &by_access] {
            me(&server, access(session)).await.refused(401);
            refresh(&server, session).await.refused(401);
        }
        me(&server, access(&other)).await.expect(200);
        post(&server, "logout", out).await.expect(200);
        assert_eq!(post(&server, "logout", json!({})).await.refused(400).1.as_deref(), Some("refresh_token"));
        server.stop().await;
    }

    async fn a_forgotten_password_is_set_anew_by_a_mailed_link(database: Database) {
        let server = start(database).await;
        let sessions = [server.register(ADA).await, server.log_in(ADA).await];
        let reset = |token: &str, password: &str| post(&server, "password/reset", json!({ "token": token, "password": password }));
        let forgot = || post(&server, "password/forgot", json!({ "email": "ADA@example.com" }));
        forgot().await.expect(200);
        let old = server.link(ADA, "/console/reset").await;
        server.app.clock.advance(TimeDelta::hours(1));
        assert_eq!(reset(&old, NEW_PASSWORD).await.refused(400).1.as_deref(), Some("token"), "an hour is over");

        forgot().await.expect(200);
        forgot().await.expect(200);
        let link = server.link(ADA, "/console/reset").await;
        assert_eq!(reset(&link, "too short").await.refused(400).1.as_deref(), Some("password"));
        for session in &sessions {
            me(&server, access(session)).await.expect(200);
        }
        server.app.clock.advance(TimeDelta::minutes(59));
        reset(&link, NEW_PASSWORD).await.expect(200);
        for session in &sessions {
            me(&server, access(session)).await.refused(401);
            refresh(&server, session).await.refused(401);
        }
        reset(&link, "another password 7").await.refused(400);
        log_in(&server, ADA, PASSWORD).await.refused(401);
        let session = log_in(&server, ADA, NEW_PASSWORD).await.expect(200);
        assert_eq!(session["user"]["is_verified"], true, "who reads the mail has proven the address");
        server.quiet().await;
        assert!(server.mails(ADA).last().unwrap().contains("Your password was changed"));
        server.stop().await;
    }

    async fn who_proves_an_address_by_a_new_password_shuts_out_whoever_took_it(database: Database) {
        let server = start(database).await;
        let squatter = server.register(ADA).await;
        let made = server.post("/api/v1/account/api-keys").bearer(access(&squatter));
        let made = made.json(json!({ "name": "Back door", "permissions": ["read", "write"] })).send().await.expect(201);
        let key = made["api_key"]["key"].as_str().unwrap().to_owned();
        let keys = || server.get("/api/v1/account/api-keys").bearer(&key).send();
        keys().await.expect(200);
        post(&server, "password/forgot", json!({ "email": ADA })).await.expect(200);
        let link = server.link(ADA, "/console/reset").await;
        post(&server, "password/reset", json!({ "token": link, "password": NEW_PASSWORD })).await.expect(200);
        keys().await.refused(401);
        log_in(&server, ADA, NEW_PASSWORD).await.expect(200);
        server.stop().await;
    }

    async fn a_changed_password_ends_the_other_sessions(database: Database) {
        let server = start(database).await;
        let (own, other) = (server.register(ADA).await, server.log_in(ADA).await);
        let change = |current: &str, new: &str| {
            let form = json!({ "current_password": current, "new_password": new });
            server.post("/api/v1/account/password").bearer(access(&own)).json(form).send()
        };
        assert_eq!(change("wrong password", NEW_PASSWORD).await.refused(400).1.as_deref(), Some("current_password"));
        assert_eq!(change(PASSWORD, "password123").await.refused(400).1.as_deref(), Some("new_password"));
        me(&server, access(&other)).await.expect(200);
        change(PASSWORD, NEW_PASSWORD).await.expect(200);
        me(&server, access(&own)).await.expect(200);
        me(&server, access(&other)).await.refused(401);
        refresh(&server, &other).await.refused(401);
        refresh(&server, &own).await.expect(200);
        log_in(&server, ADA, PASSWORD).await.refused(401);
        log_in(&server, ADA, NEW_PASSWORD).await.expect(200);
        server.stop().await;
    }

    async fn sessions_are_listed_and_ended(database: Database) {
        let server = start(database).await;
        let own = server.register(ADA).await;
        server.app.clock.advance(TimeDelta::minutes(5));
        let form = json!({ "email": ADA, "password": PASSWORD });
        let phone = server.post("/api/v1/auth/login").header("user-agent", "Phone/1.0").json(form).send().await.expect(200);
        let third = server.log_in(ADA).await;
        let list = || server.get("/api/v1/account/sessions").bearer(access(&own)).send();
        let listed = list().await.expect(200);
        assert_eq!(listed["total"], 3);
        let rows = listed["sessions"].as_array().unwrap();
        let current: Vec<_> = rows.iter().filter(|row| row["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0]["created_at"], "2026-09-21T14:13:20Z");
        assert!(current[0]["last_used_at"].as_str() > current[0]["created_at"].as_str(), "{listed}");
        let row = rows.iter().find(|row| row["user_agent"] == "Phone/1.0").unwrap();
        assert_eq!((&row["ip_address"], &row["current"]), (&json!("127.0.0.1"), &json!(false)));

        let end = |path: &str| server.call(Method::DELETE, &format!("/api/v1/account/sessions{path}")).bearer(access(&own)).send();
        let path = format!("/{}", row["id"].as_str().unwrap());
        end(&path).await.expect(200);
        me(&server, access(&phone)).await.refused(401);
        refresh(&server, &phone).await.refused(401);
        end(&path).await.refused(404);
        end("/nonsense").await.refused(404);
        me(&server, access(&third)).await.expect(200);
        end("").await.expect(200);
        me(&server, access(&third)).await.refused(401);
        assert_eq!(list().await.expect(200)["total"], 1);
        server.stop().await;
    }
}

#[tokio::test]
async fn answers_do_not_tell_whether_an_address_is_known() {
    let server = start(Database::Sqlite).await;
    server.person("known@example.com").await;
    server.register("fresh@example.com").await; // registered, not proven
    let waits = json!({ "email": "waits@example.com", "password": PASSWORD, "full_name": "W" });
    post(&server, "signup", waits).await.expect(201);
    let mut untold = Vec::new();
    for path in ["password/forgot", "verify-email/resend", "resend-otp", "signup"] {
        server.app.clock.advance(TimeDelta::hours(2));
        let mut answers = Vec::new();
        for name in ["known", "fresh", "waits", "nobody"] {
            let email = format!("{name}@example.com");
            let form = json!({ "email": email, "password": NEW_PASSWORD, "full_name": "Ada" });
            let answer = post(&server, path, form).await;
            assert!(answer.status.is_success(), "{path} {name}: {}", answer.text);
            let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
            headers.sort();
            answers.push((answer.status, headers, answer.text.replace(&email, "<address>").into_bytes()));
        }
        // Beyond the limit of mails they do not tell either.
        let mut refusals = Vec::new();
        for name in ["known", "fresh", "waits", "nobody"] {
            let form = json!({ "email": format!("{name}@example.com"), "password": NEW_PASSWORD, "full_name": "Ada" });
            for _ in 0..4 {
                post(&server, path, form.clone()).await;
            }
            refusals.push(post(&server, path, form).await.text);
        }
        assert!(refusals[0].contains("RATE_LIMIT_EXCEEDED"), "{}", refusals[0]);
        answers.dedup();
        refusals.dedup();
        untold.push((path, answers.len(), refusals.len()));
        // The one who was nobody has signed up by now, so that is the last of the calls.
    }
    assert!(untold.iter().all(|(_, answers, refusals)| (*answers, *refusals) == (1, 1)), "{untold:?}");
    let wrong = |email: &'static str| log_in(&server, email, "wrong password");
    assert_eq!(wrong("known@example.com").await.text, wrong("stranger@example.com").await.text);
    assert_eq!(wrong("waits@example.com").await.text, wrong("stranger@example.com").await.text);
    server.quiet().await;
    assert!(server.mails("stranger@example.com").is_empty());
}

#[tokio::test]
async fn a_session_ends_with_time() {
    let server = start(Database::Sqlite).await;
    let session = server.register(ADA).await;
    server.app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    me(&server, access(&session)).await.expect(200);
    server.app.clock.advance(TimeDelta::seconds(1));
    me(&server, access(&session)).await.refused(401);
    server.app.clock.advance(TimeDelta::days(28));
    let session = refresh(&server, &session).await.expect(200);
    me(&server, access(&session)).await.expect(200);
    server.app.clock.advance(TimeDelta::days(30));
    refresh(&server, &session).await.refused(401);
    server.log_in(ADA).await;
    server.stop().await;
}

#[tokio::test]
async fn tokens_of_others_and_of_other_kinds_are_refused() {
    let key = "0123456789abcdef0123456789abcdef";
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| {
        config.secret_key = Some(Secret::new(key.into()));
    })
    .await;
    let owner = server.owner(ADA).await;
    let sessions = server.get("/api/v1/account/sessions").bearer(&owner.token).send().await.expect(200);
    let now = server.app.clock.now().timestamp();
    let sign = |algorithm, key: &str, subject: &str, end: i64| {
        let claims = json!({ "sub": subject, "iat": now, "exp": end });
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
    };
    let session = sessions["sessions"][0]["id"].as_str().unwrap();
    let good = sign(Algorithm::HS256, key, session, now + 60);
    me(&server, &good).await.expect(200); // so what follows is refused for what it says
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
    let agent = server.agent(&owner, &server.collection(&owner).await).await;
    for (what, token) in [
        ("another key", sign(Algorithm::HS256, "another key that is long enough too", session, now + 60)),
        ("no key", sign(Algorithm::HS256, "", session, now + 60)),
        ("another algorithm", sign(Algorithm::HS512, key, session, now + 60)),
        ("expired", sign(Algorithm::HS256, key, session, now)),
        ("another kind of subject", sign(Algorithm::HS256, key, &agent, now + 60)),
        ("no session", sign(Algorithm::HS256, key, "sess_000000000000000000000000", now + 60)),
        ("alg none", format!("{none}.{claims}.")),
        ("alg none with the signature", format!("{none}.{claims}.{signature}")),
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("other claims", format!("{head}.{}.{signature}", claims.replace(&claims[8..9], "A"))),
        ("nothing", String::new()),
        ("the session's id", session.to_owned()),
    ] {
        let answer = me(&server, &token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
    }
    let page = server.get(&format!("/chat/{agent}")).send().await;
    let pass = page.text.split("data-api-key=\"").nth(1).unwrap().split('"').next().unwrap();
    let config = |key: &str| {
        let config = format!("/api/v1/widget/config/{agent}");
        server.get(&config).page(key, &server.url).send()
    };
    config(pass).await.expect(200);
    for stolen in [pass, pass.strip_prefix("share_").unwrap()] {
        me(&server, stolen).await.refused(401);
        server.get("/api/v1/workspaces").bearer(stolen).send().await.refused(401);
        let inside = server.get(&format!("/api/v1/workspaces/{}", owner.workspace));
        inside.bearer(stolen).send().await.refused(401);
    }
    config(&format!("share_{}", owner.token)).await.refused(401);
    server.stop().await;
}

#[tokio::test]
async fn who_is_put_out_of_a_workspace_keeps_the_session_and_loses_the_workspace() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner(ADA).await;
    server.within(&owner, Method::GET, "").send().await.expect(200);
    let mut db = server.app.db.write().await.unwrap();
    db.execute(store::Sql::new("DELETE FROM members")).await.unwrap();
    db.commit().await.unwrap();
    // Nobody announced it, so it is noticed when what was known grows old.
    server.app.clock.advance(TimeDelta::seconds(10));
    server.within(&owner, Method::GET, "").send().await.refused(404);
    assert_eq!(me(&server, &owner.token).await.expect(200)["company_id"], Value::Null);
    server.get("/api/v1/account/api-keys").bearer(&owner.token).send().await.refused(404);
    server.stop().await;
}

#[tokio::test]
async fn a_profile_is_seen_and_changed() {
    let server = start(Database::Sqlite).await;
    let session = server.register(ADA).await;
    let patch = |body: Value| {
        server.call(Method::PATCH, "/api/v1/account/profile").bearer(access(&session)).json(body).send()
    };
    let changed =
        patch(json!({ "full_name": "  Ada King ", "email": "evil@example.com", "role": "x" })).await;
    let changed = changed.expect(200);
    assert_eq!((&changed["user"]["full_name"], &changed["user"]["email"]), (&json!("Ada King"), &json!(ADA)));
    let seen = server.get("/api/v1/account/profile").bearer(access(&session)).send().await.expect(200);
    assert_eq!(seen, changed);
    assert_eq!(patch(json!({})).await.expect(200), changed);
    for wrong in ["", "A\nB", "A\rB", "A\tB", "A\u{0}B", &"x".repeat(121)] {
        assert_eq!(patch(json!({ "full_name": wrong })).await.refused(400).1.as_deref(), Some("full_name"));
    }
    server.stop().await;
}

#[tokio::test]
async fn passwords_that_are_guessed_first_are_refused() {
    let server = start(Database::Sqlite).await;
    for password in [
        "password123",
        "qwertyuiop",
        "PassWord123!",
        "aaaaaaaaaa",
        "1234567890",
        "nine char",
        "",
        &"x7".repeat(129),
    ] {
        for path in ["signup", "register"] {
            let mut form = registration(ADA);
            form["password"] = json!(password);
            let refused = post(&server, path, form).await.refused(400);
            assert_eq!(refused.1.as_deref(), Some("password"), "{path} {password}");
        }
    }
    // Ten characters are enough, whatever they are written in.
    let mut form = registration(ADA);
    form["password"] = json!("日本語のパスワード七");
    post(&server, "register", form).await.expect(201);
    log_in(&server, ADA, "日本語のパスワード七").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn names_do_not_reach_into_mails() {
    let server = start(Database::Sqlite).await;
    for (field, wrong) in [
        ("full_name", "Eve\r\nBcc: all@example.com"),
        ("full_name", "Eve\nBcc: all@example.com"),
        ("full_name", "Eve\rBcc: all@example.com"),
        ("company_name", "Inc\r\nBcc: all@example.com"),
        ("company_name", "Inc\nBcc: all@example.com"),
        ("email", "eve@example.com\r\nBcc: all@example.com"),
        ("email", "eve@example.com, all@example.com"),
        ("email", "Eve <eve@example.com>"),
    ] {
        let mut form = registration("eve@example.com");
        form[field] = json!(wrong);
        let refused = post(&server, "register", form).await.refused(400);
        assert_eq!(refused.1.as_deref(), Some(field), "{wrong:?}");
    }
    for (n, name) in
        ["<script>alert(1)</script>", "=?utf-8?q?Bcc=3A_all=40example.com?=", "\"<b>&amp;"].iter().enumerate()
    {
        let email = format!("eve{n}@example.com");
        let mut form = registration(&email);
        (form["full_name"], form["company_name"]) = (json!(name), json!(name));
        let session = post(&server, "register", form).await.expect(201);
        post(&server, "password/forgot", json!({ "email": email })).await.expect(200);
        post(&server, "signup", json!({ "email": email, "password": PASSWORD, "full_name": name }))
            .await
            .expect(201);
        let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        server
            .post("/api/v1/account/password")
            .bearer(access(&session))
            .json(change)
            .send()
            .await
            .expect(200);
        server.quiet().await;
        let mails = server.mails(&email);
        assert_eq!(mails.len(), 4);
        for mail in mails {
            let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
            assert_eq!(headers.lines().filter(|line| line.starts_with("To: ")).count(), 1, "{headers}");
            assert!(!headers.contains("Bcc") && !headers.contains(name), "{headers}");
            assert!(!body.contains("<script>") && !body.contains("<b>"), "{body}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn addresses_that_read_alike_are_one_person() {
    let server = start(Database::Sqlite).await;
    let same = [
        (
            "ada@example.com",
            ["ADA@Example.COM", " ada@example.com ", "ａｄａ@example.com", "ada@ｅｘａｍｐｌｅ.com"],
        ),
        (
            "jos\u{e9}@example.com",
            [
                "jose\u{301}@example.com",
                "JOS\u{c9}@example.com",
                "JOSE\u{301}@EXAMPLE.com",
                "jos\u{e9}@example.COM",
            ],
        ),
        (
            "ada@b\u{fc}cher.example",
            [
                "ada@xn--bcher-kva.example",
                "ada@bu\u{308}cher.example",
                "ada@B\u{dc}CHER.example",
                "ADA@XN--BCHER-KVA.example",
            ],
        ),
    ];
    for (email, others) in same {
        let id = post(&server, "register", registration(email)).await.expect(201)["user"]["id"].clone();
        for other in others {
            let form = registration(other);
            assert_eq!(post(&server, "register", form).await.refused(409).0, "CONFLICT", "{other:?}");
            assert_eq!(log_in(&server, other, PASSWORD).await.expect(200)["user"]["id"], id, "{other:?}");
        }
    }
    for alike in [
        "\u{430}da@example.com",   // Cyrillic а
        "ad\u{3b1}@example.com",   // Greek α
        "a\u{200b}da@example.com", // a space without width
        "\u{202e}ada@example.com", // written from the right
        "ada\u{ad}@example.com",   // a soft hyphen
    ] {
        let refused = post(&server, "register", registration(alike)).await.refused(400);
        assert_eq!(refused.1.as_deref(), Some("email"), "{alike:?}");
    }
    server.stop().await;
}
