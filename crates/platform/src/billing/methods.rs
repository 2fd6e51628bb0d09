//! What people pay by: the built-in method of the `manual` provider, or what a provider keeps for them.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{
    payments::{self, SetUp},
    store,
};
use crate::{
    Actor, App, Error, Result, Tenant,
    audit::{self, Event},
};

/// A way to pay.
#[derive(Clone, Debug, FromRow)]
pub struct PaymentMethod {
    /// Its id here.
    pub id: String,
    /// What the provider calls it.
    pub provider_id: String,
    /// card, or another type that the provider knows.
    pub kind: String,
    /// The card's brand.
    pub brand: String,
    /// The last digits of the card or account.
    pub last4: String,
    /// Month and year in which a card ends: `12/2030`.
    pub expires: Option<String>,
    /// Whether it is what is paid by when nothing else is said.
    pub is_default: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The ways to pay of a workspace.
///
/// # Errors
/// What the database says.
pub async fn payment_methods(app: &App, tenant: &Tenant) -> Result<Vec<PaymentMethod>> {
    let mut all: Vec<PaymentMethod> = app.payments.built_in().into_iter().collect();
    let own = store::payment_methods(&mut app.db.read().await?, tenant).await?;
    if own.iter().any(|method| method.is_default) {
        all.iter_mut().for_each(|method| method.is_default = false);
    }
    all.extend(own);
    Ok(all)
}

/// A way to pay by its id; the default one when none is named.
pub(super) async fn find(app: &App, tenant: &Tenant, id: Option<&str>) -> Result<Option<PaymentMethod>> {
    let all = payment_methods(app, tenant).await?;
    Ok(all.into_iter().find(|method| match id {
        Some(id) => method.id == id,
        None => method.is_default,
    }))
}

async fn own(app: &App, tenant: &Tenant, id: &str) -> Result<PaymentMethod> {
    let found = find(app, tenant, Some(id)).await?;
    found.ok_or_else(|| Error::not_found("There is no such payment method."))
}

/// Begins the setting up of another way to pay, on the provider's page or with its script.
///
/// # Errors
/// Unprocessable when the provider has none to set up; upstream when it does not answer.
pub async fn set_up_payment_method(app: &App, tenant: &Tenant, by: &Actor, page: bool) -> Result<SetUp> {
    let customer = payments::customer(app, tenant).await?;
    let set_up = app.payments.set_up(app, tenant, &customer, page).await?;
    let mut db = app.db.write().await?;
    let event = Event::new("payment_method.begun", tenant.id().as_str());
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(set_up)
}

/// Makes a way to pay the one that is taken when nothing else is said.
///
/// # Errors
/// Not found; upstream when the provider does not answer.
pub async fn set_default_payment_method(app: &App, tenant: &Tenant, by: &Actor, id: &str) -> Result<()> {
    let method = own(app, tenant, id).await?;
    let customer = payments::customer(app, tenant).await?;
    app.payments.make_default(app, &customer, &method).await?;
    let mut db = app.db.write().await?;
    store::set_default_method(&mut db, tenant, id).await?;
    record(app, &mut db, tenant, by, "payment_method.made_default", &method).await?;
    Ok(db.commit().await?)
}

/// Removes a way to pay.
///
/// # Errors
/// Not found; unprocessable when it is the provider's own; upstream when the provider does not answer.
pub async fn remove_payment_method(app: &App, tenant: &Tenant, by: &Actor, id: &str) -> Result<()> {
    let method = own(app, tenant, id).await?;
    if app.payments.built_in().is_some_and(|built_in| built_in.id == method.id) {
        let message = "This is the one payment method that the server has; it cannot be removed.";
        return Err(Error::unprocessable(message));
    }
    app.payments.remove(app, &method).await?;
    let mut db = app.db.write().await?;
    store::delete_payment_method(&mut db, tenant, id).await?;
    record(app, &mut db, tenant, by, "payment_method.removed", &method).await?;
    Ok(db.commit().await?)
}

pub(super) async fn record(
    app: &App,
    db: &mut ::store::Write,
    tenant: &Tenant,
    by: &Actor,
    action: &'static str,
    method: &PaymentMethod,
) -> Result<()> {
    let details = json!({ "brand": method.brand, "last4": method.last4 });
    audit::record(app, db, tenant, by, Event::new(action, &method.id).with(details)).await
}
