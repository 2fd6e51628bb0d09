-- Files whose fields are taken out by a JSON Schema.
CREATE TABLE extractions (
    id TEXT PRIMARY KEY, -- and the name under which the file is stored
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    wanted TEXT NOT NULL, -- the JSON Schema
    threshold DOUBLE PRECISION NOT NULL, -- fields that are less sure wait for a person
    status TEXT NOT NULL, -- QUEUED, PROCESSING, COMPLETED, FAILED
    error_code TEXT,
    error_message TEXT, -- why it FAILED
    model TEXT, -- the language model that proposed values
    found TEXT, -- fields, and for each its confidence, page and evidence
    warnings TEXT NOT NULL, -- what was left out or guessed when the file was read
    needs_review BOOLEAN NOT NULL,
    reviewed_by TEXT,
    reviewed_at TEXT,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX extractions_agent ON extractions (workspace_id, agent_id, id);

-- What people have put in the place of extracted values, which stay as they were.
CREATE TABLE extraction_corrections (
    extraction_id TEXT NOT NULL REFERENCES extractions (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    path TEXT NOT NULL, -- total, seller.name, items[0].price
    value TEXT NOT NULL,
    corrected_by TEXT NOT NULL,
    corrected_at TEXT NOT NULL,
    PRIMARY KEY (extraction_id, path)
);
