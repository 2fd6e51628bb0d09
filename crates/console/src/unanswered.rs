//! Questions that could not be answered: which, how often, and the form in which somebody writes the answer.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, Page, Permission, Standing, UnansweredId,
    agents::{self, Filter as Agents, Listed},
    analytics::{self, Details, Listing, NewAnswer},
    conversations::unanswered::{Filter, Status},
};
use web::Path;

use crate::{
    form::{Asked, Fields, Form},
    overview::AGENTS,
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, page_number, render},
    session::Member,
};

/// Questions on one page of the list.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "unanswered.html")]
pub(crate) struct UnansweredPage {
    pub chrome: Chrome,
    pub zone: Zone,
    pub list: Listing,
    pub status: Status,
    pub agents: Vec<Listed>,
}

impl UnansweredPage {
    /// What an agent is called.
    fn agent(&self, id: &platform::AgentId) -> &str {
        self.agents.iter().find(|agent| agent.id == *id).map_or("an agent", |agent| &agent.name)
    }

    /// The filter as links to other pages carry it.
    fn filter(&self) -> &'static str {
        if self.status == Status::Open { "" } else { "status=RESOLVED&" }
    }
}

/// `GET …/unanswered`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewAnalytics)?;
    let status = query.get("status").parse().unwrap_or(Status::Open);
    let range = Page { limit: ROWS, offset: (page_number(&query) - 1) * ROWS };
    let filter = Filter { status: Some(status), agent: None };
    let page = UnansweredPage {
        chrome: member.chrome(Area::Unanswered),
        zone: Zone::of(&app, &member.tenant).await?,
        list: analytics::unanswered(&app, &member.tenant, &filter, range).await?,
        status,
        agents: agents::list(&app, &member.tenant, Agents::default(), AGENTS).await?.items,
    };
    render(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "question.html")]
pub(crate) struct QuestionPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub details: Details,
    /// What was typed into the form.
    pub answer: &'a str,
    pub notice: Option<Notice>,
}

impl QuestionPage<'_> {
    fn may_answer(&self) -> bool {
        Standing::Member(self.chrome.role).may(Permission::EditKnowledge)
    }

    fn is_open(&self) -> bool {
        self.details.question.status == Status::Open.as_str()
    }

    /// Those who asked, left an address, and have not been sent the answer.
    fn waiting(&self) -> usize {
        self.details.askers.iter().filter(|asker| asker.told_at.is_none()).count()
    }

    fn sure(&self, confidence: &f64) -> String {
        format!("{:.0} % sure", confidence * 100.0)
    }
}

async fn show(
    app: &App,
    member: &Member,
    id: &UnansweredId,
    (status, notice): (StatusCode, Option<Notice>),
    answer: &str,
) -> Result {
    let page = QuestionPage {
        chrome: member.chrome(Area::Unanswered),
        zone: Zone::of(app, &member.tenant).await?,
        details: analytics::details(app, &member.tenant, id).await?,
        answer,
        notice,
    };
    render(status, &page)
}

/// `GET …/unanswered/{question_id}`
pub async fn question(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result {
    member.require(Permission::ViewAnalytics)?;
    let told = (StatusCode::OK, done(query.get("done")));
    show(&app, &member, &id.parse()?, told, "").await
}

/// `POST …/unanswered/{question_id}`: writes the answer.
pub async fn answer(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: UnansweredId = id.parse()?;
    let form = new_answer(&fields);
    match analytics::answer(&app, &member.tenant, &member.by, &id, form).await {
        Ok(_) => told(&member, &id, "answered"),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, &id, (status, Some(notice)), fields.get("answer")).await
        }
    }
}

fn new_answer(fields: &Fields) -> NewAnswer {
    let question = fields.get("question").trim();
    NewAnswer {
        question: Some(question.to_owned()).filter(|question| !question.is_empty()),
        answer: fields.get("answer").to_owned(),
        collection: None,
        notify: fields.get("notify") == "yes",
    }
}

fn told(member: &Member, id: &UnansweredId, done: &str) -> Result {
    let to = format!("/console/{}/unanswered/{id}?done={done}", member.tenant.id());
    Ok(Redirect::to(&to).into_response())
}

/// `POST …/unanswered/{question_id}/resolve`
pub async fn resolve(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    set_status(&app, &member, &id.parse()?, (Status::Resolved, "resolved")).await
}

/// `POST …/unanswered/{question_id}/reopen`
pub async fn reopen(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    set_status(&app, &member, &id.parse()?, (Status::Open, "reopened")).await
}

async fn set_status(app: &App, member: &Member, id: &UnansweredId, (status, done): (Status, &str)) -> Result {
    member.require(Permission::EditKnowledge)?;
    analytics::set_status(app, &member.tenant, &member.by, id, status).await?;
    told(member, id, done)
}

/// `POST …/unanswered/{question_id}/notify`: sends the answer to those who asked.
pub async fn notify(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: UnansweredId = id.parse()?;
    analytics::notify(&app, &member.tenant, &member.by, &id).await?;
    told(&member, &id, "notified")
}
