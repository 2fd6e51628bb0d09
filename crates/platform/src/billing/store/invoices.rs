//! Invoices and their numbers.

use store::{Read, Sql, Write, sql};

use crate::{InvoiceId, Page, Paged, Result, Tenant, billing::invoice::Invoice};

const INVOICE: &str =
    "SELECT id, number, label, status, currency, lines, net, tax_rate, tax, total, note, seller, buyer,
    reference, created_at FROM invoices WHERE workspace_id = $1";

/// The next number of the series. Its row stays locked until this transaction ends, and a transaction that does not
/// commit has taken none: so there is no gap and no number twice.
pub(in crate::billing) async fn next_number(db: &mut Write) -> Result<i64> {
    Ok(db
        .count(sql!(
            "INSERT INTO invoice_series (name, last) VALUES ('invoices', 1)
             ON CONFLICT (name) DO UPDATE SET last = invoice_series.last + 1 RETURNING last"
        ))
        .await?)
}

pub(in crate::billing) async fn insert_invoice(db: &mut Write, tenant: &Tenant, i: &Invoice) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO invoices (id, workspace_id, number, label, status, currency, lines, net, tax_rate, tax, total, note,
             seller, buyer, reference, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &i.id,
        tenant,
        i.number,
        i.label.as_str(),
        i.status.as_str(),
        i.currency.as_str(),
        serde_json::to_value(&i.lines)?,
        i.net,
        i.tax_rate,
        i.tax,
        i.total,
        i.note.clone(),
        serde_json::to_value(&i.seller)?,
        serde_json::to_value(&i.buyer)?,
        i.reference.as_str(),
        i.created_at
    ))
    .await?;
    Ok(())
}

pub(in crate::billing) async fn has_invoice(db: &mut Read, tenant: &Tenant, reference: &str) -> Result<bool> {
    let found = db
        .count(sql!(
            "SELECT count(*) FROM invoices WHERE workspace_id = $1 AND reference = $2",
            tenant,
            reference
        ))
        .await?;
    Ok(found > 0)
}

pub(in crate::billing) async fn invoices(
    db: &mut Read,
    tenant: &Tenant,
    page: Page,
) -> Result<Paged<Invoice>> {
    let total = db.count(sql!("SELECT count(*) FROM invoices WHERE workspace_id = $1", tenant)).await?;
    let sql = Sql::new(INVOICE)
        .bind(tenant)
        .push(" ORDER BY number DESC")
        .push_bind(" LIMIT ", page.limit)
        .push_bind(" OFFSET ", page.offset);
    Ok(Paged { items: db.all(sql).await?, total, page })
}

pub(in crate::billing) async fn invoice(
    db: &mut Read,
    tenant: &Tenant,
    id: &InvoiceId,
) -> Result<Option<Invoice>> {
    Ok(db.optional(Sql::new(INVOICE).bind(tenant).and("id = ", Some(id))).await?)
}
