//! One crawl: how its run goes, what could not be read, its settings, and its end.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, CrawlId, Error, Permission,
    knowledge::{
        self, Collection,
        crawl::{self, Details, Failed},
    },
};
use web::Path;

use crate::{
    crawls::{Settings, Site, change as changed},
    documents::name_of,
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::Member,
};

#[derive(Template)]
#[template(path = "crawl.html")]
pub(crate) struct CrawlPage {
    pub chrome: Chrome,
    pub zone: Zone,
    pub collections: Vec<Collection>,
    pub site: Site,
    pub failed: Vec<Failed>,
    pub crawl: Settings,
    pub notice: Option<Notice>,
}

impl CrawlPage {
    fn collection(&self) -> &str {
        name_of(&self.collections, self.site.crawl.collection_id.as_str())
    }
}

/// What a rendering of the page shows besides the crawl.
#[derive(Default)]
struct Shown {
    /// What was typed into the form of its settings.
    typed: Option<Fields>,
    notice: Option<Notice>,
}

async fn show(app: &App, member: &Member, id: &CrawlId, status: StatusCode, shown: Shown) -> Result {
    let Details { crawl, tally, failed } = crawl::get(app, &member.tenant, id).await?;
    let page = CrawlPage {
        chrome: member.chrome(Area::Crawls),
        zone: Zone::of(app, &member.tenant).await?,
        collections: knowledge::list_collections(app, &member.tenant).await?,
        crawl: shown.typed.as_ref().map_or_else(|| Settings::of(&crawl.plan), Settings::sent),
        site: Site { crawl, tally },
        failed,
        notice: shown.notice,
    };
    render(status, &page)
}

async fn show_mistake(
    app: &App,
    member: &Member,
    id: &CrawlId,
    error: Error,
    typed: Option<Fields>,
) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, id, status, Shown { typed, notice: Some(notice) }).await
}

fn told(member: &Member, id: &CrawlId, done: &str) -> Result {
    let target = format!("/console/{}/crawls/{id}?done={done}", member.tenant.id());
    Ok(Redirect::to(&target).into_response())
}

/// `GET …/crawls/{crawl_id}`
pub async fn page(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result {
    let shown = Shown { notice: done(query.get("done")), typed: None };
    show(&app, &member, &id.parse()?, StatusCode::OK, shown).await
}

/// `POST …/crawls/{crawl_id}`: changes its settings.
pub async fn change(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: CrawlId = id.parse()?;
    let outcome = match changed(&fields) {
        Ok(change) => crawl::change(&app, &member.tenant, &member.by, &id, change).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => told(&member, &id, "changed"),
        Err(error) => show_mistake(&app, &member, &id, error, Some(fields)).await,
    }
}

/// `POST …/crawls/{crawl_id}/run`
pub async fn run(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: CrawlId = id.parse()?;
    match crawl::run_now(&app, &member.tenant, &member.by, &id).await {
        Ok(_) => told(&member, &id, "crawl"),
        Err(error) => show_mistake(&app, &member, &id, error, None).await,
    }
}

/// `POST …/crawls/{crawl_id}/cancel`
pub async fn cancel(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let id: CrawlId = id.parse()?;
    crawl::cancel(&app, &member.tenant, &member.by, &id).await?;
    told(&member, &id, "cancelled")
}

/// `POST …/crawls/{crawl_id}/delete`: with its documents only when that was ticked.
pub async fn delete(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let with_documents = fields.get("documents") == "yes";
    crawl::delete(&app, &member.tenant, &member.by, &id.parse()?, with_documents).await?;
    let done = if with_documents { "crawl-and-documents-gone" } else { "crawl-gone" };
    Ok(Redirect::to(&format!("/console/{}/crawls?done={done}", member.tenant.id())).into_response())
}
