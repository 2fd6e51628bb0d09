//! The pages of analytics, unanswered questions and webhooks, with sample data.

use platform::{
    Role, TopicId,
    agents::Listed,
    analytics::{
        AgentShare, Asking, Conversations, Daily, Details, Hour, Listing, Opinion, Overview, Period,
        Questions, Scope, Tally, Trend,
    },
    conversations::{
        Unanswered,
        unanswered::{Asker, Remedy, Status, Test},
    },
};

use super::{
    pages::{bad, page},
    samples::{HOSTILE, chrome, id, noon, paged, zone},
};
use crate::{
    analytics::AnalyticsPage,
    form::Fields,
    unanswered::{QuestionPage, UnansweredPage},
    webhooks::WebhooksPage,
};

fn listed() -> Listed {
    Listed {
        id: id("agent"),
        name: HOSTILE.into(),
        status: "PUBLISHED".into(),
        agent_type: "SUPPORT".into(),
        conversation_count: 1,
        created_at: noon(),
    }
}

fn period() -> Period {
    Period { first: "2026-01-19".parse().unwrap(), last: "2026-01-25".parse().unwrap() }
}

fn asking(count: i64) -> Asking {
    Asking {
        topic: id::<TopicId>("topic"),
        question: HOSTILE.into(),
        count,
        before: 2,
        trend: Trend::Up,
        avg_confidence: 0.914,
        answer_rate: 0.5,
    }
}

#[test]
fn a_report_tells_what_happened() {
    let tally = Tally {
        conversations: 12,
        exchanges: 40,
        answered: 30,
        response_ms: 48_000,
        thumbs_up: 7,
        thumbs_down: 1,
        ..Tally::default()
    };
    let before = Tally { conversations: 8, ..Tally::default() };
    let channels = vec![("widget".to_owned(), tally)];
    let overview = Overview { now: tally, before, active_agents: 1, documents: 2, channels };
    let daily = |(n, day)| Daily { day, tally: if n == 3 { tally } else { Tally::default() } };
    let share = |name: Option<&str>| AgentShare { agent_id: id("agent"), name: name.map(Into::into), tally };
    let talks = Conversations {
        days: period().each().enumerate().map(daily).collect(),
        hours: vec![Hour { hour: 14, conversations: 12, exchanges: 40 }],
        agents: vec![share(Some(HOSTILE)), share(None)],
    };
    let questions = Questions {
        top: vec![asking(9)],
        trending: vec![asking(9)],
        subjects: vec![(Some(HOSTILE.into()), 9), (None, 31)],
    };
    let opinion = Opinion {
        message_id: id("msg"),
        conversation_id: id("conv"),
        agent_id: id("agent"),
        question: HOSTILE.into(),
        answer: HOSTILE.into(),
        feedback: "THUMBS_DOWN".into(),
        comment: Some(HOSTILE.into()),
        created_at: noon(),
    };
    let html = page(&AnalyticsPage {
        chrome: chrome(Role::Viewer),
        zone: zone(),
        scope: Scope { period: period(), agent: None },
        agents: vec![listed(), listed()],
        overview: &overview,
        talks: &talks,
        questions: &questions,
        opinions: paged(vec![opinion]),
    });
    for part in [
        "<dd>12</dd><dd class=\"faint\">+50 %</dd>",
        "<dd>75 %</dd>",
        "<dd>1.2 s</dd>",
        "4.5 <small>of 5</small>",
        "<rect x=\"30\" y=\"0\" width=\"8\" height=\"100\"><title>22 Jan: 12 conversations</title></rect>",
        "aria-label=\"Conversations by hour: most at 14:00: 12 conversations\"",
        "aria-current=\"true\">7 days</a>",
        "2× → 9×",
        "<dt>Other</dt>",
        "Deleted agent",
        "<span class=\"badge failed\">Bad</span>",
        ">91 %</td>",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

fn unanswered(remedy: Option<Remedy>) -> Unanswered {
    Unanswered {
        id: id("uq"),
        agent_id: id("agent"),
        topic_id: None,
        question: HOSTILE.into(),
        occurrences: 4,
        first_seen: noon(),
        last_seen: noon(),
        status: "OPEN".into(),
        resolved_at: None,
        remedy,
    }
}

fn remedy(test: Option<Test>) -> Remedy {
    Remedy {
        document_id: id("doc"),
        answer: HOSTILE.into(),
        written_at: noon(),
        notify: false,
        test,
        told: 1,
    }
}

#[test]
fn unanswered_questions_lead_to_their_page() {
    let sample = |items| UnansweredPage {
        chrome: chrome(Role::Viewer),
        zone: zone(),
        list: Listing { questions: paged(items), resolved_this_week: 5, zone: zone().0 },
        status: Status::Open,
        agents: vec![listed()],
    };
    let html = page(&sample(vec![unanswered(None), unanswered(Some(remedy(None)))]));
    assert!(html.contains("/unanswered/uq_0123456789abcdefghjkmnpq\">&#60;script&#62;"), "{html}");
    assert!(html.contains("2 questions, 5 resolved this week") && html.contains("Being tried"), "{html}");
    assert!(page(&sample(Vec::new())).contains("class=\"empty\""));
}

#[test]
fn a_question_can_be_answered_by_who_may() {
    let asker = |told| Asker { conversation_id: id("conv"), email: "ada@example.com".into(), told_at: told };
    let sample = |role, remedy, notice| QuestionPage {
        chrome: chrome(role),
        zone: zone(),
        details: Details {
            question: unanswered(remedy),
            wordings: vec![(HOSTILE.into(), 3), ("b".into(), 1)],
            askers: vec![asker(None), asker(Some(noon()))],
            zone: zone().0,
        },
        answer: HOSTILE,
        notice,
    };
    let html = page(&sample(Role::Member, None, bad("Answer is empty.")));
    assert!(html.contains(">Teach it</button>") && html.contains("Send it to the 1 who asked"), "{html}");
    let test = Test { passed: true, confidence: 0.876, reply: HOSTILE.into(), tested_at: noon() };
    let html = page(&sample(Role::Member, Some(remedy(Some(test))), None));
    assert!(html.contains("The agent answers from it") && html.contains("88 % sure"), "{html}");
    assert!(html.contains("/notify\""), "{html}");
    let html = page(&sample(Role::Viewer, Some(remedy(None)), None));
    assert!(
        html.contains("Being read and tried")
            && !html
                .contains("<form method=\"post\" action=\"/console/ws_0123456789abcdefghjkmnpq/unanswered"),
        "{html}"
    );
}

#[test]
fn webhooks_are_made_by_who_may() {
    let fields = Fields::of([("url", HOSTILE), ("event", "LEAD_CAPTURED"), ("naming", "dotted")]);
    let sample =
        |role| WebhooksPage { chrome: chrome(role), webhooks: Vec::new(), fields: &fields, notice: None };
    let html = page(&sample(Role::Admin));
    assert!(
        html.contains("value=\"LEAD_CAPTURED\" checked") && html.contains("value=\"dotted\" selected"),
        "{html}"
    );
    assert!(!page(&sample(Role::Member)).contains("Make the webhook"));
}
