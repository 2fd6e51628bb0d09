//! Webhooks: whom the workspace tells of its events, what was delivered, and sending it again.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, DeliveryId, Page, Paged, Permission, WebhookId,
    events::Kind,
    webhooks::{self, Change, Delivery, Filter, Naming, NewWebhook, Webhook},
};
use web::{Path, line};

use crate::{
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, page_number, render},
    session::Member,
};

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Longest address, in characters.
const MAX_URL: usize = 2_000;
/// Deliveries on one page of the log.
const ROWS: i64 = 25;

#[derive(Template)]
#[template(path = "webhooks.html")]
pub(crate) struct WebhooksPage<'a> {
    pub chrome: Chrome,
    pub webhooks: Vec<Webhook>,
    /// What was typed into the form of a new one.
    pub fields: &'a Fields,
    pub notice: Option<Notice>,
}

impl WebhooksPage<'_> {
    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    fn is_chosen(&self, kind: &Kind) -> bool {
        self.fields.all("event").any(|name| name == kind.upper())
    }
}

async fn show(
    app: &App,
    member: &Member,
    (status, notice): (StatusCode, Option<Notice>),
    fields: &Fields,
) -> Result {
    let page = WebhooksPage {
        chrome: member.chrome(Area::Webhooks),
        webhooks: webhooks::list(app, &member.tenant).await?,
        fields,
        notice,
    };
    render(status, &page)
}

/// `GET …/webhooks`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewWebhooks)?;
    show(&app, &member, (StatusCode::OK, done(query.get("done"))), &Fields::default()).await
}

/// `POST …/webhooks`: makes one, and shows its secret once.
pub async fn create(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditWebhooks)?;
    match make(&app, &member, &fields).await {
        Ok((webhook, secret)) => {
            let shown = Shown { secret: Some(secret), ..Shown::default() };
            show_one(&app, &member, &webhook.id, StatusCode::CREATED, shown).await
        }
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, (status, Some(notice)), &fields).await
        }
    }
}

async fn make(app: &App, member: &Member, fields: &Fields) -> platform::Result<(Webhook, String)> {
    let name = fields.get("name").trim();
    let form = NewWebhook {
        name: (!name.is_empty()).then(|| line("name", name, MAX_NAME)).transpose()?,
        url: line("url", fields.get("url"), MAX_URL)?,
        events: fields.all("event").map(str::to_owned).collect(),
        naming: if fields.get("naming") == "dotted" { Naming::Dotted } else { Naming::Upper },
        headers: webhooks::Headers::new(),
    };
    webhooks::create(app, &member.tenant, &member.by, form).await
}

#[derive(Template)]
#[template(path = "webhook.html")]
pub(crate) struct WebhookPage {
    pub chrome: Chrome,
    pub zone: Zone,
    pub webhook: Webhook,
    pub deliveries: Paged<Delivery>,
    /// A secret that has just been made.
    pub secret: Option<String>,
    pub notice: Option<Notice>,
}

impl WebhookPage {
    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    fn hears_of(&self, kind: &Kind) -> bool {
        self.webhook.kinds().any(|known| known == *kind)
    }

    /// What came of a delivery last, in a few words.
    fn outcome(&self, delivery: &Delivery) -> String {
        let Some(last) = delivery.log.last() else { return "not tried yet".into() };
        match (last.status, &last.error) {
            (Some(status), None) => format!("{status} in {} ms", last.duration_ms),
            (_, Some(error)) => error.clone(),
            (None, None) => format!("{} ms", last.duration_ms),
        }
    }
}

/// What a rendering of a webhook's page shows besides it.
#[derive(Default)]
struct Shown {
    notice: Option<Notice>,
    secret: Option<String>,
    number: i64,
}

async fn show_one(app: &App, member: &Member, id: &WebhookId, status: StatusCode, shown: Shown) -> Result {
    let range = Page { limit: ROWS, offset: (shown.number.max(1) - 1) * ROWS };
    let page = WebhookPage {
        chrome: member.chrome(Area::Webhooks),
        zone: Zone::of(app, &member.tenant).await?,
        webhook: webhooks::get(app, &member.tenant, id).await?,
        deliveries: webhooks::deliveries(app, &member.tenant, id, &Filter::default(), range).await?,
        secret: shown.secret,
        notice: shown.notice,
    };
    render(status, &page)
}

fn told(member: &Member, id: &WebhookId, done: &str) -> Result {
    let to = format!("/console/{}/webhooks/{id}?done={done}", member.tenant.id());
    Ok(Redirect::to(&to).into_response())
}

async fn show_mistake(app: &App, member: &Member, id: &WebhookId, error: platform::Error) -> Result {
    let (status, notice) = mistake(error)?;
    show_one(app, member, id, status, Shown { notice: Some(notice), ..Shown::default() }).await
}

/// `GET …/webhooks/{webhook_id}`
pub async fn one(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result {
    member.require(Permission::ViewWebhooks)?;
    let shown = Shown { notice: done(query.get("done")), number: page_number(&query), ..Shown::default() };
    show_one(&app, &member, &id.parse()?, StatusCode::OK, shown).await
}

/// `POST …/webhooks/{webhook_id}`: changes it.
pub async fn change(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::EditWebhooks)?;
    let id: WebhookId = id.parse()?;
    let changed = async {
        let change = Change {
            name: Some(line("name", fields.get("name"), MAX_NAME)?),
            url: Some(line("url", fields.get("url"), MAX_URL)?),
            events: Some(fields.all("event").map(str::to_owned).collect()),
            is_active: Some(fields.get("active") == "yes"),
            ..Change::default()
        };
        webhooks::change(&app, &member.tenant, &member.by, &id, change).await
    };
    match changed.await {
        Ok(_) => told(&member, &id, "webhook"),
        Err(error) => show_mistake(&app, &member, &id, error).await,
    }
}

/// `POST …/webhooks/{webhook_id}/test`
pub async fn test(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditWebhooks)?;
    let id: WebhookId = id.parse()?;
    match webhooks::test(&app, &member.tenant, &member.by, &id).await {
        Ok(_) => {
            let notice = Some(Notice::good("The webhook took the test."));
            show_one(&app, &member, &id, StatusCode::OK, Shown { notice, ..Shown::default() }).await
        }
        Err(error) => show_mistake(&app, &member, &id, error).await,
    }
}

/// `POST …/webhooks/{webhook_id}/rotate`: makes another secret, and shows it once.
pub async fn rotate(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditWebhooks)?;
    let id: WebhookId = id.parse()?;
    let (_, secret) = webhooks::rotate_secret(&app, &member.tenant, &member.by, &id).await?;
    let shown = Shown { secret: Some(secret), ..Shown::default() };
    show_one(&app, &member, &id, StatusCode::OK, shown).await
}

/// `POST …/webhooks/{webhook_id}/delete`
pub async fn delete(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditWebhooks)?;
    webhooks::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    let to = format!("/console/{}/webhooks?done=webhook-gone", member.tenant.id());
    Ok(Redirect::to(&to).into_response())
}

/// `POST …/deliveries/{delivery_id}/replay`
pub async fn replay(
    State(app): State<App>,
    member: Member,
    Path((_, id, delivery)): Path<(String, String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditWebhooks)?;
    let (id, delivery): (WebhookId, DeliveryId) = (id.parse()?, delivery.parse()?);
    match webhooks::replay(&app, &member.tenant, &member.by, &id, &delivery).await {
        Ok(_) => told(&member, &id, "replayed"),
        Err(error) => show_mistake(&app, &member, &id, error).await,
    }
}
