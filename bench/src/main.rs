//! Measures the server as a user of its HTTP API and its process, and holds the figures against their goals.
//!
//! `cargo run --release -p bench -- --server target/release/frontdesk`, with `--quick` for a short run that
//! only shows that everything works, and `--only chat,search` for a part. What a run needs (documents, filled
//! data folders) is made once and kept below the target folder.

mod analytics;
mod answers;
mod api;
mod bare;
mod chat;
mod contacts;
mod corpus;
mod crawl;
mod embed;
mod extract;
mod extraction;
mod fill;
mod grouping;
mod identity;
mod ingest;
mod load;
mod pdf;
mod process;
mod proxy;
mod quality;
mod report;
mod rows;
mod search;
mod server;
mod stand_in;
mod start;
mod streams;
mod ttft;
mod webhooks;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use report::{Report, Section};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// Whatever went wrong, with a sentence that says what.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// Measures a Frontdesk server.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    helper: Option<Helper>,
    /// The server's program
    #[arg(long, default_value = "target/release/frontdesk")]
    server: PathBuf,
    /// A short run on little data; its figures are not kept
    #[arg(long)]
    quick: bool,
    /// Only these, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Fill the data folders anew
    #[arg(long)]
    fresh: bool,
    /// Folder of the embedding model [default: where the server looks for it]
    #[arg(long, env = "FRONTDESK_MODEL_DIR", global = true)]
    model_dir: Option<PathBuf>,
    /// Folders with PDFs to compare the extraction of
    #[arg(long, env = "PDF_DIRS", value_delimiter = ':', default_value = "../shared/documents")]
    pdfs: Vec<PathBuf>,
    /// Folder of the sets of questions that answers are measured by
    #[arg(long, env = "RETRIEVAL_SETS", default_value = "../shared/retrieval")]
    sets: PathBuf,
    /// Chunks that the workspaces of chat, ttft, streams and start hold at least; chat is measured over 100,000 as well
    #[arg(long, default_value_t = 10_000)]
    chunks: u64,
    /// A PostgreSQL server, such as postgres://postgres@127.0.0.1:5432, to measure contacts with as well
    #[arg(long, env = "BENCH_POSTGRES")]
    postgres: Option<String>,
}

/// What the bench starts of itself, so that its cost is counted apart; and what needs no server.
#[derive(Subcommand)]
enum Helper {
    /// A language model's server that answers at once
    #[command(hide = true)]
    StandIn,
    /// A bare proxy in front of it, the baseline
    #[command(hide = true)]
    Proxy {
        /// The stand-in's address
        upstream: String,
    },
    /// A bare handler that answers JSON, the baseline of small calls
    #[command(hide = true)]
    Bare,
    /// Retrieval quality over sets of questions, into `bench/RETRIEVAL.md`
    Retrieval {
        /// Folder of sets, each a folder with `corpus.jsonl` and `queries.jsonl`
        #[arg(default_value = "../shared/retrieval", env = "RETRIEVAL_SETS")]
        folder: PathBuf,
    },
    /// How well questions of one meaning are put together, into `bench/GROUPING.md`
    Grouping {
        /// Folder of sets, each a folder with `queries.jsonl`
        #[arg(default_value = "../shared/retrieval", env = "RETRIEVAL_SETS")]
        folder: PathBuf,
    },
    /// Fields of receipts without a language model, into `bench/EXTRACTION.md`
    Extraction {
        /// Folder with `extraction/receipts.jsonl`
        #[arg(default_value = "../shared/retrieval", env = "RETRIEVAL_SETS")]
        folder: PathBuf,
    },
}

/// One of the measurements.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    Chat,
    Ttft,
    Streams,
    Identity,
    Start,
    Extract,
    Embed,
    Search,
    Ingest,
    Crawl,
    Answers,
    Webhooks,
    Analytics,
    Contacts,
}

impl Part {
    /// The file that its figures go to.
    fn report(self) -> Report {
        match self {
            Self::Chat | Self::Ttft | Self::Streams | Self::Identity | Self::Start => report::RESULTS,
            Self::Extract | Self::Embed | Self::Search | Self::Ingest | Self::Crawl => report::INGEST,
            Self::Answers => report::ANSWERS,
            Self::Webhooks | Self::Analytics => report::EVENTS,
            Self::Contacts => report::CONTACTS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Ttft => "ttft",
            Self::Streams => "streams",
            Self::Identity => "identity",
            Self::Start => "start",
            Self::Extract => "extract",
            Self::Embed => "embed",
            Self::Search => "search",
            Self::Ingest => "ingest",
            Self::Crawl => "crawl",
            Self::Answers => "answers",
            Self::Webhooks => "webhooks",
            Self::Analytics => "analytics",
            Self::Contacts => "contacts",
        }
    }
}

/// What every measurement is given.
pub struct Bench {
    /// The server's program.
    server: PathBuf,
    /// Where data folders and documents are kept.
    folder: PathBuf,
    /// Where the server shall look for its model.
    model_dir: Option<PathBuf>,
    /// Folders with PDFs.
    pdfs: Vec<PathBuf>,
    /// Sets of questions.
    sets: PathBuf,
    /// Chunks of a filled workspace.
    chunks: u64,
    /// A PostgreSQL server.
    postgres: Option<String>,
    quick: bool,
    http: reqwest::Client,
}

impl Bench {
    fn new(cli: &Cli) -> Result<Self> {
        let server = cli.server.canonicalize().map_err(|e| {
            format!("{}: {e}; build it by `cargo build --release -p frontdesk`", cli.server.display())
        })?;
        let program = std::env::current_exe()?;
        let target = program.ancestors().nth(2).ok_or("this program lies in no target folder")?;
        let folder = target.join("bench-data");
        std::fs::create_dir_all(&folder)?;
        if cli.fresh {
            fill::forget(&folder)?;
        }
        let model_dir = cli.model_dir.as_ref().map(|dir| dir.canonicalize()).transpose()?;
        Ok(Self {
            server,
            folder,
            model_dir,
            pdfs: cli.pdfs.clone(),
            sets: cli.sets.clone(),
            chunks: if cli.quick { 500 } else { cli.chunks },
            postgres: cli.postgres.clone(),
            quick: cli.quick,
            http: api::client()?,
        })
    }

    /// The embedding model, from the folder given.
    fn embedder(&self) -> Result<retrieval::Embedder> {
        let dir = self.model_dir.as_ref().ok_or("name the folder of the embedding model by --model-dir")?;
        Ok(retrieval::Embedder::open(dir)?)
    }

    /// The one number in a whole run, the other in a quick one.
    fn pick<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.helper {
        Some(Helper::StandIn) => single().and_then(|rt| rt.block_on(stand_in::serve())),
        Some(Helper::Proxy { upstream }) => many().and_then(|rt| rt.block_on(proxy::serve(upstream))),
        Some(Helper::Bare) => many().and_then(|rt| rt.block_on(bare::serve())),
        Some(Helper::Retrieval { folder }) => quality::measure(folder, cli.model_dir.as_deref()),
        Some(Helper::Grouping { folder }) => grouping::measure(folder, cli.model_dir.as_deref()),
        Some(Helper::Extraction { folder }) => extraction::measure(folder),
        None => single().and_then(|rt| rt.block_on(run(&cli))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: the cheapest for what only passes bytes on.
fn single() -> Result<runtime::Runtime> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A thread a core, as the server has.
fn many() -> Result<runtime::Runtime> {
    Ok(runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Measures until done or interrupted; children end with the values that hold them.
async fn run(cli: &Cli) -> Result<()> {
    let bench = Bench::new(cli)?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        done = all(&bench, &cli.only) => done,
        _ = term.recv() => Err("terminated".into()),
        _ = int.recv() => Err("interrupted".into()),
    }
}

async fn all(bench: &Bench, only: &[Part]) -> Result<()> {
    let mut fine = true;
    for part in Part::value_variants().iter().copied().filter(|p| only.is_empty() || only.contains(p)) {
        eprintln!("bench: {} …", part.name());
        match measure(bench, part).await {
            Ok(section) => {
                section.print();
                fine &= section.passes();
                if !bench.quick {
                    report::put(part.report(), &section)?;
                }
            }
            Err(error) => {
                eprintln!("bench: {} failed: {error}", part.name());
                fine = false;
            }
        }
    }
    if fine { Ok(()) } else { Err("not every goal is met".into()) }
}

async fn measure(bench: &Bench, part: Part) -> Result<Section> {
    match part {
        Part::Chat => chat::measure(bench).await,
        Part::Webhooks => webhooks::measure(bench).await,
        Part::Analytics => analytics::measure(bench).await,
        Part::Ttft => ttft::measure(bench).await,
        Part::Streams => streams::measure(bench).await,
        Part::Identity => identity::measure(bench).await,
        Part::Start => start::measure(bench).await,
        Part::Extract => extract::measure(bench).await,
        Part::Embed => embed::measure(bench).await,
        Part::Search => search::measure(bench),
        Part::Ingest => ingest::measure(bench).await,
        Part::Crawl => crawl::measure(bench).await,
        Part::Answers => answers::measure(bench).await,
        Part::Contacts => contacts::measure(bench).await,
    }
}
