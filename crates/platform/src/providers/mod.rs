//! Providers of language models that a workspace brings itself, with its own keys.

mod store;

use std::{str::FromStr, sync::Arc};

use chrono::{DateTime, Utc};
use models::{Anthropic, Endpoint, LanguageModel, OpenAi, Request, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::{
    Actor, App, Error, Patch, ProviderId, Result, Tenant,
    audit::{self, Event},
};

/// Providers of one workspace.
const MAX_PROVIDERS: usize = 20;
/// Models of one provider.
const MAX_MODELS: usize = 100;

/// Which protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OpenAI's, which Azure, Ollama, vLLM, llama.cpp and many others speak too.
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

impl Kind {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Where it is when nobody says otherwise.
    pub fn usual_address(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "openai" => Ok(Self::OpenAi),
            "anthropic" => Ok(Self::Anthropic),
            _ => Err(Error::invalid("kind", "kind is openai or anthropic.")),
        }
    }
}

/// A model under the name by which agents ask for it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Offered {
    /// As agents name it: `gpt-4`.
    pub name: String,
    /// As the provider names it.
    pub model: String,
}

/// A provider, without its key, which is never shown again.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The provider.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// The protocol.
    pub kind: Kind,
    /// Up to and with the version.
    pub base_url: String,
    /// Whether it has a key.
    pub has_key: bool,
    /// What it offers.
    pub models: Vec<Offered>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A provider that can be asked: with its key.
#[derive(Clone, Debug)]
pub(crate) struct Usable {
    id: ProviderId,
    kind: Kind,
    base_url: String,
    api_key: Option<Secret>,
    models: Vec<Offered>,
}

impl Usable {
    /// The first of the models it offers, under the name agents use.
    pub(crate) fn first(&self) -> Option<&str> {
        self.models.first().map(|offered| offered.name.as_str())
    }

    /// The model that agents know by a name, and what tells it from all others.
    pub(crate) fn model(&self, app: &App, name: &str) -> Option<(String, Box<dyn LanguageModel>)> {
        let offered = self.models.iter().find(|offered| offered.name == name)?;
        let (first_token, total) = app.config.model_times;
        let endpoint = Endpoint {
            base_url: self.base_url.clone(),
            api_key: self.api_key.clone(),
            model: offered.model.clone(),
            first_token,
            total,
        };
        // By the provider's id: another workspace's wrong key must not rest a model for everybody.
        let key = format!("{} {}", self.id, offered.model);
        let connections = app.outbound.connections();
        Some((
            key,
            match self.kind {
                Kind::OpenAi => Box::new(OpenAi::new(endpoint, connections)),
                Kind::Anthropic => Box::new(Anthropic::new(endpoint, connections)),
            },
        ))
    }
}

/// The workspace's providers, as answers need them.
pub(crate) async fn usable(app: &App, tenant: &Tenant) -> Result<Arc<Vec<Usable>>> {
    let read = || async {
        let rows = store::list(&mut app.db.read().await?, tenant).await?;
        let usable = rows.into_iter().map(|row| row.usable(app)).collect::<Result<Vec<_>>>()?;
        Ok(Some(Arc::new(usable)))
    };
    Ok(app.callers.providers.get(tenant, app.clock.now(), read).await?.unwrap_or_default())
}

/// A provider as it is to be.
pub struct NewProvider {
    /// What people call it.
    pub name: String,
    /// The protocol.
    pub kind: Kind,
    /// Where it is; its usual address when absent.
    pub base_url: Option<String>,
    /// Its key, if it wants one.
    pub api_key: Option<Secret>,
    /// What it offers.
    pub models: Vec<Offered>,
}

/// What to change of a provider.
#[derive(Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub base_url: Option<String>,
    /// A new key, or none.
    pub api_key: Patch<Secret>,
    /// What it offers now.
    pub models: Option<Vec<Offered>>,
}

/// The workspace's providers, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<Provider>> {
    let rows = store::list(&mut app.db.read().await?, tenant).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Adds a provider.
///
/// # Errors
/// Invalid, naming the field: an address that may not be reached, models without names, too many.
pub async fn create(app: &App, tenant: &Tenant, by: &Actor, form: NewProvider) -> Result<Provider> {
    let now = app.clock.now();
    let base_url = form.base_url.unwrap_or_else(|| form.kind.usual_address().into());
    let provider = Provider {
        id: ProviderId::new(now, app.entropy),
        name: form.name,
        kind: form.kind,
        base_url: checked_address(app, &base_url).await?,
        has_key: form.api_key.is_some(),
        models: checked_models(form.models)?,
        created_at: now,
        updated_at: now,
    };
    let mut db = app.db.write().await?;
    if store::list(&mut db, tenant).await?.len() >= MAX_PROVIDERS {
        return Err(Error::unprocessable(format!("A workspace has at most {MAX_PROVIDERS} providers.")));
    }
    let sealed = form.api_key.map(|key| seal(app, &provider.id, &key));
    store::insert(&mut db, tenant, &provider, sealed).await?;
    let event = Event::new("provider.created", provider.id.as_str())
        .with(json!({ "name": provider.name, "base_url": provider.base_url }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(provider)
}

/// Changes a provider. A key stays with its address: who changes the address gives the key again.
///
/// # Errors
/// Not found, or as [`create`].
pub async fn update(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    id: &ProviderId,
    change: Change,
) -> Result<Provider> {
    // Before the transaction: a name may take seconds to look up, and nobody else writes meanwhile.
    let address = match &change.base_url {
        Some(address) => Some(checked_address(app, address).await?),
        None => None,
    };
    let mut db = app.db.write().await?;
    let row = store::get(&mut db, tenant, id).await?.ok_or_else(missing)?;
    let mut sealed = row.api_key.clone();
    let mut provider: Provider = row.try_into()?;
    provider.name = change.name.unwrap_or(provider.name);
    if let Some(models) = change.models {
        provider.models = checked_models(models)?;
    }
    let before = provider.base_url.clone();
    provider.base_url = address.unwrap_or(provider.base_url);
    match change.api_key {
        Patch::Set(key) => sealed = Some(seal(app, id, &key)),
        Patch::Clear => sealed = None,
        // Else whoever may change the address could have the key sent to themselves.
        Patch::Keep if sealed.is_some() && provider.base_url != before => {
            return Err(Error::invalid("api_key", "Another address needs the api_key again."));
        }
        Patch::Keep => {}
    }
    provider.has_key = sealed.is_some();
    provider.updated_at = app.clock.now();
    store::update(&mut db, tenant, &provider, sealed).await?;
    let event = Event::new("provider.changed", id.as_str())
        .with(json!({ "name": provider.name, "base_url": provider.base_url }));
    audit::record(app, &mut db, tenant, by, event).await?;
    app.callers.commit(db).await?;
    Ok(provider)
}

/// Removes a provider with its key. Agents that name its models turn to the next of their chain.
///
/// # Errors
/// Not found when the workspace has no such provider.
pub async fn delete(app: &App, tenant: &Tenant, by: &Actor, id: &ProviderId) -> Result<()> {
    let mut db = app.db.write().await?;
    if store::delete(&mut db, tenant, id).await? == 0 {
        return Err(missing());
    }
    audit::record(app, &mut db, tenant, by, Event::new("provider.deleted", id.as_str())).await?;
    app.callers.commit(db).await
}

/// Asks a provider's first model for one word; gives what it said.
///
/// # Errors
/// Not found; upstream with the provider's own words when it does not answer.
pub async fn test(app: &App, tenant: &Tenant, id: &ProviderId) -> Result<String> {
    let row = store::get(&mut app.db.read().await?, tenant, id).await?.ok_or_else(missing)?;
    let usable = row.usable(app)?;
    let name = usable.first().unwrap_or_default().to_owned();
    let (_, model) = usable.model(app, &name).ok_or_else(missing)?;
    let request = Request {
        instructions: "You are being tested.".into(),
        question: "Say OK.".into(),
        max_tokens: 16,
        ..Request::default()
    };
    let said = models::complete(&*model, &request).await;
    Ok(said.map_err(|error| Error::upstream(format!("The provider did not answer: {error}.")))?.0)
}

fn missing() -> Error {
    Error::not_found("There is no such provider.")
}

fn seal(app: &App, id: &ProviderId, key: &Secret) -> String {
    app.secrets.seal(&context(id), key.expose().as_bytes(), app.entropy)
}

/// Where a sealed key belongs.
fn context(id: &ProviderId) -> String {
    format!("model_providers.api_key:{id}")
}

async fn checked_address(app: &App, text: &str) -> Result<String> {
    let url: Url = text.trim().parse().map_err(|_| {
        Error::invalid("base_url", "base_url is an address such as https://api.openai.com/v1.")
    })?;
    app.outbound.check(&url).await.map_err(|error| Error::invalid("base_url", error.to_string()))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn checked_models(models: Vec<Offered>) -> Result<Vec<Offered>> {
    let name = |text: &str| (1..=200).contains(&text.trim().chars().count());
    let named = models.iter().all(|offered| name(&offered.name) && name(&offered.model));
    if models.is_empty() || models.len() > MAX_MODELS || !named {
        let message = format!("models names 1 to {MAX_MODELS} models, each with name and model.");
        return Err(Error::invalid("models", message));
    }
    Ok(models)
}
