//! The page of the plan, credits, invoices and ways to pay: with sample data, and its forms on a real app.

use chrono::DateTime;
use http::{StatusCode, header::CONTENT_TYPE};
use platform::{
    Role,
    billing::{self, Balances, Buyer, Credits, Invoice, Level, Limit, PaymentMethod, Recorded, Tariff},
};

use super::{
    pages::page,
    samples::{HOSTILE, chrome, id, noon, paged, zone},
    site::{Site, location, text},
};
use crate::billing::BillingPage;

fn invoice() -> Invoice {
    Invoice {
        id: id("inv"),
        number: 7,
        label: HOSTILE.into(),
        status: "paid".into(),
        currency: "EUR".into(),
        lines: Vec::new(),
        net: 1_000,
        tax_rate: 2_500,
        tax: 250,
        total: 1_250,
        note: None,
        seller: Buyer::default(),
        buyer: Buyer::default(),
        reference: "txn_1".into(),
        created_at: noon(),
    }
}

fn card(last4: &str, is_default: bool) -> PaymentMethod {
    PaymentMethod {
        id: format!("pm_{last4}"),
        provider_id: "pm_x".into(),
        kind: "card".into(),
        brand: "visa".into(),
        last4: last4.into(),
        expires: Some("08/2030".into()),
        is_default,
        created_at: DateTime::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn the_page_shows_what_there_is_to_those_who_may_see_it() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    let home = browser.workspace().await;
    let caller = site.caller(&browser).await;
    let (tenant, _) = caller.enter(&home.rsplit('/').next().unwrap().parse().unwrap()).unwrap();
    let mut overview = billing::overview(&site.app, &tenant).await.unwrap();
    overview.balances = Balances {
        available: Credits::of_thousandths(11_250_500),
        spent: Credits::whole(3),
        ..Balances::default()
    };
    overview.subscription.next_plan = Some(billing::Plan::Free);
    let tariff = Tariff::default();
    let level = |limit, used, max| Level { limit, used, max };
    let moved = |kind: &str, amount| Recorded {
        id: id("txn"),
        kind: kind.into(),
        reference: HOSTILE.into(),
        amount: Credits::of_thousandths(amount),
        created_at: noon(),
    };
    let shown = |role, notice| {
        page(&BillingPage {
            chrome: chrome(role),
            zone: zone(),
            tariff: &tariff,
            overview: overview.clone(),
            levels: vec![
                level(Limit::Messages, 85, Some(100)),
                level(Limit::Agents, 2, Some(2)),
                level(Limit::Storage, 3 << 20, None),
            ],
            moved: paged(vec![moved("spend", -1_350), moved("topup", 1_000_000)]),
            invoices: vec![invoice()],
            methods: vec![card("4242", true), card("1881", false)],
            buyer: Buyer {
                name: HOSTILE.into(),
                address: vec!["Weg 1".into(), HOSTILE.into()],
                ..Buyer::default()
            },
            can_set_up: true,
            pay_at: Some("https://checkout.stripe.com/c/pay/x".into()),
            amount: HOSTILE,
            order: "order".into(),
            notice,
        })
    };
    let html = shown(Role::Owner, None);
    assert!(html.contains("85 of 100") && html.contains("Nearly full") && html.contains(">Full<"), "{html}");
    assert!(html.contains("3.0 MB, no limit") && html.matches("<meter").count() == 2);
    assert!(html.contains("<dd>11,250.5</dd>") && html.contains("-1.35") && html.contains("EUR 12.50"));
    assert!(html.contains("href=\"https://checkout.stripe.com/c/pay/x\""));
    assert!(
        html.contains("Visa •••• 4242")
            && html.contains("Make it the default")
            && html.contains("Add a card")
    );
    let about =
        crate::page::Notice { bad: true, text: "Amount is wrong.".into(), field: Some("amount".into()) };
    assert!(shown(Role::Owner, Some(about)).contains("aria-invalid=\"true\""));
    let html = shown(Role::Admin, None);
    assert!(html.contains("EUR 12.50") && !html.contains("Change the plan") && !html.contains("Add a card"));
    let html = shown(Role::Viewer, None);
    assert!(html.contains("85 of 100") && !html.contains("EUR 12.50") && !html.contains("4242"));
}

#[tokio::test]
async fn credits_are_bought_and_the_plan_is_changed() {
    let site = Site::open("http://localhost").await;
    let browser = site.browser().await;
    let home = browser.workspace().await;
    let at = |path: &str| format!("{home}/billing{path}");
    let html = text(browser.get(&at("")).await).await;
    assert!(html.contains("Free plan") && html.contains("<dd>200</dd>"), "{html}");
    assert!(html.contains("There is no invoice yet."));
    for wrong in ["0", "-5", "many", "1.5", "1e300", "9999999999"] {
        let refused = browser.post(&at("/credits"), &[("amount", wrong), ("method", "pm_123")]).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let html = text(refused).await;
        assert!(html.contains("Amount is a whole number of credits from 1 to 1000000."), "{html}");
        assert!(html.contains(&format!("value=\"{wrong}\"")));
    }
    let unknown = browser.post(&at("/credits"), &[("amount", "10"), ("method", "pm_9")]).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    let form = [("amount", "1,000"), ("method", "pm_123"), ("order", "once")];
    for _ in 0..2 {
        assert_eq!(location(&browser.post(&at("/credits"), &form).await), at("?done=bought"));
    }
    let html = text(browser.get(&at("?done=bought")).await).await;
    assert!(
        html.contains("<dd>1,200</dd>") && html.contains("USD 10.00"),
        "a second click buys nothing: {html}"
    );
    let pdf = html.split(&format!("href=\"{}", at("/invoices/"))).nth(1).unwrap().split('"').next().unwrap();
    let file = browser.get(&at(&format!("/invoices/{pdf}"))).await;
    assert_eq!(file.headers()[CONTENT_TYPE], "application/pdf");
    let missing = browser.get(&at("/invoices/inv_00000000000000000000000a")).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);

    assert_eq!(location(&browser.post(&at("/plan"), &[("plan", "STARTER")]).await), at("?done=plan"));
    let html = text(browser.get(&at("?done=plan")).await).await;
    assert!(html.contains("Starter plan") && html.contains("USD 29.00 a month"), "{html}");
    assert_eq!(browser.post(&at("/plan"), &[("plan", "GOLD")]).await.status(), StatusCode::BAD_REQUEST);
    let details =
        [("name", "Nordlys AS"), ("address", "Storgata 1\r\nOslo"), ("country", "NOR"), ("vat_id", "")];
    let html = text(browser.post(&at("/details"), &details).await).await;
    assert!(
        html.contains("Country is the two letters of one") && html.contains("value=\"Nordlys AS\""),
        "{html}"
    );
    let details =
        [("name", "Nordlys AS"), ("address", "Storgata 1\r\nOslo"), ("country", "no"), ("vat_id", "")];
    assert_eq!(location(&browser.post(&at("/details"), &details).await), at("?done=changed"));
    let html = text(browser.get(&at("")).await).await;
    assert!(html.contains("Storgata 1\nOslo") && html.contains("value=\"NO\""), "{html}");
    let refused = browser.post(&at("/methods"), &[]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused = browser.post(&at("/methods/pm_123/remove"), &[]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(location(&browser.post(&at("/methods/pm_123/default"), &[]).await), at("?done=changed"));
}
