//! The baseline of small calls: a bare handler that answers JSON of the size of a person.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};

use crate::{Result, stand_in};

/// Serves on a free port, and prints its address.
pub async fn serve() -> Result<()> {
    stand_in::serve_routes(Router::new().route("/", get(answer))).await
}

async fn answer() -> Json<Value> {
    Json(json!({
        "id": "user_01m83ack110kb3dk16xc7qfg",
        "email": "owner@bench.example",
        "full_name": "Owner",
        "email_verified": true,
        "is_verified": true,
        "company_id": "ws_01m83ack110kb3dk16xc7qfg",
        "role": "owner",
        "created_at": "2026-01-26T00:00:00Z",
    }))
}
