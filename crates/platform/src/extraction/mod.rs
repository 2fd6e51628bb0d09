//! Fields out of files, as a JSON Schema asks for them: a file is taken in, a job reads it, and what is not sure enough
//! waits for a person, whose corrections are kept beside what was extracted.

mod corrections;
mod proposal;
mod reading;
mod store;
mod target;

use std::{collections::BTreeMap, fmt};

use ::extraction::{Schema, SchemaError};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde_json::{Value, json};

pub use ::extraction::{Detail, Details, Extraction as Found};
pub use corrections::review;
pub(crate) use reading::process;
pub(crate) use store::files_of;
pub use target::Target;

use crate::{
    Actor, AgentId, App, ContactId, Error, ExtractionId, Page, Paged, Result, Tenant, agents,
    audit::{self, Event},
    files::{self, File},
    jobs::{self, Task},
};

/// How sure a field must be, when nobody says otherwise.
pub const THRESHOLD: f64 = 0.6;
/// Largest schema, in bytes of JSON.
pub const MAX_SCHEMA: usize = 256 * 1024;

/// How far an extraction is.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Waits for a worker.
    Queued,
    /// Is being read.
    Processing,
    /// The fields are there.
    Completed(Found),
    /// The file could not be read.
    Failed {
        /// Why, as a code.
        code: String,
        /// Why, and what to do.
        message: String,
    },
}

impl State {
    /// As the documents write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Processing => "PROCESSING",
            Self::Completed(_) => "COMPLETED",
            Self::Failed { .. } => "FAILED",
        }
    }
}

/// A file and the fields that are wanted of it.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// The extraction, and the name under which its file is stored.
    pub id: ExtractionId,
    /// The agent whose models may help.
    pub agent_id: AgentId,
    /// What the file is called.
    pub file_name: String,
    /// Its bytes.
    pub size_bytes: i64,
    /// What its content turned out to be.
    pub media_type: String,
    /// The JSON Schema of the wanted fields.
    pub schema: Value,
    /// Fields that are less sure wait for a person, 0 to 1.
    pub threshold: f64,
    /// How far it is, and what came out.
    pub state: State,
    /// The language model that proposed values; none when none did.
    pub model: Option<String>,
    /// What was left out or guessed when the file was read.
    pub warnings: Vec<String>,
    /// Whether it waits for a person.
    pub needs_review: bool,
    /// Who looked at it last, and when.
    pub reviewed: Option<(String, DateTime<Utc>)>,
    /// The contact that gets what is found; none when none does.
    pub target: Option<Target>,
    /// What became of it: the contact, or why it could not take the values. Nothing before the values are sure.
    pub saved: Option<Result<ContactId, String>>,
    /// What people put in the place of values, by path.
    pub corrections: BTreeMap<String, Correction>,
    /// Who sent it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a person put in a value's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// What it is to be.
    pub value: Value,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Extraction {
    /// The values by the schema's names, as people have corrected them; none while there are none.
    ///
    /// # Errors
    /// Internal when what is stored does not fit its schema.
    pub fn fields(&self) -> Result<Option<Value>> {
        let Some(found) = self.found() else { return Ok(None) };
        let schema = Schema::parse(&self.schema).map_err(Error::internal)?;
        Ok(Some(corrections::applied(&schema, found, &self.corrections)?))
    }

    /// What the file was found to say, before anybody corrected it.
    pub fn found(&self) -> Option<&Found> {
        match &self.state {
            State::Completed(found) => Some(found),
            _ => None,
        }
    }
}

/// What is wanted of a file.
#[derive(Clone, Debug)]
pub struct Wanted {
    schema: Value,
    threshold: f64,
    target: Option<Target>,
}

impl Wanted {
    /// Whether what is found goes into a contact.
    pub fn has_target(&self) -> bool {
        self.target.is_some()
    }

    /// The fields of a JSON Schema, and how sure they must be.
    ///
    /// # Errors
    /// Invalid, with the place in the schema that is not understood.
    pub fn new(schema: &str, threshold: Option<f64>) -> Result<Self> {
        if schema.len() > MAX_SCHEMA {
            let message = format!("schema is longer than {} KB, its limit.", MAX_SCHEMA / 1024);
            return Err(Error::invalid("schema", message));
        }
        let schema: Value = serde_json::from_str(schema)
            .map_err(|error| Error::invalid("schema", format!("schema is no JSON: {error}.")))?;
        Schema::parse(&schema).map_err(|SchemaError { at, message }| {
            Error::invalid("schema", format!("schema is not understood at {at}: {message}."))
        })?;
        let threshold = threshold.unwrap_or(THRESHOLD);
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Error::invalid("threshold", "threshold is a number from 0 to 1."));
        }
        Ok(Self { schema, threshold, target: None })
    }

    /// The same, and a contact that gets what is found.
    pub fn into_contact(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }
}

/// A file that has arrived whole and waits for what is wanted of it; see [`receive`].
#[derive(Debug)]
pub struct Upload {
    id: ExtractionId,
    file: File,
}

/// Stores a file and looks at what it is, by its content.
///
/// # Errors
/// Too large, broken off, empty, or of a type that is not read here; nothing is kept then.
pub async fn receive<E: fmt::Display>(
    app: &App,
    tenant: &Tenant,
    file_name: &str,
    stream: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Upload> {
    let id = ExtractionId::new(app.clock.now(), app.entropy);
    let file = files::receive(app, tenant, (id.as_str(), file_name), stream).await?;
    Ok(Upload { id, file })
}

/// Drops a file of which nothing is wanted after all.
///
/// # Errors
/// When the disk fails.
pub async fn discard(app: &App, tenant: &Tenant, upload: Upload) -> Result<()> {
    files::remove(app, tenant, &[upload.id.as_str().to_owned()]).await
}

/// Queues the extraction of what is wanted of a file.
///
/// # Errors
/// Not found when the workspace has no such agent, unprocessable when it is full; the file is not kept then.
pub async fn submit(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    (upload, wanted): (Upload, Wanted),
) -> Result<Extraction> {
    match commit(app, tenant, by, agent, (&upload, wanted)).await {
        Ok(extraction) => {
            app.bell.ring();
            Ok(extraction)
        }
        Err(error) => {
            discard(app, tenant, upload).await?;
            Err(error)
        }
    }
}

async fn commit(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    (upload, wanted): (&Upload, Wanted),
) -> Result<Extraction> {
    agents::get(app, tenant, agent).await?;
    let now = app.clock.now();
    let extraction = Extraction {
        id: upload.id.clone(),
        agent_id: agent.clone(),
        file_name: upload.file.name.clone(),
        size_bytes: upload.file.size()?,
        media_type: upload.file.format.media_type().to_owned(),
        schema: wanted.schema,
        threshold: wanted.threshold,
        state: State::Queued,
        model: None,
        warnings: Vec::new(),
        needs_review: false,
        reviewed: None,
        target: wanted.target,
        saved: None,
        corrections: BTreeMap::new(),
        created_by: by.name.clone(),
        created_at: now,
        updated_at: now,
    };
    let mut db = app.db.write().await?;
    if store::count(&mut db, tenant).await? >= app.config.max_documents {
        return Err(Error::unprocessable(format!(
            "This workspace holds {} extractions, which is its limit. Delete some, or ask whoever runs this server to raise FRONTDESK_MAX_DOCUMENTS.",
            app.config.max_documents
        )));
    }
    if let Some(target) = &extraction.target {
        let schema = Schema::parse(&extraction.schema).map_err(Error::internal)?;
        target.check(&mut db, (tenant, agent), &schema).await?;
    }
    store::insert(&mut db, tenant, &extraction).await?;
    let task = Task::ExtractFields { extraction: extraction.id.clone() };
    jobs::enqueue(app, &mut db, Some(tenant.id()), &task).await?;
    let event = Event::new("extraction.created", extraction.id.as_str())
        .with(json!({ "agent_id": agent, "file_name": extraction.file_name }));
    audit::record(app, &mut db, tenant, by, event).await?;
    db.commit().await?;
    Ok(extraction)
}

/// An extraction.
///
/// # Errors
/// Not found when the agent has no such extraction.
pub async fn get(app: &App, tenant: &Tenant, agent: &AgentId, id: &ExtractionId) -> Result<Extraction> {
    store::get(&mut app.db.read().await?, tenant, id)
        .await?
        .filter(|extraction| extraction.agent_id == *agent)
        .ok_or_else(missing)
}

fn missing() -> Error {
    Error::not_found("There is no such extraction.")
}

/// A part of an agent's extractions, latest first; those that wait for a person, or those that do not, or all.
///
/// # Errors
/// Not found when the workspace has no such agent.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    agent: &AgentId,
    needs_review: Option<bool>,
    page: Page,
) -> Result<Paged<Extraction>> {
    agents::get(app, tenant, agent).await?;
    store::list(&mut app.db.read().await?, tenant, agent, needs_review, page).await
}

/// Removes an extraction with its corrections and its file.
///
/// # Errors
/// Not found when the agent has no such extraction.
pub async fn delete(
    app: &App,
    tenant: &Tenant,
    by: &Actor,
    agent: &AgentId,
    id: &ExtractionId,
) -> Result<()> {
    let mut db = app.db.write().await?;
    if store::delete(&mut db, tenant, agent, id).await? == 0 {
        return Err(missing());
    }
    audit::record(app, &mut db, tenant, by, Event::new("extraction.deleted", id.as_str())).await?;
    db.commit().await?;
    files::remove(app, tenant, &[id.as_str().to_owned()]).await
}
