-- What happened, once each, written in the transaction that made it true. Position is the order in which facts were
-- committed: it is given by whoever reads the log, because a number taken while writing may be committed after a
-- greater one.
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of writing
    position BIGINT, -- none until somebody has read on
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- CONVERSATION_STARTED, …
    payload TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_fresh ON events (sequence) WHERE position IS NULL;
CREATE INDEX events_workspace ON events (workspace_id, created_at);
CREATE INDEX events_age ON events (created_at);

-- How far each reader of the log is; the row `log` holds the last position that was given.
CREATE TABLE event_readers (
    name TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);

-- A conversation ends when nothing was said for a while, and goes on when something is.
ALTER TABLE conversations ADD COLUMN ended_at TEXT;
UPDATE conversations SET ended_at = last_message_at;
CREATE INDEX conversations_open ON conversations (last_message_at) WHERE ended_at IS NULL;

-- Addresses that are told of events.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL, -- as events.kind
    naming TEXT NOT NULL, -- how its deliveries name events: upper, dotted
    headers TEXT, -- sealed
    secret TEXT NOT NULL, -- sealed
    former_secret TEXT, -- sealed; signs beside the new one for a while
    former_until TEXT,
    is_active BOOLEAN NOT NULL,
    disabled_reason TEXT, -- why the server switched it off
    failing_since TEXT,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX webhooks_workspace ON webhooks (workspace_id, id);

-- What is sent to them. Claiming a delivery moves next_at beyond the claim, so what was lost comes due again.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL, -- what its receiver tells repetitions by
    event_type TEXT NOT NULL, -- as its webhook names it
    body TEXT NOT NULL,
    status TEXT NOT NULL, -- PENDING, SUCCEEDED, FAILED
    tries BIGINT NOT NULL,
    log TEXT NOT NULL, -- each try: when, how long, what came back
    next_at TEXT NOT NULL,
    replay_of TEXT,
    created_at TEXT NOT NULL,
    finished_at TEXT
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, id) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (workspace_id, webhook_id, id);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
