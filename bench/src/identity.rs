//! What it costs to know who calls: small calls of a person who is logged in, held against a bare handler that
//! answers JSON, and whether logins, which are as slow as Argon2id must be, hold others back.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Bench, Result,
    api::Api,
    load::{self, Outcome, Plan, Target},
    process::Helper,
    report::{Section, at},
    server::{Embedding, Server, Setup},
};

/// Clients that log in at once, beside the others.
const LOGINS: usize = 4;

/// Measures the calls, then the same while people log in.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Who calls: small calls of a person, 64 at once");
    let setup = Setup::new(bench.folder.join("identity"), None, Embedding::None);
    if setup.data.exists() {
        fs::remove_dir_all(&setup.data)?;
    }
    let workspace = setup.create_owner(bench).await?;
    let bare = Helper::start(&["bare"]).await?;
    let server = Server::start(bench, &setup).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;

    let baseline = run(bench, &Target::json(bare.addr, "/", None), ("bare", bare.pid())).await?;
    section.plain("bare handler", baseline.rate(), " a second");
    section.note(format!("bare handler: {}", told(&baseline)));
    for path in ["/api/v1/auth/me", "/api/v1/workspaces"] {
        let target = Target::json(server.addr, path, Some(&api.token));
        let outcome = run(bench, &target, ("server", server.pid())).await?;
        section.plain(&format!("GET {path}"), outcome.rate(), " a second");
        section.at_least(
            &format!("share of the bare handler, {path}"),
            0.5,
            outcome.rate() / baseline.rate(),
            "",
        );
        section.plain(&format!("the same by processor time, {path}"), baseline.cost() / outcome.cost(), "");
        section.at_most(&format!("failed calls, {path}"), 0.0, outcome.errors as f64, "");
        section.note(format!("GET {path}: {}", told(&outcome)));
    }
    beside_logins(bench, &mut section, &server, &api).await?;
    server.stop().await?;
    Ok(section)
}

fn plan(bench: &Bench, connections: usize) -> Plan {
    Plan {
        connections,
        warm_up: Duration::from_secs(bench.pick(3, 1)),
        window: Duration::from_secs(bench.pick(10, 3)),
    }
}

async fn run(bench: &Bench, target: &Arc<Target>, watched: (&'static str, u32)) -> Result<Outcome> {
    load::run(target, plan(bench, 64), &[watched, ("bench", std::process::id())]).await
}

/// One caller who waits for each answer, first alone, then while others log in without a pause.
async fn beside_logins(bench: &Bench, section: &mut Section, server: &Server, api: &Api) -> Result<()> {
    let target = Target::json(server.addr, "/api/v1/auth/me", Some(&api.token));
    let alone = load::run(&target, plan(bench, 1), &[]).await?;
    let (mut logins, count) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..LOGINS {
        logins.spawn(Api::log_in_again(bench.http.clone(), server.addr, count.clone()));
    }
    let started = Instant::now();
    let beside = load::run(&target, plan(bench, 1), &[]).await?;
    if let Some(ended) = logins.try_join_next() {
        return Err(format!("the logins ended: {ended:?}").into());
    }
    let rate = count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    section.plain("logins beside", rate, " a second");
    for (name, outcome) in [("alone", &alone), ("beside logins", &beside)] {
        section.plain(
            &format!("p50 of one caller's GET /auth/me, {name}"),
            at(&outcome.latencies, 0.5),
            " ms",
        );
        section.plain(
            &format!("p99 of one caller's GET /auth/me, {name}"),
            at(&outcome.latencies, 0.99),
            " ms",
        );
        section.at_most(&format!("failed calls, {name}"), 0.0, outcome.errors as f64, "");
    }
    section.note(format!("{LOGINS} clients log in at once, each again as soon as it is in"));
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    let (p50, p99) = (at(&outcome.latencies, 0.5), at(&outcome.latencies, 0.99));
    let error =
        outcome.first_error.as_ref().map(|error| format!("; first error: {error}")).unwrap_or_default();
    format!(
        "{} answers, p50 {p50:.2} ms, p99 {p99:.2} ms; processor time an answer: {}{error}",
        outcome.latencies.len(),
        outcome.costs()
    )
}
