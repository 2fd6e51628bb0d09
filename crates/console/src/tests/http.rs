//! The pages on a real app: sessions, forms, rights.

use axum::body::Body;
use http::{
    Request, StatusCode,
    header::{COOKIE, SET_COOKIE},
};
use platform::{identity, knowledge, workspaces};

use super::site::{PASSWORD, Site, form, location, text};
use crate::csrf;

#[tokio::test]
async fn a_person_logs_in_and_gets_where_they_wanted() {
    let site = Site::open("https://chat.example.com").await;
    let asked = site.send(Request::get("/console/new?a=b").body(Body::empty()).unwrap()).await;
    assert_eq!(location(&asked), "/console/login?next=%2Fconsole%2Fnew%3Fa%3Db");

    let page = site.send(Request::get(location(&asked)).body(Body::empty()).unwrap()).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["cache-control"], "no-store");
    let visit = page.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let token = csrf::token(visit.split_once('=').unwrap().1);
    assert!(text(page).await.contains(&token));

    let log_in = async |password: &str, next: &str| {
        let fields = [("email", "ada@example.com"), ("password", password), ("next", next)];
        let request = Request::post("/console/login").header(COOKIE, &visit);
        site.send(request.body(form(&token, &fields)).unwrap()).await
    };
    let wrong = log_in("wrong", "/console/new").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let html = text(wrong).await;
    assert!(html.contains("The address or the password is wrong.") && html.contains("ada@example.com"));

    let right = log_in(PASSWORD, "/console/new").await;
    assert_eq!(location(&right), "/console/new");
    let cookie = right.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["frontdesk_session=ey", "HttpOnly", "SameSite=Lax", "Path=/console;", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(location(&log_in(PASSWORD, "//evil.example").await), "/console");

    let session = cookie.split(';').next().unwrap();
    let inside = Request::get("/console/login").header(COOKIE, session).body(Body::empty()).unwrap();
    assert_eq!(location(&site.send(inside).await), "/console");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    let fields = [("name", "Evil"), ("timezone", "UTC")];
    let forged = browser.post_as("/console/new", "guess", &fields).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let request = Request::post("/console/new")
        .header(COOKIE, &browser.cookie)
        .header("sec-fetch-site", "cross-site")
        .body(form(&browser.csrf, &fields))
        .unwrap();
    let refused = site.send(request).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(text(refused).await.contains("<h1>Forbidden</h1>"));
    assert!(workspaces::list(&site.app, &site.user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_business_is_set_up_by_forms_alone() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    assert_eq!(location(&browser.get("/console").await), "/console/new");
    let home = browser.workspace().await;
    assert_eq!(location(&browser.get("/console").await), home);

    let documents = format!("{home}/documents");
    assert!(text(browser.get(&documents).await).await.contains("Start with a collection"));
    let made = browser.post(&format!("{home}/collections"), &[("name", "Help <b>")]).await;
    assert_eq!(location(&made), format!("{documents}?done=collection"));
    let session = browser.cookie.split_once('=').unwrap().1;
    let caller = identity::authenticate(&site.app, session).await.unwrap();
    let (tenant, _) = caller.enter(&home["/console/".len()..].parse().unwrap()).unwrap();
    let collection = knowledge::list_collections(&site.app, &tenant).await.unwrap().remove(0).id;

    let arrived =
        browser.upload(&documents, collection.as_str(), "returns.md", "# Returns\n\n30 days.").await;
    assert_eq!(location(&arrived), format!("{documents}?created=1"));
    let table = text(browser.get(&format!("{documents}/table")).await).await;
    assert!(table.starts_with("<div id=\"documents\"") && table.contains("data-unfinished=\"1\""), "{table}");
    let large = browser.upload(&documents, collection.as_str(), "big.txt", &"long ".repeat(1000)).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(large).await.contains("big.txt: The file is larger"));

    let made = browser.post(&format!("{home}/agents"), &[("name", "Nora")]).await;
    let agent = location(&made).split('?').next().unwrap().to_owned();
    let draft = [
        ("name", "Nora 2"),
        ("greeting", "Hei!"),
        ("fallback", "Sorry."),
        ("questions", "One?\r\n\r\nTwo?"),
        ("color", "#123456"),
        ("theme", "dark"),
        ("threshold", "0.7"),
        ("collection", collection.as_str()),
    ];
    assert_eq!(location(&browser.post(&agent, &draft).await), format!("{agent}?done=saved"));
    let html = text(browser.get(&agent).await).await;
    assert!(html.contains("One?\nTwo?</textarea>") && html.contains("value=\"0.7\""), "{html}");
    let mut wrong = draft;
    wrong[6].1 = "7";
    let refused = browser.post(&agent, &wrong).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("value=\"7\""), "what was typed stays");
    let tried = browser.post(&format!("{agent}/try"), &[("question", "Where is the moon?")]).await;
    assert!(text(tried).await.contains("Not answered"));
    assert_eq!(
        location(&browser.post(&format!("{agent}/publish"), &[]).await),
        format!("{agent}?done=published")
    );

    let keys = format!("{home}/keys");
    let made = text(browser.post(&keys, &[("name", "Shop"), ("domains", "shop.example")]).await).await;
    let secret = made.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned();
    assert!(secret.starts_with("pk_live_") && secret.len() == 48);
    let listed = text(browser.get(&keys).await).await;
    assert!(listed.contains("shop.example") && !listed.contains(&secret));
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    for path in ["/console/ws_0123456789abcdefghjkmnpq", "/console/a/b/c/d", "/console/nothing"] {
        let missing = browser.get(path).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(missing.headers().contains_key("content-security-policy"));
        assert!(text(missing).await.contains("<h1>Not Found</h1>"));
    }
    let out = browser.post("/console/logout", &[]).await;
    assert_eq!(location(&out), "/console/login");
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
}
