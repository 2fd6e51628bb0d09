//! Connections of clients: HTTP/1.1, and HTTP/2 with whoever begins so, as some proxies do.
//!
//! Which it is can be seen in the first bytes without taking them. A server that takes them first holds twice the buffers
//! for as long as the connection lives, and thousands of open answers are connections.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use axum::{Router, response::Response, serve::Listener};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
    service::TowerToHyperService,
};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt};
use tower_http::timeout::TimeoutBody;

/// How long the next bytes of a request may take to arrive, a client to take those of an answer, and a connection may
/// stand idle before: longer than proxies keep theirs.
pub const PATIENCE: Duration = Duration::from_secs(75);
/// What a connection of HTTP/2 begins with (RFC 9113, 3.4), and none of HTTP/1 does.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// When to look again whether the rest of it has come.
const AGAIN: Duration = Duration::from_millis(20);

/// Serves connections until `stop` is set, then lets each finish the answers it has begun. One that does not go on for as
/// long as `patience` is closed, whichever side it waits for.
pub async fn serve(
    mut listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
    routes: Router,
    stop: CancellationToken,
    patience: Duration,
) {
    let mut services = routes.into_make_service_with_connect_info::<SocketAddr>();
    let open = TaskTracker::new();
    while let Some((stream, client)) = stop.run_until_cancelled(listener.accept()).await {
        let Ok(service) = services.call(client).await;
        let service = service.map_request(move |request: Request<Incoming>| {
            request.map(|body| TimeoutBody::new(patience, body))
        });
        open.spawn(converse(stream, TowerToHyperService::new(service), stop.clone(), patience));
    }
    open.close();
    open.wait().await;
}

async fn converse<S>(
    stream: TcpStream,
    service: TowerToHyperService<S>,
    stop: CancellationToken,
    patience: Duration,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    // The system gives up a client that takes nothing of what is sent. Where it does not, it takes longer to.
    let _ = set_tcp_user_timeout(&stream, patience.as_millis() as u32);
    let begun = stop.run_until_cancelled(timeout(patience, begins_http2(&stream))).await;
    let Some(Ok(Ok(is_http2))) = begun else { return };
    let io = TokioIo::new(stream);
    if is_http2 {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.timer(TokioTimer::new()).keep_alive_interval(patience).keep_alive_timeout(patience / 4);
        // Few have it: in a box it does not make the task of the others larger.
        until(Box::pin(http2.serve_connection(io, service)).as_mut(), stop).await;
    } else {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(patience);
        until(pin!(http1.serve_connection(io, service)), stop).await;
    }
}

/// Whether a client begins HTTP/2, as soon as that can be seen; an error when it goes away before.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            seen if !PREFACE.starts_with(&first[..seen]) => return Ok(false),
            seen if seen == PREFACE.len() => return Ok(true),
            _ => sleep(AGAIN).await,
        }
    }
}

/// Serves one connection to its end, which comes after the answers under way when `stop` is set. It stays where it is:
/// by value it would stand in the task twice.
async fn until(mut connection: Pin<&mut impl GracefulConnection>, stop: CancellationToken) {
    tokio::select! {
        // Clients that hang up or send nonsense are no news.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, Bytes},
        extract::ConnectInfo,
        http::Version,
        routing::{MethodRouter, get, post},
    };
    use futures_util::stream;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    /// Serves one route that answers after a moment with who asks and how; gives the address and what ends it.
    async fn start(patience: Duration) -> (SocketAddr, CancellationToken) {
        let answer = |ConnectInfo(client): ConnectInfo<SocketAddr>, version: Version| async move {
            sleep(Duration::from_millis(200)).await;
            format!("{} {version:?}", client.ip())
        };
        start_with(patience, get(answer)).await
    }

    async fn start_with(patience: Duration, route: MethodRouter) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = serve(listener, Router::new().route("/", route), stop.clone(), patience);
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(serving);
        (address, stop)
    }

    #[tokio::test]
    async fn both_versions_are_spoken() {
        platform::http::install_tls();
        let (address, _) = start(PATIENCE).await;
        let url = format!("http://{address}/");
        let one = reqwest::Client::builder().http1_only().build().unwrap();
        let two = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        for (client, expected) in [(one, "127.0.0.1 HTTP/1.1"), (two, "127.0.0.1 HTTP/2.0")] {
            assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), expected);
        }
    }

    /// All that a client is told that sends this and then nothing more, until it is let go.
    async fn told(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent).await.unwrap();
        let mut told = Vec::new();
        let ended = timeout(Duration::from_secs(10), client.read_to_end(&mut told)).await.expect("let go");
        // What was sent and never taken makes a reset of the end.
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset));
        told
    }

    #[tokio::test]
    async fn who_sends_nothing_or_half_a_request_is_let_go() {
        let (address, _) = start_with(SHORT, post(|body: Bytes| async { body })).await;
        for sent in ["", "GET / HTTP/1.1\r\nHost: shop", "PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n"] {
            assert_eq!(told(address, sent.as_bytes()).await, b"", "{sent:?}");
        }
        let half = told(address, b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\nhalf").await;
        assert!(half.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&half));
    }

    #[tokio::test]
    async fn who_begins_http2_and_gives_no_sign_of_life_is_let_go() {
        let (address, _) = start(SHORT).await;
        // An empty SETTINGS frame follows.
        let hello = [&PREFACE[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
        assert!(!told(address, &hello).await.is_empty(), "the server's own SETTINGS");
    }

    #[tokio::test]
    async fn a_preface_that_comes_in_pieces_is_one() {
        let (address, _) = start(PATIENCE).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.set_nodelay(true).unwrap();
        for piece in [&PREFACE[..2], &PREFACE[2..20], &PREFACE[20..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]] {
            client.write_all(piece).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
        let mut first = [0; 4];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(first[3], 4, "the server's own SETTINGS");
    }

    #[tokio::test]
    async fn who_takes_nothing_of_an_answer_is_let_go() {
        let (given_up, mut until) = mpsc::channel::<()>(1);
        let endless = get(move || {
            let kept = given_up.clone();
            let more = stream::repeat_with(move || {
                _ = &kept;
                Ok::<_, Infallible>(Bytes::from_static(&[0; 65_536]))
            });
            async { Body::from_stream(more) }
        });
        let (address, stop) = start_with(SHORT, endless).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
        client.read_exact(&mut [0; 1000]).await.unwrap();
        // Then the route is the last that holds a sender, and goes with the server.
        stop.cancel();
        assert!(timeout(Duration::from_secs(20), until.recv()).await.expect("let go").is_none());
        drop(client);
    }

    #[tokio::test]
    async fn an_answer_under_way_is_finished_when_the_server_stops() {
        platform::http::install_tls();
        let (address, stop) = start(PATIENCE).await;
        let client = reqwest::Client::builder().build().unwrap();
        let asked = client.get(format!("http://{address}/")).send();
        let (answer, ()) = tokio::join!(asked, async {
            sleep(Duration::from_millis(100)).await;
            stop.cancel();
        });
        assert_eq!(answer.unwrap().text().await.unwrap(), "127.0.0.1 HTTP/1.1");
        assert!(client.get(format!("http://{address}/")).send().await.is_err(), "nobody listens any more");
    }
}
