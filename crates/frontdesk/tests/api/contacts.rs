//! Contacts and their files: over the Open API as its document has it, and in the workspace.

use http::{HeaderMap, Method};
use serde_json::{Value, json};
use testkit::{Answer, Call, Database, Owner, Server, on_both};

use super::start;

/// A server, an owner, their agent, and an open key to it.
pub struct World {
    pub server: Server,
    pub owner: Owner,
    pub agent: String,
    key: (String, String),
}

impl World {
    pub async fn new(database: Database) -> Self {
        Self::on(start(database).await).await
    }

    pub async fn on(server: Server) -> Self {
        let owner = server.owner("owner@example.com").await;
        let collection = server.collection(&owner).await;
        let agent = server.agent(&owner, &collection).await;
        let all = json!(["create", "read", "update", "delete"]);
        let form = json!({
            "name": "CRM", "permissions": { "contacts": all, "forms": all, "document-extraction": all },
            "rate_limit_per_minute": 1000,
        });
        let path = format!("/agents/{agent}/open-keys");
        let key = server.within(&owner, Method::POST, &path).json(form).send().await.expect(201);
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let key = (text("api_key"), text("api_secret"));
        Self { server, owner, agent, key }
    }

    /// A call of the Open API: `{bot}` in the path stands for the agent's part.
    pub fn open(&self, method: Method, path: &str) -> Call {
        let path = path.replace("{bot}", &format!("chatbots/{}", self.agent));
        let call = self.server.call(method, &format!("/v1/open{path}"));
        call.header("x-api-key", &self.key.0).header("x-api-secret", &self.key.1)
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.open(Method::POST, path).json(body).send().await
    }

    /// A call in the workspace, on the agent.
    pub fn inside(&self, method: Method, path: &str) -> Call {
        self.server.within(&self.owner, method, &format!("/agents/{}{path}", self.agent))
    }

    async fn contact(&self, body: Value) -> String {
        let made = self.post("/contacts/{bot}", body).await.expect(201);
        made["data"]["contactId"].as_str().unwrap().to_owned()
    }

    async fn list(&self, query: &str) -> Vec<String> {
        let list = self.open(Method::GET, &format!("/contacts/{{bot}}?{query}")).send().await.expect(200);
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["primaryEmail"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// What is wrong with a body, as field and rule.
pub fn wrong(answer: Answer) -> Vec<(String, String)> {
    let json = answer.expect(400);
    assert_eq!((&json["success"], &json["code"]), (&json!(false), &json!("INVALID_REQUEST")), "{json}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |error: &Value| (text(&error["field"]), text(&error["type"]));
    json["validationErrors"].as_array().unwrap().iter().map(of).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

on_both! {
    async fn a_contact_is_made_read_changed_and_put_away(database: Database) {
        let world = World::new(database).await;
        let body = json!({ "primaryEmail": "Ada@example.com", "externalReferenceId": "crm/1", "firstName": " Ada ",
                           "lastName": "Lovelace", "mobileNumber": "0047 22 86 44 00", "gender": "female" });
        let made = world.post("/contacts/{bot}", body).await.expect(201);
        let contact = &made["data"];
        let id = contact["contactId"].as_str().unwrap();
        assert_eq!(id.len(), 24);
        assert_eq!(contact["firstName"], "Ada");
        assert_eq!(contact["mobileNumber"], "+4722864400");
        assert_eq!((&contact["gender"], &contact["status"], &contact["source"]), (&json!("FEMALE"), &json!("ACTIVE"), &json!("API")));
        assert!(contact["archivedAt"].is_null());

        let by_id = world.open(Method::GET, &format!("/contacts/mantisid/{id}/{{bot}}")).send().await.expect(200);
        assert_eq!(by_id["data"], *contact);
        let by_reference = world.open(Method::GET, "/contacts/crm%2F1/{bot}").send().await.expect(200);
        assert_eq!(by_reference["data"], *contact);

        // What is sent back as it came, with one change, is that change.
        let mut back = contact.clone();
        back["firstName"] = json!("Augusta");
        let put = world.open(Method::PUT, &format!("/contacts/mantisid/{id}/{{bot}}")).json(back);
        assert_eq!(put.send().await.expect(200)["data"]["firstName"], "Augusta");
        let archive = format!("/contacts/mantisid/{id}/{{bot}}/archive");
        let archived = world.open(Method::PATCH, &archive).send().await.expect(200);
        assert_eq!(archived["data"]["status"], "ARCHIVED");
        world.open(Method::PATCH, &archive).send().await.expect(200);
        world.server.stop().await;
    }

    async fn all_that_is_wrong_is_told_at_once(database: Database) {
        let world = World::new(database).await;
        let body = json!({ "firstName": 7, "mobileNumber": "12", "gender": "X", "shoeSize": 42, "customFields": [] });
        let expected = [
            ("primaryEmail", "any.required"),
            ("firstName", "string.base"),
            ("mobileNumber", "string.pattern.base"),
            ("gender", "any.only"),
            ("shoeSize", "object.unknown"),
            ("customFields", "object.base"),
        ];
        let found = wrong(world.post("/contacts/{bot}", body).await);
        assert_eq!(found, expected.map(|(field, rule)| (field.to_owned(), rule.to_owned())));
        for (content_type, body, status, code) in [
            ("application/json", "{", 400, "INVALID_REQUEST"),
            ("application/json", "[]", 400, "INVALID_REQUEST"),
            ("text/plain", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ] {
            let answer = world.open(Method::POST, "/contacts/{bot}").body(content_type, body).send().await.expect(status);
            assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!(code)), "{answer}");
        }
        let unknown = world.open(Method::GET, "/nothing").send().await.expect(404);
        assert_eq!((&unknown["success"], &unknown["code"]), (&json!(false), &json!("NOT_FOUND")));
        let method = world.open(Method::DELETE, "/contacts/{bot}").send().await.expect(405);
        assert_eq!((&method["success"], &method["code"]), (&json!(false), &json!("METHOD_NOT_ALLOWED")));
        world.server.stop().await;
    }

    async fn a_key_that_may_not_is_told_why_in_the_envelope(database: Database) {
        let world = World::new(database).await;
        let key = async |change: Value| {
            let mut form = json!({ "name": "Sync", "permissions": { "contacts": ["read"] } });
            form.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let key = world.inside(Method::POST, "/open-keys").json(form).send().await.expect(201);
            ["api_key", "api_secret"].map(|name| key[name].as_str().unwrap().to_owned())
        };
        let path = format!("/v1/open/contacts/chatbots/{}", world.agent);
        let call = async |method: Method, [key, secret]: &[String; 2]| {
            let call = world.server.call(method, &path).header("x-api-key", key).header("x-api-secret", secret);
            call.json(json!({ "primaryEmail": "ada@example.com" })).send().await
        };
        let [plain, abroad, hasty, brief] = [
            key(json!({})).await,
            key(json!({ "allowed_ips": ["203.0.113.7"] })).await,
            key(json!({ "rate_limit_per_minute": 1 })).await,
            key(json!({ "expires_at": world.server.app.clock.now() + chrono::TimeDelta::seconds(9) })).await,
        ];
        call(Method::GET, &hasty).await.expect(200);
        let wrong = [plain[0].clone(), abroad[1].clone()];
        let limited = call(Method::GET, &hasty).await;
        assert!(header(&limited.headers, "retry-after").parse::<u64>().unwrap() > 0);
        let refusals = [
            (call(Method::POST, &plain).await, 403, "INSUFFICIENT_PERMISSIONS"),
            (call(Method::GET, &abroad).await, 403, "IP_NOT_ALLOWED"),
            (limited, 429, "RATE_LIMIT_EXCEEDED"),
            (call(Method::GET, &wrong).await, 401, "UNAUTHORIZED"),
        ];
        world.server.app.clock.advance(chrono::TimeDelta::seconds(10));
        let expired = (call(Method::GET, &brief).await, 401, "KEY_EXPIRED");
        for (answer, status, code) in refusals.into_iter().chain([expired]) {
            let answer = answer.expect(status);
            assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!(code)), "{answer}");
            assert!(answer["message"].is_string() && answer["validationErrors"] == json!([]), "{answer}");
        }
        world.server.stop().await;
    }

    async fn lists_are_found_filtered_and_ordered(database: Database) {
        let world = World::new(database).await;
        let plan = json!({ "fields": [{ "name": "plan", "type": "select", "options": ["Free", "Paid"] }] });
        world.inside(Method::PUT, "/contact-settings").json(plan).send().await.expect(200);
        for (email, first, last, plan) in [
            ("zoe@example.com", "Zoë", "Müller", "Free"),
            ("ada@example.org", "Ada", "Lovelace", "Paid"),
            ("grace@example.com", "Grace", "Hopper", "Paid"),
        ] {
            world.server.app.clock.advance(chrono::TimeDelta::seconds(1));
            world.contact(json!({ "primaryEmail": email, "firstName": first, "lastName": last, "customFields": { "plan": plan } })).await;
        }
        let (zoe, ada, grace) = ("zoe@example.com", "ada@example.org", "grace@example.com");
        assert_eq!(world.list("").await, [grace, ada, zoe]);
        assert_eq!(world.list("sort=createdAt").await, [zoe, ada, grace]);
        assert_eq!(world.list("sort=-lastName").await, [zoe, ada, grace]);
        assert_eq!(world.list("sort=primaryEmail&limit=2&page=2").await, [zoe]);
        assert_eq!(world.list("search=zoe%20mull").await, [zoe]);
        assert_eq!(world.list("search=GRACE@ex").await, [grace]);
        assert_eq!(world.list("search=nobody").await, [""; 0]);
        assert_eq!(world.list("customFields.plan=Paid").await, [grace, ada]);
        assert_eq!(world.list("source=FORM").await, [""; 0]);
        assert_eq!(world.list("createdFrom=2200-01-01").await, [""; 0]);
        for query in ["limit=0", "limit=101", "page=0", "page=1000001", "page=99999999999999999999", "sort=shoe", "status=X", "shoe=1", "createdFrom=x"] {
            let answer = world.open(Method::GET, &format!("/contacts/{{bot}}?{query}")).send().await.expect(400);
            assert_eq!(answer["success"], false, "{query}: {answer}");
        }

        // A changed name is found by the new one alone.
        let list = world.open(Method::GET, "/contacts/{bot}?search=zoe").send().await.expect(200);
        let id = list["data"][0]["contactId"].as_str().unwrap();
        let change = json!({ "firstName": "Chloe", "customFields": { "plan": null } });
        let changed = world.open(Method::PUT, &format!("/contacts/mantisid/{id}/{{bot}}")).json(change).send().await.expect(200);
        assert_eq!(changed["data"]["customFields"], json!({}));
        assert_eq!(world.list("search=chlo").await, [zoe]);
        assert_eq!(world.list("search=zo").await, [zoe], "the address has it still");
        assert_eq!(world.list("search=zo%20mul").await, [zoe]);

        world.open(Method::PATCH, &format!("/contacts/mantisid/{id}/{{bot}}/archive")).send().await.expect(200);
        assert_eq!(world.list("").await, [grace, ada]);
        assert_eq!(world.list("status=archived").await, [zoe]);
        let page = world.open(Method::GET, "/contacts/{bot}").send().await.expect(200);
        assert_eq!(page["pagination"]["totalItems"], 2);
        let back = json!({ "status": "ACTIVE" });
        world.open(Method::PUT, &format!("/contacts/mantisid/{id}/{{bot}}")).json(back).send().await.expect(200);
        assert_eq!(world.list("").await, [grace, ada, zoe]);
        world.server.stop().await;
    }

    async fn long_lists_are_whole_and_counted(database: Database) {
        const ROWS: usize = 4_300;
        let world = World::new(database).await;
        let own = json!({ "fields": [
            { "name": "plan", "type": "select", "options": ["Free", "Paid"] },
            { "name": "seats", "type": "number" },
            { "name": "vip", "type": "checkbox" },
        ]});
        world.inside(Method::PUT, "/contact-settings").json(own).send().await.expect(200);
        let mut table = "primaryEmail,externalReferenceId,firstName,lastName,stage,plan,seats,vip\n".to_owned();
        for n in 0..ROWS {
            let (stage, plan) = (["LEAD", "CUSTOMER", "LOST"][n % 3], ["Free", "Paid"][n % 2]);
            table += &format!("p{n}@example.com,r{n},Name{n},Common,{stage},{plan},{}.0,{}\n", n % 50, n == 7);
        }
        world.inside(Method::POST, "/contacts/imports").file("contacts.csv", table, &[]).send().await.expect(202);
        world.server.quiet().await;
        let page = async |query: &str, page: usize| {
            let path = format!("/contacts/{{bot}}?{query}&limit=100&page={page}");
            let list = world.open(Method::GET, &path).send().await.expect(200);
            (list["data"].as_array().unwrap().clone(), list["pagination"].clone())
        };
        let all = async |query: &str| {
            let (mut ids, mut at) = (Vec::new(), 1);
            loop {
                let (rows, paging) = page(query, at).await;
                ids.extend(rows.iter().map(|row| row["contactId"].as_str().unwrap().to_owned()));
                if paging["hasNextPage"] == false {
                    return ids;
                }
                at += 1;
            }
        };
        let counted = async |query: &str| {
            let (_, paging) = page(query, 1).await;
            (paging["totalItems"].as_u64().unwrap() as usize, paging["isTotalExact"] == true)
        };
        let down = all("sort=-createdAt").await;
        assert_eq!(down.len(), ROWS);
        assert!(down.is_sorted_by(|a, b| a > b), "each contact once, in order, on pages from end to end");
        let mut up = all("sort=createdAt").await;
        up.reverse();
        assert!(up == down);

        assert_eq!(counted("x=").await, (ROWS, true));
        assert_eq!(counted("stage=LEAD").await, (ROWS.div_ceil(3), true));
        assert_eq!(counted("customFields.plan=paid").await, (ROWS / 2, true));
        assert_eq!(counted("customFields.seats=7").await, (ROWS / 50, true), "numbers are met however they are written");
        assert_eq!(counted("customFields.vip=true").await, (1, true));
        assert_eq!(counted("stage=LEAD&customFields.plan=Paid").await, (717, true));
        assert_eq!(counted("search=name77").await, (11, true), "name77, and name770 to name779");
        assert_eq!(counted("search=common+p3@example.com").await, (1, true));
        assert_eq!(counted("stage=LEAD&source=API").await, (0, true));
        assert!(counted("search=common&customFields.seats=7&stage=CUSTOMER").await.1);
        for (query, size) in [
            ("source=IMPORT&status=ACTIVE", ROWS),
            ("search=common", ROWS),
            ("createdFrom=2020-01-01&sort=lastName", ROWS),
        ] {
            let (total, exact) = counted(query).await;
            assert!(!exact && total >= 500 && total <= size, "{query}: at least {total}");
            let mut ids = all(query).await;
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), size, "{query}: the pages go on to the last");
        }
        for wrong in ["customFields.shoe=1", "customFields.plan=Gold", "customFields.seats=many"] {
            world.open(Method::GET, &format!("/contacts/{{bot}}?{wrong}")).send().await.expect(400);
        }

        // Put away, it is missing from every list and count.
        let archive = format!("/contacts/mantisid/{}/{{bot}}/archive", down[40]);
        let archived = world.open(Method::PATCH, &archive).send().await.expect(200);
        let seats = archived["data"]["customFields"]["seats"].as_f64().unwrap();
        assert_eq!(all("sort=createdAt").await.len(), ROWS - 1);
        assert_eq!(counted(&format!("customFields.seats={seats}")).await, (ROWS / 50 - 1, true));
        assert_eq!(counted("status=ARCHIVED").await, (1, true));
        assert_eq!(counted("status=ACTIVE").await, (ROWS - 1, true));
        world.server.stop().await;
    }

    async fn a_request_that_comes_again_makes_nothing_new(database: Database) {
        let world = World::new(database).await;
        let call = |key: &'static str, email: &'static str| {
            let call = world.open(Method::POST, "/contacts/{bot}").header("idempotency-key", key);
            call.json(json!({ "primaryEmail": email })).send()
        };
        let (one, two) = futures_util::join!(call("k1", "ada@example.com"), call("k1", "ada@example.com"));
        let (one, two) = (one.expect(201), two.expect(201));
        assert_eq!(one["data"]["contactId"], two["data"]["contactId"]);
        assert_eq!(world.list("").await, ["ada@example.com"]);
        assert_eq!(wrong(call("a\tb", "ada@example.com").await), [("Idempotency-Key".to_owned(), "any.invalid".to_owned())]);
        let other = call("k1", "grace@example.com").await.expect(409);
        assert_eq!(other["code"], "IDEMPOTENCY_KEY_REUSED");
        call("k2", "ada@example.com").await.expect(201);
        assert_eq!(world.list("").await.len(), 2, "without the key's promise a contact is another contact");
        world.server.app.clock.advance(chrono::TimeDelta::hours(25));
        call("k1", "grace@example.com").await.expect(201);
        world.server.stop().await;
    }

    async fn contacts_that_come_at_once_do_not_spoil_each_other(database: Database) {
        let world = World::new(database).await;
        let create = |n: usize| {
            // Two are the same, and one has nobody for its owner.
            let reference = if n == 7 { 3 } else { n };
            let mut body = json!({ "primaryEmail": format!("p{n}@example.com"), "externalReferenceId": format!("r{reference}") });
            if n == 11 {
                body["ownerId"] = json!("user_000000000000000000000000");
            }
            world.open(Method::POST, "/contacts/{bot}").json(body).send()
        };
        let answers = futures_util::future::join_all((0..24).map(create)).await;
        let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
        assert_eq!((count(201), count(409), count(400)), (22, 1, 1));
        assert_eq!(answers[11].json["validationErrors"][0]["field"], "ownerId");
        assert_eq!(world.list("limit=100").await.len(), 22);
        let log = world.server.within(&world.owner, Method::GET, "/audit-log?action=contact.created&limit=100").send().await.expect(200);
        assert_eq!(log["total"], 22, "each is in the audit log, once");
        world.server.stop().await;
    }

    async fn a_reference_is_one_contacts(database: Database) {
        let world = World::new(database).await;
        let id = world.contact(json!({ "primaryEmail": "ada@example.com", "externalReferenceId": "1" })).await;
        let other = world.contact(json!({ "primaryEmail": "grace@example.com" })).await;
        let again = world.post("/contacts/{bot}", json!({ "primaryEmail": "b@example.com", "externalReferenceId": "1" })).await;
        let again = again.expect(409);
        assert_eq!((&again["code"], &again["validationErrors"][0]["field"]), (&json!("CONFLICT"), &json!("externalReferenceId")));
        let put = world.open(Method::PUT, &format!("/contacts/mantisid/{other}/{{bot}}"));
        put.json(json!({ "externalReferenceId": "1" })).send().await.expect(409);
        let owner = json!({ "ownerId": "user_00000000000000000000000" });
        let put = world.open(Method::PUT, &format!("/contacts/mantisid/{other}/{{bot}}")).json(owner).send().await;
        assert_eq!(wrong(put), [("ownerId".to_owned(), "any.invalid".to_owned())]);

        // Merged, the reference is the first one's, with all that hung on the other.
        world.open(Method::POST, &format!("/contacts/mantisid/{id}/{{bot}}/files")).file("a.txt", "hello", &[]).send().await.expect(201);
        let note = world.inside(Method::POST, &format!("/contacts/{id}/notes")).json(json!({ "text": "Called." }));
        note.send().await.expect(201);
        let merge = json!({ "contact_id": id });
        let merged = world.inside(Method::POST, &format!("/contacts/{other}/merge")).json(merge.clone()).send().await.expect(200);
        assert_eq!((&merged["externalReferenceId"], &merged["primaryEmail"]), (&json!("1"), &json!("grace@example.com")));
        world.open(Method::GET, &format!("/contacts/mantisid/{id}/{{bot}}")).send().await.expect(404);
        let notes = world.inside(Method::GET, &format!("/contacts/{other}/notes")).send().await.expect(200);
        assert_eq!((&notes["total"], &notes["notes"][0]["author"]), (&json!(1), &json!("owner@example.com")));
        let files = world.open(Method::GET, "/contacts/1/{bot}/files").send().await.expect(200);
        assert_eq!(files["pagination"]["totalItems"], 1);
        assert_eq!(world.list("").await, ["grace@example.com"]);
        world.inside(Method::POST, &format!("/contacts/{other}/merge")).json(json!({ "contact_id": other })).send().await.expect(400);
        world.server.stop().await;
    }

    async fn files_lie_once_and_come_back_as_attachments(database: Database) {
        let world = World::new(database).await;
        let id = world.contact(json!({ "primaryEmail": "ada@example.com" })).await;
        let files = format!("/contacts/mantisid/{id}/{{bot}}/files");
        let page = "<html><script>alert(1)</script>";
        let mut ids = Vec::new();
        for name in ["a\u{e9}.html", "b.html"] {
            let made = world.open(Method::POST, &files).file(name, page, &[]).send().await.expect(201);
            assert_eq!((&made["data"]["fileName"], &made["data"]["fileType"]), (&json!(name), &json!("text/plain")));
            ids.push(made["data"]["fileId"].as_str().unwrap().to_owned());
        }
        let read = |id: &str| world.open(Method::GET, &format!("{files}/{id}")).send();
        let got = read(&ids[0]).await;
        assert_eq!(got.text, page);
        assert!(header(&got.headers, "content-disposition").starts_with("attachment;"), "{:?}", got.headers);
        assert_eq!(header(&got.headers, "x-content-type-options"), "nosniff");
        assert!(header(&got.headers, "content-security-policy").contains("sandbox"));

        let stored = || {
            let folder = world.server.app.config.data_dir.join("objects").join(&world.owner.workspace);
            let folders = std::fs::read_dir(folder).into_iter().flatten();
            folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum::<usize>()
        };
        assert_eq!(stored(), 1, "one content lies there once");
        world.open(Method::DELETE, &format!("{files}/{}", ids[0])).send().await.expect(200);
        assert_eq!(read(&ids[1]).await.text, page, "the other file has it still");
        world.open(Method::DELETE, &format!("{files}/{}", ids[1])).send().await.expect(200);
        assert_eq!(stored(), 0);
        read(&ids[1]).await.expect(404);

        world.open(Method::POST, &files).file("empty", "", &[]).send().await.expect(400);
        let large = vec![b'x'; 5 * 1024 * 1024];
        let refused = world.open(Method::POST, &files).file("large", large, &[]).send().await.expect(413);
        assert_eq!((&refused["success"], &refused["code"]), (&json!(false), &json!("PAYLOAD_TOO_LARGE")));
        assert_eq!(stored(), 0, "nothing is kept of what is refused");
        world.open(Method::POST, &files).json(json!({})).send().await.expect(415);

        // An agent's files go with it.
        world.open(Method::POST, &files).file("c.txt", "hello", &[]).send().await.expect(201);
        assert_eq!(stored(), 1);
        world.inside(Method::DELETE, "").send().await;
        assert_eq!(stored(), 0);
        world.server.stop().await;
    }

    async fn tables_come_in_and_go_out(database: Database) {
        let world = World::new(database).await;
        let plan = json!({ "fields": [{ "name": "plan", "type": "select", "options": ["Free", "Paid"] }] });
        world.inside(Method::PUT, "/contact-settings").json(plan).send().await.expect(200);
        world.contact(json!({ "primaryEmail": "ada@example.com", "firstName": "Ada" })).await;
        let table = "\u{feff}E-Mail;First name;Last name;Plan;Shoe size;Owner ID\n\
                     ada@example.com;;Lovelace;paid;37;\n\
                     nobody;;;;;\n\
                     grace@example.com;Grace;=1+1;Gold;38;\n\
                     alan@example.com;Alan;=cmd();;40;\n\
                     eve@example.com;Eve;;;40;user_of_nobody\n\
                     ALAN@example.com;;Turing;;40;\n";
        let begun = world.inside(Method::POST, "/contacts/imports").file("contacts.csv", table, &[]).send().await.expect(202);
        world.server.quiet().await;
        let path = format!("/contacts/transfers/{}", begun["id"].as_str().unwrap());
        let done = world.inside(Method::GET, &path).send().await.expect(200);
        assert_eq!(done["status"], "COMPLETED", "{done}");
        let counts = ["row_count", "created", "updated", "refused"].map(|name| done[name].as_i64().unwrap());
        assert_eq!(counts, [6, 1, 2, 3], "{done}");
        assert_eq!(done["ignored_columns"], json!(["Shoe size"]));
        let refused = world.inside(Method::GET, &format!("{path}/refused")).send().await;
        assert_eq!(
            refused.text,
            "row,field,problem,value\n\
             3,primaryEmail,primaryEmail must be a mail address such as ada@example.com,nobody\n\
             4,customFields.plan,\"customFields.plan must be one of Free, Paid\",Gold\n\
             6,ownerId,ownerId is not a member of this workspace,user_of_nobody\n"
        );
        let list = world.open(Method::GET, "/contacts/{bot}?sort=primaryEmail").send().await.expect(200);
        let ada = &list["data"][0];
        assert_eq!((&ada["firstName"], &ada["lastName"], &ada["customFields"]["plan"]), (&json!("Ada"), &json!("Lovelace"), &json!("Paid")));
        let alan = &list["data"][1];
        assert_eq!((&alan["lastName"], &alan["source"]), (&json!("Turing"), &json!("IMPORT")));

        let change = json!({ "lastName": "=cmd()" });
        let id = alan["contactId"].as_str().unwrap();
        world.inside(Method::PATCH, &format!("/contacts/{id}")).json(change).send().await.expect(200);
        let begun = world.inside(Method::POST, "/contacts/exports").send().await.expect(202);
        let path = format!("/contacts/transfers/{}", begun["id"].as_str().unwrap());
        world.server.quiet().await;
        let file = world.inside(Method::GET, &format!("{path}/file")).send().await;
        assert!(header(&file.headers, "content-disposition").contains("contacts.csv"));
        let rows: Vec<&str> = file.text.lines().collect();
        assert_eq!(rows.len(), 3, "{}", file.text);
        assert!(rows[0].ends_with(",plan") && rows[1].contains("Lovelace") && rows[2].contains("'=cmd()"), "{}", file.text);

        for table in ["name\nAda\n", "", "\0\0\0"] {
            let begun = world.inside(Method::POST, "/contacts/imports").file("x.csv", table, &[]).send().await;
            if table.is_empty() {
                begun.expect(400);
                continue;
            }
            let path = format!("/contacts/transfers/{}", begun.expect(202)["id"].as_str().unwrap());
            world.server.quiet().await;
            let failed = world.inside(Method::GET, &path).send().await.expect(200);
            assert_eq!(failed["status"], "FAILED", "{table:?} {failed}");
            assert!(failed["error"].as_str().unwrap().contains("mail address"), "{failed}");
        }
        world.server.stop().await;
    }
}
