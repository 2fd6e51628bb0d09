//! Every route of this surface, and nothing else.

use axum::{
    Router,
    middleware::from_fn,
    routing::{get, post},
};
use platform::App;

use crate::{calls, script, share};

/// The surface's routes. The calls need a publishable key; scripts and pages are public.
pub fn routes() -> Router<App> {
    let calls = Router::new()
        .route("/api/v1/widget/config/{agent_id}", get(calls::get_config).options(web::preflight))
        .route("/api/v1/widget/chat", post(calls::chat).options(web::preflight))
        .route("/api/v1/widget/feedback", post(calls::give_feedback).options(web::preflight))
        .route("/api/v1/widget/escalate", post(calls::escalate).options(web::preflight))
        .layer(from_fn(web::any_origin));
    Router::new()
        .merge(calls)
        .route("/widget.js", get(script::widget))
        .route("/chat/{agent_id}", get(share::page))
        .route("/share.css", get(share::style))
}
