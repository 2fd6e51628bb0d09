//! Accounts from the first form to the second factor, on a real app.

use axum::response::Response;
use http::StatusCode;
use platform::{
    Role,
    identity::{self, sessions},
    workspaces::invitations,
};
use totp_rs::{Builder, Secret};

use super::site::{Browser, PASSWORD, Site, location, text};

const NEW: &str = "a new horse for me";

/// The value of a page's hidden or filled-in field.
fn value<'a>(html: &'a str, name: &str) -> &'a str {
    let field = html.split("<input ").find(|field| field.contains(&format!("name=\"{name}\""))).unwrap();
    field.split_once("value=\"").unwrap().1.split('"').next().unwrap()
}

async fn wrong(response: Response, status: StatusCode, field: &str, words: &str) -> String {
    assert_eq!(response.status(), status);
    let html = text(response).await;
    let message = html.split_once("role=\"alert\"").expect("an error").1.split("</p>").next().unwrap();
    assert!(message.contains(words), "{message}");
    if !field.is_empty() {
        let input = html.split("<input ").find(|input| input.contains(&format!("name=\"{field}\""))).unwrap();
        let input = input.split('>').next().unwrap();
        assert!(input.contains("aria-invalid=\"true\" aria-describedby=\"error"), "{input}");
        assert_eq!(html.matches(" autofocus").count(), 1, "the cursor is where the error is");
    }
    html
}

#[tokio::test]
async fn a_person_signs_up_with_the_mailed_code() {
    let site = Site::with_mail().await;
    let visitor = site.visitor();
    let page = text(visitor.get("/console/signup?next=/console/new").await).await;
    assert_eq!(value(&page, "next"), "/console/new");

    let form =
        [("full_name", "Bo"), ("email", "bo@example.com"), ("password", PASSWORD), ("next", "/console/new")];
    let mut short = form;
    short[2].1 = "short";
    let refused = visitor.post("/console/signup", &short).await;
    let html =
        wrong(refused, StatusCode::BAD_REQUEST, "password", "Password needs at least 10 characters.").await;
    assert!(html.contains("value=\"bo@example.com\"") && !html.contains("short"), "{html}");

    let sent = visitor.post("/console/signup", &form).await;
    assert_eq!(location(&sent), "/console/signup/code?email=bo%40example.com&next=%2Fconsole%2Fnew");
    let page = text(visitor.get(location(&sent)).await).await;
    assert_eq!((value(&page, "email"), value(&page, "next")), ("bo@example.com", "/console/new"));

    let code = site.mailed("bo@example.com", "Your code is ").await;
    let guess = if code == "123456" { "654321" } else { "123456" };
    let answer = [("email", "bo@example.com"), ("otp_code", guess)];
    let refused = visitor.post("/console/signup/code", &answer).await;
    wrong(refused, StatusCode::BAD_REQUEST, "otp_code", "The code is wrong").await;
    let spaced = format!("{} {} ", &code[..3], &code[3..]);
    let answer = [("email", "bo@example.com"), ("otp_code", &spaced), ("next", "/console/new")];
    let entered = visitor.post("/console/signup/code", &answer).await;
    assert_eq!(location(&entered), "/console/new");
    let browser = site.entered(&entered);
    assert!(text(browser.get("/console/account").await).await.contains("bo@example.com"));
    assert_eq!(location(&browser.get("/console/signup").await), "/console");
}

#[tokio::test]
async fn a_code_is_sent_again_and_a_login_leads_to_it() {
    let site = Site::with_mail().await;
    let visitor = site.visitor();
    let form = [("full_name", "Bo"), ("email", "bo@example.com"), ("password", PASSWORD)];
    location(&visitor.post("/console/signup", &form).await);
    let early = visitor.post("/console/login", &form).await;
    let html = wrong(early, StatusCode::FORBIDDEN, "", "not verified yet").await;
    assert!(html.contains("href=\"/console/signup/code?email=bo%40example.com\""), "{html}");

    site.mailed("bo@example.com", "Your code is ").await;
    let again = visitor.post("/console/signup/code/again", &form).await;
    assert!(location(&again).ends_with("&done=code"));
    for _ in 0..3 {
        visitor.post("/console/signup/code/again", &form).await;
    }
    let refused = visitor.post("/console/signup/code/again", &form).await;
    wrong(refused, StatusCode::TOO_MANY_REQUESTS, "", "There were too many tries. Try again in ").await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_the_form_only() {
    let site = Site::with_mail().await;
    let browser = site.browser().await;
    let visitor = site.visitor();
    for email in ["ada@example.com", "nobody@example.com"] {
        let asked = visitor.post("/console/forgot", &[("email", email)]).await;
        assert_eq!(location(&asked), "/console/forgot?done=link");
    }
    let refused = visitor.post("/console/forgot", &[("email", "ada")]).await;
    wrong(refused, StatusCode::BAD_REQUEST, "email", "Email is not a mail address").await;

    let token = site.mailed("ada@example.com", "/console/reset?token=").await;
    let link = format!("/console/reset?token={token}");
    for _ in 0..2 {
        let page = visitor.get(&link).await;
        assert_eq!(page.headers()["referrer-policy"], "strict-origin");
        assert_eq!(value(&text(page).await, "token"), token);
    }
    let common = visitor.post("/console/reset", &[("token", &token), ("password", "password123")]).await;
    let html = wrong(common, StatusCode::BAD_REQUEST, "password", "many people use").await;
    assert_eq!(value(&html, "token"), token);

    let set = visitor.post("/console/reset", &[("token", &token), ("password", NEW)]).await;
    assert_eq!(location(&set), "/console/login?done=reset");
    assert!(text(visitor.get(location(&set)).await).await.contains("The new password is set."));
    assert!(location(&browser.get("/console").await).starts_with("/console/login"), "the session is ended");
    let again = visitor.post("/console/reset", &[("token", &token), ("password", NEW)]).await;
    let html = wrong(again, StatusCode::BAD_REQUEST, "", "This link is not valid any more.").await;
    assert!(html.contains("href=\"/console/forgot\"") && !html.contains(&token), "{html}");
    let entered = visitor.post("/console/login", &[("email", "ada@example.com"), ("password", NEW)]).await;
    assert_eq!(location(&entered), "/console");
}

#[tokio::test]
async fn an_address_is_verified_by_the_button_only() {
    let site = Site::with_mail().await;
    let form = identity::SignUp {
        email: "bo@example.com".parse().unwrap(),
        password: identity::Password::new(PASSWORD.into()).unwrap(),
        full_name: "Bo".into(),
    };
    let company = platform::workspaces::NewWorkspace {
        name: "Bo's".into(),
        timezone: chrono_tz::UTC,
        settings: Default::default(),
    };
    let session = identity::register(&site.app, form, company, &Default::default()).await.unwrap();
    let browser = site.with_session(&session.access_token);
    assert!(text(browser.get("/console/account").await).await.contains("Not verified"));
    let asked = browser.post("/console/account/verify", &[]).await;
    assert_eq!(location(&asked), "/console/account?done=asked");

    let token = site.mailed("bo@example.com", "/console/verify?token=").await;
    let visitor = site.visitor();
    let page = visitor.get(&format!("/console/verify?token={token}")).await;
    assert_eq!(page.headers()["referrer-policy"], "strict-origin");
    assert!(text(browser.get("/console/account").await).await.contains("Not verified"));
    let proven = visitor.post("/console/verify", &[("token", &token)]).await;
    assert!(text(visitor.get(location(&proven)).await).await.contains("Your address is verified."));
    assert!(!text(browser.get("/console/account").await).await.contains("Not verified"));
    let again = visitor.post("/console/verify", &[("token", &token)]).await;
    wrong(again, StatusCode::BAD_REQUEST, "", "This link is not valid any more.").await;
}

#[tokio::test]
async fn a_person_looks_after_their_account() {
    let site = Site::open("http://localhost").await;
    let (browser, other) = (site.browser().await, site.browser().await);
    let renamed = browser.post("/console/account/name", &[("full_name", "Ada <b>")]).await;
    let page = text(browser.get(location(&renamed)).await).await;
    assert!(page.contains("Your name is saved.") && page.contains("value=\"Ada &#60;b&#62;\""), "{page}");
    let refused = browser.post("/console/account/name", &[("full_name", "a\nb")]).await;
    wrong(refused, StatusCode::BAD_REQUEST, "full_name", "Full name is one line.").await;

    let change = async |current: &str, new: &str| {
        let form = [("current_password", current), ("new_password", new)];
        browser.post("/console/account/password", &form).await
    };
    wrong(change("wrong", NEW).await, StatusCode::BAD_REQUEST, "current_password", "The password is wrong.")
        .await;
    wrong(change(PASSWORD, "short").await, StatusCode::BAD_REQUEST, "new_password", "Password needs").await;
    assert_eq!(location(&change(PASSWORD, NEW).await), "/console/account?done=password");
    assert!(location(&other.get("/console").await).starts_with("/console/login"), "others are out");
    assert_eq!(browser.get("/console/account").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_or_all() {
    let site = Site::open("http://localhost").await;
    let (browser, one, two, three) =
        (site.browser().await, site.browser().await, site.browser().await, site.browser().await);
    let page = text(browser.get("/console/account").await).await;
    assert_eq!(page.matches("End the session of").count(), 3);
    assert_eq!(page.matches("This one").count(), 1);
    let caller = site.caller(&one).await;
    let path = format!("/console/account/sessions/{}/end", caller.session);
    assert_eq!(location(&browser.post(&path, &[]).await), "/console/account?done=ended");
    assert!(location(&one.get("/console").await).starts_with("/console/login"));
    assert_eq!(browser.post(&path, &[]).await.status(), StatusCode::NOT_FOUND);
    let ended = browser.post("/console/account/sessions/end", &[]).await;
    assert_eq!(location(&ended), "/console/account?done=alone");
    for other in [two, three] {
        assert!(location(&other.get("/console").await).starts_with("/console/login"));
    }
    assert_eq!(sessions::list(&site.app, &caller).await.unwrap().len(), 1);
}

/// The code that an app shows; `ahead` counts steps from now, because each step is good once.
fn app_code(secret: &str, ahead: i64) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    let now = platform::Clock::system().now().timestamp() + 30 * ahead;
    totp.generate(now.try_into().unwrap()).to_string()
}

async fn switch_on(browser: &Browser<'_>) -> (String, Vec<String>) {
    let form = [("password", PASSWORD)];
    let page = text(browser.post("/console/account/two-factor", &form).await).await;
    assert!(
        page.contains("role=\"img\"") && page.contains("<svg xmlns=") && page.contains("href=\"otpauth://")
    );
    let secret = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let refused = browser.post("/console/account/two-factor/confirm", &[("code", "12")]).await;
    let html = wrong(refused, StatusCode::BAD_REQUEST, "code", "The code is wrong.").await;
    assert!(!html.contains(&secret), "the secret is shown once");
    let code = app_code(&secret, 0);
    let page = text(browser.post("/console/account/two-factor/confirm", &[("code", &code)]).await).await;
    let codes = page.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    (secret, codes.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_second_factor_is_set_up_asked_for_and_switched_off() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    let refused = browser.post("/console/account/two-factor", &[("password", "wrong")]).await;
    wrong(refused, StatusCode::BAD_REQUEST, "password", "The password is wrong.").await;
    let (secret, recovery) = switch_on(&browser).await;
    assert_eq!(recovery.len(), 10);

    let visitor = site.visitor();
    let log_in = async |code: &str| {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("totp_code", code)];
        visitor.post("/console/login", &fields).await
    };
    let asked = log_in("").await;
    assert_eq!(asked.status(), StatusCode::OK);
    let html = text(asked).await;
    assert!(html.contains("autocomplete=\"one-time-code\"") && html.contains("value=\"ada@example.com\""));
    assert!(!html.contains(PASSWORD) && !html.contains("role=\"alert\""), "{html}");
    let html = wrong(log_in("12").await, StatusCode::UNAUTHORIZED, "totp_code", "is wrong").await;
    assert!(!html.contains(PASSWORD));
    assert_eq!(location(&log_in(&app_code(&secret, 1)).await), "/console");
    assert_eq!(location(&log_in(&recovery[0]).await), "/console");
    wrong(log_in(&recovery[0]).await, StatusCode::UNAUTHORIZED, "totp_code", "used already").await;

    let refused = browser.post("/console/account/two-factor/end", &[("password", "wrong")]).await;
    let html = wrong(refused, StatusCode::BAD_REQUEST, "password", "The password is wrong.").await;
    assert!(html.contains("<details class=\"confirm\" open>"), "the form with the error is open");
    let off = browser.post("/console/account/two-factor/end", &[("password", PASSWORD)]).await;
    assert_eq!(location(&off), "/console/account?done=one-factor");
    assert_eq!(location(&log_in("").await), "/console");
}

#[tokio::test]
async fn too_many_tries_tell_how_long_to_wait() {
    let site = Site::open("http://localhost").await;
    let visitor = site.visitor();
    let form = [("email", "ada@example.com"), ("password", "wrong")];
    for _ in 0..10 {
        assert_eq!(visitor.post("/console/login", &form).await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = visitor.post("/console/login", &form).await;
    wrong(refused, StatusCode::TOO_MANY_REQUESTS, "", "There were too many tries. Try again in ").await;
}

#[tokio::test]
async fn forms_of_visitors_need_their_visit() {
    let site = Site::open("http://localhost").await;
    let visitor = site.visitor();
    for path in ["signup", "signup/code", "signup/code/again", "forgot", "reset", "verify", "login"] {
        let forged = visitor.post_as(&format!("/console/{path}"), "guess", &[]).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let browser = site.browser().await;
    for path in
        ["name", "password", "verify", "sessions/end", "two-factor", "two-factor/confirm", "two-factor/end"]
    {
        let path = format!("/console/account/{path}");
        assert_eq!(browser.post_as(&path, "guess", &[]).await.status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(location(&visitor.post(&path, &[]).await), "/console/login", "{path}");
    }
}

#[tokio::test]
async fn an_invitation_is_accepted_by_whom_it_was_mailed_to() {
    let site = Site::with_mail().await;
    let browser = site.browser().await;
    let home = browser.workspace().await;
    let caller = site.caller(&browser).await;
    let (tenant, _) = caller.enter(&home["/console/".len()..].parse().unwrap()).unwrap();
    let email = "bo@example.com".parse().unwrap();
    invitations::invite(&site.app, &tenant, &caller.actor(Default::default()), &email, Role::Member)
        .await
        .unwrap();
    let token = site.mailed("bo@example.com", "/console/invitation?token=").await;
    let link = format!("/console/invitation?token={token}");

    let other = text(browser.get(&link).await).await;
    assert!(
        other.contains("You are logged in as ada@example.com.") && !other.contains(">Accept<"),
        "{other}"
    );
    let refused = browser.post("/console/invitation", &[("token", &token)]).await;
    wrong(refused, StatusCode::FORBIDDEN, "", "This invitation is for another address.").await;

    let visitor = site.visitor();
    let page = visitor.get(&link).await;
    assert_eq!(page.headers()["referrer-policy"], "strict-origin");
    let html = text(page).await;
    assert!(
        html.contains("Join Nordlys") && html.contains("<strong>ada@example.com</strong> invites"),
        "{html}"
    );
    let way = html.split("href=\"/console/signup?").nth(1).unwrap().split('"').next().unwrap();
    let page = text(visitor.get(&format!("/console/signup?{}", way.replace("&#38;", "&"))).await).await;
    assert_eq!((value(&page, "email"), value(&page, "next")), ("bo@example.com", link.as_str()));
    let form = [("full_name", "Bo"), ("email", "bo@example.com"), ("password", PASSWORD), ("next", &link)];
    location(&visitor.post("/console/signup", &form).await);
    let code = site.mailed("bo@example.com", "Your code is ").await;
    let answer = [("email", "bo@example.com"), ("otp_code", &code), ("next", &link)];
    let entered = visitor.post("/console/signup/code", &answer).await;
    assert_eq!(location(&entered), link);
    let bo = site.entered(&entered);
    assert!(text(bo.get(&link).await).await.contains(">Accept<"));
    assert_eq!(location(&bo.post("/console/invitation", &[("token", &token)]).await), home);
    assert_eq!(bo.get(&home).await.status(), StatusCode::OK);
    let used = bo.get(&link).await;
    wrong(used, StatusCode::BAD_REQUEST, "", "This invitation is not valid any more.").await;
}

#[tokio::test]
async fn people_get_roles_and_leave() {
    let site = Site::with_mail().await;
    let ada = site.browser().await;
    let home = ada.workspace().await;
    let people = format!("{home}/people");
    let invite = async |email: &str, role: &str| {
        ada.post(&format!("{home}/invitations"), &[("email", email), ("role", role)]).await
    };
    wrong(invite("bo", "MEMBER").await, StatusCode::BAD_REQUEST, "email", "Email is not a mail address")
        .await;
    wrong(invite("ada@example.com", "MEMBER").await, StatusCode::CONFLICT, "email", "is a member already")
        .await;
    for email in ["bo@example.com", "cy@example.com"] {
        assert_eq!(location(&invite(email, "MEMBER").await), format!("{people}?done=invited"));
    }
    let html = text(ada.get(&people).await).await;
    let cys = html.split("cy@example.com").nth(1).unwrap();
    let withdraw = cys.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(location(&ada.post(withdraw, &[]).await), format!("{people}?done=withdrawn"));
    assert!(!text(ada.get(&people).await).await.contains("cy@example.com"));

    let form = identity::SignUp {
        email: "bo@example.com".parse().unwrap(),
        password: identity::Password::new(PASSWORD.into()).unwrap(),
        full_name: "Bo".into(),
    };
    let bo_id = identity::create_verified(&site.app, form).await.unwrap().id;
    let entered =
        site.visitor().post("/console/login", &[("email", "bo@example.com"), ("password", PASSWORD)]).await;
    let bo = site.entered(&entered);
    let token = site.mailed("bo@example.com", "/console/invitation?token=").await;
    assert_eq!(location(&bo.post("/console/invitation", &[("token", &token)]).await), home);

    let bos = format!("{people}/{bo_id}");
    assert_eq!(bo.post(&bos, &[("role", "OWNER")]).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(bo.get(&format!("{home}/audit")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(location(&ada.post(&bos, &[("role", "ADMIN")]).await), format!("{people}?done=role"));
    let adas = format!("{people}/{}/remove", site.user.id);
    wrong(bo.post(&adas, &[]).await, StatusCode::FORBIDDEN, "", "This needs the role OWNER").await;
    wrong(ada.post(&adas, &[]).await, StatusCode::CONFLICT, "", "This is the last owner").await;
    assert_eq!(location(&bo.post(&format!("{bos}/remove"), &[]).await), "/console");
    assert_eq!(bo.get(&home).await.status(), StatusCode::NOT_FOUND);

    let log = text(ada.get(&format!("{home}/audit?actor=bo@example.com")).await).await;
    assert!(
        log.contains("member.left") && log.contains("member.joined") && !log.contains("workspace.created")
    );
    let log = text(ada.get(&format!("{home}/audit?action=member.role_changed")).await).await;
    assert!(log.contains("from: MEMBER, to: ADMIN") && log.contains("1 entry"), "{log}");
}
