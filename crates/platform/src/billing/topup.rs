//! Credits that are bought. A purchase is written down before its provider is asked, and settled once, whoever brings
//! the news first: the provider's answer, or its event. So a request that is sent again, an event that comes twice and
//! a server that dies in between all end in one payment and one entry in the ledger.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{
    invoice::{self, Tax},
    ledger::{self, Account, Kind, Posting},
    methods,
    money::{Credits, Currency},
    payments::{self, Payment},
    store, subscription,
};
use crate::{
    Actor, App, Error, KeyId, Result, Tenant, TransactionId,
    audit::{self, Event},
    idempotency::{self, Once},
};

/// Credits that are bought, or are being bought. Amounts are in the least unit of the currency.
#[derive(Clone, Debug, FromRow)]
pub struct Purchase {
    /// The purchase, and its transaction in the ledger.
    pub id: TransactionId,
    /// Whole credits.
    pub credits: i64,
    /// Before tax.
    pub net: i64,
    /// The rate, in hundredths of a per cent.
    pub tax_rate: i64,
    /// With tax.
    pub total: i64,
    /// What amounts are in.
    pub currency: String,
    /// pending, settled, failed
    pub status: String,
    /// Who takes the money.
    pub provider: String,
    /// What they call the payment.
    pub provider_id: Option<String>,
    /// Where a person must go to pay.
    pub url: Option<String>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
}

impl Purchase {
    /// What it costs in words.
    pub(super) fn words(&self) -> String {
        format!("{} credits", Credits::whole(self.credits))
    }
}

/// A request to buy credits.
#[derive(Clone, Debug)]
pub struct TopUp {
    /// How many, as it was sent.
    pub amount: f64,
    /// By what to pay; on the provider's page when absent and there is no default.
    pub method: Option<String>,
    /// The name that the caller gave the request.
    pub idempotency_key: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct ToppedUp {
    /// The purchase.
    pub purchase: Purchase,
    /// Credits that are not spent, after it.
    pub credits: Credits,
}

/// Buys credits. The same request again, by its `Idempotency-Key`, buys nothing more and gets the same answer.
///
/// # Errors
/// Invalid, naming the field: an amount that is no whole number from one to the tariff's limit, a method that is not
/// the workspace's. Payment when the provider refuses.
pub async fn top_up(app: &App, tenant: &Tenant, by: &Actor, request: TopUp) -> Result<ToppedUp> {
    let credits = checked(request.amount, app.config.tariff.max_topup)?;
    let method = methods::find(app, tenant, request.method.as_deref()).await?;
    if request.method.is_some() && method.is_none() {
        return Err(Error::invalid("payment_method_id", "There is no such payment method."));
    }
    let customer = payments::customer(app, tenant).await?;
    let purchase = match begin(app, tenant, by, (credits, &request)).await? {
        Begun::Fresh(purchase) => purchase,
        // It is settled, or on its way; a provider that was not reached the first time is asked again, by the same name.
        Begun::Known(purchase) if purchase.status == "pending" && purchase.provider_id.is_none() => purchase,
        Begun::Known(purchase) => return done(app, tenant, purchase).await,
    };
    match app.payments.pay(app, tenant, &customer, (&purchase, method.as_ref())).await {
        Ok(Payment::Settled { id }) => settle(app, tenant, by, &purchase.id, &id).await?,
        Ok(Payment::Pending { id, url }) => {
            let mut db = app.db.write().await?;
            store::name_purchase(&mut db, tenant, &purchase.id, &id, url.as_deref()).await?;
            db.commit().await?;
        }
        Err(error) => {
            // A refusal is final. Whether money moved when nobody answered is not known: the provider's event tells.
            if error.kind == crate::Kind::Payment {
                fail(app, tenant, &purchase.id).await?;
            }
            return Err(error);
        }
    }
    let after = store::purchase(&mut app.db.read().await?, tenant, &purchase.id).await?;
    done(app, tenant, after.unwrap_or(purchase)).await
}

async fn done(app: &App, tenant: &Tenant, purchase: Purchase) -> Result<ToppedUp> {
    let balances = store::balances(&mut app.db.read().await?, tenant).await?;
    Ok(ToppedUp { purchase, credits: balances.left() })
}

/// A whole number of credits that may be bought.
fn checked(amount: f64, most: i64) -> Result<i64> {
    if amount.is_finite() && amount.fract() == 0.0 && (1.0..=most as f64).contains(&amount) {
        return Ok(amount as i64);
    }
    Err(Error::invalid("amount", format!("amount is a whole number of credits from 1 to {most}.")))
}

enum Begun {
    Fresh(Purchase),
    Known(Purchase),
}

/// Writes a purchase down before anybody is asked for money.
async fn begin(app: &App, tenant: &Tenant, by: &Actor, (credits, request): (i64, &TopUp)) -> Result<Begun> {
    let once = once(by, credits, request)?;
    let mut db = app.db.write().await?;
    let id = ledger::transaction(app);
    if let Some(known) = idempotency::begin(app, &mut db, tenant, once.as_ref(), id.as_str()).await? {
        let known = store::purchase(&mut db, tenant, &known.parse()?).await?;
        return known.map(Begun::Known).ok_or_else(|| Error::internal("a purchase that was noted is gone"));
    }
    let subscription = subscription::held(app, &mut db, tenant).await?;
    let tariff = &app.config.tariff;
    let (net, tax) = (tariff.net(credits), Tax::on(&tariff.seller, &subscription.buyer));
    let purchase = Purchase {
        id,
        credits,
        net,
        tax_rate: tax.rate,
        total: net + tax.of(net),
        currency: tariff.currency.code().to_owned(),
        status: "pending".into(),
        provider: app.payments.name().into(),
        provider_id: None,
        url: None,
        created_at: app.clock.now(),
    };
    store::insert_purchase(&mut db, tenant, &purchase, by.id()).await?;
    let event = Event::new("credits.ordered", purchase.id.as_str());
    audit::record(app, &mut db, tenant, by, event.with(json!({ "credits": credits }))).await?;
    db.commit().await?;
    Ok(Begun::Fresh(purchase))
}

/// The request under the name that its caller gave it. People have no key, but an id that names them.
fn once(by: &Actor, credits: i64, request: &TopUp) -> Result<Option<Once>> {
    let Some(name) = &request.idempotency_key else { return Ok(None) };
    let asked = json!({ "topup": credits, "method": request.method }).to_string();
    let caller = by.key.as_ref().map_or_else(|| by.id(), KeyId::as_str);
    Once::by(caller, name, &asked).map(Some)
}

/// Books a purchase that is paid, with its invoice; one that is booked stays as it is.
///
/// # Errors
/// What the database says.
pub(super) async fn settle(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &TransactionId,
    provider_id: &str,
) -> Result<()> {
    let mut db = app.db.write().await?;
    let subscription = subscription::held(app, &mut db, tenant).await?;
    if !store::end_purchase(&mut db, tenant, id, "settled", app.clock.now()).await? {
        return Ok(());
    }
    store::name_purchase(&mut db, tenant, id, provider_id, None).await?;
    let purchase = store::purchase(&mut db, tenant, id).await?;
    let purchase = purchase.ok_or_else(|| Error::not_found("There is no such purchase."))?;
    let accounts = (Account::Issued, Account::Available);
    let credits = Credits::whole(purchase.credits);
    let posting = Posting::new(id.clone(), Kind::TopUp, provider_id, accounts, credits);
    ledger::post(app, &mut db, tenant, &[posting]).await?;
    let line = invoice::Line { description: purchase.words(), quantity: 1, net: purchase.net };
    let amounts = invoice::Amounts {
        net: purchase.net,
        tax: purchase.total - purchase.net,
        tax_rate: purchase.tax_rate,
        note: Tax::on(&app.config.tariff.seller, &subscription.buyer).note.map(str::to_owned),
    };
    let invoice = (vec![line], amounts, purchase.currency.as_str(), id.as_str());
    invoice::issue_with(app, &mut db, tenant, &subscription.buyer, invoice).await?;
    let event = Event::new("credits.topped_up", id.as_str());
    audit::record(app, &mut db, tenant, by, event.with(json!({ "credits": purchase.credits }))).await?;
    db.commit().await?;
    app.purses.hope(tenant);
    Ok(())
}

/// Ends a purchase that was refused.
pub(super) async fn fail(app: &App, tenant: &Tenant, id: &TransactionId) -> Result<()> {
    let mut db = app.db.write().await?;
    store::end_purchase(&mut db, tenant, id, "failed", app.clock.now()).await?;
    Ok(db.commit().await?)
}

/// The currency that a purchase is in.
pub(super) fn currency(purchase: &Purchase) -> Result<Currency> {
    Currency::new(&purchase.currency)
        .ok_or_else(|| Error::internal(format!("{} has the currency {}", purchase.id, purchase.currency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_whole_number_of_credits() {
        assert_eq!(checked(1_000.0, 1_000_000).unwrap(), 1_000);
        for wrong in [0.0, -1.0, 1.5, 1_000_001.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(checked(wrong, 1_000_000).unwrap_err().field.unwrap(), "amount", "{wrong}");
        }
    }
}
