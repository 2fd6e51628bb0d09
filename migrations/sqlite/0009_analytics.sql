-- What happened, added up by agent and channel as events are read, by the days and hours of the workspace's own clock.
CREATE TABLE analytics_days (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    day TEXT NOT NULL, -- 2026-01-25
    agent_id TEXT NOT NULL, -- kept when the agent is gone
    channel TEXT NOT NULL,
    conversations BIGINT NOT NULL, -- that began
    exchanges BIGINT NOT NULL, -- questions with their answers
    answered BIGINT NOT NULL,
    response_ms BIGINT NOT NULL, -- of all exchanges together
    confidence_millionths BIGINT NOT NULL, -- of all exchanges together
    thumbs_up BIGINT NOT NULL, -- of the answers of that day
    thumbs_down BIGINT NOT NULL,
    escalations BIGINT NOT NULL,
    leads BIGINT NOT NULL,
    sittings BIGINT NOT NULL, -- conversations that fell silent
    sitting_seconds BIGINT NOT NULL, -- from first to last message, together
    PRIMARY KEY (workspace_id, day, agent_id, channel)
) WITHOUT ROWID;

CREATE TABLE analytics_hours (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL, -- empty: all agents together
    day TEXT NOT NULL,
    hour BIGINT NOT NULL, -- 0 to 23
    conversations BIGINT NOT NULL,
    exchanges BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, agent_id, day, hour)
) WITHOUT ROWID;

-- Questions of one meaning.
CREATE TABLE topics (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    middle BLOB, -- the sum of its wordings' vectors; none without a model
    asked BIGINT NOT NULL,
    first_asked TEXT NOT NULL,
    last_asked TEXT NOT NULL
);
CREATE INDEX topics_workspace ON topics (workspace_id, id);

CREATE TABLE topic_wordings (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    spelling TEXT NOT NULL, -- SHA-256 of the folded question
    topic_id TEXT NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    wording TEXT NOT NULL,
    asked BIGINT NOT NULL,
    closeness DOUBLE PRECISION NOT NULL, -- cosine to the topic's middle when it came
    PRIMARY KEY (workspace_id, spelling)
);
CREATE INDEX topic_wordings_topic ON topic_wordings (topic_id, asked);

CREATE TABLE topic_days (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL, -- empty: all agents together
    topic_id TEXT NOT NULL,
    day TEXT NOT NULL,
    asked BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    confidence_millionths BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, agent_id, topic_id, day)
) WITHOUT ROWID;

-- The same by week, so that long periods are few rows.
CREATE TABLE topic_weeks (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL, -- empty: all agents together
    topic_id TEXT NOT NULL,
    day TEXT NOT NULL, -- its Monday
    asked BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    confidence_millionths BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, agent_id, topic_id, day)
) WITHOUT ROWID;

-- A question that could not be answered belongs to a topic, may have got an answer, and somebody asked it.
ALTER TABLE unanswered_questions ADD COLUMN topic_id TEXT;
ALTER TABLE unanswered_questions ADD COLUMN resolved_at TEXT;
ALTER TABLE unanswered_questions ADD COLUMN resolved_by TEXT;
ALTER TABLE unanswered_questions ADD COLUMN remedy TEXT; -- the answer that was written, its document, and how it fared
CREATE INDEX unanswered_topic ON unanswered_questions (workspace_id, agent_id, topic_id);
CREATE INDEX unanswered_status ON unanswered_questions (workspace_id, status, occurrences);

CREATE TABLE unanswered_askers (
    workspace_id TEXT NOT NULL,
    unanswered_id TEXT NOT NULL REFERENCES unanswered_questions (id) ON DELETE CASCADE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    told_at TEXT, -- when the answer was sent to them
    PRIMARY KEY (unanswered_id, conversation_id)
);
CREATE INDEX unanswered_askers_conversation ON unanswered_askers (conversation_id);

-- A conversation that goes on after it ended sits a second time.
ALTER TABLE conversations ADD COLUMN sitting_since TEXT;

CREATE INDEX messages_feedback ON messages (workspace_id, id) WHERE feedback IS NOT NULL;
