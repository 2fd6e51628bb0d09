-- Accounts that may be used before their address is proven, and second factors.
ALTER TABLE users ADD COLUMN registered BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN totp_secret TEXT; -- sealed
ALTER TABLE users ADD COLUMN totp_confirmed BOOLEAN NOT NULL DEFAULT FALSE; -- logins need it
ALTER TABLE users ADD COLUMN totp_step BIGINT; -- the last step a code was taken for

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    used_at TEXT,
    PRIMARY KEY (user_id, code_hash)
);

-- Links that were mailed and not used yet.
CREATE TABLE mail_links (
    token_hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL, -- verify, reset
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX mail_links_user ON mail_links (user_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT,
    user_agent TEXT,
    created_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);

-- A session's refresh tokens, the used ones too: one that comes again ends the session.
CREATE TABLE refresh_tokens (
    token_hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    invited_by TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (workspace_id, email_key) -- who is invited again gets a new link
);

CREATE TABLE outlets (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    address TEXT,
    phone TEXT,
    email TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX outlets_workspace ON outlets (workspace_id, id);

-- Keys of every kind: publishable, account, open.
ALTER TABLE api_keys ADD COLUMN permissions TEXT; -- account: a list; open: actions by resource
ALTER TABLE api_keys ADD COLUMN agent_id TEXT REFERENCES agents (id) ON DELETE CASCADE; -- open
ALTER TABLE api_keys ADD COLUMN secret_hash TEXT; -- open
ALTER TABLE api_keys ADD COLUMN description TEXT;
ALTER TABLE api_keys ADD COLUMN rate_per_minute BIGINT; -- open
ALTER TABLE api_keys ADD COLUMN rate_per_hour BIGINT; -- open
ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT; -- open: addresses and networks
ALTER TABLE api_keys ADD COLUMN expires_at TEXT;

-- Who did what to what. Rows are only ever added; they go when their workspace is erased.
CREATE TABLE audit_log (
    id TEXT PRIMARY KEY,
    workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE, -- none for what concerns a person
    user_id TEXT,
    key_id TEXT,
    actor TEXT NOT NULL, -- as people recognise them: a mail address, the name of a key
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    details TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX audit_log_workspace ON audit_log (workspace_id, id);
CREATE INDEX audit_log_user ON audit_log (user_id, id);
