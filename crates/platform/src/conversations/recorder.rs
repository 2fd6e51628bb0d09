//! Writes exchanges down. Those that end while another is being written go into one transaction together: a busy
//! server has one commit for many answers.

use std::sync::{Mutex, PoisonError};

use ::store::Write;
use tokio::sync::oneshot;

use super::{Channel, Exchange, Thread, store, unanswered::spelling};
use crate::{
    App, ConversationId, Error, Result, Tenant, UnansweredId,
    billing::{self, Charge, Credits},
    events::{self, Fact},
    executions::{self, Execution, Outcome},
    visitors::{self, Means},
};

/// An exchange and where it belongs.
pub(crate) struct Entry {
    pub(crate) tenant: Tenant,
    pub(crate) thread: Thread,
    pub(crate) exchange: Exchange,
    pub(crate) execution: Execution,
    /// What it costs; none for what costs nothing and is not counted.
    pub(crate) charge: Option<Charge>,
}

type Waiting = (Entry, oneshot::Sender<Result<Credits>>);

/// The queue before the one who writes.
#[derive(Default)]
pub struct Recorder {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

impl Recorder {
    /// Keeps an exchange and gives what was charged for it; whoever gets the turn writes for all that wait.
    pub(crate) async fn record(&self, app: &App, entry: Entry) -> Result<Credits> {
        let (done, mut outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((entry, done));
        let turn = self.turn.lock().await;
        if let Ok(outcome) = outcome.try_recv() {
            return outcome;
        }
        let batch = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        write(app, batch).await;
        drop(turn);
        outcome.try_recv().map_err(Error::internal)?
    }
}

/// Writes all in one transaction; if that fails, each in its own, so that one cannot spoil the others.
async fn write(app: &App, batch: Vec<Waiting>) {
    let (entries, done): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let outcomes = match insert(app, &entries).await {
        Ok(charged) => charged.into_iter().map(Ok).collect(),
        Err(error) if entries.len() <= 1 => vec![Err(error)],
        Err(_) => {
            let mut outcomes = Vec::with_capacity(entries.len());
            for entry in &entries {
                outcomes.push(
                    insert(app, std::slice::from_ref(entry)).await.map(|charged| charged.into_iter().sum()),
                );
            }
            outcomes
        }
    };
    for (outcome, done) in outcomes.into_iter().zip(done) {
        // Nobody waits any more when the server is being stopped.
        let _ = done.send(outcome);
    }
}

/// Writes exchanges down; gives what was charged for each.
async fn insert(app: &App, entries: &[Entry]) -> Result<Vec<Credits>> {
    let now = app.clock.now();
    let mut facts = Vec::new();
    let mut db = app.db.write().await?;
    for entry in entries {
        let Entry { tenant, thread, exchange, execution, .. } = entry;
        let fresh = ConversationId::new(now, app.entropy);
        let (conversation, is_new) = store::touch(&mut db, tenant, &fresh, thread, now).await?;
        store::insert_message(&mut db, tenant, &conversation, exchange, now).await?;
        executions::insert(&mut db, tenant, execution).await?;
        if exchange.pending.is_some() {
            store::set_pending(&mut db, tenant, thread, exchange.pending.clone()).await?;
        }
        if let Some(contact) = &exchange.visit.contact {
            store::set_contact(&mut db, tenant, thread, contact).await?;
        }
        if let Some(counted_as) = &exchange.visit.counted_as {
            visitors::spend(&mut db, tenant, counted_as, now).await?;
        }
        // What a used-up budget left unanswered is no gap in the knowledge.
        if !exchange.answered && exchange.visit.means != Means::Person && thread.channel.is_visitors() {
            let fresh = UnansweredId::new(now, app.entropy);
            // What goes on from an earlier question says nothing by itself.
            let question = execution.asked.as_deref().unwrap_or(&exchange.question);
            let asked = (question, &*spelling(question));
            let id = store::unanswered::count(&mut db, tenant, &fresh, &thread.agent, asked, now).await?;
            store::unanswered::asked_in(&mut db, tenant, &id, &conversation).await?;
        }
        if thread.channel.is_visitors() {
            facts.extend(entry.facts(conversation, is_new).into_iter().map(|fact| (tenant, fact)));
        }
    }
    events::record_all(app, &mut db, facts.iter().map(|(tenant, fact)| (*tenant, fact))).await?;
    // The accounts come last: they are what other servers wait for.
    let charged = charge(app, &mut db, entries).await?;
    db.commit().await?;
    Ok(charged)
}

/// Takes what runs cost; gives what was charged for each.
async fn charge(app: &App, db: &mut Write, entries: &[Entry]) -> Result<Vec<Credits>> {
    let places: Vec<usize> = (0..entries.len()).filter(|n| entries[*n].charge.is_some()).collect();
    let charges: Vec<(&Tenant, &Charge)> =
        places.iter().filter_map(|n| Some((&entries[*n].tenant, entries[*n].charge.as_ref()?))).collect();
    let mut charged = vec![Credits::ZERO; entries.len()];
    for (n, amount) in places.into_iter().zip(billing::charge(app, db, &charges).await?) {
        charged[n] = amount;
        let Entry { tenant, execution, .. } = &entries[n];
        if amount != execution.credits {
            let cost = app.config.tariff.worth(amount);
            executions::set_credits(db, tenant, &execution.id, amount, cost).await?;
        }
    }
    Ok(charged)
}

impl Entry {
    /// What an exchange makes true.
    fn facts(&self, conversation: ConversationId, is_new: bool) -> Vec<Fact> {
        let Self { thread, exchange, execution, .. } = self;
        let (agent, channel) = (thread.agent.clone(), thread.channel);
        let started = is_new.then(|| Fact::ConversationStarted {
            conversation: conversation.clone(),
            agent: agent.clone(),
            channel,
            session: thread.session.clone(),
            page_url: thread.page_url.clone(),
        });
        let received = Fact::MessageReceived {
            message: exchange.id.clone(),
            conversation: conversation.clone(),
            agent: agent.clone(),
            channel,
            question: exchange.question.clone(),
            asked: execution.asked.clone(),
            answer: exchange.answer.clone(),
            answered: exchange.answered,
            confidence: exchange.confidence,
            model: exchange.model.clone(),
            degraded: exchange.degraded,
            tokens: execution.tokens_input + execution.tokens_output,
            response_time_ms: exchange.response_time_ms,
        };
        let not_found = (!exchange.answered).then(|| Fact::AnswerNotFound {
            message: exchange.id.clone(),
            conversation,
            agent: agent.clone(),
            channel,
            question: exchange.question.clone(),
            confidence: exchange.confidence,
            // Why a run failed is for its makers, not for whoever is told of it.
            reason: execution.reason.clone().filter(|_| execution.outcome != Outcome::Failed),
        });
        let executed = matches!(channel, Channel::Api | Channel::Execute).then(|| Fact::Executed {
            execution: execution.id.clone(),
            agent,
            channel,
            outcome: execution.outcome.as_str().to_owned(),
            model: execution.model.clone(),
            tokens_input: execution.tokens_input,
            tokens_output: execution.tokens_output,
            execution_time_ms: exchange.response_time_ms,
        });
        started.into_iter().chain([received]).chain(not_found).chain(executed).collect()
    }
}
