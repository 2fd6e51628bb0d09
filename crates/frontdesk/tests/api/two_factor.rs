//! The second factor: set up, asked for, good once, switched off.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Database, PASSWORD, Server, on_both};
use totp_rs::{Builder, Secret};

use super::start;

const ADA: &str = "ada@example.com";
const PATH: &str = "/api/v1/account/two-factor";

/// The code that an authenticator app shows now.
fn code(server: &Server, secret: &str) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(server.app.clock.now().timestamp().try_into().unwrap()).to_string()
}

/// A code that it does not show.
fn wrong(right: &str) -> String {
    let digit = if right.starts_with('1') { "2" } else { "1" };
    format!("{digit}{}", &right[1..])
}

async fn log_in(server: &Server, password: &str, code: Option<&str>) -> Answer {
    let form = json!({ "email": ADA, "password": password, "totp_code": code });
    server.post("/api/v1/auth/login").json(form).send().await
}

async fn asked_for(server: &Server, code: Option<&str>) {
    let refused = log_in(server, PASSWORD, code).await.refused(401);
    assert_eq!(refused, ("TWO_FACTOR_REQUIRED".into(), Some("totp_code".into())), "{code:?}");
}

async fn change(server: &Server, method: Method, token: &str, path: &str, body: Value) -> Answer {
    server.call(method, &format!("{PATH}{path}")).bearer(token).json(body).send().await
}

async fn begin(server: &Server, token: &str) -> String {
    let setup = change(server, Method::POST, token, "", json!({ "password": PASSWORD })).await.expect(200);
    setup["secret"].as_str().unwrap().to_owned()
}

/// Switches it on: the token of a session, the secret and the recovery codes.
async fn switched_on(server: &Server) -> (String, String, Vec<String>) {
    let session = server.register(ADA).await;
    let token = session["access_token"].as_str().unwrap().to_owned();
    let secret = begin(server, &token).await;
    let first = json!({ "code": code(server, &secret) });
    let confirmed = change(server, Method::POST, &token, "/confirm", first).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    server.app.clock.advance(TimeDelta::seconds(30));
    (token, secret, codes)
}

on_both! {
    async fn it_is_set_up_confirmed_and_asked_for(database: Database) {
        let server = start(database).await;
        let session = server.register(ADA).await;
        let token = session["access_token"].as_str().unwrap();
        let confirm = |code: String| change(&server, Method::POST, token, "/confirm", json!({ "code": code }));
        assert_eq!(confirm("123456".into()).await.refused(400).1.as_deref(), Some("code"), "nothing was begun");
        let refused = change(&server, Method::POST, token, "", json!({ "password": "wrong password" })).await.refused(400);
        assert_eq!(refused.1.as_deref(), Some("password"));
        let abandoned = begin(&server, token).await;
        let setup = change(&server, Method::POST, token, "", json!({ "password": PASSWORD })).await.expect(200);
        let secret = setup["secret"].as_str().unwrap();
        assert_ne!(abandoned, secret);
        let url = setup["otpauth_url"].as_str().unwrap();
        assert!(url.starts_with("otpauth://totp/Frontdesk:ada%40example.com?") && url.contains(secret), "{url}");

        let right = code(&server, secret);
        assert_eq!(confirm(wrong(&right)).await.refused(400).1.as_deref(), Some("code"));
        assert_eq!(confirm(code(&server, &abandoned)).await.refused(400).1.as_deref(), Some("code"));
        let me = log_in(&server, PASSWORD, None).await.expect(200);
        assert_eq!(me["user"]["two_factor_enabled"], false, "what is not confirmed is not asked for");
        let confirmed = confirm(right.clone()).await.expect(200);
        assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
        confirm(right.clone()).await.refused(400);
        change(&server, Method::POST, token, "", json!({ "password": PASSWORD })).await.refused(409);
        let me = server.get("/api/v1/auth/me").bearer(token).send().await;
        assert_eq!(me.json["two_factor_enabled"], true);
        assert!(!me.text.contains(secret));

        asked_for(&server, None).await;
        asked_for(&server, Some("")).await;
        asked_for(&server, Some(&right)).await; // its first use was the confirmation
        server.app.clock.advance(TimeDelta::seconds(30));
        let next = code(&server, secret);
        asked_for(&server, Some(&wrong(&next))).await;
        assert_eq!(log_in(&server, "wrong password", Some(&next)).await.refused(401).0, "UNAUTHORIZED");
        let session = log_in(&server, PASSWORD, Some(&next)).await.expect(200);
        assert_eq!(session["user"]["two_factor_enabled"], true);
        asked_for(&server, Some(&next)).await; // a replay
        asked_for(&server, Some(&right)).await;
        server.app.clock.advance(TimeDelta::minutes(2));
        asked_for(&server, Some(&next)).await;
        let spaced = code(&server, secret);
        log_in(&server, PASSWORD, Some(&format!(" {} {} ", &spaced[..3], &spaced[3..]))).await.expect(200);
        server.stop().await;
    }

    async fn a_code_lets_one_of_many_in(database: Database) {
        let server = start(database).await;
        let (_, secret, recovery) = switched_on(&server).await;
        for proof in [code(&server, &secret), recovery[0].clone()] {
            let answers = futures_util::future::join_all((0..4).map(|_| log_in(&server, PASSWORD, Some(&proof)))).await;
            let won = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(won, 1, "{proof}");
        }
        server.stop().await;
    }

    async fn a_recovery_code_is_good_once(database: Database) {
        let server = start(database).await;
        let (token, secret, recovery) = switched_on(&server).await;
        log_in(&server, PASSWORD, Some(&recovery[0])).await.expect(200);
        asked_for(&server, Some(&recovery[0])).await;
        let typed = recovery[1].to_uppercase().replace('-', " ").replace('0', "o");
        log_in(&server, PASSWORD, Some(&typed)).await.expect(200);
        asked_for(&server, Some(&recovery[1])).await;
        log_in(&server, PASSWORD, Some(&code(&server, &secret))).await.expect(200);

        // A second factor that was set up anew has recovery codes of its own.
        change(&server, Method::DELETE, &token, "", json!({ "password": PASSWORD })).await.expect(200);
        let secret = begin(&server, &token).await;
        let first = json!({ "code": code(&server, &secret) });
        change(&server, Method::POST, &token, "/confirm", first).await.expect(200);
        asked_for(&server, Some(&recovery[2])).await;
        server.stop().await;
    }

    async fn it_is_switched_off_by_the_password(database: Database) {
        let server = start(database).await;
        let (token, secret, recovery) = switched_on(&server).await;
        for body in [json!({ "password": "wrong password" }), json!({ "password": code(&server, &secret) })] {
            let refused = change(&server, Method::DELETE, &token, "", body).await.refused(400);
            assert_eq!(refused.1.as_deref(), Some("password"));
        }
        change(&server, Method::DELETE, &token, "", json!({})).await.refused(400);
        asked_for(&server, None).await;
        change(&server, Method::DELETE, &token, "", json!({ "password": PASSWORD })).await.expect(200);
        let session = log_in(&server, PASSWORD, None).await.expect(200);
        assert_eq!(session["user"]["two_factor_enabled"], false);
        log_in(&server, PASSWORD, Some(&recovery[0])).await.expect(200); // passed over
        server.stop().await;
    }
}

#[tokio::test]
async fn a_new_password_does_not_switch_it_off_for_a_proven_address() {
    let server = start(Database::Sqlite).await;
    let (_, secret, _) = switched_on(&server).await;
    let proof = json!({ "token": server.link(ADA, "/console/verify").await });
    server.post("/api/v1/auth/verify-email").json(proof).send().await.expect(200);
    server.post("/api/v1/auth/password/forgot").json(json!({ "email": ADA })).send().await.expect(200);
    let link =
        json!({ "token": server.link(ADA, "/console/reset").await, "password": "staple battery horse" });
    server.post("/api/v1/auth/password/reset").json(link).send().await.expect(200);
    let refused = log_in(&server, "staple battery horse", None).await.refused(401);
    assert_eq!(refused.0, "TWO_FACTOR_REQUIRED");
    log_in(&server, "staple battery horse", Some(&code(&server, &secret))).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let server = start(Database::Sqlite).await;
    let (_, secret, recovery) = switched_on(&server).await;
    let right = code(&server, &secret);
    for _ in 0..10 {
        asked_for(&server, None).await; // the question itself costs no try
        asked_for(&server, Some(&wrong(&right))).await;
    }
    for proof in [&right, &recovery[0]] {
        log_in(&server, PASSWORD, Some(proof)).await.refused(429);
    }
    server.app.clock.advance(TimeDelta::minutes(30));
    log_in(&server, PASSWORD, Some(&recovery[0])).await.expect(200);
    server.stop().await;
}
