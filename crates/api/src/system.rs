//! Whether the server is well.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;
use platform::{App, jobs};
use serde_json::{Value, json};

/// `GET /livez`: the process answers.
pub async fn livez() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the server can do its work, and is not about to stop.
pub async fn readyz(State(app): State<App>) -> Response {
    match () {
        () if app.stopping.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        () if !database_answers(&app).await => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
        () => "ok\n".into_response(),
    }
}

/// `GET /metrics`, for Prometheus.
pub async fn metrics(handle: PrometheusHandle) -> String {
    handle.render()
}

/// `GET /api/v1/health`, as documented; `data` tells whether the work in the background is being done.
pub async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let connected = database_answers(&app).await;
    let jobs = jobs::counts(&app).await.ok();
    let well = connected && jobs.is_some();
    let body = json!({
        "status": if well { "ok" } else { "degraded" },
        "timestamp": app.clock.now(),
        "version": env!("CARGO_PKG_VERSION"),
        "database": { "connected": connected },
        "data": { "responsive": jobs.is_some() },
        "jobs": jobs.map(|jobs| json!({ "queued": jobs.queued, "running": jobs.running, "dead": jobs.dead })),
    });
    (if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

async fn database_answers(app: &App) -> bool {
    match app.db.read().await {
        Ok(mut db) => db.ping().await.is_ok(),
        Err(_) => false,
    }
}
