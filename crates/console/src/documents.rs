//! What the agents know: collections, uploads, and how far each document has been read.

use askama::Template;
use axum::{
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    response::{IntoResponse, Redirect},
};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use platform::{
    App, CollectionId, DocumentId, Error, Page, Permission,
    knowledge::{self, Collection, Document, DocumentStatus, Filter, NewDocument, Source},
};
use serde::Deserialize;
use web::{Path, Query, text};

use crate::{
    csrf,
    form::{Asked, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, render},
    session::{Member, SESSION, cookie},
};

/// Rows of the table.
const ROWS: i64 = 50;
/// Files of one upload.
const MAX_FILES: usize = 20;
/// Bytes of a field that is not a file.
const SMALL: usize = 4 * 1024;

/// Which rows to show, from 1.
#[derive(Deserialize)]
pub struct Part {
    #[serde(default)]
    page: Option<u32>,
}

/// A document, as its row tells of it.
pub(crate) struct Row(pub Document);

impl Row {
    /// The ending of the file's name, which people know a type by.
    fn kind(&self) -> String {
        let ending = self.0.file_name.rsplit_once('.').map(|(_, ending)| ending.to_uppercase());
        ending.filter(|ending| ending.chars().count() <= 5).unwrap_or_else(|| "File".into())
    }

    fn size(&self) -> String {
        match self.0.size_bytes {
            bytes @ ..1_024 => format!("{bytes} B"),
            bytes @ ..1_048_576 => format!("{} KB", bytes / 1_024),
            bytes => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
        }
    }

    fn is(&self, status: DocumentStatus) -> bool {
        self.0.status == status.as_str()
    }

    fn unfinished(&self) -> bool {
        self.is(DocumentStatus::Queued) || self.is(DocumentStatus::Processing)
    }

    fn status(&self) -> &'static str {
        if self.is(DocumentStatus::Completed) {
            "Ready"
        } else if self.is(DocumentStatus::Failed) {
            "Failed"
        } else if self.is(DocumentStatus::Processing) {
            "Reading"
        } else {
            "Waiting"
        }
    }

    /// What the reading is at.
    fn progress(&self) -> String {
        match (self.0.stage.as_deref(), self.0.pages_total) {
            (Some("embedding"), _) => "Making it searchable".into(),
            (_, Some(total)) => format!("Page {} of {total}", self.0.pages_done),
            (_, None) if self.0.pages_done > 0 => format!("Page {}", self.0.pages_done),
            _ => "Reading the text".into(),
        }
    }

    fn error(&self) -> &str {
        let unknown = "It could not be read. Read it again, or upload it in another format.";
        self.0.error_message.as_deref().unwrap_or(unknown)
    }
}

/// The table alone, which the script fetches while documents are being read.
#[derive(Template)]
#[template(path = "documents_table.html")]
pub(crate) struct Table {
    pub chrome: Chrome,
    pub zone: Zone,
    pub rows: Vec<Row>,
    pub total: i64,
    pub page: i64,
}

impl Table {
    fn unfinished(&self) -> usize {
        self.rows.iter().filter(|row| row.unfinished()).count()
    }

    fn pages(&self) -> i64 {
        (self.total + ROWS - 1) / ROWS
    }
}

#[derive(Template)]
#[template(path = "documents.html")]
pub(crate) struct DocumentsPage {
    pub chrome: Chrome,
    pub table: Table,
    pub collections: Vec<Collection>,
    pub max_bytes: u64,
    pub notice: Option<Notice>,
}

async fn read_table(app: &App, member: &Member, part: &Part) -> platform::Result<Table> {
    let page = i64::from(part.page.unwrap_or(1).max(1));
    let range = Page { limit: ROWS, offset: (page - 1) * ROWS };
    let list = knowledge::list(app, &member.tenant, Filter::default(), range).await?;
    Ok(Table {
        chrome: member.chrome(Area::Documents),
        zone: Zone::of(app, &member.tenant).await?,
        rows: list.items.into_iter().map(Row).collect(),
        total: list.total,
        page,
    })
}

async fn show(app: &App, member: &Member, part: Part, status: StatusCode, notice: Option<Notice>) -> Result {
    let page = DocumentsPage {
        chrome: member.chrome(Area::Documents),
        table: read_table(app, member, &part).await?,
        collections: knowledge::list_collections(app, &member.tenant).await?,
        max_bytes: app.config.max_upload_bytes,
        notice,
    };
    render(status, &page)
}

/// `GET …/documents`
pub async fn page(
    State(app): State<App>,
    member: Member,
    Query(part): Query<Part>,
    Asked(query): Asked,
) -> Result {
    show(&app, &member, part, StatusCode::OK, done(query.get("done"))).await
}

/// `GET …/documents/table`
pub async fn table(State(app): State<App>, member: Member, Query(part): Query<Part>) -> Result {
    render(StatusCode::OK, &read_table(&app, &member, &part).await?)
}

/// `POST …/documents`
pub async fn upload(
    State(app): State<App>,
    member: Member,
    headers: HeaderMap,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    let form = form.map_err(|_| Error::unsupported_media("Send the files with the form of this page."))?;
    match receive(&app, &member, cookie(&headers, SESSION), form).await {
        Ok(()) => Ok(back(&member, "uploaded")),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, Part { page: None }, status, Some(notice)).await
        }
    }
}

/// Takes the files in as they arrive. The form's token and collection stand before them.
async fn receive(
    app: &App,
    member: &Member,
    cookie: Option<&str>,
    mut form: Multipart,
) -> platform::Result<()> {
    let (mut token, mut collection, mut files) = (String::new(), String::new(), 0);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            csrf::FIELD => token = small(field).await?,
            "collection" => collection = small(field).await?,
            "file" if field.file_name().is_some_and(|name| !name.is_empty()) => {
                csrf::check(cookie, &token)?;
                files += 1;
                if files > MAX_FILES {
                    let message = format!("One upload takes at most {MAX_FILES} files; the others arrived.");
                    return Err(Error::unprocessable(message));
                }
                let collection: CollectionId = collection
                    .parse()
                    .map_err(|_| Error::invalid("collection", "Choose a collection for the files."))?;
                let name = field.file_name().unwrap_or_default().to_owned();
                let bytes = futures_util::stream::poll_fn(|cx| field.poll_next_unpin(cx));
                let upload = knowledge::receive(app, &member.tenant, &name, bytes)
                    .await
                    .map_err(|error| named(error, &name))?;
                let form = NewDocument { collection, title: None, source: Source::File };
                knowledge::accept(app, &member.tenant, &member.by, upload, form).await?;
            }
            _ => {}
        }
    }
    if files == 0 { Err(Error::invalid("file", "Choose at least one file.")) } else { Ok(()) }
}

/// Of several files it must be clear which one was refused.
fn named(error: Error, file: &str) -> Error {
    if error.cause.is_some() {
        return error;
    }
    let name: String = file.chars().filter(|c| !c.is_control()).take(80).collect();
    Error { message: format!("{name}: {}", error.message).into(), ..error }
}

/// A field that is not a file; the form as a whole has no limit, so this has.
async fn small(mut field: Field<'_>) -> platform::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > SMALL {
            return Err(Error::too_large("A field of the form is too long."));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::bad_request("A field of the form is not text."))
}

fn broken(_: MultipartError) -> Error {
    Error::bad_request("The upload broke off. Please send the files again.")
}

/// `POST …/collections`
pub async fn create_collection(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::EditKnowledge)?;
    let made = match text("name", fields.get("name"), 100) {
        Ok(name) => knowledge::create_collection(&app, &member.tenant, &member.by, name, None).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => Ok(back(&member, "collection")),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, Part { page: None }, status, Some(notice)).await
        }
    }
}

/// `POST …/documents/{document_id}/delete`
pub async fn delete(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    knowledge::delete(&app, &member.tenant, &member.by, &id.parse::<DocumentId>()?).await?;
    Ok(back(&member, "deleted"))
}

/// `POST …/documents/{document_id}/reprocess`
pub async fn reprocess(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::EditKnowledge)?;
    match knowledge::reprocess(&app, &member.tenant, &member.by, &id.parse::<DocumentId>()?).await {
        Ok(_) => Ok(back(&member, "queued")),
        Err(error) => {
            let (status, notice) = mistake(error)?;
            show(&app, &member, Part { page: None }, status, Some(notice)).await
        }
    }
}

fn back(member: &Member, done: &str) -> axum::response::Response {
    Redirect::to(&format!("/console/{}/documents?done={done}", member.tenant.id())).into_response()
}
