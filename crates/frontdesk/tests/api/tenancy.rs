//! Who gets through: every route of the table, with every standing there is, in one's own workspace and in another's.

use std::{collections::HashMap, path::Path};

use http::{Method, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use platform::{Permission, Role, Standing, workspaces::Scope};
use serde_json::{Value, json};
use store::Sql;
use testkit::{Answer, Database, Server, on_both};
use web::{Access, Route};

use super::PROGRAM;

/// Routes that anybody may call. Each is here on purpose.
const PUBLIC: [&str; 19] = [
    "GET /livez",
    "GET /readyz",
    "GET /api/v1/health",
    "POST /api/v1/auth/signup",
    "POST /api/v1/auth/resend-otp",
    "POST /api/v1/auth/verify-otp",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/verify-email",
    "POST /api/v1/auth/verify-email/resend",
    "GET /api/v1/invitations/lookup", // by the token of a mailed link
    "GET /api/v1/utils/industries",
    "GET /v1/open/health",
    "POST /api/v1/billing/stripe/events", // by Stripe's signature
    "GET /v1/open/openapi.json",
];

/// A page that the companies' publishable keys may be used on.
const SHOP: &str = "https://shop.example.com";
/// A website to crawl; there are no workers that would.
const WEBSITE: &str = "http://93.184.215.14/";

/// What is wanted of a file.
const SCHEMA: &str = r#"{"properties": {"total": {"type": "number"}}}"#;

/// Two companies with one of everything, and in the first somebody of every standing.
struct World {
    server: Server,
    table: Vec<Route>,
    mine: Company,
    theirs: Company,
    /// What each proves itself by.
    callers: Vec<(Standing, String)>,
}

struct Company {
    /// Its owner's session.
    owner: String,
    /// A publishable key.
    page_key: String,
    /// An open key and its secret, with all permissions.
    open_key: (String, String),
    /// What stands for the parameters of paths.
    ids: HashMap<&'static str, String>,
}

impl Company {
    /// What stands for a parameter of a path. A new parameter needs an id in [`company`].
    fn id(&self, path: &str, parameter: &str) -> &str {
        let name = match parameter {
            "company_id" => "workspace_id",
            "key_id" if path.contains("/open-keys/") => "open key",
            "key_id" if path.contains("/account/") => "account key",
            "key_id" => "publishable key",
            other => other,
        };
        self.ids.get(name).unwrap_or_else(|| panic!("{path}: this test has no id for {parameter}"))
    }

    fn workspace(&self) -> &str {
        &self.ids["workspace_id"]
    }
}

/// Somebody who registered: their session, their id and their workspace's.
async fn register(server: &Server, email: &str) -> (String, String, String) {
    let form = json!({ "email": email, "password": "correct horse battery", "full_name": "Ada", "company_name": "Company" });
    let answer = server.post("/api/v1/auth/register").json(form).send().await.expect(201);
    let user = &answer["user"];
    (text(&answer["access_token"]), text(&user["id"]), text(&user["company_id"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

async fn execute(server: &Server, statements: impl IntoIterator<Item = Sql>) {
    let mut db = server.app.db.write().await.unwrap();
    for statement in statements {
        db.execute(statement).await.unwrap();
    }
    db.commit().await.unwrap();
}

fn member(workspace: &str, user: &str, role: Role) -> Sql {
    Sql::new("INSERT INTO members (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)")
        .bind(workspace)
        .bind(user)
        .bind(role.as_str())
        .bind(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}

/// A company with one of everything.
async fn company(server: &Server, name: &str) -> Company {
    let (owner, user, workspace) = register(server, &format!("owner@{name}.example.com")).await;
    let (_, colleague, _) = register(server, &format!("colleague@{name}.example.com")).await;
    let call = |method, path: &str, body| {
        let call = server.call(method, &format!("/api/v1/{path}")).header("x-workspace-id", &workspace);
        let call = call.bearer(&owner);
        async move { call.json(body).send().await.json }
    };
    let at = |path: &str| format!("workspaces/{workspace}/{path}");
    let collection = text(&call(Method::POST, &at("collections"), json!({ "name": "Docs" })).await["id"]);
    let agent =
        call(Method::POST, &at("agents"), json!({ "name": "Bot", "collection_ids": [collection] })).await;
    let agent = text(&agent["id"]);
    call(Method::POST, &at(&format!("agents/{agent}/publish")), json!({})).await;
    let run =
        call(Method::POST, &format!("agents/{agent}/execute"), json!({ "input": "Where is the key?" })).await;
    let all = json!(["create", "read", "update", "delete"]);
    let all = json!({ "contacts": all, "forms": all, "document-extraction": all });
    let open = json!({ "name": "Open", "permissions": all, "rate_limit_per_minute": 1000, "rate_limit_per_hour": 10_000 });
    let open = call(Method::POST, &at(&format!("agents/{agent}/open-keys")), open).await;
    let contacts = at(&format!("agents/{agent}/contacts"));
    let contact = json!({ "primaryEmail": "ada@example.com", "externalReferenceId": format!("crm {name}") });
    let contact = text(&call(Method::POST, &contacts, contact).await["contactId"]);
    let other = json!({ "primaryEmail": "grace@example.com" });
    let other = text(&call(Method::POST, &contacts, other).await["contactId"]);
    let note = json!({ "text": "Called." });
    let note = text(&call(Method::POST, &format!("{contacts}/{contact}/notes"), note).await["id"]);
    let export = text(&call(Method::POST, &format!("{contacts}/exports"), json!({})).await["id"]);
    let exported = server.app.blobs.path(&workspace, &export);
    std::fs::create_dir_all(exported.parent().unwrap()).unwrap();
    std::fs::write(exported, "contactId\n").unwrap();
    let form = json!({ "name": "Form", "fields": [{ "name": "words", "type": "text" }] });
    let form = text(&call(Method::POST, &at(&format!("agents/{agent}/forms")), form).await["id"]);
    let open_key = (text(&open["api_key"]), text(&open["api_secret"]));
    let file = server
        .post(&format!("/v1/open/contacts/mantisid/{contact}/chatbots/{agent}/files"))
        .header("x-api-key", &open_key.0)
        .header("x-api-secret", &open_key.1)
        .file("a.txt", "A file.", &[]);
    let file = text(&file.send().await.expect(201)["data"]["fileId"]);
    let page = json!({ "name": "Page", "allowed_domains": ["shop.example.com"] });
    let page = call(Method::POST, &at("api-keys"), page).await;
    let account = json!({ "name": "Account", "permissions": ["read"] });
    let account = call(Method::POST, "account/api-keys", account).await;
    let sessions = call(Method::GET, "account/sessions", json!({})).await;
    let upload = server.post(&format!("/api/v1/{}", at("documents"))).bearer(&owner);
    let upload = upload.file("a.txt", "The spare key is under the mat.", &[("collection_id", &collection)]);
    let document = upload.send().await.expect(202);
    let website = json!({ "url": WEBSITE, "collection_id": collection });
    let crawl = text(&call(Method::POST, &at("documents/url"), website).await["id"]);
    let extraction = server.post(&format!("/api/v1/{}", at(&format!("agents/{agent}/extractions"))));
    let extraction = extraction.bearer(&owner).file("a.txt", "Total: 5.00", &[("schema", SCHEMA)]);
    let extraction = extraction.send().await.expect(202);
    let hook = json!({ "url": "http://93.184.215.14/hook", "event_types": ["LEAD_CAPTURED"] });
    let hook = text(&call(Method::POST, &at("webhooks"), hook).await["id"]);
    let order = json!({ "amount": 10, "payment_method_id": "pm_123" });
    call(Method::POST, "billing/credits/topup", order).await;
    let invoices = call(Method::GET, "billing/invoices", json!({})).await;
    let delivery = made_id("dlv_", name);
    // The run's question is one that nothing answers.
    let questions = call(Method::GET, &at("analytics/unanswered"), json!({})).await;
    let question = text(&questions["unanswered"][0]["id"]);
    let remedy = json!({ "document_id": made_id("doc_", name), "answer": "There.", "written_at": "2026-09-21T14:00:00Z", "notify": false, "test": null });
    let (outlet, invitation) = (made_id("outlet_", name), made_id("invite_", name));
    let now = server.app.clock.now();
    let outlet_row = Sql::new(
        "INSERT INTO outlets (id, workspace_id, name, created_at, updated_at) VALUES ($1, $2, 'Shop', $3, $4)",
    );
    let invitation_row = Sql::new(
        "INSERT INTO invitations (id, workspace_id, email, email_key, role, token_hash, invited_by, expires_at, created_at)
         VALUES ($1, $2, 'new@example.org', 'new@example.org', 'VIEWER', $3, $4, $5, $6)",
    );
    execute(
        server,
        [
            member(&workspace, &colleague, Role::Viewer),
            outlet_row.bind(&*outlet).bind(&*workspace).bind(now).bind(now),
            invitation_row
                .bind(&*invitation)
                .bind(&*workspace)
                .bind(name)
                .bind(&*user)
                .bind(now + chrono::TimeDelta::days(1))
                .bind(now),
            Sql::new("UPDATE documents SET status = 'COMPLETED'"),
            Sql::new("UPDATE crawls SET status = 'COMPLETED'"),
            Sql::new("UPDATE unanswered_questions SET remedy = $1 WHERE id = $2").bind(remedy).bind(&*question),
            Sql::new("UPDATE contact_transfers SET status = 'COMPLETED'"),
            Sql::new("UPDATE extractions SET status = 'COMPLETED', found = $1")
                .bind(json!({ "fields": { "total": 5.0 }, "details": {}, "missing": [] })),
            Sql::new(
                "INSERT INTO model_providers (id, workspace_id, name, kind, base_url, models, created_at, updated_at)
                 VALUES ($1, $2, 'Own', 'openai', 'http://127.0.0.1:1/v1', $3, $4, $4)",
            )
            .bind(made_id("prov_", name))
            .bind(&*workspace)
            .bind(json!([{ "name": "m", "model": "m" }]))
            .bind(now),
            // Where nobody answers.
            Sql::new("UPDATE webhooks SET url = 'http://127.0.0.1:1/hook'"),
            Sql::new(
                "INSERT INTO webhook_deliveries (id, workspace_id, webhook_id, event_id, event_type, body, status, tries, log, next_at, created_at)
                 VALUES ($1, $2, $3, 'evt_1', 'LEAD_CAPTURED', '{}', 'FAILED', 8, $4, $5, $6)",
            )
            .bind(&*delivery)
            .bind(&*workspace)
            .bind(&*hook)
            .bind(json!([]))
            .bind(now)
            .bind(now),
            Sql::new(
                "INSERT INTO payment_methods (id, workspace_id, provider, provider_id, type, brand, last4, is_default, created_at)
                 VALUES ($1, $2, 'manual', $1, 'card', 'visa', '4242', false, $3)",
            )
            .bind(made_id("pm_", name))
            .bind(&*workspace)
            .bind(now),
            // As if its reading had been done, and another version answered.
            Sql::new(
                "INSERT INTO document_versions (document_id, workspace_id, version, content_hash, content, original, created_at)
                 SELECT id, workspace_id, 1, '', content_hash, original, created_at FROM documents WHERE id = $1",
            )
            .bind(text(&document["id"])),
        ],
    )
    .await;
    let ids = HashMap::from([
        ("workspace_id", workspace),
        ("user_id", colleague),
        ("collection_id", collection),
        ("agent_id", agent),
        ("document_id", text(&document["id"])),
        ("crawl_id", crawl),
        ("extraction_id", text(&extraction["id"])),
        ("execution_id", text(&run["execution_id"])),
        ("provider_id", made_id("prov_", name)),
        ("version", "1".into()),
        ("question_id", question),
        ("webhook_id", hook),
        ("delivery_id", delivery),
        ("outlet_id", outlet),
        ("invitation_id", invitation),
        ("session_id", text(&sessions["sessions"][0]["id"])),
        ("contact_id", contact),
        ("other contact", other),
        ("reference", format!("crm%20{name}")),
        ("note_id", note),
        ("transfer_id", export),
        ("file_id", file),
        ("form_id", form),
        ("invoice_id", text(&invoices["invoices"][0]["invoice_id"])),
        ("payment_method_id", made_id("pm_", name)),
        ("open key", text(&open["id"])),
        ("publishable key", text(&page["id"])),
        ("account key", text(&account["api_key"]["id"])),
    ]);
    Company { owner, page_key: text(&page["key"]), open_key, ids }
}

/// An id that is well formed, and another for each company.
fn made_id(prefix: &str, name: &str) -> String {
    format!("{prefix}{name:0<24}")
}

async fn world(database: Database) -> World {
    // Without workers nothing happens behind the test's back.
    let server = Server::start_with(database, PROGRAM, |config| config.job_workers = 0).await;
    let (mine, theirs) = (company(&server, "mame").await, company(&server, "thers").await);
    let mut callers = Vec::new();
    for standing in Standing::ALL {
        let proof = match standing {
            Standing::Member(Role::Owner) => mine.owner.clone(),
            Standing::Member(role) => {
                let (token, user, _) = register(&server, &format!("{role}@mame.example.com")).await;
                execute(&server, [member(mine.workspace(), &user, role)]).await;
                token
            }
            Standing::Key(scope) => {
                let permissions = [if scope == Scope::Read { "read" } else { "write" }];
                let form = json!({ "name": "Key", "permissions": permissions });
                let call = server.post("/api/v1/account/api-keys").bearer(&mine.owner).json(form);
                text(&call.send().await.expect(201)["api_key"]["key"])
            }
        };
        callers.push((standing, proof));
    }
    // What was known of the callers before they belonged to the company is forgotten, and each is seen once.
    server.app.clock.advance(chrono::TimeDelta::minutes(2));
    for (_, proof) in &callers {
        let path = format!("/api/v1/workspaces/{}", mine.workspace());
        server.get(&path).bearer(proof).send().await.expect(200);
    }
    server.get("/api/v1/auth/me").bearer(&theirs.owner).send().await.expect(200);
    let config = format!("/api/v1/widget/config/{}", mine.ids["agent_id"]);
    server.get(&config).page(&mine.page_key, SHOP).send().await.expect(200);
    for company in [&mine, &theirs] {
        let forms = format!("/v1/open/forms/chatbots/{}", company.ids["agent_id"]);
        let (key, secret) = &company.open_key;
        server.get(&forms).header("x-api-key", key).header("x-api-secret", secret).send().await.expect(200);
    }
    let table = frontdesk::table(&server.app, PrometheusBuilder::new().build_recorder().handle());
    World { server, table, mine, theirs, callers }
}

/// The path of a route, with ids for its parameters.
fn fill(path: &str, id: impl Fn(&str) -> String) -> String {
    let parts = path.split('/').map(|part| parameter(part).map_or_else(|| part.to_owned(), &id));
    parts.collect::<Vec<_>>().join("/")
}

fn parameter(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// The parameters of a path, without the workspace.
fn inner_parameters(path: &str) -> impl Iterator<Item = &str> {
    // A version's number is nobody's id.
    path.split('/').filter_map(parameter).filter(|name| !is_workspace(name) && *name != "version")
}

fn is_workspace(parameter: &str) -> bool {
    matches!(parameter, "workspace_id" | "company_id")
}

/// A body that every route can do something with: what a route does not ask for is passed over.
fn body(route: &Route, company: &Company) -> Value {
    match route.path {
        path if path.ends_with("/contact-settings") => return json!({ "stages": ["NEW"] }),
        path if path.ends_with("/merge") => return json!({ "contact_id": company.ids["other contact"] }),
        path if path.ends_with("/notes") => return json!({ "text": "Called." }),
        path if path.ends_with("/submissions") => return json!({ "words": "Hello." }),
        path if path.contains("/contacts") => return json!({ "primaryEmail": "new@example.com" }),
        path if path.contains("/forms") => {
            return json!({ "name": "Form", "fields": [{ "name": "words", "type": "text" }] });
        }
        _ => {}
    }
    let permissions =
        if route.path.contains("open-keys") { json!({ "forms": ["create"] }) } else { json!(["read"]) };
    json!({
        "title": "Another title",
        "plan": "free",
        "amount": 10,
        "payment_method_id": "pm_123",
        "input": "When does the shop open?",
        "content": "The shop opens at nine.",
        "kind": "openai",
        "models": [{ "name": "gpt-4", "model": "gpt-4" }],
        "question": "When does the shop open?",
        "answer": "At nine.",
        "query": "When does the shop open?",
        "url": WEBSITE,
        "event_types": ["LEAD_CAPTURED"],
        "collection_id": company.ids["collection_id"],
        "document_ids": [company.ids["document_id"]],
        "name": "Another name",
        "email": "somebody@example.net",
        "role": "MEMBER",
        "message": "When does the shop open?",
        "permissions": permissions,
    })
}

/// What a workspace's route asks for, with what its handler asks for beyond the table.
fn needed(route: &Route, permission: Permission) -> Permission {
    match (&route.method, route.path) {
        // The table lets everybody leave; this test removes somebody else.
        (&Method::DELETE, path) if path.ends_with("/members/{user_id}") => Permission::ManageMembers,
        _ => permission,
    }
}

fn named(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

impl World {
    /// Calls a route in the first company's name.
    async fn call(&self, route: &Route, path: &str, proof: Option<&str>) -> Answer {
        let call =
            self.server.call(route.method.clone(), path).header("x-workspace-id", self.mine.workspace());
        let call = match proof {
            Some(proof) => call.bearer(proof),
            None => call,
        };
        match (&route.method, route.path) {
            (&Method::GET, _) => call,
            (&Method::POST, path) if path.ends_with("/imports") => {
                call.file("b.csv", "email\nada@example.com\n", &[])
            }
            (&Method::POST, path) if path.ends_with("/documents") => call.file(
                "b.txt",
                "The cellar is dry.",
                &[("collection_id", &self.mine.ids["collection_id"])],
            ),
            (&Method::POST, path) if path.ends_with("/extractions") => {
                call.file("b.txt", "Total: 6.00", &[("schema", SCHEMA)])
            }
            _ => call.json(body(route, &self.mine)),
        }
        .send()
        .await
    }

    fn own_path(&self, route: &Route) -> String {
        let query = match (&route.method, route.path.rsplit('/').next()) {
            (&Method::DELETE, Some("{collection_id}")) => "?documents=true",
            _ => "",
        };
        fill(route.path, |name| self.mine.id(route.path, name).to_owned()) + query
    }

    /// The paths of a route with one of the other company's ids among one's own.
    fn mixed_paths(&self, route: &Route) -> Vec<String> {
        let mixed = |foreign: &str| {
            fill(route.path, |name| {
                let from = if name == foreign { &self.theirs } else { &self.mine };
                from.id(route.path, name).to_owned()
            })
        };
        inner_parameters(route.path).map(mixed).collect()
    }

    /// Everything that must be refused, is, by whoever it is tried.
    async fn refuse_all(&self) {
        for public in PUBLIC {
            assert!(self.table.iter().any(|route| named(route) == public), "there is no {public}");
        }
        for route in &self.table {
            match route.access {
                Access::Public => {
                    assert!(PUBLIC.contains(&&*named(route)), "{} is open to everybody", named(route));
                }
                Access::Person => self.refuse_to_persons(route).await,
                Access::Workspace(permission) => {
                    self.refuse_in_workspaces(route, needed(route, permission)).await;
                }
                Access::Visitor => self.refuse_to_visitors(route).await,
                Access::Open(..) => self.refuse_to_programs(route).await,
            }
        }
    }

    async fn refuse_to_persons(&self, route: &Route) {
        let path = self.own_path(route);
        expect(route, "nobody", &self.call(route, &path, None).await, 401);
        for (standing, proof) in &self.callers {
            if let Standing::Key(_) = standing {
                expect(route, "a key", &self.call(route, &path, Some(proof)).await, 401);
            }
        }
        for path in self.mixed_paths(route) {
            let answer = self.call(route, &path, Some(&self.mine.owner)).await;
            expect(route, &format!("a stranger's {path}"), &answer, 404);
        }
    }

    async fn refuse_in_workspaces(&self, route: &Route, permission: Permission) {
        let own = self.own_path(route);
        expect(route, "nobody", &self.call(route, &own, None).await, 401);
        expect(route, "a wrong token", &self.call(route, &own, Some("cv_live_wrong")).await, 401);
        expect(route, "a page", &self.call(route, &own, Some(&self.mine.page_key)).await, 401);
        // Another company's owner in this one: with its ids, and with their own.
        expect(route, "a stranger", &self.call(route, &own, Some(&self.theirs.owner)).await, 404);
        let mixed = fill(route.path, |name| {
            let from = if is_workspace(name) { &self.mine } else { &self.theirs };
            from.id(route.path, name).to_owned()
        });
        expect(route, "a stranger", &self.call(route, &mixed, Some(&self.theirs.owner)).await, 404);
        for (standing, proof) in &self.callers {
            let who = format!("{standing:?}");
            if !standing.may(permission) {
                expect(route, &who, &self.call(route, &own, Some(proof)).await, 403);
                continue;
            }
            // Another company's ids in one's own.
            for path in self.mixed_paths(route) {
                expect(route, &format!("{who} {path}"), &self.call(route, &path, Some(proof)).await, 404);
            }
        }
        if route.path.split('/').filter_map(parameter).any(is_workspace) {
            // The other company as a whole, by everybody of this one.
            let foreign = fill(route.path, |name| self.theirs.id(route.path, name).to_owned());
            for (standing, proof) in &self.callers {
                let who = format!("{standing:?} in another's workspace");
                expect(route, &who, &self.call(route, &foreign, Some(proof)).await, 404);
            }
        }
    }

    async fn refuse_to_visitors(&self, route: &Route) {
        let path = self.own_path(route);
        expect(route, "nobody", &self.call(route, &path, None).await, 401);
        let agent = self.server.call(route.method.clone(), &path).page(&self.mine.ids["agent_id"], SHOP);
        expect(route, "a private agent's id", &agent.json(body(route, &self.mine)).send().await, 401);
        for (_, proof) in &self.callers {
            expect(route, "a caller without a page", &self.call(route, &path, Some(proof)).await, 401);
            let page = self.server.call(route.method.clone(), &path).page(proof, SHOP);
            expect(route, "a key of another kind", &page.json(body(route, &self.mine)).send().await, 401);
        }
        for path in self.mixed_paths(route) {
            let key = &self.mine.page_key;
            let page = self.server.call(route.method.clone(), &path).page(key, SHOP);
            expect(route, &path, &page.json(body(route, &self.mine)).send().await, 404);
        }
    }

    async fn open(&self, route: &Route, path: &str, (key, secret): (&str, &str)) -> Answer {
        let call = self.server.call(route.method.clone(), path);
        let call = call.header("x-api-key", key).header("x-api-secret", secret);
        match (&route.method, route.path) {
            (&Method::GET | &Method::DELETE, _) => call,
            (&Method::POST, path) if path.ends_with("/files") => call.file("b.txt", "Another file.", &[]),
            (&Method::POST, path) if path.contains("/document-extraction/") => {
                call.file("b.txt", "Total: 6.00", &[("schema", SCHEMA)])
            }
            _ => call.json(body(route, &self.mine)),
        }
        .send()
        .await
    }

    async fn refuse_to_programs(&self, route: &Route) {
        let path = self.own_path(route);
        let (key, secret) = (&*self.mine.open_key.0, &*self.mine.open_key.1);
        expect(route, "nobody", &self.open(route, &path, ("", "")).await, 401);
        expect(route, "a key without its secret", &self.open(route, &path, (key, "")).await, 401);
        let foreign = &*self.theirs.open_key.1;
        expect(route, "a key with another's secret", &self.open(route, &path, (key, foreign)).await, 401);
        for (_, proof) in &self.callers {
            expect(route, "a key of another kind", &self.open(route, &path, (proof, secret)).await, 401);
            expect(route, "no open key", &self.call(route, &path, Some(proof)).await, 401);
        }
        let theirs = (&*self.theirs.open_key.0, foreign);
        expect(route, "another's key", &self.open(route, &path, theirs).await, 404);
        for path in self.mixed_paths(route) {
            let answer = self.open(route, &path, (key, secret)).await;
            expect(route, &path, &answer, 404);
            assert_eq!(answer.json["success"], false, "{path}: {}", answer.text);
        }
    }

    /// Everything that programs must be let through to.
    async fn admit_programs(&self, kept: &Kept) {
        for route in self.table.iter().filter(|route| matches!(route.access, Access::Open(..))) {
            let (key, secret) = &self.mine.open_key;
            let answer = self.open(route, &self.own_path(route), (key, secret)).await;
            assert!(answer.status.is_success(), "{}: {} {}", named(route), answer.status, answer.text);
            if route.method != Method::GET {
                kept.restore(&self.server).await;
            }
        }
    }

    /// Everything that must be let through, is; what a call has changed is put back after it.
    async fn admit_all(&self, kept: &Kept) {
        for route in &self.table {
            let Access::Workspace(permission) = route.access else { continue };
            let (path, permission) = (self.own_path(route), needed(route, permission));
            for (standing, proof) in self.callers.iter().filter(|(standing, _)| standing.may(permission)) {
                let answer = self.call(route, &path, Some(proof)).await;
                let (status, who) = (answer.status, format!("{} for {standing:?}", named(route)));
                // Nobody answers where the provider and the webhook are; that they were asked is enough.
                let tests = ["/providers/{provider_id}/test", "/webhooks/{webhook_id}/test"];
                let asked =
                    tests.iter().any(|test| route.path.ends_with(test)) && status == StatusCode::BAD_GATEWAY;
                // Nor is there a card to set up where everything counts as paid.
                let nothing =
                    route.path.ends_with("/payment-methods") && status == StatusCode::UNPROCESSABLE_ENTITY;
                assert!(status.is_success() || asked || nothing, "{who}: {status} {}", answer.text);
                if route.method != Method::GET {
                    kept.restore(&self.server).await;
                }
            }
        }
    }
}

#[track_caller]
fn expect(route: &Route, who: &str, answer: &Answer, status: u16) {
    let expected = StatusCode::from_u16(status).unwrap();
    assert_eq!(answer.status, expected, "{} for {who}: {}", named(route), answer.text);
}

/// Copies a folder of files into another.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if entry.is_dir() {
            copy(&entry, &to.join(name));
        } else {
            std::fs::copy(entry, to.join(name)).unwrap();
        }
    }
}

/// A copy of every table and of the files of contacts, for SQLite.
struct Kept {
    tables: Vec<String>,
}

/// A statement that is put together for a test.
fn statement(text: String) -> Sql {
    Sql::new(Box::leak(text.into_boxed_str()))
}

impl Kept {
    async fn keep(server: &Server) -> Self {
        let columns = server.app.db.columns().await.unwrap();
        let mut tables: Vec<String> =
            columns.iter().map(|column| column.split('.').next().unwrap().to_owned()).collect();
        tables.dedup();
        let copies = tables
            .iter()
            .map(|table| statement(format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")));
        execute(server, copies).await;
        copy(&server.app.config.data_dir.join("objects"), &server.app.config.data_dir.join("kept"));
        Self { tables }
    }

    /// The tables that are not as they were kept.
    async fn changed(&self, server: &Server) -> Vec<&str> {
        let mut changed = Vec::new();
        let mut db = server.app.db.read().await.unwrap();
        for table in &self.tables {
            for (one, other) in
                [(table.clone(), format!("kept_{table}")), (format!("kept_{table}"), table.clone())]
            {
                let differing =
                    format!("SELECT count(*) FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other})");
                if db.count(statement(differing)).await.unwrap() > 0 {
                    changed.push(&**table);
                }
            }
        }
        changed
    }

    /// Puts everything back as it was, and lets what is remembered of callers grow old.
    async fn restore(&self, server: &Server) {
        let text = |text: String| statement(text);
        let defer = [Sql::new("PRAGMA defer_foreign_keys = ON")].into_iter();
        let empty = self.tables.iter().map(|table| text(format!("DELETE FROM {table}")));
        let fill =
            self.tables.iter().map(|table| text(format!("INSERT INTO {table} SELECT * FROM kept_{table}")));
        execute(server, defer.chain(empty).chain(fill)).await;
        copy(&server.app.config.data_dir.join("kept"), &server.app.config.data_dir.join("objects"));
        server.app.clock.advance(chrono::TimeDelta::seconds(11));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_whom_its_table_says_and_nobody_else() {
    let world = world(Database::Sqlite).await;
    let kept = Kept::keep(&world.server).await;
    world.refuse_all().await;
    assert_eq!(kept.changed(&world.server).await, [""; 0], "what was refused has changed something");
    world.admit_all(&kept).await;
    world.admit_programs(&kept).await;
}

on_both! {
    async fn what_must_be_refused_is(database: Database) {
        world(database).await.refuse_all().await;
    }
}
