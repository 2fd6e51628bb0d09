//! Uploaded files, on disk.

use std::{fmt, path::PathBuf};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, pin_mut};
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt};

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The stream held more bytes than allowed; nothing was kept.
    #[error("the file is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The sender broke off; nothing was kept.
    #[error("the upload broke off: {0}")]
    Broken(String),
    /// The disk failed.
    #[error("the file store failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A stored file's size and content hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// A folder of files, one folder a tenant. A file is written under a temporary name and renamed when it is
/// whole, so that neither a reader nor a crash meets half of one. Names are ids, never what users typed.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Opens the folder, and makes it when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn open(root: PathBuf) -> Result<Self, BlobError> {
        fs::create_dir_all(root.join("tmp")).await?;
        Ok(Self { root })
    }

    /// Stores a stream of at most `limit` bytes.
    ///
    /// # Errors
    /// When the stream breaks, is too large, or the disk fails; nothing is kept then.
    pub async fn put<E: fmt::Display>(
        &self,
        tenant: &str,
        name: &str,
        stream: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
    ) -> Result<Stored, BlobError> {
        let temporary = self.root.join("tmp").join(name);
        let stored = match write_stream(&temporary, stream, limit).await {
            Ok(stored) => stored,
            Err(error) => {
                fs::remove_file(&temporary).await.ok();
                return Err(error);
            }
        };
        fs::create_dir_all(self.root.join(tenant)).await?;
        fs::rename(&temporary, self.path(tenant, name)).await?;
        Ok(stored)
    }

    /// Where a file lies.
    pub fn path(&self, tenant: &str, name: &str) -> PathBuf {
        self.root.join(tenant).join(name)
    }

    /// Removes a file; one that is gone already is fine.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn delete(&self, tenant: &str, name: &str) -> Result<(), BlobError> {
        missing_is_fine(fs::remove_file(self.path(tenant, name)).await)
    }

    /// Removes all files of a tenant.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn delete_tenant(&self, tenant: &str) -> Result<(), BlobError> {
        missing_is_fine(fs::remove_dir_all(self.root.join(tenant)).await)
    }
}

fn missing_is_fine(result: std::io::Result<()>) -> Result<(), BlobError> {
    match result {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

async fn write_stream<E: fmt::Display>(
    path: &std::path::Path,
    stream: impl Stream<Item = Result<Bytes, E>>,
    limit: u64,
) -> Result<Stored, BlobError> {
    pin_mut!(stream);
    let mut file = fs::File::create(path).await?;
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|e| BlobError::Broken(e.to_string()))?;
        size += part.len() as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        hash.update(&part);
        file.write_all(&part).await?;
    }
    file.sync_all().await?;
    Ok(Stored { size, sha256: hash.finalize().into() })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn parts(list: &[&'static str]) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        stream::iter(list.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_file_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().to_owned()).await.unwrap();
        let stored = blobs.put("ws_a", "one", parts(&["hello ", "world"]), 11).await.unwrap();
        assert_eq!(stored.size, 11);
        assert_eq!(stored.sha256[..4], [0xb9, 0x4d, 0x27, 0xb9]);
        assert_eq!(std::fs::read(blobs.path("ws_a", "one")).unwrap(), b"hello world");
        assert!(!blobs.path("ws_b", "one").exists(), "another tenant has no such file");

        let refused = blobs.put("ws_a", "two", parts(&["hello ", "world!"]), 11).await;
        assert!(matches!(refused, Err(BlobError::TooLarge { limit: 11 })));
        assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);

        blobs.delete("ws_a", "one").await.unwrap();
        blobs.delete("ws_a", "one").await.unwrap();
        assert!(!blobs.path("ws_a", "one").exists());
    }
}
