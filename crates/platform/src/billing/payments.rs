//! Who takes the money: one trait, the `manual` provider of who runs Frontdesk for themselves, and Stripe.

use futures_util::future::BoxFuture;

use super::{
    Plan,
    manual::Manual,
    methods::PaymentMethod,
    store,
    stripe::Stripe,
    subscription::{self, Subscription},
    topup::Purchase,
};
use crate::{App, Config, Result, Tenant};

/// What came of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// The money is there.
    Settled {
        /// What the provider calls it.
        id: String,
    },
    /// It is not there yet; the provider will tell.
    Pending {
        /// What the provider calls it.
        id: String,
        /// Where a person must go to pay.
        url: Option<String>,
    },
}

/// How a way to pay is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUp {
    /// On a page of the provider's.
    Page(String),
    /// With the provider's script, by this secret.
    Secret(String),
}

/// What came of a change of plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is made, and is for Frontdesk to write down.
    Made,
    /// It is made at the provider, whose subscription this is now.
    Kept(Box<Kept>),
    /// A person must pay first, here.
    Pay(String),
}

/// A subscription as its provider keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What the provider calls it.
    pub id: String,
    /// What it calls its one item.
    pub item: Option<String>,
    /// What is paid for; none when the price is none of ours.
    pub plan: Option<Plan>,
    /// active, past_due; `canceled` when it is over.
    pub status: String,
    /// Whether it ends with the period.
    pub cancelled: bool,
    /// The period that is paid, in seconds since the epoch.
    pub period: Option<(i64, i64)>,
}

/// Who takes the money.
pub(crate) trait Provider: Send + Sync {
    /// What it is called in the tables.
    fn name(&self) -> &'static str;

    /// A way to pay that everybody has.
    fn built_in(&self) -> Option<PaymentMethod>;

    /// Makes somebody a customer; gives what the provider calls them. None when it needs no customers.
    fn customer<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        who: (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<Option<String>>>;

    /// Takes the money for a purchase; without a method a person pays on a page.
    fn pay<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        purchase: (&'a Purchase, Option<&'a PaymentMethod>),
    ) -> BoxFuture<'a, Result<Payment>>;

    /// Begins to set up a way to pay.
    fn set_up<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        page: bool,
    ) -> BoxFuture<'a, Result<SetUp>>;

    /// Makes a way to pay the customer's default.
    fn make_default<'a>(
        &'a self,
        app: &'a App,
        customer: &'a str,
        method: &'a PaymentMethod,
    ) -> BoxFuture<'a, Result<()>>;

    /// Forgets a way to pay.
    fn remove<'a>(&'a self, app: &'a App, method: &'a PaymentMethod) -> BoxFuture<'a, Result<()>>;

    /// Puts a subscription on another plan, or has it end with its period when the plan is the free one.
    fn change<'a>(
        &'a self,
        app: &'a App,
        tenant: &'a Tenant,
        customer: &'a str,
        change: (&'a Subscription, Plan),
    ) -> BoxFuture<'a, Result<Changed>>;
}

/// The provider that a configuration names.
pub(crate) fn provider(config: &Config) -> Box<dyn Provider> {
    match &config.stripe {
        Some(stripe) => Box::new(Stripe::new(stripe.clone())),
        None => Box::new(Manual),
    }
}

/// What the provider calls the workspace; made a customer when it is none. Empty for a provider without customers.
pub(super) async fn customer(app: &App, tenant: &Tenant) -> Result<String> {
    let known = subscription::overview(app, tenant).await?.subscription.customer;
    if let Some(known) = known {
        return Ok(known);
    }
    let owner = store::owner(&mut app.db.read().await?, tenant).await?;
    let (email, name) = owner.unwrap_or_default();
    let Some(made) = app.payments.customer(app, tenant, (&email, &name)).await? else {
        return Ok(String::new());
    };
    let mut db = app.db.write().await?;
    let mut subscription = subscription::held(app, &mut db, tenant).await?;
    // The provider gives the same customer to two who ask at once.
    subscription.customer = Some(made.clone());
    store::update_subscription(&mut db, tenant, &subscription, app.clock.now()).await?;
    db.commit().await?;
    Ok(made)
}
