//! A crawl of a site of 500 pages on this machine, without politeness: what the crawler itself can do.

use std::time::{Duration, Instant};

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    Bench, Result,
    api::Api,
    corpus, fill,
    report::Section,
    server::{Embedding, Server, Setup},
};

/// Links of a page to pages that follow.
const LINKS: usize = 10;
const PARAGRAPHS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures a crawl, and how long until every page can be found, without a model.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let pages = bench.pick(500, 50);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let first = format!("http://{}/pages/0", listener.local_addr()?);
    let site = Router::new()
        .route("/pages/{nth}", get(move |Path(nth): Path<usize>| async move { page(nth, pages) }));
    tokio::select! {
        section = crawl(bench, &first, pages) => section,
        ended = axum::serve(listener, site) => Err(format!("the site ended: {ended:?}").into()),
    }
}

async fn crawl(bench: &Bench, first: &str, pages: usize) -> Result<Section> {
    let mut setup = Setup::new(bench.folder.join("crawl"), None, Embedding::None);
    setup.settings = vec![
        ("FRONTDESK_CRAWL_DELAY_MS", "0".to_owned()),
        ("FRONTDESK_ALLOW_PRIVATE_NETWORKS", "true".to_owned()),
    ];
    fill::remove(&setup.data)?;
    let workspace = setup.create_owner(bench).await?;
    let server = Server::start(bench, &setup).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    let collection = api.collection().await?;
    let started = Instant::now();
    let crawl = api.crawl(&collection, first, pages).await?;
    let read = api.crawled(&crawl, PATIENCE).await?;
    let seconds = started.elapsed().as_secs_f64();
    server.stop().await?;
    let mut section = Section::new(&format!("Crawl of a local site of {pages} pages"));
    section.at_least("pages a second", 50.0, pages as f64 / seconds, "");
    section.plain("time until the crawl is over", seconds, " s");
    section.note(format!("the crawl's own account: {read}"));
    Ok(section)
}

fn page(nth: usize, pages: usize) -> Response {
    if nth >= pages {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut random = corpus::Random(nth as u64 + 1);
    let text: String =
        (0..PARAGRAPHS).map(|_| format!("<p>{}</p>", corpus::paragraph(&mut random))).collect();
    let next = (1..=LINKS).map(|step| nth * LINKS + step).filter(|&next| next < pages);
    let links: String = next.map(|next| format!("<a href=\"/pages/{next}\">Page {next}</a> ")).collect();
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><title>Guide {nth}</title></head><body><nav>{links}</nav>\
         <main><h1>Guide {nth}</h1>{text}</main></body></html>"
    ))
    .into_response()
}
