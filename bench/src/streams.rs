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
    serve::Listener,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use testkit::TlsListener;
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

/// Measures the server's memory with all streams open: with a model that speaks HTTP/1, as one's own do, and with one
/// that speaks HTTPS and HTTP/2, as those of providers do.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let streams = bench.pick(5_000, 200);
    let mut section = Section::new(&format!("{streams} streams open at once"));
    let embeddings = Helper::start(&["stand-in"]).await?;
    let setup = Setup::new(bench.folder.join("streams"), None, Embedding::StandIn(embeddings.addr));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let plain = setup.clone().with_model(url);
    beside(listener, |gate| hold(bench, &mut section, &plain, (streams, "HTTP/1", gate))).await?;

    let (listener, authority) = TlsListener::bind().await;
    let mut secure = setup.with_model(format!("{}/v1", listener.url()));
    secure.settings.push(("FRONTDESK_CA_FILE", authority.file().display().to_string()));
    beside(listener, |gate| hold(bench, &mut section, &secure, (streams, "HTTP/2", gate))).await?;
    Ok(section)
}

/// What holds the slow model's answers, and how many there are.
struct Gate {
    release: watch::Sender<bool>,
    writing: Arc<AtomicUsize>,
}

/// Does something while the slow model runs.
async fn beside<L: Listener<Addr: std::fmt::Debug>, F: Future<Output = Result<()>>>(
    listener: L,
    work: impl FnOnce(Gate) -> F,
) -> Result<()> {
    let (release, go_on) = watch::channel(false);
    let slow = Slow { writing: Arc::default(), go_on };
    let gate = Gate { release, writing: slow.writing.clone() };
    let routes = Router::new().route("/v1/chat/completions", post(write)).with_state(slow);
    tokio::select! {
        done = work(gate) => done,
        ended = axum::serve(listener, routes) => Err(format!("the slow model ended: {ended:?}").into()),
    }
}

async fn hold(
    bench: &Bench,
    section: &mut Section,
    setup: &Setup,
    (streams, protocol, Gate { release, writing }): (usize, &str, Gate),
) -> Result<()> {
    let filled = filled(bench, setup, bench.chunks).await?;
    let server = Server::start(bench, setup).await?;
    server.loaded(setup.embedding).await?;
    let target = Target::server(server.addr, filled);
    let ask = |target: Arc<Target>| async move { Connection::open(&target).await?.ask().await.map(drop) };
    // The first load the index and start the threads that later ones find.
    let mut open: JoinSet<Result<()>> = (0..WAVE).map(|_| ask(target.clone())).collect();
    reach(&writing, WAVE).await?;
    release.send_replace(true);
    let mut failed = count_failed(&mut open).await;
    release.send_replace(false);
    let before = process::resident(server.pid());
    let started = Instant::now();
    for wave in 0..streams.div_ceil(WAVE) {
        let many = WAVE.min(streams - wave * WAVE);
        (0..many).for_each(|_| drop(open.spawn(ask(target.clone()))));
        reach(&writing, (1 + wave) * WAVE + many).await?;
    }
    let opened = started.elapsed().as_secs_f64();
    let each = (process::resident(server.pid()).saturating_sub(before)) as f64 / streams as f64 / 1024.0;
    release.send_replace(true);
    failed += count_failed(&mut open).await;
    server.stop().await?;
    section.at_most(&format!("resident memory a stream, a model over {protocol}"), 30.0, each, " KB");
    section.at_most(&format!("streams that failed, {protocol}"), 0.0, failed as f64, "");
    section.plain(&format!("time to open them all, {protocol}"), opened, " s");
    Ok(())
}

/// Waits for the end of all streams.
async fn count_failed(open: &mut JoinSet<Result<()>>) -> usize {
    let mut failed = 0;
    while let Some(done) = open.join_next().await {
        if let Ok(Err(error)) = &done
            && failed == 0
        {
            eprintln!("bench: a stream failed: {error}");
        }
        failed += usize::from(!matches!(done, Ok(Ok(()))));
    }
    failed
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
