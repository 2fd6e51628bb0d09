//! What a company has used, as the Craveva document gives it.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use platform::{
    App, Error,
    billing::{self, GroupBy, Range, Used},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{Member, Query, Result};

use crate::subscription::view_level;

/// What is always told of, also when there was none: clients of the document read these.
const OPERATIONS: [&str; 5] =
    ["agent_chat", "agent_execute", "data_query", "document_extraction", "widget_message"];

/// Which usage, and by what.
#[derive(Deserialize)]
pub struct UsageQuery {
    start_date: Option<String>,
    end_date: Option<String>,
    group_by: Option<String>,
}

/// `GET /billing/usage`
pub async fn get_usage(
    State(app): State<App>,
    member: Member,
    Query(query): Query<UsageQuery>,
) -> Result<Json<Value>> {
    let by = query.group_by.as_deref().map(str::parse::<GroupBy>).transpose()?.unwrap_or_default();
    let start = moment("start_date", query.start_date.as_deref())?;
    let end = moment("end_date", query.end_date.as_deref())?;
    let range = Range::new(&app, start, end)?;
    let usage = billing::usage(&app, &member.tenant, range, by).await?;
    let overview = billing::overview(&app, &member.tenant).await?;
    let levels = billing::levels(&app, &member.tenant, &overview).await?;
    let none = OPERATIONS.iter().map(|name| ((*name).to_owned(), json!(0)));
    let used = usage.by_operation.iter().map(|(name, used)| (name.clone(), used.requests.into()));
    let runs: Map<String, Value> = none.chain(used).collect();
    let groups = usage.groups.iter().map(|(name, used)| {
        let mut view = view(&app, used);
        view["key"] = json!(name);
        view
    });
    Ok(Json(json!({
        "usage": {
            "start_date": usage.range.start,
            "end_date": usage.range.end,
            "total_requests": usage.total.requests,
            "total_tokens": usage.total.tokens_input + usage.total.tokens_output,
            "total_credits": usage.total.credits,
            "total_cost": cost(&app, &usage.total),
            "currency": app.config.tariff.currency.code(),
            "by_operation": runs,
            "group_by": query.group_by.as_deref().unwrap_or("day"),
            "groups": groups.collect::<Vec<_>>(),
            "limits": levels.iter().map(view_level).collect::<Vec<_>>(),
        },
    })))
}

fn view(app: &App, used: &Used) -> Value {
    json!({
        "requests": used.requests,
        "tokens": used.tokens_input + used.tokens_output,
        "credits": used.credits,
        "cost": cost(app, used),
    })
}

/// In the tariff's currency.
fn cost(app: &App, used: &Used) -> f64 {
    app.config.tariff.worth(used.credits) as f64 / 1e6
}

/// A moment, or the beginning of a day of UTC.
fn moment(field: &'static str, text: Option<&str>) -> platform::Result<Option<DateTime<Utc>>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    // A plus in a query that was not encoded arrives as a blank.
    let moment = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|moment| moment.to_utc());
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    moment.or_else(|_| day()).map(Some).map_err(|_| {
        Error::invalid(field, format!("{field} is a date such as 2026-11-28 or 2026-11-28T00:00:00Z."))
    })
}
