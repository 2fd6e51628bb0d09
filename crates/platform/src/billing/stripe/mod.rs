//! Stripe: cards, pages to pay on, and subscriptions, as its documentation has them. It was tried against a stand-in
//! that checks every parameter, never against Stripe itself.
//!
//! Every call carries a name, so that sending it again does nothing more. What Stripe tells by its events is taken once;
//! see [`events`].

mod client;
mod events;
mod signature;

use std::collections::HashMap;

use futures_util::future::{BoxFuture, FutureExt};
use models::Secret;
use serde_json::Value;

use client::{Form, post};
pub use events::receive;

use super::{
    Plan,
    methods::PaymentMethod,
    payments::{Changed, Kept, Payment, Provider, SetUp},
    subscription::Subscription,
    topup::{self, Purchase},
};
use crate::{App, Error, Result, Tenant};

/// How Stripe is reached, and what it sells.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// The address of its API, without a slash at the end.
    pub base_url: String,
    /// The secret key.
    pub secret_key: Secret,
    /// The secret of the endpoint that events are sent to.
    pub webhook_secret: Secret,
    /// Its prices of the plans.
    pub prices: HashMap<Plan, String>,
}

/// Stripe as a provider.
pub(super) struct Stripe(StripeConfig);

impl Stripe {
    pub(super) fn new(config: StripeConfig) -> Self {
        Self(config)
    }

    async fn call(&self, app: &App, path: &str, form: Form, name: &str) -> Result<Value> {
        let account = (self.0.base_url.as_str(), &self.0.secret_key);
        post(app, account, path, &form, name).await
    }
}

/// A page of the console, to come back to.
fn billing_page(app: &App, tenant: &Tenant, done: &str) -> String {
    let base = app.config.public_url.as_str().trim_end_matches('/');
    format!("{base}/console/{}/billing?done={done}", tenant.id())
}

/// A name for a call that nobody repeats but the client itself.
fn fresh(app: &App, what: &str) -> String {
    format!("frontdesk-{what}-{}", app.entropy.token())
}

fn text(value: &Value, name: &str) -> Result<String> {
    let found = value[name].as_str().map(str::to_owned);
    found.ok_or_else(|| {
        tracing::error!(name, "an answer of Stripe's lacks a field");
        Error::upstream("The payment provider's answer was not understood.")
    })
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn built_in(&self) -> Option<PaymentMethod> {
        None
    }

    fn customer<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        (email, name): (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<Option<String>>> {
        async move {
            let form = Form::default()
                .with("email", email)
                .with("name", name)
                .with("metadata[workspace_id]", tenant.id().as_str());
            let made =
                self.call(app, "/v1/customers", form, &format!("frontdesk-customer-{}", tenant.id())).await?;
            Ok(Some(text(&made, "id")?))
        }
        .boxed()
    }

    fn pay<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        (purchase, method): (&'a Purchase, Option<&'a PaymentMethod>),
    ) -> BoxFuture<'a, Result<Payment>> {
        async move {
            match method {
                Some(method) => self.charge(app, tenant, customer, (purchase, method)).await,
                None => self.checkout(app, tenant, customer, purchase).await,
            }
        }
        .boxed()
    }

    fn set_up<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        page: bool,
    ) -> BoxFuture<'a, Result<SetUp>> {
        async move {
            if !page {
                let form = Form::default()
                    .with("customer", customer)
                    .with("usage", "off_session")
                    .with("payment_method_types[0]", "card")
                    .with("metadata[workspace_id]", tenant.id().as_str());
                let made = self.call(app, "/v1/setup_intents", form, &fresh(app, "setup")).await?;
                return Ok(SetUp::Secret(text(&made, "client_secret")?));
            }
            let form = Form::default()
                .with("mode", "setup")
                .with("customer", customer)
                .with("currency", app.config.tariff.currency.code().to_ascii_lowercase())
                .with("success_url", billing_page(app, tenant, "method"))
                .with("cancel_url", billing_page(app, tenant, ""))
                .with("metadata[workspace_id]", tenant.id().as_str());
            let made = self.call(app, "/v1/checkout/sessions", form, &fresh(app, "setup")).await?;
            Ok(SetUp::Page(text(&made, "url")?))
        }
        .boxed()
    }

    fn make_default<'a>(
        &'a self,
        app: &'a App,
        customer: &'a str,
        method: &'a PaymentMethod,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let form =
                Form::default().with("invoice_settings[default_payment_method]", method.provider_id.as_str());
            self.call(app, &format!("/v1/customers/{customer}"), form, &fresh(app, "default")).await.map(drop)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, app: &'a App, method: &'a PaymentMethod) -> BoxFuture<'a, Result<()>> {
        async move {
            let path = format!("/v1/payment_methods/{}/detach", method.provider_id);
            self.call(app, &path, Form::default(), &fresh(app, "detach")).await.map(drop)
        }
        .boxed()
    }

    fn change<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        (subscription, plan): (&'a Subscription, Plan),
    ) -> BoxFuture<'a, Result<Changed>> {
        async move {
            let known = subscription.provider_subscription.as_deref();
            match (known, plan) {
                // Nobody pays for what they have without Stripe, and nothing follows when that ends.
                (None, plan) if plan <= subscription.plan => Ok(Changed::Made),
                (None, plan) => self.subscribe(app, tenant, customer, plan).await,
                (Some(id), Plan::Free) => {
                    let form = Form::default().with("cancel_at_period_end", "true");
                    self.update(app, id, form).await
                }
                (Some(id), plan) => {
                    let item = subscription.provider_item.as_deref().unwrap_or_default();
                    let form = Form::default()
                        .with("items[0][id]", item)
                        .with("items[0][price]", self.price(plan)?)
                        .with("cancel_at_period_end", "false")
                        // More is billed at once, for the rest of the period; less is credited to the next bill.
                        .with(
                            "proration_behavior",
                            if plan > subscription.plan { "always_invoice" } else { "create_prorations" },
                        )
                        .with("payment_behavior", "error_if_incomplete");
                    self.update(app, id, form).await
                }
            }
        }
        .boxed()
    }
}

impl Stripe {
    /// Charges a saved card.
    async fn charge(
        &self,
        app: &App,
        tenant: &Tenant,
        customer: &str,
        (purchase, method): (&Purchase, &PaymentMethod),
    ) -> Result<Payment> {
        let form = Form::default()
            .with("amount", purchase.total.to_string())
            .with("currency", topup::currency(purchase)?.code().to_ascii_lowercase())
            .with("customer", customer)
            .with("payment_method", method.provider_id.as_str())
            .with("payment_method_types[0]", "card")
            .with("confirm", "true")
            .with("off_session", "true")
            .with("description", purchase.words())
            .with("metadata[transaction_id]", purchase.id.as_str())
            .with("metadata[workspace_id]", tenant.id().as_str());
        let made = self.call(app, "/v1/payment_intents", form, &format!("frontdesk-{}", purchase.id)).await?;
        let id = text(&made, "id")?;
        match made["status"].as_str() {
            Some("succeeded") => Ok(Payment::Settled { id }),
            Some("processing") => Ok(Payment::Pending { id, url: None }),
            _ => Err(Error::payment(
                "PAYMENT_FAILED",
                "The bank asks for more than this. Pay on the provider's page: leave payment_method_id out.",
            )),
        }
    }

    /// Has a person pay on Stripe's page.
    async fn checkout(
        &self,
        app: &App,
        tenant: &Tenant,
        customer: &str,
        purchase: &Purchase,
    ) -> Result<Payment> {
        let form = Form::default()
            .with("mode", "payment")
            .with("customer", customer)
            .with("line_items[0][quantity]", "1")
            .with(
                "line_items[0][price_data][currency]",
                topup::currency(purchase)?.code().to_ascii_lowercase(),
            )
            .with("line_items[0][price_data][unit_amount]", purchase.total.to_string())
            .with("line_items[0][price_data][product_data][name]", purchase.words())
            .with("success_url", billing_page(app, tenant, "paid"))
            .with("cancel_url", billing_page(app, tenant, ""))
            .with("metadata[transaction_id]", purchase.id.as_str())
            .with("payment_intent_data[metadata][transaction_id]", purchase.id.as_str());
        let made =
            self.call(app, "/v1/checkout/sessions", form, &format!("frontdesk-{}", purchase.id)).await?;
        Ok(Payment::Pending { id: text(&made, "id")?, url: Some(text(&made, "url")?) })
    }

    /// Has a person begin a subscription on Stripe's page.
    async fn subscribe(&self, app: &App, tenant: &Tenant, customer: &str, plan: Plan) -> Result<Changed> {
        let form = Form::default()
            .with("mode", "subscription")
            .with("customer", customer)
            .with("line_items[0][price]", self.price(plan)?)
            .with("line_items[0][quantity]", "1")
            .with("success_url", billing_page(app, tenant, "subscribed"))
            .with("cancel_url", billing_page(app, tenant, ""))
            .with("metadata[workspace_id]", tenant.id().as_str())
            .with("subscription_data[metadata][workspace_id]", tenant.id().as_str());
        let made = self.call(app, "/v1/checkout/sessions", form, &fresh(app, "subscribe")).await?;
        Ok(Changed::Pay(text(&made, "url")?))
    }

    async fn update(&self, app: &App, id: &str, form: Form) -> Result<Changed> {
        let changed =
            self.call(app, &format!("/v1/subscriptions/{id}"), form, &fresh(app, "subscription")).await?;
        Ok(Changed::Kept(Box::new(kept(&self.0, &changed)?)))
    }

    fn price(&self, plan: Plan) -> Result<String> {
        self.0.prices.get(&plan).cloned().ok_or_else(|| {
            Error::invalid("plan", format!("The plan {plan} is not sold here. Ask whoever runs this server."))
        })
    }
}

/// A subscription as Stripe tells of it.
fn kept(config: &StripeConfig, subscription: &Value) -> Result<Kept> {
    let item = &subscription["items"]["data"][0];
    let price = item["price"]["id"].as_str();
    let plan = config.prices.iter().find(|(_, id)| Some(id.as_str()) == price).map(|(plan, _)| *plan);
    // Later versions of the API have the period with the item.
    let moment = |name: &str| subscription[name].as_i64().or_else(|| item[name].as_i64());
    let status = match subscription["status"].as_str() {
        Some("active" | "trialing") => "active",
        Some("canceled" | "incomplete_expired") => "canceled",
        Some("incomplete") => "incomplete",
        _ => "past_due",
    };
    Ok(Kept {
        id: text(subscription, "id")?,
        item: item["id"].as_str().map(str::to_owned),
        plan,
        status: status.to_owned(),
        cancelled: subscription["cancel_at_period_end"].as_bool().unwrap_or_default(),
        period: moment("current_period_start").zip(moment("current_period_end")),
    })
}
