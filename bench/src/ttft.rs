//! How long a visitor waits for the first word: what the server adds to the language model's own time.

use crate::{
    Bench, Result,
    api::Api,
    fill::{Filled, filled},
    load::{Connection, Target},
    process::Helper,
    report::{Section, at},
    server::{Embedding, Server, Setup},
};

/// Measures with vectors from the stand-in, then with the model in the process.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Time to the first token, one visitor");
    let stand_in = Helper::start(&["stand-in"]).await?;
    compare(bench, &mut section, &stand_in, Embedding::StandIn(stand_in.addr), 5.0).await?;
    compare(bench, &mut section, &stand_in, Embedding::Model, 15.0).await?;
    Ok(section)
}

async fn compare(
    bench: &Bench,
    section: &mut Section,
    stand_in: &Helper,
    embedding: Embedding,
    goal: f64,
) -> Result<()> {
    let setup = Setup::new(bench.folder.join("ttft"), Some(stand_in.addr), embedding);
    let filled = filled(bench, &setup, bench.chunks).await?;
    let server = Server::start(bench, &setup).await?;
    server.loaded(embedding).await?;
    let owned = filled.clone();
    let mut through = Connection::open(&Target::server(server.addr, filled)).await?;
    let mut direct = Connection::open(&Target::completions(stand_in.addr)).await?;
    for _ in 0..5 {
        through.ask().await?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // By turns, so that both meet the same machine.
    for _ in 0..bench.pick(200, 30) {
        ours.push(through.ask().await?.first_token.as_secs_f64() * 1e3);
        theirs.push(direct.ask().await?.first_token.as_secs_f64() * 1e3);
    }
    let stages = stages(bench, &server, &owned).await?;
    server.stop().await?;
    ours.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    let name = embedding.name();
    let added = |share| at(&ours, share) - at(&theirs, share);
    section.at_most(&format!("p50 with {name}, above the stand-in's"), goal, added(0.5), " ms");
    section.at_most(&format!("p99 with {name}, above the stand-in's"), 40.0, added(0.99), " ms");
    section.note(format!("{name}, where the milliseconds go, on average: {stages}"));
    section.note(format!(
        "{name}: server p50 {:.1} ms, p99 {:.1} ms; stand-in alone p50 {:.1} ms, p99 {:.1} ms; {} questions",
        at(&ours, 0.5),
        at(&ours, 0.99),
        at(&theirs, 0.5),
        at(&theirs, 0.99),
        ours.len()
    ));
    Ok(())
}

/// The mean of each stage over the latest runs, as the server keeps them.
async fn stages(bench: &Bench, server: &Server, filled: &Filled) -> Result<String> {
    let api = Api::log_in(&bench.http, server, &filled.workspace).await?;
    let timings = api.timings(server, &filled.agent).await?;
    let mean = |stage: &str| {
        let all = timings.iter().filter_map(|timing| timing[stage].as_f64());
        all.sum::<f64>() / timings.len().max(1) as f64
    };
    let stages = ["history", "retrieval", "first_token", "writing", "grounding", "total"];
    Ok(stages.map(|stage| format!("{stage} {:.2}", mean(stage))).join(", "))
}
