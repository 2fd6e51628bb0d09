//! Websites that are read page by page.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, CollectionId, Error, Patch,
    knowledge::crawl::{self, Change, Crawl, Details, Every, NewCrawl, Plan, Tally},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, paged, text};

/// The body of a website to read.
#[derive(Deserialize)]
pub struct CrawlBody {
    url: String,
    collection_id: String,
    max_pages: Option<i64>,
    max_depth: Option<i64>,
    include_patterns: Option<Vec<String>>,
    exclude_patterns: Option<Vec<String>>,
    every: Option<String>,
}

/// `POST …/documents/url`: the website is read by jobs, a page a document.
pub async fn crawl_website(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CrawlBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let bad = |_| Error::invalid("url", "url is not an address such as https://docs.example.com.");
    let unknown =
        |_| Error::invalid("collection_id", "There is no such collection in this workspace. Make one first.");
    let form = NewCrawl {
        url: text("url", &body.url, 2_000)?.parse().map_err(bad)?,
        collection: body.collection_id.parse::<CollectionId>().map_err(unknown)?,
        plan: Plan {
            max_pages: body.max_pages.unwrap_or(Plan::DEFAULT_PAGES.min(app.config.crawl_max_pages)),
            max_depth: body.max_depth.unwrap_or(Plan::DEFAULT_DEPTH),
            include: body.include_patterns.unwrap_or_default(),
            exclude: body.exclude_patterns.unwrap_or_default(),
            every: body.every.map(|every| every.parse()).transpose()?,
        },
    };
    let details = crawl::start(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::ACCEPTED, Json(queued(&details))))
}

/// `GET …/crawls`
pub async fn list_crawls(
    State(app): State<App>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = crawl::list(&app, &member.tenant, page.page()?).await?;
    Ok(Json(paged("crawls", list, |(crawl, tally)| view(&crawl, &tally))))
}

/// `GET …/crawls/{crawl_id}`
pub async fn get_crawl(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    Ok(Json(detailed(&crawl::get(&app, &member.tenant, &id.parse()?).await?)))
}

/// What to change of a crawl.
#[derive(Deserialize)]
pub struct UpdateBody {
    max_pages: Option<i64>,
    max_depth: Option<i64>,
    include_patterns: Option<Vec<String>>,
    exclude_patterns: Option<Vec<String>>,
    #[serde(default)]
    every: Patch<String>,
}

/// `PATCH …/crawls/{crawl_id}`
pub async fn update_crawl(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let change = Change {
        max_pages: body.max_pages,
        max_depth: body.max_depth,
        include: body.include_patterns,
        exclude: body.exclude_patterns,
        every: match body.every {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(every) => Patch::Set(every.parse()?),
        },
    };
    Ok(Json(detailed(&crawl::change(&app, &member.tenant, &member.by, &id.parse()?, change).await?)))
}

/// `POST …/crawls/{crawl_id}/run`
pub async fn run_crawl(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>)> {
    let details = crawl::run_now(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok((StatusCode::ACCEPTED, Json(queued(&details))))
}

/// `POST …/crawls/{crawl_id}/cancel`
pub async fn cancel_crawl(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    Ok(Json(detailed(&crawl::cancel(&app, &member.tenant, &member.by, &id.parse()?).await?)))
}

/// What becomes of a crawl's documents.
#[derive(Deserialize)]
pub struct DeleteQuery {
    documents: Option<bool>,
}

/// `DELETE …/crawls/{crawl_id}`: its documents stay unless `?documents=true`.
pub async fn delete_crawl(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<DeleteQuery>,
) -> Result<Json<Value>> {
    let documents = query.documents.unwrap_or(false);
    let deleted = crawl::delete(&app, &member.tenant, &member.by, &id.parse()?, documents).await?;
    Ok(Json(json!({ "success": true, "message": "Crawl deleted", "documents_deleted": deleted })))
}

fn queued(details: &Details) -> Value {
    let mut answer = detailed(details);
    answer["message"] = json!("Website queued for crawling");
    answer
}

fn detailed(details: &Details) -> Value {
    let mut answer = view(&details.crawl, &details.tally);
    let failed = details.failed.iter();
    answer["failed_pages"] = failed
        .map(|page| json!({ "url": page.url, "http_status": page.http_status, "reason": page.note }))
        .collect();
    answer
}

fn view(c: &Crawl, tally: &Tally) -> Value {
    json!({
        "id": c.id,
        "url": c.url,
        "collection_id": c.collection_id,
        "status": c.status,
        "error": c.error,
        "max_pages": c.plan.max_pages,
        "max_depth": c.plan.max_depth,
        "include_patterns": c.plan.include,
        "exclude_patterns": c.plan.exclude,
        "every": c.plan.every.map(Every::as_str),
        "run": c.run,
        "pages": {
            "seen": tally.seen(),
            "queued": tally.queued,
            "fetched": tally.fetched(),
            "created": tally.created,
            "updated": tally.updated,
            "unchanged": tally.unchanged,
            "skipped": tally.skipped,
            "gone": tally.gone,
            "failed": tally.failed,
            "retired": c.retired,
        },
        "cut_short": c.cut_short,
        "created_at": c.created_at,
        "updated_at": c.updated_at,
        "started_at": c.started_at,
        "finished_at": c.finished_at,
        "next_run_at": c.next_run_at,
    })
}
