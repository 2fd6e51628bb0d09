//! The provider of who runs Frontdesk for themselves, or sends invoices and looks after payments by hand: everything
//! counts as paid at once.

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt, ready};

use super::{
    Plan,
    methods::PaymentMethod,
    payments::{Changed, Payment, Provider, SetUp},
    subscription::Subscription,
    topup::Purchase,
};
use crate::{App, Error, Result, Tenant};

/// The id of the one method: that of the document's example, so that what is written after it works as it stands.
const METHOD: &str = "pm_123";

/// Takes every payment as made.
pub(super) struct Manual;

impl Provider for Manual {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn built_in(&self) -> Option<PaymentMethod> {
        Some(PaymentMethod {
            id: METHOD.into(),
            provider_id: METHOD.into(),
            kind: "manual".into(),
            brand: "invoice".into(),
            last4: String::new(),
            expires: None,
            is_default: true,
            created_at: DateTime::UNIX_EPOCH,
        })
    }

    fn customer<'a>(
        &'a self,
        _: &'a App,
        _: &'a Tenant,
        _: (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<Option<String>>> {
        ready(Ok(None)).boxed()
    }

    fn pay<'a>(
        &'a self,
        _: &'a App,
        _: &'a Tenant,
        _: &'a str,
        (purchase, _): (&'a Purchase, Option<&'a PaymentMethod>),
    ) -> BoxFuture<'a, Result<Payment>> {
        ready(Ok(Payment::Settled { id: purchase.id.as_str().to_owned() })).boxed()
    }

    fn set_up<'a>(&'a self, _: &'a App, _: &'a Tenant, _: &'a str, _: bool) -> BoxFuture<'a, Result<SetUp>> {
        let message = "This server has one payment method, and everybody has it: there is none to set up.";
        ready(Err(Error::unprocessable(message))).boxed()
    }

    fn make_default<'a>(&'a self, _: &'a App, _: &'a str, _: &'a PaymentMethod) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn remove<'a>(&'a self, _: &'a App, _: &'a PaymentMethod) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn change<'a>(
        &'a self,
        _: &'a App,
        _: &'a Tenant,
        _: &'a str,
        _: (&'a Subscription, Plan),
    ) -> BoxFuture<'a, Result<Changed>> {
        ready(Ok(Changed::Made)).boxed()
    }
}
