-- What a publishable key may cost: questions a day after which answers get cheaper; none is without end.
ALTER TABLE api_keys ADD COLUMN daily_messages BIGINT;

-- By what sites prove who their visitors are; sealed.
ALTER TABLE workspaces ADD COLUMN identity_secret TEXT;

-- Questions of visitors by what let them in, and day.
CREATE TABLE visitor_days (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    counted_as TEXT NOT NULL, -- the key; the agent, where its id or its share page let them in
    day TEXT NOT NULL, -- in UTC
    messages BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, counted_as, day)
);

-- The session of a visitor who is known to an agent: on each of their devices it is the same.
CREATE TABLE visitor_sessions (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    identity TEXT NOT NULL, -- user: and the site's id, or contact: and ours
    workspace_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (agent_id, identity)
);

-- Codes mailed to contacts who sign in to a restricted agent.
CREATE TABLE visitor_codes (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    contact_id TEXT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    tries BIGINT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX visitor_codes_contact ON visitor_codes (contact_id, created_at);

-- What visitors attached to their questions: the text of the files, not the files.
CREATE TABLE visitor_files (
    id TEXT PRIMARY KEY, -- a document's id, as answers cite it
    workspace_id TEXT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    content TEXT NOT NULL,
    sections TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX visitor_files_session ON visitor_files (agent_id, session_id, id);
CREATE INDEX visitor_files_age ON visitor_files (created_at);

-- The names of the files that came with a question.
ALTER TABLE messages ADD COLUMN files TEXT;
