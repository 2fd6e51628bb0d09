//! Reports as files, for spreadsheets and other programs.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use platform::{App, Error, Page, Paged, analytics, conversations::unanswered::Filter};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Query, Result};

use crate::{
    analytics::{ScopeQuery, conversations_view, opinion_view, questions_view},
    unanswered,
};

/// Rows of one file at most.
const MOST: i64 = 10_000;
/// Questions in a file.
const QUESTIONS: usize = 300;

/// Which report, and in which form.
#[derive(Deserialize)]
pub struct ExportQuery {
    report: Option<String>,
    format: Option<String>,
}

/// `GET …/analytics/export`: a report's rows as CSV or JSON.
pub async fn export_analytics(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ScopeQuery>,
    Query(wanted): Query<ExportQuery>,
) -> Result<Response> {
    let report = wanted.report.as_deref().unwrap_or("conversations");
    let rows = rows(&app, &member, query, report).await?;
    let (kind, body) = match wanted.format.as_deref() {
        None | Some("csv") => ("csv", table(report, &rows)?),
        Some("json") => ("json", json!({ report: rows }).to_string().into_bytes()),
        Some(_) => return Err(Error::invalid("format", "format is csv or json.").into()),
    };
    let media = if kind == "csv" { "text/csv; charset=utf-8" } else { "application/json" };
    let name = format!("attachment; filename=\"{report}.{kind}\"");
    Ok(([(CONTENT_TYPE, media.to_owned()), (CONTENT_DISPOSITION, name)], body).into_response())
}

async fn rows(app: &App, member: &Member, query: ScopeQuery, report: &str) -> Result<Vec<Value>> {
    let tenant = &member.tenant;
    let scope = query.scope(app, member).await?;
    let list = |mut view: Value, name: &str| match view[name].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    Ok(match report {
        "conversations" => {
            let found = analytics::conversations(app, tenant, &scope).await?;
            list(conversations_view(&scope, &found), "daily_data")
        }
        "questions" => {
            let found = analytics::questions(app, tenant, &scope, QUESTIONS).await?;
            list(questions_view(&scope, &found), "top_questions")
        }
        "unanswered" => {
            let filter = Filter { status: None, agent: scope.agent.clone() };
            let found = analytics::unanswered(app, tenant, &filter, ALL).await?;
            found.questions.items.iter().map(|question| unanswered::view(question, found.zone)).collect()
        }
        "feedback" => {
            let found: Paged<_> = analytics::feedback(app, tenant, &scope, None, ALL).await?;
            found.items.iter().map(opinion_view).collect()
        }
        _ => {
            let message = "report is one of conversations, questions, unanswered, feedback.";
            return Err(Error::invalid("report", message).into());
        }
    })
}

const ALL: Page = Page { limit: MOST, offset: 0 };

/// The columns of a report's table.
fn columns(report: &str) -> &'static [&'static str] {
    match report {
        "conversations" => &[
            "date",
            "conversations",
            "messages",
            "questions",
            "answered",
            "unanswered",
            "avg_response_time_ms",
            "avg_duration_seconds",
            "thumbs_up",
            "thumbs_down",
            "escalations",
            "leads",
        ],
        "questions" => &["question", "count", "previous_count", "trend", "avg_confidence", "answer_rate"],
        "unanswered" => &["id", "agent_id", "question", "occurrences", "first_seen", "last_seen", "status"],
        _ => &["message_id", "agent_id", "question", "answer", "feedback", "comment", "created_at"],
    }
}

fn table(report: &str, rows: &[Value]) -> Result<Vec<u8>> {
    let columns = columns(report);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(columns).map_err(Error::internal)?;
    for row in rows {
        let cells = columns.iter().map(|column| match &row[column] {
            Value::Null => String::new(),
            Value::String(text) => platform::harmless(text),
            // A number below zero is no formula.
            other => other.to_string(),
        });
        csv.write_record(cells).map_err(Error::internal)?;
    }
    Ok(csv.into_inner().map_err(|e| Error::internal(e.to_string()))?)
}
