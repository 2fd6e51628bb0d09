//! What the link of an invitation leads to: who invites into what, and the button to accept.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App,
    identity::EmailAddress,
    workspaces::invitations::{self, Offer},
};
use url::form_urlencoded;

use crate::{
    form::{Asked, Form},
    page::{Notice, PageError, Result, mistake, query, render, secret_address},
    session::Session,
};

#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct InvitationPage<'a> {
    pub token: &'a str,
    /// What is offered, if the link is good.
    pub offer: Option<Offer>,
    /// Whoever is logged in.
    pub reader: Option<Reader<'a>>,
    pub notice: Option<Notice>,
}

/// Somebody who is logged in and looks at an invitation.
pub(crate) struct Reader<'a> {
    pub csrf: &'a str,
    pub email: &'a str,
    /// Whether the invitation was mailed to them.
    pub invited: bool,
}

impl InvitationPage<'_> {
    /// For the addresses of login and sign-up: who comes, and that they come back here.
    fn way_back(&self, email: &str) -> String {
        let here = format!("/console/invitation?{}", query("token", self.token));
        form_urlencoded::Serializer::new(String::new())
            .append_pair("email", email)
            .append_pair("next", &here)
            .finish()
    }
}

/// `GET /console/invitation?token=…`
pub async fn page(
    State(app): State<App>,
    session: std::result::Result<Session, PageError>,
    Asked(query): Asked,
) -> Result {
    let session = session.ok();
    show(&app, session.as_ref(), query.get("token"), None).await.map(secret_address)
}

/// `POST /console/invitation`
pub async fn accept(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    let token = fields.get("token");
    match invitations::accept(&app, &session.caller, &session.by, token).await {
        Ok(offer) => Ok(Redirect::to(&format!("/console/{}", offer.workspace_id)).into_response()),
        Err(error) => show(&app, Some(&session), token, Some(mistake(error)?)).await,
    }
}

async fn show(
    app: &App,
    session: Option<&Session>,
    token: &str,
    wrong: Option<(StatusCode, Notice)>,
) -> Result {
    let (offer, dead) = match invitations::look_up(app, token).await {
        Ok(offer) => (Some(offer), None),
        Err(error) => (None, Some(mistake(error)?)),
    };
    let (status, notice) = wrong.or(dead).unzip();
    let key = |email: &str| email.parse::<EmailAddress>().map(|email| email.key().to_owned()).ok();
    let reader = session.map(|session| {
        let email = session.caller.user.email.as_str();
        let invited = offer.as_ref().is_some_and(|offer| key(&offer.email) == key(email));
        Reader { csrf: &session.csrf, email, invited }
    });
    // The token is no field of a form that people fill in.
    let notice = notice.map(|notice| Notice { field: None, ..notice });
    render(status.unwrap_or(StatusCode::OK), &InvitationPage { token, offer, reader, notice })
}
