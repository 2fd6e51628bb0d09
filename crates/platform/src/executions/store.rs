//! The table of executions.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{ROWS, Read, Sql, Write, sql};

use super::{Attempt, Claim, Execution, Outcome, Timings, ToolCall, Weighed};
use crate::{
    AgentId, Error, ExecutionId, KeyId, MessageId, Page, Paged, Result, Tenant, billing::Credits,
    conversations::Channel,
};

const EXECUTION: &str = "SELECT id, agent_id, message_id, channel, agent_version, input, asked, output, output_format,
    outcome, reason, confidence, model, attempts, passages, tool_calls, claims, tokens_input, tokens_output, timings,
    replay_of, credits, cost, key_id, created_at FROM executions WHERE workspace_id = $1";

#[derive(FromRow)]
struct Row {
    id: ExecutionId,
    agent_id: AgentId,
    message_id: MessageId,
    channel: String,
    agent_version: String,
    input: String,
    asked: Option<String>,
    output: String,
    output_format: String,
    outcome: String,
    reason: Option<String>,
    confidence: f64,
    model: String,
    #[sqlx(json)]
    attempts: Vec<Attempt>,
    #[sqlx(json)]
    passages: Vec<Weighed>,
    #[sqlx(json)]
    tool_calls: Vec<ToolCall>,
    #[sqlx(json)]
    claims: Vec<Claim>,
    tokens_input: i64,
    tokens_output: i64,
    #[sqlx(json)]
    timings: Timings,
    replay_of: Option<ExecutionId>,
    credits: i64,
    cost: i64,
    key_id: Option<KeyId>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Execution {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let odd = |column: &str, value: &str| {
            Error::internal(format!("executions.{column} of {} holds {value:?}", row.id))
        };
        let outcomes = [Outcome::Answered, Outcome::Fallback, Outcome::Stopped, Outcome::Failed];
        let outcome = outcomes.into_iter().find(|outcome| outcome.as_str() == row.outcome);
        Ok(Self {
            channel: Channel::of(&row.channel).ok_or_else(|| odd("channel", &row.channel))?,
            outcome: outcome.ok_or_else(|| odd("outcome", &row.outcome))?,
            id: row.id,
            agent_id: row.agent_id,
            message_id: row.message_id,
            agent_version: row.agent_version,
            input: row.input,
            asked: row.asked,
            output: row.output,
            output_format: row.output_format,
            reason: row.reason,
            confidence: row.confidence,
            model: row.model,
            attempts: row.attempts,
            passages: row.passages,
            tool_calls: row.tool_calls,
            claims: row.claims,
            tokens_input: row.tokens_input,
            tokens_output: row.tokens_output,
            timings: row.timings,
            replay_of: row.replay_of,
            credits: Credits::of_thousandths(row.credits),
            cost: row.cost,
            key_id: row.key_id,
            created_at: row.created_at,
        })
    }
}

/// Keeps runs as part of a change.
pub(crate) async fn insert(db: &mut Write, runs: &[(&Tenant, &Execution)]) -> Result<()> {
    for runs in runs.chunks(ROWS) {
        let mut insert = Sql::new(
            "INSERT INTO executions (id, workspace_id, agent_id, message_id, channel, agent_version, input, asked, output,
                 output_format, outcome, reason, confidence, model, attempts, passages, tool_calls, claims, tokens_input,
                 tokens_output, timings, replay_of, credits, cost, key_id, created_at) VALUES",
        );
        for (tenant, e) in runs {
            insert = insert.push_row([
                (&e.id).into(),
                (*tenant).into(),
                (&e.agent_id).into(),
                (&e.message_id).into(),
                e.channel.as_str().into(),
                e.agent_version.as_str().into(),
                e.input.as_str().into(),
                e.asked.clone().into(),
                e.output.as_str().into(),
                e.output_format.as_str().into(),
                e.outcome.as_str().into(),
                e.reason.clone().into(),
                e.confidence.into(),
                e.model.as_str().into(),
                serde_json::to_value(&e.attempts)?.into(),
                serde_json::to_value(&e.passages)?.into(),
                serde_json::to_value(&e.tool_calls)?.into(),
                serde_json::to_value(&e.claims)?.into(),
                e.tokens_input.into(),
                e.tokens_output.into(),
                serde_json::to_value(e.timings)?.into(),
                e.replay_of.as_ref().map(|id| id.as_str().to_owned()).into(),
                e.credits.thousandths().into(),
                e.cost.into(),
                e.key_id.as_ref().map(|id| id.as_str().to_owned()).into(),
                e.created_at.into(),
            ]);
        }
        db.execute(insert).await?;
    }
    Ok(())
}

/// Corrects what a run was charged, as part of the change that keeps it.
pub(crate) async fn set_credits(
    db: &mut Write,
    tenant: &Tenant,
    id: &ExecutionId,
    credits: Credits,
    cost: i64,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE executions SET credits = $3, cost = $4 WHERE workspace_id = $1 AND id = $2",
        tenant,
        id,
        credits.thousandths(),
        cost
    ))
    .await?;
    Ok(())
}

pub(super) async fn list(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    page: Page,
) -> Result<Paged<Execution>> {
    let total = db
        .count(sql!(
            "SELECT count(*) FROM executions WHERE workspace_id = $1 AND agent_id = $2",
            tenant,
            agent
        ))
        .await?;
    let rows: Vec<Row> = db
        .all(
            Sql::new(EXECUTION)
                .bind(tenant)
                .and("agent_id = ", Some(agent))
                .push(" ORDER BY id DESC")
                .push_bind(" LIMIT ", page.limit)
                .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    Ok(Paged { items, total, page })
}

pub(super) async fn get(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    id: &ExecutionId,
) -> Result<Option<Execution>> {
    let sql = Sql::new(EXECUTION).bind(tenant).and("agent_id = ", Some(agent)).and("id = ", Some(id));
    db.optional::<Row>(sql).await?.map(TryInto::try_into).transpose()
}
