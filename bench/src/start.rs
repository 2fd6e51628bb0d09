//! How fast the server starts on an existing database, and what memory it holds while nothing happens.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    Bench, Result,
    fill::{Filled, filled},
    load::{Connection, Target},
    process::{self, Helper},
    report::{Section, at},
    server::{Embedding, Server, Setup},
};

/// What is left to settle after a start has done so by then.
const SETTLED: Duration = Duration::from_secs(1);

/// Measures the start, then the memory with the model and without one.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Start and idle memory");
    let stand_in = Helper::start(&["stand-in"]).await?;
    for (embedding, goal) in [(Embedding::Model, 150.0), (Embedding::None, 40.0)] {
        let setup = Setup::new(bench.folder.join("start"), Some(stand_in.addr), embedding);
        let filled = filled(bench, &setup, bench.chunks).await?;
        if let Embedding::Model = embedding {
            section.note(format!("the database holds {} chunks", filled.chunks));
            start(bench, &mut section, &setup).await?;
        }
        idle(bench, &mut section, &setup, filled, goal).await?;
    }
    Ok(section)
}

async fn start(bench: &Bench, section: &mut Section, setup: &Setup) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..bench.pick(10, 3) {
        let server = Server::start(bench, setup).await?;
        times.push(server.started_in.as_secs_f64() * 1e3);
        server.stop().await?;
    }
    times.sort_by(f64::total_cmp);
    section.at_most("from nothing to healthy, median", 300.0, at(&times, 0.5), " ms");
    section.plain("from nothing to healthy, slowest", at(&times, 1.0), " ms");
    section.note(format!("{} starts, each of a new process; the files are in the page cache", times.len()));
    Ok(())
}

async fn idle(bench: &Bench, section: &mut Section, setup: &Setup, filled: Filled, goal: f64) -> Result<()> {
    let name = setup.embedding.name();
    let server = Server::start(bench, setup).await?;
    server.loaded(setup.embedding).await?;
    sleep(SETTLED).await;
    let resident = || process::resident(server.pid()) as f64 / f64::from(1 << 20);
    section.at_most(&format!("resident after the start, {name}"), goal, resident(), " MB");
    let asked = Instant::now();
    Connection::open(&Target::server(server.addr, filled)).await?.ask().await?;
    let first = asked.elapsed().as_secs_f64() * 1e3;
    section.plain(&format!("resident after a question, {name}"), resident(), " MB");
    section.plain(&format!("first question, which loads the index, {name}"), first, " ms");
    server.stop().await
}
