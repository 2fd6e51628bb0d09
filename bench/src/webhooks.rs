//! How many events a second reach a receiver, alone and while another endpoint takes connections and never answers.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use serde_json::json;
use store::Value;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use crate::{
    Bench, Result,
    api::Api,
    report::Section,
    rows,
    server::{Embedding, Server, Setup},
};

/// Events that wait when the server starts.
const EVENTS: (i64, i64) = (20_000, 2_000);
const GOAL: f64 = 1_000.0;
/// How long all may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a receiver has got: each event's id once.
type Got = Arc<Mutex<HashSet<String>>>;

/// Measures both.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Webhooks to a receiver on this machine");
    let alone = run(bench, false).await?;
    let beside = run(bench, true).await?;
    section.at_least("deliveries a second", GOAL, alone, "");
    section.at_least("the same beside an endpoint that never answers", GOAL, beside, "");
    section.plain("share of it", beside / alone, "");
    section.note(format!(
        "{} events wait when the server starts; the time is from its start to the last",
        bench.pick(EVENTS.0, EVENTS.1)
    ));
    Ok(section)
}

async fn run(bench: &Bench, beside_dead: bool) -> Result<f64> {
    let mut setup = Setup::new(bench.folder.join("webhooks"), None, Embedding::None);
    setup.settings.push(("FRONTDESK_ALLOW_PRIVATE_NETWORKS", "true".to_owned()));
    if setup.data.exists() {
        fs::remove_dir_all(&setup.data)?;
    }
    let workspace = setup.create_owner(bench).await?;
    let (got, mut tasks) = (Got::default(), JoinSet::new());
    let receiver = receive(&mut tasks, got.clone()).await?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let dead = silent.local_addr()?;
    tasks.spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    let server = Server::start(bench, &setup).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    api.webhook(&format!("http://{receiver}/hook")).await?;
    if beside_dead {
        api.webhook(&format!("http://{dead}/hook")).await?;
    }
    server.stop().await?;

    let count = bench.pick(EVENTS.0, EVENTS.1);
    let db = rows::open(&setup.data).await?;
    // After the webhooks were made, whatever the clock says.
    let at: Value = chrono::DateTime::from_timestamp(4_000_000_000, 0).ok_or("a moment")?.into();
    let events = (0..count).map(|n| {
        let payload = json!({
            "contact_id": format!("{n:024}"),
            "agent_id": format!("agent_{:024}", 0),
            "email": "ada@example.com",
            "source": "API",
        });
        vec![
            format!("evt_{n:024}").into(),
            workspace.as_str().into(),
            "CONTACT_CREATED".into(),
            payload.into(),
            at.clone(),
        ]
    });
    rows::insert(&db, "INSERT INTO events (id, workspace_id, kind, payload, created_at) VALUES", events)
        .await?;
    db.close().await;
    let started = Instant::now();
    let server = Server::start(bench, &setup).await?;
    let have = || got.lock().unwrap_or_else(PoisonError::into_inner).len();
    while have() < usize::try_from(count)? {
        if started.elapsed() > PATIENCE {
            return Err(format!("only {} of {count} events arrived", have()).into());
        }
        sleep(Duration::from_millis(5)).await;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    server.stop().await?;
    Ok(rate)
}

async fn receive(tasks: &mut JoinSet<()>, got: Got) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let router = Router::new().route("/hook", post(take)).with_state(got);
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("bench: the receiver ended: {error}");
        }
    });
    Ok(addr)
}

async fn take(State(got): State<Got>, headers: HeaderMap, body: String) {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    if !body.is_empty() {
        got.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }
}
