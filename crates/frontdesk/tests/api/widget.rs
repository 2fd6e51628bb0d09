//! What visitors reach: configuration, streams, feedback, the way to a person.

use std::time::Duration;

use futures_util::StreamExt;
use http::Method;
use platform::{
    AgentId, ExecutionId, MessageId,
    billing::Credits,
    conversations::{self, Channel, Exchange, Thread},
    executions::{Execution, Outcome, Timings},
    identity,
};
use serde_json::{Value, json};
use testkit::{Answer, Behaviour, Database, Model, Owner, Server, on_both};

use super::{PROGRAM, start};

const SHOP: &str = "https://shop.example.com";
const HELP: &str = "Pricing plans\n\nThe Starter plan costs 29 dollars per month and includes five agents.\n\nSupport hours\n\nOur support team answers from 9 to 17 on working days.\n";

struct Shop {
    owner: Owner,
    agent: String,
    key: String,
}

async fn shop(server: &Server) -> Shop {
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    server.upload(&owner, &collection, "help.txt", HELP).await;
    let agent = server.agent(&owner, &collection).await;
    let key = server.key(&owner).await;
    Shop { owner, agent, key }
}

impl Shop {
    fn body(&self, message: &str) -> Value {
        json!({ "agent_id": self.agent, "session_id": "sess_xyz", "message": message,
                "metadata": { "page_url": "https://shop.example.com/pricing" } })
    }

    async fn ask(&self, server: &Server, message: &str) -> Answer {
        server.post("/api/v1/widget/chat").page(&self.key, SHOP).json(self.body(message)).send().await
    }
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

fn words(frames: &[Value]) -> String {
    frames.iter().filter_map(|frame| frame["content"].as_str()).collect()
}

fn done(frames: &[Value]) -> &Value {
    let last = frames.last().unwrap();
    assert_eq!(last["type"], "done", "{frames:?}");
    last
}

/// The record of a run in which nothing happened.
fn execution(server: &Server, agent: &AgentId, message: &MessageId) -> Execution {
    let now = server.app.clock.now();
    Execution {
        id: ExecutionId::new(now, server.app.entropy),
        agent_id: agent.clone(),
        message_id: message.clone(),
        channel: Channel::Widget,
        agent_version: "1.1".into(),
        input: "Where?".into(),
        asked: None,
        output: "There.".into(),
        output_format: "markdown".into(),
        outcome: Outcome::Answered,
        reason: None,
        confidence: 1.0,
        model: "extractive".into(),
        attempts: Vec::new(),
        passages: Vec::new(),
        tool_calls: Vec::new(),
        claims: Vec::new(),
        tokens_input: 0,
        tokens_output: 0,
        timings: Timings::default(),
        replay_of: None,
        credits: Credits::ZERO,
        cost: 0,
        key_id: None,
        created_at: now,
    }
}

on_both! {
    async fn an_exchange_that_cannot_be_kept_spoils_no_other(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let agent: AgentId = server.agent(&owner, &collection).await.parse().unwrap();
        let caller = identity::authenticate(&server.app, &owner.token).await.unwrap();
        let (tenant, _) = caller.enter(&owner.workspace.parse().unwrap()).unwrap();
        let gone = AgentId::new(server.app.clock.now(), server.app.entropy);
        let keep = |agent: &AgentId, session: &str| {
            let session = session.to_owned();
            let thread = Thread { agent: agent.clone(), channel: Channel::Widget, session, page_url: None };
            let exchange = Exchange {
                id: MessageId::new(server.app.clock.now(), server.app.entropy),
                question: "Where?".into(),
                answer: "There.".into(),
                answered: true,
                confidence: 1.0,
                model: "extractive".into(),
                degraded: false,
                agent_version: "1.1".into(),
                sources: json!([]),
                response_time_ms: 1,
                pending: None,
                visit: Default::default(),
            };
            let execution = execution(&server, agent, &exchange.id);
            let (app, tenant) = (server.app.clone(), tenant.clone());
            async move { conversations::record(&app, &tenant, &thread, exchange, (execution, None)).await }
        };
        // The first has the turn; the others wait and are written together.
        let outcomes = tokio::join!(keep(&agent, "a"), keep(&agent, "b"), keep(&gone, "c"), keep(&agent, "d"));
        assert!(outcomes.0.is_ok() && outcomes.1.is_ok() && outcomes.2.is_err() && outcomes.3.is_ok());
        let list = server.within(&owner, Method::GET, "").send().await.expect(200);
        assert_eq!(list["stats"]["total_conversations"], 3);
        server.stop().await;
    }

    async fn a_visitor_gets_a_streamed_answer_with_its_source(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let config = server.get(&format!("/api/v1/widget/config/{}", shop.agent)).page(&shop.key, SHOP).send().await;
        assert_eq!(config.headers["access-control-allow-origin"], SHOP);
        assert_eq!(config.expect(200)["agent_name"], "Support Bot");

        let answer = shop.ask(&server, "How much does the Starter plan cost?").await;
        assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(answer.headers["x-accel-buffering"], "no");
        assert_eq!(answer.headers["cache-control"], "no-cache, no-transform");
        assert_eq!(answer.headers["access-control-allow-origin"], SHOP);
        let frames = answer.frames();
        let seen = types(&frames);
        assert_eq!((seen[0], seen[seen.len() - 2], seen[seen.len() - 1]), ("start", "sources", "done"));
        assert_eq!(words(&frames), "The Starter plan costs 29 dollars per month and includes five agents. [1]");
        assert_eq!(done(&frames)["answered"], true);
        let ids: Vec<&str> = answer.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
        let message = frames[0]["message_id"].as_str().unwrap();
        assert_eq!(ids.len(), frames.len());
        assert_eq!((ids[0], *ids.last().unwrap()), (&*format!("{message}:1"), &*format!("{message}:{}", frames.len())));

        let feedback = |kind: &str| json!({ "message_id": message, "feedback_type": kind, "comment": "Very helpful!" });
        let post = |path: &str, body: Value| server.post(path).page(&shop.key, SHOP).json(body).send();
        post("/api/v1/widget/feedback", feedback("THUMBS_UP")).await.expect(200);
        post("/api/v1/widget/feedback", feedback("SHRUG")).await.refused(400);
        let wish = json!({ "session_id": "sess_xyz", "agent_id": shop.agent, "email": "user@example.com", "message": "Billing" });
        post("/api/v1/widget/escalate", wish).await.expect(200);
        let agent = server.within(&shop.owner, Method::GET, &format!("/agents/{}", shop.agent)).send().await.expect(200);
        assert_eq!(agent["stats"], json!({ "total_conversations": 1, "total_messages": 2, "avg_satisfaction": 5.0 }));
        server.stop().await;
    }

    async fn what_is_not_known_is_said_and_kept(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        for _ in 0..2 {
            let frames = shop.ask(&server, "Do you deliver to the moon base?").await.frames();
            assert_eq!(done(&frames)["answered"], false);
            assert!(done(&frames)["confidence"].as_f64().unwrap() < 0.5);
            assert!(words(&frames).contains("talk to a person"));
            assert_eq!(frames[frames.len() - 2]["sources"], json!([]));
        }
        let mut db = server.app.db.read().await.unwrap();
        let kept: (String, i64) = db.one(store::Sql::new("SELECT question, occurrences FROM unanswered_questions")).await.unwrap();
        assert_eq!(kept, ("Do you deliver to the moon base?".to_owned(), 2));
        drop(db);
        server.stop().await;
    }

    async fn a_model_writes_and_invents_no_source(database: Database) {
        let pieces = ["The Starter ", "plan is 29 dollars. [1", "] Also [7] free", " ponies. [1][9]"].map(str::to_owned);
        let model = Model::start(Behaviour::Say(pieces.to_vec(), Duration::from_millis(5))).await;
        let server = Server::start_with(database, PROGRAM, |config| config.llm = Some(model.endpoint.clone())).await;
        let shop = shop(&server).await;
        let frames = shop.ask(&server, "How much does the Starter plan cost?").await.frames();
        assert_eq!(words(&frames), "The Starter plan is 29 dollars. [1] Also  free ponies. [1]");
        assert_eq!((&done(&frames)["model"], &done(&frames)["degraded"]), (&json!("stand-in"), &json!(false)));
        let sources = frames[frames.len() - 2]["sources"].as_array().unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0]["quote"], "The Starter plan costs 29 dollars per month and includes five agents.");
        // The next question carries what was said before.
        shop.ask(&server, "And when are support hours?").await;
        let asked = model.asked().pop().unwrap();
        let said: Vec<&str> = asked["messages"].as_array().unwrap().iter().filter_map(|m| m["content"].as_str()).collect();
        assert_eq!(said.len(), 4);
        assert!(said[0].contains("The Starter plan costs 29 dollars") && said[3] == "And when are support hours?");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_is_replaced_by_quotes() {
    let cases = [
        (Behaviour::Refuse(500), ""),
        (Behaviour::Hang, ""),
        (Behaviour::Break(vec!["The Starter".into()]), "The Starter\n\n"),
        (Behaviour::Say(Vec::new(), Duration::ZERO), ""),
    ];
    for (behaviour, before) in cases {
        let model = Model::start(behaviour.clone()).await;
        let server =
            Server::start_with(Database::Sqlite, PROGRAM, |config| config.llm = Some(model.endpoint.clone()))
                .await;
        let shop = shop(&server).await;
        let frames = shop.ask(&server, "How much does the Starter plan cost?").await.frames();
        let quote = "The Starter plan costs 29 dollars per month and includes five agents. [1]";
        assert_eq!(words(&frames), format!("{before}{quote}"), "{behaviour:?}");
        assert_eq!(
            (&done(&frames)["model"], &done(&frames)["degraded"]),
            (&json!("extractive"), &json!(true))
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_left_finds_the_answer_whole() {
    let pieces: Vec<String> = (0..20).map(|n| format!("word{n} ")).collect();
    let model = Model::start(Behaviour::Say(pieces.clone(), Duration::from_millis(20))).await;
    let server =
        Server::start_with(Database::Sqlite, PROGRAM, |config| config.llm = Some(model.endpoint.clone()))
            .await;
    let shop = shop(&server).await;
    let body = shop.body("How much does the Starter plan cost?");
    let call = || server.post("/api/v1/widget/chat").page(&shop.key, SHOP).json(body.clone());
    let mut stream = call().open().await.bytes_stream();
    let mut seen = String::new();
    while seen.matches("\"token\"").count() < 5 {
        seen.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    drop(stream);
    // What came in whole events counts; the rest is fetched.
    let whole = &seen[..seen.rfind("\n\n").unwrap() + 2];
    let last = whole.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap();
    let rest = call().header("last-event-id", last).send().await;
    let text = format!("{whole}{}", rest.text);
    let frames: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(words(&frames), pieces.concat());
    assert_eq!(done(&frames)["answered"], true);
    assert_eq!(model.asked().len(), 1, "nothing was asked twice");

    let message = last.split(':').next().unwrap();
    let other = json!({ "agent_id": shop.agent, "session_id": "sess_other", "message": "x" });
    let call = server
        .post("/api/v1/widget/chat")
        .page(&shop.key, SHOP)
        .header("last-event-id", &format!("{message}:0"));
    call.json(other).send().await.refused(404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_ask_whether_it_may_call() {
    let server = start(Database::Sqlite).await;
    let call = server.call(Method::OPTIONS, "/api/v1/widget/chat").header("origin", SHOP);
    let answer = call.header("access-control-request-method", "POST").send().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.headers["access-control-allow-origin"], SHOP);
    assert!(answer.headers["access-control-allow-headers"].to_str().unwrap().contains("x-api-key"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_asked_is_refused_before_a_stream() {
    let server = start(Database::Sqlite).await;
    let shop = shop(&server).await;
    assert_eq!(shop.ask(&server, "  ").await.refused(400).1.as_deref(), Some("message"));
    assert_eq!(shop.ask(&server, &"x".repeat(4001)).await.refused(400).1.as_deref(), Some("message"));
    let mut body = shop.body("Hello?");
    body["agent_id"] = json!("agent_missing");
    let post = |body: Value| server.post("/api/v1/widget/chat").page(&shop.key, SHOP).json(body).send();
    post(body.clone()).await.refused(404);
    body["agent_id"] = json!(shop.agent);
    body["session_id"] = json!("");
    assert_eq!(post(body.clone()).await.refused(400).1.as_deref(), Some("session_id"));
    let other = server.owner("other@example.com").await;
    let theirs = server.key(&other).await;
    let foreign =
        server.post("/api/v1/widget/chat").page(&theirs, SHOP).json(shop.body("Hello?")).send().await;
    foreign.refused(404); // another tenant's agent
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_and_the_share_page_are_public() {
    let server = start(Database::Sqlite).await;
    let shop = shop(&server).await;
    let script = server.get("/widget.js").send().await;
    assert!(script.headers["content-type"].to_str().unwrap().contains("javascript"));
    assert!(script.text.contains("InsydrAI") && !script.text.contains("\n  "));
    let packed = server.get("/widget.js").header("accept-encoding", "gzip").open().await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.bytes().await.unwrap().len() <= 15 * 1024);
    let tag = script.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(server.get("/widget.js").header("if-none-match", &tag).send().await.status, 304);

    let page = server.get(&format!("/chat/{}", shop.agent)).send().await;
    assert_eq!(page.status, 200);
    let key = page.text.split("data-api-key=\"").nth(1).unwrap().split('"').next().unwrap();
    let chat = |origin: &str| {
        server.post("/api/v1/widget/chat").page(key, origin).json(shop.body("When are support hours?")).send()
    };
    assert_eq!(done(&chat(&server.url).await.frames())["answered"], true);
    chat(SHOP).await.refused(401); // the share page's key is good on the server's own pages only
    assert_eq!(server.get("/chat/agent_missing").send().await.status, 404);
    server.stop().await;
}
