//! What people see and change of their own account: name, address, password, sessions. The second factor stands on
//! the same page and has a file of its own.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, SessionId,
    identity::{
        self, Password,
        sessions::{self, OpenSession},
    },
    workspaces::{self, Listed},
};
use web::{Path, full_name};

use crate::{
    form::{Asked, Fields, Form},
    page::{Notice, Result, Zone, done, mistake, render},
    session::Session,
    two_factor::Step,
};

/// The forms of the page, each with its own errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// None: what was done is told at the top.
    #[default]
    Top,
    /// Name and address.
    Profile,
    /// The password.
    Password,
    /// The second factor.
    TwoFactor,
}

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub csrf: &'a str,
    pub zone: Zone,
    pub workspaces: Vec<Listed>,
    pub person: &'a str,
    pub email: &'a str,
    pub verified: bool,
    pub full_name: &'a str,
    pub sessions: Vec<OpenSession>,
    pub current: &'a SessionId,
    pub step: Step,
    pub section: Section,
    pub notice: Option<Notice>,
}

/// What a rendering of the page shows besides the account.
#[derive(Default)]
pub struct Shown {
    /// Where the second factor is, if not where it was left.
    pub step: Option<Step>,
    /// Which form the notice is about.
    pub section: Section,
    /// What to tell.
    pub notice: Option<Notice>,
    /// What was typed.
    pub fields: Fields,
}

/// The page.
///
/// # Errors
/// What the database says.
pub async fn show(app: &App, session: &Session, status: StatusCode, shown: Shown) -> Result {
    let caller = &session.caller;
    let user = &caller.user;
    let zone = match caller.memberships.first() {
        Some(oldest) => Zone::of(app, &caller.enter(&oldest.workspace)?.0).await?,
        None => Zone(chrono_tz::UTC),
    };
    let left = if user.totp_confirmed { Step::On } else { Step::Off };
    let typed = shown.section == Section::Profile;
    let page = AccountPage {
        csrf: &session.csrf,
        zone,
        workspaces: workspaces::list(app, &user.id).await?.to_vec(),
        person: &user.full_name,
        email: &user.email,
        verified: user.email_verified,
        full_name: if typed { shown.fields.get("full_name") } else { &user.full_name },
        sessions: sessions::list(app, caller).await?,
        current: &caller.session,
        step: shown.step.unwrap_or(left),
        section: shown.section,
        notice: shown.notice,
    };
    render(status, &page)
}

/// The page with what went wrong in one of its forms.
///
/// # Errors
/// Gives back what the person cannot put right.
pub async fn show_mistake(
    app: &App,
    session: &Session,
    section: Section,
    error: platform::Error,
    shown: Shown,
) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, session, status, Shown { section, notice: Some(notice), ..shown }).await
}

/// Back to the page, which then tells what was done.
pub fn told(done: &str) -> Result {
    Ok(Redirect::to(&format!("/console/account?done={done}")).into_response())
}

/// `GET /console/account`
pub async fn page(State(app): State<App>, session: Session, Asked(query): Asked) -> Result {
    let shown = Shown { notice: done(query.get("done")), ..Shown::default() };
    show(&app, &session, StatusCode::OK, shown).await
}

/// `POST /console/account/name`
pub async fn rename(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    let outcome = match full_name(fields.get("full_name")) {
        Ok(name) => identity::rename(&app, &session.caller, name, &session.by.origin).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => told("renamed"),
        Err(error) => {
            let shown = Shown { fields, ..Shown::default() };
            show_mistake(&app, &session, Section::Profile, error, shown).await
        }
    }
}

/// `POST /console/account/verify`: mails a link to prove the address.
pub async fn ask_for_link(State(app): State<App>, session: Session, Form(_): Form) -> Result {
    let email = session.caller.user.email.parse()?;
    match identity::resend_verification(&app, &email, &session.by.origin).await {
        Ok(()) => told("asked"),
        Err(error) => show_mistake(&app, &session, Section::Top, error, Shown::default()).await,
    }
}

/// `POST /console/account/password`
pub async fn change_password(State(app): State<App>, session: Session, Form(fields): Form) -> Result {
    match set_password(&app, &session, &fields).await {
        Ok(()) => told("password"),
        Err(error) => show_mistake(&app, &session, Section::Password, error, Shown::default()).await,
    }
}

async fn set_password(app: &App, session: &Session, fields: &Fields) -> platform::Result<()> {
    let new = Password::new(fields.get("new_password").to_owned())
        .map_err(|error| error.with_field("new_password"))?;
    let current = fields.get("current_password");
    identity::change_password(app, &session.caller, current, &new, &session.by.origin).await
}

/// `POST /console/account/sessions/{session_id}/end`
pub async fn end_session(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    Form(_): Form,
) -> Result {
    sessions::end_own(&app, &session.caller, Some(&id.parse()?), &session.by.origin).await?;
    told("ended")
}

/// `POST /console/account/sessions/end`: all but the one at hand.
pub async fn end_others(State(app): State<App>, session: Session, Form(_): Form) -> Result {
    sessions::end_own(&app, &session.caller, None, &session.by.origin).await?;
    told("alone")
}

/// Longest name of a program that is shown, in characters.
const MAX_PROGRAM: usize = 40;

/// What a user agent comes down to: `Firefox on Linux`, or the first word of what is no browser. Order matters:
/// most browsers claim to be others, too.
pub(crate) fn device(user_agent: Option<&str>) -> String {
    let Some(agent) = user_agent.filter(|agent| !agent.is_empty()) else { return "Unknown".into() };
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = named(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        _ => agent.split([' ', '/']).next().unwrap_or_default().chars().take(MAX_PROGRAM).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_come_down_to_a_device() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        for (agent, short) in [
            (chrome.to_owned(), "Chrome on Linux"),
            (format!("{chrome} Edg/142.0.0.0"), "Edge on Linux"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1".into(), "Safari on iPhone"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0".into(), "Firefox on Windows"),
            ("curl/8.5.0".into(), "curl"),
            (String::new(), "Unknown"),
        ] {
            assert_eq!(device(Some(&agent)), short);
        }
        assert_eq!(device(None), "Unknown");
        assert_eq!(device(Some(&"x".repeat(300))).len(), MAX_PROGRAM);
    }
}
