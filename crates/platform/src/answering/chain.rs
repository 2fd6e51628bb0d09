//! Which models may write an answer, and in which order.

use models::{Extractive, LanguageModel, ModelError, OpenAi};

use crate::{App, Result, Tenant, agents::ModelSettings, providers};

/// The name of the embedded model.
pub(super) const EXTRACTIVE: &str = "extractive";

/// A model of a chain.
pub(super) struct Link {
    /// What tells it from all others, for the breaker.
    pub key: String,
    pub model: Box<dyn LanguageModel>,
}

impl Link {
    /// Whether it may be asked now: one that failed several times rests.
    pub(super) fn admits(&self, app: &App) -> bool {
        app.breakers.admits(&self.key, app.clock.now())
    }

    /// Notes that it answered.
    pub(super) fn worked(&self, app: &App) {
        app.breakers.worked(&self.key);
    }

    /// Notes that it did not.
    pub(super) fn failed(&self, app: &App, error: &ModelError) {
        tracing::warn!(model = self.model.name(), %error, "a model failed; turning to the next");
        metrics::counter!("frontdesk_model_failures_total").increment(1);
        app.breakers.failed(&self.key, app.clock.now());
    }
}

/// Models in the order in which they are asked. Behind them all stands the embedded one.
pub(super) struct Chain(pub Vec<Link>);

impl Chain {
    /// Whether the answer will be quoted and not written.
    pub(super) fn quotes(&self) -> bool {
        self.0.is_empty()
    }
}

/// The chain of an agent; a run may name another first choice. Names that nobody offers fall to the server's own model,
/// so that a client that asks for `gpt-4` is answered whatever stands behind it.
pub(super) async fn of(
    app: &App,
    tenant: &Tenant,
    settings: &ModelSettings,
    wanted: Option<&str>,
) -> Result<Chain> {
    let offered = providers::usable(app, tenant).await?;
    let first = wanted.unwrap_or(&settings.model);
    let mut links: Vec<Link> = Vec::new();
    for name in std::iter::once(first).chain(settings.fallback_models.iter().map(String::as_str)) {
        if name == EXTRACTIVE {
            break;
        }
        let own = offered.iter().find_map(|provider| provider.model(app, name));
        let found = own.or_else(|| servers(app, name)).or_else(|| {
            // Without a model of the server's the workspace's first one stands for all names.
            offered.iter().find_map(|provider| provider.model(app, provider.first()?))
        });
        if let Some((key, model)) = found
            && links.iter().all(|link| link.key != key)
        {
            links.push(Link { key, model });
        }
    }
    Ok(Chain(links))
}

/// The server's model under a name: the one that is mapped to it, else the default one.
fn servers(app: &App, name: &str) -> Option<(String, Box<dyn LanguageModel>)> {
    let mut endpoint = app.config.llm.clone()?;
    if let Some(mapped) = app.config.llm_models.get(name) {
        endpoint.model.clone_from(mapped);
    }
    let key = format!("{} {}", endpoint.base_url, endpoint.model);
    Some((key, Box::new(OpenAi::new(endpoint, app.models.clone()))))
}

/// The embedded model.
pub(super) fn embedded() -> Link {
    Link { key: EXTRACTIVE.into(), model: Box::new(Extractive) }
}
