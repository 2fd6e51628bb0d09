//! What all pages share: what stands around them, how they are rendered, how errors look, and the headers that
//! keep them safe.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};
use platform::{App, Error, Kind, Permission, Role, Standing, Tenant, WorkspaceId, workspaces};
use url::form_urlencoded;
use web::ApiError;

/// The result of a page's handler.
pub type Result<T = Response> = std::result::Result<T, PageError>;

/// Nothing but our own files; `connect-src` is for the script that refreshes the list of documents.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The parts of a workspace that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// How it is going.
    Overview,
    /// What its agents know.
    Documents,
    /// What opens it to web pages.
    Keys,
    /// One of its agents.
    Agent,
}

/// What stands around a workspace's page.
pub struct Chrome {
    /// Where in the workspace the page is.
    pub area: Area,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// Other workspaces of the person.
    pub others: Vec<workspaces::Listed>,
    /// How the person is called.
    pub person: String,
    /// What they may do.
    pub role: Role,
    /// The token for forms.
    pub csrf: String,
}

impl Chrome {
    /// Whether the person may work with agents and knowledge.
    pub fn may_edit(&self) -> bool {
        Standing::Member(self.role).may(Permission::EditAgents)
    }

    /// Whether the person may make keys.
    pub fn may_admin(&self) -> bool {
        Standing::Member(self.role).may(Permission::ManageKeys)
    }
}

/// Something to tell at the top of a page.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whether something went wrong.
    pub bad: bool,
    /// The sentence.
    pub text: String,
}

/// What a query says was just done. Only these words lead to a notice, so no link can put its own on a page.
#[derive(serde::Deserialize)]
pub struct Done {
    done: Option<String>,
}

impl Done {
    /// The notice, if any.
    pub fn notice(&self) -> Option<Notice> {
        let text = match self.done.as_deref()? {
            "saved" => "The draft is saved. Visitors get it once it is published.",
            "published" => "Published. Visitors now get this version.",
            "created" => "The agent is made. Give it something to know, try it, then publish it.",
            "uploaded" => "The files have arrived and are being read.",
            "queued" => "The document is being read again.",
            "deleted" => "The document and everything read from it is gone.",
            "collection" => "The collection is made. Upload its first documents.",
            "revoked" => "The key is revoked. Pages that use it can no longer ask.",
            _ => return None,
        };
        Some(Notice { bad: false, text: text.into() })
    }
}

/// A page, rendered.
///
/// # Errors
/// Internal when the template fails.
pub fn render(status: StatusCode, template: &impl Template) -> Result {
    Ok((status, Html(template.render().map_err(Error::internal)?)).into_response())
}

/// Why there is no page.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is logged in.
    LogIn {
        /// Where they wanted to go.
        next: Option<String>,
    },
    /// Anything else.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for PageError {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: StatusCode,
    message: &'a str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::LogIn { next: None } => Redirect::to("/console/login").into_response(),
            Self::LogIn { next: Some(next) } => {
                let query =
                    form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
                Redirect::to(&format!("/console/login?{query}")).into_response()
            }
            Self::Failed(error) => {
                let (status, message) = outcome(error);
                match (ErrorPage { status, message: &message }).render() {
                    Ok(page) => (status, Html(page)).into_response(),
                    Err(_) => (status, message).into_response(),
                }
            }
        }
    }
}

/// An error's status and sentence. The surfaces share the first, and the log's line, by way of the API's error.
fn outcome(error: Error) -> (StatusCode, String) {
    let message = error.message.to_string();
    (ApiError(error).into_response().status(), message)
}

/// What a person did wrong and can put right on the same page; anything else gets a page of its own.
///
/// # Errors
/// Gives back what is not of that kind.
pub fn mistake(error: impl Into<Error>) -> Result<(StatusCode, Notice)> {
    let error = error.into();
    if matches!(error.kind, Kind::NotFound | Kind::Internal) || error.code == "CSRF" {
        return Err(error.into());
    }
    let (status, text) = outcome(error);
    Ok((status, Notice { bad: true, text }))
}

/// For paths without a page.
pub async fn not_found() -> PageError {
    Error::not_found("There is no such page.").into()
}

/// Puts the headers on that keep a page from being framed, cached, or made to run what is not ours.
pub async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A workspace's time zone, in which its pages tell the time.
#[derive(Clone, Copy)]
pub struct Zone(pub Tz);

impl Zone {
    /// The zone of a workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn of(app: &App, tenant: &Tenant) -> platform::Result<Self> {
        Ok(Self(workspaces::timezone(&workspaces::get(app, tenant).await?.0.timezone)?))
    }

    /// As people read it: `23 Nov 2026, 14:05`.
    pub fn show(&self, moment: &DateTime<Utc>) -> String {
        moment.with_timezone(&self.0).format("%-d %b %Y, %H:%M").to_string()
    }
}
