//! The path itself, from a question to an answer and the record of how it came about.

use std::time::{Duration, Instant};

use models::{ModelError, Turn};

use super::{
    Frame, Live, Question, Source,
    admission::Admission,
    attached,
    chain::{Chain, Link},
    evidence::{self, Evidence},
    follow_up, instructions,
    memory::{self, Memory},
    output::Format,
    policy::{self, Blocked},
    privacy::Mask,
    sources,
    tools::{self, Context, Pending, Word},
    writing::{Ending, Given, Release, Writing},
};
use crate::{
    App, ExecutionId, Result, Tenant,
    billing::{Charge, Credits},
    conversations::{self, Exchange},
    executions::{Claim, Execution, Outcome, Timings, Weighed},
    visitors::Means,
};

/// What stands in the place of a model's name when the day's budget is used up.
pub(super) const PERSON: &str = "contact";

/// What the visitor gets, and how it came about.
pub(super) struct Run {
    pub execution: Execution,
    pub sources: Vec<Source>,
    /// Whether the first model of the chain did not answer.
    pub degraded: bool,
    pending: Option<Pending>,
    /// The model that wrote, whatever became of what it wrote.
    wrote: Option<String>,
}

impl Run {
    pub(super) fn answered(&self) -> bool {
        self.execution.outcome == Outcome::Answered
            || (self.execution.outcome == Outcome::Stopped && !self.execution.output.is_empty())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Answers a question: remember, understand, retrieve, judge, write, hold against the passages, keep.
pub(super) async fn answer(
    app: &App,
    tenant: &Tenant,
    (question, admission): (&Question, Admission),
    live: &Live,
) -> Result<Run> {
    let started = Instant::now();
    let mut run = begin(app, question, live);
    if let Err(error) = fill(app, tenant, (question, &admission), live, &mut run).await {
        // The visitor is told that something went wrong; what went wrong is kept.
        run.execution.outcome = Outcome::Failed;
        run.execution.reason = Some(error.to_string());
        run.execution.timings.total = milliseconds(started.elapsed());
        keep(app, tenant, (question, admission), &mut run).await?;
        return Err(error);
    }
    run.execution.timings.total = milliseconds(started.elapsed());
    live.push(Frame::Sources { sources: run.sources.clone(), spans: run.execution.claims.clone() });
    keep(app, tenant, (question, admission), &mut run).await?;
    Ok(run)
}

fn begin(app: &App, question: &Question, live: &Live) -> Run {
    let now = app.clock.now();
    let execution = Execution {
        id: ExecutionId::new(now, app.entropy),
        agent_id: question.agent.id.clone(),
        message_id: live.id().clone(),
        channel: question.thread.channel,
        agent_version: question.agent.version.clone(),
        input: question.text.trim().to_owned(),
        asked: None,
        output: String::new(),
        output_format: question.format.as_str().to_owned(),
        outcome: Outcome::Answered,
        reason: None,
        confidence: 0.0,
        model: String::new(),
        attempts: Vec::new(),
        passages: Vec::new(),
        tool_calls: Vec::new(),
        claims: Vec::new(),
        tokens_input: 0,
        tokens_output: 0,
        timings: Timings::default(),
        replay_of: question.replay_of.clone(),
        credits: Credits::ZERO,
        cost: 0,
        key_id: question.key.clone(),
        created_at: now,
    };
    Run { execution, sources: Vec::new(), degraded: false, pending: None, wrote: None }
}

async fn fill(
    app: &App,
    tenant: &Tenant,
    (question, admission): (&Question, &Admission),
    live: &Live,
    run: &mut Run,
) -> Result<()> {
    let settings = &question.agent.settings;
    let chain = &admission.chain;
    run.execution.attempts.extend(admission.barred.clone());
    run.degraded = admission.barred.is_some();
    if let Some(told) = confirmed(app, tenant, question).await? {
        return say(question, live, run, (told, "confirmation"), Outcome::Answered);
    }
    if Blocked::new(&settings.guardrails).in_text(&question.text) {
        return refuse(question, live, run, "blocked_word");
    }
    if question.visit.means == Means::Person {
        run.execution.reason = Some("budget".to_owned());
        return say(question, live, run, (settings.fallback_message.clone(), PERSON), Outcome::Fallback);
    }
    live.push(Frame::Status { status: "retrieving".into() });
    let began = Instant::now();
    let history = conversations::history(app, tenant, &question.thread).await?;
    let asked = standalone(app, live, chain, question, &history).await;
    run.execution.timings.history = milliseconds(began.elapsed());

    let began = Instant::now();
    let files = attached::of(app, tenant, question).await?;
    let mut evidence = evidence::gather(app, tenant, settings, (&asked, &files), chain.quotes()).await?;
    run.execution.timings.retrieval = milliseconds(began.elapsed());
    note(run, &evidence, question, asked);
    // Who sends a file asks about it: a model that writes has it before it.
    let has_file = !question.visit.files.is_empty() && !chain.quotes();
    if !has_file && !about_a_topic(app, question, run.execution.asked.as_deref(), &evidence).await? {
        return refuse(question, live, run, "off_topic");
    }
    let sure = has_file || evidence.confidence >= settings.response_config.confidence_threshold;
    let may_call = !chain.quotes() && !settings.tools.is_empty();
    if !sure && !may_call {
        return refuse(question, live, run, "low_confidence");
    }
    live.push(Frame::Status { status: "thinking".into() });
    write(app, tenant, question, live, run, (chain, &mut evidence, memory::of(history), sure)).await
}

/// Does what waited for the visitor's word, if this is a yes; gives what they are told.
async fn confirmed(app: &App, tenant: &Tenant, question: &Question) -> Result<Option<String>> {
    let acts =
        |name: &String| tools::find(name).is_some_and(|tool| tool.asks(&serde_json::Value::Null).is_some());
    if !question.agent.settings.tools.iter().any(acts) {
        return Ok(None);
    }
    let Some(pending) = conversations::take_pending(app, tenant, &question.thread).await? else {
        return Ok(None);
    };
    let pending: Pending = serde_json::from_value(pending)?;
    match (tools::word(&question.text), tools::find(&pending.tool)) {
        (Word::Yes, Some(tool)) => {
            let context = Context { app, tenant, question, found: &mut Vec::new() };
            let told = tool.call(context, &pending.arguments).await;
            Ok(Some(told.unwrap_or_else(|why| format!("That did not work: {why}"))))
        }
        (Word::No, _) => Ok(Some("All right, I will not.".to_owned())),
        _ => Ok(None),
    }
}

/// The question as it can be looked up: one that leans on what was said is made to stand alone.
async fn standalone(app: &App, live: &Live, chain: &Chain, question: &Question, history: &[Turn]) -> String {
    let asked = question.text.trim();
    if !follow_up::leans(asked, history) {
        return asked.to_owned();
    }
    let recent = &history[history.len().saturating_sub(6)..];
    // What is looked up needs the data themselves, which a provider's model may not see.
    let private = question.agent.settings.guardrails.redact_personal_data;
    let rewritten = match chain.0.first().filter(|_| !private) {
        Some(link) => beside(app, live, link, follow_up::by_model(&*link.model, asked, recent)).await,
        None => None,
    };
    rewritten.flatten().unwrap_or_else(|| follow_up::by_rule(asked, history))
}

/// What a model says beside the answer: one that rests is not asked, and nobody waits for it who has stopped the answer.
async fn beside<T>(
    app: &App,
    live: &Live,
    link: &Link,
    said: impl Future<Output = std::result::Result<T, ModelError>>,
) -> Option<T> {
    if !link.admits(app) {
        return None;
    }
    let said = tokio::select! {
        said = said => said,
        () = live.stopped() => return None,
    };
    match &said {
        Ok(_) => link.worked(app),
        Err(error) => link.failed(app, error),
    }
    said.ok()
}

fn note(run: &mut Run, evidence: &Evidence, question: &Question, asked: String) {
    run.execution.confidence = evidence.confidence;
    run.execution.asked = (asked != question.text.trim()).then_some(asked);
    run.execution.passages = evidence
        .found
        .iter()
        .map(|found| Weighed {
            document_id: found.document_id.clone(),
            version: found.version,
            chunk_index: found.ordinal,
            title: found.title.to_string(),
            score: found.score,
            dense: found.dense,
            coverage: found.coverage,
        })
        .collect();
}

async fn about_a_topic(
    app: &App,
    question: &Question,
    asked: Option<&str>,
    evidence: &Evidence,
) -> Result<bool> {
    let rails = &question.agent.settings.guardrails;
    let asked = asked.unwrap_or(question.text.trim());
    let weights = |topic: &str| evidence.index.weights(&retrieval::analyse_query(topic));
    policy::on_topic(app, rails, &[asked], weights).await
}

/// Says that there is no answer, and why only to the record.
fn refuse(question: &Question, live: &Live, run: &mut Run, reason: &str) -> Result<()> {
    let told = question.agent.settings.fallback_message.clone();
    run.execution.reason = Some(reason.to_owned());
    say(question, live, run, (told, "fallback"), Outcome::Fallback)
}

/// Says what no model wrote.
fn say(
    question: &Question,
    live: &Live,
    run: &mut Run,
    (told, model): (String, &str),
    outcome: Outcome,
) -> Result<()> {
    run.execution.output = question.format.wrap(&told, run.execution.confidence);
    live.push(Frame::Token { content: told });
    run.execution.model = model.to_owned();
    run.execution.outcome = outcome;
    Ok(())
}

/// Has the answer written, and holds it against what it was made from.
async fn write(
    app: &App,
    tenant: &Tenant,
    question: &Question,
    live: &Live,
    run: &mut Run,
    (chain, evidence, memory, sure): (&Chain, &mut Evidence, Memory, bool),
) -> Result<()> {
    let rails = &question.agent.settings.guardrails;
    let release = match () {
        () if !sure => Release::Held,
        () if rails.blocked_words.is_empty() && rails.unsupported_sentences == "flag" => Release::Words,
        () => Release::Sentences,
    };
    let began = Instant::now();
    let mut writing = Writing::new(
        (app, tenant, question, live),
        (given(chain, question, memory, evidence), &evidence.index),
        release,
    );
    run.execution.model = writing.write(chain).await?;
    run.wrote = Some(run.execution.model.clone());
    let ending = writing.end().await;
    run.execution.timings.writing = milliseconds(began.elapsed());
    run.execution.timings.first_token = milliseconds(writing.first_token.unwrap_or(began.elapsed()));
    run.execution.attempts.append(&mut writing.attempts);
    run.degraded = !run.execution.attempts.is_empty();
    run.execution.tool_calls = writing.tool_calls.clone();
    run.execution.tokens_input = writing.usage.input.cast_signed();
    run.execution.tokens_output = writing.usage.output.cast_signed();
    match ending {
        Ending::Nothing if writing.dropped => return refuse(question, live, run, "unsupported"),
        Ending::Nothing => return refuse(question, live, run, "low_confidence"),
        Ending::Blocked if writing.text.trim().is_empty() => {
            return refuse(question, live, run, "blocked_word");
        }
        Ending::Blocked => run.execution.reason = Some("blocked_word".into()),
        Ending::Stopped => run.execution.outcome = Outcome::Stopped,
        Ending::Whole => {}
    }
    run.pending = writing.pending.take().map(|(pending, _)| pending);
    let began = Instant::now();
    let claims = writing.grounds().check(app, &writing.text).await;
    run.execution.timings.grounding = milliseconds(began.elapsed());
    run.execution.confidence = if chain.quotes() || !sure {
        confidence(run.execution.confidence, &claims, sure)
    } else {
        let said = claims.iter().filter_map(|claim| claim.citation.as_ref());
        let best =
            said.filter_map(|place| evidence.confidence_in(&writing.found, place)).max_by(f64::total_cmp);
        confidence(best.unwrap_or(run.execution.confidence), &claims, sure)
    };
    if question.agent.settings.response_config.show_sources && !writing.text.trim().is_empty() {
        run.sources = sources::of(&writing.found, &writing.text, &claims);
        keep_to_words(&mut run.sources, &writing.blocked);
    }
    run.execution.claims = claims;
    run.execution.output =
        shaped(app, live, (chain, question), &writing.text, run.execution.confidence).await;
    Ok(())
}

/// Visitors see sources as they see the answer: nothing of them holds a blocked word either.
fn keep_to_words(sources: &mut Vec<Source>, blocked: &Blocked) {
    let heading = |source: &Source| source.heading.as_ref().is_some_and(|heading| blocked.in_text(heading));
    let hit = |source: &Source| blocked.in_text(&source.title) || blocked.in_text(&source.quote);
    sources.retain(|source| !hit(source) && !heading(source));
    for source in sources {
        if blocked.in_text(&source.chunk_preview) {
            source.chunk_preview.clone_from(&source.quote);
        }
    }
}

/// What the models of a chain are given: the request, the passages that may be cited, and what was hidden of both.
fn given(chain: &Chain, question: &Question, memory: Memory, evidence: &mut Evidence) -> Given {
    if !chain.quotes() {
        evidence.widen();
    }
    let mut mask = Mask::default();
    let mut request = instructions::request(question, memory, evidence.passages());
    if question.agent.settings.guardrails.redact_personal_data && !chain.quotes() {
        hide(&mut request, &mut mask);
    }
    // From here on they are the writing's: an open stream holds its passages once, beside the request.
    Given { request, found: std::mem::take(&mut evidence.found), mask }
}

/// How sure an answer is: as sure as its evidence, as far as it keeps to it.
fn confidence(evidence: f64, claims: &[Claim], sure: bool) -> f64 {
    let supported = claims.iter().filter(|claim| claim.supported).count();
    let share = if claims.is_empty() { 1.0 } else { supported as f64 / claims.len() as f64 };
    // What a tool gave was not found among the passages, but it is no less sure.
    if sure { evidence * share } else { evidence.max(0.5 * share) }
}

/// Puts placeholders into all that a model would see.
pub(super) fn hide(request: &mut models::Request, mask: &mut Mask) {
    request.question = mask.hide(&request.question);
    request.instructions = mask.hide(&request.instructions);
    for turn in &mut request.history {
        turn.text = mask.hide(&turn.text);
    }
    for passage in &mut request.passages {
        passage.label = mask.hide(&passage.label);
        // The quotes' places would not fit any more; only the embedded model needs them, and it gets none then.
        let hidden = mask.hide(&passage.text);
        if hidden != *passage.text {
            passage.text = hidden.into();
            passage.quotes.clear();
        }
    }
}

/// The answer in the form that was asked for; a model that missed it is asked once more.
async fn shaped(
    app: &App,
    live: &Live,
    (chain, question): (&Chain, &Question),
    text: &str,
    confidence: f64,
) -> String {
    let format = question.format;
    let error = match format.shape(text) {
        Ok(shaped) => return shaped,
        Err(error) => error,
    };
    if let Some(link) = chain.0.first().filter(|_| matches!(format, Format::Json | Format::Csv)) {
        let settings = &question.agent.settings;
        let mut mask = Mask::default();
        let private = settings.guardrails.redact_personal_data;
        let given = if private { mask.hide(text) } else { text.to_owned() };
        let most = settings.response_config.max_response_length;
        let request = instructions::repair(format, &given, &error, most);
        if let Some((again, _)) = beside(app, live, link, models::complete(&*link.model, &request)).await
            && let again = mask.show(&again)
            && !Blocked::new(&settings.guardrails).in_text(&again)
            && let Ok(shaped) = format.shape(&again)
        {
            return shaped;
        }
    }
    format.wrap(text, confidence)
}

async fn keep(
    app: &App,
    tenant: &Tenant,
    (question, mut admission): (&Question, Admission),
    run: &mut Run,
) -> Result<()> {
    let charge: Option<Charge> = admission.charge(app, question, &mut run.execution, run.wrote.as_deref());
    let execution = &run.execution;
    let exchange = Exchange {
        id: execution.message_id.clone(),
        question: execution.input.clone(),
        answer: execution.output.clone(),
        answered: run.answered(),
        confidence: execution.confidence,
        model: execution.model.clone(),
        degraded: run.degraded,
        agent_version: execution.agent_version.clone(),
        sources: serde_json::to_value(&run.sources)?,
        response_time_ms: execution.timings.total as i64,
        pending: run.pending.as_ref().map(serde_json::to_value).transpose()?,
        visit: question.visit.clone(),
    };
    let kept = conversations::record(app, tenant, &question.thread, exchange, (execution.clone(), charge));
    let charged = Box::pin(kept).await?;
    run.execution.credits = charged;
    run.execution.cost = app.config.tariff.worth(charged);
    admission.kept(&run.execution);
    Ok(())
}
