-- People and how they prove who they are.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE, -- the address folded for comparison
    password_hash TEXT NOT NULL,
    full_name TEXT NOT NULL,
    email_verified BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE email_codes (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    tries BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX email_codes_user ON email_codes (user_id, created_at);

-- Workspaces are the tenants: every table below carries its workspace.
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    owner_id TEXT NOT NULL REFERENCES users (id),
    logo_url TEXT,
    timezone TEXT NOT NULL,
    plan TEXT NOT NULL,
    settings JSONB NOT NULL,
    index_generation BIGINT NOT NULL, -- grows with every change of what can be searched
    erased_at TIMESTAMPTZ, -- set when its owner deletes it; a job then removes what it holds
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE members (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- publishable
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    key_prefix TEXT NOT NULL,
    allowed_domains JSONB NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX api_keys_workspace ON api_keys (workspace_id, id);

-- An agent's settings are one document: the draft that its makers change, and frozen copies that visitors get.
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    agent_type TEXT NOT NULL,
    status TEXT NOT NULL, -- DRAFT, PUBLISHED, ARCHIVED
    settings JSONB NOT NULL, -- the draft
    published_version BIGINT, -- minor number of the published version
    published_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX agents_workspace ON agents (workspace_id, id);

CREATE TABLE agent_versions (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    version BIGINT NOT NULL, -- n is shown as 1.n
    name TEXT NOT NULL,
    settings JSONB NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (agent_id, version)
);

-- Knowledge.
CREATE TABLE collections (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX collections_workspace ON collections (workspace_id, id);

CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    collection_id TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    source_type TEXT NOT NULL, -- FILE
    source_url TEXT,
    file_name TEXT NOT NULL,
    content_hash TEXT NOT NULL, -- SHA-256 of the stored original
    size_bytes BIGINT NOT NULL,
    media_type TEXT,
    status TEXT NOT NULL, -- QUEUED, PROCESSING, COMPLETED, FAILED
    error_code TEXT, -- why it FAILED
    error_message TEXT,
    warnings JSONB NOT NULL,
    stage TEXT, -- what the job is at: extracting, embedding
    pages_done BIGINT NOT NULL,
    pages_total BIGINT,
    language TEXT,
    version BIGINT, -- the version that answers; none until one is whole
    chunk_count BIGINT NOT NULL,
    token_count BIGINT NOT NULL,
    embedding TEXT, -- the model its vectors come from, none when it has none
    indexed_generation BIGINT NOT NULL, -- the workspace's generation when its chunks last changed
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ
);
CREATE INDEX documents_workspace ON documents (workspace_id, id);
CREATE INDEX documents_collection ON documents (collection_id);

CREATE TABLE document_versions (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    content TEXT NOT NULL, -- the extracted text that spans point into
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (document_id, version)
);

CREATE TABLE chunks (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    content TEXT NOT NULL,
    heading TEXT,
    page BIGINT,
    row_number BIGINT,
    char_start BIGINT NOT NULL, -- in characters of the version's content
    token_count BIGINT NOT NULL,
    terms BYTEA NOT NULL, -- analysed terms, as retrieval::TermVector encodes them
    vector BYTEA, -- 384 little-endian f32, none when there was no model
    PRIMARY KEY (document_id, version, ordinal)
);

-- What visitors said and were told.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    channel TEXT NOT NULL, -- widget, test
    session_id TEXT NOT NULL,
    page_url TEXT,
    message_count BIGINT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    last_message_at TIMESTAMPTZ NOT NULL,
    UNIQUE (agent_id, channel, session_id)
);
CREATE INDEX conversations_workspace ON conversations (workspace_id, id);

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered BOOLEAN NOT NULL, -- false when the fallback message was given
    confidence DOUBLE PRECISION NOT NULL,
    model TEXT NOT NULL,
    degraded BOOLEAN NOT NULL, -- the configured model failed and the extractive one stepped in
    agent_version TEXT NOT NULL,
    sources JSONB NOT NULL,
    response_time_ms BIGINT NOT NULL,
    feedback TEXT, -- THUMBS_UP, THUMBS_DOWN
    feedback_comment TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX messages_conversation ON messages (conversation_id, id);
CREATE INDEX messages_workspace ON messages (workspace_id, id);

CREATE TABLE unanswered_questions (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    question_key TEXT NOT NULL, -- the question folded for comparison
    occurrences BIGINT NOT NULL,
    status TEXT NOT NULL, -- OPEN
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    UNIQUE (workspace_id, agent_id, question_key)
);

CREATE TABLE escalations (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    email TEXT NOT NULL,
    message TEXT NOT NULL,
    status TEXT NOT NULL, -- OPEN
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX escalations_workspace ON escalations (workspace_id, id);

-- Work that must happen once the change that asked for it is committed. A worker holds a job by a lease.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    workspace_id TEXT,
    kind TEXT NOT NULL,
    payload JSONB NOT NULL,
    status TEXT NOT NULL, -- QUEUED, RUNNING, DEAD; a job that is done is deleted
    attempts BIGINT NOT NULL,
    run_at TIMESTAMPTZ NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMPTZ,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX jobs_due ON jobs (status, run_at);
CREATE INDEX jobs_lease ON jobs (status, lease_until);
