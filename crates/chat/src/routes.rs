//! Every route of this surface, and nothing else.

use axum::{
    middleware::from_fn,
    routing::{get, options},
};
use platform::App;
use web::{Access::Visitor, Routes};

use crate::{calls, forms, script, share};

/// The surface's routes. Scripts and pages are for everybody's browser.
pub fn routes(app: &App) -> Routes {
    let preflights = [
        "/api/v1/widget/config/{agent_id}",
        "/api/v1/widget/chat",
        "/api/v1/widget/stop",
        "/api/v1/widget/feedback",
        "/api/v1/widget/escalate",
    ];
    Routes::new(app)
        .get("/api/v1/widget/config/{agent_id}", Visitor, calls::get_config)
        .post("/api/v1/widget/chat", Visitor, calls::chat)
        .post("/api/v1/widget/stop", Visitor, calls::stop)
        .post("/api/v1/widget/feedback", Visitor, calls::give_feedback)
        .post("/api/v1/widget/escalate", Visitor, calls::escalate)
        .with(|router| {
            preflights
                .into_iter()
                .fold(router, |router, path| router.route(path, options(web::preflight)))
                .layer(from_fn(web::any_origin))
                .route("/widget.js", get(script::widget))
                .route("/embed.js", get(script::widget))
                .route("/a2v2-widget.js", get(script::widget))
                .route("/api/v1/agents/{agent_id}/widget.js", get(script::widget))
                .route("/f/{form_id}", get(forms::page).post(forms::submit))
                .route("/form.js", get(forms::script))
                .route("/form.css", get(forms::style))
                .route("/chat/{agent_id}", get(share::page))
                .route("/share.css", get(share::style))
        })
}
