//! Extractions: fields of an uploaded file with their evidence, what waits for a person, and what a model may propose.

use http::Method;
use serde_json::{Value, json};
use testkit::{Behaviour, Model, Owner, Server, on_both};

use super::{PROGRAM, start};

/// The sample of the public contract.
const INVOICE: &str = "ACME GmbH\nInvoice No: INV-2041\nInvoice date: 2026-03-14\nCustomer: Ada Lovelace\nEmail: ada@example.com\nTotal due: EUR 1,249.50\n";

fn schema() -> Value {
    json!({ "type": "object", "required": ["invoice_number"], "properties": {
        "invoice_number": { "type": "string" }, "invoice_date": { "type": "string", "format": "date" },
        "email": { "type": "string", "format": "email" }, "total": { "type": "number" },
    }})
}

async fn agent(server: &Server, owner: &Owner) -> String {
    let made = server.within(owner, Method::POST, "/agents").json(json!({ "name": "Bot" })).send().await;
    made.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Sends a file and waits until it was read; the path of the extraction, and the extraction.
async fn extracted(
    server: &Server,
    owner: &Owner,
    agent: &str,
    file: (&str, &str),
    schema: &Value,
) -> (String, Value) {
    let path = format!("/agents/{agent}/extractions");
    let call = server.within(owner, Method::POST, &path);
    let queued = call.file(file.0, file.1, &[("schema", &schema.to_string())]).send().await.expect(202);
    assert_eq!((&queued["status"], &queued["fields"]), (&json!("QUEUED"), &Value::Null));
    server.quiet().await;
    let path = format!("{path}/{}", queued["id"].as_str().unwrap());
    let extraction = server.within(owner, Method::GET, &path).send().await.expect(200);
    (path, extraction)
}

/// Files of a workspace that are stored.
fn stored(server: &Server, owner: &Owner) -> usize {
    let folder = server.app.blobs.path(&owner.workspace, "x");
    std::fs::read_dir(folder.parent().unwrap()).map_or(0, Iterator::count)
}

on_both! {
    async fn the_fields_of_an_invoice_are_found_with_their_evidence(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let (path, found) = extracted(&server, &owner, &agent, ("invoice.txt", INVOICE), &schema()).await;
        assert_eq!(found["status"], "COMPLETED", "{found}");
        let expected = json!({ "invoice_number": "INV-2041", "invoice_date": "2026-03-14", "email": "ada@example.com", "total": 1249.5 });
        assert_eq!(found["fields"], expected);
        for (name, detail) in found["details"].as_object().unwrap() {
            assert!(INVOICE.contains(detail["evidence"].as_str().unwrap()), "{name}: {detail}");
            assert!(detail["confidence"].as_f64().unwrap() > 0.6, "{name}: {detail}");
        }
        assert_eq!((&found["needs_review"], &found["model"]), (&json!(false), &Value::Null));
        let list = server.within(&owner, Method::GET, &format!("/agents/{agent}/extractions")).send().await.expect(200);
        assert_eq!((&list["total"], &list["extractions"][0]["id"]), (&json!(1), &found["id"]));

        assert_eq!(stored(&server, &owner), 1);
        server.within(&owner, Method::DELETE, &path).send().await.expect(200);
        assert_eq!(stored(&server, &owner), 0, "the file goes with its extraction");
        server.within(&owner, Method::GET, &path).send().await.refused(404);
        server.stop().await;
    }

    async fn what_is_not_sure_waits_for_a_person_whose_corrections_are_kept(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let schema = json!({ "required": ["iban", "buyer"], "properties": {
            "iban": { "type": "string", "format": "iban" }, "buyer": { "type": "string" }, "total": { "type": "number" },
        }});
        let text = "Total: 12.00\nIBAN: DE88370400440532013000\n";
        let (path, found) = extracted(&server, &owner, &agent, ("letter.txt", text), &schema).await;
        assert_eq!((&found["needs_review"], &found["missing"]), (&json!(true), &json!(["buyer"])), "{found}");
        extracted(&server, &owner, &agent, ("invoice.txt", INVOICE), &self::schema()).await;
        for (filter, total) in [("", 2), ("?needs_review=true", 1), ("?needs_review=false", 1)] {
            let list = format!("/agents/{agent}/extractions{filter}");
            let list = server.within(&owner, Method::GET, &list).send().await.expect(200);
            assert_eq!(list["total"], total, "{filter}: {list}");
        }
        let review = async |corrections: Value| {
            let call = server.within(&owner, Method::POST, &format!("{path}/review"));
            call.json(json!({ "corrections": corrections })).send().await
        };
        for (wrong, field) in [(json!({ "total": "12" }), "corrections.total"), (json!({ "tax": 1 }), "corrections.tax")] {
            assert_eq!(review(wrong).await.refused(400), ("INVALID_REQUEST".into(), Some(field.into())));
        }
        let corrected = review(json!({ "iban": "DE89370400440532013000", "buyer": "Ada Lovelace" })).await.expect(200);
        assert_eq!((&corrected["needs_review"], &corrected["reviewed_by"]), (&json!(false), &json!("owner@example.com")));
        review(json!({ "buyer": "Ada King" })).await.expect(200);
        let kept = server.within(&owner, Method::GET, &path).send().await.expect(200);
        assert_eq!(kept["fields"], json!({ "iban": "DE89370400440532013000", "buyer": "Ada King", "total": 12.0 }));
        assert_eq!(kept["extracted"], found["extracted"], "what was found stays beside what people say");
        assert_eq!(kept["extracted"]["iban"], "DE88370400440532013000");
        let buyer = &kept["corrections"]["buyer"];
        assert_eq!((&buyer["value"], &buyer["by"]), (&json!("Ada King"), &json!("owner@example.com")));
        let waiting = format!("/agents/{agent}/extractions?needs_review=true");
        assert_eq!(server.within(&owner, Method::GET, &waiting).send().await.expect(200)["total"], 0);

        server.within(&owner, Method::DELETE, &format!("/agents/{agent}")).send().await.expect(200);
        assert_eq!(stored(&server, &owner), 0, "an agent takes its extractions' files with it");
        server.stop().await;
    }

    async fn what_cannot_be_read_or_wanted_is_said(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let (path, failed) = extracted(&server, &owner, &agent, ("broken.pdf", "%PDF-1.7\nnot really"), &schema()).await;
        assert_eq!((&failed["status"], &failed["fields"]), (&json!("FAILED"), &Value::Null), "{failed}");
        assert!(failed["error"]["message"].as_str().unwrap().len() > 10);
        let review = server.within(&owner, Method::POST, &format!("{path}/review")).json(json!({})).send().await;
        assert_eq!(review.refused(409).0, "CONFLICT");

        let all = format!("/agents/{agent}/extractions");
        let good = schema().to_string();
        let wrong = r#"{"properties": {"total": {"type": "tuple"}}}"#;
        for (fields, field) in [
            (vec![("schema", wrong)], "schema"),
            (vec![("schema", "{")], "schema"),
            (vec![], "schema"),
            (vec![("schema", good.as_str()), ("threshold", "2")], "threshold"),
            (vec![("schema", good.as_str()), ("threshold", "high")], "threshold"),
        ] {
            let call = server.within(&owner, Method::POST, &all).file("a.txt", "Total: 5", &fields);
            assert_eq!(call.send().await.refused(400).1.as_deref(), Some(field), "{fields:?}");
        }
        let picture = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let call = server.within(&owner, Method::POST, &all).file("a.bin", picture, &[("schema", &good)]);
        assert_eq!(call.send().await.refused(415).1.as_deref(), Some("file"));
        assert_eq!(stored(&server, &owner), 1, "what is refused is not kept");
        server.stop().await;
    }

    async fn programs_extract_in_the_shapes_of_their_document(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let form = json!({ "name": "Sync", "permissions": { "document-extraction": ["create", "read"] } });
        let key = server.within(&owner, Method::POST, &format!("/agents/{agent}/open-keys")).json(form).send().await.expect(201);
        let open = |method, path: &str| {
            let call = server.call(method, &format!("/v1/open/document-extraction{path}/chatbots/{agent}"));
            let call = call.header("x-api-key", key["api_key"].as_str().unwrap());
            call.header("x-api-secret", key["api_secret"].as_str().unwrap())
        };
        // What would go into a contact needs more than the key may.
        let contact = json!({ "fields": { "primaryEmail": "email" } }).to_string();
        let fields = [("schema", &*schema().to_string()), ("contact", &*contact)];
        open(Method::POST, "").file("invoice.txt", INVOICE, &fields).send().await.expect(403);
        assert_eq!(stored(&server, &owner), 0, "what is refused is not kept");
        let sent = open(Method::POST, "").file("invoice.txt", INVOICE, &[("schema", &schema().to_string())]);
        let sent = sent.send().await.expect(202);
        assert_eq!((&sent["success"], &sent["data"]["status"]), (&json!(true), &json!("QUEUED")));
        let id = sent["data"]["extractionId"].as_str().unwrap();
        server.quiet().await;
        let found = open(Method::GET, &format!("/{id}")).send().await.expect(200);
        let data = &found["data"];
        let expected = json!({ "invoice_number": "INV-2041", "invoice_date": "2026-03-14", "email": "ada@example.com", "total": 1249.5 });
        assert_eq!((&data["status"], &data["fields"]), (&json!("COMPLETED"), &expected));
        assert_eq!(data["details"]["invoice_number"]["evidence"], "INV-2041");
        let list = open(Method::GET, "").send().await.expect(200);
        assert_eq!((&list["data"][0]["extractionId"], &list["pagination"]["totalItems"]), (&json!(id), &json!(1)));
        let wrong = open(Method::POST, "").file("a.txt", "Total: 5", &[("schema", "{}")]).send().await.expect(400);
        assert_eq!((&wrong["success"], &wrong["validationErrors"][0]["field"]), (&json!(false), &json!("schema")));
        server.stop().await;
    }

    async fn what_is_sure_goes_into_a_contact(database: Database) {
        let server = start(database).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let own = json!({ "fields": [{ "name": "last_invoice", "type": "text" }, { "name": "owes", "type": "number" }] });
        server.within(&owner, Method::PUT, &format!("/agents/{agent}/contact-settings")).json(own).send().await.expect(200);
        let path = format!("/agents/{agent}/extractions");
        let send = async |text: &str, schema: Value, contact: Value| {
            let fields = [("schema", schema.to_string()), ("contact", contact.to_string())];
            let fields = fields.each_ref().map(|(name, text)| (*name, text.as_str()));
            let answer = server.within(&owner, Method::POST, &path).file("invoice.txt", text, &fields).send().await;
            server.quiet().await;
            answer
        };
        let read = async |queued: Value| {
            let path = format!("{path}/{}", queued["id"].as_str().unwrap());
            server.within(&owner, Method::GET, &path).send().await.expect(200)
        };
        let contacts = async || {
            let list = server.within(&owner, Method::GET, &format!("/agents/{agent}/contacts")).send().await.expect(200);
            list["contacts"].as_array().unwrap().clone()
        };
        let fields = json!({ "primaryEmail": "email", "customFields.last_invoice": "invoice_number", "customFields.owes": "total" });
        let found = read(send(INVOICE, schema(), json!({ "fields": fields })).await.expect(202)).await;
        let ada = contacts().await.remove(0);
        assert_eq!((&found["contact_id"], &found["contact_problem"]), (&ada["contactId"], &Value::Null), "{found}");
        assert_eq!((&ada["primaryEmail"], &ada["source"]), (&json!("ada@example.com"), &json!("API")));
        assert_eq!(ada["customFields"], json!({ "last_invoice": "INV-2041", "owes": 1249.5 }));

        // What is not sure, or what the contact cannot take, waits for a person; then it is written.
        let named = json!({ "contactId": ada["contactId"], "fields": { "mobileNumber": "invoice_number", "lastName": "buyer" } });
        let mut wanted = schema();
        wanted["properties"]["buyer"] = json!({ "type": "string" });
        let stuck = read(send(INVOICE, wanted.clone(), named).await.expect(202)).await;
        assert_eq!((&stuck["needs_review"], &stuck["contact_id"]), (&json!(true), &Value::Null), "{stuck}");
        let named = json!({ "contactId": ada["contactId"], "fields": { "mobileNumber": "invoice_number" } });
        let stuck = read(send(INVOICE, schema(), named).await.expect(202)).await;
        assert_eq!(stuck["needs_review"], true, "{stuck}");
        assert!(stuck["contact_problem"].as_str().unwrap().contains("mobileNumber must be a telephone number"), "{stuck}");
        let review = format!("{path}/{}/review", stuck["id"].as_str().unwrap());
        let corrections = json!({ "corrections": { "invoice_number": "+47 22 86 44 00" } });
        let done = server.within(&owner, Method::POST, &review).json(corrections).send().await.expect(200);
        assert_eq!((&done["contact_id"], &done["contact_problem"]), (&ada["contactId"], &Value::Null), "{done}");
        assert_eq!(contacts().await[0]["mobileNumber"], "+4722864400");

        for contact in [
            json!({}),
            json!({ "fields": {} }),
            json!({ "fields": { "shoe": "email" } }),
            json!({ "fields": { "primaryEmail": "shoe" } }),
            json!({ "fields": { "firstName": "email" } }),
            json!({ "fields": { "primaryEmail": "email" }, "contactId": "x", "externalReferenceId": "y" }),
            json!({ "fields": { "primaryEmail": "email" }, "shoe": 1 }),
        ] {
            assert_eq!(send(INVOICE, schema(), contact.clone()).await.refused(400).1.as_deref(), Some("contact"), "{contact}");
        }
        let stranger = json!({ "fields": { "primaryEmail": "email" }, "externalReferenceId": "nobody" });
        send(INVOICE, schema(), stranger).await.refused(404);
        assert_eq!(stored(&server, &owner), 3, "what is refused is not kept");
        server.stop().await;
    }

    async fn a_model_proposes_and_the_document_disposes(database: Database) {
        let said = json!({ "invoice_number": "INV-2041", "project": "Harbour Bridge", "approver": "Grace Hopper", "email": "<EMAIL_1>" });
        let model = Model::start(Behaviour::Say(vec![format!("```json\n{said}\n```")], Default::default())).await;
        let endpoint = model.endpoint.clone();
        let server = Server::start_with(database, PROGRAM, |config| config.llm = Some(endpoint)).await;
        let owner = server.owner("owner@example.com").await;
        let agent = agent(&server, &owner).await;
        let private = json!({ "guardrails": { "redact_personal_data": true } });
        server.within(&owner, Method::PATCH, &format!("/agents/{agent}")).json(private).send().await.expect(200);
        let schema = json!({ "properties": {
            "invoice_number": { "type": "string" }, "project": { "type": "string" }, "approver": { "type": "string" },
            "email": { "type": "string", "format": "email" },
        }});
        let text = format!("{INVOICE}\nThank you for renewing the Harbour Bridge with us.\n");
        let (_, found) = extracted(&server, &owner, &agent, ("invoice.txt", &text), &schema).await;
        let expected = json!({ "invoice_number": "INV-2041", "project": "Harbour Bridge", "approver": "Grace Hopper", "email": "ada@example.com" });
        assert_eq!((&found["fields"], &found["model"]), (&expected, &json!("stand-in")), "{found}");
        let detail = |name: &str| &found["details"][name];
        assert_eq!(detail("project")["evidence"], "Harbour Bridge");
        assert_eq!(detail("approver")["evidence"], Value::Null);
        assert!(detail("approver")["confidence"].as_f64().unwrap() <= 0.2);
        assert_eq!(found["needs_review"], true, "an invented value waits for a person");
        let asked = model.asked();
        assert_eq!(asked.len(), 1);
        let asked = asked[0].to_string();
        assert!(asked.contains("INV-2041") && asked.contains("<EMAIL_1>"), "{asked}");
        assert!(!asked.contains("ada@example.com"), "the provider must not see it");

        // A model that fails takes nothing away.
        model.turn_to(Behaviour::Refuse(500));
        let (_, found) = extracted(&server, &owner, &agent, ("invoice.txt", INVOICE), &self::schema()).await;
        assert_eq!((&found["fields"]["total"], &found["model"]), (&json!(1249.5), &Value::Null));
        server.stop().await;
    }
}
