//! Files that come with a question.

use axum::{
    Json,
    extract::{Multipart, State, multipart::MultipartRejection},
};
use http::{HeaderMap, StatusCode};
use platform::{
    App, Error,
    visitors::{self, Attached},
};
use web::{Client, Result, Visitor, arriving, broken_form, read_on};

use crate::calls::speaker;

/// Bytes of the form around the largest file that an agent may allow.
pub const MAX_FORM: usize = 21 * 1024 * 1024;

/// `POST /widget/files`: a form with `agent_id`, `session_id` where there is no token, and then `file`.
pub async fn attach(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    client: Client,
    headers: HeaderMap,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Attached>)> {
    let mut form = form.map_err(|_| {
        Error::unsupported_media("Send the file as multipart/form-data with the fields agent_id and file.")
    })?;
    let (mut agent, mut session) = (None, None);
    while let Some(mut field) = form.next_field().await.map_err(broken_form)? {
        match field.name().unwrap_or_default() {
            "agent_id" => agent = Some(field.text().await.map_err(broken_form)?),
            "session_id" => session = Some(field.text().await.map_err(broken_form)?),
            "file" => {
                let agent = agent
                    .as_deref()
                    .ok_or_else(|| Error::invalid("agent_id", "agent_id is missing before file."))?;
                let agent = visitor.agent(&app, &agent.parse()?).await?;
                let session = speaker(&app, &visitor, &agent, (&headers, session.as_deref()))?;
                let name = field.file_name().unwrap_or("document").to_owned();
                let place = (&visitor.tenant, &*agent);
                let from = (session.id.as_str(), &client.0);
                let attached = visitors::attach(&app, place, from, &name, arriving(&mut field)).await;
                if attached.is_err() {
                    read_on(&mut field).await;
                }
                return Ok((StatusCode::CREATED, Json(attached?)));
            }
            _ => {}
        }
    }
    Err(Error::invalid("file", "file is missing.").into())
}
