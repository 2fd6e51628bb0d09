//! Documents.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
};
use http::StatusCode;
use platform::{
    App, CollectionId, DocumentId, Error,
    knowledge::{self, Change, Details, Document, Edit, Filter, Markup, NewDocument, Source, Upload},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{
    Member, PageQuery, Path, Query, Result, arriving, broken_form, line, optional_text, paged, read_on, text,
};

/// Characters of a chunk that a preview shows.
const PREVIEW: usize = 200;
/// Longest title, in characters.
const MAX_TITLE: usize = 300;
/// Longest question of a pair, in characters.
const MAX_QUESTION: usize = 1_000;
/// Longest answer of a pair, in characters.
const MAX_ANSWER: usize = 20_000;
/// Documents that are moved at once.
const MAX_MOVED: usize = 1_000;

/// `POST …/documents`: the file is stored as it arrives, and read by a job.
pub async fn upload_document(
    State(app): State<App>,
    member: Member,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = form.map_err(|_| {
        Error::unsupported_media(
            "Send the document as multipart/form-data with the fields file and collection_id.",
        )
    })?;
    let form = read_form(&app, &member, form).await?;
    Ok(accepted(knowledge::accept(&app, &member.tenant, &member.by, form.0, form.1).await?))
}

/// How a document was taken in. One that waits is told as the documents tell it: it is being processed.
fn accepted((document, change): (Document, Change)) -> (StatusCode, Json<Value>) {
    let (status, message) = match change {
        Change::Created => ("PROCESSING", "Document queued for processing"),
        Change::Updated => ("PROCESSING", "New version queued for processing"),
        Change::Unchanged => (&*document.status, "Unchanged: this is what the document holds already"),
    };
    let answer = json!({
        "id": document.id,
        "title": document.title,
        "status": status,
        "message": message,
    });
    (StatusCode::ACCEPTED, Json(answer))
}

/// The body of a pasted text.
#[derive(Deserialize)]
pub struct TextBody {
    title: String,
    content: String,
    collection_id: String,
    content_type: Option<String>,
}

/// `POST …/documents/text`
pub async fn paste_text(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<TextBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let markup: Markup = body.content_type.as_deref().unwrap_or("text").parse()?;
    let title = line("title", &body.title, MAX_TITLE)?;
    let content = text("content", &body.content.replace('\r', ""), knowledge::MAX_PASTED)?;
    let collection = collection(&body.collection_id)?;
    let pasted = (title, content, markup);
    Ok(accepted(knowledge::paste_text(&app, &member.tenant, &member.by, pasted, collection).await?))
}

/// The body of a question with its answer.
#[derive(Deserialize)]
pub struct QaBody {
    question: String,
    answer: String,
    collection_id: String,
}

/// `POST …/documents/qa`
pub async fn paste_answer(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<QaBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let question = line("question", &body.question, MAX_QUESTION)?;
    let answer = text("answer", &body.answer.replace('\r', ""), MAX_ANSWER)?;
    let collection = collection(&body.collection_id)?;
    let pair = (question, answer);
    Ok(accepted(knowledge::paste_answer(&app, &member.tenant, &member.by, pair, collection).await?))
}

/// A collection that something is to go to, as the body names it.
fn collection(id: &str) -> Result<CollectionId> {
    let id = id.trim();
    if id.is_empty() {
        return Err(Error::invalid("collection_id", "collection_id is missing.").into());
    }
    let unknown =
        |_| Error::invalid("collection_id", "There is no such collection in this workspace. Make one first.");
    Ok(id.parse().map_err(unknown)?)
}

/// Reads the form's fields in whatever order they come. A file that turns out not to be wanted is dropped.
async fn read_form(app: &App, member: &Member, mut form: Multipart) -> Result<(Upload, NewDocument)> {
    let (mut upload, mut collection, mut title) = (None, None, None);
    let read = async {
        while let Some(mut field) = form.next_field().await.map_err(broken_form)? {
            match field.name().unwrap_or_default() {
                "file" if upload.is_none() => {
                    let name = field.file_name().unwrap_or("document").to_owned();
                    let received = knowledge::receive(app, &member.tenant, &name, arriving(&mut field)).await;
                    if received.is_err() {
                        read_on(&mut field).await;
                    }
                    upload = Some(received?);
                }
                "collection_id" => collection = Some(field.text().await.map_err(broken_form)?),
                "title" => title = Some(field.text().await.map_err(broken_form)?),
                _ => {}
            }
        }
        Result::Ok(NewDocument {
            collection: self::collection(collection.as_deref().unwrap_or_default())?,
            title: optional_text("title", title.as_deref(), MAX_TITLE)?,
            source: Source::File,
        })
    };
    let rest = read.await;
    match (upload, rest) {
        (Some(upload), Ok(rest)) => Ok((upload, rest)),
        (Some(upload), Err(error)) => {
            knowledge::discard(app, &member.tenant, upload).await?;
            Err(error)
        }
        (None, Ok(_)) => Err(Error::invalid("file", "file is missing.").into()),
        (None, Err(error)) => Err(error),
    }
}

/// Which documents to list.
#[derive(Deserialize)]
pub struct ListQuery {
    collection_id: Option<String>,
    status: Option<String>,
    search: Option<String>,
}

/// `GET …/documents`
pub async fn list_documents(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let filter = Filter {
        collection: query.collection_id.map(|id| id.parse()).transpose()?,
        status: query.status.map(|status| status.parse()).transpose()?,
        search: query.search.filter(|text| !text.is_empty()),
    };
    let list = knowledge::list(&app, &member.tenant, filter, page.page()?).await?;
    Ok(Json(paged("documents", list, |document| view(&document))))
}

/// `GET …/documents/{document_id}`
pub async fn get_document(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let Details { document, versions, chunks } = knowledge::get(&app, &member.tenant, &id.parse()?).await?;
    let mut answer = view(&document);
    let versions = versions.iter().map(|version| {
        json!({
            "version": version.version,
            "answers": document.version == Some(version.version),
            "file_name": version.file_name,
            "size_bytes": version.size_bytes,
            "media_type": version.media_type,
            "created_at": version.created_at,
        })
    });
    answer["versions"] = versions.collect();
    let previews = chunks.iter().map(|chunk| {
        json!({
            "chunk_index": chunk.ordinal,
            "content_preview": chunk.content.chars().take(PREVIEW).collect::<String>(),
            "token_count": chunk.token_count,
        })
    });
    answer["chunks_preview"] = previews.collect();
    Ok(Json(answer))
}

/// `DELETE …/documents/{document_id}`
pub async fn delete_document(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    knowledge::delete(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(Json(json!({ "success": true, "message": "Document deleted" })))
}

/// `POST …/documents/{document_id}/reprocess`
pub async fn reprocess_document(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>)> {
    let document = knowledge::reprocess(&app, &member.tenant, &member.by, &id.parse()?).await?;
    Ok(queued(&document))
}

fn queued(document: &Document) -> (StatusCode, Json<Value>) {
    let answer = json!({
        "id": document.id,
        "title": document.title,
        "status": document.status,
        "message": "Document queued for processing",
    });
    (StatusCode::ACCEPTED, Json(answer))
}

/// `POST …/documents/{document_id}/versions/{version}/restore`
pub async fn restore_version(
    State(app): State<App>,
    member: Member,
    Path((_, id, version)): Path<(String, String, String)>,
) -> Result<(StatusCode, Json<Value>)> {
    let version = version.parse().map_err(|_| Error::not_found("This document has no such version."))?;
    let document = knowledge::restore(&app, &member.tenant, &member.by, &id.parse()?, version).await?;
    Ok(queued(&document))
}

/// Which version's text is wanted.
#[derive(Deserialize)]
pub struct ContentQuery {
    version: Option<i64>,
}

/// `GET …/documents/{document_id}/content`: what was understood. Places count characters (Unicode scalar values).
pub async fn get_document_content(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<ContentQuery>,
) -> Result<Json<Value>> {
    let (document, content) = knowledge::content(&app, &member.tenant, &id.parse()?, query.version).await?;
    let (mut at, mut chars) = (0, 0);
    let mut position = |byte: usize| {
        // Blocks come in order, so characters are counted once over the whole text.
        chars += content.text[at..byte].chars().count();
        at = byte;
        chars
    };
    let anchors: Vec<Value> = content
        .sections
        .iter()
        .map(|section| {
            json!({
                "start": position(section.start),
                "end": position(section.end),
                "kind": section.kind,
                "page": section.page,
                "heading": section.heading,
                "row": section.row,
                "sheet": section.sheet,
            })
        })
        .collect();
    Ok(Json(json!({
        "id": document.id,
        "title": document.title,
        "version": content.version,
        "text": content.text,
        "anchors": anchors,
        "warnings": content.warnings,
        "media_type": content.media_type,
        "language": content.language,
        "pages": content.pages,
        "created_at": content.created_at,
    })))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct EditBody {
    title: Option<String>,
    collection_id: Option<String>,
}

/// `PATCH …/documents/{document_id}`
pub async fn update_document(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<EditBody>,
) -> Result<Json<Value>> {
    let edit = Edit {
        title: body.title.map(|title| line("title", &title, MAX_TITLE)).transpose()?,
        collection: body.collection_id.map(|id| collection(&id)).transpose()?,
    };
    Ok(Json(view(&knowledge::edit(&app, &member.tenant, &member.by, &id.parse()?, edit).await?)))
}

/// The body of a move.
#[derive(Deserialize)]
pub struct MoveBody {
    document_ids: Vec<String>,
    collection_id: String,
}

/// `POST …/documents/move`
pub async fn move_documents(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<MoveBody>,
) -> Result<Json<Value>> {
    if body.document_ids.is_empty() || body.document_ids.len() > MAX_MOVED {
        let message = format!("document_ids names between 1 and {MAX_MOVED} documents.");
        return Err(Error::invalid("document_ids", message).into());
    }
    let ids: Vec<DocumentId> =
        body.document_ids.iter().map(|id| id.parse()).collect::<platform::Result<_>>()?;
    let collection = collection(&body.collection_id)?;
    let moved = knowledge::move_to(&app, &member.tenant, &member.by, &ids, &collection).await?;
    Ok(Json(json!({ "moved": moved })))
}

fn view(d: &Document) -> Value {
    let error = d.error_code.as_ref().map(|code| json!({ "code": code, "message": d.error_message }));
    json!({
        "id": d.id,
        "collection_id": d.collection_id,
        "title": d.title,
        "source_type": d.source_type,
        "source_url": d.source_url,
        "file_path": format!("/uploads/{}/{}", d.id, d.file_name),
        "file_name": d.file_name,
        "size_bytes": d.size_bytes,
        "media_type": d.media_type,
        "status": d.status,
        "error": error,
        "warnings": d.warnings,
        "progress": { "stage": d.stage, "pages_done": d.pages_done, "pages_total": d.pages_total,
                      "chunks_done": d.chunks_done, "chunks_total": d.chunks_total },
        "language": d.language,
        "version": d.version,
        "chunk_count": d.chunk_count,
        "token_count": d.token_count,
        "created_at": d.created_at,
        "updated_at": d.updated_at,
        "processed_at": d.processed_at,
        "retired_at": d.retired_at,
    })
}
