//! The audit log of a workspace.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use platform::{
    App, Error,
    audit::{self, Entry, Filter},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Query, Result, paged};

/// Which entries, and in which form.
#[derive(Deserialize)]
pub struct ListQuery {
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    format: Option<String>,
}

/// `GET …/audit-log`: a page of it, or all that the filter lets through as CSV.
pub async fn list_audit_log(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Response> {
    let filter = Filter {
        actor: query.actor,
        action: query.action,
        target: query.target,
        from: query.from,
        to: query.to,
    };
    match query.format.as_deref() {
        None | Some("json") => {
            let list = audit::list(&app, &member.tenant, &filter, page.page()?).await?;
            Ok(Json(paged("entries", list, |entry| view(&entry))).into_response())
        }
        Some("csv") => {
            let entries = audit::export(&app, &member.tenant, &filter).await?;
            let headers = [
                (CONTENT_TYPE, "text/csv; charset=utf-8"),
                (CONTENT_DISPOSITION, "attachment; filename=\"audit-log.csv\""),
            ];
            Ok((headers, table(&entries)?).into_response())
        }
        Some(_) => Err(Error::invalid("format", "format is json or csv.").into()),
    }
}

fn view(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "created_at": entry.created_at,
        "action": entry.action,
        "target": entry.target,
        "user_id": entry.user_id,
        "key_id": entry.key_id,
        "actor": entry.actor,
        "ip_address": entry.address,
        "user_agent": entry.user_agent,
        "details": entry.details,
    })
}

fn table(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let header = [
        "id",
        "created_at",
        "action",
        "target",
        "actor",
        "user_id",
        "key_id",
        "ip_address",
        "user_agent",
        "details",
    ];
    csv.write_record(header).map_err(Error::internal)?;
    for entry in entries {
        let details = if entry.details.is_null() { String::new() } else { entry.details.to_string() };
        let row = [
            entry.id.as_str(),
            &entry.created_at.to_rfc3339(),
            &entry.action,
            &entry.target,
            &entry.actor,
            entry.user_id.as_deref().unwrap_or_default(),
            entry.key_id.as_deref().unwrap_or_default(),
            entry.address.as_deref().unwrap_or_default(),
            entry.user_agent.as_deref().unwrap_or_default(),
            &details,
        ];
        csv.write_record(row.map(platform::harmless)).map_err(Error::internal)?;
    }
    Ok(csv.into_inner().map_err(|e| Error::internal(e.to_string()))?)
}
