//! Visitors: their sessions, who they are, what they may ask for, what they attach.

use std::{net::IpAddr, time::Duration};

use chrono::TimeDelta;
use http::Method;
use platform::visitors::{Limits, ProofOfWork};
use serde_json::{Value, json};
use testkit::{Answer, Behaviour, Call, Database, Model, Owner, Server, on_both};

use super::{PROGRAM, start};

const SHOP: &str = "https://shop.example.com";
const OTHER: &str = "https://other.example.com";
const HELP: &str = "Pricing plans\n\nThe Starter plan costs 29 dollars per month and includes five agents.\n";
const QUESTION: &str = "How much does the Starter plan cost?";

struct Shop {
    owner: Owner,
    collection: String,
    agent: String,
    key: String,
}

async fn shop(server: &Server) -> Shop {
    let owner = server.owner("owner@example.com").await;
    let collection = server.collection(&owner).await;
    server.upload(&owner, &collection, "help.txt", HELP).await;
    let agent = server.agent(&owner, &collection).await;
    let key = server.key(&owner).await;
    Shop { owner, collection, agent, key }
}

/// A browser on a page of the shop, with the token that it holds.
struct Browser<'s> {
    server: &'s Server,
    shop: &'s Shop,
    token: String,
}

impl<'s> Browser<'s> {
    fn new(server: &'s Server, shop: &'s Shop) -> Self {
        Self { server, shop, token: String::new() }
    }

    fn post(&self, path: &str) -> Call {
        let call = self.server.post(&format!("/api/v1/widget/{path}")).page(&self.shop.key, SHOP);
        if self.token.is_empty() { call } else { call.header("x-visitor-session", &self.token) }
    }

    async fn session(&mut self, more: Value) -> Value {
        let mut body = json!({ "agent_id": self.shop.agent });
        if !self.token.is_empty() {
            body["token"] = json!(self.token);
        }
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let granted = self.post("session").json(body).send().await.expect(200);
        if let Some(token) = granted["token"].as_str() {
            self.token = token.to_owned();
        }
        granted
    }

    fn question(&self, message: &str) -> Value {
        json!({ "agent_id": self.shop.agent, "message": message })
    }

    async fn ask(&self, message: &str) -> Answer {
        self.post("chat").json(self.question(message)).send().await
    }

    async fn history(&self) -> Answer {
        let call = self.server.get(&format!("/api/v1/widget/history?agent_id={}", self.shop.agent));
        call.page(&self.shop.key, SHOP).header("x-visitor-session", &self.token).send().await
    }

    async fn asked(&self) -> Vec<String> {
        let history = self.history().await.expect(200);
        history["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["question"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn last(answer: &Answer) -> Value {
    answer.frames().pop().unwrap_or_else(|| panic!("{}", answer.text))
}

fn words(answer: &Answer) -> String {
    answer.frames().iter().filter_map(|frame| frame["content"].as_str()).collect()
}

impl Shop {
    async fn change(&self, server: &Server, settings: Value) {
        let path = format!("/agents/{}", self.agent);
        server.within(&self.owner, Method::PATCH, &path).json(settings).send().await.expect(200);
        server.within(&self.owner, Method::POST, &format!("{path}/publish")).send().await.expect(200);
    }
}

on_both! {
    async fn history_is_read_with_its_session_only(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let mut ann = Browser::new(&server, &shop);
        let granted = ann.session(json!({})).await;
        assert_eq!(granted["known"], false);
        let id = granted["session_id"].as_str().unwrap();
        assert!(id.starts_with("vis_"), "{granted}");
        assert_eq!(last(&ann.ask(QUESTION).await)["type"], "done");
        let history = ann.history().await;
        assert_eq!(history.headers["cache-control"], "no-store");
        let history = history.expect(200);
        assert_eq!(history["session_id"], id);
        let said = &history["messages"][0];
        assert_eq!(said["question"], QUESTION);
        assert!(said["answer"].as_str().unwrap().contains("29 dollars"));
        assert_eq!(said["sources"][0]["title"], "help.txt");

        // Another visitor has another conversation, and a session's name alone opens nothing.
        let mut bob = Browser::new(&server, &shop);
        bob.session(json!({})).await;
        assert!(bob.asked().await.is_empty());
        let named = json!({ "agent_id": shop.agent, "session_id": id, "message": "What did I ask?" });
        let chat = |body: Value| server.post("/api/v1/widget/chat").page(&shop.key, SHOP).json(body).send();
        assert_eq!(chat(named).await.refused(401).0, "VISITOR_SESSION_REQUIRED");
        let path = format!("/api/v1/widget/history?agent_id={}", shop.agent);
        server.get(&path).page(&shop.key, SHOP).send().await.refused(401);
        let forged = format!("{}x", ann.token);
        server.get(&path).page(&shop.key, SHOP).header("x-visitor-session", &forged).send().await.refused(401);

        // A session is good with its key, its origin and its agent.
        let with = |key: &str, origin: &str, agent: &str| {
            let path = format!("/api/v1/widget/history?agent_id={agent}");
            server.get(&path).page(key, origin).header("x-visitor-session", &ann.token).send()
        };
        with(&shop.key, SHOP, &shop.agent).await.expect(200);
        assert_eq!(with(&shop.key, OTHER, &shop.agent).await.refused(401).0, "VISITOR_SESSION_EXPIRED");
        let key = server.key(&shop.owner).await;
        with(&key, SHOP, &shop.agent).await.refused(401);
        let agent = server.agent(&shop.owner, &shop.collection).await;
        with(&shop.key, SHOP, &agent).await.refused(401);

        // What a page calls its session itself works as ever.
        let own = json!({ "agent_id": shop.agent, "session_id": "sess_xyz", "message": QUESTION });
        assert_eq!(last(&chat(own).await)["type"], "done");
        server.stop().await;
    }

    async fn a_session_ends_after_an_hour_and_is_renewed_for_a_month(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let mut ann = Browser::new(&server, &shop);
        let first = ann.session(json!({})).await["session_id"].clone();
        ann.ask(QUESTION).await;
        server.app.clock.advance(TimeDelta::minutes(61));
        assert_eq!(ann.ask(QUESTION).await.refused(401).0, "VISITOR_SESSION_EXPIRED");
        assert_eq!(ann.session(json!({})).await["session_id"], first);
        assert_eq!(ann.asked().await, [QUESTION]);
        assert_ne!(ann.session(json!({ "fresh": true })).await["session_id"], first);
        assert!(ann.asked().await.is_empty());
        let second = ann.session(json!({})).await["session_id"].clone();
        server.app.clock.advance(TimeDelta::days(31));
        assert_ne!(ann.session(json!({})).await["session_id"], second);
        server.stop().await;
    }

    async fn a_site_says_who_its_visitor_is_and_history_follows(database: Database) {
        use hmac::{Hmac, KeyInit, Mac};
        let server = start(database).await;
        let shop = shop(&server).await;
        let secrets = "/identity-secret";
        let exists = || server.within(&shop.owner, Method::GET, secrets).send();
        assert_eq!(exists().await.expect(200)["exists"], false);
        let hash = |secret: &str, user: &str| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(user.as_bytes());
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let user = |secret: &str, user: &str| json!({ "user_id": user, "user_hash": hash(secret, user) });
        let refused = |body: Value| async {
            let mut body = body;
            body["agent_id"] = json!(shop.agent);
            Browser::new(&server, &shop).post("session").json(body).send().await.refused(401).0
        };
        assert_eq!(refused(user("", "ann")).await, "IDENTITY_NOT_VERIFIED", "there is no secret yet");
        let made = server.within(&shop.owner, Method::POST, secrets).send().await.expect(201);
        let secret = made["secret"].as_str().unwrap();
        assert_eq!(exists().await.expect(200), json!({ "exists": true }));

        let mut desk = Browser::new(&server, &shop);
        let granted = desk.session(user(secret, "ann")).await;
        assert_eq!(granted["known"], true);
        desk.ask(QUESTION).await;
        let mut phone = Browser::new(&server, &shop);
        assert_eq!(phone.session(user(secret, "ann")).await["session_id"], granted["session_id"]);
        assert_eq!(phone.asked().await, [QUESTION], "on each of their devices");
        let mut bob = Browser::new(&server, &shop);
        bob.session(user(secret, "bob")).await;
        assert!(bob.asked().await.is_empty());

        // The token of somebody who is known is no way on without the site's word.
        let nobody = phone.session(json!({})).await;
        assert_eq!(nobody["known"], false);
        assert_ne!(nobody["session_id"], granted["session_id"]);
        // A new conversation is new on all devices.
        let fresh = desk.session(json!({ "fresh": true, "user_id": "ann", "user_hash": hash(secret, "ann") })).await;
        assert_eq!(phone.session(user(secret, "ann")).await["session_id"], fresh["session_id"]);

        for wrong in ["", "zz", &hash(secret, "bob"), &hash("another", "ann"), &"é".repeat(32)] {
            let code = refused(json!({ "user_id": "ann", "user_hash": wrong })).await;
            assert_eq!(code, "IDENTITY_NOT_VERIFIED", "{wrong}");
        }
        let half = json!({ "agent_id": shop.agent, "user_id": "ann" });
        Browser::new(&server, &shop).post("session").json(half).send().await.refused(400);
        server.within(&shop.owner, Method::POST, secrets).send().await.expect(201);
        assert_eq!(refused(user(secret, "ann")).await, "IDENTITY_NOT_VERIFIED", "another secret ends the former");
        server.stop().await;
    }

    async fn contacts_sign_in_to_a_restricted_agent(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let mut early = Browser::new(&server, &shop);
        let granted = early.post("session").json(json!({ "agent_id": shop.agent })).send().await.expect(200);
        early.token = granted["token"].as_str().unwrap().to_owned();
        shop.change(&server, json!({ "visibility": "restricted" })).await;
        let question = json!({ "agent_id": shop.agent, "message": QUESTION });
        let refused = early.post("chat").json(question).send().await.refused(401);
        assert_eq!(refused.0, "SIGN_IN_REQUIRED", "a token of before opens nothing");
        let contacts = format!("/agents/{}/contacts", shop.agent);
        let form = json!({ "primaryEmail": "ann@example.com", "firstName": "Ann" });
        let made = server.within(&shop.owner, Method::POST, &contacts).json(form).send().await.expect(201);
        let contact = made["contactId"].as_str().unwrap();

        let mut ann = Browser::new(&server, &shop);
        let config = server.get(&format!("/api/v1/widget/config/{}", shop.agent));
        assert_eq!(config.page(&shop.key, SHOP).send().await.expect(200)["access"], "restricted");
        // Its id is a key as well: whoever comes signs in.
        let config = server.get(&format!("/api/v1/widget/config/{}", shop.agent));
        config.page(&shop.agent, OTHER).send().await.expect(200);
        let own = json!({ "agent_id": shop.agent, "session_id": "sess_xyz", "message": QUESTION });
        assert_eq!(ann.post("chat").json(own).send().await.refused(401).0, "SIGN_IN_REQUIRED");
        let plain = json!({ "agent_id": shop.agent });
        assert_eq!(ann.post("session").json(plain).send().await.refused(401).0, "SIGN_IN_REQUIRED");

        let sign_in = |email: &str, code: Option<&str>| {
            let body = json!({ "agent_id": shop.agent, "email": email, "code": code });
            server.post("/api/v1/widget/sign-in").page(&shop.key, SHOP).json(body).send()
        };
        // Strangers are answered as contacts are, and get no mail.
        let told = sign_in("eve@example.com", None).await.expect(202);
        assert_eq!(sign_in("ANN@example.com", None).await.expect(202), told);
        server.quiet().await;
        assert!(server.mails("eve@example.com").is_empty());
        let code = server.code("ann@example.com").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert_eq!(sign_in("ann@example.com", Some(wrong)).await.refused(401).0, "WRONG_CODE");
        sign_in("eve@example.com", Some(&code)).await.refused(401);
        let granted = sign_in("ann@example.com", Some(&code)).await.expect(200);
        assert_eq!(granted["known"], true);
        assert_eq!(sign_in("ann@example.com", Some(&code)).await.refused(401).0, "WRONG_CODE", "good once");
        ann.token = granted["token"].as_str().unwrap().to_owned();
        assert_eq!(last(&ann.ask(QUESTION).await)["answered"], true);
        assert_eq!(ann.asked().await, [QUESTION]);
        let known = server.within(&shop.owner, Method::GET, &format!("{contacts}/{contact}")).send().await.expect(200);
        assert_eq!(known["conversations"].as_array().map(Vec::len), Some(1), "the conversation is theirs: {known}");

        // The session goes on while the contact is there, and no longer.
        server.app.clock.advance(TimeDelta::minutes(61));
        assert_eq!(ann.session(json!({})).await["known"], true);
        let renew = json!({ "agent_id": shop.agent, "token": ann.token });
        let patch = json!({ "status": "INACTIVE" });
        server.within(&shop.owner, Method::PATCH, &format!("{contacts}/{contact}")).json(patch).send().await.expect(200);
        assert_eq!(ann.post("session").json(renew).send().await.refused(401).0, "SIGN_IN_REQUIRED");
        server.stop().await;
    }

    async fn as_a_budget_is_used_up_answers_get_cheaper_and_do_not_fail(database: Database) {
        let model = Model::start(Behaviour::Say(vec!["The Starter plan costs 29 dollars per month. [1]".into()], Duration::ZERO)).await;
        let server = Server::start_with(database, PROGRAM, |config| {
            config.llm = Some(model.endpoint.clone());
            config.llm_models.insert("small".into(), "small-model".into());
        }).await;
        let shop = shop(&server).await;
        shop.change(&server, json!({ "visitors": { "economy_model": "small" } })).await;
        let keys = server.within(&shop.owner, Method::GET, "/api-keys").send().await.expect(200);
        let key = keys["api_keys"][0]["id"].as_str().unwrap().to_owned();
        let budget = |messages: Value| {
            let call = server.within(&shop.owner, Method::PATCH, &format!("/api-keys/{key}"));
            call.json(json!({ "daily_messages": messages })).send()
        };
        assert_eq!(budget(json!(5)).await.expect(200)["daily_messages"], 5);
        budget(json!(-1)).await.refused(400);
        assert_eq!(budget(Value::Null).await.expect(200)["daily_messages"], Value::Null);
        budget(json!(5)).await.expect(200);
        let ann = Browser::new(&server, &shop);
        let mut made = Vec::new();
        for n in 0..11 {
            let body = json!({ "agent_id": shop.agent, "session_id": format!("sess_{n}"), "message": QUESTION });
            let answer = ann.post("chat").json(body).send().await;
            let done = last(&answer);
            assert_eq!(done["type"], "done", "{}", answer.text);
            made.push((done["model"].as_str().unwrap().to_owned(), done["answered"].clone(), done["contact"].clone()));
            assert!(!words(&answer).is_empty());
        }
        let models: Vec<&str> = made.iter().map(|(model, ..)| model.as_str()).collect();
        let expected = [["stand-in"; 4].as_slice(), &["small-model"], &["extractive"; 5], &["contact"]].concat();
        assert_eq!(models, expected);
        assert_eq!((&made[10].1, &made[10].2), (&json!(false), &json!(true)));
        assert_eq!(made[9].2, Value::Null);
        assert_eq!(model.asked().len(), 5, "quotes cost nothing");
        // What a used-up budget left is no gap in the knowledge, and tomorrow is another day.
        let conversations = server.within(&shop.owner, Method::GET, "").send().await.expect(200);
        assert_eq!(conversations["stats"]["total_conversations"], 11);
        server.app.clock.advance(TimeDelta::days(1));
        let body = json!({ "agent_id": shop.agent, "session_id": "sess_next", "message": QUESTION });
        assert_eq!(last(&ann.post("chat").json(body).send().await)["model"], "stand-in");
        server.stop().await;
    }

    async fn a_file_that_a_visitor_attaches_is_answered_from(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let mut ann = Browser::new(&server, &shop);
        ann.session(json!({})).await;
        let send = |browser: &Browser, name: &str, bytes: Vec<u8>| {
            browser.post("files").file_after(&[("agent_id", &shop.agent)], name, bytes).send()
        };
        let invoice = "Invoice 4711\n\nThe total amount of this invoice is 512 euros.\n\nPayment is due on 3 March 2027.\n";
        assert_eq!(send(&ann, "invoice.txt", invoice.into()).await.refused(403).0, "ATTACHMENTS_OFF");
        shop.change(&server, json!({ "visitors": { "attachments": true, "max_files": 2, "max_file_mb": 1 } })).await;
        let config = server.get(&format!("/api/v1/widget/config/{}", shop.agent)).page(&shop.key, SHOP).send().await;
        assert_eq!(config.expect(200)["attachments"]["max_files"], 2);

        let later = || server.app.clock.advance(TimeDelta::milliseconds(5));
        let attached = send(&ann, "../invoice.txt", invoice.into()).await.expect(201);
        assert_eq!(attached["name"], "invoice.txt");
        let mut question = ann.question("What is the total amount of the invoice?");
        question["file_ids"] = json!([attached["id"]]);
        let answer = ann.post("chat").json(question.clone()).send().await;
        assert!(words(&answer).contains("512 euros"), "{}", answer.text);
        let frames = answer.frames();
        let sources = frames.iter().find(|frame| frame["type"] == "sources").unwrap();
        assert_eq!(sources["sources"][0]["title"], "invoice.txt");
        assert_eq!(sources["sources"][0]["document_id"], attached["id"]);
        later();
        // It is there for what is asked next, and what the agent knows is answered as ever.
        assert!(words(&ann.ask("When is the payment of the invoice due?").await).contains("3 March"));
        later();
        assert!(words(&ann.ask(QUESTION).await).contains("29 dollars"));
        let history = ann.history().await.expect(200);
        assert_eq!(history["messages"][0]["files"], json!([attached]));

        // It is nobody else's.
        let mut bob = Browser::new(&server, &shop);
        bob.session(json!({})).await;
        assert_eq!(bob.post("chat").json(question).send().await.refused(400).1.as_deref(), Some("file_ids"));
        assert!(!words(&bob.ask("What is the total amount of the invoice?").await).contains("512"));

        assert_eq!(send(&ann, "big.txt", vec![b'a'; 1024 * 1024 + 1]).await.refused(413).1.as_deref(), Some("file"));
        send(&ann, "page.html", b"<!doctype html><p>Hello there</p>".to_vec()).await.refused(415);
        send(&ann, "broken.pdf", b"%PDF-1.7 nothing".to_vec()).await.refused(422);
        send(&ann, "empty.txt", Vec::new()).await.refused(400);
        let three = json!({ "agent_id": shop.agent, "message": "x", "file_ids": ["a", "b", "c"] });
        ann.post("chat").json(three).send().await.refused(400);
        // After a day nothing is left of it.
        server.app.clock.advance(TimeDelta::hours(25));
        platform::visitors::sweep(&server.app).await.unwrap();
        ann.session(json!({})).await;
        assert!(!words(&ann.ask("What is the total amount of the invoice?").await).contains("512"));
        server.stop().await;
    }

    async fn the_same_request_is_one_answer_and_can_be_polled(database: Database) {
        let server = start(database).await;
        let shop = shop(&server).await;
        let mut ann = Browser::new(&server, &shop);
        ann.session(json!({})).await;
        let mut question = ann.question(QUESTION);
        question["request_id"] = json!("request-1");
        let streamed = ann.post("chat").json(question.clone()).send().await;
        let again = ann.post("chat").json(question.clone()).send().await;
        assert_eq!(streamed.text, again.text);
        assert_eq!(ann.asked().await.len(), 1, "it was asked once");

        question["request_id"] = json!("request-2");
        question["delivery"] = json!("poll");
        let (mut frames, mut last) = (Vec::new(), None::<String>);
        for _ in 0..50 {
            let call = ann.post("chat").json(question.clone());
            let call = match &last { Some(id) => call.header("last-event-id", id), None => call };
            let answer = call.send().await.expect(200);
            frames.extend(answer["frames"].as_array().unwrap().clone());
            last = answer["last_event_id"].as_str().map(str::to_owned);
            if answer["done"] == true {
                break;
            }
        }
        let types = |frames: &[Value]| frames.iter().map(|f| f["type"].clone()).collect::<Vec<_>>();
        assert_eq!(types(&frames), types(&streamed.frames()));
        assert_eq!(ann.asked().await.len(), 2);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_are_limited_by_session_address_and_key() {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.visitor_limits = Limits { visitor: 2, address: 4, key: 7 };
    })
    .await;
    let shop = shop(&server).await;
    let from = |token: &str, address: &str, session: &str| {
        let address: IpAddr = address.parse().unwrap();
        let call = server
            .post("/api/v1/widget/chat")
            .page(&shop.key, SHOP)
            .header("x-forwarded-for", &address.to_string());
        let call = if token.is_empty() { call } else { call.header("x-visitor-session", token) };
        call.json(json!({ "agent_id": shop.agent, "session_id": session, "message": QUESTION })).send()
    };
    let mut ann = Browser::new(&server, &shop);
    ann.session(json!({})).await;
    let mut bob = Browser::new(&server, &shop);
    bob.session(json!({})).await;
    let home = "203.0.113.1";
    for _ in 0..2 {
        assert_eq!(from(&ann.token, home, "").await.status, 200);
    }
    let refused = from(&ann.token, home, "").await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.refused(429);
    for _ in 0..2 {
        assert_eq!(from(&bob.token, home, "").await.status, 200);
    }
    from("", home, "sess_1").await.refused(429); // another session, the same address
    for n in 0..3 {
        assert_eq!(from("", "203.0.113.2", &format!("sess_{n}")).await.status, 200);
    }
    from("", "203.0.113.3", "sess_2").await.refused(429); // another address, the same key
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_pressure_a_new_session_costs_work() {
    use sha2::{Digest, Sha256};
    let server =
        Server::start_with(Database::Sqlite, PROGRAM, |config| config.proof_of_work = ProofOfWork::Auto)
            .await;
    let shop = shop(&server).await;
    let mut early = Browser::new(&server, &shop);
    for _ in 0..30 {
        early.token.clear();
        assert!(early.session(json!({})).await["token"].is_string());
    }
    let mut late = Browser::new(&server, &shop);
    let asked = late.session(json!({})).await;
    let (challenge, bits) = (asked["challenge"].as_str().unwrap(), asked["difficulty"].as_u64().unwrap());
    assert!(asked["token"].is_null() && bits >= 10, "{asked}");
    // Whoever comes without a session must get one; whoever has one goes on.
    let own = json!({ "agent_id": shop.agent, "session_id": "sess_xyz", "message": QUESTION });
    assert_eq!(late.post("chat").json(own).send().await.refused(401).0, "VISITOR_SESSION_REQUIRED");
    assert_eq!(last(&early.ask(QUESTION).await)["type"], "done");

    let zeros = |number: u64| {
        let hash = Sha256::digest(format!("{challenge}:{number}"));
        u64::from(u32::from_be_bytes(hash[..4].try_into().unwrap()).leading_zeros())
    };
    let lazy = (0..).find(|number| zeros(*number) < bits).unwrap();
    let done = (0..).find(|number| zeros(*number) >= bits).unwrap();
    let proof = |number: u64| json!({ "proof": { "challenge": challenge, "number": number } });
    assert!(late.session(proof(lazy)).await["token"].is_null());
    assert!(late.session(proof(done)).await["token"].is_string());
    let mut thief = Browser::new(&server, &shop);
    assert!(thief.session(proof(done)).await["token"].is_null(), "a proof is good once");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_speaks_the_browsers_language() {
    let server = start(Database::Sqlite).await;
    let shop = shop(&server).await;
    let config = |query: &str| {
        let path = format!("/api/v1/widget/config/{}{query}", shop.agent);
        server.get(&path).page(&shop.key, SHOP).send()
    };
    assert!(config("").await.expect(200)["language"].is_null());
    assert!(config("?lang=en-GB,de").await.expect(200)["language"].is_null());
    let arabic = config("?lang=fi,ar-EG,en").await.expect(200);
    assert_eq!((&arabic["language"]["lang"], &arabic["language"]["dir"]), (&json!("ar"), &json!("rtl")));
    let script = server.get("/widget-extras.js").send().await;
    assert!(script.headers["content-type"].to_str().unwrap().contains("javascript"));
    assert_eq!(script.headers["access-control-allow-origin"], "*");
    server.stop().await;
}
