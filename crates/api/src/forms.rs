//! Forms of an agent, and what was sent by them.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use platform::{
    AgentId, App, Error, FormId, Page, Patch,
    fields::Field,
    forms::{self, Form, FormChange, NewForm, Submission},
    harmless,
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, attachment, line, optional_text, paged, patched_text};

const MAX_NAME: usize = 200;
const MAX_TEXT: usize = 2_000;
const MAX_BUTTON: usize = 60;
/// Submissions of one export.
const MAX_EXPORT: i64 = 100_000;

/// A form, with the page it stands on and the line that puts it on another.
fn view(app: &App, form: Form) -> Value {
    let url = format!("{}/f/{}", app.config.public_url.as_str().trim_end_matches('/'), form.id);
    let mut view = json!(form);
    view["url"] = json!(url);
    view["embed_code"] = json!(forms::embed(app, &form.id));
    view
}

fn ids(agent: &str, form: &str) -> Result<(AgentId, FormId)> {
    Ok((agent.parse()?, form.parse()?))
}

/// The body of a form.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    description: Option<String>,
    fields: Vec<Field>,
    submit_text: Option<String>,
    thank_you: Option<String>,
}

/// `POST …/agents/{agent_id}/forms`
pub async fn create_form(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewForm {
        name: line("name", &body.name, MAX_NAME)?,
        description: optional_text("description", body.description.as_deref(), MAX_TEXT)?,
        fields: body.fields,
        submit_text: optional_text("submit_text", body.submit_text.as_deref(), MAX_BUTTON)?,
        thank_you: optional_text("thank_you", body.thank_you.as_deref(), MAX_TEXT)?,
    };
    let form = forms::create(&app, &member.tenant, &member.by, &agent.parse()?, form).await?;
    Ok((StatusCode::CREATED, Json(view(&app, form))))
}

/// `GET …/agents/{agent_id}/forms`
pub async fn list_forms(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = forms::list(&app, &member.tenant, &agent.parse()?, page.page()?).await?;
    Ok(Json(paged("forms", list, |form| view(&app, form))))
}

/// `GET …/agents/{agent_id}/forms/{form_id}`
pub async fn get_form(
    State(app): State<App>,
    member: Member,
    Path((_, agent, form)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    let (agent, form) = ids(&agent, &form)?;
    Ok(Json(view(&app, forms::get(&app, &member.tenant, &agent, &form).await?)))
}

/// What to change of a form.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    description: Patch<String>,
    fields: Option<Vec<Field>>,
    #[serde(default)]
    submit_text: Patch<String>,
    #[serde(default)]
    thank_you: Patch<String>,
}

/// `PATCH …/agents/{agent_id}/forms/{form_id}`
pub async fn update_form(
    State(app): State<App>,
    member: Member,
    Path((_, agent, form)): Path<(String, String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let (agent, form) = ids(&agent, &form)?;
    let change = FormChange {
        name: body.name.map(|name| line("name", &name, MAX_NAME)).transpose()?,
        description: patched_text("description", body.description, MAX_TEXT)?,
        fields: body.fields,
        submit_text: patched_text("submit_text", body.submit_text, MAX_BUTTON)?,
        thank_you: patched_text("thank_you", body.thank_you, MAX_TEXT)?,
    };
    let form = forms::change(&app, &member.tenant, &member.by, (&agent, &form), change).await?;
    Ok(Json(view(&app, form)))
}

/// `DELETE …/agents/{agent_id}/forms/{form_id}`
pub async fn delete_form(
    State(app): State<App>,
    member: Member,
    Path((_, agent, form)): Path<(String, String, String)>,
) -> Result<StatusCode> {
    let (agent, form) = ids(&agent, &form)?;
    forms::delete(&app, &member.tenant, &member.by, (&agent, &form)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a list of submissions is wanted.
#[derive(Deserialize)]
pub struct SubmissionsQuery {
    format: Option<String>,
}

/// `GET …/agents/{agent_id}/forms/{form_id}/submissions`; all of them as a table with `format=csv`.
pub async fn list_submissions(
    State(app): State<App>,
    member: Member,
    Path((_, agent, form)): Path<(String, String, String)>,
    Query(page): Query<PageQuery>,
    Query(query): Query<SubmissionsQuery>,
) -> Result<Response> {
    let (agent, form) = ids(&agent, &form)?;
    let of = (&agent, &form);
    match query.format.as_deref() {
        None | Some("json") => {
            let list = forms::list_submissions(&app, &member.tenant, of, page.page()?).await?;
            Ok(Json(paged("submissions", list, |sent| json!(sent))).into_response())
        }
        Some("csv") => {
            let form = forms::get(&app, &member.tenant, &agent, &form).await?;
            let whole = Page { limit: MAX_EXPORT, offset: 0 };
            let list = forms::list_submissions(&app, &member.tenant, of, whole).await?;
            let headers = [
                (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (CONTENT_DISPOSITION, attachment("submissions.csv")),
            ];
            Ok((headers, table(&form, &list.items)?).into_response())
        }
        Some(_) => Err(Error::invalid("format", "format is json or csv.").into()),
    }
}

fn table(form: &Form, sent: &[Submission]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let names = form.fields.iter().map(|field| field.name.as_str());
    csv.write_record(["submission_id", "created_at", "contact_id"].into_iter().chain(names))
        .map_err(Error::internal)?;
    for s in sent {
        let contact = s.contact_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut row = vec![s.id.to_string(), s.created_at.to_rfc3339(), contact];
        row.extend(form.fields.iter().map(|field| match &s.answers[&field.name] {
            Value::Null => String::new(),
            Value::String(text) => harmless(text),
            other => other.to_string(),
        }));
        csv.write_record(row).map_err(Error::internal)?;
    }
    Ok(csv.into_inner().map_err(|error| Error::internal(error.to_string()))?)
}
