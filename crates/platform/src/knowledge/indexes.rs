//! The search indexes of the workspaces: held in memory, shared between requests, kept in step with the
//! database by each workspace's generation, and bounded together.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ::store::{Read, Write};
use retrieval::{About, ChunkRow, ChunkText, DocumentRows, Index, TermVector};

use super::store::{self, IndexedChunk, IndexedDocument, Titled};
use crate::{App, Config, DocumentId, Error, Result, Tenant, WorkspaceId, cache::Cache};

/// The channel on which servers tell each other that something else can be searched.
pub(crate) const CHANNEL: &str = "frontdesk_index";
/// Chunks that are read from the database at once while an index is loaded.
const CHUNKS_AT_ONCE: i64 = 4_000;
/// Documents of one query; each is a bound value.
const DOCUMENTS_AT_ONCE: usize = 500;

/// The indexes in memory. Those that were used least recently leave when all together are too large.
pub struct Indexes {
    spool: PathBuf,
    limit: usize,
    slots: Mutex<HashMap<WorkspaceId, Arc<Slot>>>,
    /// The generations that the database is known to have.
    generations: Cache<WorkspaceId, i64>,
    uses: AtomicU64,
}

#[derive(Default)]
struct Slot {
    /// Held while the index is brought up to date, so that one request does it for all.
    state: tokio::sync::Mutex<Option<Loaded>>,
    last_use: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Clone)]
struct Loaded {
    generation: i64,
    embedding: Option<String>,
    documents: Arc<HashSet<String>>,
    index: Index,
}

impl Indexes {
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let spool = config.data_dir.join("spool");
        tokio::fs::create_dir_all(&spool).await.map_err(Error::internal)?;
        Ok(Self {
            spool,
            limit: config.index_memory,
            slots: Mutex::default(),
            generations: Cache::default(),
            uses: AtomicU64::default(),
        })
    }

    /// An index of nothing, for what is searched once.
    pub(super) fn empty(&self) -> Index {
        Index::new(&self.spool)
    }

    /// The workspace's index as of now.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn get(&self, app: &App, tenant: &Tenant) -> Result<Index> {
        let slot = self.slots().entry(tenant.id().clone()).or_default().clone();
        slot.last_use.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let embedding = app.embeddings.name().await;
        let generation = self.generation(app, tenant).await?;
        let mut state = slot.state.lock().await;
        let current = state.as_ref().is_some_and(|l| l.generation >= generation && l.embedding == embedding);
        if !current {
            let old = state.take().filter(|loaded| loaded.embedding == embedding);
            let loaded = self.load(&mut app.db.read().await?, tenant, old, generation, embedding).await?;
            slot.bytes.store(loaded.index.memory_bytes() as u64, Ordering::Relaxed);
            *state = Some(loaded);
            self.make_room(tenant.id());
        }
        let index = state.as_ref().map(|loaded| loaded.index.clone());
        Ok(index.unwrap_or_else(|| Index::new(&self.spool)))
    }

    async fn generation(&self, app: &App, tenant: &Tenant) -> Result<i64> {
        let read = || async { store::generation(&mut app.db.read().await?, tenant).await.map(Some) };
        Ok(self.generations.get(tenant.id(), app.clock.now(), read).await?.unwrap_or_default())
    }

    /// Has the generations be read again.
    pub(crate) fn forget_generations(&self) {
        self.generations.forget();
    }

    /// Brings what was loaded up to a generation. The generation was read before the rows, so rows that are
    /// newer still are read again next time, which changes nothing.
    async fn load(
        &self,
        db: &mut Read,
        tenant: &Tenant,
        old: Option<Loaded>,
        generation: i64,
        embedding: Option<String>,
    ) -> Result<Loaded> {
        let documents = store::indexed_documents(db, tenant).await?;
        let present: HashSet<String> = documents.iter().map(|d| d.id.as_str().to_owned()).collect();
        let (since, mut index, known) = match old {
            Some(old) => (old.generation, old.index, old.documents),
            None => (-1, Index::new(&self.spool), Arc::default()),
        };
        let mut removed: Vec<String> = known.difference(&present).cloned().collect();
        let changed: Vec<&IndexedDocument> =
            documents.iter().filter(|d| d.indexed_generation > since).collect();
        for batch in batches(&changed) {
            let chunks = store::indexed_chunks(db, tenant, batch).await?;
            let titles = store::titles(db, tenant, batch).await?;
            let rows = rows(batch, (chunks, titles), embedding.as_deref())?;
            let gone = std::mem::take(&mut removed);
            let base = index;
            index = blocking(move || base.with(rows, &gone)).await?;
        }
        if !removed.is_empty() {
            let base = index;
            index = blocking(move || base.with(Vec::new(), &removed)).await?;
        }
        Ok(Loaded { generation, embedding, documents: Arc::new(present), index })
    }

    /// Lets go of the indexes that were used least recently, until the rest fit; never of the one in hand.
    fn make_room(&self, keep: &WorkspaceId) {
        let mut slots = self.slots();
        loop {
            let total: u64 = slots.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
            metrics::gauge!("frontdesk_index_bytes").set(total as f64);
            if total <= self.limit as u64 {
                return;
            }
            let oldest = slots
                .iter()
                .filter(|(id, _)| *id != keep)
                .min_by_key(|(_, slot)| slot.last_use.load(Ordering::Relaxed))
                .map(|(id, _)| id.clone());
            match oldest {
                Some(id) => slots.remove(&id),
                None => return,
            };
        }
    }

    /// Lets go of a workspace's index.
    pub(crate) fn forget(&self, workspace: &WorkspaceId) {
        self.slots().remove(workspace);
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits a change of which documents there are or what of them can be searched.
///
/// # Errors
/// What the database says.
pub(super) async fn commit(app: &App, mut db: Write) -> Result<()> {
    db.announce(CHANNEL).await?;
    db.commit().await?;
    changed(app);
    Ok(())
}

/// Forgets what depends on which documents there are.
pub(crate) fn changed(app: &App) {
    app.indexes.forget_generations();
    app.callers.forget_lists();
}

async fn blocking(work: impl FnOnce() -> std::io::Result<Index> + Send + 'static) -> Result<Index> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::internal)
}

/// Cuts a list of documents so that each part has some thousand chunks.
fn batches<'a>(documents: &'a [&'a IndexedDocument]) -> impl Iterator<Item = &'a [&'a IndexedDocument]> {
    let mut rest = documents;
    std::iter::from_fn(move || {
        let mut chunks = 0;
        let take = rest
            .iter()
            .take(DOCUMENTS_AT_ONCE)
            .take_while(|document| {
                let room = chunks < CHUNKS_AT_ONCE;
                chunks += document.chunk_count;
                room
            })
            .count();
        let (batch, after) = rest.split_at(take);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

fn rows(
    documents: &[&IndexedDocument],
    (chunks, titles): (Vec<IndexedChunk>, Vec<Titled>),
    embedding: Option<&str>,
) -> Result<Vec<DocumentRows>> {
    let mut by_document: HashMap<String, Vec<ChunkRow>> = HashMap::new();
    let about = |titled: Titled| {
        let (title, source_url) = (titled.title.into(), titled.source_url.map(Into::into));
        (titled.id, About { title, source_url })
    };
    let mut abouts: HashMap<DocumentId, About> = titles.into_iter().map(about).collect();
    let usable: HashSet<&str> = documents
        .iter()
        .filter(|document| document.embedding.is_some() && document.embedding.as_deref() == embedding)
        .map(|document| document.id.as_str())
        .collect();
    for chunk in chunks {
        let id = chunk.document_id.as_str();
        let terms = TermVector::decode(&chunk.terms)
            .map_err(|e| Error::internal(format!("chunks.terms of {id}, {}: {e}", chunk.ordinal)))?;
        let vector = chunk.vector.filter(|_| usable.contains(id)).map(|bytes| store::decode_vector(&bytes));
        by_document.entry(id.to_owned()).or_default().push(ChunkRow {
            ordinal: chunk.ordinal,
            terms,
            vector,
            text: Some(ChunkText {
                content: chunk.content.into(),
                char_start: chunk.char_start,
                tokens: u32::try_from(chunk.token_count).unwrap_or(u32::MAX),
                heading: chunk.heading.map(Into::into),
                page: chunk.page,
                row: chunk.row_number,
                sheet: chunk.sheet.map(Into::into),
            }),
        });
    }
    Ok(documents
        .iter()
        .map(|document| DocumentRows {
            document_id: document.id.as_str().to_owned(),
            collection_id: document.collection_id.as_str().to_owned(),
            version: document.version,
            about: abouts.remove(&document.id).unwrap_or_default(),
            chunks: by_document.remove(document.id.as_str()).unwrap_or_default(),
        })
        .collect())
}
