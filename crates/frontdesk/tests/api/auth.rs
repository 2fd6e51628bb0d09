//! Signing up, proving the address, logging in.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Database, Server, on_both};

use super::start;

fn form(email: &str) -> Value {
    json!({ "email": email, "password": "SecurePass123!", "full_name": "John Doe" })
}

async fn sign_up(server: &Server, email: &str) {
    let answer = server.post("/api/v1/auth/signup").json(form(email)).send().await.expect(201);
    assert_eq!(answer["email"], email);
    assert_eq!(answer["expires_in_minutes"], 10);
}

async fn verify(server: &Server, email: &str, code: &str) -> testkit::Answer {
    server.post("/api/v1/auth/verify-otp").json(json!({ "email": email, "otp_code": code })).send().await
}

async fn log_in(server: &Server, email: &str, password: &str) -> testkit::Answer {
    server.post("/api/v1/auth/login").json(json!({ "email": email, "password": password })).send().await
}

on_both! {
    async fn a_person_signs_up_and_in(database: Database) {
        let server = start(database).await;
        sign_up(&server, "user@example.com").await;
        assert_eq!(log_in(&server, "user@example.com", "SecurePass123!").await.refused(403).0, "EMAIL_NOT_VERIFIED");
        let code = server.code("user@example.com").await;
        let session = verify(&server, "user@example.com", &code).await.expect(200);
        assert_eq!(session["user"]["email_verified"], true);
        assert_eq!(verify(&server, "user@example.com", &code).await.refused(400).0, "INVALID_REQUEST");

        let session = log_in(&server, "USER@example.com", "SecurePass123!").await.expect(200);
        assert_eq!(session["token_type"], "bearer");
        let token = session["access_token"].as_str().unwrap();
        let me = server.get("/api/v1/auth/me").bearer(token).send().await.expect(200);
        assert_eq!((&me["email"], &me["user"]["email"]), (&json!("user@example.com"), &json!("user@example.com")));
        assert_eq!((&me["company_id"], &me["role"]), (&Value::Null, &Value::Null));

        let wrong = log_in(&server, "user@example.com", "WrongPass123!").await;
        let unknown = log_in(&server, "nobody@example.com", "WrongPass123!").await;
        assert_eq!(wrong.text, unknown.text, "the answer does not tell whether an address is known");
        assert_eq!(wrong.refused(401).0, "UNAUTHORIZED");
        server.stop().await;
    }

    async fn a_code_ends_after_five_wrong_tries(database: Database) {
        let server = start(database).await;
        sign_up(&server, "user@example.com").await;
        let code = server.code("user@example.com").await;
        let wrong = if code == "000000" { "111111" } else { "000000" };
        for _ in 0..5 {
            verify(&server, "user@example.com", wrong).await.refused(400);
        }
        verify(&server, "user@example.com", &code).await.refused(400);
        // Signing up again brings a new code.
        server.app.clock.advance(TimeDelta::seconds(1));
        sign_up(&server, "user@example.com").await;
        let fresh = server.code("user@example.com").await;
        verify(&server, "user@example.com", &fresh).await.expect(200);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let server = start(Database::Sqlite).await;
    sign_up(&server, "user@example.com").await;
    let code = server.code("user@example.com").await;
    server.app.clock.advance(TimeDelta::minutes(10));
    verify(&server, "user@example.com", &code).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn a_second_sign_up_tells_only_the_owner_of_the_address() {
    let server = start(Database::Sqlite).await;
    server.person("user@example.com").await;
    let before = server.mails("user@example.com").len();
    server.app.clock.advance(TimeDelta::seconds(1));
    sign_up(&server, "user@example.com").await;
    server.quiet().await;
    let mails = server.mails("user@example.com");
    assert_eq!(mails.len(), before + 1);
    assert!(mails.last().unwrap().contains("have an account already"));
    server.stop().await;
}

#[tokio::test]
async fn a_strangers_sign_up_under_a_code_gives_them_no_password() {
    let server = start(Database::Sqlite).await;
    let other = |password: &str| {
        let body = json!({ "email": "user@example.com", "password": password, "full_name": "Eve" });
        server.post("/api/v1/auth/signup").json(body).send()
    };
    // The same once more, as by a double click, changes nothing.
    for _ in 0..2 {
        sign_up(&server, "user@example.com").await;
        server.app.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(
        log_in(&server, "user@example.com", "SecurePass123!").await.refused(403).0,
        "EMAIL_NOT_VERIFIED"
    );
    other("EvesPassword123!").await.expect(201);
    let code = server.code("user@example.com").await;
    verify(&server, "user@example.com", &code).await.expect(200);
    for password in ["SecurePass123!", "EvesPassword123!"] {
        log_in(&server, "user@example.com", password).await.refused(401);
    }
    let mails = server.mails("user@example.com");
    assert!(mails.last().unwrap().contains("neither was kept"), "{mails:?}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_is_named() {
    let server = start(Database::Sqlite).await;
    for (field, value) in [("email", "not an address"), ("password", "short"), ("full_name", "  ")] {
        let mut body = form("user@example.com");
        body[field] = json!(value);
        let (code, named) = server.post("/api/v1/auth/signup").json(body).send().await.refused(400);
        assert_eq!((code.as_str(), named.as_deref()), ("INVALID_REQUEST", Some(field)));
    }
    let mut injected = form("user@example.com");
    injected["full_name"] = json!("Eve\r\nBcc: everyone@example.com");
    server.post("/api/v1/auth/signup").json(injected).send().await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn a_session_is_proven_and_ends() {
    let server = start(Database::Sqlite).await;
    let token = server.person("user@example.com").await;
    let me = |token: String| server.get("/api/v1/auth/me").bearer(&token).send();
    server.get("/api/v1/auth/me").send().await.refused(401);
    me("abc.def.ghi".into()).await.refused(401);
    // The header of a token that says it needs no signature, with the real claims.
    let claims = token.split('.').nth(1).unwrap();
    me(format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")).await.refused(401);
    me(token.clone()).await.expect(200);
    server.app.clock.advance(TimeDelta::hours(24));
    me(token).await.refused(401);
    server.stop().await;
}
