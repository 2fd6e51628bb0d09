//! The websites that are read for the agents, and the form of a new one. One of them is next door, in `crawl`.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, Error, Page, Paged, Patch, Permission,
    knowledge::{
        self, Collection,
        crawl::{self, Change, Crawl, Details, Every, NewCrawl, Plan, Tally},
    },
};
use url::Url;
use web::text;

use crate::{
    adding::{Typed, Way, chosen, show_mistake},
    documents::name_of,
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, page_number, render},
    session::Member,
};

/// Rows of the list.
const ROWS: i64 = 50;
/// Longest address, in characters.
const MAX_URL: usize = 2_000;

/// How far a crawl goes and how often, as it stands in a form: what is kept, or what was sent and could not be.
pub(crate) struct Settings {
    pub max_pages: String,
    pub max_depth: String,
    pub include: String,
    pub exclude: String,
    pub every: String,
}

impl Settings {
    /// What a new crawl has unless it says otherwise.
    pub fn usual(app: &App) -> Self {
        Self {
            max_pages: Plan::DEFAULT_PAGES.min(app.config.crawl_max_pages).to_string(),
            max_depth: Plan::DEFAULT_DEPTH.to_string(),
            include: String::new(),
            exclude: String::new(),
            every: String::new(),
        }
    }

    /// What is kept.
    pub fn of(plan: &Plan) -> Self {
        Self {
            max_pages: plan.max_pages.to_string(),
            max_depth: plan.max_depth.to_string(),
            include: plan.include.join("\n"),
            exclude: plan.exclude.join("\n"),
            every: plan.every.map(Every::as_str).unwrap_or_default().into(),
        }
    }

    /// What was typed.
    pub fn sent(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        Self {
            max_pages: text("max_pages"),
            max_depth: text("max_depth"),
            include: text("include_patterns"),
            exclude: text("exclude_patterns"),
            every: text("every"),
        }
    }
}

/// The settings that a form names.
///
/// # Errors
/// Invalid, naming the field.
pub(crate) fn plan(fields: &Fields) -> platform::Result<Plan> {
    let number = |name: &'static str, told: &'static str| {
        fields.get(name).trim().parse().map_err(|_| Error::invalid(name, told))
    };
    Ok(Plan {
        max_pages: number("max_pages", "The most pages are a whole number, such as 50.")?,
        max_depth: number("max_depth", "The most links are a whole number, such as 5.")?,
        include: fields.lines("include_patterns"),
        exclude: fields.lines("exclude_patterns"),
        every: match fields.get("every") {
            "" => None,
            every => Some(every.parse()?),
        },
    })
}

/// The same as a change of a crawl.
///
/// # Errors
/// As [`plan`].
pub(crate) fn change(fields: &Fields) -> platform::Result<Change> {
    let plan = plan(fields)?;
    Ok(Change {
        max_pages: Some(plan.max_pages),
        max_depth: Some(plan.max_depth),
        include: Some(plan.include),
        exclude: Some(plan.exclude),
        every: plan.every.map_or(Patch::Clear, Patch::Set),
    })
}

/// A crawl, as the pages tell of it.
pub(crate) struct Site {
    pub crawl: Crawl,
    pub tally: Tally,
}

impl Site {
    /// How far it is, in a word.
    pub fn status(&self) -> &'static str {
        match self.crawl.status.as_str() {
            "QUEUED" => "Waiting",
            "CRAWLING" => "Reading",
            "COMPLETED" => "Done",
            "CANCELLED" => "Cancelled",
            _ => "Failed",
        }
    }

    /// How often it is read, in words.
    pub fn repeats(&self) -> &'static str {
        match self.crawl.plan.every {
            None => "Never",
            Some(Every::Day) => "Daily",
            Some(Every::Week) => "Weekly",
        }
    }
}

#[derive(Template)]
#[template(path = "crawls.html")]
pub(crate) struct CrawlsPage {
    pub chrome: Chrome,
    pub zone: Zone,
    pub collections: Vec<Collection>,
    pub sites: Paged<Site>,
    pub notice: Option<Notice>,
}

impl CrawlsPage {
    fn unfinished(&self) -> usize {
        self.sites.items.iter().filter(|site| site.crawl.is_active()).count()
    }

    fn collection(&self, site: &Site) -> &str {
        name_of(&self.collections, site.crawl.collection_id.as_str())
    }
}

/// `GET …/crawls`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    let range = Page { limit: ROWS, offset: (page_number(&query) - 1) * ROWS };
    let Paged { items, total, page } = crawl::list(&app, &member.tenant, range).await?;
    let items = items.into_iter().map(|(crawl, tally)| Site { crawl, tally }).collect();
    let page = CrawlsPage {
        chrome: member.chrome(Area::Crawls),
        zone: Zone::of(&app, &member.tenant).await?,
        collections: knowledge::list_collections(&app, &member.tenant).await?,
        sites: Paged { items, total, page },
        notice: done(query.get("done")),
    };
    render(StatusCode::OK, &page)
}

/// `POST …/crawls`: reads a website. The form stands among those that add knowledge, and so do its mistakes.
pub async fn start(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditKnowledge)?;
    match begin(&app, &member, &fields).await {
        Ok(Details { crawl, .. }) => {
            let target = format!("/console/{}/crawls/{}?done=crawl", member.tenant.id(), crawl.id);
            Ok(Redirect::to(&target).into_response())
        }
        Err(error) => show_mistake(&app, &member, error, Typed { way: Some(Way::Crawl), fields }).await,
    }
}

async fn begin(app: &App, member: &Member, fields: &Fields) -> platform::Result<Details> {
    let url = address(&text("url", fields.get("url"), MAX_URL)?)?;
    let form = NewCrawl { url, collection: chosen(fields.get("collection"))?, plan: plan(fields)? };
    crawl::start(app, &member.tenant, &member.by, form).await
}

/// An address as people write it: without `https://` more often than not.
fn address(typed: &str) -> platform::Result<Url> {
    let whole = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    whole
        .parse()
        .map_err(|_| Error::invalid("url", "This is not an address such as https://docs.example.com."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        let of = |typed| address(typed).map(String::from).ok();
        assert_eq!(of("docs.example.com").as_deref(), Some("https://docs.example.com/"));
        assert_eq!(of("docs.example.com:81/a?b").as_deref(), Some("https://docs.example.com:81/a?b"));
        assert_eq!(of("http://docs.example.com").as_deref(), Some("http://docs.example.com/"));
        assert_eq!(of("not an address"), None);
    }
}
