//! The forms with which people work with their knowledge, on a real app. Nothing is read here: no worker runs.

use axum::response::Response;
use http::StatusCode;
use platform::{
    Origin, Page, Role, Tenant,
    identity::{self, LogIn, Password, SignUp},
    knowledge::{self, Filter, crawl},
    workspaces::invitations,
};

use super::site::{Browser, PASSWORD, Site, location, text};

/// Somebody with a workspace and a collection in it.
struct Desk<'a> {
    browser: Browser<'a>,
    home: String,
    tenant: Tenant,
    collection: String,
}

impl<'a> Desk<'a> {
    async fn open(site: &'a Site) -> Self {
        let browser = site.browser().await;
        let home = browser.workspace().await;
        let caller = site.caller(&browser).await;
        let (tenant, _) = caller.enter(&home["/console/".len()..].parse().unwrap()).unwrap();
        let made = browser.post(&format!("{home}/collections"), &[("name", "Help")]).await;
        assert_eq!(location(&made), format!("{home}/documents?done=collection"));
        let collection = knowledge::list_collections(&site.app, &tenant).await.unwrap().remove(0).id;
        Self { browser, home, tenant, collection: collection.to_string() }
    }

    async fn get(&self, path: &str) -> String {
        let response = self.browser.get(&format!("{}{path}", self.home)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        text(response).await
    }

    /// Sends a form; its collection is the one there is.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut all = vec![("collection", self.collection.as_str())];
        all.extend(fields);
        self.browser.post(&format!("{}{path}", self.home), &all).await
    }

    /// Sends a form that succeeds; gives where it leads to within the workspace.
    async fn told(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let response = self.post(path, fields).await;
        location(&response).strip_prefix(&self.home).unwrap().to_owned()
    }

    /// Sends a form with a mistake in it; gives the page, which tells it beside the field.
    async fn wrong(&self, path: &str, fields: &[(&str, &str)], field: &str, words: &str) -> String {
        let response = self.post(path, fields).await;
        assert!(response.status().is_client_error(), "{path}: {}", response.status());
        let html = text(response).await;
        let alert = html.split_once("role=\"alert\"").expect("an error").1.split("</p>").next().unwrap();
        assert!(alert.contains(words), "{path}: {alert}");
        if !field.is_empty() {
            let marked =
                html.split('<').find(|tag| tag.contains("aria-invalid=\"true\"")).expect("a marked field");
            assert!(marked.contains(&format!("name=\"{field}\"")), "{path}: {marked}");
        }
        html
    }

    async fn documents(&self, site: &Site) -> Vec<knowledge::Document> {
        let all = Page { limit: 50, offset: 0 };
        knowledge::list(&site.app, &self.tenant, Filter::default(), all).await.unwrap().items
    }
}

/// The part of a page from one of the forms that is open.
fn open_form(html: &str) -> &str {
    html.split(" open>").nth(1).expect("an open form").split("</details>").next().unwrap()
}

#[tokio::test]
async fn texts_and_answers_are_pasted_and_told_what_they_changed() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    let text_form = |content| [("title", "Returns"), ("content", content), ("content_type", "markdown")];
    let first = desk.told("/documents/text", &text_form("# Returns\r\n\r\n30 days.")).await;
    assert_eq!(first, "/documents?created=1");
    assert!(desk.get(&first).await.contains("One document has arrived and is being read."));
    let same = desk.told("/documents/text", &text_form("# Returns\r\n\r\n30 days.")).await;
    assert!(desk.get(&same).await.contains("exactly this content: nothing was changed."));
    let changed = desk.told("/documents/text", &text_form("# Returns\r\n\r\n60 days.")).await;
    assert!(desk.get(&changed).await.contains("gets a new version"));
    let pair = [("question", "Do you ship?"), ("answer", "Yes.")];
    assert_eq!(desk.told("/documents/qa", &pair).await, "/documents?created=1");
    let html = desk.get("/documents").await;
    assert!(html.contains("Do you ship?") && html.contains("Q&#38;A") && html.contains("Markdown"), "{html}");

    let collection = desk.collection.as_str();
    let upload = async |content: &str| {
        desk.browser.upload(&format!("{}/documents", desk.home), collection, "a.md", content).await
    };
    assert!(location(&upload("One").await).ends_with("/documents?created=1"));
    assert!(location(&upload("One").await).ends_with("/documents?unchanged=1"));
    assert!(location(&upload("Two").await).ends_with("/documents?updated=1"));
}

#[tokio::test]
async fn mistakes_in_what_is_pasted_are_told_in_its_form() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    let form = [("title", " "), ("content", "Kept <b>"), ("content_type", "faq")];
    let html = desk.wrong("/documents/text", &form, "title", "Title is empty.").await;
    let open = open_form(&html);
    assert!(
        open.contains("Kept &#60;b&#62;</textarea>") && open.contains("value=\"faq\" selected"),
        "{open}"
    );
    let form = [("title", "T"), ("content", "No pairs"), ("content_type", "faq")];
    desk.wrong("/documents/text", &form, "content", "No questions were found.").await;
    let form = [("question", "Why <b>?"), ("answer", "")];
    let html = desk.wrong("/documents/qa", &form, "answer", "Answer is empty.").await;
    assert!(open_form(&html).contains("value=\"Why &#60;b&#62;?\""));
    let long = "a\u{20ac}".repeat(1_100_000);
    let form = [("title", "T"), ("content", long.as_str()), ("content_type", "text")];
    desk.wrong("/documents/text", &form, "content", "Content has at most 1000000 characters.").await;
    let elsewhere = [("collection", ""), ("question", "Q?"), ("answer", "A.")];
    let path = format!("{}/documents/qa", desk.home);
    let refused = desk.browser.post(&path, &elsewhere).await;
    assert!(text(refused).await.contains("Choose a collection."));
    assert!(desk.documents(&site).await.is_empty());
}

#[tokio::test]
async fn the_list_is_narrowed_by_its_address() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    for question in ["Do you ship?", "Do you repair?"] {
        desk.told("/documents/qa", &[("question", question), ("answer", "Yes.")]).await;
    }
    let rows = async |query: &str| desk.get(&format!("/documents{query}")).await.matches("<tr id=").count();
    assert_eq!(rows("").await, 2);
    assert_eq!(rows("?search=SHIP").await, 1);
    assert_eq!(rows("?status=COMPLETED").await, 0);
    assert_eq!(rows("?status=QUEUED&search=").await, 2);
    assert_eq!(rows("?status=nonsense&collection=nonsense&page=-1").await, 2, "nonsense counts as left out");
    assert_eq!(rows("?collection=col_0123456789abcdefghjkmnpq").await, 0);
    let table = desk.get("/documents/table?search=ship").await;
    assert!(table.contains("Do you ship?") && !table.contains("repair"), "{table}");
    assert!(desk.get("/documents?status=FAILED").await.contains("No document is like this."));
}

#[tokio::test]
async fn a_document_is_renamed_moved_and_deleted() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    for question in ["First?", "Second?"] {
        desk.told("/documents/qa", &[("question", question), ("answer", "Yes.")]).await;
    }
    desk.told("/collections", &[("name", "Shelf 2")]).await;
    let shelf = knowledge::list_collections(&site.app, &desk.tenant).await.unwrap()[1].id.clone();
    let path = format!("/documents/{}", desk.documents(&site).await[0].id);
    let html = desk.get(&path).await;
    assert!(html.contains("<h1>Second?</h1>") && html.contains("It has not been read yet."), "{html}");

    let html = desk.wrong(&path, &[("title", "First?")], "", "has a document called First? already").await;
    assert!(html.contains("<h1>Second?</h1>") && html.contains("value=\"First?\""), "what was typed stays");
    desk.wrong(&path, &[("title", "")], "title", "Title is empty.").await;
    let form = [("collection", shelf.as_str()), ("title", "First?")];
    let changed = desk.browser.post(&format!("{}{path}", desk.home), &form).await;
    assert_eq!(location(&changed), format!("{}{path}?done=changed", desk.home));
    let moved = desk.get(&path).await;
    assert!(moved.contains("<h1>First?</h1>") && moved.contains("selected>Shelf 2</option>"), "{moved}");

    let html = desk.wrong(&format!("{path}/reprocess"), &[], "", "is being read already").await;
    assert!(html.contains("<h1>First?</h1>"));
    let nothing = desk.post(&format!("{path}/restore"), &[("version", "7")]).await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert_eq!(desk.told(&format!("{path}/delete"), &[]).await, "/documents?done=deleted");
    let gone = desk.browser.get(&format!("{}{path}", desk.home)).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn collections_are_described_and_deleted() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    desk.told("/documents/qa", &[("question", "Q?"), ("answer", "A.")]).await;
    let path = format!("/collections/{}", desk.collection);
    let form = [("name", ""), ("description", "Kept <b>")];
    let html = desk.wrong(&path, &form, "name", "Name is empty.").await;
    assert!(open_form(&html).contains("Kept &#60;b&#62;</textarea>"), "{html}");
    desk.wrong("/collections", &[("name", ""), ("description", "")], "name", "Name is empty.").await;
    let form = [("name", "Help 2"), ("description", "For everybody.")];
    assert_eq!(desk.told(&path, &form).await, "/collections?done=changed");
    let html = desk.get("/collections").await;
    assert!(html.contains("Help 2") && html.contains("For everybody."));
    desk.told(&path, &[("name", "Help 2"), ("description", "")]).await;
    assert!(!desk.get("/collections").await.contains("For everybody."));

    let html = desk.wrong(&format!("{path}/delete"), &[], "", "tick that they are deleted as well").await;
    assert!(open_form(&html).contains("Yes, delete it"));
    assert_eq!(desk.documents(&site).await.len(), 1);
    let ticked = desk.told(&format!("{path}/delete"), &[("documents", "yes")]).await;
    assert_eq!(ticked, "/collections?done=collection-gone");
    assert!(desk.documents(&site).await.is_empty());
    assert!(desk.get("/collections").await.contains("There is no collection yet."));
}

#[tokio::test]
async fn a_website_is_read_and_its_settings_change() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    let form = |url, pages| {
        [
            ("url", url),
            ("max_pages", pages),
            ("max_depth", "3"),
            ("include_patterns", "/docs/*\r\n\r\n/help/*"),
            ("exclude_patterns", ""),
            ("every", "day"),
        ]
    };
    let html = desk.wrong("/crawls", &form("not an address", "9"), "url", "This is not an address").await;
    let open = open_form(&html);
    assert!(
        open.contains("value=\"not an address\"") && open.contains("/docs/*\n\n/help/*</textarea>"),
        "{open}"
    );
    assert!(open.contains("value=\"9\"") && open.contains("value=\"day\" selected"));
    desk.wrong("/crawls", &form("http://127.0.0.1/", "9"), "url", "").await;
    desk.wrong("/crawls", &form("http://93.184.216.34/", "many"), "max_pages", "whole number").await;
    desk.wrong("/crawls", &form("http://93.184.216.34/", "999999"), "max_pages", "from 1 to 5000").await;
    assert!(desk.get("/crawls").await.contains("No website is read here yet."));

    let begun = desk.told("/crawls", &form("http://93.184.216.34/", "9")).await;
    let path = begun.split('?').next().unwrap();
    let html = desk.get(&begun).await;
    assert!(html.contains("Waiting") && html.contains("/docs/*\n/help/*</textarea>"), "{html}");
    assert!(desk.get("/crawls").await.contains("http://93.184.216.34/"));
    let mut settings = form("", "12");
    settings[5].1 = "";
    assert_eq!(desk.told(path, &settings).await, format!("{path}?done=changed"));
    let kept = crawl::get(&site.app, &desk.tenant, &path["/crawls/".len()..].parse().unwrap()).await.unwrap();
    assert_eq!((kept.crawl.plan.max_pages, kept.crawl.plan.every), (12, None));
    let html = desk.wrong(path, &form("", "0"), "max_pages", "from 1 to 5000").await;
    assert!(html.contains("name=\"max_pages\" type=\"number\" min=\"1\" required value=\"0\""), "{html}");

    desk.wrong(&format!("{path}/run"), &[], "", "is being read already").await;
    assert_eq!(desk.told(&format!("{path}/cancel"), &[]).await, format!("{path}?done=cancelled"));
    assert!(desk.get(path).await.contains("Cancelled"));
    assert_eq!(desk.told(&format!("{path}/run"), &[]).await, format!("{path}?done=crawl"));
    assert_eq!(desk.told(&format!("{path}/delete"), &[]).await, "/crawls?done=crawl-gone");
    assert!(desk.get("/crawls").await.contains("No website is read here yet."));
}

#[tokio::test]
async fn knowledge_is_searched_by_an_address() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    assert!(!desk.get("/search").await.contains("Nothing was found"));
    let html = desk.get("/search?query=a%3Cb%3E%26c").await;
    assert!(html.contains("value=\"a&#60;b&#62;&#38;c\"") && html.contains("Nothing was found"), "{html}");
    let refused = desk
        .browser
        .get(&format!("{}/search?query=a&collection=col_0123456789abcdefghjkmnpq", desk.home))
        .await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("There is no such collection in this workspace."));
    let long = desk.browser.get(&format!("{}/search?query={}", desk.home, "a".repeat(2_001))).await;
    assert!(text(long).await.contains("Query has at most 2000 characters."));
}

const FORMS: [&str; 15] = [
    "/documents/text",
    "/documents/qa",
    "/documents/doc_0123456789abcdefghjkmnpq",
    "/documents/doc_0123456789abcdefghjkmnpq/delete",
    "/documents/doc_0123456789abcdefghjkmnpq/reprocess",
    "/documents/doc_0123456789abcdefghjkmnpq/restore",
    "/collections",
    "/collections/col_0123456789abcdefghjkmnpq",
    "/collections/col_0123456789abcdefghjkmnpq/delete",
    "/crawls",
    "/crawls/crawl_0123456789abcdefghjkmnpq",
    "/crawls/crawl_0123456789abcdefghjkmnpq/run",
    "/crawls/crawl_0123456789abcdefghjkmnpq/cancel",
    "/crawls/crawl_0123456789abcdefghjkmnpq/delete",
    "/agents",
];

#[tokio::test]
async fn viewers_see_and_members_edit() {
    let site = Site::with_mail().await;
    let desk = Desk::open(&site).await;
    let email: identity::EmailAddress = "bo@example.com".parse().unwrap();
    let password = Password::new(PASSWORD.into()).unwrap();
    let form = SignUp { email: email.clone(), password, full_name: "Bo".into() };
    identity::create_verified(&site.app, form).await.unwrap();
    let by = site.caller(&desk.browser).await.actor(Origin::default());
    invitations::invite(&site.app, &desk.tenant, &by, &email, Role::Viewer).await.unwrap();
    let form = LogIn { email: &email, password: PASSWORD, code: None };
    let session = identity::log_in(&site.app, form, &Origin::default()).await.unwrap();
    let viewer = site.with_session(&session.access_token);
    let token = site.mailed("bo@example.com", "/console/invitation?token=").await;
    assert_eq!(location(&viewer.post("/console/invitation", &[("token", &token)]).await), desk.home);

    for page in ["/documents", "/documents/table", "/collections", "/crawls", "/search?query=a"] {
        let shown = viewer.get(&format!("{}{page}", desk.home)).await;
        assert_eq!(shown.status(), StatusCode::OK, "{page}");
        let forms = text(shown).await.matches("<form method=\"post\"").count();
        assert!(forms <= 1, "{page} has forms besides the way out");
    }
    for form in FORMS {
        let path = format!("{}{form}", desk.home);
        let refused = viewer.post(&path, &[]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{form}");
        let may = desk.browser.post(&path, &[]).await.status();
        assert!(matches!(may, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND), "{form}: {may}");
    }
}

#[tokio::test]
async fn forms_need_their_token_and_their_workspace() {
    let site = Site::open("http://localhost").await;
    let desk = Desk::open(&site).await;
    for form in FORMS {
        let forged = desk.browser.post_as(&format!("{}{form}", desk.home), "guess", &[]).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{form}");
        let elsewhere = desk.browser.post(&format!("/console/ws_0123456789abcdefghjkmnpq{form}"), &[]).await;
        assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND, "{form}");
        let visitor = site.visitor().post(&format!("{}{form}", desk.home), &[]).await;
        assert_eq!(location(&visitor), "/console/login", "{form}");
    }
    assert!(desk.documents(&site).await.is_empty());
}
