//! Health, unknown paths, wrong methods, broken bodies.

use serde_json::json;
use testkit::{Database, on_both};

use super::start;

on_both! {
    async fn health_is_as_documented(database: Database) {
        let server = start(database).await;
        let health = server.get("/api/v1/health").send().await.expect(200);
        assert_eq!(health["status"], "ok");
        assert_eq!(health["database"]["connected"], true);
        assert_eq!(health["data"]["responsive"], true);
        assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
        server.get("/livez").send().await.expect(200);
        server.get("/readyz").send().await.expect(200);
        server.stop().await;
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_errors_have_one_shape() {
    let server = start(Database::Sqlite).await;
    let lost = server.get("/api/v1/nothing").send().await;
    assert!(lost.headers.contains_key("x-request-id"));
    assert_eq!(lost.headers["x-content-type-options"], "nosniff");
    assert_eq!(lost.refused(404).0, "NOT_FOUND");
    assert_eq!(server.get("/api/v1/auth/login").send().await.refused(405).0, "METHOD_NOT_ALLOWED");

    let login = || server.post("/api/v1/auth/login");
    assert_eq!(login().body("application/json", "{oops").send().await.refused(400).0, "INVALID_REQUEST");
    assert_eq!(login().body("text/plain", "{}").send().await.refused(415).0, "UNSUPPORTED_MEDIA_TYPE");
    let missing = login().json(json!({ "email": "a@example.com" })).send().await.refused(400);
    assert_eq!(missing, ("INVALID_REQUEST".into(), Some("password".into())));
    let wrong = login().json(json!({ "email": 7, "password": "x" })).send().await.refused(400);
    assert_eq!(wrong.1.as_deref(), Some("email"));
    let long = login().json(json!({ "email": "a@example.com", "password": "x".repeat(2_000_000) }));
    assert_eq!(long.send().await.refused(413).0, "PAYLOAD_TOO_LARGE");
    assert_eq!(
        raw_post(&server.url, 6_000_000).await,
        413,
        "a client that sends before it listens gets the answer"
    );
    let given = server.get("/livez").header("x-request-id", "abc-123").send().await;
    assert_eq!(given.headers["x-request-id"], "abc-123");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready() {
    let server = start(Database::Sqlite).await;
    let url = format!("{}/readyz", server.url);
    let client = reqwest_client();
    // The connection is open before the stop, as a load balancer's is.
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    server.app.stopping.cancel();
    let ready = client.get(&url).send().await;
    assert!(ready.is_err() || ready.unwrap().status() == 503);
    server.stop().await;
}

/// Sends a whole JSON body before it reads, as simple clients do; gives the status.
async fn raw_post(url: &str, size: usize) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; size]).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

fn reqwest_client() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}
