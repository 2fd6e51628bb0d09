//! Contacts as tables, in and out.

use axum::{
    Json,
    body::Body,
    extract::{Multipart, State, multipart::MultipartRejection},
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use platform::{
    App, Error,
    contacts::transfers::{self, Refusal},
    harmless,
};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;
use web::{Member, PageQuery, Path, Query, Result, arriving, attachment, broken_form, paged, read_on};

/// `POST …/agents/{agent_id}/contacts/imports`: the table is stored as it arrives, and taken in by a job.
pub async fn import_contacts(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>)> {
    let not_form = |_| Error::unsupported_media("Send the table as multipart/form-data in the field file.");
    let (mut form, agent) = (form.map_err(not_form)?, agent.parse()?);
    while let Some(mut field) = form.next_field().await.map_err(broken_form)? {
        if field.name() == Some("file") {
            let begun =
                transfers::import(&app, &member.tenant, &member.by, &agent, arriving(&mut field)).await;
            if begun.is_err() {
                read_on(&mut field).await;
            }
            return Ok((StatusCode::ACCEPTED, Json(json!(begun?))));
        }
    }
    Err(Error::invalid("file", "file is missing.").into())
}

/// `POST …/agents/{agent_id}/contacts/exports`
pub async fn export_contacts(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>)> {
    let begun = transfers::export(&app, &member.tenant, &member.by, &agent.parse()?).await?;
    Ok((StatusCode::ACCEPTED, Json(json!(begun))))
}

/// `GET …/agents/{agent_id}/contacts/transfers`
pub async fn list_transfers(
    State(app): State<App>,
    member: Member,
    Path((_, agent)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = transfers::list(&app, &member.tenant, &agent.parse()?, page.page()?).await?;
    Ok(Json(paged("transfers", list, |transfer| json!(transfer))))
}

/// `GET …/agents/{agent_id}/contacts/transfers/{transfer_id}`
pub async fn get_transfer(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Json<Value>> {
    Ok(Json(json!(transfers::get(&app, &member.tenant, &agent.parse()?, &id.parse()?).await?)))
}

/// `GET …/agents/{agent_id}/contacts/transfers/{transfer_id}/refused`: the rows that were not taken in, as a table.
pub async fn get_refused_rows(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Response> {
    let refused = transfers::refusals(&app, &member.tenant, &agent.parse()?, &id.parse()?).await?;
    Ok(table("refused.csv", Body::from(report(&refused)?)))
}

/// `GET …/agents/{agent_id}/contacts/transfers/{transfer_id}/file`: the table of an export.
pub async fn download_export(
    State(app): State<App>,
    member: Member,
    Path((_, agent, id)): Path<(String, String, String)>,
) -> Result<Response> {
    let path = transfers::exported(&app, &member.tenant, &agent.parse()?, &id.parse()?).await?;
    let file = tokio::fs::File::open(path).await.map_err(Error::internal)?;
    Ok(table("contacts.csv", Body::from_stream(ReaderStream::new(file))))
}

fn table(name: &str, body: Body) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, attachment(name))];
    (headers, body).into_response()
}

/// One line for each thing that is wrong.
fn report(refused: &[Refusal]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["row", "field", "problem", "value"]).map_err(Error::internal)?;
    for Refusal { row_number, reasons } in refused {
        for reason in reasons.as_array().into_iter().flatten() {
            let text = |name: &str| match &reason[name] {
                Value::String(text) => harmless(text),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            csv.write_record([row_number.to_string(), text("field"), text("message"), text("value")])
                .map_err(Error::internal)?;
        }
    }
    Ok(csv.into_inner().map_err(|error| Error::internal(error.to_string()))?)
}
