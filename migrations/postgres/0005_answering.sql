-- Providers of language models that a workspace brings itself.
CREATE TABLE model_providers (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL, -- openai, anthropic
    base_url TEXT NOT NULL,
    api_key TEXT, -- sealed
    models JSONB NOT NULL, -- names that agents use, each with the provider's own
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX model_providers_workspace ON model_providers (workspace_id, id);

-- Every run of an agent: what went in, what came out, and how.
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL, -- the exchange it made
    channel TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    input TEXT NOT NULL,
    asked TEXT, -- the question as it was looked up, when it is not the input
    output TEXT NOT NULL,
    output_format TEXT NOT NULL,
    outcome TEXT NOT NULL, -- answered, fallback, stopped, failed
    reason TEXT, -- why it was not answered
    confidence DOUBLE PRECISION NOT NULL,
    model TEXT NOT NULL,
    attempts JSONB NOT NULL, -- models that were tried before, and why they did not answer
    passages JSONB NOT NULL, -- what was found, with its scores
    tool_calls JSONB NOT NULL,
    claims JSONB NOT NULL, -- the answer's sentences and what supports them
    tokens_input BIGINT NOT NULL,
    tokens_output BIGINT NOT NULL,
    timings JSONB NOT NULL, -- milliseconds by stage
    replay_of TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX executions_agent ON executions (workspace_id, agent_id, id);

-- An action that waits for the visitor's word.
ALTER TABLE conversations ADD COLUMN pending JSONB;

-- Why a version was made.
ALTER TABLE agent_versions ADD COLUMN note TEXT;
