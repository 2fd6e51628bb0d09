//! The program's routes, as the server serves them and as tests start them.

use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use platform::App;

/// All surfaces under one roof, with the layers around them. `more` are routes beside the usual ones.
pub fn router(app: &App, metrics: PrometheusHandle, more: Router<App>) -> Router {
    let routes = Router::new()
        .merge(api::routes(app, metrics))
        .merge(chat::routes())
        .merge(console::routes())
        .merge(more)
        .fallback(web::not_found)
        .method_not_allowed_fallback(web::method_not_allowed);
    web::layered(routes, app.clone())
}
