//! Forms.

use axum::{Json, extract::State, response::Response};
use chrono::SecondsFormat;
use http::{HeaderMap, StatusCode};
use platform::{
    App, FormId,
    forms::{self, Form},
};
use serde_json::{Value, json};
use web::{Path, Program, Query, Result};

use crate::{
    contacts::{described, once},
    envelope::{Paging, created, listed, object, success},
};

/// `GET /forms/chatbots/{agent_id}`
pub async fn list_forms(
    State(app): State<App>,
    program: Program,
    Query(paging): Query<Paging>,
) -> Result<Response> {
    let list = forms::list(&app, &program.tenant, &program.agent, paging.part()?).await?;
    Ok(listed("Forms retrieved successfully", list, |form| {
        json!({
            "formId": form.id,
            "name": form.name,
            "description": form.description,
            "createdAt": form.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "updatedAt": form.updated_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        })
    }))
}

/// `GET /forms/{formId}/chatbots/{agent_id}/schema`
pub async fn get_form_schema(
    State(app): State<App>,
    program: Program,
    Path((form, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let Form { id, name, description, fields, submit_text, thank_you, .. } =
        forms::get(&app, &program.tenant, &program.agent, &form.parse()?).await?;
    let fields: Vec<Value> = fields.into_iter().map(described).collect();
    Ok(success(
        "Form schema",
        json!({ "formId": id, "name": name, "description": description, "fields": fields, "submitText": submit_text, "thankYou": thank_you }),
    ))
}

/// `POST /forms/{formId}/chatbots/{agent_id}/submissions`
pub async fn submit_form(
    State(app): State<App>,
    program: Program,
    Path((form, _)): Path<(String, String)>,
    headers: HeaderMap,
    web::Json(body): web::Json<Value>,
) -> Result<(StatusCode, Json<Value>)> {
    let (form, body): (FormId, _) = (form.parse()?, object(body)?);
    let once = once(&program, &headers, &format!("{form} {}", Value::from(body.clone())))?;
    let of = (&program.agent, &form);
    let sent = forms::submit(&app, &program.tenant, &program.by, of, &body, once.as_ref()).await?;
    Ok(created(
        "Form submitted successfully",
        json!({ "submissionId": sent.id, "formId": sent.form_id, "contactId": sent.contact_id, "answers": sent.answers }),
    ))
}
