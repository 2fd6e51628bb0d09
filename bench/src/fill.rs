//! Data folders with a filled workspace. They are made once for each kind of embedding and used by copy, so
//! that every measurement begins on the same data.

use std::{fs, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Bench, Result,
    api::Api,
    corpus,
    server::{Embedding, Server, Setup, copy},
};

/// Documents that are uploaded before the next are.
const BATCH: usize = 2;
/// How long one document may take; embedding is most of it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Changes when folders must be made anew although their documents are the same.
const VERSION: u8 = 2;
const FACTS: &str = "bench.json";
/// What the names of filled folders begin with.
const PREFIX: &str = "filled-";

/// What a filled workspace is asked by.
#[derive(Clone, Deserialize, Serialize)]
pub struct Filled {
    /// The published agent.
    pub agent: String,
    /// The visitors' key.
    pub key: String,
    /// Chunks in the workspace.
    pub chunks: u64,
    /// The workspace.
    pub workspace: String,
}

/// A fresh copy of the data folder for a kind of embedding, with at least so many chunks.
pub async fn filled(bench: &Bench, setup: &Setup, chunks: u64) -> Result<Filled> {
    let name = match setup.embedding {
        Embedding::StandIn(_) => "stand-in",
        Embedding::Model | Embedding::None => "model",
    };
    let mut inputs = Sha256::new_with_prefix([VERSION]);
    inputs.update(name);
    inputs.update(chunks.to_le_bytes());
    inputs.update(corpus::document(0).1);
    let key: String = inputs.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let kept = bench.folder.join(format!("{PREFIX}{name}-{key}"));
    if !kept.join(FACTS).exists() {
        make(bench, setup.embedding, chunks, &kept).await?;
    }
    remove(&setup.data)?;
    copy(&kept, &setup.data)?;
    Ok(serde_json::from_slice(&fs::read(kept.join(FACTS))?)?)
}

async fn make(bench: &Bench, embedding: Embedding, chunks: u64, kept: &Path) -> Result<()> {
    eprintln!("bench: filling a workspace with {chunks} chunks and {} …", embedding.name());
    let unfinished = kept.with_extension("unfinished");
    remove(&unfinished)?;
    remove(kept)?;
    // Without a model the vectors of the model's folder are simply not used.
    let embedding = if let Embedding::None = embedding { Embedding::Model } else { embedding };
    let setup = Setup::new(unfinished.clone(), None, embedding);
    let workspace = setup.create_owner(bench).await?;
    let server = Server::start(bench, &setup).await?;
    server.loaded(embedding).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    let collection = api.collection().await?;
    let mut filled = Filled {
        agent: api.agent(&collection).await?,
        key: api.key().await?,
        chunks: 0,
        workspace: workspace.clone(),
    };
    let mut documents = 0..;
    while filled.chunks < chunks {
        let mut uploaded = Vec::new();
        for nth in documents.by_ref().take(BATCH) {
            let (name, text) = corpus::document(nth);
            uploaded.push(api.upload(&collection, &name, text.as_bytes()).await?);
        }
        for document in &uploaded {
            filled.chunks += api.read(document, PATIENCE).await?;
        }
    }
    server.stop().await?;
    fs::write(unfinished.join(FACTS), serde_json::to_vec(&filled)?)?;
    Ok(fs::rename(unfinished, kept)?)
}

/// Removes all folders that were filled before.
pub fn forget(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder if it is there.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
