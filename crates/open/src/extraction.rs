//! Document extraction: a file and a JSON Schema in, its fields out.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
    response::Response,
};
use chrono::SecondsFormat;
use http::StatusCode;
use platform::{
    App,
    extraction::{self, Extraction, State as Progress},
    workspaces::keys::{Action, Resource},
};
use serde_json::{Map, Value, json};
use web::{Path, Program, Query, Result, extraction_form};

use crate::envelope::{Paging, listed, success};

fn summary(e: &Extraction) -> Value {
    let time = |moment: chrono::DateTime<chrono::Utc>| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    let error = match &e.state {
        Progress::Failed { code, message } => json!({ "code": code, "message": message }),
        _ => Value::Null,
    };
    json!({
        "extractionId": e.id,
        "status": e.state.as_str(),
        "fileName": e.file_name,
        "fileType": e.media_type,
        "fileSize": e.size_bytes,
        "error": error,
        "needsReview": e.needs_review,
        "createdAt": time(e.created_at),
        "updatedAt": time(e.updated_at),
    })
}

/// The values, and beside them for each path its confidence, page and quoted evidence.
fn view(e: &Extraction) -> Result<Value> {
    let mut view = summary(e);
    let details = e.found().map(|found| {
        let detail = |(path, detail): (&String, &extraction::Detail)| {
            let corrected = e.corrections.contains_key(path);
            let shown = json!({
                "confidence": detail.confidence,
                "page": detail.page,
                "evidence": detail.evidence,
                "problems": detail.problems,
                "corrected": corrected,
            });
            (path.clone(), shown)
        };
        found.details.iter().map(detail).collect::<Map<_, _>>()
    });
    view["fields"] = json!(e.fields()?);
    view["details"] = json!(details);
    view["missing"] = json!(e.found().map(|found| &found.missing));
    view["threshold"] = json!(e.threshold);
    view["warnings"] = json!(e.warnings);
    view["contact"] = json!(e.target.as_ref().map(|_| json!({
        "contactId": e.saved.as_ref().and_then(|saved| saved.as_ref().ok()),
        "problem": e.saved.as_ref().and_then(|saved| saved.as_ref().err()),
    })));
    Ok(view)
}

/// `POST /document-extraction/chatbots/{agent_id}`: the fields are found by a job.
pub async fn create_extraction(
    State(app): State<App>,
    program: Program,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>)> {
    let (upload, wanted) = extraction_form(&app, &program.tenant, form).await?;
    if wanted.has_target()
        && let Err(refused) = may_fill_contacts(&program)
    {
        extraction::discard(&app, &program.tenant, upload).await?;
        return Err(refused.into());
    }
    let form = (upload, wanted);
    let queued = extraction::submit(&app, &program.tenant, &program.by, &program.agent, form).await?;
    Ok((StatusCode::ACCEPTED, success("Document queued for extraction", summary(&queued))))
}

/// What goes into a contact makes it or changes it.
fn may_fill_contacts(program: &Program) -> platform::Result<()> {
    program.require(Resource::Contacts, Action::Create)?;
    program.require(Resource::Contacts, Action::Update)
}

/// `GET /document-extraction/{extractionId}/chatbots/{agent_id}`
pub async fn get_extraction(
    State(app): State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let found = extraction::get(&app, &program.tenant, &program.agent, &id.parse()?).await?;
    Ok(success("Extraction retrieved successfully", view(&found)?))
}

/// `GET /document-extraction/chatbots/{agent_id}`: latest first.
pub async fn list_extractions(
    State(app): State<App>,
    program: Program,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    let list = extraction::list(&app, &program.tenant, &program.agent, None, paging.part()?).await?;
    Ok(listed("Extractions retrieved successfully", list, |extraction| summary(&extraction)))
}
