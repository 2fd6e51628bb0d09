//! How many answers a second: 64 visitors ask at once, and the server is held against a bare proxy in front of
//! the same stand-in for a language model.

use std::time::Duration;

use crate::{
    Bench, Result, api,
    fill::filled,
    load::{self, Connection, Outcome, Plan, Target},
    process::Helper,
    report::{Section, at},
    server::{Embedding, Server, Setup},
};

/// Measures the server with vectors from the stand-in, then with the model in the process.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Answers a second, 64 visitors at once");
    let stand_in = Helper::start(&["stand-in"]).await?;
    for (embedding, goal) in [(Embedding::StandIn(stand_in.addr), 0.30), (Embedding::Model, 0.08)] {
        for chunks in [bench.chunks, bench.pick(MANY, 1_000)] {
            compare(bench, &mut section, &stand_in, (embedding, chunks), goal).await?;
        }
    }
    Ok(section)
}

/// Chunks of a large workspace; the model reads them in half an hour, once.
const MANY: u64 = 100_000;

fn plan(bench: &Bench) -> Plan {
    Plan {
        connections: 64,
        warm_up: Duration::from_secs(bench.pick(5, 2)),
        window: Duration::from_secs(bench.pick(20, 5)),
    }
}

/// One baseline and one server right after it, so that both meet the same machine.
async fn compare(
    bench: &Bench,
    section: &mut Section,
    stand_in: &Helper,
    (embedding, chunks): (Embedding, u64),
    goal: f64,
) -> Result<()> {
    let setup = Setup::new(bench.folder.join("chat"), Some(stand_in.addr), embedding);
    let filled = filled(bench, &setup, chunks).await?;
    let baseline = baseline(bench, stand_in).await?;
    let server = Server::start(bench, &setup).await?;
    server.loaded(embedding).await?;
    let target = Target::server(server.addr, filled.clone());
    // The first question loads the workspace's index.
    Connection::open(&target).await?.ask().await?;
    let watched = [("server", server.pid()), ("stand-in", stand_in.pid()), ("bench", std::process::id())];
    let outcome = load::run(&target, plan(bench), &watched).await?;
    let inside = inside(bench, &server).await?;
    server.stop().await?;

    let name = &format!("{}, {} chunks", embedding.name(), filled.chunks);
    section.plain(&format!("bare proxy before {name}"), baseline.rate(), " a second");
    section.plain(&format!("server with {name}"), outcome.rate(), " a second");
    section.at_least(&format!("share of the proxy, {name}"), goal, outcome.rate() / baseline.rate(), "");
    let by_cost = baseline.cost() / outcome.cost();
    section.plain(&format!("the same by processor time, {name}"), by_cost, "");
    section.at_most(&format!("failed answers, {name}"), 0.0, outcome.errors as f64, "");
    section.note(format!("{name}, proxy: {}", told(&baseline)));
    section.note(format!("{name}, server: {}; {inside}", told(&outcome)));
    Ok(())
}

async fn baseline(bench: &Bench, stand_in: &Helper) -> Result<Outcome> {
    let proxy = Helper::start(&["proxy", &stand_in.addr.to_string()]).await?;
    let watched = [("proxy", proxy.pid()), ("stand-in", stand_in.pid()), ("bench", std::process::id())];
    let outcome = load::run(&Target::completions(proxy.addr), plan(bench), &watched).await?;
    match &outcome.first_error {
        Some(error) => Err(format!("the baseline failed: {error}").into()),
        None => Ok(outcome),
    }
}

fn told(outcome: &Outcome) -> String {
    let latencies = &outcome.latencies;
    let (p50, p99) = (at(latencies, 0.5), at(latencies, 0.99));
    let error =
        outcome.first_error.as_ref().map(|error| format!("; first error: {error}")).unwrap_or_default();
    format!(
        "{} answers, p50 {p50:.0} ms, p99 {p99:.0} ms; processor time an answer: {}{error}",
        latencies.len(),
        outcome.costs()
    )
}

/// How long an answer took by the server's own count, from its start to its being recorded.
async fn inside(bench: &Bench, server: &Server) -> Result<String> {
    let metrics = api::metrics(&bench.http, server).await?;
    let value = |name| metrics.get(name).copied().unwrap_or(f64::NAN);
    let mean = value("frontdesk_answer_seconds_sum") / value("frontdesk_answer_seconds_count") * 1e3;
    Ok(format!("by its own count an answer took {mean:.1} ms on average"))
}
