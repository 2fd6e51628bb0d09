//! The tables of contacts and of the words they are found by.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use store::{Read, Sql, Value, Write, sql};

use super::{Contact, Handle, contact::email_key, stretches, terms};
use crate::{AgentId, ContactId, ConversationId, Result, Tenant};

/// Rows that are inserted by one statement; SQLite takes 32,766 values in one.
const SOME: usize = 500;

macro_rules! columns {
    ($more:literal, $condition:literal) => {
        concat!(
            "SELECT id, external_reference_id, primary_email, first_name, last_name, mobile_number, gender,
             stage, status, source, owner_id, custom_fields, created_at, updated_at, archived_at",
            $more,
            " FROM contacts c WHERE ",
            $condition
        )
    };
}

pub(super) const COLUMNS: &str = columns!("", "workspace_id = $1 AND agent_id = $2");
/// The same, with the agent's [`Counts`] beside each: one statement takes less than two.
pub(super) const COLUMNS_AND_COUNTS: &str = columns!(
    ", (SELECT n.live FROM contact_counts n WHERE n.workspace_id = $1 AND n.agent_id = $2) AS live,
     (SELECT n.stretched FROM contact_counts n WHERE n.workspace_id = $1 AND n.agent_id = $2) AS stretched",
    "workspace_id = $1 AND agent_id = $2"
);
/// The same, to be narrowed to some ids: put so that SQLite does not look through all contacts of the agent for them.
pub(super) const COLUMNS_BY_IDS: &str = columns!("", "workspace_id || '' = $1 AND agent_id || '' = $2");

/// What is counted of an agent's contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub(super) struct Counts {
    /// Those that are listed.
    pub live: i64,
    /// Changes of their stretches.
    pub stretched: i64,
}

/// A contact of a list, and the counts of that moment.
#[derive(FromRow)]
pub(super) struct Listed {
    #[sqlx(flatten)]
    pub contact: Contact,
    #[sqlx(flatten)]
    pub counts: Counts,
}

pub(super) async fn counts(db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<Counts> {
    let counted = sql!(
        "SELECT live, stretched FROM contact_counts WHERE workspace_id = $1 AND agent_id = $2",
        tenant,
        agent
    );
    Ok(db.optional(counted).await?.unwrap_or_default())
}

pub(super) async fn get(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    handle: &Handle,
) -> Result<Option<Contact>> {
    let sql = Sql::new(COLUMNS).bind(tenant).bind(agent);
    let sql = match handle {
        Handle::Id(id) => sql.and("id = ", Some(id)),
        Handle::Reference(reference) => sql.and("external_reference_id = ", Some(reference.as_str())),
    };
    Ok(db.optional(sql).await?)
}

/// The contact with an address; the latest that is not archived, when there are several.
pub(super) async fn by_email(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    address: &str,
) -> Result<Option<Contact>> {
    let sql = Sql::new(COLUMNS).bind(tenant).bind(agent).and("email_key = ", Some(email_key(address)?));
    Ok(db.optional(sql.push(" AND archived_at IS NULL ORDER BY id DESC LIMIT 1")).await?)
}

/// The contacts that have one of these references or addresses.
pub(super) async fn among(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    (references, keys): (Vec<String>, Vec<String>),
) -> Result<Vec<Contact>> {
    let of = || Sql::new(COLUMNS).bind(tenant).bind(agent);
    let mut found = db.all(of().and_in("external_reference_id", references)).await?;
    found.extend(db.all::<Contact>(of().push(" AND archived_at IS NULL").and_in("email_key", keys)).await?);
    Ok(found)
}

pub(super) async fn insert(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    contacts: &[&Contact],
) -> Result<()> {
    for some in contacts.chunks(SOME) {
        let mut sql = Sql::new(
            "INSERT INTO contacts (id, workspace_id, agent_id, external_reference_id, primary_email, email_key, first_name,
                 last_name, mobile_number, gender, stage, status, source, owner_id, custom_fields, created_at, updated_at,
                 archived_at, words) VALUES",
        );
        for c in some {
            sql = sql.push_row([
                (&c.id).into(),
                tenant.into(),
                agent.into(),
                c.external_reference_id.clone().into(),
                c.primary_email.as_str().into(),
                c.email_key()?.into(),
                c.first_name.clone().into(),
                c.last_name.clone().into(),
                c.mobile_number.clone().into(),
                c.gender.clone().into(),
                c.stage.clone().into(),
                c.status.as_str().into(),
                c.source.as_str().into(),
                c.owner_id.clone().into(),
                c.custom_fields.clone().into(),
                c.created_at.into(),
                c.updated_at.into(),
                Value::from(c.archived_at),
                terms::joined(&terms::of(c)).into(),
            ]);
        }
        db.execute(sql).await?;
    }
    let mut words = Vec::new();
    let mut facets = BTreeMap::new();
    for contact in contacts.iter().copied() {
        let own = terms::facets(contact);
        own.iter().for_each(|facet| *facets.entry(facet.clone()).or_default() += 1);
        words.extend(terms::of(contact).into_iter().chain(own).map(|term| (contact, term)));
    }
    insert_terms(db, tenant, agent, words).await?;
    let archived = contacts.iter().filter(|contact| contact.archived_at.is_some()).count() as i64;
    count(db, tenant, agent, (contacts.len() as i64 - archived, archived)).await?;
    count_facets(db, tenant, agent, facets).await?;
    let live =
        contacts.iter().filter(|contact| contact.archived_at.is_none()).map(|contact| contact.id.as_str());
    stretches::add(db, tenant, agent, live.collect()).await
}

async fn insert_terms(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    mut words: Vec<(&Contact, String)>,
) -> Result<()> {
    // In the table's order, so that neighbours meet on one page.
    words.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    for some in words.chunks(4 * SOME) {
        let sql = Sql::new(
            "INSERT INTO contact_terms (agent_id, workspace_id, term, contact_id)
             SELECT $1, $2, column1, column2 FROM (VALUES",
        );
        let sql = sql.bind(agent).bind(tenant);
        let row = |sql: Sql, (contact, term): &(&Contact, String)| {
            sql.push_row([term.as_str().into(), (&contact.id).into()])
        };
        db.execute(some.iter().fold(sql, row).push(") AS found")).await?;
    }
    Ok(())
}

async fn delete_terms(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    contact: &Contact,
    words: impl Iterator<Item = &String>,
) -> Result<()> {
    db.execute(
        sql!(
            "DELETE FROM contact_terms WHERE workspace_id = $1 AND agent_id = $2 AND contact_id = $3",
            tenant,
            agent,
            &contact.id
        )
        .and_in("term", words.map(String::as_str)),
    )
    .await?;
    Ok(())
}

/// Adds to the counts of contacts that are listed and that are archived.
async fn count(db: &mut Write, tenant: &Tenant, agent: &AgentId, (live, archived): (i64, i64)) -> Result<()> {
    if (live, archived) == (0, 0) {
        return Ok(());
    }
    db.execute(sql!(
        "INSERT INTO contact_counts (agent_id, workspace_id, live, archived) VALUES ($1, $2, $3, $4)
         ON CONFLICT (agent_id) DO UPDATE
         SET live = contact_counts.live + excluded.live, archived = contact_counts.archived + excluded.archived",
        agent,
        tenant,
        live,
        archived
    ))
    .await?;
    Ok(())
}

/// Adds to the counts of contacts by their facets.
async fn count_facets(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    changes: BTreeMap<String, i64>,
) -> Result<()> {
    let changes: Vec<(String, i64)> = changes.into_iter().filter(|(_, more)| *more != 0).collect();
    for some in changes.chunks(SOME) {
        let sql = Sql::new("INSERT INTO contact_facets (agent_id, facet, workspace_id, contacts) VALUES");
        let row = |sql: Sql, (facet, more): &(String, i64)| {
            sql.push_row([agent.into(), facet.as_str().into(), tenant.into(), (*more).into()])
        };
        let sql = some.iter().fold(sql, row);
        db.execute(sql.push(
            " ON CONFLICT (agent_id, facet) DO UPDATE SET contacts = contact_facets.contacts + excluded.contacts",
        ))
        .await?;
    }
    Ok(())
}

pub(super) async fn update(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    (old, c): (&Contact, &Contact),
) -> Result<()> {
    db.execute(sql!(
        "UPDATE contacts SET external_reference_id = $4, primary_email = $5, email_key = $6, first_name = $7, last_name = $8,
                mobile_number = $9, gender = $10, stage = $11, status = $12, owner_id = $13, custom_fields = $14,
                updated_at = $15, archived_at = $16, words = $17
         WHERE workspace_id = $1 AND agent_id = $2 AND id = $3",
        tenant,
        agent,
        &c.id,
        c.external_reference_id.clone(),
        c.primary_email.as_str(),
        c.email_key()?,
        c.first_name.clone(),
        c.last_name.clone(),
        c.mobile_number.clone(),
        c.gender.clone(),
        c.stage.clone(),
        c.status.as_str(),
        c.owner_id.clone(),
        c.custom_fields.clone(),
        c.updated_at,
        c.archived_at,
        terms::joined(&terms::of(c))
    ))
    .await?;
    let put_away = i64::from(c.archived_at.is_some()) - i64::from(old.archived_at.is_some());
    count(db, tenant, agent, (-put_away, put_away)).await?;
    if put_away != 0 {
        stretches::change(db, tenant, agent, (c.id.as_str(), -put_away)).await?;
    }
    let (before, after): (BTreeSet<String>, BTreeSet<String>) = (all_terms(old), all_terms(c));
    if before != after {
        delete_terms(db, tenant, agent, c, before.difference(&after)).await?;
        let added = after.difference(&before).map(|term| (c, term.clone())).collect();
        insert_terms(db, tenant, agent, added).await?;
    }
    count_facets(db, tenant, agent, moved_facets(old, Some(c))).await
}

fn all_terms(contact: &Contact) -> BTreeSet<String> {
    terms::of(contact).into_iter().chain(terms::facets(contact)).collect()
}

/// How the counts of facets change when a contact becomes another, or none.
fn moved_facets(old: &Contact, new: Option<&Contact>) -> BTreeMap<String, i64> {
    let mut changes: BTreeMap<String, i64> =
        terms::facets(old).into_iter().map(|facet| (facet, -1)).collect();
    for facet in new.map(terms::facets).unwrap_or_default() {
        *changes.entry(facet).or_default() += 1;
    }
    changes
}

/// Removes a contact for good, with its notes; its files, conversations and submissions must have gone elsewhere.
pub(super) async fn delete(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    contact: &Contact,
) -> Result<()> {
    delete_terms(db, tenant, agent, contact, all_terms(contact).iter()).await?;
    db.execute(sql!(
        "DELETE FROM contacts WHERE workspace_id = $1 AND agent_id = $2 AND id = $3",
        tenant,
        agent,
        &contact.id
    ))
    .await?;
    let archived = i64::from(contact.archived_at.is_some());
    count(db, tenant, agent, (archived - 1, -archived)).await?;
    if archived == 0 {
        stretches::change(db, tenant, agent, (contact.id.as_str(), -1)).await?;
    }
    count_facets(db, tenant, agent, moved_facets(contact, None)).await
}

/// A conversation of a contact.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Talk {
    /// The conversation.
    pub id: ConversationId,
    /// Where it took place.
    pub channel: String,
    /// Questions and answers in it.
    pub message_count: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When something was last said.
    pub last_message_at: DateTime<Utc>,
}

pub(super) async fn conversations(db: &mut Read, tenant: &Tenant, contact: &ContactId) -> Result<Vec<Talk>> {
    Ok(db
        .all(sql!(
            "SELECT id, channel, message_count, started_at, last_message_at FROM conversations
             WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id DESC LIMIT 100",
            tenant,
            contact
        ))
        .await?)
}

/// The ids of all members.
pub(super) async fn members(db: &mut Read, tenant: &Tenant) -> Result<HashSet<String>> {
    let rows = db.all(sql!("SELECT user_id FROM members WHERE workspace_id = $1", tenant)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn is_member(db: &mut Read, tenant: &Tenant, user: &str) -> Result<bool> {
    let count = sql!("SELECT count(*) FROM members WHERE workspace_id = $1 AND user_id = $2", tenant, user);
    Ok(db.count(count).await? > 0)
}
