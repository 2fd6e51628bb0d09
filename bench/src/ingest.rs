//! What reading a large PDF takes: time, and the memory of the server with all that it starts.

use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::{
    Bench, Result,
    api::Api,
    fill, pdf, process,
    report::Section,
    server::{Embedding, Server, Setup},
};

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(20);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Measures without a model, then with it.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let pages = bench.pick(2_000, 200);
    let file = pdf::write(pages)?;
    let mut section = Section::new(&format!("A PDF of {pages} pages"));
    section.note(format!("the file has {:.1} MB of compressed text", file.len() as f64 / 1e6));
    let with_model = (!bench.quick).then_some(Embedding::Model);
    for embedding in [Some(Embedding::None), with_model].into_iter().flatten() {
        read(bench, &mut section, embedding, pages, &file).await?;
    }
    Ok(section)
}

async fn read(
    bench: &Bench,
    section: &mut Section,
    embedding: Embedding,
    pages: usize,
    file: &[u8],
) -> Result<()> {
    let setup = Setup::new(bench.folder.join("ingest"), None, embedding);
    fill::remove(&setup.data)?;
    let workspace = setup.create_owner(bench).await?;
    let server = Server::start(bench, &setup).await?;
    server.loaded(embedding).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    let collection = api.collection().await?;
    let started = Instant::now();
    let mut peak = Peak::default();
    let chunks = tokio::select! {
        chunks = async {
            let document = api.upload(&collection, "manual.pdf", file).await?;
            api.read(&document, PATIENCE).await
        } => chunks?,
        () = peak.watch(server.pid()) => return Err("memory is watched until the document is read".into()),
    };
    let seconds = started.elapsed().as_secs_f64();
    server.stop().await?;
    let name = embedding.name();
    let mb = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    section.at_most(&format!("peak of server and children, {name}"), 400.0, mb(peak.together), " MB");
    section.plain(&format!("  peak of the server, {name}"), mb(peak.server), " MB");
    section.plain(&format!("  peak of its children, {name}"), mb(peak.children), " MB");
    section.plain(&format!("time until it can be found, {name}"), seconds, " s");
    section.plain(&format!("pages a second, {name}"), pages as f64 / seconds, "");
    section.note(format!("{name}: {chunks} chunks"));
    Ok(())
}

/// The most that was held at any look.
#[derive(Default)]
struct Peak {
    together: u64,
    server: u64,
    children: u64,
}

impl Peak {
    /// Looks again and again; does not end by itself.
    async fn watch(&mut self, server: u32) {
        let mut ticks = interval(SAMPLE);
        loop {
            ticks.tick().await;
            let own = process::resident(server);
            let children = process::descendants(server).into_iter().map(process::resident).sum();
            self.server = self.server.max(own);
            self.children = self.children.max(children);
            self.together = self.together.max(own + children);
        }
    }
}
