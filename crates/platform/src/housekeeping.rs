//! What is done from time to time on every server; each of it may happen on several at once.

use std::time::Duration;

use crate::{App, Result, billing, conversations, events, visitors, webhooks};

/// How often conversations that have fallen silent are ended.
const MINUTE: Duration = Duration::from_secs(60);
/// How often what is kept for a time is looked through. Not by the day: a server that is restarted each night would never.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Keeps house until the server stops.
pub(crate) async fn run(app: App) {
    let (mut minutes, mut hours) = (tokio::time::interval(MINUTE), tokio::time::interval(HOUR));
    minutes.tick().await;
    hours.tick().await;
    told("keep subscriptions and credits", billing::keep(&app).await);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = minutes.tick() => {
                told("end conversations", conversations::end_silent(&app).await);
                told("keep subscriptions and credits", billing::keep(&app).await);
            }
            _ = hours.tick() => {
                told("sweep the event log", events::sweep(&app).await);
                told("drop what visitors attached", visitors::sweep(&app).await);
                told("sweep the deliveries of webhooks", webhooks::sweep(&app).await);
                told("forget a payment provider's old events", billing::sweep(&app).await);
            }
        }
    }
}

fn told<T>(what: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "cannot {what}; it is tried again");
    }
}
