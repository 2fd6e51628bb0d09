//! The program. It reads its settings and does one of a few things; the rooms of the house do the work.

mod admin;
mod demo;
mod serve;
mod settings;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use platform::{App, Clock};
use settings::Settings;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Frontdesk answers your customers from your documents, with sources, on your own server.
#[derive(Parser)]
#[command(
    name = "frontdesk",
    version,
    after_help = "Settings come from frontdesk.toml, then the environment (FRONTDESK_…), then flags; each overrides the one before.\n\
                  Try it out:   frontdesk demo\n\
                  Run it:       frontdesk serve --data-dir /var/lib/frontdesk --public-url https://chat.example.com"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server: one process, SQLite and files under one data folder.
    Serve,
    /// Start a server on a fresh folder with a demo shop, its documents and its agent, and ask it a question.
    Demo,
    /// Bring the database's schema up to date and stop. `serve` does the same when it starts.
    Migrate,
    /// Work on a server's data from the shell.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Read one document apart from the server; the server starts this by itself.
    #[command(hide = true)]
    ExtractWorker {
        /// The stored file.
        path: PathBuf,
        /// The name that it was uploaded under.
        file_name: String,
    },
}

fn main() -> ExitCode {
    // In huge pages an idle server would hold a third more memory. Where the kernel has none there is nothing to do.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let Cli { command, settings } = Cli::parse();
    match command {
        Command::ExtractWorker { path, file_name } => {
            documents::worker::run(&path, &file_name, documents::Limits::default())
        }
        command => match run(command, settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("frontdesk: {}", line(&error));
                ExitCode::FAILURE
            }
        },
    }
}

#[tokio::main]
async fn run(command: Command, settings: Settings) -> platform::Result<()> {
    let settings = settings.complete()?;
    serve::log(&settings)?;
    match command {
        Command::Serve => serve::serve(settings.check()?).await,
        Command::Demo => demo::demo(settings).await,
        Command::Migrate => {
            let app = App::open(settings.check()?, Clock::system()).await?;
            app.db.close().await;
            println!("The database is up to date.");
            Ok(())
        }
        Command::Admin(command) => admin::run(command, settings.check()?).await,
        Command::ExtractWorker { .. } => unreachable!("main does this without a runtime"),
    }
}

/// An error as one line that names the setting or argument it is about.
fn line(error: &platform::Error) -> String {
    let text = match &error.field {
        Some(field) => format!("{field}: {error}"),
        None => error.to_string(),
    };
    text.replace('\n', " ")
}
