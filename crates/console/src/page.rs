//! What all pages share: what stands around them, how they are rendered, how errors look, and the headers that
//! keep them safe.

use std::borrow::Cow;

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};
use platform::{App, Error, Kind, Paged, Permission, Role, Standing, Tenant, WorkspaceId, workspaces};
use url::form_urlencoded;
use web::ApiError;

use crate::form::Fields;

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
    /// What visitors ask, and how well they are answered.
    Analytics,
    /// What they asked in vain.
    Unanswered,
    /// What its agents know.
    Documents,
    /// The shelves of it.
    Collections,
    /// The websites that are read for it.
    Crawls,
    /// Looking into it.
    Search,
    /// What opens it to web pages.
    Keys,
    /// One of its agents.
    Agent,
    /// Whom it tells of events.
    Webhooks,
    /// Who belongs to it.
    People,
    /// What was done in it.
    Audit,
    /// What it costs.
    Billing,
}

impl Area {
    /// Whether it is about what visitors ask, which has a navigation of its own.
    pub fn is_analytics(self) -> bool {
        matches!(self, Self::Analytics | Self::Unanswered)
    }

    /// Whether it is about what the agents know, which has a navigation of its own.
    pub fn is_knowledge(self) -> bool {
        matches!(self, Self::Documents | Self::Collections | Self::Crawls | Self::Search)
    }
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

    /// Whether the person may see who did what.
    pub fn may_audit(&self) -> bool {
        Standing::Member(self.role).may(Permission::ViewAudit)
    }

    /// Whether the person may make and change webhooks.
    pub fn may_edit_webhooks(&self) -> bool {
        Standing::Member(self.role).may(Permission::EditWebhooks)
    }

    /// Whether the person may make keys.
    pub fn may_admin(&self) -> bool {
        Standing::Member(self.role).may(Permission::ManageKeys)
    }
}

/// Something to tell at the top of a page or above a form.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whether something went wrong.
    pub bad: bool,
    /// The sentence.
    pub text: String,
    /// The field of the form that is wrong.
    pub field: Option<Cow<'static, str>>,
}

impl Notice {
    /// Good news.
    pub fn good(text: &str) -> Self {
        Self { bad: false, text: text.into(), field: None }
    }

    /// Whether it tells what is wrong with a field.
    pub fn is_about(&self, field: &str) -> bool {
        self.field.as_deref() == Some(field)
    }
}

/// The notice for what a query says was just done. Only these words lead to one, so no link can put its own on a page.
pub fn done(word: &str) -> Option<Notice> {
    let text = match word {
        "saved" => "The draft is saved. Visitors get it once it is published.",
        "published" => "Published. Visitors now get this version.",
        "created" => "The agent is made. Give it something to know, try it, then publish it.",
        "queued" => "The document is being read again. What was read before answers until then.",
        "restored" => "That version is made ready to answer again. The present one answers until then.",
        "changed" => "The changes are saved.",
        "deleted" => "The document and everything read from it is gone.",
        "collection" => "The collection is made. Add its first documents.",
        "collection-gone" => "The collection is gone.",
        "crawl" => "The website is being read, one page at a time.",
        "cancelled" => "The run is ended. What it has read stays.",
        "crawl-gone" => "The crawl is gone. Its documents stay.",
        "crawl-and-documents-gone" => "The crawl and its documents are gone.",
        "resolved" => "The question is resolved. It opens again when somebody asks it in vain.",
        "reopened" => "The question is open again.",
        "answered" => "The answer is being read, and the agent is asked again right after.",
        "notified" => "The answer is on its way to those who asked and left an address.",
        "webhook" => "The webhook is changed.",
        "webhook-gone" => "The webhook and its deliveries are gone.",
        "replayed" => "The event is on its way once more.",
        "revoked" => "The key is revoked. Pages that use it can no longer ask.",
        "bought" => "The credits are there. Their invoice is below.",
        "paying" => "The payment is on its way. The credits are there as soon as it has arrived.",
        "paid" => "Thank you. The credits are there as soon as the payment has arrived.",
        "plan" => "The plan is changed, or will be when the month ends.",
        "subscribed" => "Thank you. The plan changes as soon as the payment has arrived.",
        "method" => "The card is there as soon as the payment provider has told of it.",
        "role" => "The role is changed.",
        "removed" => "They are removed, and what they had open is closed.",
        "invited" => "The invitation is on its way.",
        "withdrawn" => "The invitation is withdrawn. Its link leads nowhere.",
        "code" => "If an account waits for a code, a new one is on its way.",
        "link" => {
            "If there is an account with this address, a link is on its way to it. It is good for one hour."
        }
        "reset" => "The new password is set. Log in with it.",
        "verified" => "Your address is verified.",
        "renamed" => "Your name is saved.",
        "password" => "The new password is set. Your other sessions were ended.",
        "asked" => "A link to verify your address is on its way to you.",
        "ended" => "The session is ended.",
        "alone" => "All your other sessions are ended.",
        "one-factor" => "Two-factor login is off.",
        _ => return None,
    };
    Some(Notice::good(text))
}

/// One field as it stands behind the question mark of an address.
pub fn query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// Which page of a list a query asks for; the first, when it says nothing sensible.
pub fn page_number(query: &Fields) -> i64 {
    query.get("page").parse::<u32>().map_or(1, i64::from).max(1)
}

/// Which page a list is, counted from one.
pub fn number<T>(list: &Paged<T>) -> i64 {
    list.page.offset / list.page.limit + 1
}

/// How many pages there are.
pub fn count<T>(list: &Paged<T>) -> i64 {
    (list.total + list.page.limit - 1) / list.page.limit
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
                Redirect::to(&format!("/console/login?{}", query("next", &next))).into_response()
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
    let mut error = error.into();
    if matches!(error.kind, Kind::NotFound | Kind::Internal) || error.code == "CSRF" {
        return Err(error.into());
    }
    let (text, field) = (sentence(&error), error.field.take());
    Ok((outcome(error).0, Notice { bad: true, text, field }))
}

/// An error as people read it: with the words of a field's name where programs read the name, and longer waits in
/// minutes.
fn sentence(error: &Error) -> String {
    if let Some(seconds) = error.retry_after {
        let (count, unit) = if seconds < 60 { (seconds, "second") } else { (seconds.div_ceil(60), "minute") };
        let plural = if count == 1 { "" } else { "s" };
        return format!("There were too many tries. Try again in {count} {unit}{plural}.");
    }
    let (first, rest) = error.message.split_once(' ').unwrap_or((&error.message, ""));
    match first.split_at_checked(1) {
        Some((initial, others)) if first.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
            format!("{}{} {rest}", initial.to_uppercase(), others.replace('_', " "))
        }
        _ => error.message.to_string(),
    }
}

/// For paths without a page.
pub async fn not_found() -> PageError {
    Error::not_found("There is no such page.").into()
}

/// For pages whose address holds a token: nothing of it goes anywhere. Browsers would say nothing about where the
/// form comes from, either, under `no-referrer` (`Origin: null`), and [`crate::csrf::same_site`] has only that on
/// plain HTTP.
pub fn secret_address(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    response
}

/// Puts the headers on that keep a page from being framed, cached, or made to run what is not ours.
pub async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
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
        Ok(Self(workspaces::timezone(&workspaces::get(app, tenant).await?.timezone)?))
    }

    /// As people read it: `23 Nov 2026, 14:05`.
    pub fn show(&self, moment: &DateTime<Utc>) -> String {
        moment.with_timezone(&self.0).format("%-d %b %Y, %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences() {
        let of = |error: Error| sentence(&error);
        assert_eq!(of(Error::invalid("full_name", "full_name is empty.")), "Full name is empty.");
        assert_eq!(of(Error::invalid("new_password", "password needs more.")), "Password needs more.");
        assert_eq!(of(Error::conflict("a.exe: this is not read here.")), "a.exe: this is not read here.");
        assert_eq!(of(Error::limited(1)), "There were too many tries. Try again in 1 second.");
        assert_eq!(of(Error::limited(59)), "There were too many tries. Try again in 59 seconds.");
        assert_eq!(of(Error::limited(60)), "There were too many tries. Try again in 1 minute.");
        assert_eq!(of(Error::limited(61)), "There were too many tries. Try again in 2 minutes.");
    }
}
