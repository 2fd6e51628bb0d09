//! Webhooks, in the shapes of both documents: two views on the same rows. What follows the webhook's id is the same.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, Error, Patch,
    webhooks::{self, Change, Delivery, Filter, Headers, Naming, NewWebhook, Webhook},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, line, paged};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest address, in characters.
const MAX_URL: usize = 2_000;

/// The ids of a path; the workspace's has been looked at.
#[derive(Deserialize)]
pub struct Ids {
    webhook_id: String,
}

/// The ids of a delivery's path.
#[derive(Deserialize)]
pub struct DeliveryIds {
    webhook_id: String,
    delivery_id: String,
}

/// The body of a new webhook, in either document's words.
#[derive(Deserialize)]
pub struct CreateBody {
    name: Option<String>,
    url: String,
    #[serde(alias = "events")]
    event_types: Vec<String>,
    #[serde(default)]
    headers: Headers,
}

impl CreateBody {
    fn form(self, naming: Naming) -> Result<NewWebhook> {
        Ok(NewWebhook {
            name: self.name.map(|name| line("name", &name, MAX_NAME)).transpose()?,
            url: line("url", &self.url, MAX_URL)?,
            events: self.event_types,
            naming,
            headers: self.headers,
        })
    }
}

/// The body of a change, in either document's words.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    url: Option<String>,
    #[serde(alias = "events")]
    event_types: Option<Vec<String>>,
    #[serde(default)]
    headers: Patch<Headers>,
    is_active: Option<bool>,
    status: Option<String>,
}

impl UpdateBody {
    fn change(self) -> Result<Change> {
        let active = match self.status.as_deref() {
            None => self.is_active,
            Some("active") => Some(true),
            Some("inactive") => Some(false),
            Some(_) => return Err(Error::invalid("status", "status is active or inactive.").into()),
        };
        Ok(Change {
            name: self.name.map(|name| line("name", &name, MAX_NAME)).transpose()?,
            url: self.url.map(|url| line("url", &url, MAX_URL)).transpose()?,
            events: self.event_types,
            headers: self.headers,
            is_active: active,
        })
    }
}

/// `POST …/webhooks`
pub async fn create_webhook(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = body.form(Naming::Upper)?;
    let (webhook, secret) = webhooks::create(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::CREATED, Json(with_secret(view(&webhook), &secret))))
}

/// `GET …/webhooks`
pub async fn list_webhooks(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = webhooks::list(&app, &member.tenant).await?;
    Ok(Json(json!({ "webhooks": list.iter().map(view).collect::<Vec<_>>(), "total": list.len() })))
}

/// `GET …/webhooks/{webhook_id}`
pub async fn get_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    Ok(Json(view(&webhooks::get(&app, &member.tenant, &ids.webhook_id.parse()?).await?)))
}

/// `PATCH …/webhooks/{webhook_id}`
pub async fn update_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let (id, change) = (ids.webhook_id.parse()?, body.change()?);
    Ok(Json(view(&webhooks::change(&app, &member.tenant, &member.by, &id, change).await?)))
}

/// `POST /webhooks`
pub async fn create_company_webhook(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = body.form(Naming::Dotted)?;
    let (webhook, secret) = webhooks::create(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::CREATED, Json(json!({ "webhook": with_secret(company_view(&webhook), &secret) }))))
}

/// `GET /webhooks`
pub async fn list_company_webhooks(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = webhooks::list(&app, &member.tenant).await?;
    Ok(Json(json!({ "webhooks": list.iter().map(company_view).collect::<Vec<_>>() })))
}

/// `GET /webhooks/{webhook_id}`
pub async fn get_company_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    let webhook = webhooks::get(&app, &member.tenant, &ids.webhook_id.parse()?).await?;
    Ok(Json(json!({ "webhook": company_view(&webhook) })))
}

/// `PUT /webhooks/{webhook_id}`: changes the fields it names.
pub async fn update_company_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let (id, change) = (ids.webhook_id.parse()?, body.change()?);
    let webhook = webhooks::change(&app, &member.tenant, &member.by, &id, change).await?;
    Ok(Json(json!({ "webhook": company_view(&webhook) })))
}

/// `DELETE …/webhooks/{webhook_id}`
pub async fn delete_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    webhooks::delete(&app, &member.tenant, &member.by, &ids.webhook_id.parse()?).await?;
    Ok(Json(json!({ "success": true, "message": "Webhook deleted" })))
}

/// `POST …/webhooks/{webhook_id}/rotate-secret`
pub async fn rotate_webhook_secret(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    let id = ids.webhook_id.parse()?;
    let (webhook, secret) = webhooks::rotate_secret(&app, &member.tenant, &member.by, &id).await?;
    let answer = json!({ "id": webhook.id, "former_secret_until": webhook.former_until });
    Ok(Json(with_secret(answer, &secret)))
}

/// `POST …/webhooks/{webhook_id}/test`
pub async fn test_webhook(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    let delivery = webhooks::test(&app, &member.tenant, &member.by, &ids.webhook_id.parse()?).await?;
    Ok(Json(json!({ "success": true, "delivery": detailed(&delivery) })))
}

/// Which deliveries are wanted.
#[derive(Deserialize)]
pub struct DeliveriesQuery {
    status: Option<String>,
    event_type: Option<String>,
}

/// `GET …/webhooks/{webhook_id}/deliveries`
pub async fn list_webhook_deliveries(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
    Query(query): Query<DeliveriesQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    if query.status.as_deref().is_some_and(|status| !["PENDING", "SUCCEEDED", "FAILED"].contains(&status)) {
        return Err(Error::invalid("status", "status is PENDING, SUCCEEDED or FAILED.").into());
    }
    let filter = Filter { status: query.status, event_type: query.event_type };
    let id = ids.webhook_id.parse()?;
    let list = webhooks::deliveries(&app, &member.tenant, &id, &filter, page.page()?).await?;
    Ok(Json(paged("deliveries", list, |delivery| brief(&delivery))))
}

/// `GET …/webhooks/{webhook_id}/deliveries/{delivery_id}`
pub async fn get_webhook_delivery(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<DeliveryIds>,
) -> Result<Json<Value>> {
    let (webhook, id) = (ids.webhook_id.parse()?, ids.delivery_id.parse()?);
    Ok(Json(detailed(&webhooks::delivery(&app, &member.tenant, &webhook, &id).await?)))
}

/// `POST …/webhooks/{webhook_id}/deliveries/{delivery_id}/replay`
pub async fn replay_webhook_delivery(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<DeliveryIds>,
) -> Result<(StatusCode, Json<Value>)> {
    let (webhook, id) = (ids.webhook_id.parse()?, ids.delivery_id.parse()?);
    let delivery = webhooks::replay(&app, &member.tenant, &member.by, &webhook, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(detailed(&delivery))))
}

fn with_secret(mut answer: Value, secret: &str) -> Value {
    answer["secret"] = json!(secret);
    answer["message"] = json!("Save this secret - it won't be shown again!");
    answer
}

fn names(w: &Webhook, naming: Naming) -> Vec<&'static str> {
    w.kinds().map(|kind| naming.name(kind)).collect()
}

fn view(w: &Webhook) -> Value {
    json!({
        "id": w.id,
        "name": w.name,
        "url": w.url,
        "event_types": names(w, Naming::Upper),
        "has_headers": w.has_headers(),
        "is_active": w.is_active,
        "disabled_reason": w.disabled_reason,
        "failing_since": w.failing_since,
        "created_at": w.created_at,
        "updated_at": w.updated_at,
    })
}

fn company_view(w: &Webhook) -> Value {
    json!({
        "webhook_id": w.id,
        "name": w.name,
        "url": w.url,
        "events": names(w, Naming::Dotted),
        "status": if w.is_active { "active" } else { "inactive" },
        "disabled_reason": w.disabled_reason,
        "created_at": w.created_at,
    })
}

fn brief(d: &Delivery) -> Value {
    let last = d.log.last();
    json!({
        "id": d.id,
        "event_id": d.event_id,
        "event_type": d.event_type,
        "status": d.status,
        "tries": d.tries,
        "last_status_code": last.and_then(|last| last.status),
        "last_error": last.and_then(|last| last.error.as_deref()),
        "next_attempt_at": (d.status == "PENDING").then_some(d.next_at),
        "replay_of": d.replay_of,
        "created_at": d.created_at,
        "finished_at": d.finished_at,
    })
}

fn detailed(d: &Delivery) -> Value {
    let mut answer = brief(d);
    answer["request_body"] = json!(d.body);
    answer["attempts"] = d
        .log
        .iter()
        .map(|made| {
            json!({
                "at": made.at,
                "duration_ms": made.duration_ms,
                "url": made.url,
                "request_headers": {
                    "webhook-id": d.event_id,
                    "webhook-timestamp": made.timestamp.to_string(),
                    "webhook-signature": made.signature,
                },
                "status_code": made.status,
                "response_body": made.response,
                "error": made.error,
            })
        })
        .collect();
    answer
}
