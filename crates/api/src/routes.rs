//! Every route of this surface, and nothing else.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{delete, get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use platform::App;

use crate::{agents, api_keys, auth, collections, documents, system, workspaces};

/// The routes that anybody may call; all others need a caller.
fn public(metrics: PrometheusHandle) -> Router<App> {
    Router::new()
        .route("/livez", get(system::livez))
        .route("/readyz", get(system::readyz))
        .route("/metrics", get(move || system::metrics(metrics.clone())))
        .route("/api/v1/health", get(system::health))
        .route("/api/v1/auth/signup", post(auth::sign_up))
        .route("/api/v1/auth/verify-otp", post(auth::verify_otp))
        .route("/api/v1/auth/login", post(auth::log_in))
}

/// The surface's routes.
pub fn routes(app: &App, metrics: PrometheusHandle) -> Router<App> {
    let upload = usize::try_from(app.config.max_upload_bytes).unwrap_or(usize::MAX);
    // The file's own limit is checked as it streams and says more; this one bounds the form around it.
    let upload_body = DefaultBodyLimit::max(upload.saturating_add(16 * 1024 * 1024));
    public(metrics)
        .route("/api/v1/auth/me", get(auth::me))
        .route("/api/v1/workspaces", post(workspaces::create_workspace).get(workspaces::list_workspaces))
        .route(
            "/api/v1/workspaces/{workspace_id}",
            get(workspaces::get_workspace)
                .patch(workspaces::update_workspace)
                .delete(workspaces::delete_workspace),
        )
        .route(
            "/api/v1/workspaces/{workspace_id}/api-keys",
            post(api_keys::create_api_key).get(api_keys::list_api_keys),
        )
        .route("/api/v1/workspaces/{workspace_id}/api-keys/{key_id}", delete(api_keys::revoke_api_key))
        .route(
            "/api/v1/workspaces/{workspace_id}/agents",
            post(agents::create_agent).get(agents::list_agents),
        )
        .route(
            "/api/v1/workspaces/{workspace_id}/agents/{agent_id}",
            get(agents::get_agent).patch(agents::update_agent),
        )
        .route("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/publish", post(agents::publish_agent))
        .route("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/test", post(agents::test_agent))
        .route(
            "/api/v1/workspaces/{workspace_id}/collections",
            post(collections::create_collection).get(collections::list_collections),
        )
        .route(
            "/api/v1/workspaces/{workspace_id}/documents",
            post(documents::upload_document).layer(upload_body).get(documents::list_documents),
        )
        .route(
            "/api/v1/workspaces/{workspace_id}/documents/{document_id}",
            get(documents::get_document).delete(documents::delete_document),
        )
        .route(
            "/api/v1/workspaces/{workspace_id}/documents/{document_id}/reprocess",
            post(documents::reprocess_document),
        )
}
