//! Credits under load, on both databases, without a server around them.

use std::{path::Path, sync::Arc, time::Duration};

use ::store::{DbConfig, Sql};
use chrono::{DateTime, TimeDelta};
use futures_util::future::join_all;
use tempfile::TempDir;

use super::{Limit, Plan, Tariff, TopUp};
use crate::{
    Actor, App, Clock, Config, Kind, Result, Tenant, agents,
    agents::Published,
    answering::{self, Question, Reply},
    conversations::{Channel, Thread},
    http::SystemResolver,
    identity::{self, Password, SignUp},
    workspaces::{self, NewWorkspace},
};

const FIFTY: &str = "[plans.ENTERPRISE]\ncredits_per_month = 50";

/// A workspace with an agent that knows nothing, and whoever serves it.
struct World {
    app: App,
    tenant: Tenant,
    agent: Arc<Published>,
    _folder: TempDir,
}

fn config(folder: &Path, postgres: bool, tariff: &str) -> Config {
    let schema = folder.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let database = match std::env::var("TEST_DATABASE_URL") {
        Ok(url) if postgres => DbConfig::Postgres {
            url,
            schema: Some(format!("test_billing_{}", schema.trim_start_matches('.'))),
            connections: 6,
        },
        _ => {
            assert!(!postgres, "TEST_DATABASE_URL names a PostgreSQL server; run tests by make test");
            DbConfig::Sqlite { file: folder.join("test.db"), readers: 2 }
        }
    };
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: "http://localhost".parse().unwrap(),
        data_dir: folder.into(),
        database,
        blobs_url: None,
        blobs_env: Vec::new(),
        secret_key: None,
        smtp_url: None,
        mail_from: "Frontdesk <frontdesk@example.com>".parse().unwrap(),
        llm: None,
        llm_models: std::collections::HashMap::new(),
        model_times: (Duration::from_secs(2), Duration::from_secs(20)),
        embedding: None,
        model_dirs: Vec::new(),
        default_plan: Plan::Enterprise,
        tariff: Tariff::read(tariff).unwrap(),
        stripe: None,
        trusted_proxies: Vec::new(),
        job_workers: 1,
        max_upload_bytes: 1024,
        max_documents: 10,
        index_memory: 1 << 20,
        extractor: "false".into(),
        extract_timeout: Duration::from_secs(1),
        extract_memory: 1 << 20,
        allow_private_networks: false,
        ca_file: None,
        crawl_delay: Duration::ZERO,
        crawl_max_pages: 5_000,
        event_retention: TimeDelta::days(400),
        drain: Duration::from_secs(1),
        visitor_limits: Default::default(),
        proof_of_work: Default::default(),
    }
}

async fn opened(config: Config, clock: Clock) -> App {
    let app = App::open_with(config, clock, Arc::new(SystemResolver)).await.unwrap();
    // Answers wait for the model to be looked for; there is none.
    app.start_embeddings();
    app
}

impl World {
    async fn new(postgres: bool, tariff: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Clock::standing_at(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let app = opened(config(folder.path(), postgres, tariff), clock).await;
        let form = SignUp {
            email: "ada@example.com".parse().unwrap(),
            password: Password::new("correct horse battery".into()).unwrap(),
            full_name: "Ada".into(),
        };
        let user = identity::create_verified(&app, form).await.unwrap();
        let by = Actor::system();
        let form = NewWorkspace {
            name: "My Company".into(),
            timezone: chrono_tz::UTC,
            settings: serde_json::Map::new(),
        };
        let tenant = workspaces::create(&app, &user, form, &by).await.unwrap().tenant();
        let form = agents::NewAgent {
            name: "Bot".into(),
            description: None,
            agent_type: agents::AgentType::Support,
            settings: agents::SettingsPatch::default(),
        };
        let agent = agents::create(&app, &tenant, &by, form).await.unwrap();
        agents::publish(&app, &tenant, &by, &agent.id).await.unwrap();
        let agent = agents::published(&app, &tenant, &agent.id).await.unwrap();
        Self { app, tenant, agent, _folder: folder }
    }

    /// Another server on the same database.
    async fn another(&self) -> App {
        opened(self.app.config.clone(), self.app.clock.clone()).await
    }

    async fn run(&self, app: &App, n: usize) -> Result<Reply> {
        let thread = Thread {
            agent: self.agent.id.clone(),
            channel: Channel::Execute,
            session: format!("run {n}"),
            page_url: None,
        };
        answering::reply(app, &self.tenant, Question::new(self.agent.clone(), thread, "Where is it?".into()))
            .await
    }

    /// How many of so many runs at once were done; all others were refused for want of credits.
    async fn at_once(&self, apps: &[&App], runs: usize) -> usize {
        let outcomes = join_all((0..runs).map(|n| self.run(apps[n % apps.len()], n))).await;
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.into_iter().all(|error| error.kind == Kind::Payment));
        outcomes.iter().filter(|outcome| outcome.is_ok()).count()
    }

    async fn left(&self) -> f64 {
        super::overview(&self.app, &self.tenant).await.unwrap().balances.left().as_f64()
    }

    /// Entries sum to zero, balances are the sums of their entries and none is below nought, and what is held is what
    /// servers hold.
    async fn sound(&self) {
        let mut db = self.app.db.read().await.unwrap();
        let sql = Sql::new(
            "SELECT transaction_id FROM ledger_entries GROUP BY transaction_id HAVING sum(amount) <> 0",
        );
        let odd: Vec<(String,)> = db.all(sql).await.unwrap();
        assert_eq!(odd, []);
        let sql = Sql::new(
            "SELECT a.account, a.balance, CAST((SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e
                 WHERE e.workspace_id = a.workspace_id AND e.account = a.account) AS BIGINT) FROM ledger_accounts a",
        );
        let accounts: Vec<(String, i64, i64)> = db.all(sql).await.unwrap();
        assert_eq!(accounts.iter().map(|(_, balance, _)| balance).sum::<i64>(), 0);
        for (account, balance, entries) in &accounts {
            assert_eq!(balance, entries, "{account}");
            assert!(*balance >= 0 || account == "issued", "{account} holds {balance}");
        }
        let sql = Sql::new("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM credit_holds");
        let held = accounts.iter().find(|(account, _, _)| account == "held").unwrap().1;
        assert_eq!(db.count(sql).await.unwrap(), held);
    }
}

async fn two_hundred_runs(postgres: bool) {
    let world = World::new(postgres, FIFTY).await;
    assert_eq!(world.at_once(&[&world.app], 200).await, 50);
    assert_eq!(world.left().await, 0.0);
    world.sound().await;
    let request = TopUp { amount: 2.0, method: Some("pm_123".into()), idempotency_key: None };
    super::top_up(&world.app, &world.tenant, &Actor::system(), request).await.unwrap();
    assert_eq!(world.at_once(&[&world.app], 20).await, 2, "what is bought is there at once");
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_runs_at_once_spend_each_credit_once_on_sqlite() {
    two_hundred_runs(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_runs_at_once_spend_each_credit_once_on_postgres() {
    two_hundred_runs(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_spend_each_credit_once_and_a_killed_ones_hold_comes_back() {
    let world = World::new(true, FIFTY).await;
    let (second, third) = (world.another().await, world.another().await);
    assert_eq!(world.at_once(&[&world.app, &second, &third], 210).await, 50);
    assert_eq!(world.left().await, 0.0);
    world.sound().await;
    let request = TopUp { amount: 40.0, method: None, idempotency_key: None };
    super::top_up(&world.app, &world.tenant, &Actor::system(), request).await.unwrap();
    second.purses.hope(&world.tenant);
    // A block of ten is fetched by a server that is killed after one run.
    world.run(&second, 1_000).await.unwrap();
    drop(second);
    assert_eq!(world.at_once(&[&world.app], 60).await, 30);
    world.sound().await;
    world.app.clock.advance(TimeDelta::minutes(16));
    super::keep(&world.app).await.unwrap();
    assert_eq!(world.left().await, 9.0);
    assert_eq!(world.at_once(&[&world.app], 20).await, 9);
    world.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_little_for_each_of_several_servers_is_spent_together() {
    let world = World::new(true, "[plans.ENTERPRISE]\ncredits_per_month = 10").await;
    let (second, third) = (world.another().await, world.another().await);
    let mut done = 0;
    // In turn, blocks of a quarter leave each server with a part of a credit.
    for n in 0..36 {
        match world.run([&world.app, &second, &third][n % 3], n).await {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(error.kind, Kind::Payment),
        }
    }
    assert_eq!(done, 10);
    assert_eq!(world.left().await, 0.0);
    world.sound().await;
}

async fn last_agents(postgres: bool) {
    let world = World::new(postgres, "[plans.ENTERPRISE]\nagents = 5").await;
    let by = Actor::system();
    let made = join_all((0..12).map(|_| {
        let form = agents::NewAgent {
            name: "Bot".into(),
            description: None,
            agent_type: agents::AgentType::Support,
            settings: agents::SettingsPatch::default(),
        };
        agents::create(&world.app, &world.tenant, &by, form)
    }))
    .await;
    let refused = made.iter().filter_map(|one| one.as_ref().err());
    assert!(refused.into_iter().all(|error| error.code == "PLAN_LIMIT_REACHED"));
    assert_eq!(made.iter().filter(|one| one.is_ok()).count(), 4, "one was there before");
    let overview = super::overview(&world.app, &world.tenant).await.unwrap();
    let levels = super::levels(&world.app, &world.tenant, &overview).await.unwrap();
    let agents = levels.iter().find(|level| level.limit == Limit::Agents).unwrap();
    assert_eq!((agents.used, agents.max, agents.warning()), (5, Some(5), Some(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_agents_are_the_last_on_sqlite() {
    last_agents(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_agents_are_the_last_on_postgres() {
    last_agents(true).await;
}
