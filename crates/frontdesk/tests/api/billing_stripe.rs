//! Payments by Stripe, against a stand-in that takes nothing which Stripe's reference does not describe.

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{
    Database, Server, Stripe, on_both,
    stripe::{Outcome, Taken},
};

use super::{
    PROGRAM,
    billing::{Company, text},
};

struct Shop {
    company: Company,
    stripe: Stripe,
}

async fn shop(database: Database) -> Shop {
    let stripe = Stripe::start().await;
    let config = stripe.config();
    let server = Server::start_with(database, PROGRAM, |c| {
        c.stripe = Some(config);
        c.default_plan = platform::billing::Plan::Free;
        c.tariff =
            platform::billing::Tariff::read("[seller]\ntax_rate = 25\n[plans.FREE]\nrequests_per_minute = 0")
                .unwrap();
    });
    Shop { company: Company::new(server.await).await, stripe }
}

impl Shop {
    /// What Stripe calls the company; made a customer by its first call.
    async fn customer(&self) -> String {
        let setup = self.company.call(Method::POST, "billing/payment-methods", json!({})).await.expect(201);
        assert!(text(&setup["setup"]["url"]).starts_with("https://checkout.stripe.com/"));
        let taken = self.stripe.taken();
        let session = taken.iter().rfind(|call| call.path == "/v1/checkout/sessions").unwrap();
        session.form["customer"].clone()
    }

    async fn tell(&self, id: &str, kind: &str, object: &Value) {
        self.stripe.tell(&self.company.server, id, kind, object).await.expect(200);
    }

    /// A card that the customer has set up; its ids here and there.
    async fn card(&self, customer: &str) -> (String, String) {
        let there = self.stripe.card(customer);
        let card = json!({ "brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030 });
        let object = json!({ "id": there, "object": "payment_method", "customer": customer, "type": "card", "card": card });
        let known =
            self.company.get("billing/payment-methods").await["payment_methods"].as_array().unwrap().clone();
        self.tell(&format!("evt_{there}"), "payment_method.attached", &object).await;
        let methods = self.company.get("billing/payment-methods").await;
        let is_new = |method: &&Value| known.iter().all(|one| one["id"] != method["id"]);
        let here = methods["payment_methods"].as_array().unwrap().iter().find(is_new).unwrap().clone();
        assert_eq!(here["last4"], "4242");
        (text(&here["id"]), there)
    }

    fn last(&self) -> Taken {
        self.stripe.taken().pop().unwrap()
    }

    async fn end(self) {
        assert_eq!(self.stripe.refused(), [""; 0], "Stripe would not have taken this");
        self.company.sound().await;
        self.company.server.stop().await;
    }

    async fn top_up(&self, amount: i64, method: Option<&str>, key: &str) -> testkit::Answer {
        let call = self.company.server.post("/api/v1/billing/credits/topup").bearer(&self.company.token);
        call.header("idempotency-key", key)
            .json(json!({ "amount": amount, "payment_method_id": method }))
            .send()
            .await
    }
}

on_both! {
    async fn a_card_is_set_up_charged_and_removed(database: Database) {
        let shop = shop(database).await;
        assert_eq!(shop.company.get("billing/payment-methods").await["payment_methods"], json!([]));
        let customer = shop.customer().await;
        let secret = shop.company.call(Method::POST, "billing/payment-methods", json!({ "by": "script" })).await.expect(201);
        assert!(text(&secret["setup"]["client_secret"]).starts_with("seti_"));
        let customers = shop.stripe.taken().iter().filter(|call| call.path == "/v1/customers").count();
        assert_eq!(customers, 1, "one customer, whatever is asked");
        let (card, there) = shop.card(&customer).await;
        assert!(card.starts_with("pm_") && card != there);
        assert_eq!(shop.company.get("billing/payment-methods").await["payment_methods"][0]["is_default"], true);

        let bought = shop.top_up(1_000, Some(&card), "order 1").await.expect(200);
        assert_eq!((&bought["status"], &bought["credits"], &bought["amount"]), (&json!("settled"), &json!(1_200), &json!(12.5)));
        let charge = shop.last();
        assert_eq!(charge.path, "/v1/payment_intents");
        assert_eq!((&*charge.form["amount"], &*charge.form["currency"], &*charge.form["payment_method"]), ("1250", "usd", &*there));
        assert_eq!(charge.form["metadata[transaction_id]"], text(&bought["transaction_id"]));
        // Stripe's own word on it comes later, and again, and books nothing more; nor does the order sent again.
        let intent = json!({ "id": "pi_1", "amount_received": 1_250, "currency": "usd", "metadata": { "transaction_id": bought["transaction_id"] } });
        for event in ["evt_a", "evt_a", "evt_b"] {
            shop.tell(event, "payment_intent.succeeded", &intent).await;
        }
        shop.top_up(1_000, Some(&card), "order 1").await.expect(200);
        assert_eq!(shop.company.credits().await, 1_200.0);
        assert_eq!(shop.company.get("billing/invoices").await["total"], 1);

        // A card that is declined costs nothing and brings nothing.
        shop.stripe.next(Outcome::Declined);
        let declined = shop.top_up(100, Some(&card), "order 2").await;
        assert!(text(&declined.json["message"]).contains("insufficient funds"), "{}", declined.text);
        assert_eq!(declined.refused(402).0, "PAYMENT_FAILED");
        // A busy Stripe is asked again, under the same name.
        shop.stripe.next(Outcome::Busy);
        assert_eq!(shop.top_up(100, Some(&card), "order 3").await.expect(200)["credits"], 1_300);
        // Stripe takes no amount that is too small, and says so in its way; people are told in ours.
        let (code, field) = shop.top_up(10, Some(&card), "order 6").await.refused(400);
        assert_eq!((&*code, field.as_deref()), ("INVALID_REQUEST", Some("amount")));
        // What takes its time is booked when it is there, and only if it is what was asked for.
        shop.stripe.next(Outcome::Processing);
        let slow = shop.top_up(100, Some(&card), "order 4").await.expect(200);
        assert_eq!((&slow["status"], &slow["credits"]), (&json!("pending"), &json!(1_300)));
        let paid = |amount: i64| json!({ "id": "pi_2", "amount_received": amount, "currency": "usd", "metadata": { "transaction_id": slow["transaction_id"] } });
        shop.tell("evt_c", "payment_intent.succeeded", &paid(1)).await;
        assert_eq!(shop.company.credits().await, 1_300.0);
        shop.tell("evt_d", "payment_intent.succeeded", &paid(125)).await;
        assert_eq!(shop.company.credits().await, 1_400.0);

        let (other, there) = shop.card(&customer).await;
        shop.company.call(Method::POST, &format!("billing/payment-methods/{other}/default"), json!({})).await.expect(200);
        assert_eq!(shop.last().form["invoice_settings[default_payment_method]"], there);
        // Without a method the default one is charged.
        shop.top_up(100, None, "order 5").await.expect(200);
        assert_eq!(shop.last().form["payment_method"], there);
        shop.company.call(Method::DELETE, &format!("billing/payment-methods/{other}"), json!({})).await.expect(200);
        assert_eq!(shop.last().path, format!("/v1/payment_methods/{there}/detach"));
        assert_eq!(shop.company.get("billing/payment-methods").await["payment_methods"].as_array().unwrap().len(), 1);
        shop.end().await;
    }

    async fn credits_are_paid_on_stripes_page(database: Database) {
        let shop = shop(database).await;
        let begun = shop.top_up(1_000, None, "order 1").await.expect(200);
        assert_eq!((&begun["status"], &begun["credits"]), (&json!("pending"), &json!(200)));
        assert!(text(&begun["checkout_url"]).starts_with("https://checkout.stripe.com/"));
        let session = shop.last();
        assert_eq!(session.form["line_items[0][price_data][unit_amount]"], "1250");
        // The same order leads to the same page.
        assert_eq!(shop.top_up(1_000, None, "order 1").await.expect(200)["checkout_url"], begun["checkout_url"]);
        let paid = json!({ "id": "cs_1", "mode": "payment", "payment_status": "paid", "amount_total": 1_250, "currency": "usd",
            "payment_intent": "pi_1", "metadata": { "transaction_id": begun["transaction_id"] } });
        let unpaid = json!({ "id": "cs_1", "payment_status": "unpaid", "metadata": { "transaction_id": begun["transaction_id"] } });
        // A first try that fails, and a page that is left and paid later.
        shop.tell("evt_1", "payment_intent.payment_failed", &unpaid).await;
        shop.tell("evt_2", "checkout.session.completed", &unpaid).await;
        assert_eq!(shop.company.credits().await, 200.0);
        let events = (0..10).map(|n| {
            let (stripe, server, paid) = (&shop.stripe, &shop.company.server, &paid);
            async move { stripe.tell(server, &format!("evt_3{}", n % 2), "checkout.session.completed", paid).await.expect(200) }
        });
        join_all(events).await;
        assert_eq!(shop.company.credits().await, 1_200.0, "one payment, whatever number of events");
        assert_eq!(shop.company.get("billing/invoices").await["total"], 1);
        // What is nobody's is passed over.
        shop.tell("evt_4", "checkout.session.completed", &json!({ "id": "cs_2", "payment_status": "paid", "metadata": {} })).await;
        shop.tell("evt_5", "customer.created", &json!({ "id": "cus_9" })).await;
        shop.end().await;
    }

    async fn a_subscription_is_stripes_to_keep(database: Database) {
        let shop = shop(database).await;
        let begun = shop.company.call(Method::PUT, "billing/subscription", json!({ "plan": "starter" })).await.expect(200);
        assert!(text(&begun["checkout_url"]).starts_with("https://checkout.stripe.com/"));
        assert_eq!(begun["subscription"]["plan"], "free", "it is not paid yet");
        let session = shop.last();
        assert_eq!((&*session.form["mode"], &*session.form["line_items[0][price]"]), ("subscription", "price_starter"));
        shop.company.call(Method::PUT, "billing/subscription", json!({ "plan": "enterprise" })).await.refused(400);

        let customer = session.form["customer"].clone();
        let now = shop.company.server.app.clock.now().timestamp();
        let made = shop.stripe.subscribe(&customer, "price_starter");
        let tell = |at: i64, id: &'static str, kind: &'static str, object: Value| {
            let (stripe, server) = (&shop.stripe, &shop.company.server);
            async move { stripe.tell_at(server, at, (id, kind, &object)).await.expect(200) }
        };
        tell(now, "evt_1", "customer.subscription.created", made.clone()).await;
        let subscription = shop.company.get("billing/subscription").await["subscription"].clone();
        assert_eq!((&subscription["plan"], &subscription["credits_remaining"]), (&json!("starter"), &json!(4_000)));
        // An older event that comes late changes nothing.
        let older = json!({ "id": made["id"], "customer": customer, "status": "incomplete", "items": made["items"] });
        tell(now - 5, "evt_0", "customer.subscription.updated", older).await;
        assert_eq!(shop.company.get("billing/subscription").await["subscription"]["plan"], "starter");

        let bill = json!({ "id": "in_1", "customer": customer, "billing_reason": "subscription_create", "total": 3_625, "tax": 725, "currency": "usd",
            "lines": { "data": [{ "description": "1 × Starter", "quantity": 1, "amount": 2_900 }] } });
        tell(now, "evt_2", "invoice.paid", bill.clone()).await;
        tell(now, "evt_3", "invoice.paid", bill).await;
        let invoices = shop.company.get("billing/invoices").await;
        assert_eq!((&invoices["total"], &invoices["invoices"][0]["amount"], &invoices["invoices"][0]["tax_rate"]), (&json!(1), &json!(36.25), &json!(25.0)));

        // More is had at once, and Stripe bills the rest of the period.
        let more = shop.company.call(Method::PUT, "billing/subscription", json!({ "plan": "professional" })).await.expect(200);
        assert_eq!(more["subscription"]["plan"], "professional");
        let call = shop.last();
        assert_eq!((&*call.form["proration_behavior"], &*call.form["items[0][price]"]), ("always_invoice", "price_professional"));
        assert!(more["subscription"]["credits_remaining"].as_f64().unwrap() > 19_000.0);
        let less = shop.company.call(Method::PUT, "billing/subscription", json!({ "plan": "starter" })).await.expect(200);
        assert_eq!(less["subscription"]["plan"], "starter");
        // Up and down again brings no more than the larger plan has.
        for plan in ["professional", "starter", "professional", "starter"] {
            shop.company.call(Method::PUT, "billing/subscription", json!({ "plan": plan })).await.expect(200);
        }
        let had = shop.company.get("billing/subscription").await["subscription"]["credits_remaining"].as_f64().unwrap();
        assert!(had <= 20_000.0, "{had}");
        assert_eq!(shop.last().form["proration_behavior"], "create_prorations");
        let cancelled = shop.company.call(Method::DELETE, "billing/subscription", json!({})).await.expect(200);
        assert_eq!((&cancelled["subscription"]["plan"], &cancelled["subscription"]["cancel_at_period_end"]), (&json!("starter"), &json!(true)));

        // A bill that is not paid is told to the owner; the next period and the end come from Stripe alone.
        tell(now + 1, "evt_4", "invoice.payment_failed", json!({ "id": "in_2", "customer": customer })).await;
        shop.company.server.quiet().await;
        let told = shop.company.server.mails("owner@example.com");
        assert!(told.iter().any(|mail| mail.contains("A payment for My Company did not work")), "{told:?}");
        let late = json!({ "id": made["id"], "customer": customer, "status": "past_due", "items": made["items"],
            "current_period_start": 1_792_592_000, "current_period_end": 1_795_270_400 });
        tell(now + 2, "evt_5", "customer.subscription.updated", late).await;
        let subscription = shop.company.get("billing/subscription").await["subscription"].clone();
        assert_eq!((&subscription["status"], &subscription["credits_remaining"]), (&json!("past_due"), &json!(4_000)));
        let gone = json!({ "id": made["id"], "customer": customer, "status": "canceled", "items": made["items"] });
        tell(now + 3, "evt_6", "customer.subscription.deleted", gone).await;
        let subscription = shop.company.get("billing/subscription").await["subscription"].clone();
        assert_eq!((&subscription["plan"], &subscription["status"], &subscription["credits_remaining"]), (&json!("free"), &json!("active"), &json!(200)));
        shop.end().await;
    }
}

#[tokio::test]
async fn events_that_stripe_did_not_sign_are_refused() {
    let shop = shop(Database::Sqlite).await;
    let post = |signature: &'static str| {
        let call =
            shop.company.server.post("/api/v1/billing/stripe/events").header("stripe-signature", signature);
        call.body("application/json", "{}").send()
    };
    for wrong in ["", "t=1790000000", "t=1790000000,v1=00", "t=1,v1=00"] {
        assert_eq!(post(wrong).await.refused(400).0, "INVALID_SIGNATURE");
    }
    // One that is kept by a stranger is worthless after five minutes.
    shop.company.server.app.clock.advance(TimeDelta::minutes(6));
    shop.tell("evt_1", "customer.created", &json!({})).await;
    shop.end().await;
    let server = super::start(Database::Sqlite).await;
    let call = server.post("/api/v1/billing/stripe/events").header("stripe-signature", "t=1,v1=00");
    call.body("application/json", "{}").send().await.refused(404);
    server.stop().await;
}
