//! A body as it comes: bounded in time and in bytes, counted after unpacking.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, stream};
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use tokio::time::{Instant, timeout_at};

use super::FetchError;

/// Packed bytes that are unpacked at once: a thousandfold of it is what a bomb can make of them before it is noticed.
const STEP: usize = 1024;

/// The body of an answer.
pub struct Body {
    response: Response,
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    deadline: Instant,
    limit: u64,
    left: u64,
}

impl Body {
    pub(super) fn new(response: Response, deadline: Instant, limit: u64) -> Result<Self, FetchError> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let length = header(CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        if length.is_some_and(|length: u64| length > limit) {
            return Err(FetchError::TooLarge(limit));
        }
        let unpacker = match header(CONTENT_ENCODING).map(|name| name.trim().to_ascii_lowercase()).as_deref()
        {
            None | Some("" | "identity") => None,
            Some("gzip" | "x-gzip") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => return Err(FetchError::Encoding),
        };
        Ok(Self { response, unpacker, deadline, limit, left: limit })
    }

    /// The body piece by piece.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, FetchError>> + Send {
        stream::try_unfold(self, |mut body| async move { Ok(body.next().await?.map(|bytes| (bytes, body))) })
    }

    /// The whole body; or as much of it as the limit allows, when a part is of use as well.
    ///
    /// # Errors
    /// When it breaks off or takes too long.
    pub async fn into_start(mut self) -> Result<Vec<u8>, FetchError> {
        let mut start = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(bytes)) => start.extend_from_slice(&bytes),
                Ok(None) | Err(FetchError::TooLarge(_)) => return Ok(start),
                Err(error) => return Err(error),
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let chunk =
                timeout_at(self.deadline, self.response.chunk()).await.map_err(|_| FetchError::TooSlow)?;
            let Some(chunk) = chunk.map_err(|_| FetchError::Broken)? else {
                return self.end().map(|bytes| (!bytes.is_empty()).then_some(bytes));
            };
            let bytes = self.unpack(chunk)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    fn unpack(&mut self, chunk: Bytes) -> Result<Bytes, FetchError> {
        let Some(unpacker) = &mut self.unpacker else { return self.count(chunk) };
        for step in chunk.chunks(STEP) {
            unpacker.write_all(step).map_err(|_| FetchError::Broken)?;
            if unpacker.get_ref().len() as u64 > self.left {
                return Err(FetchError::TooLarge(self.limit));
            }
        }
        let bytes = std::mem::take(unpacker.get_mut());
        self.count(bytes.into())
    }

    /// What the unpacker still holds; a packed body that ends early is broken.
    fn end(&mut self) -> Result<Bytes, FetchError> {
        let Some(mut unpacker) = self.unpacker.take() else { return Ok(Bytes::new()) };
        unpacker.try_finish().map_err(|_| FetchError::Broken)?;
        let bytes = std::mem::take(unpacker.get_mut());
        self.count(bytes.into())
    }

    fn count(&mut self, bytes: Bytes) -> Result<Bytes, FetchError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(FetchError::TooLarge(self.limit))?;
        Ok(bytes)
    }
}
