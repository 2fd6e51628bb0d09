//! Has the models of a chain write an answer, with tools, and lets the words out as the agent's policy has it.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use models::{Answer, Call, LanguageModel, ModelError, Piece, Request, Step, Usage};
use tokio::time::sleep;

use super::{
    Frame, Live, Question,
    chain::{self, Chain, Link},
    citations::Filter,
    grounding::{self, Grounds},
    policy::Blocked,
    privacy::{Mask, Unmask},
    tools::{self, Context, Pending},
};
use crate::{
    App, Error, Result, Tenant,
    executions::{Attempt, ToolCall},
    knowledge::Found,
};

/// Pieces of a model's words that are passed on together when they are there together.
const BATCH: usize = 64;
/// Rounds of tools that one answer may take.
const MAX_STEPS: usize = 5;
/// Calls that are done in one round.
const MAX_CALLS: usize = 4;
/// Longest result of a tool that a model is told, in characters.
const MAX_RESULT: usize = 8_000;
/// What a model is told of a call that waits for the visitor's word.
const ASKED: &str = "The visitor is asked whether they want this.";
/// How long a model that was busy is waited for before it is asked once more.
const BEFORE_RETRY: Duration = Duration::from_millis(300);

/// When words are let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// As they come.
    Words,
    /// A sentence at a time, once it was checked.
    Sentences,
    /// At the end, and only when a tool has given something: the passages alone do not answer.
    Held,
}

/// How an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As the model ended it.
    Whole,
    /// By the visitor.
    Stopped,
    /// By a blocked word.
    Blocked,
    /// Nothing may be said of what was written.
    Nothing,
}

/// An answer that is being written.
pub(super) struct Writing<'a> {
    pub app: &'a App,
    pub tenant: &'a Tenant,
    pub question: &'a Question,
    pub live: &'a Live,
    pub request: Request,
    pub index: &'a retrieval::Index,
    /// The passages that may be cited; tools find more.
    pub found: Vec<Found>,
    pub mask: Mask,
    pub blocked: Blocked,
    /// Whether sentences that nothing supports are left out.
    pub drops: bool,
    pub release: Release,

    /// What was let out.
    pub text: String,
    /// What waits to be let out.
    held: String,
    /// Whether a sentence was left out.
    pub dropped: bool,
    blocked_hit: bool,
    pub tool_calls: Vec<ToolCall>,
    pub pending: Option<(Pending, String)>,
    pub attempts: Vec<Attempt>,
    pub usage: Usage,
    started: Instant,
    pub first_token: Option<Duration>,
}

/// What models are given to write from.
pub(super) struct Given {
    pub request: Request,
    /// The passages that may be cited.
    pub found: Vec<Found>,
    /// What was hidden of both.
    pub mask: Mask,
}

/// What a model said and asked for in one go.
struct Round {
    said: String,
    calls: Vec<Call>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        (app, tenant, question, live): (&'a App, &'a Tenant, &'a Question, &'a Live),
        (Given { request, found, mask }, index): (Given, &'a retrieval::Index),
        release: Release,
    ) -> Self {
        let rails = &question.agent.settings.guardrails;
        Self {
            app,
            tenant,
            question,
            live,
            request,
            index,
            found,
            mask,
            blocked: Blocked::new(rails),
            drops: rails.unsupported_sentences == "drop",
            release,
            text: String::new(),
            held: String::new(),
            dropped: false,
            blocked_hit: false,
            tool_calls: Vec::new(),
            pending: None,
            attempts: Vec::new(),
            usage: Usage::default(),
            started: Instant::now(),
            first_token: None,
        }
    }

    /// Asks one model after the other until one has answered; the embedded one always does. Gives its name.
    pub(super) async fn write(&mut self, chain: &Chain) -> Result<String> {
        for link in &chain.0 {
            if !link.admits(self.app) {
                self.gave_up(link, "it failed several times and rests");
                continue;
            }
            let before = self.text.len() + self.held.len();
            let outcome = self.with(link).await;
            let said = self.text.len() + self.held.len() > before || self.pending.is_some();
            match outcome {
                // That somebody stopped waiting for it says nothing of a model.
                Ok(()) if said || self.is_cut() => {
                    if said {
                        link.worked(self.app);
                    }
                    return Ok(link.model.name().to_owned());
                }
                Ok(()) if self.dropped => self.gave_up(link, "no passage supports what it said"),
                // Instructions of an agent can make it so, and others ask the same model.
                Ok(()) => self.gave_up(link, "it gave an empty answer"),
                Err(error) => {
                    link.failed(self.app, &error);
                    self.gave_up(link, &error.to_string());
                }
            }
            self.separate();
        }
        let last = chain::embedded();
        // Its words are the documents' own: there is nothing to wait for and nothing to call.
        self.request.tools.clear();
        if self.release == Release::Held && self.tool_calls.is_empty() {
            return Ok(last.model.name().to_owned());
        }
        self.with(&last).await.map_err(Error::internal)?;
        Ok(last.model.name().to_owned())
    }

    fn gave_up(&mut self, link: &Link, error: &str) {
        self.attempts.push(Attempt { model: link.model.name().to_owned(), error: error.to_owned() });
    }

    /// Words that were shown cannot be taken back; what the next model says is a paragraph of its own.
    fn separate(&mut self) {
        self.held.clear();
        self.request.steps.clear();
        if !self.text.is_empty() {
            self.let_out("\n\n".to_owned());
        }
    }

    /// Has one model answer, round by round while it calls tools.
    async fn with(&mut self, link: &Link) -> Result<(), ModelError> {
        let tools = self.request.tools.clone();
        for step in 0..=MAX_STEPS {
            if step == MAX_STEPS {
                self.request.tools.clear();
            }
            let round = match self.round(&*link.model).await {
                Ok(round) => round,
                Err(error) => {
                    self.request.tools = tools;
                    return Err(error);
                }
            };
            if round.calls.is_empty() || self.is_cut() || step == MAX_STEPS {
                break;
            }
            self.call_tools(round).await;
            if self.pending.is_some() {
                break;
            }
        }
        self.request.tools = tools;
        Ok(())
    }

    fn is_cut(&self) -> bool {
        self.blocked_hit || self.live.is_stopped()
    }

    async fn round(&mut self, model: &dyn LanguageModel) -> Result<Round, ModelError> {
        let live = self.live;
        let pieces = tokio::select! {
            pieces = ask(model, &self.request) => pieces?,
            () = live.stopped() => return Ok(Round { said: String::new(), calls: Vec::new() }),
        };
        self.read(pieces).await
    }

    /// Reads a model's pieces to their end, or until the visitor or a blocked word ends them.
    async fn read(&mut self, pieces: Answer) -> Result<Round, ModelError> {
        let live = self.live;
        let mut filter = self.question.format.cites().then(|| Filter::new(self.found.len()));
        let mut cite = |words: String| match &mut filter {
            Some(filter) => filter.push(&words),
            None => words,
        };
        let mut unmask = Unmask::new(self.mask.clone());
        let mut round = Round { said: String::new(), calls: Vec::new() };
        let (mut used, mut failed) = (Usage::default(), None);
        // What a provider sends at once is passed on at once, a frame a piece: a write to the network and the
        // waking of its task cost more than all else about a token.
        let mut batches = pieces.ready_chunks(BATCH);
        loop {
            let batch = tokio::select! {
                batch = batches.next() => batch,
                () = live.stopped() => None,
            };
            let Some(batch) = batch else { break };
            let mut words = Vec::with_capacity(batch.len());
            for piece in batch {
                match piece {
                    Ok(Piece::Text(piece)) => {
                        self.first_token.get_or_insert_with(|| self.started.elapsed());
                        round.said.push_str(&piece);
                        words.push(cite(unmask.push(&piece)));
                    }
                    Ok(Piece::Call(call)) => round.calls.push(call),
                    Ok(Piece::Usage(usage)) => used = usage,
                    Err(error) => failed = Some(error),
                }
            }
            self.say(words).await;
            if failed.is_some() || self.is_cut() {
                break;
            }
        }
        self.usage.input += used.input;
        self.usage.output += used.output;
        if !self.is_cut() {
            let rest = cite(unmask.finish());
            let end = filter.map(|mut filter| filter.finish());
            self.say(std::iter::once(rest).chain(end).collect()).await;
            if failed.is_none() {
                self.say_rest().await;
            }
        }
        failed.map_or(Ok(round), Err)
    }

    /// Lets words out, or keeps them until they may be.
    async fn say(&mut self, words: Vec<String>) {
        if self.release == Release::Words {
            let words = words.into_iter().filter(|words| !words.is_empty());
            let text = &mut self.text;
            self.live.extend(words.map(|content| {
                text.push_str(&content);
                Frame::Token { content }
            }));
            return;
        }
        self.held.extend(words);
        if self.release == Release::Sentences {
            while let Some(end) = whole_sentence(&self.held) {
                let rest = self.held.split_off(end);
                let sentence = std::mem::replace(&mut self.held, rest);
                self.judge(sentence).await;
            }
        }
    }

    /// Lets the last sentence out.
    async fn say_rest(&mut self) {
        if self.release == Release::Sentences {
            let rest = std::mem::take(&mut self.held);
            self.judge(rest).await;
        }
    }

    async fn judge(&mut self, sentence: String) {
        if self.blocked_hit || sentence.is_empty() {
            return;
        }
        // A phrase may reach over from the sentence before.
        let near = format!("{}{sentence}", last_words(&self.text));
        if self.blocked.in_text(&near) {
            self.blocked_hit = true;
            return;
        }
        // In a box, like what is done once at the end, it takes no room in the tasks of answers that wait for words.
        if self.drops && !Box::pin(self.grounds().says(self.app, sentence.trim())).await {
            self.dropped = true;
            return;
        }
        self.let_out(sentence);
    }

    fn let_out(&mut self, content: String) {
        self.text.push_str(&content);
        self.live.push(Frame::Token { content });
    }

    /// What the answer is held against: the passages, and what tools have given.
    pub(super) fn grounds(&self) -> Grounds<'_> {
        Grounds::new(self.index, &self.found, self.tool_calls.iter().map(|call| call.result.as_str()))
    }

    async fn call_tools(&mut self, round: Round) {
        let mut calls = Vec::new();
        for (n, call) in round.calls.into_iter().enumerate() {
            let result =
                if n < MAX_CALLS { self.call(&call).await } else { "Too many calls at once.".to_owned() };
            calls.push((call, result));
        }
        self.request.steps.push(Step { text: round.said, calls });
    }

    /// Does one call. What comes out is told to the model, hidden like all else.
    async fn call(&mut self, call: &Call) -> String {
        let started = Instant::now();
        self.live.push(Frame::Status { status: call.name.clone().into() });
        let arguments = match serde_json::from_str(&self.mask.show(&call.arguments.to_string())) {
            Ok(arguments) => arguments,
            Err(_) => call.arguments.clone(),
        };
        let allowed = self.question.agent.settings.tools.contains(&call.name);
        let result = match tools::find(&call.name).filter(|_| allowed) {
            None => Err(format!("There is no tool {}.", call.name.chars().take(64).collect::<String>())),
            Some(_) if !arguments.is_object() => Err("The arguments are no JSON object.".to_owned()),
            Some(tool) => match tool.asks(&arguments) {
                Some(Ok(asks)) if self.blocked.in_text(&asks) => {
                    Err("The visitor may not be told this in these words.".to_owned())
                }
                Some(Ok(asks)) => {
                    let pending = Pending { tool: call.name.clone(), arguments: arguments.clone() };
                    self.pending = Some((pending, asks));
                    Ok(ASKED.to_owned())
                }
                Some(Err(why)) => Err(why),
                None => {
                    let context = Context {
                        app: self.app,
                        tenant: self.tenant,
                        question: self.question,
                        found: &mut self.found,
                    };
                    tool.call(context, &arguments).await
                }
            },
        };
        let result: String =
            result.unwrap_or_else(|why| format!("Error: {why}")).chars().take(MAX_RESULT).collect();
        self.tool_calls.push(ToolCall {
            name: call.name.clone(),
            arguments,
            result: result.clone(),
            milliseconds: started.elapsed().as_secs_f64() * 1_000.0,
        });
        self.mask.hide(&result)
    }

    /// Lets out what was held, if it may be, and says how the answer ended.
    pub(super) async fn end(&mut self) -> Ending {
        let gave = |call: &ToolCall| !call.result.starts_with("Error:") && call.result != ASKED;
        let useful = self.tool_calls.iter().any(gave);
        if self.release == Release::Held && useful && !self.live.is_stopped() {
            self.release = Release::Sentences;
            self.say(Vec::new()).await;
            self.say_rest().await;
        }
        // Who stops an answer is asked nothing any more.
        self.pending = self.pending.take().filter(|_| !self.live.is_stopped());
        if let Some((_, asks)) = &self.pending {
            let asks = asks.clone();
            self.separate();
            self.let_out(asks);
        }
        match () {
            () if self.live.is_stopped() => Ending::Stopped,
            () if self.blocked_hit => Ending::Blocked,
            () if self.text.trim().is_empty() => Ending::Nothing,
            () => Ending::Whole,
        }
    }
}

/// Asks a model; once more when it was busy.
async fn ask(model: &dyn LanguageModel, request: &Request) -> Result<Answer, ModelError> {
    match model.answer(request).await {
        Err(error) if error.is_temporary() => {
            sleep(BEFORE_RETRY).await;
            model.answer(request).await
        }
        outcome => outcome,
    }
}

/// The last words of a text, some hundred characters and no part of a word.
fn last_words(text: &str) -> &str {
    let Some((from, _)) = text.char_indices().rev().nth(99) else { return text };
    let within = text[..from].ends_with(char::is_alphanumeric);
    text[from..].trim_start_matches(|c: char| within && c.is_alphanumeric())
}

/// The end of the first sentence, when another one has begun behind it.
fn whole_sentence(text: &str) -> Option<usize> {
    grounding::sentences(text).get(1).map(|next| next.start)
}
