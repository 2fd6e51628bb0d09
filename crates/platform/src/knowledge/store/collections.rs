//! Collections.

use store::{Read, Write, sql};

use crate::{CollectionId, Result, Tenant, knowledge::Collection};

pub(in crate::knowledge) async fn insert_collection(
    db: &mut Write,
    tenant: &Tenant,
    c: &Collection,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO collections (id, workspace_id, name, description, created_at) VALUES ($1, $2, $3, $4, $5)",
        &c.id,
        tenant,
        c.name.as_str(),
        c.description.clone(),
        c.created_at
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge) async fn collections(db: &mut Read, tenant: &Tenant) -> Result<Vec<Collection>> {
    Ok(db
        .all(sql!(
            "SELECT c.id, c.name, c.description, c.created_at,
                    (SELECT count(*) FROM documents d WHERE d.collection_id = c.id AND d.retired_at IS NULL) AS document_count
             FROM collections c WHERE c.workspace_id = $1 ORDER BY c.id",
            tenant
        ))
        .await?)
}

pub(in crate::knowledge) async fn collection(
    db: &mut Read,
    tenant: &Tenant,
    id: &CollectionId,
) -> Result<Option<Collection>> {
    Ok(db
        .optional(sql!(
            "SELECT c.id, c.name, c.description, c.created_at,
                    (SELECT count(*) FROM documents d WHERE d.collection_id = c.id AND d.retired_at IS NULL) AS document_count
             FROM collections c WHERE c.workspace_id = $1 AND c.id = $2",
            tenant,
            id
        ))
        .await?)
}

pub(in crate::knowledge) async fn update_collection(
    db: &mut Write,
    tenant: &Tenant,
    c: &Collection,
) -> Result<()> {
    db.execute(sql!(
        "UPDATE collections SET name = $3, description = $4 WHERE workspace_id = $1 AND id = $2",
        tenant,
        &c.id,
        c.name.as_str(),
        c.description.clone()
    ))
    .await?;
    Ok(())
}

pub(in crate::knowledge) async fn delete_collection(
    db: &mut Write,
    tenant: &Tenant,
    id: &CollectionId,
) -> Result<()> {
    db.execute(sql!("DELETE FROM collections WHERE workspace_id = $1 AND id = $2", tenant, id)).await?;
    Ok(())
}
