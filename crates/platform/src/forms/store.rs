//! The tables of forms and of what was sent by them.

use sqlx::FromRow;
use store::{Read, Sql, Write, sql};

use super::{Form, Submission};
use crate::{AgentId, FormId, Page, Paged, Result, SubmissionId, Tenant, WorkspaceId};

const FORM: &str =
    "SELECT id, agent_id, name, description, fields, submit_text, thank_you, created_at, updated_at
    FROM forms WHERE workspace_id = $1 AND agent_id = $2";
const SUBMISSION: &str = "SELECT id, form_id, contact_id, answers, page_url, created_at
    FROM form_submissions WHERE workspace_id = $1 AND form_id = $2";

pub(super) async fn count(db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<i64> {
    let count = sql!("SELECT count(*) FROM forms WHERE workspace_id = $1 AND agent_id = $2", tenant, agent);
    Ok(db.count(count).await?)
}

pub(super) async fn insert(db: &mut Write, tenant: &Tenant, f: &Form) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO forms (id, workspace_id, agent_id, name, description, fields, submit_text, thank_you, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &f.id,
        tenant,
        &f.agent_id,
        f.name.as_str(),
        f.description.clone(),
        serde_json::to_value(&f.fields)?,
        f.submit_text.clone(),
        f.thank_you.clone(),
        f.created_at,
        f.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn get(
    db: &mut Read,
    tenant: &Tenant,
    agent: &AgentId,
    id: &FormId,
) -> Result<Option<Form>> {
    Ok(db.optional(Sql::new(FORM).bind(tenant).bind(agent).and("id = ", Some(id))).await?)
}

#[derive(FromRow)]
struct Public {
    workspace_id: WorkspaceId,
    agent_id: AgentId,
}

pub(super) async fn public(db: &mut Read, id: &FormId) -> Result<Option<(Tenant, Form)>> {
    let found: Option<Public> = db
        .optional(sql!(
            "SELECT f.workspace_id, f.agent_id FROM forms f JOIN workspaces w ON w.id = f.workspace_id
             JOIN agents a ON a.id = f.agent_id
             WHERE f.id = $1 AND w.erased_at IS NULL AND a.status <> 'ARCHIVED'",
            id
        ))
        .await?;
    let Some(Public { workspace_id, agent_id }) = found else { return Ok(None) };
    let tenant = Tenant::new(workspace_id);
    Ok(get(db, &tenant, &agent_id, id).await?.map(|form| (tenant, form)))
}

pub(super) async fn list(db: &mut Read, tenant: &Tenant, agent: &AgentId, page: Page) -> Result<Paged<Form>> {
    let total = count(db, tenant, agent).await?;
    let some = Sql::new(FORM).bind(tenant).bind(agent).push(" ORDER BY id DESC");
    let items = db.all(some.push_bind(" LIMIT ", page.limit).push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}

pub(super) async fn update(db: &mut Write, tenant: &Tenant, f: &Form) -> Result<()> {
    db.execute(sql!(
        "UPDATE forms SET name = $3, description = $4, fields = $5, submit_text = $6, thank_you = $7, updated_at = $8
         WHERE workspace_id = $1 AND id = $2",
        tenant,
        &f.id,
        f.name.as_str(),
        f.description.clone(),
        serde_json::to_value(&f.fields)?,
        f.submit_text.clone(),
        f.thank_you.clone(),
        f.updated_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn delete(db: &mut Write, tenant: &Tenant, agent: &AgentId, id: &FormId) -> Result<u64> {
    let delete =
        sql!("DELETE FROM forms WHERE workspace_id = $1 AND agent_id = $2 AND id = $3", tenant, agent, id);
    Ok(db.execute(delete).await?)
}

pub(super) async fn insert_submission(db: &mut Write, tenant: &Tenant, s: &Submission) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO form_submissions (id, workspace_id, form_id, contact_id, answers, page_url, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &s.id,
        tenant,
        &s.form_id,
        s.contact_id.as_ref().map(|id| id.as_str().to_owned()),
        s.answers.clone(),
        s.page_url.clone(),
        s.created_at
    ))
    .await?;
    Ok(())
}

pub(super) async fn submission(
    db: &mut Read,
    tenant: &Tenant,
    form: &FormId,
    id: &SubmissionId,
) -> Result<Option<Submission>> {
    Ok(db.optional(Sql::new(SUBMISSION).bind(tenant).bind(form).and("id = ", Some(id))).await?)
}

pub(super) async fn submissions(
    db: &mut Read,
    tenant: &Tenant,
    form: &FormId,
    page: Page,
) -> Result<Paged<Submission>> {
    let total = db
        .count(sql!(
            "SELECT count(*) FROM form_submissions WHERE workspace_id = $1 AND form_id = $2",
            tenant,
            form
        ))
        .await?;
    let some = Sql::new(SUBMISSION).bind(tenant).bind(form).push(" ORDER BY id DESC");
    let items = db.all(some.push_bind(" LIMIT ", page.limit).push_bind(" OFFSET ", page.offset)).await?;
    Ok(Paged { items, total, page })
}
