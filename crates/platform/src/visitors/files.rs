//! Files that visitors attach to a question. Their text is read as that of a document is, in a process of its own, and
//! kept for a day beside the conversation; the files themselves are not.

use std::{fmt, time::Duration};

use ::documents::{ExtractError, Extracted, Section};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::timeout};

use super::store;
use crate::{
    AgentId, App, DocumentId, Error, Result, Tenant, agents::Published, audit::Origin, files, limits::Rate,
};

/// How long a file may take to be read; a visitor waits.
const PATIENCE: Duration = Duration::from_secs(45);
/// Bytes of text that are kept of one.
const MAX_TEXT: usize = 400_000;
/// Files that are looked at for a question: the latest of the conversation.
const LOOKED_AT: i64 = 5;
/// How long they are kept.
const KEPT: TimeDelta = TimeDelta::days(1);
/// Files of a session, and from an address.
const OF_SESSION: Rate = Rate { limit: 10, window: TimeDelta::minutes(10) };
const FROM_ADDRESS: Rate = Rate { limit: 40, window: TimeDelta::minutes(10) };
/// Files that are read at once: each is a process.
static READERS: Semaphore = Semaphore::const_new(2);

/// A file as its visitor sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Attached {
    /// By which a question names it, and an answer cites it.
    pub id: DocumentId,
    /// What its visitor calls it.
    pub name: String,
}

/// A file and what stands in it.
#[derive(Clone, Debug)]
pub(crate) struct AttachedText {
    pub id: DocumentId,
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub content: String,
    pub sections: Vec<Section>,
    pub created_at: DateTime<Utc>,
}

/// Takes in a file of a session and reads it.
///
/// # Errors
/// Forbidden where the agent takes none, too large, of a type it does not take, or without text that can be read.
pub async fn attach<E: fmt::Display>(
    app: &App,
    (tenant, agent): (&Tenant, &Published),
    (session, origin): (&str, &Origin),
    name: &str,
    bytes: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Attached> {
    let settings = &agent.settings.visitors;
    if !settings.attachments {
        return Err(Error::forbidden("This agent takes no files.").with_code("ATTACHMENTS_OFF"));
    }
    let now = app.clock.now();
    let of_session = app.limiter.take(("files of", session), OF_SESSION, now);
    let from_address = app.limiter.take(("files from", origin.bucket()), FROM_ADDRESS, now);
    if !of_session.allowed || !from_address.allowed {
        return Err(Error::limited(of_session.retry_after.max(from_address.retry_after)));
    }
    let id = DocumentId::new(now, app.entropy);
    let file = files::receive(app, tenant, (id.as_str(), name), bytes).await?;
    let read = read(app, tenant, agent, (&id, &file)).await;
    app.blobs.delete(tenant.id().as_str(), id.as_str()).await?;
    let mut read = read?;
    cut(&mut read);
    let row = AttachedText {
        id: id.clone(),
        name: file.name.clone(),
        media_type: read.format.media_type().to_owned(),
        size_bytes: file.size()?,
        content: read.text,
        sections: read.sections,
        created_at: now,
    };
    let mut db = app.db.write().await?;
    store::insert_file(&mut db, tenant, (&agent.id, session), &row).await?;
    db.commit().await?;
    Ok(Attached { id, name: file.name })
}

async fn read(
    app: &App,
    tenant: &Tenant,
    agent: &Published,
    (id, file): (&DocumentId, &files::File),
) -> Result<Extracted> {
    let settings = &agent.settings.visitors;
    let most = i64::from(settings.max_file_mb);
    if file.size()? > most * 1024 * 1024 {
        return Err(Error::too_large(format!("A file has at most {most} MB here.")).with_field("file"));
    }
    let allowed =
        file.format.extensions().iter().any(|ending| settings.file_types.iter().any(|one| one == ending));
    if !allowed {
        let message = format!("This agent reads {}.", settings.file_types.join(", "));
        return Err(Error::unsupported_media(message).with_field("file"));
    }
    let _turn = READERS.acquire().await.map_err(Error::internal)?;
    let unreadable = |message: String| Error::unprocessable(message).with_field("file");
    match timeout(PATIENCE, files::read(app, tenant, (id.as_str(), &file.name), |_| {})).await {
        Err(_) => Err(unreadable("This file takes too long to read. Send a smaller one.".into())),
        Ok(Err(error @ ExtractError::Io(_))) => Err(Error::internal(error)),
        Ok(Err(error)) => Err(unreadable(error.to_string())),
        Ok(Ok(read)) if read.text.trim().is_empty() => Err(unreadable(ExtractError::Empty.to_string())),
        Ok(Ok(read)) => Ok(read),
    }
}

/// Keeps the blocks that fit.
fn cut(read: &mut Extracted) {
    read.sections.retain(|section| section.end <= MAX_TEXT);
    let end = read.sections.last().map_or(0, |section| section.end);
    if read.text.len() > MAX_TEXT {
        read.text.truncate(end);
    }
}

/// The files of a session that a question names.
///
/// # Errors
/// Invalid when there are too many, or one is not the session's.
pub async fn attached(
    app: &App,
    (tenant, agent): (&Tenant, &Published),
    session: &str,
    ids: &[String],
) -> Result<Vec<Attached>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let most = agent.settings.visitors.max_files as usize;
    if ids.len() > most {
        return Err(Error::invalid("file_ids", format!("A question comes with at most {most} files.")));
    }
    let known =
        store::files(&mut app.db.read().await?, tenant, (&agent.id, session), app.clock.now() - KEPT).await?;
    let find = |id: &String| {
        let found = known.iter().find(|(known, _)| known.as_str() == id);
        let missing = || {
            Error::invalid(
                "file_ids",
                "file_ids names a file that is not of this conversation, or was kept no longer. Send it again.",
            )
        };
        found.map(|(id, name)| Attached { id: id.clone(), name: name.clone() }).ok_or_else(missing)
    };
    ids.iter().find_map(|id| find(id).err()).map_or(Ok(()), Err)?;
    ids.iter().map(find).collect()
}

/// What stands in the latest files of a session, latest first.
pub(crate) async fn texts(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    session: &str,
) -> Result<Vec<AttachedText>> {
    store::texts(&mut app.db.read().await?, tenant, (agent, session), app.clock.now() - KEPT, LOOKED_AT).await
}

/// Drops the texts, and the codes of sign-ins, that are kept no longer.
///
/// # Errors
/// What the database says.
pub async fn sweep(app: &App) -> Result<()> {
    let mut db = app.db.write().await?;
    store::drop_old(&mut db, app.clock.now() - KEPT).await?;
    Ok(db.commit().await?)
}
