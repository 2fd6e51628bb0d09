//! Contacts become a table.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{
    super::{Contact, Settings, settings},
    Transfer, store,
};
use crate::{App, Error, Result, Tenant, harmless};

/// Contacts that are read at once.
const BATCH: i64 = 1_000;
const COLUMNS: [&str; 13] = [
    "contactId",
    "externalReferenceId",
    "primaryEmail",
    "firstName",
    "lastName",
    "mobileNumber",
    "gender",
    "stage",
    "status",
    "source",
    "ownerId",
    "createdAt",
    "updatedAt",
];

/// Writes the table, from its beginning: what a stop has left of it is written over.
pub(super) async fn run(app: &App, tenant: &Tenant, transfer: &Transfer) -> Result<()> {
    let settings = settings::read(&mut app.db.read().await?, tenant, &transfer.agent_id).await?;
    let header = header(&settings)?;
    let parts = stream::try_unfold(Some(String::new()), |after| {
        let settings = &settings;
        async move {
            let Some(after) = after else { return Ok::<_, Error>(None) };
            let mut db = app.db.read().await?;
            let some = store::after(&mut db, tenant, &transfer.agent_id, (&after, BATCH)).await?;
            let last = some.last().map(|contact| contact.id.as_str().to_owned());
            Ok(Some((table(settings, &some)?, last)))
        }
    });
    let whole = stream::iter([Result::Ok(header)]).chain(parts);
    app.blobs.put(tenant.id().as_str(), transfer.id.as_str(), whole, u64::MAX).await?;
    Ok(())
}

fn header(settings: &Settings) -> Result<Bytes> {
    let own = settings.fields.iter().map(|field| field.name.as_str());
    written(|table| table.write_record(COLUMNS.into_iter().chain(own)))
}

fn table(settings: &Settings, contacts: &[Contact]) -> Result<Bytes> {
    written(|table| contacts.iter().try_for_each(|contact| table.write_record(row(settings, contact))))
}

fn row(settings: &Settings, c: &Contact) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut row = vec![
        c.id.to_string(),
        text(&c.external_reference_id),
        c.primary_email.clone(),
        text(&c.first_name),
        text(&c.last_name),
        text(&c.mobile_number),
        text(&c.gender),
        text(&c.stage),
        c.status.clone(),
        c.source.clone(),
        text(&c.owner_id),
        c.created_at.to_rfc3339(),
        c.updated_at.to_rfc3339(),
    ];
    row.extend(settings.fields.iter().map(|field| match &c.custom_fields[&field.name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }));
    row.iter().map(|cell| harmless(cell)).collect()
}

fn written(write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>) -> Result<Bytes> {
    let mut table = csv::Writer::from_writer(Vec::new());
    write(&mut table).map_err(Error::internal)?;
    Ok(table.into_inner().map_err(|error| Error::internal(error.into_error()))?.into())
}
