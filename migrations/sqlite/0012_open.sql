-- Contacts that are made or completed with what a document says.
ALTER TABLE extractions ADD COLUMN target TEXT; -- which contact, and which of its fields get which values
ALTER TABLE extractions ADD COLUMN contact_id TEXT REFERENCES contacts (id) ON DELETE SET NULL; -- who got them
ALTER TABLE extractions ADD COLUMN contact_problem TEXT; -- why nobody did
CREATE INDEX extractions_contact ON extractions (contact_id);

-- By what a contact is filtered stands among its words, behind a character that no word has, while the contact is
-- listed; so does the status of one that was put away. How many have it is kept.
CREATE TABLE contact_facets (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    facet TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    contacts BIGINT NOT NULL,
    PRIMARY KEY (agent_id, facet)
) WITHOUT ROWID;

-- Listed contacts by stretches of their ids, each up to the next one's beginning: a page far down a list of a million
-- begins near its first row.
CREATE TABLE contact_stretches (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    first_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    live BIGINT NOT NULL,
    PRIMARY KEY (agent_id, first_id)
) WITHOUT ROWID;

-- All words of a contact, each behind a space.
ALTER TABLE contacts ADD COLUMN words TEXT NOT NULL DEFAULT '';

DROP INDEX contacts_email;
DROP INDEX contacts_changed;
CREATE INDEX contacts_email ON contacts (workspace_id, agent_id, email_key, id) WHERE archived_at IS NULL;
CREATE INDEX contacts_changed ON contacts (workspace_id, agent_id, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX contacts_made ON contacts (workspace_id, agent_id, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX contacts_name ON contacts (workspace_id, agent_id, last_name, id) WHERE archived_at IS NULL;

UPDATE contacts SET words = coalesce(
    (SELECT ' ' || group_concat(t.term, ' ') FROM contact_terms t WHERE t.agent_id = contacts.agent_id AND t.contact_id = contacts.id), '');
INSERT INTO contact_terms (agent_id, term, contact_id, workspace_id)
    SELECT agent_id, char(1) || 'status=' || status, id, workspace_id FROM contacts
    UNION ALL SELECT agent_id, char(1) || 'source=' || source, id, workspace_id FROM contacts WHERE archived_at IS NULL
    UNION ALL SELECT agent_id, char(1) || 'stage=' || stage, id, workspace_id FROM contacts
        WHERE archived_at IS NULL AND stage IS NOT NULL
    UNION ALL SELECT agent_id, char(1) || 'ownerId=' || owner_id, id, workspace_id FROM contacts
        WHERE archived_at IS NULL AND owner_id IS NOT NULL
    UNION ALL SELECT c.agent_id, char(1) || 'customFields.' || f.key || '=' ||
            CASE f.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE f.value END, c.id, c.workspace_id
        FROM contacts c, json_each(c.custom_fields) f WHERE c.archived_at IS NULL AND length(f.value) <= 100;
INSERT INTO contact_facets (agent_id, facet, workspace_id, contacts)
    SELECT agent_id, term, workspace_id, count(*) FROM contact_terms WHERE term >= char(1) AND term < char(2)
    GROUP BY agent_id, term, workspace_id;
INSERT INTO contact_stretches (agent_id, first_id, workspace_id, live)
    SELECT agent_id, '', workspace_id, live FROM contact_counts;
