//! Extractions: fields out of files, and the queue of those that wait for a person.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
};
use http::StatusCode;
use platform::{
    AgentId, App, ExtractionId,
    extraction::{self, Detail, Extraction, State as Progress},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{Member, PageQuery, Path, Query, Result, extraction_form, paged};

/// `POST …/extractions`: the file is stored as it arrives, and read by a job.
pub async fn create_extraction(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>)> {
    let agent: AgentId = agent.parse()?;
    let form = extraction_form(&app, &member.tenant, form).await?;
    let extraction = extraction::submit(&app, &member.tenant, &member.by, &agent, form).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&extraction)?)))
}

/// Which extractions to list.
#[derive(Deserialize)]
pub struct ListQuery {
    needs_review: Option<bool>,
}

/// `GET …/extractions`: latest first.
pub async fn list_extractions(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let (agent, page) = (agent.parse()?, page.page()?);
    let list = extraction::list(&app, &member.tenant, &agent, query.needs_review, page).await?;
    Ok(Json(paged("extractions", list, |extraction| summary(&extraction))))
}

fn ids((_, agent, extraction): (String, String, String)) -> Result<(AgentId, ExtractionId)> {
    Ok((agent.parse()?, extraction.parse()?))
}

/// `GET …/extractions/{extraction_id}`
pub async fn get_extraction(
    State(app): State<App>,
    member: Member,
    Path(path): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, id) = ids(path)?;
    Ok(Json(view(&extraction::get(&app, &member.tenant, &agent, &id).await?)?))
}

/// `DELETE …/extractions/{extraction_id}`: its file goes with it.
pub async fn delete_extraction(
    State(app): State<App>,
    member: Member,
    Path(path): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, id) = ids(path)?;
    extraction::delete(&app, &member.tenant, &member.by, &agent, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Extraction deleted" })))
}

/// The body of a review: values by paths such as `total` or `items[0].price`; none says that all is right.
#[derive(Deserialize)]
pub struct ReviewBody {
    #[serde(default)]
    corrections: Map<String, Value>,
}

/// `POST …/extractions/{extraction_id}/review`
pub async fn review_extraction(
    State(app): State<App>,
    member: Member,
    Path(path): Path<(String, String, String)>,
    web::Json(body): web::Json<ReviewBody>,
) -> Result<Json<Value>> {
    let (agent, id) = ids(path)?;
    let reviewed =
        extraction::review(&app, &member.tenant, &member.by, (&agent, &id), body.corrections).await?;
    Ok(Json(view(&reviewed)?))
}

fn summary(e: &Extraction) -> Value {
    let error = match &e.state {
        Progress::Failed { code, message } => json!({ "code": code, "message": message }),
        _ => Value::Null,
    };
    json!({
        "id": e.id,
        "agent_id": e.agent_id,
        "file_name": e.file_name,
        "size_bytes": e.size_bytes,
        "media_type": e.media_type,
        "status": e.state.as_str(),
        "error": error,
        "threshold": e.threshold,
        "needs_review": e.needs_review,
        "reviewed_by": e.reviewed.as_ref().map(|(by, _)| by),
        "reviewed_at": e.reviewed.as_ref().map(|(_, at)| at),
        "created_by": e.created_by,
        "created_at": e.created_at,
        "updated_at": e.updated_at,
    })
}

fn view(e: &Extraction) -> Result<Value> {
    let mut view = summary(e);
    let corrections = e.corrections.iter().map(|(path, correction)| {
        (path.clone(), json!({ "value": correction.value, "by": correction.by, "at": correction.at }))
    });
    view["schema"] = e.schema.clone();
    view["fields"] = json!(e.fields()?);
    let found = e.found();
    view["extracted"] = json!(found.map(|found| &found.fields));
    view["details"] = json!(found.map(|found| found.details.iter().map(detail).collect::<Map<_, _>>()));
    view["missing"] = json!(found.map(|found| &found.missing));
    view["corrections"] = corrections.collect::<Map<_, _>>().into();
    view["model"] = json!(e.model);
    view["contact"] = json!(e.target);
    view["contact_id"] = json!(e.saved.as_ref().and_then(|saved| saved.as_ref().ok()));
    view["contact_problem"] = json!(e.saved.as_ref().and_then(|saved| saved.as_ref().err()));
    view["warnings"] = json!(e.warnings);
    Ok(view)
}

fn detail((path, detail): (&String, &Detail)) -> (String, Value) {
    let view = json!({
        "confidence": detail.confidence,
        "page": detail.page,
        "evidence": detail.evidence,
        "problems": detail.problems,
    });
    (path.clone(), view)
}
