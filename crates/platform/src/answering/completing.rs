//! One request to an agent's models outside of a conversation.

use models::Request;

use super::{chain, privacy::Mask, run};
use crate::{
    AgentId, App, Kind, Result, Tenant,
    agents::Settings,
    billing::{self, Bill, Charge, Credits, Operation},
};

/// Characters of a token, for what is set aside before anybody has counted.
const TOKEN: usize = 3;

/// What a model said.
pub(crate) struct Completed {
    /// Its words.
    pub text: String,
    /// Which it was.
    pub model: String,
    /// What it costs, to be written down with what comes of it.
    pub bill: Bill,
}

/// Has the agent's chain answer. None when the agent has no language model, none of them answers, or the workspace has
/// no credits left for one: what is asked for here is had without, if less well. A provider's model sees no more than
/// the agent's privacy settings allow. `reference` names what it is for.
///
/// # Errors
/// What the database says.
pub(crate) async fn complete(
    app: &App,
    tenant: &Tenant,
    (agent, settings): (&AgentId, &Settings),
    (operation, reference): (Operation, &str),
    mut request: Request,
) -> Result<Option<Completed>> {
    let mut mask = Mask::default();
    if settings.guardrails.redact_personal_data {
        run::hide(&mut request, &mut mask);
    }
    let chain = chain::of(app, tenant, &settings.model_settings, None).await?;
    let price = |model: &str, input, output| app.config.tariff.price(operation, model).of(input, output);
    let most = |model: &str| price(model, size(&request), request.max_tokens.into());
    let need = chain.0.iter().map(|link| most(link.model.name())).fold(Credits::ZERO, Credits::max);
    let hold = match billing::hold(app, tenant, need).await {
        Ok(hold) => hold,
        Err(error) if error.kind == Kind::Payment => return Ok(None),
        Err(error) => return Err(error),
    };
    for link in chain.0 {
        if !link.admits(app) {
            continue;
        }
        let model = link.model.name().to_owned();
        match models::complete(&*link.model, &request).await {
            Ok((text, usage)) => {
                link.worked(app);
                let (input, output) = (usage.input.cast_signed(), usage.output.cast_signed());
                let charge = Charge {
                    operation,
                    reference: reference.to_owned(),
                    agent: Some(agent.clone()),
                    key: None,
                    credits: price(&model, input, output),
                    model: model.clone(),
                    tokens_input: input,
                    tokens_output: output,
                };
                let text = mask.show(&text);
                return Ok(Some(Completed { text, model, bill: Bill::new(hold, charge) }));
            }
            Err(error) => link.failed(app, &error),
        }
    }
    Ok(None)
}

/// About how many tokens a request has.
fn size(request: &Request) -> i64 {
    let passages: usize = request.passages.iter().map(|passage| passage.text.len()).sum();
    i64::try_from((request.instructions.len() + passages) / TOKEN).unwrap_or(i64::MAX)
}
