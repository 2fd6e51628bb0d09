//! A request over HTTP/1.1 in the clear (RFC 9112), as models on one's own machines are asked.
//!
//! A connection of a general client holds 16 KB of buffers and queues for as long as it is open, and each answer under way
//! has one. What is here holds what has come and was not passed on, and reads one answer at a time.

mod answer;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Request, Url};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use tokio::{
    io::AsyncWrite,
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_util::codec::FramedRead;

use answer::{Answer, Part};

/// How long looking up a name may take, and then opening a connection.
const OPENING: Duration = Duration::from_secs(5);
/// How long a connection that nobody uses can be used again; servers have the like.
const IDLE: Duration = Duration::from_secs(30);
/// How many of them are kept for a server.
const MOST_IDLE: usize = 64;
/// How long after a request it may turn out that the server had closed the connection before.
const CLOSING: Duration = Duration::from_secs(1);
/// Bytes that are read at once; an event of a model has some 250.
const READ: usize = 1024;

/// A client.
#[derive(Clone)]
pub(crate) struct Http1 {
    /// Where the environment wants a proxy to be asked, nobody is asked from here.
    proxies: Arc<Matcher>,
    idle: Idle,
}

impl Http1 {
    pub(crate) fn new() -> Self {
        Self { proxies: Arc::new(Matcher::from_env()), idle: Idle::default() }
    }

    /// Whether this client is for an address: one of a server that speaks in the clear and is asked without a proxy.
    pub(crate) fn is_for(&self, url: &Url) -> bool {
        let direct = |uri: http::Uri| self.proxies.intercept(&uri).is_none();
        url.scheme() == "http" && url.as_str().parse().is_ok_and(direct)
    }

    /// Sends a request whose body is bytes; gives the status and the body as it comes.
    ///
    /// # Errors
    /// When there is no connection, or what comes is no answer.
    pub(crate) async fn send(&self, request: &Request) -> io::Result<(u16, Body)> {
        let place = place(request.url())?;
        let sent = written(request, &place);
        if let Some(open) = self.idle.take(&place) {
            let asked = Instant::now();
            match self.ask(open, &sent, &place).await? {
                Some(answer) => return Ok(answer),
                // The server closed it as this was written, and has not seen it: it is asked anew. Later than that it may
                // have, and died of it.
                None if asked.elapsed() < CLOSING => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let open = open(&place).await?;
        self.ask(open, &sent, &place).await?.ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends a request and reads the head of its answer; `None` when the server hung up without a word.
    async fn ask(&self, open: TcpStream, sent: &[u8], place: &str) -> io::Result<Option<(u16, Body)>> {
        let mut parts = FramedRead::with_capacity(open, Answer::default(), READ);
        let mut unsent = sent;
        // Who refuses a request may do so before it has read all of it.
        let head = poll_fn(|cx| {
            while !unsent.is_empty() {
                match Pin::new(parts.get_mut()).poll_write(cx, unsent) {
                    Poll::Ready(Ok(written @ 1..)) => unsent = &unsent[written..],
                    Poll::Ready(_) | Poll::Pending => break,
                }
            }
            parts.poll_next_unpin(cx)
        });
        match head.await.transpose() {
            Ok(Some(Part::Head(status))) => {
                let idle = unsent.is_empty().then(|| self.idle.clone());
                Ok(Some((status, Body { parts: Some(parts), place: place.to_owned(), idle })))
            }
            Err(error) if !is_gone(&error) || !parts.read_buffer().is_empty() => Err(error),
            _ => Ok(None),
        }
    }
}

/// Whether the other side has closed the connection.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// A new connection.
async fn open(place: &str) -> io::Result<TcpStream> {
    let found = timeout(OPENING, lookup_host(place)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    connect(&found.collect::<Vec<_>>(), OPENING).await
}

/// A connection to the first of some addresses that takes one. Each gets its share of the time: one that is silent must not
/// keep the others from being tried.
async fn connect(addresses: &[SocketAddr], patience: Duration) -> io::Result<TcpStream> {
    let mut failed = io::ErrorKind::NotFound.into();
    for address in addresses {
        match timeout(patience / addresses.len() as u32, TcpStream::connect(address)).await {
            Ok(Ok(open)) => {
                open.set_nodelay(true)?;
                return Ok(open);
            }
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

/// `host:port` of an address, as it is connected to.
fn place(url: &Url) -> io::Result<String> {
    let host = url.host_str().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(80)))
}

/// A request as it is sent. Its parts cannot hold line breaks, as the types of their library see to.
fn written(request: &Request, place: &str) -> Vec<u8> {
    let url = request.url();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let mut sent = format!("{} {}", request.method(), url.path()).into_bytes();
    if let Some(query) = url.query() {
        sent.extend_from_slice(format!("?{query}").as_bytes());
    }
    sent.extend_from_slice(
        format!(" HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n", place.trim_end_matches(":80")).as_bytes(),
    );
    for (name, value) in request.headers() {
        sent.extend_from_slice(name.as_str().as_bytes());
        sent.extend_from_slice(b": ");
        sent.extend_from_slice(value.as_bytes());
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    sent.extend_from_slice(body);
    sent
}

/// The body of an answer. The connection is kept for the next request when all of it was read, or is there to be.
pub(crate) struct Body {
    parts: Option<FramedRead<TcpStream, Answer>>,
    place: String,
    /// Where the connection is kept then; nowhere when the request was not sent to its end.
    idle: Option<Idle>,
}

impl Stream for Body {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Some(parts) = &mut self.parts else { return Poll::Ready(None) };
        match ready!(parts.poll_next_unpin(cx)) {
            Some(Ok(Part::Data(bytes))) => return Poll::Ready(Some(Ok(bytes))),
            Some(Ok(Part::End)) => self.keep(),
            Some(Err(error)) => {
                self.parts = None;
                return Poll::Ready(Some(Err(error)));
            }
            Some(Ok(Part::Head(_))) | None => self.parts = None,
        }
        Poll::Ready(None)
    }
}

impl Body {
    /// Gives the connection back, if the server lets it be used again and has sent nothing else.
    fn keep(&mut self) {
        if let Some(parts) = self.parts.take()
            && let Some(idle) = &self.idle
            && parts.decoder().may_go_on()
            && parts.read_buffer().is_empty()
        {
            idle.put(std::mem::take(&mut self.place), parts.into_inner());
        }
    }
}

impl Drop for Body {
    /// An answer's last event comes before the end of its body, which nobody waits for.
    fn drop(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(parts) = &mut self.parts
            && let Poll::Ready(Some(Ok(Part::End))) = parts.poll_next_unpin(&mut cx)
        {
            self.keep();
        }
    }
}

/// Connections that wait for the next request, by where they lead.
#[derive(Clone, Default)]
struct Idle(Arc<Mutex<HashMap<String, Vec<Waiting>>>>);

/// Since when, and what.
type Waiting = (Instant, TcpStream);

impl Idle {
    /// The one that was used last, of those that are still open.
    fn take(&self, place: &str) -> Option<TcpStream> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(place)?;
        waiting.retain(|(since, open)| since.elapsed() < IDLE && is_silent(open));
        waiting.pop().map(|(_, open)| open)
    }

    fn put(&self, place: String, open: TcpStream) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, waiting| {
            waiting.retain(|(since, _)| since.elapsed() < IDLE);
            !waiting.is_empty()
        });
        let waiting = idle.entry(place).or_default();
        if waiting.len() < MOST_IDLE {
            waiting.push((Instant::now(), open));
        }
    }
}

/// Whether the other side has neither closed the connection nor said something that nobody asked for.
fn is_silent(open: &TcpStream) -> bool {
    // The system is asked: what tokio knows of the connection may be older than this moment.
    recv(open, &mut [0], RecvFlags::PEEK).is_err_and(|error| error == Errno::WOULDBLOCK)
}
