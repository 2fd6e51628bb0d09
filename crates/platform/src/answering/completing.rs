//! One request to an agent's models outside of a conversation.

use models::Request;

use super::{chain, privacy::Mask, run};
use crate::{App, Result, Tenant, agents::Settings};

/// Has the agent's chain answer; gives the answer and the name of the model that wrote it. None when the agent has no
/// language model or none of them answers: what is asked for here is had without one, if less well. A provider's model
/// sees no more than the agent's privacy settings allow.
///
/// # Errors
/// What the database says.
pub(crate) async fn complete(
    app: &App,
    tenant: &Tenant,
    settings: &Settings,
    mut request: Request,
) -> Result<Option<(String, String)>> {
    let mut mask = Mask::default();
    if settings.guardrails.redact_personal_data {
        run::hide(&mut request, &mut mask);
    }
    for link in chain::of(app, tenant, &settings.model_settings, None).await?.0 {
        if !app.breakers.admits(&link.key, app.clock.now()) {
            continue;
        }
        match models::complete(&*link.model, &request).await {
            Ok((text, _)) => {
                app.breakers.worked(&link.key);
                return Ok(Some((mask.show(&text), link.model.name().to_owned())));
            }
            Err(error) => {
                tracing::warn!(model = link.model.name(), %error, "a model failed; turning to the next");
                metrics::counter!("frontdesk_model_failures_total").increment(1);
                app.breakers.failed(&link.key, app.clock.now());
            }
        }
    }
    Ok(None)
}
