//! Changes of the plan.

use ::store::Write;
use chrono::DateTime;
use serde_json::json;

use super::{
    Plan,
    invoice::{self, Line},
    payments::{self, Changed, Kept},
    store,
    subscription::{self, Overview, Subscription},
    usage,
};
use crate::{
    Actor, App, Result, Tenant,
    audit::{self, Event},
};

/// What came of a change of plan.
#[derive(Clone, Debug)]
pub struct PlanChange {
    /// The subscription as it is now.
    pub overview: Overview,
    /// Where a person must pay before the change is made.
    pub pay_at: Option<String>,
}

/// Puts a workspace on another plan. More is had at once, and paid for the rest of the period; less is had when the
/// period ends, as is the free plan, by which a subscription is cancelled. The present plan takes back what was to
/// follow.
///
/// # Errors
/// Invalid when the plan is not sold; payment or upstream as the provider says.
pub async fn change_plan(app: &App, tenant: &Tenant, by: &Actor, plan: Plan) -> Result<PlanChange> {
    let before = subscription::overview(app, tenant).await?;
    if plan == before.subscription.plan && before.subscription.next_plan.is_none() {
        return Ok(PlanChange { overview: before, pay_at: None });
    }
    let customer = payments::customer(app, tenant).await?;
    let changed = app.payments.change(app, tenant, &customer, (&before.subscription, plan)).await?;
    let mut db = app.db.write().await?;
    let mut subscription = subscription::held(app, &mut db, tenant).await?;
    let mut pay_at = None;
    match changed {
        Changed::Made => make(app, &mut db, tenant, by, (&mut subscription, plan)).await?,
        Changed::Kept(kept) => keep(app, &mut db, tenant, (&mut subscription, &kept), by).await?,
        Changed::Pay(url) => {
            let event = Event::new("subscription.change_begun", tenant.id().as_str());
            audit::record(app, &mut db, tenant, by, event.with(json!({ "plan": plan }))).await?;
            pay_at = Some(url);
        }
    }
    app.callers.commit(db).await?;
    app.purses.hope(tenant);
    Ok(PlanChange { overview: subscription::overview(app, tenant).await?, pay_at })
}

/// Makes a change that no provider keeps, with an invoice over what is more.
async fn make(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    by: &Actor,
    (subscription, plan): (&mut Subscription, Plan),
) -> Result<()> {
    let (old, now) = (subscription.plan, app.clock.now());
    subscription::switch(app, db, tenant, subscription, plan).await?;
    store::update_subscription(db, tenant, subscription, now).await?;
    let price = |plan| subscription::rest_of(subscription, now, app.config.tariff.plan(plan).price);
    let (paid, due) = (price(old), price(plan));
    if plan > old && due > paid {
        let period = invoice::days(now, subscription.period_end);
        let mut lines = vec![Line::new(format!("{plan} plan, {period}"), due)];
        if paid > 0 {
            lines.push(Line::new(format!("{old} plan, unused, {period}"), -paid));
        }
        let reference = format!("{} {plan} {}", tenant.id(), now.to_rfc3339());
        invoice::issue(app, db, tenant, &subscription.buyer, (lines, &reference)).await?;
    }
    record(app, db, tenant, by, subscription).await
}

/// Writes down how a provider keeps a subscription. A new period brings its credits, a larger plan in the middle of one
/// the rest of them; the end of it brings the free plan.
pub(super) async fn keep(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    (s, kept): (&mut Subscription, &Kept),
    by: &Actor,
) -> Result<()> {
    let known = s.provider_subscription.as_deref();
    let is_another = known.is_some_and(|known| known != kept.id);
    // What is not paid yet changes nothing, nor does the end of one that was replaced.
    if kept.status == "incomplete" || (kept.status == "canceled" && known != Some(&kept.id)) {
        return Ok(());
    }
    if is_another {
        tracing::warn!(workspace = %tenant.id(), "a workspace has another subscription than before");
    }
    if kept.status == "canceled" {
        s.provider_subscription = None;
        s.provider_item = None;
        s.status = "active".into();
        s.plan = Plan::Free;
        s.next_plan = None;
        s.anchor = usage::hour(app.clock.now());
        let period = (s.anchor, subscription::after(s.anchor, 1));
        subscription::begin(app, db, tenant, s, period).await?;
    } else {
        s.provider_subscription = Some(kept.id.clone());
        s.provider_item.clone_from(&kept.item);
        s.status.clone_from(&kept.status);
        let plan = kept.plan.unwrap_or(s.plan);
        let moment = |seconds| DateTime::from_timestamp(seconds, 0);
        let period = kept.period.and_then(|(start, end)| moment(start).zip(moment(end)));
        match period {
            Some((start, end)) if start != s.period_start => {
                s.plan = plan;
                subscription::begin(app, db, tenant, s, (start, end)).await?;
            }
            _ if plan > s.plan => subscription::switch(app, db, tenant, s, plan).await?,
            _ => s.plan = plan,
        }
        s.next_plan = kept.cancelled.then_some(Plan::Free);
    }
    store::update_subscription(db, tenant, s, app.clock.now()).await?;
    record(app, db, tenant, by, s).await
}

async fn record(app: &App, db: &mut Write, tenant: &Tenant, by: &Actor, s: &Subscription) -> Result<()> {
    let details = json!({ "plan": s.plan, "next_plan": s.next_plan, "status": s.status });
    let event = Event::new("subscription.changed", tenant.id().as_str()).with(details);
    audit::record(app, db, tenant, by, event).await
}
