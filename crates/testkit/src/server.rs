//! The server under test.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::serve::ListenerExt;
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use platform::{
    App, Clock, Config,
    billing::{Plan, Tariff},
    http::{Resolved, Resolver, SystemResolver},
    jobs,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Call, Database};

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

/// A running server on a database of its own.
pub struct Server {
    /// Where it is.
    pub url: String,
    /// Its handle.
    pub app: App,
    client: reqwest::Client,
    folder: TempDir,
}

/// Somebody with a workspace.
pub struct Owner {
    /// The session.
    pub token: String,
    /// The workspace's id.
    pub workspace: String,
}

impl Server {
    /// Starts one. `extractor` is the program that reads documents; tests of the program know where it is.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn start(database: Database, extractor: &str) -> Self {
        Self::start_with(database, extractor, |_| {}).await
    }

    /// Starts one whose configuration a test has changed.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn start_with(database: Database, extractor: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let listen = listener.local_addr().expect("a bound address");
        let name: String =
            folder.path().file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = format!("{}_{}", listen.port(), name.trim_start_matches('.'));
        let url = format!("http://{listen}");
        let mut config = Config {
            listen,
            public_url: url.parse().expect("an address"),
            data_dir: folder.path().to_owned(),
            database: database.config(folder.path(), &name),
            blobs_url: None,
            blobs_env: Vec::new(),
            secret_key: None,
            smtp_url: None,
            mail_from: "Frontdesk <frontdesk@example.com>".parse().expect("a sender"),
            llm: None,
            llm_models: Default::default(),
            model_times: (Duration::from_secs(2), Duration::from_secs(20)),
            embedding: None,
            model_dirs: Vec::new(),
            default_plan: Plan::Enterprise,
            tariff: Tariff::default(),
            stripe: None,
            trusted_proxies: Vec::new(),
            job_workers: 2,
            max_upload_bytes: 4 * 1024 * 1024,
            max_documents: 100,
            index_memory: 64 * 1024 * 1024,
            extractor: PathBuf::from(extractor),
            extract_timeout: Duration::from_secs(60),
            extract_memory: 1024 * 1024 * 1024,
            allow_private_networks: false,
            ca_file: None,
            crawl_delay: Duration::ZERO,
            crawl_max_pages: 5_000,
            event_retention: TimeDelta::days(400),
            visitor_limits: Default::default(),
            proof_of_work: Default::default(),
            drain: Duration::from_secs(5),
        };
        change(&mut config);
        let clock = Clock::standing_at(start_of_tests());
        let app = App::open_with(config, clock, Arc::new(Names)).await.expect("the app opens");
        app.start();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let router = frontdesk::router(&app, metrics, axum::Router::new());
        let stop = app.stopping.clone();
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(frontdesk::serve(listener, router, stop, frontdesk::PATIENCE));
        let client = reqwest::Client::builder().build().expect("a client");
        Self { url, app, client, folder }
    }

    /// Stops it, after a look that no job was left over.
    ///
    /// # Panics
    /// When jobs are left.
    pub async fn stop(self) {
        self.quiet().await;
        let left = jobs::counts(&self.app).await.expect("jobs can be counted");
        assert_eq!((left.queued, left.running, left.dead), (0, 0, 0), "jobs are left over");
        self.app.stop(Duration::from_secs(5)).await;
    }

    /// Waits until there is no job to do.
    ///
    /// # Panics
    /// When there still is after a minute.
    pub async fn quiet(&self) {
        for _ in 0..1200 {
            let counts = jobs::counts(&self.app).await.expect("jobs can be counted");
            if counts.queued == 0 && counts.running == 0 {
                return;
            }
            // A job that waits for its next try waits for the clock.
            self.app.clock.advance(TimeDelta::milliseconds(50));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("there are still jobs after a minute");
    }

    /// A call to `/api/v1` or any other path.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(&self.client, method, format!("{}{path}", self.url))
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// The newest code that was mailed to an address.
    ///
    /// # Panics
    /// When none was.
    pub async fn code(&self, email: &str) -> String {
        self.quiet().await;
        let text = self.mails(email).pop().expect("a mail came");
        let digits = text
            .split(|c: char| !c.is_ascii_digit())
            .find(|word| word.len() == 6 && text.contains(&format!("is {word}.")));
        digits.expect("the mail holds a code").to_owned()
    }

    /// The mails to an address, oldest first, as they went out.
    pub fn mails(&self, email: &str) -> Vec<String> {
        let outbox = self.folder.path().join("outbox");
        let mut files: Vec<PathBuf> = std::fs::read_dir(outbox)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        files.sort();
        let texts = files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok());
        let whole = texts.map(|text| text.replace("=\r\n", "")); // quoted-printable breaks long lines
        whole.filter(|text| text.contains(&format!("To: {email}"))).collect()
    }

    /// The token of the newest link to a page, such as `/console/verify`, that was mailed to an address.
    ///
    /// # Panics
    /// When none was.
    pub async fn link(&self, email: &str, page: &str) -> String {
        self.quiet().await;
        let start = format!("{}{page}?token=", self.url);
        // Mails are quoted-printable.
        let mut texts = self.mails(email).into_iter().map(|text| text.replace("=3D", "="));
        let newest = texts.rfind(|text| text.contains(&start)).expect("a mail with the link came");
        let token = newest.split(&start).nth(1).unwrap_or_default();
        token.chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// Somebody who has registered with a company: the whole answer.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn register(&self, email: &str) -> Value {
        let form = json!({
            "email": email, "password": PASSWORD, "full_name": "Ada Lovelace", "company_name": "My Company",
        });
        self.post("/api/v1/auth/register").json(form).send().await.expect(201)
    }

    /// A new session of somebody, by their password: the whole answer.
    ///
    /// # Panics
    /// When they may not log in.
    pub async fn log_in(&self, email: &str) -> Value {
        let form = json!({ "email": email, "password": PASSWORD });
        self.post("/api/v1/auth/login").json(form).send().await.expect(200)
    }

    /// Somebody who has signed up, proven their address and logged in.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn person(&self, email: &str) -> String {
        let form = json!({ "email": email, "password": PASSWORD, "full_name": "Ada Lovelace" });
        self.post("/api/v1/auth/signup").json(form).send().await.expect(201);
        let code = self.code(email).await;
        let form = json!({ "email": email, "otp_code": code });
        let session = self.post("/api/v1/auth/verify-otp").json(form).send().await.expect(200);
        session["access_token"].as_str().expect("a token").to_owned()
    }

    /// Somebody with a workspace.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn owner(&self, email: &str) -> Owner {
        let token = self.person(email).await;
        let made =
            self.post("/api/v1/workspaces").bearer(&token).json(json!({ "name": "My Company" })).send().await;
        Owner { workspace: made.expect(201)["id"].as_str().expect("an id").to_owned(), token }
    }

    /// A call in somebody's workspace: `path` is what follows the workspace's id.
    pub fn within(&self, owner: &Owner, method: Method, path: &str) -> Call {
        self.call(method, &format!("/api/v1/workspaces/{}{path}", owner.workspace)).bearer(&owner.token)
    }

    /// A new collection's id.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn collection(&self, owner: &Owner) -> String {
        let made =
            self.within(owner, Method::POST, "/collections").json(json!({ "name": "Docs" })).send().await;
        id(&made.expect(201))
    }

    /// Uploads a file and waits until it was read; the document as it is then.
    ///
    /// # Panics
    /// When it is not taken in.
    pub async fn upload(
        &self,
        owner: &Owner,
        collection: &str,
        name: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Value {
        let call = self.within(owner, Method::POST, "/documents").file(
            name,
            bytes,
            &[("collection_id", collection)],
        );
        let document = id(&call.send().await.expect(202));
        self.quiet().await;
        self.within(owner, Method::GET, &format!("/documents/{document}")).send().await.expect(200)
    }

    /// A published agent that knows a collection; its id.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn agent(&self, owner: &Owner, collection: &str) -> String {
        let form = json!({ "name": "Support Bot", "collection_ids": [collection] });
        let agent = id(&self.within(owner, Method::POST, "/agents").json(form).send().await.expect(201));
        self.within(owner, Method::POST, &format!("/agents/{agent}/publish")).send().await.expect(200);
        agent
    }

    /// A publishable key for `https://shop.example.com`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn key(&self, owner: &Owner) -> String {
        let form = json!({ "name": "Page", "allowed_domains": ["*.example.com"] });
        let made = self.within(owner, Method::POST, "/api-keys").json(form).send().await.expect(201);
        made["key"].as_str().expect("a key").to_owned()
    }

    /// Documents of a workspace, as the API lists them.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn documents(&self, owner: &Owner) -> Vec<Value> {
        let list = self.within(owner, Method::GET, "/documents?limit=100").send().await.expect(200);
        list["documents"].as_array().expect("a list").clone()
    }
}

/// Names that end in `.test` are this machine; others are what the system says.
struct Names;

impl Resolver for Names {
    fn resolve(&self, host: String) -> Resolved {
        match host.strip_suffix(".test") {
            Some(_) => Box::pin(async { Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]) }),
            None => SystemResolver.resolve(host),
        }
    }
}

/// The id in an answer.
fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// Tests begin at this moment, whatever the day is.
fn start_of_tests() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a moment")
}
