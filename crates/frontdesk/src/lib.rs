//! The program's routes and connections, as the server serves them and as tests start them.

mod connections;

use axum::{Router, middleware::from_fn};
pub use connections::{PATIENCE, serve};
use metrics_exporter_prometheus::PrometheusHandle;
use platform::App;
use web::{Route, Routes};

/// All surfaces under one roof, with the layers around them. `more` are routes beside the usual ones.
pub fn router(app: &App, metrics: PrometheusHandle, more: Router<App>) -> Router {
    let (router, _) = surfaces(app, metrics).into_parts();
    let routes = router
        .merge(console::routes())
        .merge(more)
        .fallback(web::not_found)
        .method_not_allowed_fallback(web::method_not_allowed);
    web::layered(routes, app.clone()).layer(from_fn(open::enveloped))
}

/// The calls that programs make, each with who may make it.
pub fn table(app: &App, metrics: PrometheusHandle) -> Vec<Route> {
    surfaces(app, metrics).into_parts().1
}

fn surfaces(app: &App, metrics: PrometheusHandle) -> Routes {
    api::routes(app, metrics).merge(chat::routes(app)).merge(open::routes(app))
}
