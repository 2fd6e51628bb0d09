//! Credits under load: none is spent twice, none is lost, and visitors are answered without any.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::Method;
use platform::{
    App, Clock, Kind, Tenant,
    agents::{self, Published},
    answering::{self, Question},
    billing::{self, Tariff},
    conversations::{Channel, Thread},
    http::SystemResolver,
};
use serde_json::{Value, json};
use testkit::{Behaviour, Database, Model, Server, on_both};

use super::{
    PROGRAM,
    billing::{Company, selling, text},
};

const FIFTY: &str = "[plans.ENTERPRISE]\ncredits_per_month = 50";

/// The workspace as its queries want it, and an agent of it.
async fn inside(company: &Company, agent: &str) -> (Tenant, Arc<Published>) {
    let caller = platform::identity::authenticate(&company.server.app, &company.token).await.unwrap();
    let (tenant, _) = caller.enter(&company.id.parse().unwrap()).unwrap();
    let agent = agents::published(&company.server.app, &tenant, &agent.parse().unwrap()).await.unwrap();
    (tenant, agent)
}

fn question(agent: &Arc<Published>, n: usize) -> Question {
    let thread = Thread {
        agent: agent.id.clone(),
        channel: Channel::Execute,
        session: format!("run {n}"),
        page_url: None,
    };
    Question::new(agent.clone(), thread, "Where is it?".into())
}

/// On SQLite there is one server; on PostgreSQL there may be several, which know nothing of each other but what the
/// database says.
#[tokio::test(flavor = "multi_thread")]
async fn several_servers_spend_each_credit_once() {
    let company = Company::new(selling(Database::Postgres, FIFTY).await).await;
    let agent = company.agent().await;
    let (tenant, agent) = inside(&company, &agent).await;
    let mut servers = vec![company.server.app.clone()];
    for _ in 0..2 {
        servers.push(another(&company.server).await);
    }
    let runs = (0..210).map(|n| answering::reply(&servers[n % 3], &tenant, question(&agent, n)));
    let outcomes = join_all(runs).await;
    let spent = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|error| error.kind == Kind::Payment)
    );
    assert_eq!(spent, 50);
    assert_eq!(company.credits().await, 0.0);
    company.sound().await;
    for server in servers.into_iter().skip(1) {
        server.stop(Duration::from_secs(5)).await;
    }
    company.server.stop().await;
}

/// Another server on the same database.
async fn another(server: &Server) -> App {
    let clock: Clock = server.app.clock.clone();
    let app = App::open_with(server.app.config.clone(), clock, Arc::new(SystemResolver)).await.unwrap();
    // Answers wait for the model to be looked for; there is none.
    app.start_embeddings();
    app
}

/// What a server held that was killed comes back when its time has passed.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_held_comes_back() {
    let company = Company::new(selling(Database::Postgres, FIFTY).await).await;
    let agent = company.agent().await;
    let (tenant, published) = inside(&company, &agent).await;
    let killed = another(&company.server).await;
    answering::reply(&killed, &tenant, question(&published, 0)).await.unwrap();
    drop(killed);
    let credits = company.get("billing/credits").await;
    assert_eq!((&credits["credits"], &credits["held_credits"]), (&json!(49), &json!(11.5)));
    // This one cannot have them yet.
    let runs = join_all((0..49).map(|_| company.execute(&agent))).await;
    assert_eq!(runs.iter().filter(|answer| answer.status == 200).count(), 37);
    company.server.app.clock.advance(TimeDelta::minutes(16));
    billing::keep(&company.server.app).await.unwrap();
    let credits = company.get("billing/credits").await;
    assert_eq!(credits["credits"], 12);
    for _ in 0..12 {
        company.execute(&agent).await.expect(200);
    }
    company.execute(&agent).await.refused(402);
    company.sound().await;
    company.server.stop().await;
}

/// On SQLite a server that starts is the only one, so it need not wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_on_sqlite_takes_back_what_the_last_one_held() {
    let company = Company::new(selling(Database::Sqlite, FIFTY).await).await;
    let agent = company.agent().await;
    let (tenant, published) = inside(&company, &agent).await;
    let killed = another(&company.server).await;
    answering::reply(&killed, &tenant, question(&published, 0)).await.unwrap();
    drop(killed);
    assert_eq!(company.get("billing/credits").await["held_credits"], 11.5);
    billing::keep(&company.server.app).await.unwrap();
    assert_eq!(company.get("billing/credits").await["held_credits"], 0);
    company.sound().await;
    company.server.stop().await;
}

on_both! {
    async fn two_hundred_runs_at_once_spend_each_credit_once(database: Database) {
        let company = Company::new(selling(database, FIFTY).await).await;
        let agent = company.agent().await;
        let answers = join_all((0..200).map(|_| company.execute(&agent))).await;
        let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((of(200), of(402)), (50, 150));
        let refused = answers.into_iter().find(|answer| answer.status == 402).unwrap();
        assert_eq!(refused.refused(402).0, "INSUFFICIENT_CREDITS");
        let credits = company.get("billing/credits").await;
        assert_eq!((&credits["credits"], &credits["used_credits"]), (&json!(0), &json!(50)));
        assert_eq!(company.get("billing/credits/transactions?kind=spend").await["total"], 50);
        company.sound().await;
        // What is bought is there at once.
        company.top_up(json!(1)).await.expect(200);
        company.execute(&agent).await.expect(200);
        company.execute(&agent).await.refused(402);
        company.sound().await;
        company.server.stop().await;
    }

    async fn what_lies_idle_goes_back_and_a_stop_leaves_nothing(database: Database) {
        let company = Company::new(selling(database, FIFTY).await).await;
        let agent = company.agent().await;
        company.execute(&agent).await.expect(200);
        assert_eq!(company.get("billing/credits").await["held_credits"], 11.5);
        company.server.app.clock.advance(TimeDelta::minutes(6));
        billing::keep(&company.server.app).await.unwrap();
        assert_eq!(company.get("billing/credits").await["held_credits"], 0);
        company.execute(&agent).await.expect(200);
        assert_eq!(company.credits().await, 48.0);
        company.sound().await;
        company.server.stop().await;
    }

    async fn a_run_that_cannot_be_kept_costs_nothing(database: Database) {
        let said = vec!["A while.".to_owned()];
        let model = Model::start(Behaviour::Say(said, Duration::from_millis(300))).await;
        let company = company_with(database, &model, FIFTY).await;
        let agent = answering_agent(&company).await;
        let body = json!({ "input": "How many working days do parcels to Norway take?" });
        let at = format!("agents/{agent}/execute");
        let run = company.call(Method::POST, &at, body);
        let gone = async {
            while model.asked().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            company.call(Method::DELETE, &format!("agents/{agent}"), json!({})).await.expect(200);
        };
        let (answer, ()) = futures_util::future::join(run, gone).await;
        answer.refused(502);
        assert_eq!(company.credits().await, 50.0);
        assert_eq!(company.get("billing/usage").await["usage"]["total_requests"], 0);
        // Nothing of it is still set aside.
        company.server.app.clock.advance(TimeDelta::minutes(6));
        billing::keep(&company.server.app).await.unwrap();
        assert_eq!(company.get("billing/credits").await["held_credits"], 0);
        company.sound().await;
        company.server.stop().await;
    }

    async fn a_visitor_is_answered_without_credits(database: Database) {
        let model = Model::start(Behaviour::Think(|_| vec![json!({ "content": "Parcels to Norway take nine working days. [1]" })])).await;
        let company = company_with(database, &model, "[plans.ENTERPRISE]\ncredits_per_month = 2").await;
        let agent = answering_agent(&company).await;
        let key = json!({ "name": "Page", "allowed_domains": ["*.example.com"] });
        let key = company.call(Method::POST, &format!("workspaces/{}/api-keys", company.id), key).await.expect(201);
        let ask = || {
            let body = json!({ "agent_id": agent, "session_id": "s1", "message": "How many working days do parcels to Norway take?" });
            let call = company.server.post("/api/v1/widget/chat").page(key["key"].as_str().unwrap(), "https://shop.example.com");
            call.json(body).send()
        };
        // 1 for the run, a hundredth for a hundred tokens in, a hundredth for twenty out; more is set aside for a run
        // than is left after it.
        let answer = ask().await;
        let done = last_frame(&answer.text);
        assert_eq!((&done["model"], &done["degraded"]), (&json!("stand-in"), &json!(false)), "{}", answer.text);
        assert_eq!(company.credits().await, 0.98);
        company.server.app.clock.advance(TimeDelta::seconds(1));
        let answer = ask().await;
        let done = last_frame(&answer.text);
        assert_eq!((&done["model"], &done["degraded"]), (&json!("extractive"), &json!(true)), "{}", answer.text);
        assert!(answer.text.contains("nine working days"), "{}", answer.text);
        assert_eq!(company.credits().await, 0.98, "it cost nothing");
        let runs = company.get(&format!("agents/{agent}/executions")).await;
        let record = company.get(&format!("agents/{agent}/executions/{}", text(&runs["executions"][0]["execution_id"]))).await;
        let attempts = &record["execution"]["attempts"];
        assert_eq!(attempts[0], json!({ "model": "stand-in", "error": "the workspace has no credits left for it" }));
        company.execute(&agent).await.refused(402);
        let usage = company.get("billing/usage?group_by=model").await["usage"].clone();
        assert_eq!((&usage["by_operation"]["widget_message"], &usage["by_operation"]["agent_execute"]), (&json!(2), &json!(0)));
        assert_eq!(usage["groups"][1]["tokens"], 120);
        company.sound().await;
        company.server.stop().await;
    }

    async fn only_what_was_made_is_charged_when_a_visitor_stops(database: Database) {
        let words = (0..200).map(|_| "Parcels to Norway take nine working days. ".to_owned()).collect();
        let model = Model::start(Behaviour::Say(words, Duration::from_millis(40))).await;
        let tariff = "[[prices]]\noperation = \"*\"\nmodel = \"stand-in\"\noutput = 100";
        let company = company_with(database, &model, tariff).await;
        let agent = answering_agent(&company).await;
        let (tenant, published) = inside(&company, &agent).await;
        let ask = async || {
            let asked = question(&published, 0);
            let thread = Thread { channel: Channel::Widget, ..asked.thread.clone() };
            let asked = Question { text: "How many working days do parcels to Norway take?".into(), thread, ..asked };
            answering::ask(&company.server.app, &tenant, asked).await.unwrap()
        };
        let live = ask().await;
        let mut seen = 0;
        loop {
            let (frames, last) = live.after(seen).await;
            assert!(!last, "it is stopped in the middle");
            seen += frames.len();
            if frames.iter().any(|frame| matches!(frame, answering::Frame::Token { .. })) {
                break;
            }
        }
        live.stop();
        live.whole().await;
        // A tenth of a credit for each token, of four characters.
        let runs = company.get(&format!("agents/{agent}/executions")).await["executions"][0].clone();
        assert_eq!(runs["status"], "stopped");
        let tokens = text(&runs["response"]).chars().count().div_ceil(4);
        let cost = (tokens * 100) as f64 / 1000.0;
        assert_eq!(runs["credits_used"].as_f64().unwrap(), cost);
        assert!(cost > 0.0 && cost < 100.0, "{cost}");
        assert!((company.credits().await - (50_000.0 - cost)).abs() < 1e-9);
        // Nothing was made of one that is stopped before its first word.
        model.turn_to(Behaviour::Hang);
        company.server.app.clock.advance(TimeDelta::seconds(1));
        let live = ask().await;
        live.after(2).await;
        live.stop();
        live.whole().await;
        let run = company.get(&format!("agents/{agent}/executions")).await["executions"][0].clone();
        assert_eq!((&run["status"], &run["credits_used"]), (&json!("stopped"), &json!(0)), "{run}");
        company.sound().await;
        company.server.stop().await;
    }

    async fn a_run_costs_what_its_model_made_and_never_more_than_there_is(database: Database) {
        let model = Model::start(Behaviour::Think(|_| vec![json!({ "content": "Parcels to Norway take nine working days. [1]" })])).await;
        let tariff = "[plans.ENTERPRISE]\ncredits_per_month = 30\n[[prices]]\noperation = \"*\"\nmodel = \"stand-in\"\nrun = 1\ninput = 5\noutput = 3000\n";
        let company = company_with(database, &model, tariff).await;
        let agent = answering_agent(&company).await;
        let change = json!({ "response_config": { "max_response_length": 1 } });
        let at = format!("workspaces/{}/agents/{agent}", company.id);
        company.call(Method::PATCH, &at, change).await.expect(200);
        company.call(Method::POST, &format!("{at}/publish"), json!({})).await.expect(200);
        // 1 + 0.5 for a hundred tokens in + 60 for twenty out is more than there is; 1 + 20 + 3 was set aside.
        let at = format!("agents/{agent}/execute");
        let run = company.call(Method::POST, &at, json!({ "input": "How many working days do parcels to Norway take?" }));
        let run = run.await.expect(200);
        assert_eq!((&run["model"], &run["credits_used"]), (&json!("stand-in"), &json!(24)));
        assert_eq!(company.credits().await, 6.0);
        company.execute(&agent).await.refused(402);
        company.sound().await;
        company.server.stop().await;
    }
}

async fn company_with(database: Database, model: &Model, tariff: &str) -> Company {
    let (endpoint, tariff) = (model.endpoint.clone(), Tariff::read(tariff).unwrap());
    let server = Server::start_with(database, PROGRAM, |config| {
        config.llm = Some(endpoint);
        config.tariff = tariff;
    });
    Company::new(server.await).await
}

/// An agent that knows how long parcels take.
async fn answering_agent(company: &Company) -> String {
    let owner = testkit::Owner { token: company.token.clone(), workspace: company.id.clone() };
    let collection = company.server.collection(&owner).await;
    let help = "Shipping\n\nParcels to Norway take nine working days and cost 14 euro.\n";
    company.server.upload(&owner, &collection, "help.txt", help).await;
    company.server.agent(&owner, &collection).await
}

fn frames(stream: &str) -> Vec<Value> {
    stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
}

fn last_frame(stream: &str) -> Value {
    frames(stream).pop().unwrap()
}
