//! Writes exchanges down, those that end at once in one transaction.

use ::store::Write;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{Channel, Exchange, Thread, store, unanswered::spelling};
use crate::{
    App, ConversationId, Result, Tenant, UnansweredId,
    billing::{self, Charge, Credits},
    events::{self, Fact},
    executions::{self, Execution, Outcome},
    together::{Change, Outcomes},
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

impl Change for Entry {
    /// What was charged.
    type Outcome = Credits;

    fn write<'a>(app: &'a App, entries: &'a [Self]) -> BoxFuture<'a, Result<Outcomes<Self>>> {
        let written = insert(app, entries);
        async move { written.await.map(|charged| charged.into_iter().map(Ok).collect()) }.boxed()
    }
}

/// Writes exchanges down; gives what was charged for each.
async fn insert(app: &App, entries: &[Entry]) -> Result<Vec<Credits>> {
    let now = app.clock.now();
    let mut facts = Vec::new();
    let mut db = app.db.write().await?;
    let mut touched = Vec::with_capacity(entries.len());
    for Entry { tenant, thread, .. } in entries {
        let fresh = ConversationId::new(now, app.entropy);
        touched.push(store::touch(&mut db, tenant, &fresh, thread, now).await?);
    }
    let messages =
        entries.iter().zip(&touched).map(|(e, (conversation, _))| (&e.tenant, conversation, &e.exchange));
    store::insert_messages(&mut db, &messages.collect::<Vec<_>>(), now).await?;
    let runs: Vec<_> = entries.iter().map(|e| (&e.tenant, &e.execution)).collect();
    executions::insert(&mut db, &runs).await?;
    for (entry, (conversation, is_new)) in entries.iter().zip(touched) {
        follow(app, &mut db, (entry, &conversation), now).await?;
        if entry.thread.channel.is_visitors() {
            facts.extend(entry.facts(conversation, is_new).into_iter().map(|fact| (&entry.tenant, fact)));
        }
    }
    events::record_all(app, &mut db, facts.iter().map(|(tenant, fact)| (*tenant, fact))).await?;
    // The accounts come last: they are what other servers wait for.
    let charged = charge(app, &mut db, entries).await?;
    db.commit().await?;
    Ok(charged)
}

/// Writes down what only some exchanges bring with them.
async fn follow(
    app: &App,
    db: &mut Write,
    (entry, conversation): (&Entry, &ConversationId),
    now: DateTime<Utc>,
) -> Result<()> {
    let Entry { tenant, thread, exchange, execution, .. } = entry;
    if exchange.pending.is_some() {
        store::set_pending(db, tenant, thread, exchange.pending.clone()).await?;
    }
    if let Some(contact) = &exchange.visit.contact {
        store::set_contact(db, tenant, thread, contact).await?;
    }
    if let Some(counted_as) = &exchange.visit.counted_as {
        visitors::spend(db, tenant, counted_as, now).await?;
    }
    // What a used-up budget or the visitor left unanswered is no gap in the knowledge.
    let stopped = execution.outcome == Outcome::Stopped;
    let is_gap = !exchange.answered && !stopped && exchange.visit.means != Means::Person;
    if is_gap && thread.channel.is_visitors() {
        let fresh = UnansweredId::new(now, app.entropy);
        // What goes on from an earlier question says nothing by itself.
        let question = execution.asked.as_deref().unwrap_or(&exchange.question);
        let asked = (question, &*spelling(question));
        let id = store::unanswered::count(db, tenant, &fresh, &thread.agent, asked, now).await?;
        store::unanswered::asked_in(db, tenant, &id, conversation).await?;
    }
    Ok(())
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
        let not_found = !exchange.answered && execution.outcome != Outcome::Stopped;
        let not_found = not_found.then(|| Fact::AnswerNotFound {
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
