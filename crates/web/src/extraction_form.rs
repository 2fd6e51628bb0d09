//! The form by which a file and the schema of its fields are sent.

use axum::extract::{Multipart, multipart::MultipartRejection};
use platform::{
    App, Error, Result, Tenant,
    extraction::{self, Target, Upload, Wanted},
};

use crate::files::{arriving, broken_form, read_on};

/// Reads the form of an extraction: `file`, `schema` and, if it likes, `threshold` and `contact`, in whatever order they
/// come.
///
/// # Errors
/// Invalid, with the field; no file is kept then.
pub async fn extraction_form(
    app: &App,
    tenant: &Tenant,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<(Upload, Wanted)> {
    let form = form.map_err(|_| {
        Error::unsupported_media("Send the file as multipart/form-data with the fields file and schema.")
    })?;
    let mut upload = None;
    let wanted = read(app, tenant, form, &mut upload).await;
    match (upload, wanted) {
        (Some(upload), Ok(wanted)) => Ok((upload, wanted)),
        (Some(upload), Err(error)) => {
            extraction::discard(app, tenant, upload).await?;
            Err(error)
        }
        (None, Ok(_)) => Err(Error::invalid("file", "file is missing.")),
        (None, Err(error)) => Err(error),
    }
}

async fn read(
    app: &App,
    tenant: &Tenant,
    mut form: Multipart,
    upload: &mut Option<Upload>,
) -> Result<Wanted> {
    let (mut schema, mut threshold, mut contact) = (None, None, None);
    while let Some(mut field) = form.next_field().await.map_err(broken_form)? {
        match field.name().unwrap_or_default() {
            "file" if upload.is_none() => {
                let name = field.file_name().unwrap_or("document").to_owned();
                let received = extraction::receive(app, tenant, &name, arriving(&mut field)).await;
                if received.is_err() {
                    read_on(&mut field).await;
                }
                *upload = Some(received?);
            }
            "schema" => schema = Some(field.text().await.map_err(broken_form)?),
            "threshold" => threshold = Some(number(&field.text().await.map_err(broken_form)?)?),
            "contact" => contact = Some(Target::read(&field.text().await.map_err(broken_form)?)?),
            _ => {}
        }
    }
    let schema = schema.ok_or_else(|| Error::invalid("schema", "schema is missing: send a JSON Schema."))?;
    Ok(Wanted::new(&schema, threshold)?.into_contact(contact))
}

fn number(text: &str) -> Result<f64> {
    text.trim().parse().map_err(|_| Error::invalid("threshold", "threshold is a number from 0 to 1."))
}
