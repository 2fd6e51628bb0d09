//! Contacts.

use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use platform::{
    App, Error,
    contacts::{self, Filter, Handle, SOURCES, STATUSES, Source, contact_id},
    fields::Field,
    idempotency::Once,
};
use serde_json::{Map, Value, json};
use web::{Path, Program, Query, Result};

use crate::envelope::{Paging, created, found, object, success};

/// `GET /contacts/schema/chatbots/{agent_id}`: the fields that this agent's contacts have.
pub async fn get_contact_schema(State(app): State<App>, program: Program) -> Result<Json<Value>> {
    let settings = contacts::settings(&app, &program.tenant, &program.agent).await?;
    let describe = |fields: Vec<Field>| fields.into_iter().map(described).collect::<Vec<_>>();
    Ok(success(
        "Contact schema",
        json!({
            "fields": describe(settings.base()),
            "customFields": describe(settings.fields.clone()),
            "stages": settings.stages,
            "statuses": STATUSES,
            "sources": SOURCES,
        }),
    ))
}

/// A field as the document's clients read it.
pub(crate) fn described(field: Field) -> Value {
    let mut view = json!({
        "name": field.name,
        "label": field.title(),
        "type": field.kind,
        "required": field.required,
    });
    let optional = [
        ("options", (!field.options.is_empty()).then(|| json!(field.options))),
        ("maxLength", field.max_length.map(|n| json!(n))),
        ("minLength", field.min_length.map(|n| json!(n))),
        ("min", field.min.map(|n| json!(n))),
        ("max", field.max.map(|n| json!(n))),
        ("pattern", field.pattern.map(|text| json!(text))),
        ("mapsTo", field.maps_to.map(|text| json!(text))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            view[name] = value;
        }
    }
    view
}

/// The request, if its client has named it; a body in another spelling is another request.
pub(crate) fn once(program: &Program, headers: &HeaderMap, request: &str) -> Result<Option<Once>> {
    let (Some(name), Some(key)) = (headers.get("idempotency-key"), program.by.key.as_ref()) else {
        return Ok(None);
    };
    let name =
        name.to_str().map_err(|_| Error::invalid("Idempotency-Key", "Idempotency-Key is plain text."))?;
    Ok(Some(Once::new(key, name, request)?))
}

/// `POST /contacts/chatbots/{agent_id}`
pub async fn create_contact(
    State(app): State<App>,
    program: Program,
    headers: HeaderMap,
    web::Json(body): web::Json<Value>,
) -> Result<(StatusCode, Json<Value>)> {
    let body = object(body)?;
    let once = once(&program, &headers, &format!("contact {}", Value::from(body.clone())))?;
    let Program { tenant, agent, by, .. } = &program;
    let contact = contacts::create(&app, tenant, by, agent, (&body, Source::Api), once.as_ref()).await?;
    Ok(created("Contact created successfully", json!(contact)))
}

/// `GET /contacts/chatbots/{agent_id}`
pub async fn list_contacts(
    State(app): State<App>,
    program: Program,
    Query(paging): Query<Paging>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let (filter, sort) = Filter::read(&query, &["page", "limit"])?;
    let part = paging.part()?;
    let contacts::Found { list, is_exact } =
        contacts::list(&app, &program.tenant, &program.agent, (&filter, sort), part).await?;
    Ok(found("Contacts retrieved successfully", list, is_exact))
}

/// `GET /contacts/{externalReferenceId}/chatbots/{agent_id}`
pub async fn get_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    get(app, program, Handle::Reference(reference)).await
}

/// `GET /contacts/mantisid/{contactId}/chatbots/{agent_id}`
pub async fn get_by_id(
    app: State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    get(app, program, Handle::Id(contact_id(&id)?)).await
}

async fn get(State(app): State<App>, program: Program, handle: Handle) -> Result<Json<Value>> {
    let contact = contacts::get(&app, &program.tenant, &program.agent, &handle).await?;
    Ok(success("Contact retrieved successfully", json!(contact)))
}

/// `PUT /contacts/{externalReferenceId}/chatbots/{agent_id}`: changes the fields it names.
pub async fn update_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _)): Path<(String, String)>,
    web::Json(body): web::Json<Value>,
) -> Result<Json<Value>> {
    update(app, program, Handle::Reference(reference), object(body)?).await
}

/// `PUT /contacts/mantisid/{contactId}/chatbots/{agent_id}`: changes the fields it names.
pub async fn update_by_id(
    app: State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
    web::Json(body): web::Json<Value>,
) -> Result<Json<Value>> {
    update(app, program, Handle::Id(contact_id(&id)?), object(body)?).await
}

async fn update(
    State(app): State<App>,
    program: Program,
    handle: Handle,
    body: Map<String, Value>,
) -> Result<Json<Value>> {
    let contact =
        contacts::update(&app, &program.tenant, &program.by, (&program.agent, &handle), &body).await?;
    Ok(success("Contact updated successfully", json!(contact)))
}

/// `PATCH /contacts/{externalReferenceId}/chatbots/{agent_id}/archive`
pub async fn archive_by_reference(
    app: State<App>,
    program: Program,
    Path((reference, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    archive(app, program, Handle::Reference(reference)).await
}

/// `PATCH /contacts/mantisid/{contactId}/chatbots/{agent_id}/archive`
pub async fn archive_by_id(
    app: State<App>,
    program: Program,
    Path((id, _)): Path<(String, String)>,
) -> Result<Json<Value>> {
    archive(app, program, Handle::Id(contact_id(&id)?)).await
}

async fn archive(State(app): State<App>, program: Program, handle: Handle) -> Result<Json<Value>> {
    let contact = contacts::archive(&app, &program.tenant, &program.by, (&program.agent, &handle)).await?;
    Ok(success("Contact archived successfully", json!(contact)))
}
