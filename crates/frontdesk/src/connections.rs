//! Connections of clients: HTTP/1.1, and HTTP/2 with whoever begins so, as some proxies do.
//!
//! Which it is can be seen in the first bytes without taking them. A server that takes them first holds twice the buffers
//! for as long as the connection lives, and thousands of open answers are connections.

use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use axum::{Router, serve::Listener};
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

/// How long a request's head may take to arrive, and a connection may stand idle before: longer than proxies keep theirs.
pub const PATIENCE: Duration = Duration::from_secs(75);
/// What a connection of HTTP/2 begins with (RFC 9113, 3.4), and no method of HTTP/1 does.
const PREFACE: [u8; 4] = *b"PRI ";

/// Serves connections until `stop` is set, then lets each finish the answers it has begun. One from which nothing comes
/// for as long as `patience` is closed.
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
    S: Service<http::Request<hyper::body::Incoming>, Response = axum::response::Response> + Clone + Send,
    S: Service<http::Request<hyper::body::Incoming>, Error = std::convert::Infallible, Future: Send>,
    S: 'static,
{
    let mut first = [0; PREFACE.len()];
    let seen = stop.run_until_cancelled(timeout(patience, stream.peek(&mut first))).await;
    let Some(Ok(Ok(1..))) = seen else { return };
    let io = TokioIo::new(stream);
    if first == PREFACE {
        // Few have it: in a box it does not make the task of the others larger.
        let connection =
            http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).serve_connection(io, service);
        until(Box::pin(connection).as_mut(), stop).await;
    } else {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(patience);
        until(pin!(http1.serve_connection(io, service)), stop).await;
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
    use axum::{extract::ConnectInfo, http::Version, routing::get};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::sleep,
    };

    use super::*;

    /// Serves one route that answers after a moment with who asks and how; gives the address and what ends it.
    async fn start(patience: Duration) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let answer = |ConnectInfo(client): ConnectInfo<SocketAddr>, version: Version| async move {
            sleep(Duration::from_millis(200)).await;
            format!("{} {version:?}", client.ip())
        };
        let serving = serve(listener, Router::new().route("/", get(answer)), stop.clone(), patience);
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

    #[tokio::test]
    async fn who_sends_nothing_or_half_a_request_is_let_go() {
        let (address, _) = start(Duration::from_millis(300)).await;
        for sent in ["", "GET / HTTP/1.1\r\nHost: shop"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let closed = timeout(Duration::from_secs(10), client.read(&mut [0; 16])).await;
            assert_eq!(closed.unwrap().unwrap(), 0, "{sent:?}");
        }
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
