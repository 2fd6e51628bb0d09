//! Whether a question may be answered, and by which models: what the workspace's plan and credits allow.

use super::{
    Question,
    chain::{self, Chain},
};
use crate::{
    App, Kind, Result, Tenant,
    agents::ModelSettings,
    billing::{self, Charge, Counted, Credits, EXTRACTIVE, Hold, Operation},
    conversations::Channel,
    executions::{Attempt, Execution, Outcome},
    visitors::Means,
};

/// Tokens that a model is given for an answer: instructions, history and passages. What is set aside for a run counts
/// with so many; what it costs is worked out from what was.
const USUAL_INPUT: i64 = 4_000;
/// Characters of a token, where a provider has not said how many there were.
const TOKEN: usize = 4;

/// What a question was let in with.
pub(super) struct Admission {
    pub chain: Chain,
    /// Why the models that the agent names may not be asked.
    pub barred: Option<Attempt>,
    operation: Option<Operation>,
    hold: Hold,
    counted: Counted,
}

/// Lets a question in: counts it against the month's limit and sets its price aside.
///
/// A program whose workspace has no credits left is refused. A visitor is answered all the same, by the embedded
/// model, and that costs nothing then.
///
/// # Errors
/// Payment when a program's workspace has too few credits; limited when the month's messages are used.
pub(super) async fn admit(app: &App, tenant: &Tenant, question: &Question) -> Result<Admission> {
    let settings = &question.agent.settings;
    let chain = affordable(app, tenant, question).await?;
    let operation = match question.thread.channel {
        Channel::Widget => Operation::WidgetMessage,
        Channel::Api => Operation::AgentChat,
        Channel::Execute => Operation::AgentExecute,
        // An agent's makers try it out for nothing.
        Channel::Test => {
            return Ok(Admission {
                chain,
                barred: None,
                operation: None,
                hold: Hold::nothing(),
                counted: Counted::not(),
            });
        }
    };
    let counted = billing::count_message(app, tenant).await.map_err(|error| calm(error, operation))?;
    let admitted =
        |chain, barred, hold| Admission { chain, barred, operation: Some(operation), hold, counted };
    let output = settings.response_config.max_response_length.into();
    match billing::hold(app, tenant, estimate(app, operation, &chain, output)).await {
        Ok(hold) => Ok(admitted(chain, None, hold)),
        Err(error) if error.kind == Kind::Payment && operation == Operation::WidgetMessage => {
            let model = chain.0.first().map_or(EXTRACTIVE, |link| link.model.name()).to_owned();
            let barred = Attempt { model, error: "the workspace has no credits left for it".into() };
            Ok(admitted(Chain(Vec::new()), Some(barred), Hold::nothing()))
        }
        Err(error) => Err(error),
    }
}

/// The models that the day's budget still allows.
async fn affordable(app: &App, tenant: &Tenant, question: &Question) -> Result<Chain> {
    let settings = &question.agent.settings;
    let economy = Some(settings.visitors.economy_model.as_str()).filter(|model| !model.is_empty());
    let last = || settings.model_settings.fallback_models.last().map(String::as_str);
    match question.visit.means {
        Means::Economy => match economy.or_else(last) {
            Some(model) => {
                let only = ModelSettings { model: model.to_owned(), fallback_models: Vec::new() };
                chain::of(app, tenant, &only, None).await
            }
            None => Ok(Chain(Vec::new())),
        },
        Means::Quotes | Means::Person => Ok(Chain(Vec::new())),
        Means::Full => chain::of(app, tenant, &settings.model_settings, question.model.as_deref()).await,
    }
}

/// A visitor is not told what their host has paid for.
fn calm(error: crate::Error, operation: Operation) -> crate::Error {
    if operation != Operation::WidgetMessage || error.kind != Kind::Limited {
        return error;
    }
    crate::Error { message: "Nobody can answer here at the moment. Please come back later.".into(), ..error }
}

/// What a run may cost: as much as the dearest model that may answer it.
fn estimate(app: &App, operation: Operation, chain: &Chain, output: i64) -> Credits {
    let tariff = &app.config.tariff;
    let written =
        chain.0.iter().map(|link| tariff.price(operation, link.model.name()).of(USUAL_INPUT, output));
    let quoted = tariff.price(operation, EXTRACTIVE).of(0, 0);
    written.fold(quoted, Credits::max)
}

impl Admission {
    /// Works out what a run costs that has ended, and writes it on it. `wrote` is the model that wrote the answer.
    pub(super) fn charge(
        &mut self,
        app: &App,
        question: &Question,
        run: &mut Execution,
        wrote: Option<&str>,
    ) -> Option<Charge> {
        // What failed counts nowhere.
        let operation = self.operation.filter(|_| run.outcome != Outcome::Failed)?;
        let model = wrote.unwrap_or(EXTRACTIVE).to_owned();
        run.tokens_output = tokens_output(run, &model);
        let price = match run.outcome {
            // What was stopped before there was a word of it is not paid for.
            Outcome::Stopped if run.output.is_empty() => Credits::ZERO,
            _ => app.config.tariff.price(operation, &model).of(run.tokens_input, run.tokens_output),
        };
        let credits = self.hold.cover(price);
        run.credits = credits;
        run.cost = app.config.tariff.worth(credits);
        Some(Charge {
            operation,
            reference: run.id.as_str().to_owned(),
            agent: Some(run.agent_id.clone()),
            key: question.key.clone(),
            model,
            tokens_input: run.tokens_input,
            tokens_output: run.tokens_output,
            credits,
        })
    }

    /// The run was kept: it counts, and what it cost is gone.
    pub(super) fn kept(mut self, run: &Execution) {
        if run.outcome != Outcome::Failed {
            self.counted.keep();
        }
        self.hold.spent(run.credits);
    }
}

/// The tokens that were made. Of a run that was cut off its provider has mostly not said how many: what is there counts.
fn tokens_output(run: &Execution, model: &str) -> i64 {
    if model == EXTRACTIVE || run.tokens_output > 0 {
        return run.tokens_output;
    }
    i64::try_from(run.output.chars().count().div_ceil(TOKEN)).unwrap_or(i64::MAX)
}
