//! Every route of this surface, and nothing else.

use axum::{
    extract::DefaultBodyLimit,
    middleware::from_fn,
    routing::{get, options},
};
use platform::App;
use web::{Access::Visitor, Routes};

use crate::{attachments, calls, forms, script, sessions, share};

/// The surface's routes. Scripts and pages are for everybody's browser.
pub fn routes(app: &App) -> Routes {
    let preflights = [
        "/api/v1/widget/config/{agent_id}",
        "/api/v1/widget/chat",
        "/api/v1/widget/stop",
        "/api/v1/widget/feedback",
        "/api/v1/widget/escalate",
        "/api/v1/widget/session",
        "/api/v1/widget/sign-in",
        "/api/v1/widget/history",
        "/api/v1/widget/files",
    ];
    Routes::new(app)
        .get("/api/v1/widget/config/{agent_id}", Visitor, calls::get_config)
        .post("/api/v1/widget/chat", Visitor, calls::chat)
        .post("/api/v1/widget/stop", Visitor, calls::stop)
        .post("/api/v1/widget/feedback", Visitor, calls::give_feedback)
        .post("/api/v1/widget/escalate", Visitor, calls::escalate)
        .post("/api/v1/widget/session", Visitor, sessions::begin)
        .post("/api/v1/widget/sign-in", Visitor, sessions::sign_in)
        .get("/api/v1/widget/history", Visitor, calls::history)
        .merge(files(app))
        .with(|router| {
            preflights
                .into_iter()
                .fold(router, |router, path| router.route(path, options(web::preflight)))
                .layer(from_fn(web::any_origin))
                .route("/widget.js", get(script::widget))
                .route("/embed.js", get(script::widget))
                .route("/a2v2-widget.js", get(script::widget))
                .route("/api/v1/agents/{agent_id}/widget.js", get(script::widget))
                .route("/widget-extras.js", get(script::extras))
                .route("/f/{form_id}", get(forms::page).post(forms::submit))
                .route("/form.js", get(forms::script))
                .route("/form.css", get(forms::style))
                .route("/chat/{agent_id}", get(share::page))
                .route("/share.css", get(share::style))
        })
}

/// The largest file is checked by the agent's own settings, which say more; this bounds the form around it.
fn files(app: &App) -> Routes {
    Routes::new(app)
        .post("/api/v1/widget/files", Visitor, attachments::attach)
        .with(|router| router.layer(DefaultBodyLimit::max(attachments::MAX_FORM)))
}
