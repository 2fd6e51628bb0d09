//! Subscriptions, usage, top-ups, invoices and ways to pay, as a company's own software sees them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::Method;
use platform::billing::Tariff;
use serde_json::{Value, json};
use testkit::{Answer, Database, Server, on_both};

use super::{PROGRAM, start};

/// Somebody with a company.
pub struct Company {
    pub server: Server,
    pub token: String,
    pub id: String,
}

impl Company {
    pub async fn new(server: Server) -> Self {
        let (token, id) = register(&server, "owner@example.com").await;
        Self { server, token, id }
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let call = self.server.call(method, &format!("/api/v1/{path}")).bearer(&self.token);
        call.json(body).send().await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.server.get(&format!("/api/v1/{path}")).bearer(&self.token).send().await.expect(200)
    }

    pub async fn credits(&self) -> f64 {
        self.get("billing/credits").await["credits"].as_f64().unwrap()
    }

    /// An agent that quotes and knows nothing.
    pub async fn agent(&self) -> String {
        let made = self.call(
            Method::POST,
            "agents",
            json!({ "name": "Bot", "type": "sales", "model": "extractive" }),
        );
        text(&made.await.expect(201)["agent"]["agent_id"])
    }

    pub async fn execute(&self, agent: &str) -> Answer {
        self.call(Method::POST, &format!("agents/{agent}/execute"), json!({ "input": "Where is it?" })).await
    }

    pub async fn top_up(&self, amount: Value) -> Answer {
        self.call(
            Method::POST,
            "billing/credits/topup",
            json!({ "amount": amount, "payment_method_id": "pm_123" }),
        )
        .await
    }

    /// The ledger adds up.
    pub async fn sound(&self) {
        assert_eq!(faults(&self.server, &self.id).await, [""; 0]);
    }
}

pub async fn faults(server: &Server, workspace: &str) -> Vec<String> {
    let mut db = server.app.db.read().await.unwrap();
    let odd: Vec<(String,)> = db
        .all(
            store::Sql::new(
                "SELECT transaction_id FROM ledger_entries WHERE workspace_id = $1
                 GROUP BY transaction_id HAVING sum(amount) <> 0",
            )
            .bind(workspace),
        )
        .await
        .unwrap();
    let accounts: Vec<(String, i64, i64)> = db
        .all(
            store::Sql::new(
                "SELECT a.account, a.balance, CAST((SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e
                     WHERE e.workspace_id = a.workspace_id AND e.account = a.account) AS BIGINT)
                 FROM ledger_accounts a WHERE a.workspace_id = $1",
            )
            .bind(workspace),
        )
        .await
        .unwrap();
    let held: Vec<(i64,)> = db
        .all(
            store::Sql::new(
                "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM credit_holds WHERE workspace_id = $1",
            )
            .bind(workspace),
        )
        .await
        .unwrap();
    let holds = accounts.iter().find(|(account, _, _)| account == "held").map(|(_, balance, _)| *balance);
    let sum: i64 = accounts.iter().map(|(_, balance, _)| balance).sum();
    let wrong = accounts
        .into_iter()
        .filter(|(account, balance, entries)| balance != entries || (*balance < 0 && account != "issued"));
    let mut faults: Vec<String> = odd.into_iter().map(|(id,)| id).collect();
    faults.extend(wrong.map(|row| format!("{row:?}")));
    if holds != Some(held[0].0) {
        faults.push(format!("{holds:?} is held, by servers {held:?}"));
    }
    if sum != 0 {
        faults.push(format!("the accounts sum to {sum}"));
    }
    faults
}

pub async fn register(server: &Server, email: &str) -> (String, String) {
    let answer = server.register(email).await;
    (text(&answer["access_token"]), text(&answer["user"]["company_id"]))
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// A server whose tariff a test has changed.
pub async fn selling(database: Database, tariff: &str) -> Server {
    let tariff = Tariff::read(tariff).unwrap();
    Server::start_with(database, PROGRAM, |config| config.tariff = tariff).await
}

on_both! {
    async fn a_company_has_what_the_document_says(database: Database) {
        let company = Company::new(start(database).await).await;
        let subscription = company.get("billing/subscription").await["subscription"].clone();
        assert_eq!(subscription["plan"], "enterprise");
        assert_eq!(subscription["status"], "active");
        assert_eq!(subscription["credits_remaining"], 50_000);
        assert!(text(&subscription["current_period_end"]) > text(&subscription["current_period_start"]));
        let credits = company.get("billing/credits").await;
        assert_eq!((&credits["credits"], &credits["total_credits"], &credits["used_credits"]), (&json!(50_000), &json!(50_000), &json!(0)));

        let agent = company.agent().await;
        let preview = company.call(Method::POST, &format!("agents/{agent}/preview/test"), json!({ "input": "Where?" })).await.expect(200);
        assert_eq!(preview["credits_used"], 0);
        assert_eq!(company.credits().await, 50_000.0, "a preview costs nothing");
        let run = company.execute(&agent).await.expect(200);
        assert_eq!(run["credits_used"], 1);
        let chat = json!({ "message": "Hello", "conversation_id": "conv_123" });
        let chat = company.call(Method::POST, &format!("agents/{agent}/chat"), chat).await.expect(200);
        assert_eq!(chat["credits_used"], 1);
        let credits = company.get("billing/credits").await;
        assert_eq!((&credits["credits"], &credits["total_credits"], &credits["used_credits"]), (&json!(49_998), &json!(50_000), &json!(2)));
        let path = format!("agents/{agent}/executions/{}", text(&run["execution_id"]));
        let kept = company.get(&path).await["execution"].clone();
        assert_eq!((&kept["credits_used"], &kept["cost"], &kept["key_id"]), (&json!(1), &json!(0.01), &Value::Null));

        let usage = company.get("billing/usage").await["usage"].clone();
        assert_eq!((&usage["total_requests"], &usage["total_tokens"], &usage["total_cost"]), (&json!(2), &json!(0), &json!(0.02)));
        let runs = json!({ "agent_chat": 1, "agent_execute": 1, "data_query": 0, "document_extraction": 0, "widget_message": 0 });
        assert_eq!(usage["by_operation"], runs);
        let moved = company.get("billing/credits/transactions").await;
        let moved = moved["transactions"].as_array().unwrap();
        let of = |kind: &str| moved.iter().filter(|one| one["kind"] == kind).collect::<Vec<_>>();
        assert_eq!((of("grant").len(), of("spend").len(), moved.len()), (1, 2, 3));
        assert!(of("spend").iter().all(|one| one["amount"] == -1));
        assert!(of("spend").iter().any(|one| one["reference"] == run["execution_id"]));
        company.sound().await;
        company.server.stop().await;
    }

    async fn usage_is_grouped_and_a_range_has_two_ends(database: Database) {
        let company = Company::new(start(database).await).await;
        let agent = company.agent().await;
        let key = json!({ "name": "Integration", "permissions": ["read", "write"] });
        let key = company.call(Method::POST, "account/api-keys", key).await.expect(201)["api_key"].clone();
        company.execute(&agent).await.expect(200);
        company.server.app.clock.advance(TimeDelta::days(2));
        let path = format!("/api/v1/agents/{agent}/execute");
        let run = company.server.post(&path).bearer(&text(&key["key"])).json(json!({ "input": "Where?" })).send().await;
        let run = run.expect(200);
        let path = format!("agents/{agent}/executions/{}", text(&run["execution_id"]));
        let (token, _) = texts(&company.server.log_in("owner@example.com").await);
        let company = Company { token, ..company };
        assert_eq!(company.get(&path).await["execution"]["key_id"], key["id"]);
        let groups = |by: &'static str| {
            let company = &company;
            async move {
                let usage = company.get(&format!("billing/usage?group_by={by}")).await["usage"].clone();
                let groups = usage["groups"].as_array().unwrap().clone();
                groups.iter().map(|one| (text(&one["key"]), one["requests"].as_i64().unwrap())).collect::<Vec<_>>()
            }
        };
        // The clock of tests begins on Monday, 2026-09-21.
        assert_eq!(groups("day").await, [("2026-09-21".into(), 1), ("2026-09-23".into(), 1)]);
        assert_eq!(groups("week").await, [("2026-09-21".into(), 2)]);
        assert_eq!(groups("month").await, [("2026-09".into(), 2)]);
        assert_eq!(groups("operation").await, [("agent_execute".into(), 2)]);
        assert_eq!(groups("agent").await, [(agent.clone(), 2)]);
        assert_eq!(groups("key").await, [(String::new(), 1), (text(&key["id"]), 1)]);
        let first = company.get("billing/usage?start_date=2026-09-21&end_date=2026-09-22T00:00:00Z").await;
        assert_eq!(first["usage"]["total_requests"], 1);
        for (query, field) in [
            ("start_date=2026-09-22&end_date=2026-09-21", "end_date"),
            ("start_date=soon", "start_date"),
            ("end_date=2026-13-01", "end_date"),
            ("group_by=year", "group_by"),
            ("start_date=1990-01-01", "start_date"),
        ] {
            let answer = company.server.get(&format!("/api/v1/billing/usage?{query}")).bearer(&company.token).send().await;
            assert_eq!(answer.json["field"], field, "{query}: {}", answer.text);
            assert_eq!(answer.refused(400).0, "INVALID_REQUEST");
        }
        company.server.stop().await;
    }

    async fn a_top_up_is_booked_once_with_an_invoice(database: Database) {
        let company = Company::new(selling(database, "[seller]\nname = \"Frontdesk AS\"\ntax_rate = 25\ninvoice_prefix = \"FD-\"").await).await;
        let details = json!({ "name": "Bäckerei Ωmega", "address": ["Weg 1", "Berlin"], "country": "de", "vat_id": "DE 123456789" });
        let kept = company.call(Method::PUT, "billing/details", details).await.expect(200);
        assert_eq!(kept["details"]["vat_id"], "DE123456789");
        let send = |amount: i64, key: &'static str| {
            let call = company.server.post("/api/v1/billing/credits/topup").bearer(&company.token);
            call.header("idempotency-key", key).json(json!({ "amount": amount, "payment_method_id": "pm_123" })).send()
        };
        let first = send(1_000, "order 1").await.expect(200);
        assert_eq!((&first["credits"], &first["status"], &first["amount"]), (&json!(51_000), &json!("settled"), &json!(12.5)));
        assert!(text(&first["transaction_id"]).starts_with("txn_"));
        // Sent again, at once and many times, it is the same.
        for answer in join_all((0..20).map(|_| send(1_000, "order 1"))).await {
            assert_eq!(answer.expect(200)["transaction_id"], first["transaction_id"]);
        }
        assert_eq!(send(2_000, "order 1").await.refused(409).0, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(company.credits().await, 51_000.0);
        let again = company.top_up(json!(1_000)).await.expect(200);
        assert_eq!(again["credits"], 52_000, "without a key it is another order");

        let list = company.get("billing/invoices?limit=10&offset=0").await;
        assert_eq!(list["total"], 2);
        let numbers: Vec<String> = list["invoices"].as_array().unwrap().iter().map(|one| text(&one["number"])).collect();
        assert_eq!(numbers, ["FD-000002", "FD-000001"]);
        assert_eq!((&list["invoices"][1]["amount"], &list["invoices"][1]["status"]), (&json!(12.5), &json!("paid")));
        let id = text(&list["invoices"][1]["invoice_id"]);
        let invoice = company.get(&format!("billing/invoices/{id}")).await["invoice"].clone();
        assert_eq!((&invoice["net_amount"], &invoice["tax_amount"], &invoice["tax_rate"]), (&json!(10.0), &json!(2.5), &json!(25.0)));
        assert_eq!(invoice["lines"], json!([{ "description": "1,000 credits", "quantity": 1, "net_amount": 10.0 }]));
        assert_eq!((&invoice["seller"]["name"], &invoice["buyer"]["name"]), (&json!("Frontdesk AS"), &json!("Bäckerei Ωmega")));
        assert_eq!(invoice["reference"], first["transaction_id"]);
        // What was issued stays, whoever the next is for.
        company.call(Method::PUT, "billing/details", json!({ "name": "Another" })).await.expect(200);
        let same = company.get(&format!("billing/invoices/{id}")).await["invoice"].clone();
        assert_eq!(same["buyer"]["name"], "Bäckerei Ωmega");
        let pdf = company.server.get(&format!("/api/v1/billing/invoices/{id}/pdf")).bearer(&company.token).send().await;
        assert_eq!(pdf.headers["content-type"], "application/pdf");
        assert!(pdf.headers["content-disposition"].to_str().unwrap().contains("invoice-FD-000001.pdf"));
        assert!(pdf.text.starts_with("%PDF-1.7"));
        company.sound().await;
        company.server.stop().await;
    }

    async fn a_top_up_that_makes_no_sense_is_refused(database: Database) {
        let company = Company::new(start(database).await).await;
        for amount in [json!(0), json!(-1), json!(1.5), json!(1_000_001), json!(1e300), json!(-1e300), json!("1000"), json!(null)] {
            let answer = company.top_up(amount.clone()).await;
            assert_eq!(answer.json["field"], "amount", "{amount}: {}", answer.text);
            assert_eq!(answer.refused(400).0, "INVALID_REQUEST");
        }
        let unknown = json!({ "amount": 10, "payment_method_id": "pm_unknown" });
        let answer = company.call(Method::POST, "billing/credits/topup", unknown).await;
        assert_eq!(answer.json["field"], "payment_method_id");
        assert_eq!(answer.refused(400).0, "INVALID_REQUEST");
        assert_eq!(company.credits().await, 50_000.0);
        assert_eq!(company.get("billing/invoices").await["total"], 0);
        let methods = company.get("billing/payment-methods").await;
        assert_eq!(methods["payment_methods"][0]["id"], "pm_123");
        assert_eq!(methods["payment_methods"].as_array().unwrap().len(), 1);
        assert_eq!(company.call(Method::POST, "billing/payment-methods", json!({})).await.refused(422).0, "UNPROCESSABLE");
        assert_eq!(company.call(Method::DELETE, "billing/payment-methods/pm_123", json!({})).await.refused(422).0, "UNPROCESSABLE");
        assert_eq!(company.call(Method::DELETE, "billing/payment-methods/pm_9", json!({})).await.refused(404).0, "NOT_FOUND");
        for (details, field) in [
            (json!({ "country": "Germany" }), "country"),
            (json!({ "vat_id": "FR1", "country": "DE" }), "vat_id"),
            (json!({ "name": "x".repeat(101) }), "name"),
        ] {
            let answer = company.call(Method::PUT, "billing/details", details).await;
            assert_eq!(answer.json["field"], field);
            answer.refused(400);
        }
        company.server.stop().await;
    }

    async fn numbers_of_invoices_have_no_gaps(database: Database) {
        let company = Company::new(start(database).await).await;
        let (other, other_id) = register(&company.server, "other@example.com").await;
        // Two companies at once, and every third order is refused.
        let orders = (0..30).map(|n| {
            let token = if n % 2 == 0 { &company.token } else { &other };
            let amount = if n % 3 == 0 { 0 } else { 10 };
            let call = company.server.post("/api/v1/billing/credits/topup").bearer(token);
            call.json(json!({ "amount": amount, "payment_method_id": "pm_123" })).send()
        });
        let paid = join_all(orders).await.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(paid, 20);
        let mut db = company.server.app.db.read().await.unwrap();
        let numbers: Vec<(i64,)> = db.all(store::Sql::new("SELECT number FROM invoices ORDER BY number")).await.unwrap();
        drop(db);
        assert_eq!(numbers.iter().map(|(n,)| *n).collect::<Vec<_>>(), (1..=20).collect::<Vec<i64>>());
        company.sound().await;
        assert_eq!(faults(&company.server, &other_id).await, [""; 0]);
        company.server.stop().await;
    }

    async fn a_plan_is_changed_at_once_upwards_and_at_the_periods_end_downwards(database: Database) {
        let server = selling(database, "[seller]\ntax_rate = 10").await;
        let company = Company::new(server).await;
        company.call(Method::PUT, "billing/subscription", json!({ "plan": "gold" })).await.refused(400);
        // From Enterprise everything is less.
        let changed = company.call(Method::PUT, "billing/subscription", json!({ "plan": "starter" })).await.expect(200);
        assert_eq!((&changed["subscription"]["plan"], &changed["subscription"]["next_plan"]), (&json!("enterprise"), &json!("starter")));
        assert_eq!(changed["subscription"]["cancel_at_period_end"], false);
        company.server.app.clock.advance(TimeDelta::days(31));
        let company = again(company).await;
        let subscription = company.get("billing/subscription").await["subscription"].clone();
        assert_eq!((&subscription["plan"], &subscription["next_plan"], &subscription["credits_remaining"]), (&json!("starter"), &Value::Null, &json!(4_000)));
        let invoices = company.get("billing/invoices").await;
        assert_eq!((&invoices["total"], &invoices["invoices"][0]["amount"]), (&json!(1), &json!(31.9)), "29 and a tenth of tax");

        // In the middle of the period the next plan costs, and brings, half of the difference.
        let ends = |view: &Value| view["current_period_end"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let starts = |view: &Value| view["current_period_start"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let middle = starts(&subscription) + (ends(&subscription) - starts(&subscription)) / 2;
        company.server.app.clock.advance(middle - company.server.app.clock.now());
        let company = again(company).await;
        let changed = company.call(Method::PUT, "billing/subscription", json!({ "plan": "PROFESSIONAL" })).await.expect(200);
        assert_eq!((&changed["subscription"]["plan"], &changed["subscription"]["credits_remaining"]), (&json!("professional"), &json!(12_000)));
        let invoices = company.get("billing/invoices").await;
        assert_eq!((&invoices["total"], &invoices["invoices"][0]["net_amount"]), (&json!(2), &json!(35.0)), "49.50 less 14.50");
        let id = text(&invoices["invoices"][0]["invoice_id"]);
        let lines = company.get(&format!("billing/invoices/{id}")).await["invoice"]["lines"].clone();
        assert_eq!((&lines[0]["net_amount"], &lines[1]["net_amount"]), (&json!(49.5), &json!(-14.5)));

        // A cancellation can be taken back until it takes effect.
        let cancelled = company.call(Method::DELETE, "billing/subscription", json!({})).await.expect(200);
        assert_eq!(cancelled["subscription"]["cancel_at_period_end"], true);
        let kept = company.call(Method::PUT, "billing/subscription", json!({ "plan": "professional" })).await.expect(200);
        assert_eq!(kept["subscription"]["cancel_at_period_end"], false);
        company.call(Method::DELETE, "billing/subscription", json!({})).await.expect(200);
        company.server.app.clock.advance(TimeDelta::days(31));
        let company = again(company).await;
        let subscription = company.get("billing/subscription").await["subscription"].clone();
        assert_eq!((&subscription["plan"], &subscription["credits_remaining"]), (&json!("free"), &json!(200)));
        assert_eq!(company.get("billing/invoices").await["total"], 2, "the free plan has no invoice");
        let log = company.get(&format!("workspaces/{}/audit-log?action=subscription.changed", company.id)).await;
        assert_eq!(log["total"], 7, "{log}");
        company.sound().await;
        company.server.stop().await;
    }

    async fn what_was_bought_outlasts_what_was_granted(database: Database) {
        let company = Company::new(selling(database, "[plans.ENTERPRISE]\ncredits_per_month = 10").await).await;
        let agent = company.agent().await;
        company.top_up(json!(5)).await.expect(200);
        for _ in 0..4 {
            company.execute(&agent).await.expect(200);
        }
        assert_eq!(company.credits().await, 11.0);
        company.server.app.clock.advance(TimeDelta::days(32));
        platform::billing::keep(&company.server.app).await.unwrap();
        let company = again(company).await;
        let credits = company.get("billing/credits").await;
        assert_eq!((&credits["credits"], &credits["used_credits"]), (&json!(15), &json!(0)), "six are gone, ten are new, five are left");
        for _ in 0..12 {
            company.execute(&agent).await.expect(200);
        }
        company.server.app.clock.advance(TimeDelta::days(32));
        let company = again(company).await;
        assert_eq!(company.credits().await, 13.0, "two of what was bought were spent");
        let expired = company.get("billing/credits/transactions?kind=expiry").await;
        assert_eq!((&expired["total"], &expired["transactions"][0]["amount"]), (&json!(1), &json!(-6)));
        assert_eq!(company.get("billing/credits/transactions?kind=grant").await["total"], 3);
        company.server.get("/api/v1/billing/credits/transactions?kind=x").bearer(&company.token).send().await.refused(400);
        company.sound().await;
        company.server.stop().await;
    }
}

fn texts(session: &Value) -> (String, String) {
    (text(&session["access_token"]), text(&session["user"]["company_id"]))
}

/// The same with a new session, after the clock has passed the old one's end.
async fn again(company: Company) -> Company {
    let (token, _) = texts(&company.server.log_in("owner@example.com").await);
    Company { token, ..company }
}
