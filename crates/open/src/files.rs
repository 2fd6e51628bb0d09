//! Files of contacts: always attachments, never something that a browser would run.

use axum::{
    Json,
    body::Body,
    extract::{Multipart, State, multipart::MultipartRejection},
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use platform::{
    App, Error,
    contacts::{self, FileRow, Handle, contact_id},
};
use serde_json::{Value, json};
use web::{Path, Program, Query, Result, arriving, broken_form, read_on};

use crate::envelope::{Paging, created, listed, success};

type Form = std::result::Result<Multipart, MultipartRejection>;

fn view(file: FileRow) -> Value {
    json!({
        "fileId": file.id,
        "contactId": file.contact_id,
        "fileName": file.name,
        "fileType": file.media_type,
        "fileSize": file.size_bytes,
        "createdAt": file.created_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    })
}

/// `POST /contacts/{externalReferenceId}/chatbots/{agent_id}/files`
pub async fn upload_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _)): Path<(String, String)>,
    form: Form,
) -> Result<(StatusCode, Json<Value>)> {
    upload(app, program, Handle::Reference(reference), form).await
}

/// `POST /contacts/mantisid/{contactId}/chatbots/{agent_id}/files`
pub async fn upload_by_id(
    app: State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
    form: Form,
) -> Result<(StatusCode, Json<Value>)> {
    upload(app, program, Handle::Id(contact_id(&id)?), form).await
}

async fn upload(
    State(app): State<App>,
    program: Program,
    handle: Handle,
    form: Form,
) -> Result<(StatusCode, Json<Value>)> {
    let not_form = |_| Error::unsupported_media("Send the file as multipart/form-data in the field file.");
    let mut form = form.map_err(not_form)?;
    while let Some(mut field) = form.next_field().await.map_err(broken_form)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or("file").to_owned();
        let of = (&program.agent, &handle);
        let added =
            contacts::add_file(&app, &program.tenant, &program.by, of, (&name, arriving(&mut field))).await;
        if added.is_err() {
            read_on(&mut field).await;
        }
        return Ok(created("File uploaded successfully", view(added?)));
    }
    Err(Error::invalid("file", "file is missing.").into())
}

/// `GET /contacts/{externalReferenceId}/chatbots/{agent_id}/files`
pub async fn list_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    list(app, program, Handle::Reference(reference), paging).await
}

/// `GET /contacts/mantisid/{contactId}/chatbots/{agent_id}/files`
pub async fn list_by_id(
    app: State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    list(app, program, Handle::Id(contact_id(&id)?), paging).await
}

async fn list(State(app): State<App>, program: Program, handle: Handle, paging: Paging) -> Result<Response> {
    let of = (&program.agent, &handle);
    let files = contacts::list_files(&app, &program.tenant, of, paging.part()?).await?;
    Ok(listed("Files retrieved successfully", files, view))
}

/// `GET /contacts/{externalReferenceId}/chatbots/{agent_id}/files/{fileId}`: the bytes.
pub async fn read_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _, file)): Path<(String, String, String)>,
) -> Result<Response> {
    read(app, program, Handle::Reference(reference), &file).await
}

/// `GET /contacts/mantisid/{contactId}/chatbots/{agent_id}/files/{fileId}`: the bytes.
pub async fn read_by_id(
    app: State<App>,
    program: Program,
    Path((id, _, file)): Path<(String, String, String)>,
) -> Result<Response> {
    read(app, program, Handle::Id(contact_id(&id)?), &file).await
}

async fn read(State(app): State<App>, program: Program, handle: Handle, file: &str) -> Result<Response> {
    let of = (&program.agent, &handle);
    let (file, bytes) = contacts::open_file(&app, &program.tenant, of, &file.parse()?).await?;
    let headers = [
        (CONTENT_TYPE, file.media_type.clone()),
        (CONTENT_LENGTH, file.size_bytes.to_string()),
        (CONTENT_DISPOSITION, web::attachment(&file.name)),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// `DELETE /contacts/{externalReferenceId}/chatbots/{agent_id}/files/{fileId}`
pub async fn delete_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _, file)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    delete(app, program, Handle::Reference(reference), &file).await
}

/// `DELETE /contacts/mantisid/{contactId}/chatbots/{agent_id}/files/{fileId}`
pub async fn delete_by_id(
    app: State<App>,
    program: Program,
    Path((id, _, file)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    delete(app, program, Handle::Id(contact_id(&id)?), &file).await
}

async fn delete(State(app): State<App>, program: Program, handle: Handle, file: &str) -> Result<Json<Value>> {
    let of = (&program.agent, &handle);
    contacts::delete_file(&app, &program.tenant, &program.by, of, &file.parse()?).await?;
    Ok(success("File deleted successfully", json!({ "fileId": file })))
}
