-- The people that an agent knows.
CREATE TABLE contacts (
    id TEXT PRIMARY KEY, -- 24 characters without a prefix
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    external_reference_id TEXT, -- what another system calls them
    primary_email TEXT NOT NULL,
    email_key TEXT NOT NULL, -- the address folded for comparison
    first_name TEXT,
    last_name TEXT,
    mobile_number TEXT, -- E.164
    gender TEXT,
    stage TEXT,
    status TEXT NOT NULL, -- ACTIVE, INACTIVE, ARCHIVED
    source TEXT NOT NULL, -- CHAT, FORM, MANUAL, IMPORT, API
    owner_id TEXT,
    custom_fields TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    archived_at TEXT
);
CREATE UNIQUE INDEX contacts_reference ON contacts (agent_id, external_reference_id);
CREATE INDEX contacts_email ON contacts (workspace_id, agent_id, email_key);
CREATE INDEX contacts_live ON contacts (workspace_id, agent_id, id) WHERE archived_at IS NULL;
CREATE INDEX contacts_changed ON contacts (workspace_id, agent_id, updated_at) WHERE archived_at IS NULL;

-- Words by which a contact is found, folded.
CREATE TABLE contact_terms (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    term TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    PRIMARY KEY (agent_id, term, contact_id)
) WITHOUT ROWID;

-- How many contacts an agent has: a list of a million is not counted for each of its pages.
CREATE TABLE contact_counts (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    live BIGINT NOT NULL,
    archived BIGINT NOT NULL
);

-- What an agent's contacts are like beyond what all are.
CREATE TABLE contact_settings (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    stages TEXT NOT NULL,
    fields TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE contact_notes (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    contact_id TEXT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    author TEXT NOT NULL, -- as people recognise them
    text TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX contact_notes_contact ON contact_notes (contact_id, id);

-- Files of contacts; the bytes lie in the file store under their hash.
CREATE TABLE contact_files (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    contact_id TEXT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL, -- found by content
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX contact_files_contact ON contact_files (contact_id, id);

-- How many rows name a stored content: the last one takes it along.
CREATE TABLE stored_files (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, sha256)
);

-- Contacts that come in or go out as a table.
CREATE TABLE contact_transfers (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    direction TEXT NOT NULL, -- IMPORT, EXPORT
    status TEXT NOT NULL, -- QUEUED, RUNNING, COMPLETED, FAILED
    error TEXT,
    row_count BIGINT NOT NULL, -- done so far
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    ignored_columns TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    finished_at TEXT
);
CREATE INDEX contact_transfers_agent ON contact_transfers (agent_id, id);

-- Rows of an import that were not taken in, and why.
CREATE TABLE contact_refusals (
    transfer_id TEXT NOT NULL REFERENCES contact_transfers (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    row_number BIGINT NOT NULL, -- of the file, its header is 1
    reasons TEXT NOT NULL,
    PRIMARY KEY (transfer_id, row_number)
);

-- Calls that a client may send again without their happening twice.
CREATE TABLE idempotency_keys (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    key_id TEXT NOT NULL, -- the API key that called
    name TEXT NOT NULL, -- what the client called the request
    request TEXT NOT NULL, -- SHA-256 of what it asked for
    outcome TEXT NOT NULL, -- the id of what was made
    created_at TEXT NOT NULL,
    PRIMARY KEY (workspace_id, key_id, name)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (workspace_id, created_at);

CREATE TABLE forms (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    fields TEXT NOT NULL,
    submit_text TEXT,
    thank_you TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX forms_agent ON forms (agent_id, id);

CREATE TABLE form_submissions (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    form_id TEXT NOT NULL REFERENCES forms (id) ON DELETE CASCADE,
    contact_id TEXT REFERENCES contacts (id) ON DELETE SET NULL,
    answers TEXT NOT NULL,
    page_url TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX form_submissions_form ON form_submissions (form_id, id);
CREATE INDEX form_submissions_contact ON form_submissions (contact_id);

-- Who a visitor turned out to be.
ALTER TABLE conversations ADD COLUMN contact_id TEXT REFERENCES contacts (id) ON DELETE SET NULL;
CREATE INDEX conversations_contact ON conversations (contact_id, id);
