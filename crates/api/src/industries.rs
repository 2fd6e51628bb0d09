//! The industries that forms offer.

use axum::Json;
use serde_json::{Value, json};

const INDUSTRIES: [&str; 26] = [
    "Technology",
    "Software",
    "Telecommunications",
    "E-commerce",
    "Retail",
    "Food and Beverage",
    "Restaurants and Hospitality",
    "Travel and Tourism",
    "Healthcare",
    "Pharmaceuticals",
    "Education",
    "Finance and Banking",
    "Insurance",
    "Real Estate",
    "Construction",
    "Manufacturing",
    "Automotive",
    "Transport and Logistics",
    "Energy and Utilities",
    "Agriculture",
    "Media and Entertainment",
    "Marketing and Advertising",
    "Professional Services",
    "Government",
    "Non-profit",
    "Other",
];

/// `GET /utils/industries`
pub async fn list_industries() -> Json<Value> {
    Json(json!({ "industries": INDUSTRIES }))
}
