//! A stand-in for Stripe that takes nothing which its reference does not describe: the headers, the form, each
//! parameter's name and what it holds, what must be there, and what goes together.

mod parameters;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use hmac::{Hmac, KeyInit, Mac};
use parameters::{CALLS, Call, Holds, METADATA};
use platform::{
    Secret,
    billing::{Plan, StripeConfig},
};
use serde_json::{Value, json};
use sha2::Sha256;
use url::form_urlencoded;

use crate::{Answer, Server};

/// The secret key that calls must carry.
const KEY: &str = "sk_test_stand_in";
/// What signs events.
const WEBHOOK_SECRET: &str = "whsec_stand_in";
/// The version that calls must name.
const VERSION: &str = "2024-06-20";
/// When the period of a new subscription begins and ends: a month from when the tests' clock begins.
const PERIOD: (i64, i64) = (1_790_000_000, 1_792_592_000);

/// A form as it was sent, by its parameters' names.
type Form = BTreeMap<String, String>;

/// What is refused: the status, and Stripe's words for it.
struct Refused(u16, Value);

/// A call that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its path.
    pub path: String,
    /// Its parameters.
    pub form: BTreeMap<String, String>,
}

#[derive(Default)]
struct Account {
    /// What was answered, by the name that the call had, with what it asked.
    answered: HashMap<String, (String, Form, Value)>,
    taken: Vec<Taken>,
    refused: Vec<String>,
    /// How many ids were given.
    ids: u64,
    /// Payment methods by their customer.
    methods: HashMap<String, String>,
    /// Subscriptions by their id.
    subscriptions: HashMap<String, Value>,
    /// What becomes of the next payment, if not success.
    next: Option<Outcome>,
}

/// What can become of a payment.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// The card is declined.
    Declined,
    /// The bank takes its time.
    Processing,
    /// Stripe is busy, once.
    Busy,
}

/// The stand-in.
#[derive(Clone)]
pub struct Stripe {
    base_url: String,
    account: Arc<Mutex<Account>>,
}

impl Stripe {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let router = Router::new().fallback(any(take)).with_state(account.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("a bound address"));
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, account }
    }

    /// How a server reaches it.
    pub fn config(&self) -> StripeConfig {
        StripeConfig {
            base_url: self.base_url.clone(),
            secret_key: Secret::new(KEY.into()),
            webhook_secret: Secret::new(WEBHOOK_SECRET.into()),
            prices: HashMap::from([
                (Plan::Starter, "price_starter".into()),
                (Plan::Professional, "price_professional".into()),
            ]),
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls that were taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.account().taken.clone()
    }

    /// Why calls were refused that should not have been sent so.
    pub fn refused(&self) -> Vec<String> {
        self.account().refused.clone()
    }

    /// What becomes of the next payment.
    pub fn next(&self, outcome: Outcome) {
        self.account().next = Some(outcome);
    }

    /// A customer has set up a card on Stripe's page; its id.
    pub fn card(&self, customer: &str) -> String {
        let mut account = self.account();
        let id = account.id("pm_");
        account.methods.insert(id.clone(), customer.to_owned());
        id
    }

    /// A customer has paid for a subscription on Stripe's page; what it is then.
    pub fn subscribe(&self, customer: &str, price: &str) -> Value {
        let mut account = self.account();
        let (id, item) = (account.id("sub_"), account.id("si_"));
        let subscription = json!({
            "id": id, "object": "subscription", "customer": customer, "status": "active",
            "cancel_at_period_end": false, "current_period_start": PERIOD.0, "current_period_end": PERIOD.1,
            "items": { "data": [{ "id": item, "price": { "id": price } }] },
        });
        account.subscriptions.insert(id, subscription.clone());
        subscription
    }

    /// Tells a server of something, as Stripe does.
    ///
    /// # Panics
    /// When the server is not there.
    pub async fn tell(&self, server: &Server, id: &str, kind: &str, object: &Value) -> Answer {
        let created = server.app.clock.now().timestamp();
        self.tell_at(server, created, (id, kind, object)).await
    }

    /// [`Stripe::tell`] of what happened at another time.
    ///
    /// # Panics
    /// When the server is not there.
    pub async fn tell_at(
        &self,
        server: &Server,
        created: i64,
        (id, kind, object): (&str, &str, &Value),
    ) -> Answer {
        let event = json!({ "id": id, "object": "event", "type": kind, "created": created, "data": { "object": object } });
        let body = event.to_string();
        let time = server.app.clock.now().timestamp();
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("any length will do");
        mac.update(format!("{time}.{body}").as_bytes());
        let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let call = server.post("/api/v1/billing/stripe/events");
        let call = call.header("stripe-signature", &format!("t={time},v1={digits}"));
        call.body("application/json", body).send().await
    }
}

impl Account {
    fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}{:08}", self.ids)
    }
}

async fn take(
    State(account): State<Arc<Mutex<Account>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    match answer(&mut account, uri.path(), &headers, &body) {
        Ok(value) => Json(value).into_response(),
        Err(Refused(status, error)) => {
            // A card's troubles and an amount's size are nothing that a well-made call could avoid.
            let unforeseen = error["type"] == "card_error" || error["code"] == "amount_too_small";
            if !unforeseen && status < 500 {
                account.refused.push(format!("{}: {error}", uri.path()));
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(json!({ "error": error }))).into_response()
        }
    }
}

fn wrong(code: &str, parameter: &str, message: String) -> Refused {
    Refused(
        400,
        json!({ "type": "invalid_request_error", "code": code, "param": parameter, "message": message }),
    )
}

fn answer(account: &mut Account, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Bearer {KEY}") {
        return Err(Refused(
            401,
            json!({ "type": "invalid_request_error", "message": "Invalid API Key provided" }),
        ));
    }
    if header("stripe-version") != VERSION {
        return Err(wrong("api_version", "", format!("the version is {:?}", header("stripe-version"))));
    }
    if header("content-type") != "application/x-www-form-urlencoded" {
        return Err(wrong("content_type", "", format!("the type is {:?}", header("content-type"))));
    }
    let name = header("idempotency-key").to_owned();
    if name.is_empty() || name.len() > 255 {
        return Err(wrong("idempotency_key", "", format!("the key is {name:?}")));
    }
    let form = read(body)?;
    let call = CALLS.iter().find(|call| fits(call.path, path));
    let call = call.ok_or_else(|| {
        Refused(404, json!({ "type": "invalid_request_error", "message": "Unrecognized request URL" }))
    })?;
    check(call, &form)?;
    if let Some((before, asked, answer)) = account.answered.get(&name) {
        if before == path && *asked == form {
            return Ok(answer.clone());
        }
        return Err(Refused(
            400,
            json!({ "type": "idempotency_error", "message": "Keys for idempotent requests can only be used with the same parameters" }),
        ));
    }
    let answer = act(account, call, path, &form)?;
    account.answered.insert(name, (path.to_owned(), form.clone(), answer.clone()));
    account.taken.push(Taken { path: path.to_owned(), form });
    Ok(answer)
}

fn read(body: &[u8]) -> Result<Form, Refused> {
    let mut form = Form::new();
    for (name, value) in form_urlencoded::parse(body) {
        if form.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(wrong("parameter_duplicate", &name, format!("{name} is there twice")));
        }
    }
    Ok(form)
}

/// Whether a path is that of a call.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(wanted, part)| wanted == part || (*wanted == "{}" && part.contains('_')))
}

/// The name of a parameter with `[n]` for each number.
fn general(name: &str) -> String {
    let parts = name.split('[').map(|part| match part.strip_suffix(']') {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => "n]",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("[")
}

fn check(call: &Call, form: &Form) -> Result<(), Refused> {
    for (name, value) in form {
        let general = general(name);
        let parents = ["metadata[", "payment_intent_data[metadata][", "subscription_data[metadata]["];
        let own = parents.iter().any(|parent| general.starts_with(parent));
        let holds = match call.parameters.iter().find(|(known, _)| *known == general) {
            Some((_, holds)) => *holds,
            None if own => METADATA,
            None => {
                return Err(wrong("parameter_unknown", name, format!("Received unknown parameter: {name}")));
            }
        };
        if !holds.this(value) {
            return Err(wrong("parameter_invalid", name, format!("{name} cannot be {value:?}")));
        }
    }
    let missing = call.required.iter().find(|name| !form.contains_key(**name));
    missing.map_or(Ok(()), |name| {
        Err(wrong("parameter_missing", name, format!("Missing required param: {name}.")))
    })
}

impl Holds {
    fn this(self, value: &str) -> bool {
        match self {
            Self::Text(most) => !value.is_empty() && value.chars().count() <= most,
            Self::Whole(least) => value.parse::<i64>().is_ok_and(|number| number >= least),
            Self::Flag => matches!(value, "true" | "false"),
            Self::Currency => value.len() == 3 && value.bytes().all(|b| b.is_ascii_lowercase()),
            Self::Address => value.starts_with("http://") || value.starts_with("https://"),
            Self::One(words) => words.contains(&value),
            Self::Id(prefix) => value.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()),
        }
    }
}

/// What goes together, and what comes of it.
fn act(account: &mut Account, call: &Call, path: &str, form: &Form) -> Result<Value, Refused> {
    let get = |name: &str| form.get(name).map(String::as_str);
    let named = path.split('/').nth(3).unwrap_or_default();
    match call.path {
        "/v1/customers" => {
            Ok(json!({ "id": account.id("cus_"), "object": "customer", "email": get("email") }))
        }
        "/v1/customers/{}" => {
            if let Some(method) = get("invoice_settings[default_payment_method]") {
                attached(account, method, named)?;
            }
            Ok(json!({ "id": named, "object": "customer" }))
        }
        "/v1/payment_methods/{}/detach" => match account.methods.remove(named) {
            Some(_) => Ok(json!({ "id": named, "object": "payment_method", "customer": null })),
            None => {
                Err(wrong("payment_method_unexpected_state", "", "it is not attached to a customer".into()))
            }
        },
        "/v1/setup_intents" => {
            let id = account.id("seti_");
            Ok(
                json!({ "id": id, "object": "setup_intent", "client_secret": format!("{id}_secret"), "status": "requires_payment_method" }),
            )
        }
        "/v1/payment_intents" => pay(account, form),
        "/v1/checkout/sessions" => session(account, form),
        _ => update(account, named, form),
    }
}

fn attached(account: &Account, method: &str, customer: &str) -> Result<(), Refused> {
    if account.methods.get(method).map(String::as_str) == Some(customer) {
        return Ok(());
    }
    Err(wrong("resource_missing", "payment_method", format!("{method} does not belong to {customer}")))
}

fn pay(account: &mut Account, form: &Form) -> Result<Value, Refused> {
    let get = |name: &str| form.get(name).map(String::as_str);
    if get("off_session").is_some() && get("confirm") != Some("true") {
        return Err(wrong("parameter_invalid", "off_session", "off_session is only for confirm=true".into()));
    }
    if get("confirm") == Some("true") {
        let (method, customer) =
            (get("payment_method").unwrap_or_default(), get("customer").unwrap_or_default());
        attached(account, method, customer)?;
    }
    // https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
    if get("amount").and_then(|amount| amount.parse().ok()).is_none_or(|amount: i64| amount < 50) {
        return Err(wrong("amount_too_small", "amount", "Amount must be at least $0.50 usd".into()));
    }
    let status = match account.next.take() {
        Some(Outcome::Declined) => {
            let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card has insufficient funds." });
            return Err(Refused(402, error));
        }
        Some(Outcome::Busy) => return Err(Refused(503, json!({ "type": "api_error", "message": "busy" }))),
        Some(Outcome::Processing) => "processing",
        None => "succeeded",
    };
    Ok(json!({ "id": account.id("pi_"), "object": "payment_intent", "status": status }))
}

fn session(account: &mut Account, form: &Form) -> Result<Value, Refused> {
    let has = |start: &str| form.keys().any(|name| name.starts_with(start));
    let get = |name: &str| form.get(name).map(String::as_str);
    let mode = get("mode").unwrap_or_default();
    let refuse = |parameter: &str, why: &str| Err(wrong("parameter_invalid", parameter, why.to_owned()));
    if (mode == "setup") == has("line_items") {
        return refuse("line_items", "line_items are for payment and subscription, and needed there");
    }
    if mode == "setup" && get("currency").is_none() {
        return refuse("currency", "setup needs a currency");
    }
    if has("payment_intent_data") && mode != "payment" {
        return refuse("payment_intent_data", "payment_intent_data is for payment");
    }
    if has("subscription_data") && mode != "subscription" {
        return refuse("subscription_data", "subscription_data is for subscription");
    }
    if has("line_items") {
        let price = get("line_items[0][price]").is_some();
        let data = has("line_items[0][price_data]");
        if price == data || get("line_items[0][quantity]").is_none() {
            return refuse("line_items", "a line has a quantity, and either price or price_data");
        }
        let whole = ["[currency]", "[unit_amount]", "[product_data][name]"];
        if data && !whole.iter().all(|part| get(&format!("line_items[0][price_data]{part}")).is_some()) {
            return refuse("line_items[0][price_data]", "price_data has currency, unit_amount and a product");
        }
        if mode == "subscription" && data {
            return refuse("line_items[0][price_data]", "a subscription needs a recurring price");
        }
    }
    if get("customer").is_some() && get("customer_email").is_some() {
        return refuse("customer_email", "either customer or customer_email");
    }
    let id = account.id("cs_test_");
    Ok(
        json!({ "id": id, "object": "checkout.session", "mode": mode, "status": "open", "payment_status": "unpaid", "url": format!("https://checkout.stripe.com/c/pay/{id}") }),
    )
}

fn update(account: &mut Account, id: &str, form: &Form) -> Result<Value, Refused> {
    let Some(subscription) = account.subscriptions.get_mut(id) else {
        return Err(Refused(
            404,
            json!({ "type": "invalid_request_error", "code": "resource_missing", "message": format!("No such subscription: {id}") }),
        ));
    };
    if let Some(price) = form.get("items[0][price]") {
        let item = subscription["items"]["data"][0]["id"].as_str();
        // Without the item's id Stripe would add a second one.
        if form.get("items[0][id]").map(String::as_str) != item {
            return Err(wrong("parameter_missing", "items[0][id]", "the item is another".into()));
        }
        subscription["items"]["data"][0]["price"]["id"] = json!(price);
    }
    if let Some(cancel) = form.get("cancel_at_period_end") {
        subscription["cancel_at_period_end"] = json!(cancel == "true");
    }
    Ok(subscription.clone())
}
