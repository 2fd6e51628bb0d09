//! Agents, as the Insydr document gives them.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    AgentId, App, Patch,
    agents::{self, Agent, Change, Filter, NewAgent, SettingsPatch},
    answering::{self, Question},
    knowledge,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;
use web::{Member, PageQuery, Path, Query, Result, optional_text, paged, patched_text, text};

/// Longest description of an agent, in characters.
const MAX_DESCRIPTION: usize = 2_000;

/// The body of a new agent.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    description: Option<String>,
    agent_type: Option<String>,
    #[serde(flatten)]
    settings: SettingsPatch,
}

/// `POST …/agents`
pub async fn create_agent(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewAgent {
        name: text("name", &body.name, 100)?,
        description: optional_text("description", body.description.as_deref(), MAX_DESCRIPTION)?,
        agent_type: body.agent_type.as_deref().unwrap_or("SUPPORT").parse()?,
        settings: body.settings,
    };
    let agent = agents::create(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::CREATED, Json(view(&agent)?)))
}

/// Which agents to list.
#[derive(Deserialize)]
pub struct ListQuery {
    status: Option<String>,
    r#type: Option<String>,
}

/// `GET …/agents`
pub async fn list_agents(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let filter = Filter {
        status: query.status.map(|status| status.parse()).transpose()?,
        agent_type: query.r#type.map(|agent_type| agent_type.parse()).transpose()?,
        published: None,
    };
    let list = agents::list(&app, &member.tenant, filter, page.page()?).await?;
    Ok(Json(paged("agents", list, |a| {
        json!({
            "id": a.id,
            "name": a.name,
            "status": a.status,
            "agent_type": a.agent_type,
            "conversation_count": a.conversation_count,
            "created_at": a.created_at,
        })
    })))
}

/// `GET …/agents/{agent_id}`
pub async fn get_agent(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let id: AgentId = id.parse()?;
    let agent = agents::get(&app, &member.tenant, &id).await?;
    let stats = agents::stats(&app, &member.tenant, &id).await?;
    let collections = knowledge::summaries(&app, &member.tenant, &agent.settings.collection_ids).await?;
    let mut answer = view(&agent)?;
    answer["stats"] = json!({
        "total_conversations": stats.conversations,
        "total_messages": stats.messages,
        "avg_satisfaction": stats.satisfaction,
    });
    let collections = collections
        .into_iter()
        .map(|c| json!({ "id": c.id, "name": c.name, "document_count": c.document_count }));
    answer["knowledge_collections"] = collections.collect();
    Ok(Json(answer))
}

/// The body of a change: every field that creation takes.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    description: Patch<String>,
    agent_type: Option<String>,
    status: Option<String>,
    #[serde(flatten)]
    settings: SettingsPatch,
}

/// `PATCH …/agents/{agent_id}`
pub async fn update_agent(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let description = patched_text("description", body.description, MAX_DESCRIPTION)?;
    let change = Change {
        name: body.name.map(|name| text("name", &name, 100)).transpose()?,
        description,
        agent_type: body.agent_type.map(|agent_type| agent_type.parse()).transpose()?,
        status: body.status.map(|status| status.parse()).transpose()?,
        settings: body.settings,
    };
    Ok(Json(view(&agents::update(&app, &member.tenant, &member.by, &id.parse()?, change).await?)?))
}

/// `POST …/agents/{agent_id}/publish`
pub async fn publish_agent(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let agent = agents::publish(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(Json(json!({
        "message": "Agent published successfully",
        "version": agent.version(),
        "published_at": agent.published_at,
    })))
}

/// The body of a test.
#[derive(Deserialize)]
pub struct TestBody {
    message: String,
}

/// `POST …/agents/{agent_id}/test`: asks the draft, without a conversation that would go on.
pub async fn test_agent(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<TestBody>,
) -> Result<Json<Value>> {
    let started = Instant::now();
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    let question = Question::to_draft(&app, &agent, body.message);
    let reply = answering::reply(&app, &member.tenant, question).await?;
    Ok(Json(json!({
        "message_id": reply.message_id,
        "response": reply.text,
        "sources": reply.sources,
        "spans": reply.spans,
        "confidence": reply.confidence,
        "answered": reply.answered,
        "model": reply.model,
        "degraded": reply.degraded,
        "response_time_ms": started.elapsed().as_millis(),
    })))
}

/// `DELETE …/agents/{agent_id}`
pub async fn delete_agent(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    agents::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(Json(json!({ "success": true, "message": "Agent deleted" })))
}

/// `GET …/agents/{agent_id}/versions`: the change log, latest first.
pub async fn list_agent_versions(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let versions = agents::versions(&app, &member.tenant, &id.parse()?).await?;
    let views = versions.iter().map(|version| {
        json!({
            "version": version.version,
            "name": version.name,
            "changed": version.changed,
            "note": version.note,
            "created_by": version.created_by,
            "created_at": version.created_at,
        })
    });
    Ok(Json(json!({ "versions": views.collect::<Vec<_>>(), "total": versions.len() })))
}

/// `POST …/agents/{agent_id}/versions/{version}/restore`: publishes a former version again.
pub async fn restore_agent_version(
    State(app): State<App>,
    member: Member,
    Path((_, id, version)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let number = version.strip_prefix("1.").unwrap_or(&version).parse();
    let number = number.map_err(|_| platform::Error::not_found("This agent has no such version."))?;
    let agent = agents::restore(&app, &member.tenant, &member.by, &id.parse()?, number).await?;
    Ok(Json(json!({
        "message": "Agent published successfully",
        "version": agent.version(),
        "published_at": agent.published_at,
    })))
}

fn view(agent: &Agent) -> Result<Value> {
    let mut answer = serde_json::to_value(&agent.settings)?;
    let own = json!({
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "status": agent.status.as_str(),
        "agent_type": agent.agent_type.as_str(),
        "version": agent.version(),
        "published_at": agent.published_at,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    });
    if let (Value::Object(answer), Value::Object(own)) = (&mut answer, own) {
        answer.extend(own);
    }
    Ok(answer)
}
