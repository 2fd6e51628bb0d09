//! Agents, as the Craveva document gives them: the same rows as Insydr's, in other words.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    AgentId, App, CollectionId, Error, Patch,
    agents::{
        self, Agent, AgentType, Change, Filter, ModelPatch, NewAgent, ResponsePatch, Settings, SettingsPatch,
        Status,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{Member, PageQuery, Path, Query, Result, optional_text, paged, patched_text, text};

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 2_000;

fn type_name(agent_type: AgentType) -> &'static str {
    match agent_type {
        AgentType::Support => "customer_support",
        AgentType::Sales => "sales",
        AgentType::General => "general",
    }
}

fn parse_type(name: &str) -> Result<AgentType> {
    match name {
        "customer_support" | "support" => Ok(AgentType::Support),
        "sales" => Ok(AgentType::Sales),
        "general" => Ok(AgentType::General),
        _ => Err(Error::invalid("type", "type is one of customer_support, sales, general.").into()),
    }
}

fn status_name(status: Status) -> &'static str {
    if status == Status::Published { "active" } else { "inactive" }
}

/// Which agents to list.
#[derive(Deserialize)]
pub struct ListQuery {
    status: Option<String>,
}

/// `GET /agents`
pub async fn list_company_agents(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let published = match query.status.as_deref() {
        None | Some("" | "all") => None,
        Some("active") => Some(true),
        Some("inactive") => Some(false),
        Some(_) => return Err(Error::invalid("status", "status is active or inactive.").into()),
    };
    let filter = Filter { published, ..Filter::default() };
    let list = agents::list(&app, &member.tenant, filter, page.page()?).await?;
    Ok(Json(paged("agents", list, |agent| {
        let agent_type = agent.agent_type.parse().map_or("general", type_name);
        let status = agent.status.parse().map_or("inactive", status_name);
        json!({
            "agent_id": agent.id,
            "name": agent.name,
            "type": agent_type,
            "status": status,
            "created_at": agent.created_at,
        })
    })))
}

/// What clients may set of an agent, wherever it stands in a body.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Config {
    model: Option<String>,
    fallback_models: Option<Vec<String>>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    confidence_threshold: Option<f64>,
    system_prompt: Option<String>,
    collections: Option<Vec<CollectionId>>,
    data_sources: Option<Vec<String>>,
    tools: Option<Vec<String>>,
    ui_settings: Option<Map<String, Value>>,
    visibility: Option<String>,
}

impl From<Config> for SettingsPatch {
    fn from(config: Config) -> Self {
        Self {
            model_settings: Some(ModelPatch { model: config.model, fallback_models: config.fallback_models }),
            response_config: Some(ResponsePatch {
                max_response_length: config.max_tokens,
                confidence_threshold: config.confidence_threshold,
                temperature: config.temperature,
                ..ResponsePatch::default()
            }),
            system_prompt: config.system_prompt,
            collection_ids: config.collections,
            data_source_ids: config.data_sources,
            tools: config.tools,
            ui_settings: config.ui_settings,
            visibility: config.visibility,
            ..Self::default()
        }
    }
}

/// The body of a new agent.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    r#type: Option<String>,
    description: Option<String>,
    #[serde(flatten)]
    config: Config,
}

/// `POST /agents`: an agent made here answers at once.
pub async fn create_company_agent(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewAgent {
        name: text("name", &body.name, 100)?,
        description: optional_text("description", body.description.as_deref(), MAX_DESCRIPTION)?,
        agent_type: parse_type(body.r#type.as_deref().unwrap_or("customer_support"))?,
        settings: body.config.into(),
    };
    let agent = agents::create(&app, &member.tenant, &member.by, form).await?;
    let agent = agents::publish(&app, &member.tenant, &member.by, &agent.id).await?;
    Ok((StatusCode::CREATED, Json(json!({ "agent": view(&agent) }))))
}

/// `GET /agents/{agent_id}`
pub async fn get_company_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    Ok(Json(json!({ "agent": view(&agent) })))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    description: Patch<String>,
    r#type: Option<String>,
    #[serde(default)]
    config: Config,
    ui_settings: Option<Map<String, Value>>,
}

/// `PUT /agents/{agent_id}`: changes what it names. There is no call to publish in this dialect, so that a change of an
/// active agent is published with it.
pub async fn update_company_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let id: AgentId = id.parse()?;
    let description = patched_text("description", body.description, MAX_DESCRIPTION)?;
    let mut settings: SettingsPatch = body.config.into();
    settings.ui_settings = body.ui_settings.or(settings.ui_settings);
    let change = Change {
        name: body.name.map(|name| text("name", &name, 100)).transpose()?,
        description,
        agent_type: body.r#type.map(|name| parse_type(&name)).transpose()?,
        status: None,
        settings,
    };
    let mut agent = agents::update(&app, &member.tenant, &member.by, &id, change).await?;
    if agent.status == Status::Published {
        agent = agents::publish(&app, &member.tenant, &member.by, &id).await?;
    }
    Ok(Json(json!({ "agent": view(&agent) })))
}

/// `DELETE /agents/{agent_id}`
pub async fn delete_company_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    agents::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(Json(json!({ "success": true, "message": "Agent deleted" })))
}

/// `GET /agents/{agent_id}/preview`: the agent as its clients show it.
pub async fn preview_company_agent(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    let settings = &agent.settings;
    // What a client has set goes before what the widget's settings say.
    let mut ui = json!({
        "theme": settings.appearance.theme,
        "primary_color": settings.appearance.primary_color,
        "position": settings.appearance.position,
        "greeting_message": settings.greeting_message,
        "suggested_questions": settings.greeting.suggested_questions,
    });
    if let Value::Object(ui) = &mut ui {
        ui.extend(settings.ui_settings.clone());
    }
    Ok(Json(json!({
        "agent": { "agent_id": agent.id, "name": agent.name, "config": config(settings), "ui_settings": ui },
    })))
}

fn config(settings: &Settings) -> Value {
    json!({
        "model": settings.model_settings.model,
        "fallback_models": settings.model_settings.fallback_models,
        "temperature": settings.response_config.temperature,
        "max_tokens": settings.response_config.max_response_length,
        "confidence_threshold": settings.response_config.confidence_threshold,
        "system_prompt": settings.system_prompt,
        "collections": settings.collection_ids,
        "data_sources": settings.data_source_ids,
        "tools": settings.tools,
        "visibility": settings.visibility,
    })
}

fn view(agent: &Agent) -> Value {
    json!({
        "agent_id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "type": type_name(agent.agent_type),
        "status": status_name(agent.status),
        "version": agent.version(),
        "configuration": config(&agent.settings),
        "data_sources": agent.settings.data_source_ids,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    })
}
