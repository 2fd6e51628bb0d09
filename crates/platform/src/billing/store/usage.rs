//! What was used, by the hour.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Read, Write, sql};

use crate::{
    Result, Tenant,
    billing::usage::{Cell, Sum, Used},
};

/// Adds to an hour.
pub(in crate::billing) async fn add_usage(
    db: &mut Write,
    tenant: &Tenant,
    hour: DateTime<Utc>,
    cell: &Cell,
    used: &Used,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO usage_hours (workspace_id, hour, operation, agent_id, key_id, model, requests, tokens_input, tokens_output, credits)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (workspace_id, hour, operation, agent_id, key_id, model) DO UPDATE
         SET requests = usage_hours.requests + excluded.requests,
             tokens_input = usage_hours.tokens_input + excluded.tokens_input,
             tokens_output = usage_hours.tokens_output + excluded.tokens_output,
             credits = usage_hours.credits + excluded.credits",
        tenant,
        hour,
        cell.operation,
        cell.agent.as_str(),
        cell.key.as_str(),
        cell.model.as_str(),
        used.requests,
        used.tokens_input,
        used.tokens_output,
        used.credits.thousandths()
    ))
    .await?;
    Ok(())
}

/// Questions since a moment.
pub(in crate::billing) async fn messages_since(
    db: &mut Read,
    tenant: &Tenant,
    since: DateTime<Utc>,
) -> Result<i64> {
    Ok(db
        .count(sql!(
            "SELECT CAST(coalesce(sum(requests), 0) AS BIGINT) FROM usage_hours
             WHERE workspace_id = $1 AND hour >= $2 AND operation <> 'document_extraction'",
            tenant,
            since
        ))
        .await?)
}

/// What was used from one hour until before another, by hour, operation, agent and key.
pub(in crate::billing) async fn usage_between(
    db: &mut Read,
    tenant: &Tenant,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Sum>> {
    #[derive(FromRow)]
    struct Row {
        hour: DateTime<Utc>,
        operation: String,
        agent_id: String,
        key_id: String,
        model: String,
        requests: i64,
        tokens_input: i64,
        tokens_output: i64,
        credits: i64,
    }
    let rows: Vec<Row> = db
        .all(sql!(
            "SELECT hour, operation, agent_id, key_id, model, requests, tokens_input, tokens_output, credits
             FROM usage_hours WHERE workspace_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour",
            tenant,
            from,
            until
        ))
        .await?;
    let sum = |row: Row| Sum {
        hour: row.hour,
        operation: row.operation,
        agent: row.agent_id,
        key: row.key_id,
        model: row.model,
        used: Used {
            requests: row.requests,
            tokens_input: row.tokens_input,
            tokens_output: row.tokens_output,
            credits: crate::billing::Credits::of_thousandths(row.credits),
        },
    };
    Ok(rows.into_iter().map(sum).collect())
}
