//! Whether this surface can be reached.

use axum::Json;
use serde_json::{Value, json};

/// `GET /health`
pub async fn health() -> Json<Value> {
    Json(json!({ "success": true, "message": "Frontdesk Open API is healthy", "version": "1.0.0" }))
}
