//! One agent: its draft in a form, and its publishing. Trying it out is next door, in `tryout`.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    AgentId, App, CollectionId, Error, Permission,
    agents::{
        self, Agent, AgentType, AppearancePatch, Change, GreetingPatch, NewAgent, ResponsePatch,
        SettingsPatch,
    },
    knowledge::{self, Collection},
};
use web::{Path, text};

use crate::{
    form::{Asked, Fields, Form},
    overview::base,
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::Member,
    tryout::{Piece, Tried},
};

/// The draft as it stands in the form: what is kept, or what was sent and could not be.
pub(crate) struct Draft {
    pub name: String,
    pub greeting: String,
    pub fallback: String,
    pub questions: String,
    pub color: String,
    pub theme: String,
    pub threshold: String,
    pub collections: Vec<String>,
}

impl Draft {
    pub fn of(agent: &Agent) -> Self {
        let settings = &agent.settings;
        Self {
            name: agent.name.clone(),
            greeting: settings.greeting_message.clone(),
            fallback: settings.fallback_message.clone(),
            questions: settings.greeting.suggested_questions.join("\n"),
            color: settings.appearance.primary_color.clone(),
            theme: settings.appearance.theme.clone(),
            threshold: settings.response_config.confidence_threshold.to_string(),
            collections: settings.collection_ids.iter().map(ToString::to_string).collect(),
        }
    }

    fn sent(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        Self {
            name: text("name"),
            greeting: text("greeting"),
            fallback: text("fallback"),
            questions: text("questions"),
            color: text("color"),
            theme: text("theme"),
            threshold: text("threshold"),
            collections: fields.all("collection").map(str::to_owned).collect(),
        }
    }

    fn has(&self, collection: &CollectionId) -> bool {
        self.collections.iter().any(|id| id == collection.as_str())
    }
}

#[derive(Template)]
#[template(path = "agent.html")]
pub(crate) struct AgentPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub base: &'a str,
    pub agent: &'a Agent,
    pub draft: Draft,
    pub collections: Vec<Collection>,
    pub question: &'a str,
    pub tried: Option<Tried>,
    pub notice: Option<Notice>,
}

impl AgentPage<'_> {
    /// Whether the draft is newer than what visitors get.
    fn is_ahead(&self) -> bool {
        self.agent.published_at.is_some_and(|published| self.agent.updated_at > published)
    }
}

/// What a rendering of the page shows besides the agent as it is kept.
#[derive(Default)]
pub(crate) struct Shown {
    pub draft: Option<Draft>,
    pub question: String,
    pub tried: Option<Tried>,
    pub notice: Option<Notice>,
}

pub(crate) async fn show(
    app: &App,
    member: &Member,
    agent: &Agent,
    status: StatusCode,
    shown: Shown,
) -> Result {
    let page = AgentPage {
        chrome: member.chrome(Area::Agent),
        zone: Zone::of(app, &member.tenant).await?,
        base: base(app),
        agent,
        draft: shown.draft.unwrap_or_else(|| Draft::of(agent)),
        collections: knowledge::list_collections(app, &member.tenant).await?,
        question: &shown.question,
        tried: shown.tried,
        notice: shown.notice,
    };
    render(status, &page)
}

/// `POST …/agents`: an agent that knows every collection, as a draft.
pub async fn create(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditAgents)?;
    let collections = knowledge::list_collections(&app, &member.tenant).await?;
    let settings = SettingsPatch {
        collection_ids: Some(collections.into_iter().map(|collection| collection.id).collect()),
        ..SettingsPatch::default()
    };
    let name = text("name", fields.get("name"), 100)?;
    let form = NewAgent { name, description: None, agent_type: AgentType::Support, settings };
    let agent = agents::create(&app, &member.tenant, &member.by, form).await?;
    Ok(back(&member, &agent.id, "created"))
}

/// `GET …/agents/{agent_id}`
pub async fn page(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result {
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    show(&app, &member, &agent, StatusCode::OK, Shown { notice: done(query.get("done")), ..Shown::default() })
        .await
}

/// `POST …/agents/{agent_id}`: keeps the draft.
pub async fn save(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditAgents)?;
    let agent = agents::get(&app, &member.tenant, &id.parse()?).await?;
    let draft = Draft::sent(&fields);
    let saved = match change(&draft, fields.lines("questions")) {
        Ok(change) => agents::update(&app, &member.tenant, &member.by, &agent.id, change).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(agent) => Ok(back(&member, &agent.id, "saved")),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let shown = Shown { draft: Some(draft), notice: Some(notice), ..Shown::default() };
            show(&app, &member, &agent, status, shown).await
        }
    }
}

fn change(draft: &Draft, questions: Vec<String>) -> platform::Result<Change> {
    let threshold = draft.threshold.trim().replace(',', ".").parse().map_err(|_| {
        Error::invalid("threshold", "The least confidence is a number from 0 to 1, such as 0.5.")
    })?;
    let collections: Vec<CollectionId> =
        draft.collections.iter().map(|id| id.parse()).collect::<platform::Result<_>>()?;
    let settings = SettingsPatch {
        greeting_message: Some(draft.greeting.trim().to_owned()),
        fallback_message: Some(draft.fallback.trim().to_owned()),
        collection_ids: Some(collections),
        response_config: Some(ResponsePatch {
            confidence_threshold: Some(threshold),
            ..ResponsePatch::default()
        }),
        appearance: Some(AppearancePatch {
            theme: Some(draft.theme.clone()),
            primary_color: Some(draft.color.clone()),
            ..AppearancePatch::default()
        }),
        greeting: Some(GreetingPatch { suggested_questions: Some(questions), ..GreetingPatch::default() }),
        ..SettingsPatch::default()
    };
    Ok(Change { name: Some(text("name", &draft.name, 100)?), settings, ..Change::default() })
}

/// `POST …/agents/{agent_id}/publish`
pub async fn publish(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditAgents)?;
    let agent = agents::publish(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(back(&member, &agent.id, "published"))
}

fn back(member: &Member, agent: &AgentId, done: &str) -> axum::response::Response {
    Redirect::to(&format!("/console/{}/agents/{agent}?done={done}", member.tenant.id())).into_response()
}
