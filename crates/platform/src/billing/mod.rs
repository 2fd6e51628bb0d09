//! Billing: plans and what they allow, credits as a ledger, what runs cost, invoices, and who takes the money.
//!
//! Whoever does something that is limited or paid asks here first, in one direction: this domain asks no other. It
//! counts what is there by its own statements.

mod change;
mod invoice;
mod ledger;
mod limits;
mod manual;
mod methods;
mod money;
mod payments;
mod pdf;
mod plan;
mod purse;
mod store;
mod stripe;
mod subscription;
mod tariff;
#[cfg(test)]
mod tests;
mod topup;
mod usage;

pub use change::{PlanChange, change_plan};
pub use invoice::{Buyer, Invoice, Line, buyer, invoice, invoice_pdf, invoices, set_buyer};
pub use ledger::{Balances, Recorded, transactions};
pub(crate) use limits::{Contract, Counted, count_message, make_room};
pub use limits::{Meters, levels};
pub use methods::{
    PaymentMethod, payment_methods, remove_payment_method, set_default_payment_method, set_up_payment_method,
};
pub use money::{Credits, Currency, grouped};
pub use payments::SetUp;
pub(crate) use payments::{Provider, provider};
pub use plan::{Allowance, Limit, Plan};
pub use purse::Purses;
pub(crate) use purse::{Hold, hold};
pub use stripe::{StripeConfig, receive as receive_stripe_event};
pub(crate) use subscription::open;
pub use subscription::{Level, Overview, Subscription, overview};
pub use tariff::{EXTRACTIVE, Line as PriceLine, Operation, Price, Seller, Tariff};
pub use topup::{Purchase, TopUp, ToppedUp, top_up};
pub(crate) use usage::{Bill, charge};
pub use usage::{Charge, GroupBy, Range, Usage, Used, usage};

use chrono::TimeDelta;

use crate::{App, Result};

/// How long it is known which events of a provider were dealt with; Stripe sends one again for three days.
const EVENTS_KEPT: TimeDelta = TimeDelta::days(60);

/// Checks that the font that a tariff names for invoices is one.
///
/// # Errors
/// Invalid when it is not.
pub fn check_font(tariff: &Tariff) -> Result<()> {
    pdf::check_font(tariff.seller.font.as_deref())
        .map_err(|error| crate::Error::bad_request(format!("seller.font: {error}")))
}

/// What is done every minute: periods that have ended are followed by the next, and credits that no run has go back.
///
/// # Errors
/// What the database says.
pub async fn keep(app: &App) -> Result<()> {
    subscription::move_on(app).await?;
    purse::keep(app).await
}

/// Forgets the events of providers that do not come again.
///
/// # Errors
/// What the database says.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    let mut db = app.db.write().await?;
    store::delete_events_before(&mut db, app.clock.now() - EVENTS_KEPT).await?;
    Ok(db.commit().await?)
}

/// Gives back what this server holds, when it stops.
///
/// # Errors
/// What the database says.
pub(crate) async fn put_down(app: &App) -> Result<()> {
    purse::put_all_down(app).await
}
