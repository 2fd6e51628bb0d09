//! The audit log: who did what, narrowed by person or by action.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use platform::{
    App, Page, Paged, Permission,
    audit::{self, Entry, Filter},
};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    form::Asked,
    page::{Area, Chrome, Result, Zone, page_number, render},
    session::Member,
};

/// Entries on one page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub entries: Paged<Entry>,
    pub actor: &'a str,
    pub action: &'a str,
}

impl AuditPage<'_> {
    /// The filter as links to other pages carry it.
    fn filter(&self) -> String {
        let pairs = [("actor", self.actor), ("action", self.action)];
        let named = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(named).finish();
        if query.is_empty() { query } else { query + "&" }
    }

    /// What else is known of an entry, in a line.
    fn details(&self, entry: &Entry) -> String {
        let Value::Object(details) = &entry.details else { return String::new() };
        let words = details.iter().map(|(name, value)| match value {
            Value::String(text) => format!("{}: {text}", name.replace('_', " ")),
            other => format!("{}: {other}", name.replace('_', " ")),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// `GET …/audit`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewAudit)?;
    let (actor, action) = (query.get("actor").trim(), query.get("action").trim());
    let wanted = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = Filter { actor: wanted(actor), action: wanted(action), ..Filter::default() };
    let range = Page { limit: ROWS, offset: (page_number(&query) - 1) * ROWS };
    let page = AuditPage {
        chrome: member.chrome(Area::Audit),
        zone: Zone::of(&app, &member.tenant).await?,
        entries: audit::list(&app, &member.tenant, &filter, range).await?,
        actor,
        action,
    };
    render(StatusCode::OK, &page)
}
