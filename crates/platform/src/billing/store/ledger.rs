//! Accounts, transactions and their entries, and what servers hold.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use store::{Dialect, Read, Sql, Value, Write, sql};

use crate::{
    Page, Paged, Result, Tenant, TransactionId, WorkspaceId,
    billing::{
        Credits,
        ledger::{Account, Balances, Entry, Posting, Recorded},
    },
};

/// Opens the accounts of a workspace; those that are open stay as they are.
pub(in crate::billing) async fn open_accounts(db: &mut Write, tenant: &Tenant) -> Result<()> {
    for account in Account::ALL {
        db.execute(sql!(
            "INSERT INTO ledger_accounts (workspace_id, account, balance) VALUES ($1, $2, 0)
             ON CONFLICT (workspace_id, account) DO NOTHING",
            tenant,
            account.as_str()
        ))
        .await?;
    }
    Ok(())
}

/// Writes transactions and their entries. The balances are another's to change; see [`change_balance`].
pub(in crate::billing) async fn insert_postings(
    db: &mut Write,
    tenant: &Tenant,
    postings: &[Posting],
    now: DateTime<Utc>,
) -> Result<()> {
    let mut transactions =
        Sql::new("INSERT INTO ledger_transactions (id, workspace_id, kind, reference, created_at) VALUES");
    let mut entries =
        Sql::new("INSERT INTO ledger_entries (transaction_id, workspace_id, account, amount) VALUES");
    for posting in postings {
        transactions = transactions.push_row([
            (&posting.id).into(),
            tenant.into(),
            posting.kind.as_str().into(),
            posting.reference.as_str().into(),
            now.into(),
        ]);
        for Entry { account, amount } in &posting.entries {
            let row: [Value; 4] =
                [(&posting.id).into(), tenant.into(), account.as_str().into(), amount.thousandths().into()];
            entries = entries.push_row(row);
        }
    }
    db.execute(transactions).await?;
    db.execute(entries).await?;
    Ok(())
}

/// Changes the balance of an account; false when it would fall below nought and the account may not.
pub(in crate::billing) async fn change_balance(
    db: &mut Write,
    tenant: &Tenant,
    account: Account,
    by: Credits,
) -> Result<bool> {
    let changed = db
        .execute(sql!(
            "UPDATE ledger_accounts SET balance = balance + $3
             WHERE workspace_id = $1 AND account = $2 AND (balance + $3 >= 0 OR account = 'issued')",
            tenant,
            account.as_str(),
            by.thousandths()
        ))
        .await?;
    Ok(changed == 1)
}

/// The balance of an account, which nobody else changes until this transaction ends.
pub(in crate::billing) async fn lock_balance(
    db: &mut Write,
    tenant: &Tenant,
    account: Account,
) -> Result<Credits> {
    let balance: Option<(i64,)> = db
        .optional(sql!(
            "UPDATE ledger_accounts SET balance = balance WHERE workspace_id = $1 AND account = $2 RETURNING balance",
            tenant,
            account.as_str()
        ))
        .await?;
    Ok(balance.map_or(Credits::ZERO, |(balance,)| Credits::of_thousandths(balance)))
}

pub(in crate::billing) async fn balances(db: &mut Read, tenant: &Tenant) -> Result<Balances> {
    let rows: Vec<(String, i64)> =
        db.all(sql!("SELECT account, balance FROM ledger_accounts WHERE workspace_id = $1", tenant)).await?;
    let of = |account: Account| {
        let row = rows.iter().find(|(name, _)| name == account.as_str());
        row.map_or(Credits::ZERO, |(_, balance)| Credits::of_thousandths(*balance))
    };
    Ok(Balances {
        available: of(Account::Available),
        held: of(Account::Held),
        spent: of(Account::Spent),
        issued: of(Account::Issued),
    })
}

/// What moved a workspace's credits, latest first: without the holds, unless they are asked for.
pub(in crate::billing) async fn postings(
    db: &mut Read,
    tenant: &Tenant,
    kind: Option<&str>,
    page: Page,
) -> Result<Paged<Recorded>> {
    #[derive(FromRow)]
    struct Row {
        id: TransactionId,
        kind: String,
        reference: String,
        amount: i64,
        created_at: DateTime<Utc>,
    }
    let narrowed = |sql: Sql| match kind {
        Some(kind) => sql.and("t.kind = ", Some(kind)),
        None => sql.push(" AND t.kind NOT IN ('hold', 'release')"),
    };
    let total = db
        .count(narrowed(sql!("SELECT count(*) FROM ledger_transactions t WHERE t.workspace_id = $1", tenant)))
        .await?;
    // What a transaction means to the workspace is what it did to credits that are not spent.
    let rows: Vec<Row> = db
        .all(
            narrowed(sql!(
                "SELECT t.id, t.kind, t.reference, t.created_at,
                        CAST((SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e
                              WHERE e.transaction_id = t.id AND e.account IN ('available', 'held')) AS BIGINT) AS amount
                 FROM ledger_transactions t WHERE t.workspace_id = $1",
                tenant
            ))
            .push(" ORDER BY t.id DESC")
            .push_bind(" LIMIT ", page.limit)
            .push_bind(" OFFSET ", page.offset),
        )
        .await?;
    let items = rows
        .into_iter()
        .map(|row| Recorded {
            id: row.id,
            kind: row.kind,
            reference: row.reference,
            amount: Credits::of_thousandths(row.amount),
            created_at: row.created_at,
        })
        .collect();
    Ok(Paged { items, total, page })
}

/// Adds to what a server holds, and renews it until a moment.
pub(in crate::billing) async fn add_to_hold(
    db: &mut Write,
    tenant: &Tenant,
    server: &str,
    amount: Credits,
    until: DateTime<Utc>,
) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO credit_holds (workspace_id, server, amount, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace_id, server) DO UPDATE
         SET amount = credit_holds.amount + excluded.amount, expires_at = excluded.expires_at",
        tenant,
        server,
        amount.thousandths(),
        until
    ))
    .await?;
    Ok(())
}

/// Takes from what a server holds; false when it does not hold as much.
pub(in crate::billing) async fn take_from_hold(
    db: &mut Write,
    tenant: &Tenant,
    server: &str,
    amount: Credits,
) -> Result<bool> {
    let taken = db
        .execute(sql!(
            "UPDATE credit_holds SET amount = amount - $3
             WHERE workspace_id = $1 AND server = $2 AND amount >= $3",
            tenant,
            server,
            amount.thousandths()
        ))
        .await?;
    Ok(taken == 1)
}

/// Renews what a server holds; false when it holds nothing any more.
pub(in crate::billing) async fn renew_hold(
    db: &mut Write,
    tenant: &Tenant,
    server: &str,
    until: DateTime<Utc>,
) -> Result<bool> {
    let renewed = db
        .execute(sql!(
            "UPDATE credit_holds SET expires_at = $3 WHERE workspace_id = $1 AND server = $2",
            tenant,
            server,
            until
        ))
        .await?;
    Ok(renewed == 1)
}

/// Ends a server's hold; gives what it held.
pub(in crate::billing) async fn end_hold(db: &mut Write, tenant: &Tenant, server: &str) -> Result<Credits> {
    let held: Option<(i64,)> = db
        .optional(sql!(
            "DELETE FROM credit_holds WHERE workspace_id = $1 AND server = $2 RETURNING amount",
            tenant,
            server
        ))
        .await?;
    Ok(held.map_or(Credits::ZERO, |(amount,)| Credits::of_thousandths(amount)))
}

/// Holds that nobody renewed. SQLite has one server, so whatever another has left there is nobody's.
pub(in crate::billing) async fn lapsed_holds(
    db: &mut Read,
    server: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(Tenant, String)>> {
    let alone = db.dialect() == Dialect::Sqlite;
    let rows: Vec<(WorkspaceId, String)> = db
        .all(sql!(
            "SELECT workspace_id, server FROM credit_holds WHERE expires_at <= $1 OR ($2 AND server <> $3) LIMIT 500",
            now,
            alone,
            server
        ))
        .await?;
    Ok(rows.into_iter().map(|(id, server)| (Tenant::new(id), server)).collect())
}
