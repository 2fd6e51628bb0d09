//! How often callers may call, and strangers may try.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use http::Method;
use platform::billing::Plan;
use serde_json::{Value, json};
use testkit::{Answer, Database, PASSWORD, Server};

use super::{PROGRAM, start};

fn header(answer: &Answer, name: &str) -> Option<i64> {
    answer.headers.get(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

/// What the headers say: the limit and what is left of it.
fn left(answer: &Answer) -> Option<(i64, i64)> {
    header(answer, "x-ratelimit-limit").zip(header(answer, "x-ratelimit-remaining"))
}

/// Waits as long as an answer tells, by the clock.
fn wait_as_told(server: &Server, answer: &Answer) {
    let seconds = header(answer, "retry-after").expect("the answer tells how long to wait");
    server.app.clock.advance(TimeDelta::seconds(seconds));
}

async fn on_plan(plan: Plan) -> Server {
    Server::start_with(Database::Sqlite, PROGRAM, |config| config.default_plan = plan).await
}

fn texts(session: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&session["access_token"]), text(&session["user"]["company_id"]))
}

async fn account_key(server: &Server, token: &str) -> String {
    let form = json!({ "name": "Integration", "permissions": ["read"] });
    let made = server.post("/api/v1/account/api-keys").bearer(token).json(form).send().await.expect(201);
    made["api_key"]["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_free_workspaces_people_call_sixty_times_a_minute() {
    let server = on_plan(Plan::Free).await;
    let (token, workspace) = texts(&server.register("ada@example.com").await);
    let (other, _) = texts(&server.register("other@example.com").await);
    let path = format!("/api/v1/workspaces/{workspace}");
    let get = |token: &str| server.get(&path).bearer(token).send();
    for remaining in (0..60).rev() {
        let answer = get(&token).await;
        assert_eq!(left(&answer), Some((60, remaining)));
        assert!(header(&answer, "x-ratelimit-reset").unwrap() > server.app.clock.now().timestamp());
        answer.expect(200);
    }
    let refused = get(&token).await;
    assert_eq!(left(&refused), Some((60, 0)));
    let seconds = header(&refused, "retry-after").unwrap();
    assert!((1..=120).contains(&seconds), "{seconds}");
    let told = format!("in {seconds} second");
    assert!(refused.json["message"].as_str().unwrap().contains(&told), "{}", refused.text);
    // It is the person who is counted, not the route.
    server.get("/api/v1/auth/me").bearer(&token).send().await.refused(429);
    server.app.clock.advance(TimeDelta::seconds(seconds - 1));
    get(&token).await.refused(429);
    server.app.clock.advance(TimeDelta::seconds(1));
    get(&token).await.expect(200);
    assert_eq!(refused.refused(429).0, "RATE_LIMIT_EXCEEDED");
    // Others are not held up, and what is refused for another reason counts and says so.
    let lost = server.get(&format!("{path}/agents/agent_missing")).bearer(&other).send().await;
    lost.refused(404);
    let mine = server.get("/api/v1/auth/me").bearer(&other).send().await;
    assert_eq!(left(&mine), Some((60, 59)), "a workspace that is not theirs costs nothing");
    server.get("/livez").send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn each_plan_has_its_limits() {
    for (plan, people, keys) in [
        (Plan::Free, Some(60), 1_000),
        (Plan::Starter, Some(120), 1_000),
        (Plan::Professional, Some(300), 10_000),
        (Plan::Enterprise, None, 10_000),
    ] {
        let server = on_plan(plan).await;
        let (token, workspace) = texts(&server.register("ada@example.com").await);
        let key = account_key(&server, &token).await;
        let path = format!("/api/v1/workspaces/{workspace}");
        let limit = |answer: &Answer| header(answer, "x-ratelimit-limit");
        assert_eq!(limit(&server.get(&path).bearer(&token).send().await), people, "{plan}");
        assert_eq!(limit(&server.get("/api/v1/auth/me").bearer(&token).send().await), people, "{plan}");
        let answer = server.get(&path).bearer(&key).send().await;
        assert_eq!(left(&answer), Some((keys, keys - 1)), "{plan}");
        // A refusal is counted and tells as well.
        let refused = server.call(Method::DELETE, &path).bearer(&key).send().await;
        assert_eq!(left(&refused), Some((keys, keys - 2)), "{plan}");
        refused.refused(403);
        let form = json!({ "name": "Page", "allowed_domains": ["shop.example.com"] });
        let page =
            server.post(&format!("{path}/api-keys")).bearer(&token).json(form).send().await.expect(201);
        let config = server.get("/api/v1/widget/config/agent_missing");
        let answer = config.page(page["key"].as_str().unwrap(), "https://shop.example.com").send().await;
        assert_eq!(limit(&answer), people, "{plan}");
        server.stop().await;
    }
}

#[tokio::test]
async fn who_belongs_nowhere_is_limited_too() {
    let server = on_plan(Plan::Free).await;
    let token = server.person("ada@example.com").await;
    let answer = server.get("/api/v1/auth/me").bearer(&token).send().await;
    assert_eq!(left(&answer), Some((60, 59)));
    server.stop().await;
}

#[tokio::test]
async fn wrong_passwords_close_an_account_for_a_while() {
    let server = start(Database::Sqlite).await;
    server.register("ada@example.com").await;
    server.register("other@example.com").await;
    let log_in = |email: &'static str, password: &'static str| {
        server.post("/api/v1/auth/login").json(json!({ "email": email, "password": password })).send()
    };
    // What is right does not count.
    for _ in 0..12 {
        log_in("ada@example.com", PASSWORD).await.expect(200);
    }
    for n in 0..10 {
        // Another spelling is the same account.
        let email = if n % 2 == 0 { "ada@example.com" } else { "ADA@example.com" };
        log_in(email, "wrong password").await.refused(401);
    }
    log_in("ada@example.com", "wrong password").await.refused(429);
    let refused = log_in("ada@example.com", PASSWORD).await;
    assert!(header(&refused, "retry-after").unwrap() >= 1);
    log_in("other@example.com", PASSWORD).await.expect(200);
    wait_as_told(&server, &refused);
    log_in("ada@example.com", PASSWORD).await.expect(200);
    assert_eq!(refused.refused(429).0, "RATE_LIMIT_EXCEEDED");

    // An account that is not there answers no differently.
    for _ in 0..10 {
        log_in("nobody@example.com", "wrong password").await.refused(401);
    }
    log_in("nobody@example.com", "wrong password").await.refused(429);
    server.stop().await;
}

#[tokio::test]
async fn who_is_logged_in_cannot_guess_the_password_either() {
    let server = start(Database::Sqlite).await;
    let (token, _) = texts(&server.register("ada@example.com").await);
    let change = |current: &'static str| {
        let form = json!({ "current_password": current, "new_password": "staple battery horse" });
        server.post("/api/v1/account/password").bearer(&token).json(form).send()
    };
    for _ in 0..10 {
        change("wrong password").await.refused(400);
    }
    change(PASSWORD).await.refused(429);
    let form = json!({ "password": PASSWORD });
    server.post("/api/v1/account/two-factor").bearer(&token).json(form).send().await.refused(429);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_holds_nobody_up() {
    let server = start(Database::Sqlite).await;
    let (token, _) = texts(&server.register("ada@example.com").await);
    let flood = join_all((0..400).map(|n| {
        // Half of them at one account, half at one each; what they say of their address is not believed.
        let email = if n % 2 == 0 { "ada@example.com".into() } else { format!("user{n}@example.com") };
        let form = json!({ "email": email, "password": "wrong password" });
        let forged = format!("203.0.113.{}", n % 250);
        server.post("/api/v1/auth/login").header("x-forwarded-for", &forged).json(form).send()
    }));
    let others = async {
        for _ in 0..20 {
            for call in [server.get("/livez"), server.get("/api/v1/auth/me").bearer(&token)] {
                let answer = tokio::time::timeout(Duration::from_secs(5), call.send()).await;
                assert_eq!(answer.expect("an answer within five seconds").status, 200);
            }
        }
    };
    let (answers, ()) = join(flood, others).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(of(401) + of(429), 400);
    assert!((50..=100).contains(&of(401)), "{} were tried", of(401));
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        assert!(header(answer, "retry-after").unwrap() >= 1);
    }
}

/// Asks for mails until the address is used up; gives what the last call was answered with.
async fn use_up(server: &Server, forwarded: &str) -> u16 {
    let mut last = 0;
    for n in 0..101 {
        let form = json!({ "email": format!("user{n}@{}.example.com", forwarded.len()) });
        let call = server.post("/api/v1/auth/resend-otp").header("x-forwarded-for", forwarded);
        last = call.json(form).send().await.status.as_u16();
    }
    last
}

async fn ask_from(server: &Server, forwarded: &str) -> u16 {
    let form = json!({ "email": "somebody@else.example.com" });
    let call = server.post("/api/v1/auth/resend-otp").header("x-forwarded-for", forwarded).json(form);
    call.send().await.status.as_u16()
}

#[tokio::test]
async fn what_a_stranger_says_of_their_address_is_not_believed() {
    let server = start(Database::Sqlite).await;
    assert_eq!(use_up(&server, "203.0.113.1").await, 429);
    assert_eq!(ask_from(&server, "203.0.113.2").await, 429);
    server.app.clock.advance(TimeDelta::hours(2));
    let form =
        json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "A", "company_name": "C" });
    let call = server.post("/api/v1/auth/register").header("x-forwarded-for", "203.0.113.1").json(form);
    let (token, _) = texts(&call.send().await.expect(201));
    let sessions = server.get("/api/v1/account/sessions").bearer(&token).send().await.expect(200);
    assert_eq!(sessions["sessions"][0]["ip_address"], "127.0.0.1");
    server.stop().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_clients_are_told_apart() {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    assert_eq!(use_up(&server, "203.0.113.1").await, 429);
    assert_eq!(ask_from(&server, "203.0.113.2").await, 200);
    assert_eq!(
        ask_from(&server, "203.0.113.2, 203.0.113.1").await,
        429,
        "what is left of the client is forged"
    );
    assert_eq!(ask_from(&server, "203.0.113.1, 203.0.113.2").await, 200);
    let form =
        json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "A", "company_name": "C" });
    let call = server.post("/api/v1/auth/register").header("x-forwarded-for", "198.51.100.7").json(form);
    let (token, _) = texts(&call.send().await.expect(201));
    let sessions = server.get("/api/v1/account/sessions").bearer(&token).send().await.expect(200);
    assert_eq!(sessions["sessions"][0]["ip_address"], "198.51.100.7");

    // One network of IPv6 is one client.
    assert_eq!(use_up(&server, "2001:db8:1:2::1").await, 429);
    assert_eq!(ask_from(&server, "2001:db8:1:2:ffff::9").await, 429);
    assert_eq!(ask_from(&server, "2001:db8:1:3::1").await, 200);
    server.stop().await;
}
