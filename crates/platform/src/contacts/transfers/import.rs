//! A table becomes contacts.

use std::{collections::HashMap, fs::File, io::Read as _, path::PathBuf};

use serde_json::{Map, Value};

use super::{
    super::{Contact, Settings, Source, announce, contact::email_key, settings, store as contacts},
    Transfer,
    store::{self, Progress},
};
use crate::{
    App, Error, Result, Tenant, Violation,
    fields::{Field, Mode},
    jobs::{self, Job},
};

/// Rows of one transaction: enough that a commit costs little, few enough that others do not wait long.
const BATCH: usize = 500;
/// Contacts of one import.
const MOST: i64 = 1_000_000;

/// Where the value of a column goes.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Base(String),
    Custom(String),
    Ignored,
}

pub(super) async fn run(app: &App, job: &Job, tenant: &Tenant, transfer: &Transfer) -> Result<()> {
    let settings = settings::read(&mut app.db.read().await?, tenant, &transfer.agent_id).await?;
    let path = app.blobs.path(tenant.id().as_str(), transfer.id.as_str());
    let mut table = Table::open(path, &settings)?;
    let ignored = table.ignored.clone();
    table.skip(transfer.row_count)?;
    let mut row = transfer.row_count;
    loop {
        let rows = table.next(BATCH, row)?;
        let mut db = app.db.write().await?;
        jobs::hold(app, &mut db, job).await?;
        store::set_ignored(&mut db, tenant, &transfer.id, &ignored).await?;
        if rows.is_empty() {
            return Ok(db.commit().await?);
        }
        row += rows.len() as i64;
        if row > MOST {
            return Err(Error::unprocessable(format!(
                "An import takes at most {MOST} rows. Split the file."
            )));
        }
        let part = take(app, &mut db, (tenant, transfer), &settings, rows).await?;
        store::progress(&mut db, tenant, &transfer.id, &part).await?;
        db.commit().await?;
    }
}

/// A row of the table: its number in the file and its values, or what is wrong with it as a row.
type Row = (i64, Result<Map<String, Value>, Violation>);

/// Takes some rows in.
async fn take(
    app: &App,
    db: &mut ::store::Write,
    (tenant, transfer): (&Tenant, &Transfer),
    settings: &Settings,
    rows: Vec<Row>,
) -> Result<Progress> {
    let agent = &transfer.agent_id;
    let mut part = Progress { rows: rows.len() as i64, ..Progress::default() };
    let mut checked = Vec::new();
    for (number, body) in rows {
        match body
            .map_err(|violation| vec![violation])
            .and_then(|body| settings.check(&body, Mode::Whole).map_err(|error| error.violations.into_vec()))
        {
            Ok(values) => checked.push((number, values.known())),
            Err(reasons) => part.refused.push((number, reasons)),
        }
    }
    let mut known = Known::load(db, tenant, transfer, &checked).await?;
    let members = contacts::members(db, tenant).await?;
    let mut fresh: Vec<Contact> = Vec::new();
    for (number, values) in checked {
        let wanted = Contact::new(app, Source::Import).with(values.clone())?;
        let place = known.find(&wanted)?;
        let before = match place {
            Some(Place::Stored(at)) => known.stored[at].owner_id.as_ref(),
            _ => None,
        };
        if let Some(owner) =
            wanted.owner_id.as_ref().filter(|owner| Some(*owner) != before && !members.contains(*owner))
        {
            part.refused.push((number, vec![no_member(owner)]));
            continue;
        }
        match place {
            Some(Place::Stored(at)) => {
                let old = known.stored[at].clone();
                let contact = old.clone().with(values)?.changed(app);
                if contact.differs(&old) {
                    contacts::update(db, tenant, agent, (&old, &contact)).await?;
                }
                known.stored[at] = contact;
                part.updated += 1;
            }
            Some(Place::Fresh(at)) => {
                fresh[at] = fresh[at].clone().with(values)?;
                part.updated += 1;
            }
            None => {
                known.note(&wanted, Place::Fresh(fresh.len()))?;
                fresh.push(wanted);
                part.created += 1;
            }
        }
    }
    contacts::insert(db, tenant, agent, &fresh.iter().collect::<Vec<_>>()).await?;
    announce(app, db, tenant, agent, &fresh).await?;
    Ok(part)
}

fn no_member(owner: &str) -> Violation {
    let message = "ownerId is not a member of this workspace".to_owned();
    Violation { field: "ownerId".into(), message, value: owner.into(), rule: "any.invalid" }
}

/// The contacts that rows may mean: those that are stored, and those that earlier rows made.
struct Known {
    stored: Vec<Contact>,
    by_reference: HashMap<String, Place>,
    by_email: HashMap<String, Place>,
}

#[derive(Clone, Copy)]
enum Place {
    Stored(usize),
    Fresh(usize),
}

impl Known {
    async fn load(
        db: &mut ::store::Read,
        tenant: &Tenant,
        transfer: &Transfer,
        rows: &[(i64, settings::Values)],
    ) -> Result<Self> {
        let text = |values: &settings::Values, name| {
            values.base.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let references = rows.iter().filter_map(|(_, values)| text(values, "externalReferenceId")).collect();
        let emails = rows.iter().filter_map(|(_, values)| text(values, "primaryEmail"));
        let keys = emails.map(|email| email_key(&email)).collect::<Result<Vec<_>>>()?;
        let stored = contacts::among(db, tenant, &transfer.agent_id, (references, keys)).await?;
        let mut known = Self { by_reference: HashMap::new(), by_email: HashMap::new(), stored: Vec::new() };
        for (at, contact) in stored.iter().enumerate() {
            known.note(contact, Place::Stored(at))?;
        }
        known.stored = stored;
        Ok(known)
    }

    fn note(&mut self, contact: &Contact, place: Place) -> Result<()> {
        if let Some(reference) = &contact.external_reference_id {
            self.by_reference.insert(reference.clone(), place);
        }
        if contact.archived_at.is_none() {
            self.by_email.insert(contact.email_key()?, place);
        }
        Ok(())
    }

    /// A reference decides alone; without one the address does.
    fn find(&self, wanted: &Contact) -> Result<Option<Place>> {
        match &wanted.external_reference_id {
            Some(reference) => Ok(self.by_reference.get(reference).copied()),
            None => Ok(self.by_email.get(&wanted.email_key()?).copied()),
        }
    }
}

/// A table that is read row by row.
struct Table {
    rows: csv::StringRecordsIntoIter<File>,
    columns: Vec<Column>,
    ignored: Vec<String>,
}

impl Table {
    fn open(path: PathBuf, settings: &Settings) -> Result<Self> {
        let mut head = [0u8; 64 * 1024];
        let read = File::open(&path).and_then(|mut file| file.read(&mut head)).map_err(Error::internal)?;
        let first = head[..read].split(|b| *b == b'\n').next().unwrap_or_default();
        let delimiter =
            [b',', b';', b'\t'].into_iter().max_by_key(|d| first.iter().filter(|b| *b == d).count());
        let file = File::open(path).map_err(Error::internal)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(file);
        let header = reader.headers().map_err(|_| unreadable())?.clone();
        let columns: Vec<Column> = header.iter().map(|name| column(settings, name)).collect();
        if !columns.contains(&Column::Base("primaryEmail".into())) {
            let message = "The table has no column for the mail address. Its first row names the columns: primaryEmail, firstName, lastName, …";
            return Err(Error::unprocessable(message).with_field("file"));
        }
        let ignored = header.iter().zip(&columns).filter(|(_, column)| **column == Column::Ignored);
        let ignored = ignored.map(|(name, _)| name.chars().take(100).collect()).take(100).collect();
        Ok(Self { rows: reader.into_records(), columns, ignored })
    }

    fn skip(&mut self, rows: i64) -> Result<()> {
        self.rows.by_ref().take(usize::try_from(rows).map_err(Error::internal)?).for_each(drop);
        Ok(())
    }

    /// The next rows; `done` of them were there before.
    fn next(&mut self, most: usize, done: i64) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for record in self.rows.by_ref().take(most) {
            let number = done + rows.len() as i64 + 2;
            rows.push((number, record.map_err(|_| broken()).map(|record| body(&self.columns, &record))));
        }
        Ok(rows)
    }
}

fn unreadable() -> Error {
    Error::unprocessable(
        "The file is not a table in UTF-8 with commas, semicolons or tabs between its values.",
    )
}

fn broken() -> Violation {
    let message = "the row is not text in UTF-8".to_owned();
    Violation { field: "row".into(), message, value: Value::Null, rule: "string.base" }
}

/// A name without what people write differently.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn column(settings: &Settings, name: &str) -> Column {
    let name = plain(name.trim_start_matches('\u{feff}'));
    let is = |field: &&Field| plain(&field.name) == name || plain(field.title()) == name;
    let common = match name.as_str() {
        "emailaddress" | "mail" => Some("primaryEmail"),
        "givenname" => Some("firstName"),
        "surname" | "familyname" => Some("lastName"),
        "phone" | "phonenumber" | "mobile" => Some("mobileNumber"),
        "externalid" | "reference" => Some("externalReferenceId"),
        _ => None,
    };
    if let Some(field) = settings.fields.iter().find(is) {
        return Column::Custom(field.name.clone());
    }
    match (settings.base().iter().find(is), common) {
        (Some(field), _) => Column::Base(field.name.clone()),
        (None, Some(field)) => Column::Base(field.to_owned()),
        (None, None) => Column::Ignored,
    }
}

fn body(columns: &[Column], record: &csv::StringRecord) -> Map<String, Value> {
    let (mut body, mut custom) = (Map::new(), Map::new());
    for (column, value) in columns.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        match column {
            Column::Base(name) => body.insert(name.clone(), value.into()),
            Column::Custom(name) => custom.insert(name.clone(), value.into()),
            Column::Ignored => None,
        };
    }
    body.insert("customFields".into(), custom.into());
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::FieldType;

    #[test]
    fn columns_are_found_however_they_are_written() {
        let plan = Field::new("plan_name", FieldType::Text).labelled("Plan");
        let settings = Settings { fields: vec![plan], ..Settings::default() };
        let of = |name| column(&settings, name);
        for name in ["primaryEmail", "Primary Email", "EMAIL", "\u{feff}e-mail", "Email address"] {
            assert_eq!(of(name), Column::Base("primaryEmail".into()), "{name}");
        }
        assert_eq!(of("first_name"), Column::Base("firstName".into()));
        assert_eq!(of("Surname"), Column::Base("lastName".into()));
        assert_eq!(of("Plan"), Column::Custom("plan_name".into()));
        assert_eq!(of("plan name"), Column::Custom("plan_name".into()));
        assert_eq!(of("Shoe size"), Column::Ignored);
    }
}
