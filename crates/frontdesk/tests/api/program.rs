//! The program itself: its settings, its start and its end, and what a kill leaves.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{Behaviour, Model};

use super::PROGRAM;

/// The program with a clean environment.
fn program(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server process on a free port, killed when it is dropped.
pub(super) struct Process {
    child: Child,
    url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Process {
    pub(super) async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        platform::http::install_tls();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let mut all =
            vec![("FRONTDESK_LISTEN", listen.as_str()), ("FRONTDESK_DATA_DIR", data.to_str().unwrap())];
        all.extend_from_slice(settings);
        let child = program(&["serve"], &all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut process = Self { child, url: format!("http://{listen}") };
        let until = Instant::now() + Duration::from_secs(30);
        while reqwest::get(format!("{}/livez", process.url)).await.is_err() {
            assert!(process.child.try_wait().unwrap().is_none(), "the server has stopped");
            assert!(Instant::now() < until, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().build().unwrap();
        let call = client.post(format!("{}{path}", self.url)).bearer_auth(token).json(&body);
        call.send().await.unwrap().json().await.unwrap()
    }
}

impl Process {
    pub(super) async fn get(&self, path: &str, token: &str) -> Value {
        let client = reqwest::Client::builder().build().unwrap();
        let call = client.get(format!("{}{path}", self.url)).bearer_auth(token);
        call.send().await.unwrap().json().await.unwrap()
    }

    /// A session of the account that [`create_user`] has made.
    pub(super) async fn log_in(&self) -> String {
        let login = json!({ "email": "owner@example.com", "password": "correct horse battery" });
        self.post("/api/v1/auth/login", "", login).await["access_token"].as_str().unwrap().to_owned()
    }
}

/// An account with a workspace, made from the shell; gives the workspace's id.
pub(super) fn create_user(data: &Path) -> String {
    let arguments =
        ["admin", "create-user", "--email", "owner@example.com", "--name", "Ada", "--workspace", "Shop"];
    let mut child = program(&arguments, &[("FRONTDESK_DATA_DIR", data.to_str().unwrap())])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().to_owned()
}

#[test]
fn help_teaches_and_a_wrong_setting_is_one_line() {
    let help = program(&["--help"], &[]).output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("frontdesk demo") && text.contains("--public-url"), "{text}");

    let cases = [
        ("FRONTDESK_LISTEN", "nowhere"),
        ("FRONTDESK_DATABASE_URL", "mysql://localhost/x"),
        ("FRONTDESK_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none"),
        ("FRONTDESK_PUBLIC_URL", "chat.example.com"),
        ("FRONTDESK_SMTP_URL", "carrier://pigeon"),
        ("FRONTDESK_LLM_BASE_URL", "localhost"),
        ("FRONTDESK_JOB_WORKERS", "many"),
        ("FRONTDESK_SECRET_KEY", "short"),
        ("FRONTDESK_LOG_FORMAT", "yaml"),
        ("FRONTDESK_DATA_DIR", "/dev/null/data"),
        ("FRONTDESK_CONFIG", "/does/not/exist.toml"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in cases {
        let mut settings =
            vec![("FRONTDESK_DATA_DIR", folder.path().to_str().unwrap()), ("FRONTDESK_LOG", "error")];
        settings.retain(|(given, _)| *given != name);
        settings.push((name, value));
        let output = program(&["serve"], &settings).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("FRONTDESK_LISTEN", listen.as_str()),
        ("FRONTDESK_DATA_DIR", folder.path().to_str().unwrap()),
        ("FRONTDESK_LOG", "error"),
    ];
    let output = program(&["serve"], &settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("FRONTDESK_LISTEN: cannot listen on"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_open_streams_finish() {
    let pieces: Vec<String> = (0..30).map(|n| format!("w{n} ")).collect();
    let model = Model::start(Behaviour::Say(pieces.clone(), Duration::from_millis(50))).await;
    let folder = tempfile::tempdir().unwrap();
    let workspace = create_user(folder.path());
    let settings =
        [("FRONTDESK_LLM_BASE_URL", model.endpoint.base_url.as_str()), ("FRONTDESK_LLM_MODEL", "stand-in")];
    let mut process = Process::start(folder.path(), &settings).await;
    let login = json!({ "email": "owner@example.com", "password": "correct horse battery" });
    let token =
        process.post("/api/v1/auth/login", "", login).await["access_token"].as_str().unwrap().to_owned();
    let at = format!("/api/v1/workspaces/{workspace}");
    // With no threshold every question goes to the model.
    let agent = json!({ "name": "Bot", "response_config": { "confidence_threshold": 0.0 } });
    let agent = process.post(&format!("{at}/agents"), &token, agent).await["id"].as_str().unwrap().to_owned();
    process.post(&format!("{at}/agents/{agent}/publish"), &token, json!({})).await;
    let key = process
        .post(&format!("{at}/api-keys"), &token, json!({ "name": "k", "allowed_domains": ["example.com"] }))
        .await;

    let client = reqwest::Client::builder().build().unwrap();
    let question = json!({ "agent_id": agent, "session_id": "sess_a", "message": "Tell me everything" });
    let call =
        client.post(format!("{}/api/v1/widget/chat", process.url)).header("origin", "https://example.com");
    let response =
        call.header("x-api-key", key["key"].as_str().unwrap()).json(&question).send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    process.signal("-TERM");
    let text = response.text().await.unwrap();
    assert!(text.contains("\"done\"") && text.contains("w29 "), "the stream was cut: {text}");
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = create_user(folder.path());
    let process = Process::start(folder.path(), &[]).await;
    let login = json!({ "email": "owner@example.com", "password": "correct horse battery" });
    let token = process.post("/api/v1/auth/login", "", login.clone()).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let at = format!("/api/v1/workspaces/{workspace}");
    let collection = process.post(&format!("{at}/collections"), &token, json!({ "name": "Docs" })).await;
    let client = reqwest::Client::builder().build().unwrap();
    for n in 0..6 {
        let text = format!("Door {n} is red and made of oak. ").repeat(3_000);
        let part = reqwest::multipart::Part::text(text).file_name(format!("{n}.txt"));
        let form = reqwest::multipart::Form::new().part("file", part);
        let form = form.text("collection_id", collection["id"].as_str().unwrap().to_owned());
        let call = client.post(format!("{}{at}/documents", process.url)).bearer_auth(&token).multipart(form);
        assert_eq!(call.send().await.unwrap().status(), 202);
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    drop(process); // SIGKILL

    // The leases of the dead worker would hold for a minute; a test need not wait for that.
    let file = folder.path().join("frontdesk.db");
    let db = store::Db::open(&store::DbConfig::Sqlite { file, readers: 1 }).await.unwrap();
    let mut write = db.write().await.unwrap();
    let expire = "UPDATE jobs SET lease_until = '2000-01-01T00:00:00+00:00' WHERE status = 'RUNNING'";
    write.execute(store::Sql::new(expire)).await.unwrap();
    write.commit().await.unwrap();
    db.close().await;

    let process = Process::start(folder.path(), &[]).await;
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let call = client.get(format!("{}{at}/documents?status=COMPLETED", process.url)).bearer_auth(&token);
        let list: Value = call.send().await.unwrap().json().await.unwrap();
        if list["total"] == 6 {
            break;
        }
        assert!(Instant::now() < until, "{list}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let listed: Value = client
        .get(format!("{}{at}/documents", process.url))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let counts: Vec<i64> =
        listed["documents"].as_array().unwrap().iter().map(|d| d["chunk_count"].as_i64().unwrap()).collect();
    assert!(
        counts.iter().all(|count| *count == counts[0] && *count > 10),
        "no chunk is lost or doubled: {counts:?}"
    );
}

#[test]
fn the_demo_empties_no_folder_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious.txt");
    std::fs::write(&precious, "keep me").unwrap();
    let settings =
        [("FRONTDESK_DATA_DIR", folder.path().to_str().unwrap()), ("FRONTDESK_LISTEN", "127.0.0.1:1")];
    let output = program(&["demo"], &settings).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("holds something else"));
    assert!(precious.exists());
}

#[test]
fn a_misspelt_setting_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("FRONTDESK_DATA_DIR", folder.path().to_str().unwrap()),
        ("FRONTDESK_LSITEN", "x"),
        ("FRONTDESK_LISTEN", "127.0.0.1:0"),
    ];
    let mut child = program(&["serve"], &settings).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("FRONTDESK_LSITEN is set in the environment but is not a setting"), "{line}");
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
}
