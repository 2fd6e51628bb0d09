//! Documents.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
};
use http::StatusCode;
use platform::{
    App, CollectionId, Error,
    knowledge::{self, Details, Document, Filter, NewDocument, Upload},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, optional_text, paged};

/// Characters of a chunk that a preview shows.
const PREVIEW: usize = 200;

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
    let document = knowledge::accept(&app, &member.tenant, &member.by, form.0, form.1).await?;
    let answer = json!({
        "id": document.id,
        "title": document.title,
        "status": "PROCESSING",
        "message": "Document queued for processing",
    });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Reads the form's fields in whatever order they come. A file that turns out not to be wanted is dropped.
async fn read_form(app: &App, member: &Member, mut form: Multipart) -> Result<(Upload, NewDocument)> {
    let (mut upload, mut collection, mut title) = (None, None, None);
    let read = async {
        while let Some(mut field) = form.next_field().await.map_err(broken)? {
            match field.name().unwrap_or_default() {
                "file" if upload.is_none() => {
                    let name = field.file_name().unwrap_or("document").to_owned();
                    let bytes = futures_util::stream::poll_fn(|cx| {
                        futures_util::StreamExt::poll_next_unpin(&mut field, cx)
                    });
                    let received = knowledge::receive(app, &member.tenant, &name, bytes).await;
                    if received.is_err() {
                        // A client that is still sending would miss the answer; the body's limit bounds this.
                        while let Ok(Some(_)) = field.chunk().await {}
                    }
                    upload = Some(received?);
                }
                "collection_id" => collection = Some(field.text().await.map_err(broken)?),
                "title" => title = Some(field.text().await.map_err(broken)?),
                _ => {}
            }
        }
        let collection = collection.as_deref().map(str::trim).filter(|id| !id.is_empty());
        let collection =
            collection.ok_or_else(|| Error::invalid("collection_id", "collection_id is missing."))?;
        let unknown = |_| {
            Error::invalid("collection_id", "There is no such collection in this workspace. Make one first.")
        };
        let collection: CollectionId = collection.parse().map_err(unknown)?;
        Result::Ok(NewDocument { collection, title: optional_text("title", title.as_deref(), 300)? })
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

fn broken(error: axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::too_large("The upload is larger than this server allows (FRONTDESK_MAX_UPLOAD_MB).");
    }
    Error::bad_request(format!("The form cannot be read: {}.", error.body_text()))
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
    answer["versions"] = versions.iter().map(|(n, at)| json!({ "version": n, "created_at": at })).collect();
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
    let answer = json!({
        "id": document.id,
        "title": document.title,
        "status": document.status,
        "message": "Document queued for processing",
    });
    Ok((StatusCode::ACCEPTED, Json(answer)))
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
        "progress": { "stage": d.stage, "pages_done": d.pages_done, "pages_total": d.pages_total },
        "language": d.language,
        "version": d.version,
        "chunk_count": d.chunk_count,
        "token_count": d.token_count,
        "created_at": d.created_at,
        "updated_at": d.updated_at,
        "processed_at": d.processed_at,
    })
}
