//! Sending what is due: each webhook by a task of its own, so that one which does not answer keeps no other waiting.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::Write;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use super::{Delivery, Headers, Try, Webhook, headers, headers_context, signature, store};
use crate::{
    Actor, App, Entropy, Error, Result, Tenant, WebhookId, audit,
    http::{FetchError, Incoming, Outgoing},
    mail::{self, Mail},
};

/// What a test is called, in either document's way. It is tried once.
pub(super) const TEST_UPPER: &str = "WEBHOOK_TEST";
pub(super) const TEST_DOTTED: &str = "webhook.test";
/// How long a claim holds: longer than a try can take.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often the sender looks when no bell rings: for retries, and for what other servers have left.
const LOOK: Duration = Duration::from_secs(1);
/// Webhooks that are sent to at once.
const WEBHOOKS_AT_ONCE: usize = 256;
/// Deliveries of one webhook at once.
const AT_ONCE: usize = 10;
/// The pauses after the first try, the second, …; after the last the delivery has failed.
const PAUSES: [TimeDelta; 7] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(10),
];
/// A webhook that has taken nothing for so long is switched off.
const PATIENCE: TimeDelta = TimeDelta::days(5);
/// Of an answer, bytes that are read and characters that are kept.
const ANSWER_BYTES: u64 = 64 * 1024;
const ANSWER_KEPT: usize = 2_000;

/// Sends what is due until the server stops.
pub(crate) async fn run(app: App) {
    let busy = Busy::default();
    while !app.stopping.is_cancelled() {
        if let Err(error) = begin_due(&app, &busy).await {
            tracing::error!(%error, "cannot look for deliveries of webhooks");
        }
        tokio::select! {
            () = app.deliveries.heard() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = app.stopping.cancelled() => {}
        }
    }
}

/// The webhooks that are being sent to by this server.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<HashSet<WebhookId>>>);

/// Frees its webhook when it is dropped.
struct Held(Busy, WebhookId);

impl Busy {
    fn hold(&self, id: &WebhookId) -> Option<Held> {
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = busy.len() < WEBHOOKS_AT_ONCE && busy.insert(id.clone());
        free.then(|| Held(self.clone(), id.clone()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

async fn begin_due(app: &App, busy: &Busy) -> Result<()> {
    let due = store::due(&mut app.db.read().await?, app.clock.now()).await?;
    for (workspace, id) in due {
        let Some(held) = busy.hold(&id) else { continue };
        let (app, tenant) = (app.clone(), Tenant::new(workspace));
        app.clone().tasks.spawn(async move {
            if let Err(error) = send_due(&app, &tenant, &id).await {
                tracing::error!(webhook = %id, %error, "deliveries of a webhook cannot be sent; they come due again");
            }
            drop(held);
            // What came due meanwhile was passed over.
            app.deliveries.ring();
        });
    }
    Ok(())
}

/// Sends to one webhook until nothing is due: a few deliveries at once, and when some of them have come back, they are
/// written down together and others begin. One that cannot even be tried ends it, when all others have come back.
async fn send_due(app: &App, tenant: &Tenant, id: &WebhookId) -> Result<()> {
    let (mut flying, mut failed) = (FuturesUnordered::new(), None);
    loop {
        let free = AT_ONCE - flying.len();
        if failed.is_none()
            && free >= AT_ONCE / 2
            && !app.stopping.is_cancelled()
            && let Some((webhook, claimed)) = claim(app, tenant, id, free).await?
        {
            flying.extend(claimed.into_iter().map(|delivery| attempt(app, webhook.clone(), delivery)));
        }
        let Some(back) = (&mut flying).ready_chunks(AT_ONCE).next().await else {
            return failed.map_or(Ok(()), Err);
        };
        let tried = back.into_iter().filter_map(|one| one.map_err(|error| failed = Some(error)).ok());
        record(app, tenant, id, tried.collect()).await?;
    }
}

/// Claims what is due to a webhook that is there and switched on.
async fn claim(
    app: &App,
    tenant: &Tenant,
    id: &WebhookId,
    most: usize,
) -> Result<Option<(Arc<Webhook>, Vec<Delivery>)>> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let webhook = store::get(&mut db, tenant, id).await?.filter(|webhook| webhook.is_active);
    let Some(webhook) = webhook else { return Ok(None) };
    let claimed = store::claim(&mut db, tenant, id, now, (now + LEASE, most)).await?;
    db.commit().await?;
    Ok(Some((Arc::new(webhook), claimed)))
}

/// A delivery that was tried once more.
pub(super) struct Tried {
    delivery: Delivery,
    made: Try,
}

/// Tries a claimed delivery once. How it went is another's to write down; see [`record`].
pub(super) async fn attempt(app: &App, webhook: Arc<Webhook>, delivery: Delivery) -> Result<Tried> {
    let made = send(app, &webhook, &delivery).await?;
    Ok(Tried { delivery, made })
}

/// Writes down how deliveries of one webhook went, and what that means for it.
pub(super) async fn record(app: &App, tenant: &Tenant, id: &WebhookId, tried: Vec<Tried>) -> Result<()> {
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    let (mut works, mut fails, mut gone) = (false, false, false);
    for Tried { delivery, made } in tried {
        let ending = Ending::of(&delivery, &made, now, app.entropy);
        let (before, status) = (delivery.tries, made.status);
        let log: Vec<Try> = delivery.log.into_iter().chain([made]).collect();
        // When the claim ran out and another has recorded a try, or the webhook is gone, this one counts for nothing.
        if store::record(&mut db, tenant, &delivery.id, before, &log, (&ending, now)).await? {
            works |= ending == Ending::Succeeded;
            fails |= ending != Ending::Succeeded;
            gone |= status == Some(410);
        }
    }
    let mut over = gone.then(|| "Its receiver answered 410 Gone.".to_owned());
    if works {
        store::works(&mut db, tenant, id).await?;
    } else if fails {
        let since = store::fails(&mut db, tenant, id, now).await?;
        if now - since >= PATIENCE {
            over.get_or_insert_with(|| format!("It has taken nothing for {} days.", PATIENCE.num_days()));
        }
    }
    if let Some(reason) = over {
        switch_off(app, &mut db, tenant, id, &reason).await?;
    }
    db.commit().await?;
    app.bell.ring();
    Ok(())
}

/// What becomes of a delivery after a try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    Succeeded,
    Again(DateTime<Utc>),
    Failed,
}

impl Ending {
    fn of(delivery: &Delivery, made: &Try, now: DateTime<Utc>, entropy: Entropy) -> Self {
        let once = matches!(delivery.event_type.as_str(), TEST_UPPER | TEST_DOTTED);
        match made.error {
            None => Self::Succeeded,
            Some(_) if once || made.status == Some(410) => Self::Failed,
            Some(_) => {
                pause(delivery.tries + 1, entropy).map_or(Self::Failed, |pause| Self::Again(now + pause))
            }
        }
    }
}

/// How long to wait after so many tries: up to a tenth more than [`PAUSES`] says, so that what failed together does
/// not return together. None when there is no further try.
fn pause(tries: i64, entropy: Entropy) -> Option<TimeDelta> {
    let pause = PAUSES.get(usize::try_from(tries - 1).ok()?)?;
    let tenth = u32::try_from(pause.num_milliseconds() / 10).unwrap_or(u32::MAX);
    Some(*pause + TimeDelta::milliseconds(entropy.below(tenth + 1).into()))
}

/// Sends a delivery; whatever comes of it is a [`Try`].
async fn send(app: &App, webhook: &Webhook, delivery: &Delivery) -> Result<Try> {
    let at = app.clock.now();
    let timestamp = at.timestamp();
    let id = delivery.event_id.as_str();
    let signature = signature::sign(&webhook.secrets(app, at)?, id, timestamp, &delivery.body)?;
    let mut headers = own_headers(app, webhook)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", &signature)]
    {
        headers.insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    let url: Url = webhook.url.parse().map_err(Error::internal)?;
    let (body, begun) = (delivery.body.clone().into(), Instant::now());
    let request = Outgoing { method: Method::POST, url, headers, body, time: TIMEOUT };
    let (status, response, error) = match app.outbound.send(request, |_| false).await {
        Ok(answer) => {
            let error = refusal(app, &answer).await;
            (Some(answer.status.as_u16()), Some(start(answer).await), error)
        }
        Err(error) => (None, None, Some(error.to_string())),
    };
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Try { at, duration_ms, url: webhook.url.clone(), timestamp, signature, status, response, error })
}

fn own_headers(app: &App, webhook: &Webhook) -> Result<HeaderMap> {
    let Some(sealed) = &webhook.headers else { return Ok(HeaderMap::new()) };
    let plain = app.secrets.open(&headers_context(&webhook.id), sealed)?;
    headers::checked(&serde_json::from_slice::<Headers>(&plain)?)
}

/// Why an answer does not count as taken: it has a status other than 2xx. Redirects are not followed.
async fn refusal(app: &App, answer: &Incoming) -> Option<String> {
    let status = answer.status.as_u16();
    let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let next = location.and_then(|location| answer.url.join(location).ok());
    match next {
        _ if answer.status.is_success() => None,
        Some(next) if answer.status.is_redirection() => {
            let refused = app.outbound.check(&next).await.err();
            Some(refused.unwrap_or_else(|| FetchError::Elsewhere(Box::new(next))).to_string())
        }
        _ => Some(format!("The answer had the status {status}; 200 to 299 are expected.")),
    }
}

/// How an answer begins, as far as it can be read and stored.
async fn start(answer: Incoming) -> String {
    let Ok(body) = answer.into_body(ANSWER_BYTES) else { return String::new() };
    let bytes = body.into_start().await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).chars().filter(|c| *c != '\0').take(ANSWER_KEPT).collect()
}

/// Switches a webhook off in the transaction that shows why, and tells the workspace's owner.
async fn switch_off(app: &App, db: &mut Write, tenant: &Tenant, id: &WebhookId, reason: &str) -> Result<()> {
    if !store::switch_off(db, tenant, id, reason, app.clock.now()).await? {
        return Ok(());
    }
    let Some(webhook) = store::get(db, tenant, id).await? else { return Ok(()) };
    let event = audit::Event::new("webhook.switched_off", id.as_str());
    audit::record(app, db, tenant, &Actor::system(), event.with(json!({ "reason": reason }))).await?;
    let Some(owner) = store::owner_address(db, tenant).await? else { return Ok(()) };
    let name = webhook.name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mail = Mail {
        to: owner,
        subject: format!("The webhook {name} was switched off"),
        paragraphs: vec![
            format!("Frontdesk sends no more events to {}. {reason}", webhook.url),
            "What waits for it is sent when it is switched on again within 30 days.".into(),
        ],
    };
    mail::queue(app, db, mail).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
        for (tries, expected) in (1..).zip(seconds) {
            let pause = pause(tries, Entropy).unwrap().as_seconds_f64();
            assert!((expected as f64..=expected as f64 * 1.1).contains(&pause), "{tries}: {pause}");
        }
        assert_eq!(pause(8, Entropy), None, "the eighth try is the last");
    }

    #[test]
    fn a_webhook_is_sent_to_by_one_task_and_not_too_many_are() {
        let busy = Busy::default();
        let ids: Vec<_> =
            (0..=WEBHOOKS_AT_ONCE).map(|_| WebhookId::new(DateTime::UNIX_EPOCH, Entropy)).collect();
        let first = busy.hold(&ids[0]).unwrap();
        assert!(busy.hold(&ids[0]).is_none());
        drop(first);
        let held: Vec<_> = ids.iter().filter_map(|id| busy.hold(id)).collect();
        assert_eq!(held.len(), WEBHOOKS_AT_ONCE);
    }
}
