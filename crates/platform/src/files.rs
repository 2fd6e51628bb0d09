//! Files that people send: stored, told by their content, and read in a process of their own.

use std::fmt;

use ::documents::{ExtractError, Extracted, Format, Limits, Progress, worker::Worker};
use ::store::Stored;
use bytes::Bytes;
use futures_util::Stream;
use tokio::io::AsyncReadExt;

use crate::{App, Error, Result, Tenant, digest};

/// Bytes of a file by which its format is told.
const HEAD: u64 = 8 * 1024;

/// A file that has arrived whole.
#[derive(Debug)]
pub(crate) struct File {
    /// What its sender calls it.
    pub name: String,
    pub format: Format,
    stored: Stored,
}

impl File {
    /// SHA-256 in hexadecimal digits.
    pub(crate) fn hash(&self) -> String {
        digest::hex(&self.stored.sha256)
    }

    /// Bytes.
    pub(crate) fn size(&self) -> Result<i64> {
        i64::try_from(self.stored.size).map_err(Error::internal)
    }
}

/// Stores a file under an id and looks at what it is, by its content.
///
/// # Errors
/// Too large, broken off, empty, or of a type that is not read here; nothing is kept then.
pub(crate) async fn receive<E: fmt::Display>(
    app: &App,
    tenant: &Tenant,
    (id, name): (&str, &str),
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<File> {
    let name = clean_name(name, "document");
    let stored = app.blobs.put(tenant.id().as_str(), id, stream, app.config.max_upload_bytes).await?;
    match format(app, tenant, id, &name).await {
        Ok(format) => Ok(File { name, format, stored }),
        Err(error) => {
            app.blobs.delete(tenant.id().as_str(), id).await?;
            Err(error)
        }
    }
}

async fn format(app: &App, tenant: &Tenant, id: &str, name: &str) -> Result<Format> {
    let file =
        tokio::fs::File::open(app.blobs.path(tenant.id().as_str(), id)).await.map_err(Error::internal)?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).await.map_err(Error::internal)?;
    Format::detect(&head, name).map_err(|error| {
        let message = error.to_string();
        match error {
            ExtractError::Empty => Error::invalid("file", message),
            ExtractError::Unsupported { .. } | ExtractError::TypeMismatch { .. } => {
                Error { field: Some("file".into()), ..Error::unsupported_media(message) }
            }
            _ => Error { field: Some("file".into()), ..Error::unprocessable(message) },
        }
    })
}

/// The last part of a file's name, without control characters, at most 200 characters; another when nothing is left.
pub(crate) fn clean_name(name: &str, other: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { other.into() } else { clean }
}

/// Reads a stored file in a process of its own.
///
/// # Errors
/// [`ExtractError::Io`] is a fault of this server; every other one lies in the file.
pub(crate) async fn read(
    app: &App,
    tenant: &Tenant,
    (id, name): (&str, &str),
    progress: impl FnMut(Progress),
) -> Result<Extracted, ExtractError> {
    let worker = Worker {
        program: app.config.extractor.clone(),
        args: vec!["extract-worker".into()],
        timeout: app.config.extract_timeout,
        memory_bytes: app.config.extract_memory,
        limits: Limits::default(),
    };
    worker.extract(&app.blobs.path(tenant.id().as_str(), id), name, progress).await
}

/// Removes stored files that nothing names any more.
///
/// # Errors
/// When the disk fails.
pub(crate) async fn remove(app: &App, tenant: &Tenant, ids: &[String]) -> Result<()> {
    for id in ids {
        app.blobs.delete(tenant.id().as_str(), id).await?;
    }
    Ok(())
}
