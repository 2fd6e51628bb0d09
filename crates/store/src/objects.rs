//! Files under the hash of their content, in a folder or in what speaks S3.

use std::{fmt, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, pin_mut};
use object_store::{
    Error, ObjectStore, ObjectStoreExt, aws::AmazonS3Builder, buffered::BufWriter, local::LocalFileSystem,
    path, prefix::PrefixStore,
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::{BlobError, Stored};

/// A store of contents. Each tenant has a folder of its own; a content that comes twice lies there once.
#[derive(Clone, Debug)]
pub struct Objects(Arc<dyn ObjectStore>);

/// A content that has arrived whole under a name of its own, and has no place yet.
#[derive(Debug)]
pub struct Arrived {
    /// Size and hash.
    pub stored: Stored,
    /// The first bytes, by which its type is told: at most 8 KB.
    pub head: Vec<u8>,
    temporary: path::Path,
}

/// Bytes by which a type is told.
const HEAD: usize = 8 * 1024;

impl Objects {
    /// Opens `s3://bucket/folder`, with keys, region and endpoint from the `AWS_…` variables given, or else the folder.
    ///
    /// # Errors
    /// When the address is not understood, or the folder cannot be made.
    pub fn open(s3: Option<(&str, &[(String, String)])>, folder: &Path) -> Result<Self, BlobError> {
        let failed = |error: Error| BlobError::Io(std::io::Error::other(error));
        let Some((url, variables)) = s3 else {
            std::fs::create_dir_all(folder)?;
            let store =
                LocalFileSystem::new_with_prefix(folder).map_err(failed)?.with_automatic_cleanup(true);
            return Ok(Self(Arc::new(store)));
        };
        let known = variables
            .iter()
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)));
        let builder =
            known.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value));
        let store = builder.with_url(url).with_allow_http(true).build().map_err(failed)?;
        let folder =
            url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, folder)| folder);
        Ok(Self(match folder.trim_matches('/') {
            "" => Arc::new(store),
            folder => Arc::new(PrefixStore::new(store, folder)),
        }))
    }

    /// Takes a stream of at most `limit` bytes, at constant memory, under a name that nobody else uses.
    ///
    /// # Errors
    /// When the stream breaks, is too large, or the store fails; nothing is kept then.
    pub async fn receive<E: fmt::Display>(
        &self,
        name: &str,
        stream: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
    ) -> Result<Arrived, BlobError> {
        let temporary = path::Path::from_iter(["tmp", name]);
        let mut writer = BufWriter::new(self.0.clone(), temporary.clone());
        match copy(stream, &mut writer, limit).await {
            Ok((stored, head)) => {
                writer.shutdown().await?;
                Ok(Arrived { stored, head, temporary })
            }
            Err(error) => {
                writer.abort().await.ok();
                Err(error)
            }
        }
    }

    /// Gives a content its place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn place(&self, tenant: &str, sha256: &str, arrived: &Arrived) -> Result<(), BlobError> {
        Ok(self.0.rename(&arrived.temporary, &place(tenant, sha256)).await.map_err(std::io::Error::other)?)
    }

    /// Drops a content that is not to have a place.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drop(&self, arrived: &Arrived) -> Result<(), BlobError> {
        gone_is_fine(self.0.delete(&arrived.temporary).await)
    }

    /// A content, as it is read from the store.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn read(
        &self,
        tenant: &str,
        sha256: &str,
    ) -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + use<>, BlobError> {
        let found = self.0.get(&place(tenant, sha256)).await.map_err(std::io::Error::other)?;
        Ok(found.into_stream().map_err(std::io::Error::other))
    }

    /// Removes a content; one that is gone already is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self, tenant: &str, sha256: &str) -> Result<(), BlobError> {
        gone_is_fine(self.0.delete(&place(tenant, sha256)).await)
    }

    /// Removes all that a tenant has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete_tenant(&self, tenant: &str) -> Result<(), BlobError> {
        let folder = path::Path::from(tenant);
        let all = self.0.list(Some(&folder)).map_ok(|found| found.location).boxed();
        self.0.delete_stream(all).try_for_each(|_| async { Ok(()) }).await.map_err(std::io::Error::other)?;
        Ok(())
    }
}

fn place(tenant: &str, sha256: &str) -> path::Path {
    path::Path::from_iter([tenant, &sha256[..2.min(sha256.len())], sha256])
}

fn gone_is_fine(result: Result<(), Error>) -> Result<(), BlobError> {
    match result {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(BlobError::Io(std::io::Error::other(error))),
    }
}

async fn copy<E: fmt::Display>(
    stream: impl Stream<Item = Result<Bytes, E>>,
    writer: &mut BufWriter,
    limit: u64,
) -> Result<(Stored, Vec<u8>), BlobError> {
    pin_mut!(stream);
    let (mut hash, mut size, mut head) = (Sha256::new(), 0u64, Vec::new());
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| BlobError::Broken(error.to_string()))?;
        size += part.len() as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        hash.update(&part);
        head.extend_from_slice(&part[..part.len().min(HEAD - head.len())]);
        writer.put(part).await.map_err(std::io::Error::other)?;
    }
    Ok((Stored { size, sha256: hash.finalize().into() }, head))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn parts(list: &[&'static str]) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        stream::iter(list.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect::<Vec<_>>())
    }

    async fn text(objects: &Objects, tenant: &str) -> Result<Vec<u8>, BlobError> {
        let bytes: Vec<Bytes> = objects.read(tenant, "b94d27").await?.try_collect().await?;
        Ok(bytes.concat())
    }

    #[tokio::test]
    async fn a_content_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(None, folder.path()).unwrap();
        let arrived = objects.receive("one", parts(&["hello ", "world"]), 11).await.unwrap();
        assert_eq!((arrived.stored.size, arrived.head.as_slice()), (11, &b"hello world"[..]));
        objects.place("ws_a", "b94d27", &arrived).await.unwrap();
        assert_eq!(text(&objects, "ws_a").await.unwrap(), b"hello world");
        assert!(text(&objects, "ws_b").await.is_err(), "another tenant has no such content");

        let refused = objects.receive("two", parts(&["hello ", "world!"]), 11).await;
        assert!(matches!(refused, Err(BlobError::TooLarge { limit: 11 })));
        let unwanted = objects.receive("three", parts(&["x"]), 11).await.unwrap();
        objects.drop(&unwanted).await.unwrap();
        let left = std::fs::read_dir(folder.path().join("tmp")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left of what has no place");

        objects.delete("ws_a", "b94d27").await.unwrap();
        objects.delete("ws_a", "b94d27").await.unwrap();
        assert!(text(&objects, "ws_a").await.is_err());
    }

    #[tokio::test]
    async fn a_tenant_goes_with_all_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(None, folder.path()).unwrap();
        for tenant in ["ws_a", "ws_b"] {
            let arrived = objects.receive(tenant, parts(&["hello world"]), 100).await.unwrap();
            objects.place(tenant, "b94d27", &arrived).await.unwrap();
        }
        objects.delete_tenant("ws_a").await.unwrap();
        objects.delete_tenant("ws_a").await.unwrap();
        assert!(text(&objects, "ws_a").await.is_err());
        assert!(text(&objects, "ws_b").await.is_ok());
    }
}
