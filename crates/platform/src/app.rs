//! The handle that every verb gets: the database, the clock, and whatever else it may not reach by itself.

use std::{ops::Deref, sync::Arc};

use ::models::Connections;
use store::{Blobs, Db, Objects};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Clock, Config, Entropy, Error, Result,
    analytics::{self, Grouping, Subjects},
    answering::{Breakers, LiveAnswers},
    billing::{self, Meters, Provider, Purses},
    callers::{self, Callers},
    contacts, conversations, events, housekeeping,
    http::{Outbound, Resolver, SystemResolver},
    identity::{Tokens, server_secret},
    jobs::{Bell, run},
    knowledge::{self, Embeddings, Indexes},
    limits::Limiter,
    mail::Mailer,
    secret_box::SecretBox,
    together::Together,
    webhooks,
};

/// Everything a verb needs. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] holds.
pub struct Parts {
    /// How this server is set up.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The database.
    pub db: Db,
    /// Uploaded documents.
    pub blobs: Blobs,
    /// Files of contacts.
    pub objects: Objects,
    /// For HTTP to addresses that the operator has set.
    pub http: reqwest::Client,
    /// To the operator's language models.
    pub(crate) models: Connections,
    /// For HTTP to addresses that users gave.
    pub outbound: Outbound,
    /// Where mails go.
    pub mailer: Mailer,
    /// Signs and checks session tokens.
    pub tokens: Tokens,
    /// Seals secrets that are kept.
    pub(crate) secrets: SecretBox,
    /// What is known of callers.
    pub callers: Callers,
    /// Counts requests and tries.
    pub limiter: Limiter,
    /// Turns text into vectors, when a model is there.
    pub embeddings: Embeddings,
    /// The workspaces' search indexes.
    pub indexes: Indexes,
    /// Writes down what was said.
    pub(crate) recorder: Together<conversations::Entry>,
    /// Writes down new contacts.
    pub(crate) intake: Together<contacts::New>,
    /// Where pages of long lists of contacts begin.
    pub(crate) stretches: contacts::Stretches,
    /// Puts questions together.
    pub(crate) grouping: Grouping,
    /// What questions are about.
    pub(crate) subjects: Subjects,
    /// The models that failed lately.
    pub(crate) breakers: Breakers,
    /// What is set aside of workspaces' credits.
    pub purses: Purses,
    /// Messages of the running month.
    pub meters: Meters,
    /// Who takes the money.
    pub(crate) payments: Box<dyn Provider>,
    /// Answers that are being given or have just been.
    pub live: LiveAnswers,
    /// Wakes the workers.
    pub bell: Bell,
    /// Wakes those who read the event log.
    pub facts: events::Bell,
    /// Wakes who sends to webhooks.
    pub deliveries: Bell,
    /// Everything that runs beside the requests; a stop waits for it.
    pub tasks: TaskTracker,
    /// Set when the server stops: take on nothing new.
    pub stopping: CancellationToken,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the stores and prepares the services that a configuration names. Nothing runs yet: see
    /// [`App::start`].
    ///
    /// # Errors
    /// When a folder, the database or a setting is unusable.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        Self::open_with(config, clock, Arc::new(SystemResolver)).await
    }

    /// [`App::open`] with another resolver of names for what users give; for tests.
    ///
    /// # Errors
    /// When a folder, the database or a setting is unusable.
    pub async fn open_with(config: Config, clock: Clock, resolver: Arc<dyn Resolver>) -> Result<Self> {
        crate::http::install_tls();
        let entropy = Entropy;
        tokio::fs::create_dir_all(&config.data_dir).await.map_err(|e| {
            Error::invalid("FRONTDESK_DATA_DIR", format!("cannot make {}: {e}", config.data_dir.display()))
        })?;
        let db = Db::open(&config.database).await.map_err(|e| {
            Error::invalid("FRONTDESK_DATABASE_URL", format!("the database cannot be opened: {e}"))
        })?;
        let secret = server_secret(&config, entropy)?;
        let authorities = crate::http::authorities(&config)?;
        let models = crate::http::connections(&authorities)?;
        let mailer = match &config.smtp_url {
            Some(url) => Mailer::smtp(url)?,
            None => Mailer::Outbox(config.data_dir.join("outbox")),
        };
        Ok(Self(Arc::new(Parts {
            clock,
            entropy,
            db,
            blobs: Blobs::open(config.data_dir.join("files")).await?,
            objects: Objects::open(
                config.blobs_url.as_deref().map(|url| (url, config.blobs_env.as_slice())),
                &config.data_dir.join("objects"),
            )
            .map_err(|e| {
                Error::invalid("FRONTDESK_BLOBS_URL", format!("the file store cannot be opened: {e}"))
            })?,
            mailer,
            tokens: Tokens::new(&secret),
            secrets: SecretBox::new(&secret),
            callers: Callers::default(),
            limiter: Limiter::default(),
            // Of their own: answers stay long, and would send each of these to another client with idle connections.
            embeddings: Embeddings::new(&config, crate::http::connections(&authorities)?),
            indexes: Indexes::open(&config).await?,
            http: crate::http::client(&authorities)?,
            models,
            outbound: Outbound::new(&config, &authorities, resolver)?,
            recorder: Together::default(),
            intake: Together::default(),
            stretches: contacts::Stretches::default(),
            grouping: Grouping::default(),
            subjects: Subjects::default(),
            breakers: Breakers::default(),
            purses: Purses::default(),
            meters: Meters::default(),
            payments: billing::provider(&config),
            live: LiveAnswers::default(),
            bell: Bell::default(),
            facts: events::Bell::default(),
            deliveries: Bell::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            config,
        })))
    }

    /// Starts what runs beside the requests: the model's loading, the ear for other servers, what is
    /// done from time to time, the job workers, the senders to webhooks. A server without job workers only answers.
    pub fn start(&self) {
        self.start_embeddings();
        self.tasks.spawn(listen(self.clone()));
        self.tasks.spawn(housekeeping::run(self.clone()));
        if self.config.job_workers > 0 {
            self.tasks.spawn(analytics::roll_up(self.clone()));
            self.tasks.spawn(analytics::group(self.clone()));
            self.tasks.spawn(webhooks::fan_out(self.clone()));
            self.tasks.spawn(webhooks::deliver(self.clone()));
        }
        for n in 0..self.config.job_workers {
            let name = format!("{}-{n}", self.entropy.token());
            self.tasks.spawn(run(self.clone(), name));
        }
    }

    /// Loads the embedding model behind the caller's back; whoever needs it waits for it.
    pub fn start_embeddings(&self) {
        self.embeddings.load(self);
    }

    /// Takes on nothing new, then waits for what runs: at most until `patience` ends.
    pub async fn stop(&self, patience: std::time::Duration) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "stopping although not everything has finished");
        }
        if let Err(error) = billing::put_down(self).await {
            tracing::warn!(%error, "credits that are set aside stay so until they lapse");
        }
        self.db.close().await;
    }
}

/// Hears of the changes that other servers make, until the server stops.
async fn listen(app: App) {
    let heard = |channel: &str| match channel {
        callers::CHANNEL => app.callers.forget(),
        knowledge::CHANNEL => knowledge::changed(&app),
        _ => {}
    };
    let listening = app.db.listen(&[callers::CHANNEL, knowledge::CHANNEL], heard);
    app.stopping.run_until_cancelled(listening).await;
}
