//! Runs of crawls: when they begin and end, whose turn it is at a site, and what a bad site or a kill does to them.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use testkit::{Database, Reply, Server, Site, on_both, page};

use super::{
    PROGRAM,
    crawl::{again, crawl, finished, get, paths, start},
    program::{Process, create_user},
};

on_both! {
    async fn a_schedule_begins_runs_by_itself(database: Database) {
        let server = start(database).await;
        let mut owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        site.page("/", "Home. Welcome.", &[]);
        let first = crawl(&server, &owner, json!({ "url": site.url, "collection_id": collection, "every": "day" })).await;
        assert_eq!((&first["run"], &first["every"]), (&json!(1), &json!("day")));
        assert!(!first["next_run_at"].is_null(), "{first}");
        let id = first["id"].as_str().unwrap();
        site.page("/", "Home. Welcome back.", &[]);
        server.app.clock.advance(TimeDelta::hours(23));
        owner.token = server.log_in("owner@example.com").await["access_token"].as_str().unwrap().to_owned();
        server.app.bell.ring();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(get(&server, &owner, id).await["run"], 1, "not yet");
        server.app.clock.advance(TimeDelta::hours(1));
        server.app.bell.ring();
        let until = Instant::now() + Duration::from_secs(20);
        while get(&server, &owner, id).await["run"] == 1 {
            assert!(Instant::now() < until);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let second = finished(&server, &owner, id).await;
        assert_eq!((&second["run"], &second["pages"]["updated"]), (&json!(2), &json!(1)), "{second}");

        // A schedule that was changed or taken away leaves nothing behind that runs.
        let patch = |body: Value| server.within(&owner, Method::PATCH, &format!("/crawls/{id}")).json(body).send();
        let weekly = patch(json!({ "every": "week", "max_pages": 7 })).await.expect(200);
        assert_eq!((&weekly["every"], &weekly["max_pages"]), (&json!("week"), &json!(7)));
        let never = patch(json!({ "every": null })).await.expect(200);
        assert_eq!((&never["every"], &never["next_run_at"], &never["max_pages"]), (&Value::Null, &Value::Null, &json!(7)));
        server.app.clock.advance(TimeDelta::days(8));
        owner.token = server.log_in("owner@example.com").await["access_token"].as_str().unwrap().to_owned();
        server.quiet().await;
        assert_eq!(get(&server, &owner, id).await["run"], 2);
        server.stop().await;
    }

    async fn a_site_is_asked_once_at_a_time_and_then_left_alone(database: Database) {
        let server = Server::start_with(database, PROGRAM, |config| {
            config.allow_private_networks = true;
            config.crawl_delay = Duration::from_secs(1);
            config.job_workers = 4;
        }).await;
        let site = Site::start().await;
        site.set("/robots.txt", Reply::of("text/plain", "User-agent: *\nCrawl-delay: 3"));
        for path in ["/", "/a", "/b"] {
            site.set(path, Reply::html(page("Page. Some text.", "", &["/a", "/b"])).after(Duration::from_millis(50)));
        }
        let (mut owners, mut crawls) = (Vec::new(), Vec::new());
        for email in ["one@example.com", "two@example.com"] {
            let owner = server.owner(email).await;
            let collection = server.collection(&owner).await;
            owners.push((owner, collection));
        }
        for (owner, collection) in owners {
            let body = json!({ "url": site.url, "collection_id": collection });
            let queued = server.within(&owner, Method::POST, "/documents/url").json(body).send().await.expect(202);
            crawls.push((owner, queued["id"].as_str().unwrap().to_owned()));
        }
        // The clock stands: whoever comes second has to wait, and the first for its next page.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let pages = || site.paths().into_iter().filter(|path| path != "/robots.txt").count();
        assert_eq!(pages(), 1, "{:?}", site.paths());
        server.app.clock.advance(TimeDelta::milliseconds(2_900));
        server.app.bell.ring();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(pages(), 1, "the site asks for three seconds");
        server.app.clock.advance(TimeDelta::milliseconds(200));
        server.app.bell.ring();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(pages(), 2, "{:?}", site.paths());
        for (owner, id) in &crawls {
            let crawl = finished(&server, owner, id).await;
            assert_eq!((&crawl["status"], &crawl["pages"]["created"]), (&json!("COMPLETED"), &json!(3)), "{crawl}");
        }
        assert_eq!(site.most_at_once(), 1);
        server.stop().await;
    }

    async fn a_run_can_be_cancelled_and_a_crawl_deleted(database: Database) {
        let server = Server::start_with(database, PROGRAM, |config| {
            config.allow_private_networks = true;
            config.crawl_delay = Duration::from_secs(1);
        }).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        site.page("/", "Home. Welcome.", &["/a", "/b"]).page("/a", "A page. Text.", &[]).page("/b", "B page. Text.", &[]);
        let body = json!({ "url": site.url, "collection_id": collection });
        let queued = server.within(&owner, Method::POST, "/documents/url").json(body.clone()).send().await.expect(202);
        let id = queued["id"].as_str().unwrap();
        let post = |verb: &str| server.within(&owner, Method::POST, &format!("/crawls/{id}/{verb}")).send();
        while site.paths().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        post("run").await.refused(409);
        assert_eq!(post("cancel").await.expect(200)["status"], "CANCELLED");
        assert_eq!(post("cancel").await.expect(200)["status"], "CANCELLED", "twice is once");
        server.quiet().await;
        assert!(paths(&server, &owner, &site).await.len() < 3);
        let done = again(&server, &owner, &queued["id"]).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
        assert_eq!(paths(&server, &owner, &site).await, ["/", "/a", "/b"]);

        let delete = |query: &str| server.within(&owner, Method::DELETE, &format!("/crawls/{id}{query}")).send();
        assert_eq!(delete("").await.expect(200)["documents_deleted"], 0);
        assert_eq!(server.documents(&owner).await.len(), 3);
        delete("").await.refused(404);
        // A new crawl of the same site takes its documents over.
        let taken = crawl(&server, &owner, body).await;
        assert_eq!(taken["pages"]["created"], 0, "{taken}");
        let id = taken["id"].as_str().unwrap();
        let path = format!("/crawls/{id}?documents=true");
        assert_eq!(server.within(&owner, Method::DELETE, &path).send().await.expect(200)["documents_deleted"], 3);
        assert!(server.documents(&owner).await.is_empty());
        server.stop().await;
    }

    async fn a_crawl_ends_with_its_collection(database: Database) {
        let server = Server::start_with(database, PROGRAM, |config| {
            config.allow_private_networks = true;
            config.crawl_delay = Duration::from_secs(1);
        }).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let site = Site::start().await;
        site.page("/", "Home. Welcome.", &["/a"]).page("/a", "A page. Text.", &[]);
        let body = json!({ "url": site.url, "collection_id": collection });
        server.within(&owner, Method::POST, "/documents/url").json(body).send().await.expect(202);
        while site.paths().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let path = format!("/collections/{collection}?documents=true");
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        server.quiet().await;
        assert_eq!(server.within(&owner, Method::GET, "/crawls").send().await.expect(200)["total"], 0);
        assert!(server.documents(&owner).await.is_empty());
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_page_costs_itself_and_no_more() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let site = Site::start().await;
    let links = [
        "/endless", "/long", "/less", "/bomb", "/circle", "/far/1", "/strange", "/image", "/closed", "/good",
    ];
    let lying = page("Less. The header says more.", "", &[]);
    site.page("/", "Home. Welcome.", &links)
        .set("/endless", Reply::endless("<p>And so on, and so on, without any end to it.</p>"))
        .set("/long", Reply::endless("x").header("content-length", "1000000000000"))
        .set("/less", Reply::html(lying).header("content-length", "5000"))
        .set("/bomb", Reply::html("").header("content-encoding", "gzip"))
        .set("/circle", Reply::redirect("/round"))
        .set("/round", Reply::redirect("/circle"))
        .set("/strange", Reply::html("x").header("content-encoding", "br"))
        .set("/image", Reply::of("image/png", vec![0x89, b'P', b'N', b'G']))
        .set("/closed", Reply::status(403))
        .page("/good", "Good. This page can be read.", &[]);
    for n in 1..9 {
        site.set(&format!("/far/{n}"), Reply::redirect(&format!("/far/{}", n + 1)));
    }
    site.set("/bomb", Reply::of("text/html", bomb()).header("content-encoding", "gzip"));
    let crawl = crawl(&server, &owner, json!({ "url": site.url, "collection_id": collection })).await;
    assert_eq!(crawl["status"], "COMPLETED", "{crawl}");
    assert_eq!(paths(&server, &owner, &site).await, ["/", "/good"], "{crawl}");
    let failed = crawl["failed_pages"].as_array().unwrap();
    let reason = |path: &str| {
        let url = format!("{}{path}", site.url);
        let page =
            failed.iter().find(|page| page["url"] == *url).unwrap_or_else(|| panic!("{path}: {crawl}"));
        page["reason"].as_str().unwrap().to_owned()
    };
    for (path, said) in [
        ("/endless", "larger than"),
        ("/long", "larger than"),
        ("/less", "broke off"),
        ("/bomb", "larger than"),
        ("/circle", "circle"),
        ("/far/1", "redirects"),
        ("/strange", "packed"),
        ("/closed", "403"),
    ] {
        assert!(reason(path).contains(said), "{path}: {}", reason(path));
    }
    assert_eq!(failed.len(), 8, "{crawl}");
    let files = server.app.config.data_dir.join("files").join(&owner.workspace);
    assert_eq!(std::fs::read_dir(files).unwrap().count(), 2, "what is no document leaves no file");
    server.stop().await;
}

/// A page that unpacks to 64 MB.
fn bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..64 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_cannot_be_read_says_why() {
    let server = start(Database::Sqlite).await;
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    let other = Site::start().await;
    other.page("/", "Other. Another site.", &[]);
    let closed = Site::start().await;
    closed.set("/robots.txt", Reply::of("text/plain", "User-agent: frontdesk\nDisallow: /"));
    closed.page("/", "Closed. Not for us.", &[]);
    let broken = Site::start().await;
    broken.set("/robots.txt", Reply::status(500)).page("/", "Broken. Nobody knows whether we may.", &[]);
    let empty = Site::start().await;
    let moved = Site::start().await;
    moved.set("/", Reply::redirect(&format!("{}/", other.url)));
    for (url, said) in [
        (closed.url.clone(), "robots.txt asks not"),
        (broken.url.clone(), "robots.txt answers 500"),
        (empty.url.clone(), "answers 404"),
        (moved.url.clone(), other.url.as_str()),
        ("http://127.0.0.1:9/".into(), "cannot be reached"),
    ] {
        let crawl = crawl(&server, &owner, json!({ "url": url, "collection_id": collection })).await;
        assert_eq!(crawl["status"], "FAILED", "{crawl}");
        assert!(crawl["error"].as_str().unwrap().contains(said), "{said}: {crawl}");
    }
    assert!(!closed.paths().contains(&"/".to_owned()) && !broken.paths().contains(&"/".to_owned()));
    assert!(other.asked().is_empty(), "another site is not entered");
    assert!(server.documents(&owner).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_page_and_doubles_none() {
    let site = Site::start().await;
    let links: Vec<String> = (1..40).map(|n| format!("/{n}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    for n in 0..40 {
        let path = if n == 0 { "/".to_owned() } else { format!("/{n}") };
        let reply = Reply::html(page(&format!("Page {n}. It has a text of its own."), "", &links));
        site.set(&path, reply.after(Duration::from_millis(30)));
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = create_user(folder.path());
    let settings = [("FRONTDESK_ALLOW_PRIVATE_NETWORKS", "true"), ("FRONTDESK_CRAWL_DELAY_MS", "0")];
    let mut process = Process::start(folder.path(), &settings).await;
    let token = process.log_in().await;
    let at = format!("/api/v1/workspaces/{workspace}");
    let collection = process.post(&format!("{at}/collections"), &token, json!({ "name": "Docs" })).await;
    let body = json!({ "url": site.url, "collection_id": collection["id"] });
    let queued = process.post(&format!("{at}/documents/url"), &token, body).await;
    let id = queued["id"].as_str().unwrap();
    for pages in [8, 20] {
        while site.asked().len() < pages {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(process); // SIGKILL
        expire_leases(folder.path()).await;
        process = Process::start(folder.path(), &settings).await;
    }
    let until = Instant::now() + Duration::from_secs(60);
    let crawl = loop {
        let crawl = process.get(&format!("{at}/crawls/{id}"), &token).await;
        if crawl["status"] == "COMPLETED" {
            break crawl;
        }
        assert!(Instant::now() < until, "{crawl}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((&crawl["pages"]["seen"], &crawl["pages"]["failed"]), (&json!(40), &json!(0)), "{crawl}");
    let list = process.get(&format!("{at}/documents?limit=100"), &token).await;
    assert_eq!(list["total"], 40);
    let documents = list["documents"].as_array().unwrap();
    let mut urls: Vec<&str> = documents.iter().map(|d| d["source_url"].as_str().unwrap()).collect();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), 40, "no page is lost or doubled");
    // A kill costs what was under way: four pages at most each time, beside robots.txt and the sitemap.
    assert!(site.asked().len() <= 42 + 2 * 4, "{}", site.asked().len());
}

/// The leases of a killed worker would hold for a minute; a test need not wait for that.
async fn expire_leases(folder: &std::path::Path) {
    let file = folder.join("frontdesk.db");
    let db = store::Db::open(&store::DbConfig::Sqlite { file, readers: 1 }).await.unwrap();
    let mut write = db.write().await.unwrap();
    let expire = "UPDATE jobs SET lease_until = '2000-01-01T00:00:00+00:00' WHERE status = 'RUNNING'";
    write.execute(store::Sql::new(expire)).await.unwrap();
    write.commit().await.unwrap();
    db.close().await;
}
