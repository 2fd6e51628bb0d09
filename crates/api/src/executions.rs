//! Running agents and looking at how they ran, as the Craveva document gives it.

use std::sync::Arc;

use axum::{Json, extract::State};
use platform::{
    AgentId, App, ConversationId, Error, ExecutionId,
    agents::{self, Published},
    answering::{self, Format, Question, Reply},
    conversations::{Channel, Thread},
    executions::{self, Execution},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Result, paged, text};

/// Longest id of a conversation, in characters.
const MAX_CONVERSATION: usize = 100;

/// The body of a run.
#[derive(Deserialize)]
pub struct ExecuteBody {
    input: String,
    model: Option<String>,
    output_format: Option<String>,
    outlet_id: Option<String>,
}

/// `POST /agents/{agent_id}/execute`: one question to the published agent.
pub async fn execute_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    web::Json(body): web::Json<ExecuteBody>,
) -> Result<Json<Value>> {
    let agent = agents::published(&app, &member.tenant, &id.parse()?).await?;
    let format = body.output_format.as_deref().map(str::parse::<Format>).transpose()?.unwrap_or_default();
    let question = Question {
        model: body.model.filter(|model| !model.is_empty()),
        format,
        key: member.by.key.clone(),
        ..Question::new(agent.clone(), alone(&app, &agent, body.outlet_id), body.input)
    };
    let reply = answering::reply(&app, &member.tenant, question).await.map_err(named("input"))?;
    let mut answer = view(&reply);
    answer["output_format"] = json!(format.as_str());
    answer["data_sources_queried"] = json!([]);
    Ok(Json(answer))
}

/// A conversation of one question.
fn alone(app: &App, agent: &Published, outlet: Option<String>) -> Thread {
    Thread {
        agent: agent.id.clone(),
        channel: Channel::Execute,
        session: app.entropy.token(),
        page_url: outlet.map(|outlet| outlet.chars().take(100).collect()),
    }
}

/// The dialect calls a question by another name.
fn named(field: &'static str) -> impl Fn(Error) -> Error {
    move |error| match error.field.as_deref() {
        Some("message") => Error {
            field: Some(field.into()),
            message: error.message.replacen("message", field, 1).into(),
            ..error
        },
        _ => error,
    }
}

fn view(reply: &Reply) -> Value {
    json!({
        "response": reply.text,
        "execution_id": reply.execution_id,
        "message_id": reply.message_id,
        "sources": reply.sources,
        "spans": reply.spans,
        "confidence": reply.confidence,
        "answered": reply.answered,
        "model": reply.model,
        "degraded": reply.degraded,
        "tokens_used": reply.tokens,
        "credits_used": reply.credits,
        "execution_time_ms": reply.milliseconds,
    })
}

/// The body of a try.
#[derive(Deserialize)]
pub struct PreviewBody {
    input: String,
}

/// `POST /agents/{agent_id}/preview/test`: one question to the draft, which counts nowhere.
pub async fn test_preview(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    web::Json(body): web::Json<PreviewBody>,
) -> Result<Json<Value>> {
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    let question = Question::to_draft(&app, &agent, body.input);
    let reply = answering::reply(&app, &member.tenant, question).await.map_err(named("input"))?;
    let mut answer = view(&reply);
    answer["preview"] = json!(true);
    Ok(Json(answer))
}

/// The body of a message.
#[derive(Deserialize)]
pub struct ChatBody {
    message: String,
    conversation_id: Option<String>,
}

/// `POST /agents/{agent_id}/chat`: a question in a conversation that goes on.
pub async fn chat_with_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    web::Json(body): web::Json<ChatBody>,
) -> Result<Json<Value>> {
    let agent = agents::published(&app, &member.tenant, &id.parse()?).await?;
    let session = match body.conversation_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => text("conversation_id", id, MAX_CONVERSATION)?,
        None => ConversationId::new(app.clock.now(), app.entropy).as_str().to_owned(),
    };
    let thread =
        Thread { agent: agent.id.clone(), channel: Channel::Api, session: session.clone(), page_url: None };
    let question = Question { key: member.by.key.clone(), ..Question::new(agent, thread, body.message) };
    let reply = answering::reply(&app, &member.tenant, question).await?;
    let mut answer = view(&reply);
    answer["conversation_id"] = json!(session);
    Ok(Json(answer))
}

/// `GET /agents/{agent_id}/executions`
pub async fn list_executions(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    web::Query(page): web::Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = executions::list(&app, &member.tenant, &id.parse()?, page.page()?).await?;
    Ok(Json(paged("executions", list, |execution| summary(&execution))))
}

/// `GET /agents/{agent_id}/executions/{execution_id}`
pub async fn get_execution(
    State(app): State<App>,
    member: Member,
    Path((agent, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let execution = executions::get(&app, &member.tenant, &agent.parse()?, &id.parse()?).await?;
    Ok(Json(json!({ "execution": whole(&execution) })))
}

/// `POST /agents/{agent_id}/executions/{execution_id}/replay`: asks the present version the same again, and compares.
pub async fn replay_execution(
    State(app): State<App>,
    member: Member,
    Path((agent, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let (agent, id): (AgentId, ExecutionId) = (agent.parse()?, id.parse()?);
    let before = executions::get(&app, &member.tenant, &agent, &id).await?;
    let published: Arc<Published> = agents::published(&app, &member.tenant, &agent).await?;
    let thread = Thread { channel: Channel::Test, ..alone(&app, &published, None) };
    let question = Question {
        format: before.output_format.parse()?,
        replay_of: Some(id),
        // What leaned on a conversation then is asked as it was understood.
        ..Question::new(published, thread, before.asked.clone().unwrap_or_else(|| before.input.clone()))
    };
    let reply = answering::reply(&app, &member.tenant, question).await?;
    let after = executions::get(&app, &member.tenant, &agent, &reply.execution_id).await?;
    let places = |execution: &Execution| -> Vec<String> {
        let place = |claim: &executions::Claim| claim.citation.as_ref().map(|span| span.quote.clone());
        execution.claims.iter().filter_map(place).collect()
    };
    let (then, now) = (places(&before), places(&after));
    Ok(Json(json!({
        "before": whole(&before),
        "after": whole(&after),
        "comparison": {
            "same_response": before.output == after.output,
            "same_outcome": before.outcome == after.outcome,
            "confidence_change": after.confidence - before.confidence,
            "quotes_gone": then.iter().filter(|quote| !now.contains(quote)).collect::<Vec<_>>(),
            "quotes_new": now.iter().filter(|quote| !then.contains(quote)).collect::<Vec<_>>(),
        },
    })))
}

fn summary(e: &Execution) -> Value {
    json!({
        "execution_id": e.id,
        "input": e.input,
        "response": e.output,
        "status": e.outcome.as_str(),
        "model": e.model,
        "agent_version": e.agent_version,
        "channel": e.channel.as_str(),
        "confidence": e.confidence,
        "tokens_used": e.tokens_input + e.tokens_output,
        "credits_used": e.credits,
        "execution_time_ms": e.timings.total as i64,
        "created_at": e.created_at,
    })
}

fn whole(e: &Execution) -> Value {
    let mut view = summary(e);
    let more = json!({
        "message_id": e.message_id,
        "asked": e.asked,
        "output_format": e.output_format,
        "reason": e.reason,
        "attempts": e.attempts,
        "passages": e.passages,
        "tool_calls": e.tool_calls,
        "spans": e.claims,
        "tokens": { "input": e.tokens_input, "output": e.tokens_output },
        "timings_ms": e.timings,
        "replay_of": e.replay_of,
        "cost": e.cost as f64 / 1e6,
        "key_id": e.key_id,
    });
    if let (Value::Object(view), Value::Object(more)) = (&mut view, more) {
        view.extend(more);
    }
    view
}
