//! What the providers' protocols share: one POST, answered by server-sent events, under two time limits.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use sse_stream::SseStream;
use tokio::time::{Instant, timeout_at};

use crate::{Answer, Connections, Endpoint, ModelError, Piece, connections::Response};

/// How much of an error's body is kept for the log.
pub(crate) const ERROR_BODY: usize = 300;
/// Bytes that one answer's words, the arguments of a call, and what may come before an event is whole may have, whatever
/// was asked for.
const MAX_TEXT: usize = 1024 * 1024;

/// A protocol's events, one after the other.
pub(crate) trait Dialect: Send + 'static {
    /// What an event's data says. Whether more may come is the second part.
    fn read(&mut self, data: &str, out: &mut VecDeque<Piece>) -> Result<Flow, ModelError>;

    /// Whether the answer was whole when the stream ended here.
    fn may_end(&self) -> bool;
}

/// Whether an answer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    End,
}

/// Sends a request and gives its answer once the first piece is there.
pub(crate) async fn answer(
    connections: &Connections,
    post: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    (endpoint, dialect): (&Endpoint, impl Dialect),
) -> Result<Answer, ModelError> {
    let started = Instant::now();
    let first_token = started + endpoint.first_token;
    let response = timeout_at(first_token, send(connections, post))
        .await
        .map_err(|_| ModelError::TooSlow(endpoint.first_token))??;
    // The parser keeps what has come until an event is whole.
    let unread = Arc::<AtomicUsize>::default();
    let count = unread.clone();
    let body = response.body.map(move |part| {
        let part = part?;
        match count.fetch_add(part.len(), Ordering::Relaxed) {
            ..=MAX_TEXT => Ok(part),
            _ => Err(io::Error::other("an event has no end")),
        }
    });
    let mut reader = Reader {
        events: SseStream::from_bytes_stream(body).boxed(),
        unread,
        dialect,
        waiting: VecDeque::new(),
        ended: false,
        written: 0,
        deadline: first_token,
        allowed: endpoint.first_token,
    };
    let first = reader.next().await?;
    (reader.deadline, reader.allowed) = (started + endpoint.total, endpoint.total);
    let rest = stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
}

async fn send(
    connections: &Connections,
    post: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
) -> Result<Response, ModelError> {
    let Response { status, body: mut parts } = connections.send(post).await?;
    if (200..300).contains(&status) {
        return Ok(Response { status, body: parts });
    }
    let mut body = Vec::new();
    while let Some(Ok(part)) = parts.next().await
        && body.len() < ERROR_BODY * 4
    {
        body.extend_from_slice(&part);
    }
    Err(ModelError::Status {
        status,
        message: String::from_utf8_lossy(&body).chars().take(ERROR_BODY).collect(),
    })
}

/// Adds to a text that comes in parts.
pub(crate) fn grow(text: &mut String, part: &str) -> Result<(), ModelError> {
    text.push_str(part);
    if text.len() > MAX_TEXT { Err(ModelError::Endless) } else { Ok(()) }
}

/// An error that stands in the stream.
pub(crate) fn told(error: &serde_json::Value) -> ModelError {
    ModelError::Protocol(error.to_string().chars().take(ERROR_BODY).collect())
}

type Events = stream::BoxStream<'static, Result<sse_stream::Sse, sse_stream::Error>>;

struct Reader<D> {
    events: Events,
    /// Bytes that came since the last event.
    unread: Arc<AtomicUsize>,
    dialect: D,
    waiting: VecDeque<Piece>,
    ended: bool,
    written: usize,
    deadline: Instant,
    allowed: Duration,
}

impl<D: Dialect> Reader<D> {
    /// The next piece; `None` at the end of the answer.
    async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return self.count(piece).map(Some);
            }
            if self.ended {
                return Ok(None);
            }
            let event = timeout_at(self.deadline, self.events.next())
                .await
                .map_err(|_| ModelError::TooSlow(self.allowed))?;
            match event {
                None if self.dialect.may_end() => self.ended = true,
                None => return Err(ModelError::Connection("the stream ended before the answer did".into())),
                Some(Err(_)) if self.unread.load(Ordering::Relaxed) > MAX_TEXT => {
                    return Err(ModelError::Endless);
                }
                Some(Err(error)) => return Err(ModelError::Connection(error.to_string())),
                Some(Ok(event)) => {
                    self.unread.store(0, Ordering::Relaxed);
                    if let Some(data) = event.data.as_deref().filter(|data| !data.is_empty()) {
                        self.ended = self.dialect.read(data, &mut self.waiting)? == Flow::End;
                    }
                }
            }
        }
    }

    fn count(&mut self, piece: Piece) -> Result<Piece, ModelError> {
        if let Piece::Text(words) = &piece {
            self.written += words.len();
            if self.written > MAX_TEXT {
                return Err(ModelError::Endless);
            }
        }
        Ok(piece)
    }
}
