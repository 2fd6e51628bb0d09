//! Websites become documents, a page each, and stay in step with their sites.

use http::Method;
use serde_json::{Value, json};
use testkit::{Database, Owner, Reply, Server, Site, on_both, page};

use super::PROGRAM;

/// A server that may enter this machine's own network, where the test's websites are.
pub(super) async fn start(database: Database) -> Server {
    Server::start_with(database, PROGRAM, |config| config.allow_private_networks = true).await
}

/// A crawl's answer, once its run is over. What waits for a time waits for the test's clock.
pub(super) async fn finished(server: &Server, owner: &Owner, id: &str) -> Value {
    for _ in 0..1500 {
        let crawl = get(server, owner, id).await;
        let counts = platform::jobs::counts(&server.app).await.unwrap();
        let over = !matches!(crawl["status"].as_str(), Some("QUEUED" | "CRAWLING"));
        let idle = counts.running == 0 && (counts.queued == 0 || !crawl["next_run_at"].is_null());
        if over && idle {
            return crawl;
        }
        if counts.running == 0 {
            server.app.clock.advance(chrono::TimeDelta::seconds(1));
            server.app.bell.ring();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the crawl does not end: {}", get(server, owner, id).await);
}

pub(super) async fn get(server: &Server, owner: &Owner, id: &str) -> Value {
    server.within(owner, Method::GET, &format!("/crawls/{id}")).send().await.expect(200)
}

/// Crawls a website as a body says, to the end.
pub(super) async fn crawl(server: &Server, owner: &Owner, body: Value) -> Value {
    let queued = server.within(owner, Method::POST, "/documents/url").json(body).send().await.expect(202);
    assert_eq!(
        (&queued["status"], &queued["message"]),
        (&json!("QUEUED"), &json!("Website queued for crawling"))
    );
    finished(server, owner, queued["id"].as_str().unwrap()).await
}

/// Runs a crawl again, to the end.
pub(super) async fn again(server: &Server, owner: &Owner, id: &Value) -> Value {
    let id = id.as_str().unwrap();
    server.within(owner, Method::POST, &format!("/crawls/{id}/run")).send().await.expect(202);
    finished(server, owner, id).await
}

/// The paths of the pages that are documents, in order.
pub(super) async fn paths(server: &Server, owner: &Owner, site: &Site) -> Vec<String> {
    let documents = server.documents(owner).await;
    let url = |document: &Value| document["source_url"].as_str().unwrap_or_default().to_owned();
    let mut paths: Vec<String> = documents.iter().map(|d| url(d).replace(&site.url, "")).collect();
    paths.sort();
    paths
}

async fn document(server: &Server, owner: &Owner, url: &str) -> Value {
    let documents = server.documents(owner).await;
    let found =
        documents.iter().find(|document| document["source_url"] == url).expect("the page is a document");
    let path = format!("/documents/{}", found["id"].as_str().unwrap());
    server.within(owner, Method::GET, &path).send().await.expect(200)
}

on_both! {
    async fn a_website_becomes_documents(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        site.page("/docs/", "Shipping. Parcels to Norway take nine working days.", &["/docs/returns?utm_source=menu#top", "/blog/news", "https://example.org/"])
            .page("/docs/returns", "Returns. You may return an item within 45 days.", &["/docs/", "/logo.png", "mailto:a@example.com"])
            .page("/blog/news", "News. The blog must not be crawled.", &[]);
        let body = json!({ "url": format!("{}/docs/", site.url), "collection_id": collection, "max_pages": 50, "include_patterns": ["/docs/*"], "exclude_patterns": ["/blog/*"] });
        let crawl = crawl(&server, &owner, body.clone()).await;
        assert_eq!((&crawl["status"], &crawl["pages"]["created"]), (&json!("COMPLETED"), &json!(2)), "{crawl}");
        assert_eq!((&crawl["error"], &crawl["failed_pages"], &crawl["next_run_at"]), (&Value::Null, &json!([]), &Value::Null));
        let mut asked = site.paths();
        assert_eq!(asked[..2], ["/robots.txt", "/docs/"]);
        asked[2..].sort(); // the rest is asked for at once
        assert_eq!(asked[2..], ["/docs/returns", "/sitemap.xml"]);
        let agent = site.asked()[0].headers["user-agent"].to_str().unwrap().to_owned();
        assert!(agent.starts_with("Frontdesk/") && agent.ends_with(&format!("(+{})", server.url)), "{agent}");

        server.quiet().await;
        let returns = document(&server, &owner, &format!("{}/docs/returns", site.url)).await;
        assert_eq!((&returns["source_type"], &returns["title"]), (&json!("URL"), &json!("Returns")));
        assert_eq!(returns["status"], "COMPLETED", "{returns}");
        let agent = server.agent(&owner, &collection).await;
        let asked = server.within(&owner, Method::POST, &format!("/agents/{agent}/test")).json(json!({ "message": "How long do parcels to Norway take?" }));
        let answer = asked.send().await.expect(200);
        assert_eq!(answer["sources"][0]["quote"], "Parcels to Norway take nine working days.", "{answer}");

        // The same again is the same crawl, and changes nothing.
        let second = self::crawl(&server, &owner, body).await;
        assert_eq!((&second["id"], &second["run"], &second["pages"]["unchanged"]), (&crawl["id"], &json!(2), &json!(2)));
        assert_eq!(server.documents(&owner).await.len(), 2);
        let list = server.within(&owner, Method::GET, "/crawls").send().await.expect(200);
        assert_eq!((&list["total"], &list["crawls"][0]["id"]), (&json!(1), &crawl["id"]));
        server.stop().await;
    }

    async fn a_website_that_changes_is_followed(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        let home = |links: &[&str]| Reply::html(page("Home. Welcome to our shop.", "", links));
        site.set("/", home(&["/same", "/token", "/text", "/gone", "/unlinked", "/down"]))
            .set("/same", Reply::html(page("Same. It stays as it is.", "", &["/behind"])).header("etag", "\"1\""))
            .page("/behind", "Behind. Only a page that stays leads here.", &[])
            .set("/token", Reply::html(page("Token. The text stays.", "<meta name=csrf content=1>", &[])))
            .page("/text", "Text. The door is red.", &[])
            .page("/gone", "Gone. Soon it is no more.", &[])
            .page("/unlinked", "Unlinked. Soon nothing leads here.", &[])
            .page("/down", "Down. Soon it answers badly.", &[]);
        let crawl = crawl(&server, &owner, json!({ "url": site.url, "collection_id": collection })).await;
        assert_eq!(crawl["pages"]["created"], 8, "{crawl}");
        server.quiet().await;
        let before = server.documents(&owner).await.len();

        site.set("/", home(&["/same", "/token", "/text", "/gone", "/new", "/down"]))
            .set("/token", Reply::html(page("Token. The text stays.", "<meta name=csrf content=2>", &[])))
            .page("/text", "Text. The door is blue.", &[])
            .remove("/gone")
            .page("/new", "New. It was not there before.", &[])
            .set("/down", Reply::status(503));
        site.forget();
        let second = again(&server, &owner, &crawl["id"]).await;
        let pages = &second["pages"];
        assert_eq!((&pages["created"], &pages["updated"], &pages["gone"], &pages["failed"]), (&json!(1), &json!(1), &json!(1), &json!(1)), "{second}");
        assert_eq!(pages["unchanged"], 4, "{second}");
        assert_eq!(second["failed_pages"], json!([{ "url": format!("{}/down", site.url), "http_status": 503, "reason": "It answers 503." }]));
        assert_eq!(site.asked().iter().filter(|asked| asked.path == "/down").count(), 3, "it was tried three times");
        let same = site.asked().into_iter().find(|asked| asked.path == "/same").unwrap();
        assert_eq!((same.status, same.headers["if-none-match"].to_str().unwrap()), (304, "\"1\""));
        // What failed may be why nothing leads to a page: it stays until a run has seen everything.
        assert_eq!(paths(&server, &owner, &site).await, ["/", "/behind", "/down", "/new", "/same", "/text", "/token", "/unlinked"]);
        server.quiet().await;
        let text = document(&server, &owner, &format!("{}/text", site.url)).await;
        assert_eq!((&text["version"], text["versions"].as_array().unwrap().len()), (&json!(2), 2), "{text}");
        let token = document(&server, &owner, &format!("{}/token", site.url)).await;
        assert_eq!(token["version"], 1, "markup alone makes no version");

        site.page("/down", "Down. Soon it answers badly.", &[]);
        let third = again(&server, &owner, &crawl["id"]).await;
        assert_eq!((&third["pages"]["failed"], &third["pages"]["retired"]), (&json!(0), &json!(1)), "{third}");
        assert_eq!(paths(&server, &owner, &site).await, ["/", "/behind", "/down", "/new", "/same", "/text", "/token"]);

        // What comes back is the document that it was.
        site.page("/gone", "Gone. Soon it is no more.", &[]);
        let fourth = again(&server, &owner, &crawl["id"]).await;
        assert_eq!(fourth["pages"]["failed"], 0, "{fourth}");
        assert_eq!(server.documents(&owner).await.len(), before);
        server.quiet().await;
        let gone = document(&server, &owner, &format!("{}/gone", site.url)).await;
        assert_eq!(gone["status"], "COMPLETED", "{gone}");
        server.stop().await;
    }

    async fn a_site_is_obeyed(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        let listed = format!("User-agent: *\nDisallow: /private/\nAllow: /private/open\nSitemap: {}/list.xml\n", site.url);
        let map = format!("<urlset><url><loc>{0}/from-map</loc></url><url><loc>https://example.org/x</loc></url></urlset>", site.url);
        site.set("/robots.txt", Reply::of("text/plain", listed))
            .set("/list.xml", Reply::of("application/xml", map))
            .page("/", "Home. Welcome.", &["/private/a", "/private/open", "/hidden", "/header", "/dead-end", "/double?a=1", "/double?a=2", "/moved", "/orphan", "/empty", "/guide.txt"])
            .page("/private/a", "Private. Not for robots.", &[])
            .page("/private/open", "Open. This one may be read.", &[])
            .page("/from-map", "Mapped. Only the sitemap leads here.", &[])
            .set("/hidden", Reply::html(page("Hidden. Not to be found.", "<meta name=robots content=noindex>", &["/behind"])))
            .page("/behind", "Behind. A hidden page leads here.", &[])
            .set("/header", Reply::html(page("Header. Hidden by its header.", "", &[])).header("x-robots-tag", "noindex"))
            .set("/dead-end", Reply::html(page("Dead end. Leads nowhere.", "<meta name=robots content=nofollow>", &["/not-followed"])))
            .page("/not-followed", "Never. Nobody may follow here.", &[])
            .set("/double?a=1", Reply::html(page("Double. One of two.", "<link rel=canonical href='/double'>", &[])))
            .set("/double?a=2", Reply::html(page("Double. One of two.", "<link rel=canonical href='/double'>", &[])))
            .page("/double", "Double. The page itself.", &[])
            .set("/moved", Reply::redirect("/target"))
            .page("/target", "Target. It was moved here.", &["/moved"])
            .set("/orphan", Reply::html(page("Orphan. Its other self is not there.", "<link rel=canonical href='/nothing'>", &[])))
            .set("/empty", Reply::html("<html><body><script>app()</script></body></html>"))
            .set("/guide.txt", Reply::of("text/plain", "The guide is a plain text beside the pages."));
        let crawl = crawl(&server, &owner, json!({ "url": site.url, "collection_id": collection })).await;
        assert_eq!(crawl["status"], "COMPLETED", "{crawl}");
        let expected = ["/", "/behind", "/dead-end", "/double", "/from-map", "/guide.txt", "/orphan", "/private/open", "/target"];
        assert_eq!(paths(&server, &owner, &site).await, expected, "{crawl}");
        let asked = site.paths();
        assert!(!asked.iter().any(|path| path == "/private/a" || path == "/not-followed"), "{asked:?}");

        // What is hidden later is a document no more.
        site.set("/target", Reply::html(page("Target. It was moved here.", "<meta name=frontdesk content=none>", &[])));
        again(&server, &owner, &crawl["id"]).await;
        assert!(!paths(&server, &owner, &site).await.contains(&"/target".to_owned()));
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_has_one_name() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let site = Site::start().await;
    let at = |host: &str, path: &str| site.url.replace("127.0.0.1", host) + path;
    // The bare name redirects to the other, where pages lead to each other by both.
    site.set("/", Reply::redirect(&at("www.shop.test", "/home")))
        .page(
            "/home",
            "Home. Welcome.",
            &[&at("shop.test", "/a"), &at("www.shop.test", "/a"), "/a", &at("help.shop.test", "/b")],
        )
        .page("/a", "Page A. It is one page.", &["/home"]);
    let crawl =
        crawl(&server, &owner, json!({ "url": at("shop.test", "/"), "collection_id": collection })).await;
    assert_eq!((&crawl["pages"]["created"], &crawl["pages"]["skipped"]), (&json!(2), &json!(1)), "{crawl}");
    let documents = server.documents(&owner).await;
    let mut urls: Vec<&str> =
        documents.iter().map(|document| document["source_url"].as_str().unwrap()).collect();
    urls.sort_unstable();
    assert_eq!(urls, [at("www.shop.test", "/a"), at("www.shop.test", "/home")]);
    let hosts: Vec<String> = site
        .asked()
        .iter()
        .filter(|asked| asked.path == "/a")
        .map(|asked| asked.headers["host"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(hosts.len(), 1);
    assert!(hosts[0].starts_with("www.shop.test:"), "{hosts:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_full_ends_a_run() {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| {
        config.allow_private_networks = true;
        config.max_documents = 2;
    })
    .await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let site = Site::start().await;
    let links: Vec<String> = (0..9).map(|n| format!("/{n}")).collect();
    site.page("/", "Home. Welcome.", &links.iter().map(String::as_str).collect::<Vec<_>>());
    for n in 0..9 {
        site.page(&format!("/{n}"), &format!("Page {n}. Some text."), &[]);
    }
    let crawl = crawl(&server, &owner, json!({ "url": site.url, "collection_id": collection })).await;
    assert_eq!((&crawl["status"], &crawl["pages"]["created"]), (&json!("FAILED"), &json!(2)), "{crawl}");
    assert!(crawl["error"].as_str().unwrap().contains("FRONTDESK_MAX_DOCUMENTS"), "{crawl}");
    server.quiet().await;
    let files = server.app.config.data_dir.join("files").join(&owner.workspace);
    assert_eq!(std::fs::read_dir(files).unwrap().count(), 2, "what was under way leaves no file");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_bounds() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let site = Site::start().await;
    for n in 0..12 {
        let (next, over) = (format!("/{}", n + 1), format!("/{}", n + 2));
        site.page(&format!("/{n}"), &format!("Page {n}. There is a next one."), &[&next, &over]);
    }
    let body = |more: Value| {
        let mut body = json!({ "url": format!("{}/0", site.url), "collection_id": collection });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let three = crawl(&server, &owner, body(json!({ "max_pages": 3 }))).await;
    assert_eq!((&three["pages"]["created"], &three["cut_short"]), (&json!(3), &json!(true)), "{three}");
    assert_eq!(paths(&server, &owner, &site).await, ["/0", "/1", "/2"], "the nearest come first");

    // Two links away are four pages; what lay further is gone only when everything was seen.
    let near = crawl(&server, &owner, body(json!({ "max_depth": 2 }))).await;
    assert_eq!((&near["pages"]["seen"], &near["cut_short"]), (&json!(5), &json!(false)), "{near}");
    let start_only = crawl(&server, &owner, body(json!({ "max_depth": 0, "max_pages": 1 }))).await;
    assert_eq!(
        (&start_only["pages"]["retired"], &start_only["id"]),
        (&json!(4), &near["id"]),
        "{start_only}"
    );
    assert_eq!(paths(&server, &owner, &site).await, ["/0"]);

    let elsewhere = crawl(&server, &owner, body(json!({ "include_patterns": ["/nothing/*"] }))).await;
    assert_eq!(elsewhere["status"], "FAILED", "{elsewhere}");
    assert!(elsewhere["error"].as_str().unwrap().contains("patterns"), "{elsewhere}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said() {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| config.crawl_max_pages = 100).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let post = |body: Value| server.within(&owner, Method::POST, "/documents/url").json(body).send();
    for url in [
        "",
        "nowhere",
        "ftp://example.com/",
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "http://inside.test/",
        "http://169.254.169.254/latest/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://user:secret@example.com/",
        "http://example.com:22/",
    ] {
        let (_, field) = post(json!({ "url": url, "collection_id": collection })).await.refused(400);
        assert_eq!(field.as_deref(), Some("url"), "{url}");
    }
    let url = "http://93.184.215.14/";
    for (more, field) in [
        (json!({ "collection_id": "col_00000000000000000000zzzz" }), "collection_id"),
        (json!({ "max_pages": 101 }), "max_pages"),
        (json!({ "max_pages": 0 }), "max_pages"),
        (json!({ "max_depth": 21 }), "max_depth"),
        (json!({ "include_patterns": [" "] }), "include_patterns"),
        (json!({ "exclude_patterns": vec!["/a"; 51] }), "exclude_patterns"),
        (json!({ "every": "hour" }), "every"),
    ] {
        let mut body = json!({ "url": url, "collection_id": collection });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(post(body).await.refused(400).1.as_deref(), Some(field), "{more}");
    }
    server.within(&owner, Method::GET, "/crawls/crawl_0000000000000000000000zz").send().await.refused(404);
    assert!(server.within(&owner, Method::GET, "/crawls").send().await.expect(200)["total"] == 0);
    server.stop().await;
}
