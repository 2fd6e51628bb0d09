//! The job that makes a document searchable: read its original, cut the text into chunks, embed them, and put
//! all of it in place in one transaction, so that a reader never sees half a document.

use std::{collections::HashMap, time::Duration};

use ::documents::{ExtractError, Extracted, Limits, Progress, worker::Worker};
use retrieval::{ChunkOptions, Section, SectionKind, TermVector};
use tokio::{sync::watch, time::sleep};

use super::{documents::Document, store};
use crate::{App, DocumentId, Error, Result, Tenant, digest, jobs, jobs::Job};

/// How often progress is written down.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// A document that has been read and waits to be put in place.
pub(super) struct Prepared {
    pub version: i64,
    pub content_hash: String,
    pub extracted: Extracted,
    pub chunks: Vec<PreparedChunk>,
    /// The model that the vectors come from.
    pub embedding: Option<String>,
}

/// A chunk with all that is found by.
pub(super) struct PreparedChunk {
    pub ordinal: i64,
    pub content: String,
    pub heading: Option<String>,
    pub page: Option<u32>,
    pub row: Option<u32>,
    pub char_start: i64,
    pub tokens: u32,
    pub terms: TermVector,
    pub vector: Option<Vec<f32>>,
}

/// Does the job. What is wrong with the document ends in its status; what is wrong with us is tried again.
pub(crate) async fn process(app: &App, job: &Job, id: &DocumentId) -> Result<()> {
    let tenant = job.tenant()?;
    let found = store::document(&mut app.db.read().await?, &tenant, id).await?;
    let outcome = match &found {
        Some(document) => prepare(app, &tenant, document).await,
        None => Err(Failure::Gone),
    };
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    // It may have been deleted while it was read, and its file with it.
    let gone = store::document(&mut db, &tenant, id).await?.is_none();
    match outcome {
        _ if gone => {}
        Err(Failure::Gone) => {}
        Ok(prepared) => store::put_version(&mut db, &tenant, id, &prepared, now).await?,
        Err(Failure::Document(error)) => {
            store::set_failed(&mut db, &tenant, id, (error.code(), &error.to_string()), now).await?;
        }
        Err(Failure::Ours(error)) if job.is_last_attempt() => {
            tracing::error!(document = %id, %error, "a document was given up");
            let told =
                "The document could not be processed because of a fault on this server. Reprocess it later.";
            store::set_failed(&mut db, &tenant, id, ("internal", told), now).await?;
        }
        Err(Failure::Ours(error)) => return Err(error),
    }
    jobs::finish(&mut db, job).await?;
    super::indexes::commit(app, db).await
}

enum Failure {
    /// Nobody wants it any more.
    Gone,
    /// The document cannot be read.
    Document(ExtractError),
    /// We failed.
    Ours(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<ExtractError> for Failure {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::Io(_) => Self::Ours(Error::internal(error)),
            other => Self::Document(other),
        }
    }
}

async fn prepare(app: &App, tenant: &Tenant, document: &Document) -> Result<Prepared, Failure> {
    note(app, tenant, document, "extracting", (0, None)).await?;
    let extracted = extract(app, tenant, document).await?;
    let pages = extracted.pages.map(i64::from);
    note(app, tenant, document, "embedding", (pages.unwrap_or(0), pages)).await?;
    let title = document.title.clone();
    let (mut chunks, extracted) = tokio::task::spawn_blocking(move || (cut(&title, &extracted), extracted))
        .await
        .map_err(Error::internal)?;
    let embedding = embed(app, &document.title, &mut chunks).await?;
    let content_hash = digest::sha256(&extracted.text);
    Ok(Prepared { version: document.version.unwrap_or(1), content_hash, extracted, chunks, embedding })
}

async fn note(
    app: &App,
    tenant: &Tenant,
    document: &Document,
    stage: &str,
    pages: (i64, Option<i64>),
) -> Result<()> {
    let mut db = app.db.write().await?;
    store::set_progress(&mut db, tenant, &document.id, stage, pages, app.clock.now()).await?;
    Ok(db.commit().await?)
}

/// Reads the stored original in a process of its own, and writes its progress down meanwhile.
async fn extract(app: &App, tenant: &Tenant, document: &Document) -> Result<Extracted, Failure> {
    let worker = Worker {
        program: app.config.extractor.clone(),
        args: vec!["extract-worker".into()],
        timeout: app.config.extract_timeout,
        memory_bytes: app.config.extract_memory,
        limits: Limits::default(),
    };
    let path = app.blobs.path(tenant.id().as_str(), document.id.as_str());
    let (progress, seen) = watch::channel(Progress { pages_done: 0, pages_total: None });
    let reading = worker.extract(&path, &document.file_name, |now| {
        progress.send_replace(now);
    });
    tokio::select! {
        read = reading => Ok(read?),
        error = write_progress(app, tenant, document, seen) => Err(error.into()),
    }
}

/// Runs until the database fails.
async fn write_progress(
    app: &App,
    tenant: &Tenant,
    document: &Document,
    mut seen: watch::Receiver<Progress>,
) -> Error {
    loop {
        sleep(PROGRESS_EVERY).await;
        if seen.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let now = *seen.borrow_and_update();
        let pages = (i64::from(now.pages_done), now.pages_total.map(i64::from));
        if let Err(error) = note(app, tenant, document, "extracting", pages).await {
            return error;
        }
    }
}

fn cut(title: &str, extracted: &Extracted) -> Vec<PreparedChunk> {
    let text = &extracted.text;
    let sections: Vec<Section<'_>> = extracted.sections.iter().map(section).collect();
    let (mut at, mut chars) = (0, 0);
    retrieval::chunk(text, &sections, &ChunkOptions::default())
        .into_iter()
        .zip(0i64..)
        .map(|(chunk, ordinal)| {
            // Chunks come in order, so characters are counted once over the whole text.
            chars += text[at..chunk.range.start].chars().count() as i64;
            at = chunk.range.start;
            let content = &text[chunk.range.clone()];
            PreparedChunk {
                ordinal,
                char_start: chars,
                terms: retrieval::analyse_passage(title, chunk.heading.as_deref(), content),
                content: content.to_owned(),
                heading: chunk.heading,
                page: chunk.page,
                row: chunk.row,
                tokens: chunk.tokens,
                vector: None,
            }
        })
        .collect()
}

fn section(section: &::documents::Section) -> Section<'_> {
    let kind = match section.kind {
        ::documents::SectionKind::Heading { level } => SectionKind::Heading { level },
        ::documents::SectionKind::Paragraph => SectionKind::Paragraph,
        ::documents::SectionKind::ListItem => SectionKind::ListItem,
        ::documents::SectionKind::TableRow => SectionKind::TableRow,
        ::documents::SectionKind::Code => SectionKind::Code,
    };
    Section {
        range: section.start..section.end,
        kind,
        heading: section.heading.as_deref(),
        page: section.page,
        row: section.row,
    }
}

/// Gives every chunk its vector. A text that several chunks share, such as their heading, is embedded once.
async fn embed(app: &App, title: &str, chunks: &mut [PreparedChunk]) -> Result<Option<String>> {
    let Some(model) = app.embeddings.name().await else { return Ok(None) };
    let mut texts: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let parts: Vec<Vec<usize>> = chunks
        .iter()
        .map(|chunk| {
            let wanted = retrieval::passages_to_embed(title, chunk.heading.as_deref(), &chunk.content);
            let place = |text: String| {
                *places.entry(text.clone()).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                })
            };
            wanted.into_iter().map(place).collect()
        })
        .collect();
    drop(places);
    let Some(vectors) = app.embeddings.all(texts).await? else { return Ok(None) };
    for (chunk, parts) in chunks.iter_mut().zip(parts) {
        let own: Vec<Vec<f32>> = parts.into_iter().map(|part| vectors[part].clone()).collect();
        chunk.vector = Some(retrieval::combine(&own));
    }
    Ok(Some(model))
}
