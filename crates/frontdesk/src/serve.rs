//! Starting the server, and stopping it without losing anything.

use std::{io::IsTerminal, time::Duration};

use axum::{Router, serve::ListenerExt};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use platform::{App, Clock, Config, Error, Result};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::interval,
};
use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::Settings;

/// Upper ends of the histograms' buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Sets up the log: to standard error, as text for people or as JSON for machines.
///
/// # Errors
/// Invalid when the filter or the format is none.
pub fn log(settings: &Settings) -> Result<()> {
    let filter = settings.log.as_deref().filter(|text| !text.is_empty()).unwrap_or("info");
    let filter = EnvFilter::try_new(filter).map_err(|_| {
        Error::invalid("FRONTDESK_LOG", format!("{filter:?} is not a level or filter such as info"))
    })?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format.as_deref() {
        None | Some("" | "text") => {
            builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init()
        }
        Some("json") => builder.json().flatten_event(true).init(),
        Some(other) => {
            return Err(Error::invalid("FRONTDESK_LOG_FORMAT", format!("{other:?} is not text or json")));
        }
    }
    for name in Settings::unknown_environment() {
        tracing::warn!("{name} is set in the environment but is not a setting; see frontdesk --help");
    }
    Ok(())
}

/// `frontdesk serve`.
///
/// # Errors
/// When the server cannot start.
pub async fn serve(config: Config) -> Result<()> {
    Server::open(config).await?.run(Router::new()).await
}

/// A server whose stores are open and whose address is taken.
pub struct Server {
    /// The handle.
    pub app: App,
    listener: TcpListener,
    metrics: PrometheusHandle,
}

impl Server {
    /// Opens the stores and takes the address.
    ///
    /// # Errors
    /// When a setting, a folder, the database or the address is unusable.
    pub async fn open(config: Config) -> Result<Self> {
        let metrics = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(Error::internal)?;
        let app = App::open(config, Clock::system()).await?;
        let listen = app.config.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|e| Error::invalid("FRONTDESK_LISTEN", format!("cannot listen on {listen}: {e}")))?;
        Ok(Self { app, listener, metrics })
    }

    /// Serves until a signal stops it, then lets open streams finish. `more` are routes beside the usual ones.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, more: Router<App>) -> Result<()> {
        let Self { app, listener, metrics } = self;
        // Before the first answer: whoever sees one may stop the server at once.
        let signalled = signalled();
        app.start();
        app.tasks.spawn(tend(app.clone(), metrics.clone()));
        let routes = frontdesk::router(&app, metrics, more);
        tracing::info!("listening on http://{}, public at {}", app.config.listen, app.config.public_url);
        // Without it the first token of an answer waits for the acknowledgement of the bytes before it.
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        let serving = frontdesk::serve(listener, routes, app.stopping.clone(), frontdesk::PATIENCE);
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            () = &mut serving => {}
            () = signalled => {
                tracing::info!("stopping: letting open streams finish");
                app.stopping.cancel();
                if tokio::time::timeout(app.config.drain, serving).await.is_err() {
                    tracing::warn!("some streams were still open and were cut");
                }
            }
        }
        app.stop(Duration::from_secs(2)).await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Keeps the metrics small and the gauges fresh.
async fn tend(app: App, metrics: PrometheusHandle) {
    let mut ticks = interval(Duration::from_secs(5));
    while app.stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

/// Listens for signals from now on; ends when one asks to stop.
fn signalled() -> impl Future<Output = ()> {
    let term_and_int = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async {
        let [Ok(mut term), Ok(mut int)] = term_and_int else {
            tracing::error!("cannot listen for signals");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}
