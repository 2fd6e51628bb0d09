//! Every page's address, and nothing else.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, map_response},
    routing::{get, post},
};
use platform::App;

use crate::{agents, assets, csrf, documents, keys, login, overview, page, tryout, workspaces};

/// The surface's routes.
pub fn routes() -> Router<App> {
    // Each file's own limit is checked as it streams; see `documents::upload`.
    let upload_body = DefaultBodyLimit::disable();
    let pages = Router::new()
        .route("/", get(workspaces::home))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/new", get(workspaces::form).post(workspaces::create))
        .route("/assets/console.css", get(assets::style))
        .route("/assets/console.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/{workspace_id}", get(overview::page))
        .route("/{workspace_id}/agents", post(agents::create))
        .route("/{workspace_id}/agents/{agent_id}", get(agents::page).post(agents::save))
        .route("/{workspace_id}/agents/{agent_id}/publish", post(agents::publish))
        .route("/{workspace_id}/agents/{agent_id}/try", post(tryout::ask))
        .route("/{workspace_id}/collections", post(documents::create_collection))
        .route("/{workspace_id}/documents", get(documents::page).post(documents::upload).layer(upload_body))
        .route("/{workspace_id}/documents/table", get(documents::table))
        .route("/{workspace_id}/documents/{document_id}/delete", post(documents::delete))
        .route("/{workspace_id}/documents/{document_id}/reprocess", post(documents::reprocess))
        .route("/{workspace_id}/keys", get(keys::page).post(keys::create))
        .route("/{workspace_id}/keys/{key_id}/revoke", post(keys::revoke))
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::not_found)
        .layer(from_fn(csrf::same_site))
        .layer(map_response(page::protect));
    Router::new().nest("/console", pages)
}
