//! A server with a person, and somebody at a browser.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use http::{
    Request, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use platform::{
    App, Clock, Config, Origin,
    billing::{Plan, Tariff},
    identity::{self, Caller, LogIn, Password, SignUp, User},
};
use store::DbConfig;
use tempfile::TempDir;
use tower::ServiceExt;
use url::form_urlencoded;

use crate::csrf;

/// A server with nothing in it but a person.
pub struct Site {
    pub app: App,
    routes: Router,
    pub user: User,
    folder: TempDir,
}

pub const PASSWORD: &str = "correct horse battery";

impl Site {
    pub async fn open(public_url: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = config(folder.path(), public_url);
        let app = App::open(config, Clock::system()).await.unwrap();
        // Answers wait for the model to be looked for; there is none here.
        app.start_embeddings();
        let form = SignUp {
            email: "ada@example.com".parse().unwrap(),
            password: Password::new(PASSWORD.into()).unwrap(),
            full_name: "Ada".into(),
        };
        let user = identity::create_verified(&app, form).await.unwrap();
        let routes = crate::routes().with_state(app.clone());
        Self { app, routes, user, folder }
    }

    pub async fn browser(&self) -> Browser<'_> {
        let email = self.user.email.parse().unwrap();
        let form = LogIn { email: &email, password: PASSWORD, code: None };
        let session = identity::log_in(&self.app, form, &Origin::default()).await.unwrap();
        self.with_session(&session.access_token)
    }

    /// Somebody with a session.
    pub fn with_session(&self, token: &str) -> Browser<'_> {
        Browser { site: self, cookie: format!("frontdesk_session={token}"), csrf: csrf::token(token) }
    }

    /// Whose session a browser has.
    pub async fn caller(&self, browser: &Browser<'_>) -> Arc<Caller> {
        let token = browser.cookie.split_once('=').unwrap().1;
        identity::authenticate(&self.app, token).await.unwrap()
    }

    /// The same with workers, so that mails arrive.
    pub async fn with_mail() -> Self {
        let site = Self::open("http://localhost").await;
        site.app.start();
        site
    }

    /// Somebody who is not logged in.
    pub fn visitor(&self) -> Browser<'_> {
        Browser { site: self, cookie: "frontdesk_visit=abc".into(), csrf: csrf::token("abc") }
    }

    /// Somebody with the session that an answer gave.
    pub fn entered(&self, response: &Response) -> Browser<'_> {
        let cookies = response.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let session = cookies.filter_map(|cookie| cookie.strip_prefix("frontdesk_session=")).next();
        let session = session.expect("a session").split(';').next().unwrap();
        self.with_session(session)
    }

    /// What follows some words in the mails to an address, in the newest that has them; waits for it to arrive.
    pub async fn mailed(&self, email: &str, words: &str) -> String {
        for _ in 0..500 {
            if let Some(found) = self.mails(email).iter().rev().find_map(|mail| mail.split_once(words)) {
                return found.1.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no mail to {email} says {words:?}: {:?}", self.mails(email));
    }

    /// The mails to an address, oldest first.
    pub fn mails(&self, email: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("outbox")).into_iter().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
        let whole = texts.map(|text| text.replace("=\r\n", "").replace("=3D", "=")); // quoted-printable
        whole.filter(|text| text.contains(&format!("To: {email}"))).collect()
    }

    pub async fn send(&self, request: Request<Body>) -> Response {
        self.routes.clone().oneshot(request).await.unwrap()
    }
}

fn config(folder: &std::path::Path, public_url: &str) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: public_url.parse().unwrap(),
        data_dir: folder.into(),
        database: DbConfig::Sqlite { file: folder.join("test.db"), readers: 2 },
        blobs_url: None,
        blobs_env: Vec::new(),
        secret_key: None,
        smtp_url: None,
        mail_from: "Frontdesk <frontdesk@example.com>".parse().unwrap(),
        llm: None,
        llm_models: Default::default(),
        model_times: (Duration::from_secs(2), Duration::from_secs(20)),
        embedding: None,
        model_dirs: Vec::new(),
        default_plan: Plan::Free,
        tariff: Tariff::default(),
        stripe: None,
        trusted_proxies: Vec::new(),
        job_workers: 1,
        max_upload_bytes: 1024,
        max_documents: 10,
        index_memory: 1 << 20,
        extractor: "false".into(),
        extract_timeout: Duration::from_secs(1),
        extract_memory: 1 << 20,
        allow_private_networks: false,
        ca_file: None,
        crawl_delay: Duration::ZERO,
        crawl_max_pages: 5_000,
        event_retention: chrono::TimeDelta::days(400),
        visitor_limits: Default::default(),
        proof_of_work: Default::default(),
        drain: Duration::from_secs(1),
    }
}

/// Somebody who is logged in.
pub struct Browser<'a> {
    site: &'a Site,
    pub cookie: String,
    pub csrf: String,
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Response {
        self.site.send(Request::get(path).header(COOKIE, &self.cookie).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.post_as(path, &self.csrf, fields).await
    }

    pub async fn post_as(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Response {
        let request = Request::post(path).header(COOKIE, &self.cookie);
        self.site.send(request.body(form(token, fields)).unwrap()).await
    }

    pub async fn upload(&self, path: &str, collection: &str, name: &str, content: &str) -> Response {
        let part = |head: &str, body: &str| {
            format!("--cut\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
        };
        let body = part("name=\"csrf\"", &self.csrf)
            + &part("name=\"collection\"", collection)
            + &part(&format!("name=\"file\"; filename=\"{name}\""), content)
            + "--cut--\r\n";
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header("content-type", "multipart/form-data; boundary=cut");
        self.site.send(request.body(body.into()).unwrap()).await
    }

    /// Makes a workspace; gives its path.
    pub async fn workspace(&self) -> String {
        let made = self.post("/console/new", &[("name", "Nordlys"), ("timezone", "Europe/Oslo")]).await;
        location(&made).to_owned()
    }
}

pub fn form(token: &str, fields: &[(&str, &str)]) -> Body {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf", token).extend_pairs(fields);
    body.finish().into()
}

pub fn location(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[LOCATION].to_str().unwrap()
}

pub async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}
