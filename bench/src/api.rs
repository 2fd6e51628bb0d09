//! The calls of the server's API that fill a workspace.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{Result, server::Server};

/// Separates the parts of an upload; no document of the bench holds it.
const BOUNDARY: &str = "frontdesk-bench-5b8f1c";

/// Who owns the workspace.
pub const EMAIL: &str = "owner@bench.example";
/// The owner's password.
pub const PASSWORD: &str = "a password for the bench";
/// The page that visitors ask from.
pub const ORIGIN: &str = "https://shop.bench.example";

/// A client of the kind that the server itself has. It speaks to the loopback only, so it trusts nobody.
pub fn client() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .pool_max_idle_per_host(256)
        .tcp_nodelay(true)
        .build()?)
}

/// The workspace of a server, as its owner.
pub struct Api {
    http: reqwest::Client,
    workspace: String,
    /// The owner's session.
    pub token: String,
}

impl Api {
    /// Logs in.
    pub async fn log_in(http: &reqwest::Client, server: &Server, workspace: &str) -> Result<Self> {
        let base = format!("http://{}/api/v1", server.addr);
        let login = http.post(format!("{base}/auth/login"));
        let answer = send(login.json(&json!({ "email": EMAIL, "password": PASSWORD }))).await?;
        let workspace = format!("{base}/workspaces/{workspace}");
        Ok(Self { http: http.clone(), workspace, token: text(&answer, "access_token")? })
    }

    /// Logs in again and again and counts it, until it is stopped or fails.
    pub async fn log_in_again(
        http: reqwest::Client,
        server: SocketAddr,
        count: Arc<AtomicUsize>,
    ) -> Result<()> {
        loop {
            let login = http.post(format!("http://{server}/api/v1/auth/login"));
            send(login.json(&json!({ "email": EMAIL, "password": PASSWORD }))).await?;
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/{path}", self.workspace)).bearer_auth(&self.token)
    }

    /// Makes something; gives the field of the answer that is wanted.
    async fn make(&self, path: &str, body: Value, wanted: &str) -> Result<String> {
        text(&send(self.call(Method::POST, path).json(&body)).await?, wanted)
    }

    /// Makes a collection; gives its id.
    pub async fn collection(&self) -> Result<String> {
        self.make("collections", json!({ "name": "Help centre" }), "id").await
    }

    /// Makes and publishes an agent that answers whatever it is asked; gives its id.
    pub async fn agent(&self, collection: &str) -> Result<String> {
        let body = json!({
            "name": "Bench",
            "collection_ids": [collection],
            "response_config": { "confidence_threshold": 0.0 },
        });
        let agent = self.make("agents", body, "id").await?;
        send(self.call(Method::POST, &format!("agents/{agent}/publish"))).await?;
        Ok(agent)
    }

    /// Makes a key for the visitors' page.
    pub async fn key(&self) -> Result<String> {
        let domain = ORIGIN.trim_start_matches("https://");
        self.make("api-keys", json!({ "name": "Bench", "allowed_domains": [domain] }), "key").await
    }

    /// Has an address told of contacts that come to be.
    pub async fn webhook(&self, url: &str) -> Result<String> {
        self.make("webhooks", json!({ "url": url, "event_types": ["CONTACT_CREATED"] }), "id").await
    }

    /// Uploads a document; gives its id.
    pub async fn upload(&self, collection: &str, name: &str, content: &[u8]) -> Result<String> {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"collection_id\"\r\n\r\n{collection}\r\n\
             --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let upload = self.call(Method::POST, "documents").header("content-type", kind).body(body);
        text(&send(upload).await?, "id")
    }

    /// Puts something in its place.
    pub async fn put(&self, path: &str, body: Value) -> Result<Value> {
        send(self.call(Method::PUT, path).json(&body)).await
    }

    /// Makes a key and its secret for a program that works with an agent's contacts, as often as any may.
    pub async fn open_key(&self, agent: &str, name: &str) -> Result<(String, String)> {
        let body = json!({
            "name": name,
            "permissions": { "contacts": ["create", "read", "update", "delete"] },
            "rate_limit_per_minute": 1_000,
            "rate_limit_per_hour": 10_000,
        });
        let key = send(self.call(Method::POST, &format!("agents/{agent}/open-keys")).json(&body)).await?;
        Ok((text(&key, "api_key")?, text(&key, "api_secret")?))
    }

    /// Has a table of contacts read, all of whose rows must be taken.
    pub async fn import_contacts(&self, agent: &str, table: Vec<u8>, patience: Duration) -> Result<()> {
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"contacts.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend(table);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let path = format!("agents/{agent}/contacts");
        let import =
            self.call(Method::POST, &format!("{path}/imports")).header("content-type", kind).body(body);
        let transfer = text(&send(import).await?, "id")?;
        let deadline = Instant::now() + patience;
        loop {
            let found = send(self.call(Method::GET, &format!("{path}/transfers/{transfer}"))).await?;
            match found["status"].as_str() {
                Some("COMPLETED") if found["refused"] == 0 => return Ok(()),
                Some("COMPLETED" | "FAILED") => return Err(format!("the import went wrong: {found}").into()),
                _ if Instant::now() > deadline => return Err("the import does not end".into()),
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Asks an agent one question; gives the whole answer.
    pub async fn execute(&self, server: &Server, agent: &str, input: &str) -> Result<Value> {
        let url = format!("http://{}/api/v1/agents/{agent}/execute", server.addr);
        send(self.http.post(url).bearer_auth(&self.token).json(&json!({ "input": input }))).await
    }

    /// The timings of an agent's latest runs.
    pub async fn timings(&self, server: &Server, agent: &str) -> Result<Vec<Value>> {
        let base = format!("http://{}/api/v1/agents/{agent}/executions", server.addr);
        let get = |url: String| send(self.http.get(url).bearer_auth(&self.token));
        let list = get(format!("{base}?limit=50")).await?;
        let mut timings = Vec::new();
        for run in list["executions"].as_array().into_iter().flatten() {
            let run = get(format!("{base}/{}", text(run, "execution_id")?)).await?;
            timings.push(run["execution"]["timings_ms"].clone());
        }
        Ok(timings)
    }

    /// Starts a crawl; gives its id.
    pub async fn crawl(&self, collection: &str, url: &str, max_pages: usize) -> Result<String> {
        let body = json!({ "url": url, "collection_id": collection, "max_pages": max_pages });
        self.make("documents/url", body, "id").await
    }

    /// Waits until a crawl is over; gives what the server says of it.
    pub async fn crawled(&self, crawl: &str, patience: Duration) -> Result<Value> {
        let deadline = Instant::now() + patience;
        loop {
            let found = send(self.call(Method::GET, &format!("crawls/{crawl}"))).await?;
            match found["status"].as_str() {
                Some("COMPLETED") => return Ok(found),
                Some("FAILED") => return Err(format!("the crawl failed: {found}").into()),
                _ if Instant::now() > deadline => {
                    return Err(format!("no end of the crawl in {patience:?}").into());
                }
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Waits until a document has been read; gives its number of chunks.
    pub async fn read(&self, document: &str, patience: Duration) -> Result<u64> {
        let deadline = Instant::now() + patience;
        loop {
            let found = send(self.call(Method::GET, &format!("documents/{document}"))).await?;
            match found["status"].as_str() {
                Some("COMPLETED") => return Ok(found["chunk_count"].as_u64().unwrap_or(0)),
                Some("FAILED") => return Err(format!("a document failed: {}", found["error"]).into()),
                _ if Instant::now() > deadline => {
                    return Err(format!("a document was not read within {patience:?}").into());
                }
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// A value of the server's metrics: name and labels as they stand there.
pub async fn metrics(http: &reqwest::Client, server: &Server) -> Result<HashMap<String, f64>> {
    let text = http.get(format!("http://{}/metrics", server.addr)).send().await?.text().await?;
    let values = text.lines().filter(|line| !line.starts_with('#'));
    Ok(values
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(k, v)| Some((k.into(), v.parse().ok()?)))
        .collect())
}

async fn send(request: RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await?;
    if !status.is_success() {
        return Err(format!("{url} answered {status}: {body}").into());
    }
    Ok(serde_json::from_str(&body)?)
}

fn text(answer: &Value, field: &str) -> Result<String> {
    let value = answer[field].as_str();
    Ok(value.ok_or_else(|| format!("an answer lacks {field}: {answer}"))?.to_owned())
}
