//! Forms: made in the workspace, sent over the Open API and from their public page.

use http::Method;
use serde_json::{Value, json};
use testkit::on_both;

use super::contacts::{World, wrong};

fn form() -> Value {
    json!({ "name": "Contact us", "thank_you": "We will call.", "fields": [
        { "name": "email", "type": "email", "required": true, "maps_to": "primaryEmail" },
        { "name": "name", "type": "text", "maps_to": "firstName" },
        { "name": "topic", "type": "select", "options": ["Sales", "Support"], "required": true },
        { "name": "message", "type": "textarea" },
    ]})
}

on_both! {
    async fn what_is_sent_becomes_a_contact(database: Database) {
        let world = World::new(database).await;
        let made = world.inside(Method::POST, "/forms").json(form()).send().await.expect(201);
        let id = made["id"].as_str().unwrap();
        assert!(made["url"].as_str().unwrap().ends_with(&format!("/f/{id}")));
        let path = format!("/forms/{id}/{{bot}}/submissions");
        let sent = json!({ "email": "lead@example.com", "topic": "sales", "name": "Lee", "message": "Call\nme" });
        let first = world.post(&path, sent).await.expect(201);
        let contact = first["data"]["contactId"].as_str().unwrap();
        let read = world.open(Method::GET, &format!("/contacts/mantisid/{contact}/{{bot}}")).send().await.expect(200);
        assert_eq!((&read["data"]["firstName"], &read["data"]["source"]), (&json!("Lee"), &json!("FORM")));

        // Somebody who is known is completed, and loses nothing.
        world.server.app.clock.advance(chrono::TimeDelta::seconds(1));
        let again = json!({ "email": "LEAD@example.com", "topic": "Support" });
        let again = world.post(&path, again).await.expect(201);
        assert_eq!(again["data"]["contactId"], contact);
        let read = world.open(Method::GET, &format!("/contacts/mantisid/{contact}/{{bot}}")).send().await.expect(200);
        assert_eq!(read["data"]["firstName"], "Lee");

        let bad = json!({ "topic": "Pigeons", "shoe": 1, "message": 7 });
        let expected =
            [("email", "any.required"), ("topic", "any.only"), ("message", "string.base"), ("shoe", "object.unknown")];
        assert_eq!(wrong(world.post(&path, bad).await), expected.map(|(f, r)| (f.to_owned(), r.to_owned())));

        let list = world.inside(Method::GET, &format!("/forms/{id}/submissions")).send().await.expect(200);
        assert_eq!((&list["total"], &list["submissions"][1]["answers"]["message"]), (&json!(2), &json!("Call\nme")));
        let table = world.inside(Method::GET, &format!("/forms/{id}/submissions?format=csv")).send().await;
        assert!(table.text.starts_with("submission_id,created_at,contact_id,email,name,topic,message\n"), "{}", table.text);
        assert!(table.text.contains(",LEAD@example.com,,Support,\n"), "{}", table.text);
        world.inside(Method::DELETE, &format!("/forms/{id}")).send().await.expect(204);
        world.post(&path, json!({})).await.expect(404);
        world.server.stop().await;
    }

    async fn a_form_that_cannot_work_is_refused(database: Database) {
        let world = World::new(database).await;
        let field = |change: Value| {
            let mut field = json!({ "name": "email", "type": "email", "required": true, "maps_to": "primaryEmail" });
            field.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            json!({ "name": "F", "fields": [field] })
        };
        for (form, wrong) in [
            (json!({ "name": "F", "fields": [] }), "fields"),
            (field(json!({ "maps_to": "shoe" })), "fields[0].maps_to"),
            (field(json!({ "type": "text" })), "fields[0].maps_to"),
            (field(json!({ "required": false })), "fields"),
            (field(json!({ "maps_to": "firstName" })), "fields"),
            (field(json!({ "name": "a b" })), "fields[0].name"),
            (field(json!({ "type": "shoe" })), "fields[0].type"),
        ] {
            let refused = world.inside(Method::POST, "/forms").json(form.clone()).send().await;
            assert_eq!(refused.refused(400).1.as_deref(), Some(wrong), "{form}");
        }
        world.server.stop().await;
    }

    async fn the_public_page_takes_people_and_no_machines(database: Database) {
        let world = World::new(database).await;
        let mut form = form();
        form["fields"][1]["label"] = json!("<b>Name</b>");
        let made = world.inside(Method::POST, "/forms").json(form).send().await.expect(201);
        let id = made["id"].as_str().unwrap();
        let path = format!("/f/{id}");
        let sent = async || world.inside(Method::GET, &format!("/forms/{id}/submissions")).send().await.expect(200);
        let send = async |fields: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            world.server.post(&path).body("application/x-www-form-urlencoded", body).send().await
        };
        let page = world.server.get(&path).header("referer", "https://shop.example.com/help").send().await;
        assert_eq!(page.status, 200);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
        assert!(!page.text.contains("<b>Name") && page.text.contains("Name"), "{}", page.text);
        let hidden = |name: &str| {
            let start = format!("name=\"{name}\" value=\"");
            page.text.split(&start).nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        let (stamp, from) = (hidden("_stamp"), hidden("_page"));
        let filled = [("email", "lead@example.com"), ("topic", "Sales"), ("name", ""), ("_stamp", &stamp), ("_page", &from)];

        let hasty = send(&filled).await;
        assert_eq!(hasty.status, 400);
        assert!(hasty.text.contains("too quickly") && hasty.text.contains("lead@example.com"), "nothing typed is lost");
        world.server.app.clock.advance(chrono::TimeDelta::seconds(3));
        assert_eq!(send(&filled[..3]).await.status, 400, "without the stamp");
        let trapped = send(&[&filled[..], &[("company_website_url", "https://spam.test")]].concat()).await;
        assert!(trapped.text.contains("We will call."));
        assert_eq!(sent().await["total"], 0);

        let wrong = send(&[("email", "nobody"), ("topic", "Sales"), ("_stamp", &stamp)]).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.text.contains("aria-invalid") && wrong.text.contains("must be a mail address"), "{}", wrong.text);

        let thanked = send(&filled).await;
        assert!(thanked.status == 200 && thanked.text.contains("We will call."), "{}", thanked.text);
        let kept = sent().await;
        assert_eq!((&kept["total"], &kept["submissions"][0]["page_url"]), (&json!(1), &json!("https://shop.example.com/help")));
        assert!(kept["submissions"][0]["contact_id"].is_string());

        for _ in 0..10 {
            send(&filled).await;
        }
        assert_eq!(send(&filled).await.status, 429);
        world.server.app.clock.advance(chrono::TimeDelta::hours(25));
        assert!(send(&filled).await.text.contains("older than a day"));
        assert_eq!(world.server.get("/f/form_nothing").send().await.status, 404);
        assert!(made["embed_code"].as_str().unwrap().contains(&format!("/form.js\" data-form-id=\"{id}\"")));
        assert_eq!(world.server.get("/form.js").send().await.headers["content-type"], "text/javascript; charset=utf-8");
        world.server.stop().await;
    }
}
