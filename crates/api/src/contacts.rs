//! Contacts, for the people of the business. Fields are named as in the Open API: one contact has one shape.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    AgentId, App, ContactId, Error,
    contacts::{self, Filter, Handle, Source, contact_id},
    fields::Field,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{Member, PageQuery, Path, Query, Result, paged, text};

/// Longest note, in characters.
const MAX_NOTE: usize = 10_000;

/// The ids in the path of a contact.
fn of(agent: &str, id: &str) -> Result<(AgentId, Handle)> {
    Ok((agent.parse()?, Handle::Id(contact_id(id)?)))
}

/// `GET …/agents/{agent_id}/contacts`
pub async fn list_contacts(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Value>> {
    let (filter, sort) = Filter::read(&query, &["limit", "offset"])?;
    let contacts::Found { list, is_exact } =
        contacts::list(&app, &member.tenant, &agent.parse()?, (&filter, sort), page.page()?).await?;
    let mut answer = paged("contacts", list, |contact| json!(contact));
    answer["is_total_exact"] = json!(is_exact);
    Ok(Json(answer))
}

/// `POST …/agents/{agent_id}/contacts`
pub async fn create_contact(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    web::Json(body): web::Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>)> {
    let agent = agent.parse()?;
    let values = (&body, Source::Manual);
    let contact = contacts::create(&app, &member.tenant, &member.by, &agent, values, None).await?;
    Ok((StatusCode::CREATED, Json(json!(contact))))
}

/// `GET …/agents/{agent_id}/contacts/{contact_id}`, with the conversations that it took part in.
pub async fn get_contact(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, handle) = of(&agent, &id)?;
    let contact = contacts::get(&app, &member.tenant, &agent, &handle).await?;
    let talks = contacts::conversations(&app, &member.tenant, &contact.id).await?;
    let mut answer = json!(contact);
    answer["conversations"] = json!(talks);
    Ok(Json(answer))
}

/// `PATCH …/agents/{agent_id}/contacts/{contact_id}`
pub async fn update_contact(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
    web::Json(body): web::Json<Map<String, Value>>,
) -> Result<Json<Value>> {
    let (agent, handle) = of(&agent, &id)?;
    let contact = contacts::update(&app, &member.tenant, &member.by, (&agent, &handle), &body).await?;
    Ok(Json(json!(contact)))
}

/// `POST …/agents/{agent_id}/contacts/{contact_id}/archive`
pub async fn archive_contact(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, handle) = of(&agent, &id)?;
    let contact = contacts::archive(&app, &member.tenant, &member.by, (&agent, &handle)).await?;
    Ok(Json(json!(contact)))
}

/// The body of a merge.
#[derive(Deserialize)]
pub struct MergeBody {
    contact_id: String,
}

/// `POST …/agents/{agent_id}/contacts/{contact_id}/merge`: the contact of the body becomes part of that of the path.
pub async fn merge_contacts(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
    web::Json(body): web::Json<MergeBody>,
) -> Result<Json<Value>> {
    let (agent, kept) = of(&agent, &id)?;
    let unknown = |_| Error::invalid("contact_id", "This agent has no such contact.");
    let other = Handle::Id(body.contact_id.parse::<ContactId>().map_err(unknown)?);
    let contact = contacts::merge(&app, &member.tenant, &member.by, &agent, (&kept, &other)).await?;
    Ok(Json(json!(contact)))
}

/// `GET …/agents/{agent_id}/contacts/{contact_id}/notes`
pub async fn list_notes(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let (agent, handle) = of(&agent, &id)?;
    let notes = contacts::list_notes(&app, &member.tenant, (&agent, &handle), page.page()?).await?;
    Ok(Json(paged("notes", notes, |note| json!(note))))
}

/// The body of a note.
#[derive(Deserialize)]
pub struct NoteBody {
    text: String,
}

/// `POST …/agents/{agent_id}/contacts/{contact_id}/notes`
pub async fn add_note(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
    web::Json(body): web::Json<NoteBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let (agent, handle) = of(&agent, &id)?;
    let text = text("text", &body.text, MAX_NOTE)?;
    let note = contacts::add_note(&app, &member.tenant, &member.by, (&agent, &handle), text).await?;
    Ok((StatusCode::CREATED, Json(json!(note))))
}

/// `DELETE …/agents/{agent_id}/contacts/{contact_id}/notes/{note_id}`
pub async fn delete_note(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id, note)): Path<(String, String, String, String)>,
) -> Result<StatusCode> {
    let (agent, handle) = of(&agent, &id)?;
    contacts::delete_note(&app, &member.tenant, &member.by, (&agent, &handle), &note.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/agents/{agent_id}/contact-settings`
pub async fn get_contact_settings(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
) -> Result<Json<Value>> {
    Ok(Json(json!(*contacts::settings(&app, &member.tenant, &agent.parse()?).await?)))
}

/// The body of a change of stages and own fields.
#[derive(Deserialize)]
pub struct SettingsBody {
    stages: Option<Vec<String>>,
    fields: Option<Vec<Field>>,
}

/// `PUT …/agents/{agent_id}/contact-settings`
pub async fn change_contact_settings(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    web::Json(body): web::Json<SettingsBody>,
) -> Result<Json<Value>> {
    let change = (body.stages, body.fields);
    let settings =
        contacts::change_settings(&app, &member.tenant, &member.by, &agent.parse()?, change).await?;
    Ok(Json(json!(settings)))
}
