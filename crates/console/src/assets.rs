//! The pages' style, script and icon, embedded.

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

fn asset(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "public, max-age=300")], text)
}

/// `GET /console/assets/console.css`
pub async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("../assets/console.css"))
}

/// `GET /console/assets/console.js`
pub async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("../assets/console.js"))
}

/// `GET /console/assets/icon.svg`
pub async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}
