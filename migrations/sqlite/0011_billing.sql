-- What a workspace has subscribed to, and the period that counts now. Its plan stands in workspaces.plan.
CREATE TABLE subscriptions (
    workspace_id TEXT PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    status TEXT NOT NULL, -- active, past_due
    anchor TEXT NOT NULL, -- periods are whole months from here
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    granted BIGINT NOT NULL, -- this period's grant, in thousandths of a credit
    spent_before BIGINT NOT NULL, -- what had been spent when it began
    next_plan TEXT, -- what follows when the period ends, if not the same
    customer TEXT, -- the provider's ids
    provider_subscription TEXT,
    provider_item TEXT,
    provider_seen_at TEXT, -- when the newest event that counts was made
    buyer TEXT NOT NULL, -- whom invoices are for
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX subscriptions_due ON subscriptions (period_end);
CREATE INDEX subscriptions_customer ON subscriptions (customer);

-- Credits, in thousandths, by double entry. The entries of a transaction sum to zero, so all accounts of a workspace do.
CREATE TABLE ledger_transactions (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- grant, topup, expiry, hold, release, spend
    reference TEXT NOT NULL, -- what caused it: an execution, a purchase, a period, a server
    created_at TEXT NOT NULL
);
CREATE INDEX ledger_transactions_workspace ON ledger_transactions (workspace_id, id);
CREATE TABLE ledger_entries (
    transaction_id TEXT NOT NULL REFERENCES ledger_transactions (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    account TEXT NOT NULL, -- issued, available, held, spent
    amount BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, account)
);
CREATE TABLE ledger_accounts (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    balance BIGINT NOT NULL, -- the sum of its entries
    PRIMARY KEY (workspace_id, account)
);

-- What each server holds of a workspace's credits, for runs to come. One that is not renewed goes back.
CREATE TABLE credit_holds (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    server TEXT NOT NULL,
    amount BIGINT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (workspace_id, server)
);
CREATE INDEX credit_holds_due ON credit_holds (expires_at);

-- Credits that were bought, or are being bought. Amounts are in the least unit of the currency.
CREATE TABLE credit_purchases (
    id TEXT PRIMARY KEY, -- also of its transaction in the ledger
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    credits BIGINT NOT NULL, -- whole ones
    net BIGINT NOT NULL,
    tax_rate BIGINT NOT NULL, -- hundredths of a per cent
    total BIGINT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL, -- pending, settled, failed
    provider TEXT NOT NULL,
    provider_id TEXT, -- what the provider calls the payment
    url TEXT, -- where it is paid, when a person must
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    settled_at TEXT
);
CREATE UNIQUE INDEX credit_purchases_provider ON credit_purchases (provider, provider_id);
CREATE INDEX credit_purchases_workspace ON credit_purchases (workspace_id, id);

-- What was used, by the hour. An agent or key that there is none of is ''.
CREATE TABLE usage_hours (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    hour TEXT NOT NULL,
    operation TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    requests BIGINT NOT NULL,
    tokens_input BIGINT NOT NULL,
    tokens_output BIGINT NOT NULL,
    credits BIGINT NOT NULL, -- thousandths
    PRIMARY KEY (workspace_id, hour, operation, agent_id, key_id, model)
);

CREATE INDEX contact_files_workspace ON contact_files (workspace_id);

-- Which limits a workspace's owner was told of.
CREATE TABLE limit_warnings (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    limit_name TEXT NOT NULL,
    period_start TEXT NOT NULL,
    percent BIGINT NOT NULL, -- 80, 100
    created_at TEXT NOT NULL,
    PRIMARY KEY (workspace_id, limit_name, period_start, percent)
);

-- Invoices outlive their workspace: the law wants them kept. Numbers have no gaps: they are taken from the series in
-- the transaction of the invoice.
CREATE TABLE invoice_series (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
CREATE TABLE invoices (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    number BIGINT NOT NULL UNIQUE,
    label TEXT NOT NULL, -- the number as it is printed
    status TEXT NOT NULL, -- paid
    currency TEXT NOT NULL,
    lines TEXT NOT NULL, -- description, quantity, net
    net BIGINT NOT NULL,
    tax_rate BIGINT NOT NULL, -- hundredths of a per cent
    tax BIGINT NOT NULL,
    total BIGINT NOT NULL,
    note TEXT, -- why there is no tax
    seller TEXT NOT NULL,
    buyer TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE, -- what was paid: a purchase, a provider's invoice
    created_at TEXT NOT NULL
);
CREATE INDEX invoices_workspace ON invoices (workspace_id, id);

-- What people pay by.
CREATE TABLE payment_methods (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    type TEXT NOT NULL, -- card, …
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    expires TEXT, -- month/year of a card
    is_default BOOLEAN NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (provider, provider_id)
);
CREATE INDEX payment_methods_workspace ON payment_methods (workspace_id, id);

-- Events of providers that were dealt with, so that one that comes again does nothing.
CREATE TABLE provider_events (
    id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL
);
CREATE INDEX provider_events_age ON provider_events (created_at);

-- What a run cost.
ALTER TABLE executions ADD COLUMN credits BIGINT NOT NULL DEFAULT 0; -- thousandths
ALTER TABLE executions ADD COLUMN cost BIGINT NOT NULL DEFAULT 0; -- millionths of the currency
ALTER TABLE executions ADD COLUMN key_id TEXT; -- the key by which it was asked for
