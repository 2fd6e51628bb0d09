//! Connections of clients: HTTP/1.1, and HTTP/2 with whoever begins so, as some proxies do.
//!
//! Which it is can be seen in the first bytes without taking them. A server that takes them first holds twice the buffers
//! for as long as the connection lives, and thousands of open answers are connections.

use std::{net::SocketAddr, pin::pin, time::Duration};

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
const PATIENCE: Duration = Duration::from_secs(75);
/// What a connection of HTTP/2 begins with (RFC 9113, 3.4), and no method of HTTP/1 does.
const PREFACE: [u8; 4] = *b"PRI ";

/// Serves connections until `stop` is set, then lets each finish the answers it has begun.
pub async fn serve(
    mut listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
    routes: Router,
    stop: CancellationToken,
) {
    let mut services = routes.into_make_service_with_connect_info::<SocketAddr>();
    let open = TaskTracker::new();
    while let Some((stream, client)) = stop.run_until_cancelled(listener.accept()).await {
        let Ok(service) = services.call(client).await;
        open.spawn(converse(stream, TowerToHyperService::new(service), stop.clone()));
    }
    open.close();
    open.wait().await;
}

async fn converse<S>(stream: TcpStream, service: TowerToHyperService<S>, stop: CancellationToken)
where
    S: Service<http::Request<hyper::body::Incoming>, Response = axum::response::Response> + Clone + Send,
    S: Service<http::Request<hyper::body::Incoming>, Error = std::convert::Infallible, Future: Send>,
    S: 'static,
{
    let mut first = [0; PREFACE.len()];
    let seen = stop.run_until_cancelled(timeout(PATIENCE, stream.peek(&mut first))).await;
    let Some(Ok(Ok(1..))) = seen else { return };
    let io = TokioIo::new(stream);
    if first == PREFACE {
        // Few have it: in a box it does not make the task of the others larger.
        let connection =
            http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).serve_connection(io, service);
        Box::pin(until(connection, stop)).await;
    } else {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        until(http1.serve_connection(io, service), stop).await;
    }
}

/// Serves one connection to its end, which comes after the answers under way when `stop` is set.
async fn until(connection: impl GracefulConnection, stop: CancellationToken) {
    let mut connection = pin!(connection);
    tokio::select! {
        // Clients that hang up or send nonsense are no news.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
