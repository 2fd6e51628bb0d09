//! Every template with sample data: it says what it must, and nothing that a name brings along.

use askama::Template;
use chrono_tz::TZ_VARIANTS;
use platform::{
    Paged, Role,
    agents::Listed,
    answering::Reply,
    audit::Entry,
    billing::Credits,
    conversations::{Escalation, Unanswered},
    identity::OpenSession,
    workspaces::{Created, Key, Stats, invitations::Invitation, members::Member as Someone},
};

use super::samples::{HOSTILE, agent, chrome, collection, id, noon, paged, source, zone};
use crate::{
    account::{AccountPage, Section},
    agents::{AgentPage, Draft},
    audit_log::AuditPage,
    invitation::InvitationPage,
    keys::KeysPage,
    links::{ForgotPage, ResetPage, VerifyPage},
    login::LoginPage,
    overview::OverviewPage,
    page::Notice,
    people::PeoplePage,
    sign_up::{CodePage, SignUpPage},
    tryout::Tried,
    two_factor::Step,
    workspaces::NewPage,
};

/// Renders a page and checks what holds for all of them.
pub fn page(template: &impl Template) -> String {
    let html = template.render().unwrap();
    assert!(!html.contains("<script>") && !html.contains("\" onfocus"), "a name got out: {html}");
    assert!(!html.contains("style=\"") && !html.contains(" onclick"), "the policy forbids inline code");
    assert_eq!(html.matches("<h1").count(), 1, "one first heading");
    assert!(html.contains("<main id=\"main\""));
    for form in html.split("<form method=\"post\"").skip(1) {
        let form = form.split("</form>").next().unwrap();
        assert!(form.contains("name=\"csrf\" value=\"the-token\""), "a form without a token: {form}");
    }
    for input in html.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let named = input.split_once("id=\"").map(|(_, rest)| rest.split('"').next().unwrap());
        let labelled = named.is_some_and(|name| html.contains(&format!("for=\"{name}\"")));
        assert!(labelled || input.contains("hidden") || input.contains("checkbox"), "no label: {input}");
    }
    html
}

pub fn bad(text: &str) -> Option<Notice> {
    Some(Notice { bad: true, text: text.into(), field: None })
}

#[test]
fn login_keeps_the_address_and_says_what_is_wrong() {
    let next = "/console/ws_1/keys";
    let html = page(&LoginPage {
        csrf: "the-token",
        next,
        email: HOSTILE,
        two_factor: false,
        unverified: false,
        notice: bad("The password is wrong."),
    });
    assert!(html.contains("role=\"alert\" tabindex=\"-1\" autofocus>The password is wrong.</p>"), "{html}");
    assert!(html.contains("name=\"next\" value=\"/console/ws_1/keys\""));
    assert!(html.contains("value=\"&#60;script&#62;"));
}

#[test]
fn a_first_workspace_can_be_made() {
    let sample = NewPage {
        csrf: "the-token",
        name: HOSTILE,
        timezone: "Europe/Oslo",
        zones: &TZ_VARIANTS,
        notice: None,
    };
    assert!(page(&sample).contains("<option selected>Europe/Oslo</option>"));
}

#[test]
fn the_overview_tells_how_it_is_going() {
    let listed = Listed {
        id: id("agent"),
        name: HOSTILE.into(),
        status: "PUBLISHED".into(),
        agent_type: "SUPPORT".into(),
        conversation_count: 1,
        created_at: noon(),
    };
    let question = Unanswered {
        id: id("uq"),
        agent_id: id("agent"),
        topic_id: None,
        question: HOSTILE.into(),
        occurrences: 4,
        first_seen: noon(),
        last_seen: noon(),
        status: "OPEN".into(),
        resolved_at: None,
        remedy: None,
    };
    let wish = Escalation {
        id: id("esc"),
        agent_id: id("agent"),
        email: "ada?cc=x@example.com".into(),
        message: HOSTILE.into(),
        status: "OPEN".into(),
        created_at: noon(),
    };
    let overview = |role| OverviewPage {
        chrome: chrome(role),
        zone: zone(),
        base: "https://chat.example.com",
        stats: Stats { agents: 1, documents: 2, conversations: 35, messages: 71 },
        agents: vec![listed.clone()],
        unanswered: paged(vec![question.clone()]),
        escalations: paged(vec![wish.clone()]),
    };
    let html = page(&overview(Role::Owner));
    assert!(html.contains("<dt>Messages</dt><dd>71</dd>"));
    assert!(html.contains("1 conversation with visitors"));
    assert!(html.contains("https://chat.example.com/chat/agent_0123456789abcdefghjkmnpq"));
    assert!(html.contains("&lt;script src=\"https://chat.example.com/widget.js\" data-agent-id=\"agent_"));
    assert!(html.contains("4×") && html.contains("18 Nov 2026, 12:06"), "{html}");
    assert!(html.contains("href=\"mailto:ada%3Fcc=x@example.com\""), "{html}");
    assert!(html.contains("Make an agent"));
    assert!(!page(&overview(Role::Viewer)).contains("Make an agent"));
}

fn agent_page(role: Role, tried: Option<Tried>) -> String {
    let agent = agent();
    page(&AgentPage {
        chrome: chrome(role),
        zone: zone(),
        base: "https://chat.example.com",
        draft: Draft::of(&agent),
        agent: &agent,
        collections: vec![collection()],
        question: "Do you ship?",
        tried,
        notice: None,
    })
}

#[test]
fn an_agent_shows_its_draft() {
    let html = agent_page(Role::Member, None);
    assert!(html.contains("Unpublished changes") && html.contains("Version 1.3"));
    assert!(html.contains("Do you ship to Norway?</textarea>"), "{html}");
    assert!(html.contains("value=\"col_0123456789abcdefghjkmnpq\" checked"));
    assert!(html.contains("value=\"auto\" selected") && html.contains("value=\"#2563eb\""));
    let viewer = agent_page(Role::Viewer, None);
    assert!(viewer.contains("<fieldset disabled>") && !viewer.contains("Save the draft"));
    assert!(!viewer.contains("Publish the draft") && !viewer.contains("Try it"));
}

#[test]
fn a_tried_answer_shows_what_it_rests_on() {
    let reply = Reply {
        execution_id: "exec_00000000000000000000000a".parse().unwrap(),
        message_id: "msg_00000000000000000000000a".parse().unwrap(),
        spans: Vec::new(),
        credits: Credits::ZERO,
        tokens: 0,
        milliseconds: 12,
        text: "Yes <b>we do</b> [1]".into(),
        sources: vec![source(1)],
        confidence: 0.876,
        answered: true,
        model: "extractive".into(),
        degraded: false,
    };
    let html = agent_page(Role::Member, Some(reply.into()));
    assert!(html.contains("Confidence 88 %") && html.contains("Answered"));
    assert!(html.contains("href=\"#source-1\"") && html.contains("id=\"source-1\""));
    assert!(html.contains("page 7") && html.contains("We ship &#60;b&#62;everywhere"), "{html}");
}

#[test]
fn keys_are_listed_and_a_new_one_is_shown_once() {
    let key = Key {
        id: id("key"),
        name: HOSTILE.into(),
        key_prefix: "pk_live_1234".into(),
        allowed_domains: vec!["*.example.com".parse().unwrap()],
        daily_messages: None,
        created_at: noon(),
        last_used_at: None,
        revoked_at: None,
    };
    let keys = |role, made: Option<Created<Key>>| KeysPage {
        chrome: chrome(role),
        zone: zone(),
        base: "https://chat.example.com",
        keys: vec![key.clone()],
        agents: Vec::new(),
        made,
        name: "",
        domains: "",
        notice: None,
    };
    let html = page(&keys(Role::Admin, None));
    assert!(html.contains("pk_live_1234…") && html.contains("*.example.com"));
    assert!(html.contains("Yes, revoke it") && html.contains("Never"));
    let made = Created { key: key.clone(), secret: "pk_live_1234567890".into() };
    assert!(page(&keys(Role::Admin, Some(made))).contains("<code>pk_live_1234567890</code>"));
    let member = page(&keys(Role::Member, None));
    assert!(!member.contains("Make a key") && !member.contains("Yes, revoke it"));
}

#[test]
fn signing_up_keeps_what_was_typed() {
    let notice =
        Some(Notice { bad: true, text: "Full name is one line.".into(), field: Some("full_name".into()) });
    let next = "/console/ws_1/keys";
    let html = page(&SignUpPage { csrf: "the-token", next, full_name: HOSTILE, email: HOSTILE, notice });
    assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"error \" autofocus"), "{html}");
    assert!(html.contains("href=\"/console/login?next=%2Fconsole%2Fws_1%2Fkeys\""));
    let html = page(&CodePage { csrf: "the-token", next, email: HOSTILE, minutes: 10, notice: None });
    assert!(html.contains("good for 10 minutes") && html.contains("formnovalidate"));
}

#[test]
fn links_of_mails_wait_for_a_button() {
    let html = page(&ForgotPage { csrf: "the-token", email: HOSTILE, notice: None });
    assert!(html.contains("action=\"/console/forgot\""));
    let reset = |dead| page(&ResetPage { csrf: "the-token", token: HOSTILE, dead, notice: bad("Gone.") });
    assert!(reset(false).contains("name=\"token\" value=\"&#60;script&#62;"));
    assert!(!reset(true).contains("<form "));
    let verify = |token| page(&VerifyPage { csrf: "the-token", token, notice: None });
    assert!(verify(HOSTILE).contains("Yes, this is my address") && !verify("").contains("<form "));
}

fn account(step: Step, verified: bool) -> String {
    let session = OpenSession {
        id: id("sess"),
        created_at: noon(),
        last_seen_at: noon(),
        expires_at: noon(),
        address: Some("198.51.100.7".into()),
        user_agent: Some(HOSTILE.into()),
    };
    let current = "sess_00000000000000000000000a".parse().unwrap();
    page(&AccountPage {
        csrf: "the-token",
        zone: zone(),
        workspaces: chrome(Role::Owner).others,
        person: HOSTILE,
        email: "ada@example.com",
        verified,
        full_name: HOSTILE,
        sessions: vec![session.clone(), OpenSession { id: current, ..session }],
        current: &"sess_00000000000000000000000a".parse().unwrap(),
        step,
        section: Section::Top,
        notice: None,
    })
}

#[test]
fn an_account_shows_where_it_is_open() {
    let html = account(Step::Off, false);
    assert!(html.contains("Not verified") && html.contains("Mail me a link to verify it"));
    assert!(html.contains("198.51.100.7") && html.contains("18 Nov 2026, 12:06"), "{html}");
    assert_eq!((html.matches("This one").count(), html.matches("End the session of").count()), (1, 1));
    assert!(html.contains("Times are those of Europe/Oslo."));
    let on = account(Step::On, true);
    assert!(!on.contains("Not verified") && on.contains("Yes, switch it off") && !on.contains("Set it up"));
}

#[test]
fn the_setup_of_a_second_factor_stands_alone() {
    let url = "otpauth://totp/Frontdesk:ada?secret=GEZDGNBV&issuer=Frontdesk".to_owned();
    let html = account(Step::Scan { secret: "GEZDGNBV".into(), url, qr: "<svg></svg>".into() }, true);
    assert!(html.contains("<code>GEZDGNBV</code>") && html.contains("aria-label=\"QR code for"));
    assert!(
        html.contains("href=\"otpauth://totp/Frontdesk:ada?secret=GEZDGNBV&#38;issuer=Frontdesk\""),
        "{html}"
    );
    assert!(!html.contains("Change the password") && !html.contains("End all others"));
    let html = account(Step::Codes(vec!["one-two".into(), "three-four".into()]), true);
    assert!(html.contains("<code>one-two\nthree-four\n</code>"), "{html}");
}

#[test]
fn people_are_managed_by_those_who_may() {
    let someone = |user: &str, role: &str| Someone {
        user_id: user.parse().unwrap(),
        email: "bo@example.com".into(),
        full_name: HOSTILE.into(),
        role: role.into(),
        joined_at: noon(),
    };
    let (own, other) = ("user_00000000000000000000000a", "user_00000000000000000000000b");
    let invitation = Invitation {
        id: id("invite"),
        email: "cy@example.com".into(),
        role: "VIEWER".into(),
        expires_at: noon(),
        created_at: noon(),
    };
    let people = |role: Role, others: &str| {
        page(&PeoplePage {
            chrome: chrome(role),
            zone: zone(),
            own: &own.parse().unwrap(),
            members: paged(vec![someone(own, role.as_str()), someone(other, others)]),
            invitations: if role >= Role::Admin { vec![invitation.clone()] } else { Vec::new() },
            email: HOSTILE,
            notice: None,
        })
    };
    let html = people(Role::Admin, "MEMBER");
    assert_eq!(html.matches("name=\"role\" aria-label").count(), 2);
    assert!(html.contains("<option value=\"MEMBER\" selected>Member</option>"), "{html}");
    assert!(!html.contains("value=\"OWNER\""), "nobody gives a role above their own");
    assert!(html.contains("Yes, remove them") && html.contains("Yes, leave the workspace"));
    assert!(html.contains("cy@example.com") && html.contains("Mail the invitation"));
    let html = people(Role::Admin, "OWNER");
    assert!(!html.contains("Yes, remove them") && html.matches("name=\"role\" aria-label").count() == 1);
    let html = people(Role::Member, "VIEWER");
    assert!(!html.contains("Yes, remove them") && !html.contains("Mail the invitation"));
    assert!(html.contains("Yes, leave the workspace") && !html.contains("/audit\""));
}

#[test]
fn the_audit_log_keeps_its_filter_from_page_to_page() {
    let entry = Entry {
        id: id("audit"),
        created_at: noon(),
        action: "member.role_changed".into(),
        target: "user_1".into(),
        user_id: None,
        key_id: None,
        actor: HOSTILE.into(),
        address: None,
        user_agent: None,
        details: serde_json::json!({ "from": "MEMBER", "to": HOSTILE }),
    };
    let entries = Paged { items: vec![entry], total: 120, page: platform::Page { limit: 50, offset: 50 } };
    let (actor, action) = ("ada+x@example.com", "");
    let html = page(&AuditPage { chrome: chrome(Role::Owner), zone: zone(), entries, actor, action });
    assert!(html.contains("Page 2 of 3") && html.contains("120 entries"), "{html}");
    assert!(html.contains("href=\"?actor=ada%2Bx%40example.com&#38;page=3\""), "{html}");
    assert!(html.contains("from: MEMBER, to: &#60;script") && html.contains("The server"));
}

#[test]
fn a_dead_invitation_says_so() {
    let html = page(&InvitationPage { token: HOSTILE, offer: None, reader: None, notice: bad("Gone.") });
    assert!(html.contains("Gone.") && !html.contains("<form "));
}
