//! The tables of billing.

mod invoices;
mod ledger;
mod methods;
mod purchases;
mod subscriptions;
mod usage;

pub(super) use invoices::*;
pub(super) use ledger::*;
pub(super) use methods::*;
pub(super) use purchases::*;
pub(super) use subscriptions::*;
pub(super) use usage::*;
