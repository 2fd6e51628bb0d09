//! Publishable keys: which there are, making one, ending one.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, Error, KeyId, Permission,
    agents::{self, Filter, Listed, Status},
    workspaces::{self, Created, Domain, Key, KeyKind},
};
use serde_json::Value;
use web::{Path, text};

use crate::{
    form::{Asked, Fields, Form},
    overview::{AGENTS, base},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::Member,
};

/// Domains that one key may name.
const MAX_DOMAINS: usize = 100;

#[derive(Template)]
#[template(path = "keys.html")]
pub(crate) struct KeysPage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub base: &'a str,
    pub keys: Vec<Key>,
    pub agents: Vec<Listed>,
    pub made: Option<Created<Key>>,
    pub name: &'a str,
    pub domains: &'a str,
    pub notice: Option<Notice>,
}

impl KeysPage<'_> {
    fn domains_of(&self, key: &Key) -> String {
        match serde_json::to_value(&key.allowed_domains) {
            Ok(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        }
    }
}

/// What a rendering of the page shows besides the keys.
#[derive(Default)]
struct Shown {
    made: Option<Created<Key>>,
    notice: Option<Notice>,
    fields: Fields,
}

async fn show(app: &App, member: &Member, status: StatusCode, shown: Shown) -> Result {
    let published = Filter { status: Some(Status::Published), ..Filter::default() };
    let page = KeysPage {
        chrome: member.chrome(Area::Keys),
        zone: Zone::of(app, &member.tenant).await?,
        base: base(app),
        keys: workspaces::list_keys(app, &member.tenant).await?,
        agents: agents::list(app, &member.tenant, published, AGENTS).await?.items,
        made: shown.made,
        name: shown.fields.get("name"),
        domains: shown.fields.get("domains"),
        notice: shown.notice,
    };
    render(status, &page)
}

/// `GET …/keys`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    show(&app, &member, StatusCode::OK, Shown { notice: done(query.get("done")), ..Shown::default() }).await
}

/// `POST …/keys`: the answer is the only page that ever shows the key.
pub async fn create(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageKeys)?;
    match make(&app, &member, &fields).await {
        Ok(made) => {
            let shown = Shown { made: Some(made), ..Shown::default() };
            show(&app, &member, StatusCode::CREATED, shown).await
        }
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, status, Shown { notice: Some(notice), fields, made: None }).await
        }
    }
}

async fn make(app: &App, member: &Member, fields: &Fields) -> platform::Result<Created<Key>> {
    let name = text("name", fields.get("name"), 100)?;
    let domains = fields.lines("domains");
    if domains.len() > MAX_DOMAINS {
        return Err(Error::invalid("domains", format!("A key has at most {MAX_DOMAINS} domains.")));
    }
    let domains: Vec<Domain> =
        domains.iter().map(|domain| domain.parse()).collect::<platform::Result<_>>()?;
    workspaces::create_key(app, &member.tenant, &member.by, name, domains).await
}

/// `POST …/keys/{key_id}/revoke`
pub async fn revoke(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::ManageKeys)?;
    workspaces::revoke_key(&app, &member.tenant, &member.by, KeyKind::Publishable, &id.parse::<KeyId>()?)
        .await?;
    let target = format!("/console/{}/keys?done=revoked", member.tenant.id());
    Ok(Redirect::to(&target).into_response())
}
