//! Text to vectors: by the model in the process, by a provider, or not at all.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use ::models::{Connections, OpenAiEmbeddings};
use retrieval::{DIMENSIONS, Embedder};
use tokio::sync::{Semaphore, watch};

use crate::{App, Config, Error, Result};

/// Texts that go to a provider in one request.
const BATCH: usize = 64;
/// Texts that the model in the process takes at once; small, so that a question need not wait for long.
const LOCAL_BATCH: usize = 8;

/// Questions whose vectors are kept: who asks again, and whoever looks at what was asked a moment later, need not wait.
const RECENT: usize = 1_024;

/// Turns text into unit vectors, when there is a model for it.
pub struct Embeddings {
    source: Source,
    /// One question or batch a core at a time: more would only wait for each other.
    cores: Semaphore,
    recent: Mutex<Recent>,
}

/// The questions asked last, and their vectors.
#[derive(Default)]
struct Recent {
    vectors: HashMap<String, Vec<f32>>,
    order: VecDeque<String>,
}

enum Source {
    Provider(OpenAiEmbeddings),
    Local { dirs: Vec<PathBuf>, state: watch::Sender<State> },
}

#[derive(Clone)]
enum State {
    Loading,
    Ready(Option<Arc<Embedder>>),
}

impl Embeddings {
    pub(crate) fn new(config: &Config, connections: Connections) -> Self {
        let source = match &config.embedding {
            Some(endpoint) => Source::Provider(OpenAiEmbeddings::new(endpoint.clone(), connections)),
            None => {
                Source::Local { dirs: config.model_dirs.clone(), state: watch::Sender::new(State::Loading) }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { source, cores: Semaphore::new(cores), recent: Mutex::default() }
    }

    /// Loads the model in the process behind the start; until it is there, whoever needs it waits.
    pub(crate) fn load(&self, app: &App) {
        let Source::Local { dirs, state } = &self.source else { return };
        let (dirs, state) = (dirs.clone(), state.clone());
        app.tasks.spawn_blocking(move || {
            state.send_replace(State::Ready(open(&dirs)));
        });
    }

    /// The model's name; `None` when there is no model.
    pub async fn name(&self) -> Option<String> {
        match &self.source {
            Source::Provider(provider) => Some(provider.model().to_owned()),
            Source::Local { .. } => self.embedder().await.map(|embedder| embedder.name().to_owned()),
        }
    }

    async fn embedder(&self) -> Option<Arc<Embedder>> {
        let Source::Local { state, .. } = &self.source else { return None };
        let mut state = state.subscribe();
        match state.wait_for(|state| matches!(state, State::Ready(_))).await.as_deref() {
            Ok(State::Ready(embedder)) => embedder.clone(),
            _ => None,
        }
    }

    /// The vector of a question; `None` when there is no model.
    ///
    /// # Errors
    /// Upstream when the provider fails.
    pub async fn question(&self, text: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.questions(vec![text.to_owned()]).await?.and_then(|vectors| vectors.into_iter().next()))
    }

    /// The vectors of questions, in order; `None` when there is no model.
    ///
    /// # Errors
    /// Upstream when the provider fails.
    pub async fn questions(&self, texts: Vec<String>) -> Result<Option<Vec<Vec<f32>>>> {
        let known: Vec<Option<Vec<f32>>> = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            texts.iter().map(|text| recent.vectors.get(text).cloned()).collect()
        };
        let unknown = texts.iter().zip(&known).filter(|(_, vector)| vector.is_none());
        let unknown: Vec<String> = unknown.map(|(text, _)| text.clone()).collect();
        if unknown.is_empty() {
            return Ok(Some(known.into_iter().flatten().collect()));
        }
        let Some(made) = self.all(unknown.clone()).await? else { return Ok(None) };
        self.keep(unknown.into_iter().zip(&made));
        let mut made = made.into_iter();
        Ok(Some(known.into_iter().filter_map(|vector| vector.or_else(|| made.next())).collect()))
    }

    fn keep<'a>(&self, made: impl Iterator<Item = (String, &'a Vec<f32>)>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for (text, vector) in made {
            if recent.vectors.insert(text.clone(), vector.clone()).is_none() {
                recent.order.push_back(text);
            }
            if recent.order.len() > RECENT
                && let Some(oldest) = recent.order.pop_front()
            {
                recent.vectors.remove(&oldest);
            }
        }
    }

    /// A vector for each text, in order; `None` when there is no model.
    ///
    /// # Errors
    /// Upstream when the provider fails.
    pub async fn all(&self, texts: Vec<String>) -> Result<Option<Vec<Vec<f32>>>> {
        match &self.source {
            // In a box it does not make the tasks larger of all who may have to ask.
            Source::Provider(provider) => Box::pin(provided(provider, &texts)).await.map(Some),
            Source::Local { .. } => match self.embedder().await {
                Some(embedder) => self.computed(&embedder, texts).await.map(Some),
                None => Ok(None),
            },
        }
    }

    async fn computed(&self, embedder: &Arc<Embedder>, texts: Vec<String>) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut rest = texts.into_iter().peekable();
        while rest.peek().is_some() {
            let batch: Vec<String> = rest.by_ref().take(LOCAL_BATCH).collect();
            let embedder = embedder.clone();
            let _core = self.cores.acquire().await.map_err(Error::internal)?;
            let done = tokio::task::spawn_blocking(move || {
                embedder.embed_batch(&batch.iter().map(String::as_str).collect::<Vec<_>>())
            });
            vectors.extend(done.await.map_err(Error::internal)?);
        }
        Ok(vectors)
    }
}

async fn provided(provider: &OpenAiEmbeddings, texts: &[String]) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        let done = provider.embed(&batch).await.map_err(|error| {
            tracing::warn!(%error, "the provider of embeddings failed");
            Error::upstream("The provider of embeddings failed. Please try again.")
        })?;
        if let Some(other) = done.iter().map(Vec::len).find(|length| *length != DIMENSIONS) {
            tracing::error!(
                expected = DIMENSIONS,
                got = other,
                "the embedding model's vectors do not fit; choose another"
            );
            return Err(Error::upstream(format!(
                "The provider of embeddings gives vectors of {other} numbers; {DIMENSIONS} are needed."
            )));
        }
        vectors.extend(done);
    }
    Ok(vectors)
}

fn open(dirs: &[PathBuf]) -> Option<Arc<Embedder>> {
    let Some(dir) = dirs.iter().find(|dir| dir.is_dir()) else {
        tracing::warn!(
            "no embedding model is installed, so questions are matched by words alone (BM25). Install it with \
             `make model`, or point FRONTDESK_MODEL_DIR to it"
        );
        return None;
    };
    match Embedder::open(dir) {
        Ok(embedder) => {
            tracing::info!(model = embedder.name(), dir = %dir.display(), "the embedding model is loaded");
            Some(Arc::new(embedder))
        }
        Err(error) => {
            tracing::error!(%error, dir = %dir.display(), "the embedding model cannot be used; matching by words alone (BM25)");
            None
        }
    }
}
