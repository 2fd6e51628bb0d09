//! The way in: the oldest workspace, or the form that makes the first.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use chrono_tz::{TZ_VARIANTS, Tz};
use http::StatusCode;
use platform::{
    App,
    workspaces::{self, NewWorkspace, Workspace},
};
use web::line;

use crate::{
    form::{Fields, Form},
    page::{Notice, Result, mistake, render},
    session::Session,
};

#[derive(Template)]
#[template(path = "new_workspace.html")]
pub(crate) struct NewPage<'a> {
    pub csrf: &'a str,
    pub name: &'a str,
    pub timezone: &'a str,
    pub zones: &'a [Tz],
    pub notice: Option<Notice>,
}

/// `GET /console`
pub async fn home(State(app): State<App>, session: Session) -> Result {
    let oldest = workspaces::list(&app, &session.caller.user.id).await?.first().cloned();
    let target = oldest.map_or("/console/new".into(), |workspace| format!("/console/{}", workspace.id));
    Ok(Redirect::to(&target).into_response())
}

/// `GET /console/new`
pub async fn form(session: Session) -> Result {
    let page = NewPage { csrf: &session.csrf, name: "", timezone: "UTC", zones: &TZ_VARIANTS, notice: None };
    render(StatusCode::OK, &page)
}

/// `POST /console/new`
pub async fn create(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    match make(&app, &session, &fields).await {
        Ok(workspace) => Ok(Redirect::to(&format!("/console/{}", workspace.id)).into_response()),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            let page = NewPage {
                csrf: &session.csrf,
                name: fields.get("name"),
                timezone: fields.get("timezone"),
                zones: &TZ_VARIANTS,
                notice: Some(notice),
            };
            render(status, &page)
        }
    }
}

async fn make(app: &App, session: &Session, fields: &Fields) -> platform::Result<Workspace> {
    let form = NewWorkspace {
        name: line("name", fields.get("name"), 100)?,
        timezone: workspaces::timezone(fields.get("timezone"))?,
        settings: Default::default(),
    };
    workspaces::create(app, &session.caller.user, form, &session.by).await
}
