//! What an open stream costs: thousands of visitors whose answers are being written at once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Bench, Result,
    fill::filled,
    load::{Connection, Target},
    process::{self, Helper},
    report::Section,
    server::{Embedding, Server, Setup},
};

/// Connections that are opened at once, so that no queue of connections overflows.
const WAVE: usize = 100;
const PATIENCE: Duration = Duration::from_secs(90);

/// A language model that says one word, waits for all, and says the rest.
#[derive(Clone)]
struct Slow {
    writing: Arc<AtomicUsize>,
    go_on: watch::Receiver<bool>,
}

/// Measures the server's memory with all streams open.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let streams = bench.pick(5_000, 200);
    let (release, go_on) = watch::channel(false);
    let slow = Slow { writing: Arc::default(), go_on };
    let writing = slow.writing.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let model = listener.local_addr()?;
    let routes = Router::new().route("/v1/chat/completions", post(write)).with_state(slow);
    let embeddings = Helper::start(&["stand-in"]).await?;
    let embedding = Embedding::StandIn(embeddings.addr);
    let setup = Setup::new(bench.folder.join("streams"), Some(model), embedding);
    tokio::select! {
        section = hold(bench, &setup, streams, (release, writing)) => section,
        ended = axum::serve(listener, routes) => Err(format!("the slow model ended: {ended:?}").into()),
    }
}

async fn hold(
    bench: &Bench,
    setup: &Setup,
    streams: usize,
    (release, writing): (watch::Sender<bool>, Arc<AtomicUsize>),
) -> Result<Section> {
    let filled = filled(bench, setup).await?;
    let server = Server::start(bench, setup).await?;
    server.loaded(setup.embedding).await?;
    let target = Target::server(server.addr, filled);
    let mut open: JoinSet<Result<()>> = JoinSet::new();
    let ask = |target: Arc<Target>| async move { Connection::open(&target).await?.ask().await.map(drop) };
    // The first loads the index.
    open.spawn(ask(target.clone()));
    reach(&writing, 1).await?;
    let before = process::resident(server.pid());
    let started = Instant::now();
    for wave in 0..streams.div_ceil(WAVE) {
        let many = WAVE.min(streams - wave * WAVE);
        (0..many).for_each(|_| drop(open.spawn(ask(target.clone()))));
        reach(&writing, 1 + wave * WAVE + many).await?;
    }
    let opened = started.elapsed().as_secs_f64();
    let each = (process::resident(server.pid()).saturating_sub(before)) as f64 / streams as f64 / 1024.0;
    release.send_replace(true);
    let mut failed = 0;
    while let Some(done) = open.join_next().await {
        failed += usize::from(!matches!(done, Ok(Ok(()))));
    }
    server.stop().await?;
    let mut section = Section::new(&format!("{streams} streams open at once"));
    section.at_most("resident memory a stream", 30.0, each, " KB");
    section.at_most("streams that failed", 0.0, failed as f64, "");
    section.plain("time to open them all", opened, " s");
    Ok(section)
}

/// Waits until so many answers are being written.
async fn reach(writing: &AtomicUsize, many: usize) -> Result<()> {
    let all = async {
        while writing.load(Ordering::Relaxed) < many {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, all).await.map_err(|_| {
        format!("only {} of {many} answers are being written", writing.load(Ordering::Relaxed)).into()
    })
}

async fn write(State(slow): State<Slow>, _: Bytes) -> Response {
    let event = |text: &str| {
        let chunk = json!({ "choices": [{ "delta": { "content": text } }] });
        Ok::<_, Infallible>(format!("data: {chunk}\n\n"))
    };
    slow.writing.fetch_add(1, Ordering::Relaxed);
    let mut go_on = slow.go_on.clone();
    let rest = stream::once(async move {
        let _ = go_on.wait_for(|go| *go).await;
        event(" is the rest. [1]")
    });
    let end = stream::iter([Ok("data: [DONE]\n\n".to_owned())]);
    let body = Body::from_stream(stream::iter([event("Here")]).chain(rest).chain(end));
    ([("content-type", "text/event-stream")], body).into_response()
}
