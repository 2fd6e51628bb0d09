//! The console.
use axum::Router;
use platform::App;
/// Routes.
pub fn routes() -> Router<App> { Router::new() }
