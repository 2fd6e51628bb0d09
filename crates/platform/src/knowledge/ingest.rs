//! The job that makes a document searchable: read its original, cut the text into chunks, embed them, and put
//! all of it in place in one transaction, so that a reader never sees half a document.

use std::{collections::HashMap, time::Duration};

use ::documents::{ExtractError, Extracted, Progress};
use retrieval::{ChunkOptions, ChunkText, Section, SectionKind, TermVector};
use tokio::{sync::watch, time::sleep};

use super::{
    documents::{Document, DocumentStatus},
    store::{self, Reading},
    versions::Content,
};
use crate::{
    App, DocumentId, Error, Result, Tenant, digest,
    events::{self, Fact},
    files, jobs,
    jobs::Job,
};

/// How often progress is written down.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Texts that are embedded between two notes of progress.
const TEXTS_AT_ONCE: usize = 128;

/// A document that has been read and waits to be put in place.
pub(super) struct Prepared {
    /// The version whose kept text this is; none when the original was read.
    pub version: Option<i64>,
    pub content_hash: String,
    pub text: Text,
    pub chunks: Vec<PreparedChunk>,
    /// The model that the vectors come from.
    pub embedding: Option<String>,
}

/// A document's text as it was understood.
pub(super) struct Text {
    pub text: String,
    pub sections: Vec<::documents::Section>,
    pub warnings: Vec<String>,
    pub media_type: Option<String>,
    pub language: Option<String>,
    pub pages: Option<i64>,
}

impl From<Extracted> for Text {
    fn from(extracted: Extracted) -> Self {
        Self {
            text: extracted.text,
            sections: extracted.sections,
            warnings: extracted.warnings,
            media_type: Some(extracted.format.media_type().to_owned()),
            language: extracted.language,
            pages: extracted.pages.map(i64::from),
        }
    }
}

impl From<Content> for Text {
    fn from(content: Content) -> Self {
        Self {
            text: content.text,
            sections: content.sections,
            warnings: content.warnings,
            media_type: content.media_type,
            language: content.language,
            pages: content.pages,
        }
    }
}

/// A chunk with all that is found by.
pub(super) struct PreparedChunk {
    pub ordinal: i64,
    pub content: String,
    pub heading: Option<String>,
    pub page: Option<u32>,
    pub row: Option<u32>,
    pub sheet: Option<String>,
    pub char_start: i64,
    pub tokens: u32,
    pub terms: TermVector,
    pub vector: Option<Vec<f32>>,
}

impl PreparedChunk {
    pub(super) fn text(&self) -> ChunkText {
        ChunkText {
            content: self.content.as_str().into(),
            char_start: self.char_start,
            tokens: self.tokens,
            heading: self.heading.as_deref().map(Into::into),
            page: self.page.map(i64::from),
            row: self.row.map(i64::from),
            sheet: self.sheet.as_deref().map(Into::into),
        }
    }
}

/// Does the job. What is wrong with the document ends in its status; what is wrong with us is tried again.
pub(crate) async fn process(app: &App, job: &Job, id: &DocumentId, version: Option<i64>) -> Result<()> {
    let tenant = job.tenant()?;
    let found = store::document(&mut app.db.read().await?, &tenant, id).await?;
    let outcome = match &found {
        Some(document) => prepare(app, &tenant, document, version).await,
        None => Err(Failure::Outdated),
    };
    let now = app.clock.now();
    let mut db = app.db.write().await?;
    // It may have been deleted while it was read, or have got another original, which another job reads.
    let present = store::document(&mut db, &tenant, id).await?.filter(|present| {
        present.retired_at.is_none() && found.is_some_and(|found| found.original == present.original)
    });
    let fact = match (outcome, present) {
        (_, None) | (Err(Failure::Outdated), _) => None,
        (Ok(prepared), Some(document)) => {
            store::put_version(&mut db, &tenant, &document, &prepared, now).await?;
            Some(processed(document, Ok(prepared.chunks.len())))
        }
        (Err(Failure::Document(error)), Some(document)) => {
            store::set_failed(&mut db, &tenant, id, (error.code(), &error.to_string()), now).await?;
            Some(processed(document, Err(error.code())))
        }
        (Err(Failure::Ours(error)), Some(document)) if job.is_last_attempt() => {
            tracing::error!(document = %id, %error, "a document was given up");
            let told =
                "The document could not be processed because of a fault on this server. Reprocess it later.";
            store::set_failed(&mut db, &tenant, id, ("internal", told), now).await?;
            Some(processed(document, Err("internal")))
        }
        (Err(Failure::Ours(error)), _) => return Err(error),
    };
    if let Some(fact) = fact {
        events::record(app, &mut db, &tenant, &fact).await?;
    }
    jobs::finish(&mut db, job).await?;
    super::indexes::commit(app, db).await
}

/// That a document was read into so many chunks, or why it could not be.
fn processed(document: Document, read: Result<usize, &str>) -> Fact {
    let status = if read.is_ok() { DocumentStatus::Completed } else { DocumentStatus::Failed };
    Fact::DocumentProcessed {
        document: document.id,
        collection: document.collection_id,
        title: document.title,
        status: status.as_str().to_owned(),
        chunk_count: read.map_or(0, |chunks| chunks as i64),
        error_code: read.err().map(str::to_owned),
    }
}

enum Failure {
    /// Nobody wants it any more.
    Outdated,
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

async fn prepare(
    app: &App,
    tenant: &Tenant,
    document: &Document,
    version: Option<i64>,
) -> Result<Prepared, Failure> {
    note(app, tenant, document, ("extracting", Reading::default())).await?;
    let text = match version {
        Some(_) => {
            let mut db = app.db.read().await.map_err(Error::from)?;
            let kept = store::content(&mut db, tenant, &document.id, version).await?;
            Text::from(kept.ok_or(Failure::Outdated)?)
        }
        None => Text::from(extract(app, tenant, document).await?),
    };
    if text.text.is_empty() {
        return Err(ExtractError::Empty.into());
    }
    let title = document.title.clone();
    let (mut chunks, text) =
        tokio::task::spawn_blocking(move || (cut(&title, (&text.text, &text.sections)), text))
            .await
            .map_err(Error::internal)?;
    let embedding = embed(app, tenant, document, text.pages, &mut chunks).await?;
    Ok(Prepared { version, content_hash: digest::sha256(&text.text), text, chunks, embedding })
}

async fn note(app: &App, tenant: &Tenant, document: &Document, at: (&str, Reading)) -> Result<()> {
    let mut db = app.db.write().await?;
    store::set_progress(&mut db, tenant, &document.id, at, app.clock.now()).await?;
    Ok(db.commit().await?)
}

/// Reads the stored original in a process of its own, and writes its progress down meanwhile.
async fn extract(app: &App, tenant: &Tenant, document: &Document) -> Result<Extracted, Failure> {
    let (progress, seen) = watch::channel(Progress { pages_done: 0, pages_total: None });
    let reading = files::read(app, tenant, (&document.original, &document.file_name), |now| {
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
        let reading = Reading { pages, ..Reading::default() };
        if let Err(error) = note(app, tenant, document, ("extracting", reading)).await {
            return error;
        }
    }
}

/// The first chunks of a text that is no document of the knowledge.
pub(super) fn cut_loose(one: &super::Loose, most: usize) -> Vec<PreparedChunk> {
    let mut chunks = cut(&one.title, (&one.text, &one.sections));
    chunks.truncate(most);
    chunks
}

fn cut(title: &str, (text, blocks): (&str, &[::documents::Section])) -> Vec<PreparedChunk> {
    let sections: Vec<Section<'_>> = blocks.iter().map(section).collect();
    let sheet = |at: usize| {
        let next = blocks.partition_point(|section| section.start <= at);
        blocks.get(next.checked_sub(1)?)?.sheet.clone()
    };
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
                sheet: sheet(at),
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

/// Gives every chunk its vector, and writes down how far it is.
async fn embed(
    app: &App,
    tenant: &Tenant,
    document: &Document,
    pages: Option<i64>,
    chunks: &mut [PreparedChunk],
) -> Result<Option<String>> {
    let Some(model) = app.embeddings.name().await else { return Ok(None) };
    let total = i64::try_from(chunks.len()).ok();
    let pages = (pages.unwrap_or(0), pages);
    let mut done = 0;
    for part in chunks.chunks_mut(TEXTS_AT_ONCE) {
        note(app, tenant, document, ("embedding", Reading { pages, chunks: (done, total) })).await?;
        if !embed_part(app, &document.title, part).await? {
            return Ok(None);
        }
        done += i64::try_from(part.len()).map_err(Error::internal)?;
    }
    Ok(Some(model))
}

/// A text that several chunks share, such as their heading, is embedded once. False when there is no model.
pub(super) async fn embed_part(app: &App, title: &str, chunks: &mut [PreparedChunk]) -> Result<bool> {
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
    let Some(vectors) = app.embeddings.all(texts).await? else { return Ok(false) };
    for (chunk, parts) in chunks.iter_mut().zip(parts) {
        let own: Vec<Vec<f32>> = parts.into_iter().map(|part| vectors[part].clone()).collect();
        chunk.vector = Some(retrieval::combine(&own));
    }
    Ok(true)
}
